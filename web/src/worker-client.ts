/**
 * The page's end of the worker: sends calls, matches replies to them, passes events on, and notices when the worker
 * crashes.
 *
 * At most {@link CALLS_PENDING_MAX} calls are pending. While the page is suspended there may be no worker; a worker
 * that is {@link WorkerClient.attach attached} later gets the pending calls again (so a call may be executed twice).
 * The client ends once (stopped, crashed, never loaded): every pending call is rejected with the same error, and later
 * calls at once.
 *
 * @module
 */

import { HeadlightError } from './errors.js';
import type { Calls, ErrorInfo, FromWorker, Hint, Started, StartOptions, ToWorker, WorkerEvent } from './messages.js';

/** Most pending calls. The worker's queue has the same length. */
export const CALLS_PENDING_MAX = 1_024;

/**
 * Longest time from `start` to its reply: loading script and wasm over a slow line, then the worker's own limits for
 * lock, database and first read, 40 seconds together. A script that never arrives fires no event.
 */
export const START_WAIT_MAX_MS = 120_000;

interface Pending {
  /** Sent again to the next worker; absent for `start`, which is different for each worker. */
  message?: ToWorker;
  resolve(value: unknown): void;
  reject(error: HeadlightError): void;
}

/** Callbacks of the owner of a {@link WorkerClient}. */
export interface WorkerListener {
  /** An event of the worker. */
  onEvent(event: WorkerEvent): void;
  /** The worker crashed or could not be loaded; called at most once, and not after {@link WorkerClient.end}. */
  onCrash(error: HeadlightError): void;
}

/** At most one worker, and the pending calls. */
export class WorkerClient {
  readonly #listener: WorkerListener;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  /** Runs until the reply to `start`. */
  #startTimer: ReturnType<typeof setTimeout> | undefined;
  #nextId = 0;
  #ended: HeadlightError | undefined;

  constructor(listener: WorkerListener) {
    this.#listener = listener;
  }

  /**
   * Listens to this worker, sends it `start` and then every pending call. `rtcPort` leads to the broker of this page.
   * The promise stays pending if the worker is detached first.
   */
  attach(worker: Worker, options: StartOptions, rtcPort: MessagePort): Promise<Started> {
    this.detach();
    this.#worker = worker;
    worker.addEventListener('message', this.#onMessage);
    worker.addEventListener('messageerror', this.#onMessageError);
    worker.addEventListener('error', this.#onError);
    const waiting = [...this.#pending.values()];
    const id = this.#nextId++;
    const started = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
    });
    const seconds = START_WAIT_MAX_MS / 1_000;
    this.#startTimer = setTimeout(() => this.#crash(`it did not start within ${seconds} seconds`), START_WAIT_MAX_MS);
    this.#post({ type: 'start', id, options, rtcPort }, [rtcPort]);
    for (const { message } of waiting) if (message !== undefined) this.#post(message);
    return started as Promise<Started>;
  }

  /** Ends the worker at once. Pending calls wait for the next worker. */
  detach(): void {
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#worker = undefined;
    clearTimeout(this.#startTimer);
    worker.removeEventListener('message', this.#onMessage);
    worker.removeEventListener('messageerror', this.#onMessageError);
    worker.removeEventListener('error', this.#onError);
    worker.terminate();
    for (const [id, { message }] of this.#pending) if (message === undefined) this.#pending.delete(id);
  }

  get attached(): boolean {
    return this.#worker !== undefined;
  }

  call<M extends keyof Calls>(method: M, ...args: Calls[M]['args']): Promise<Calls[M]['value']> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (this.#pending.size >= CALLS_PENDING_MAX) {
      return Promise.reject(new HeadlightError('busy', `${CALLS_PENDING_MAX} calls are pending already`));
    }
    const id = this.#nextId++;
    // A type parameter does not narrow the union of `ToWorker`; the signature above keeps method and args together.
    const message = { type: 'call', id, method, args } as ToWorker;
    return new Promise<unknown>((resolve, reject) => {
      this.#post(message);
      this.#pending.set(id, { message, resolve, reject });
    }) as Promise<Calls[M]['value']>;
  }

  /** Sends the worker a change that only the page can see. */
  hint(hint: Hint): void {
    this.#post({ type: 'hint', hint });
  }

  /** Ends the worker now; rejects every pending and later call with `reason`. */
  end(reason: HeadlightError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    const waiting = [...this.#pending.values()];
    this.detach();
    this.#pending.clear();
    for (const pending of waiting) pending.reject(reason);
  }

  #post(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker?.postMessage(message, transfer);
  }

  readonly #onMessage = ({ data }: MessageEvent<FromWorker>): void => {
    if (data.type === 'event') return this.#listener.onEvent(data.event);
    if (data.type === 'crashed') return this.#crash(data.message);
    if (data.type !== 'reply') return;
    const pending = this.#pending.get(data.id);
    this.#pending.delete(data.id);
    // Only `start` has no message to send again.
    if (pending !== undefined && pending.message === undefined) clearTimeout(this.#startTimer);
    if (data.ok) pending?.resolve(data.value);
    else pending?.reject(toError(data.error));
  };

  readonly #onMessageError = (): void => this.#crash('a message of the worker cannot be read');

  /** An uncaught exception in the worker, or a script that could not be loaded (then there is no message). */
  readonly #onError = (event: ErrorEvent | Event): void => {
    event.preventDefault();
    const message = 'message' in event ? event.message : '';
    this.#crash(
      message ||
        'its script could not be loaded. Is it where the page looks for it, and does the content security policy ' +
          "allow it? With Vite 7 or older, `vite dev` needs 'headlight' in optimizeDeps.exclude",
    );
  };

  #crash(why: string): void {
    if (this.#ended !== undefined) return;
    const error = new HeadlightError('worker-failed', `the worker failed: ${why}`);
    this.end(error);
    this.#listener.onCrash(error);
  }
}

/** Converts an error from a message. */
export function toError(info: ErrorInfo): HeadlightError {
  return new HeadlightError(info.code, info.message, info.details);
}
