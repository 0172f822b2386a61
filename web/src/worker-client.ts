/**
 * The page's end of the worker: sends calls, matches replies to them, hands on events, notices when the worker dies.
 *
 * At most {@link CALLS_PENDING_MAX} calls wait at a time. However the worker ends (stopped, crashed, never loaded), it
 * ends once: every waiting call is rejected with the same error, and later calls at once.
 *
 * @module
 */

import { HeadlightError } from './errors.js';
import type { Calls, ErrorInfo, FromWorker, Hint, Started, StartOptions, ToWorker, WorkerEvent } from './messages.js';

/** Unanswered calls at most. */
export const CALLS_PENDING_MAX = 1_024;

interface Pending {
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

/** One worker and the calls that it has not answered yet. */
export class WorkerClient {
  readonly #worker: Worker;
  readonly #listener: WorkerListener;
  readonly #pending = new Map<number, Pending>();
  #nextId = 0;
  #ended: HeadlightError | undefined;

  constructor(worker: Worker, listener: WorkerListener) {
    this.#worker = worker;
    this.#listener = listener;
    worker.addEventListener('message', this.#onMessage);
    worker.addEventListener('messageerror', this.#onMessageError);
    worker.addEventListener('error', this.#onError);
  }

  /** Sends `start`; `rtcPort` leads to the broker of this page. */
  start(options: StartOptions, rtcPort: MessagePort): Promise<Started> {
    const send = (id: number) => this.#post({ type: 'start', id, options, rtcPort }, [rtcPort]);
    return this.#ask(send) as Promise<Started>;
  }

  /** Calls a method of the worker. */
  call<M extends keyof Calls>(method: M, ...args: Calls[M]['args']): Promise<Calls[M]['value']> {
    // A type parameter does not narrow the union of `ToWorker`; the signature above keeps method and args together.
    const send = (id: number) => this.#post({ type: 'call', id, method, args } as ToWorker, []);
    return this.#ask(send) as Promise<Calls[M]['value']>;
  }

  /** Tells the worker what only a page can see. */
  hint(hint: Hint): void {
    if (this.#ended === undefined) this.#post({ type: 'hint', hint }, []);
  }

  /** Ends the worker now; every waiting and every later call is rejected with `reason`. */
  end(reason: HeadlightError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#worker.removeEventListener('message', this.#onMessage);
    this.#worker.removeEventListener('messageerror', this.#onMessageError);
    this.#worker.removeEventListener('error', this.#onError);
    this.#worker.terminate();
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const pending of waiting) pending.reject(reason);
  }

  #ask(send: (id: number) => void): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (this.#pending.size >= CALLS_PENDING_MAX) {
      return Promise.reject(new HeadlightError('busy', `${CALLS_PENDING_MAX} calls are waiting already`));
    }
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      try {
        send(id);
      } catch (error) {
        this.#pending.delete(id);
        throw error;
      }
    });
  }

  #post(message: ToWorker, transfer: Transferable[]): void {
    this.#worker.postMessage(message, transfer);
  }

  readonly #onMessage = ({ data }: MessageEvent<FromWorker>): void => {
    if (data.type === 'event') return this.#listener.onEvent(data.event);
    if (data.type === 'crashed') return this.#crash(data.message);
    if (data.type !== 'reply') return;
    const pending = this.#pending.get(data.id);
    this.#pending.delete(data.id);
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
