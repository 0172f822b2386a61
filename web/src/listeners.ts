/**
 * The listeners of one sync. An error thrown by a listener does not stop the other listeners or the sync: it is
 * reported as an uncaught error.
 *
 * @module
 */

import type { SyncEvents } from './types.js';

type Listener<T> = (event: T) => void;

export class Listeners {
  readonly #byType = new Map<keyof SyncEvents, Set<Listener<never>>>();

  /** Adds a listener; the returned function removes it. A function added twice is called twice. */
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
