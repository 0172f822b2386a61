/**
 * Who wants to hear of what. A listener that throws harms neither the others nor the sync: its error is reported as
 * uncaught, which is what it is.
 *
 * @module
 */

import type { SyncEvents } from './types.js';

type Listener<T> = (event: T) => void;

/** The listeners of one sync. */
export class Listeners {
  readonly #byType = new Map<keyof SyncEvents, Set<Listener<never>>>();

  /** Adds a listener; the returned function removes it. One function added twice is called twice. */
  on<T extends keyof SyncEvents>(type: T, listener: Listener<SyncEvents[T]>): () => void {
    const entry: Listener<SyncEvents[T]> = (event) => listener(event);
    const listeners = this.#byType.get(type) ?? new Set();
    this.#byType.set(type, listeners);
    listeners.add(entry);
    return () => void listeners.delete(entry);
  }

  /** Calls every listener of this type. */
  emit<T extends keyof SyncEvents>(type: T, event: SyncEvents[T]): void {
    for (const listener of [...(this.#byType.get(type) ?? [])]) {
      try {
        (listener as Listener<SyncEvents[T]>)(event);
      } catch (error) {
        reportError(error);
      }
    }
  }
}
