/**
 * The page's end of the worker: sends calls, matches replies to them, hands on events, notices when the worker dies.
 *
 * At most {@link CALLS_PENDING_MAX} calls wait at a time. The worker may be put away while the page is suspended, and
 * another {@link WorkerClient.attach attached} later: calls that wait are sent to that one again (so each call may be done
 * twice). However the client ends (stopped, crashed, never loaded), it ends once: every waiting call is rejected with the
 * same error, and later calls at once.
 *
 * @module
 */

import { HeadlightError } from './errors.js';
import type { Calls, ErrorInfo, FromWorker, Hint, Started, StartOptions, ToWorker, WorkerEvent } from './messages.js';

/** Unanswered calls at most. The worker's queue has room for as many. */
export const CALLS_PENDING_MAX = 1_024;

/**
 * Longest time from `start` to its reply: script and wasm over a slow line, then the worker's own limits for lock, database
 * and first read, 40 seconds together. A script that never arrives raises no event.
 */
export const START_WAIT_MAX_MS = 120_000;

interface Pending {
  /** Sent again to the next worker; absent for `start`, which each worker has of its own. */
  message?: ToWorker;
  resolve(value: unknown): void;
  reject(error: HeadlightError): void;
}

/** What the owner of a {@link WorkerClient} is told. */
export interface WorkerListener {
  /** Something happened in the worker. */
  onEvent(event: WorkerEvent): void;
  /** The worker crashed or could not be loaded; called at most once, and not after {@link WorkerClient.end}. */
  onCrash(error: HeadlightError): void;
}

/** One worker at a time, and the calls that it has not answered yet. */
export class WorkerClient {
  readonly #listener: WorkerListener;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  /** Runs until `start` is answered. */
  #startTimer: ReturnType<typeof setTimeout> | undefined;
  #nextId = 0;
  #ended: HeadlightError | undefined;

  constructor(listener: WorkerListener) {
    this.#listener = listener;
  }

  /**
   * Listens to this worker, sends it `start` and then every call that waits. `rtcPort` leads to the broker of this page.
   * The promise does not settle when the worker is put away first.
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

  /** Ends the worker at once. Calls wait for the next one. */
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

  /** Whether a worker is attached. */
  get attached(): boolean {
    return this.#worker !== undefined;
  }

  /** Calls a method of the worker. */
  call<M extends keyof Calls>(method: M, ...args: Calls[M]['args']): Promise<Calls[M]['value']> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (this.#pending.size >= CALLS_PENDING_MAX) {
      return Promise.reject(new HeadlightError('busy', `${CALLS_PENDING_MAX} calls are waiting already`));
    }
    const id = this.#nextId++;
    // A type parameter does not narrow the union of `ToWorker`; the signature above keeps method and args together.
    const message = { type: 'call', id, method, args } as ToWorker;
    return new Promise<unknown>((resolve, reject) => {
      this.#post(message);
      this.#pending.set(id, { message, resolve, reject });
    }) as Promise<Calls[M]['value']>;
  }

  /** Tells the worker what only a page can see. */
  hint(hint: Hint): void {
    this.#post({ type: 'hint', hint });
  }

  /** Ends the worker now; every waiting and every later call is rejected with `reason`. */
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
    // The one request without a message to send again is `start`.
    if (pending !== undefined && pending.message === undefined) clearTimeout(this.#startTimer);
    if (data.ok) pending?.resolve(data.value);
    else pending?.reject(toError(data.error));
  };

  readonly #onMessageError = (): void => this.#crash('a message of the worker could not be read');

  /** An exception that nobody caught in there, or a script that could not be loaded (then there is no message). */
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

/** An error that crossed the port. */
export function toError(info: ErrorInfo): HeadlightError {
  return new HeadlightError(info.code, info.message, info.details);
}
