/**
 * The handle of a running sync: turns calls into messages and the worker's events into `progress`, `synced` and
 * listeners. It holds no chain data; the worker and its store do.
 *
 * A sync ends once: by `stop()`, by an `error` event with state `failed`, or by a crash of the worker. Then the worker
 * and every connection are closed, waiting calls are rejected, and `progress.state` says which it was.
 *
 * @module
 */

import { badOption, HeadlightError } from './errors.js';
import { StoredHeader, unpack } from './header.js';
import { Listeners } from './listeners.js';
import type { Started, StartOptions, WorkerEvent } from './messages.js';
import { checkCount, checkHash, checkMultiaddr } from './options.js';
import { RtcBroker } from './rtc-broker.js';
import type { BlockRef, Hash, PeerInfo, Progress, SyncEvents, SyncHandle, SyncState, SyncStats } from './types.js';
import { toError, WorkerClient } from './worker-client.js';

/** How long a worker may take to close its store and connections before it is ended from outside. */
export const STOP_TIMEOUT_MS = 5_000;

const OPENING: Progress = {
  state: 'opening',
  floor: 0,
  total: 0,
  stored: 0,
  staged: 0,
  percent: 0,
  headersPerSecond: 0,
  bytesReceived: 0,
  bytesPerSecond: 0,
  memoryBytes: 0,
  wasmMemoryBytes: 0,
  ranges: [],
  peers: [],
};

/** One sync in one worker. Built by `startSync`. */
export class Sync implements SyncHandle {
  readonly synced: Promise<BlockRef>;
  readonly #listeners = new Listeners();
  readonly #client: WorkerClient;
  readonly #broker: RtcBroker;
  readonly #rtcPort: MessagePort;
  #progress = OPENING;
  #storage = '';
  #stopping: Promise<void> | undefined;
  #ended = false;
  /** Of the last `error` event: the reason, when the sync then fails. */
  #lastError: HeadlightError | undefined;
  #settleSynced!: { resolve(head: BlockRef): void; reject(error: HeadlightError): void };

  constructor(worker: Worker, onProgress?: (progress: Progress) => void) {
    this.synced = new Promise((resolve, reject) => {
      this.#settleSynced = { resolve, reject };
    });
    // Nobody has to wait for `synced`: a sync that is stopped must not show as an unhandled rejection.
    this.synced.catch(() => {});
    if (onProgress !== undefined) this.on('progress', onProgress);
    const { port1, port2 } = new MessageChannel();
    this.#broker = new RtcBroker(port1);
    this.#rtcPort = port2;
    this.#client = new WorkerClient(worker, {
      onEvent: (event) => this.#onEvent(event),
      onCrash: (error) => this.#fail(error),
    });
    globalThis.addEventListener?.('online', this.#onOnline);
    globalThis.document?.addEventListener('visibilitychange', this.#onVisibility);
  }

  /** Starts the worker; resolves when the store is open. When it rejects, everything is closed again. */
  async open(options: StartOptions): Promise<void> {
    try {
      const started: Started = await this.#client.start(options, this.#rtcPort);
      this.#storage = started.storage;
    } catch (error) {
      const why = error instanceof HeadlightError ? error : new HeadlightError('internal', String(error));
      this.#fail(why);
      throw why;
    }
  }

  get progress(): Progress {
    return this.#progress;
  }

  get storage(): string {
    return this.#storage;
  }

  on<T extends keyof SyncEvents>(type: T, listener: (event: SyncEvents[T]) => void): () => void {
    if (typeof listener !== 'function') throw badOption('listener', 'a function', listener);
    return this.#listeners.on(type, listener);
  }

  async getHeader(numberOrHash: number | Hash): Promise<StoredHeader | undefined> {
    const key =
      typeof numberOrHash === 'number' ? checkCount('number', numberOrHash) : checkHash('number or hash', numberOrHash);
    const record = await this.#client.call('getHeader', key);
    return record === undefined ? undefined : new StoredHeader(record);
  }

  async *getHeaders(from: number, to: number): AsyncGenerator<StoredHeader, void, undefined> {
    checkCount('from', from);
    checkCount('to', to);
    const ask = (first: number) => {
      if (first > to) return undefined;
      const piece = this.#client.call('getHeaders', first, to);
      // Seen again when it is awaited; until then a rejection must not count as unhandled.
      piece.catch(() => {});
      return piece;
    };
    for (let next = ask(from); next !== undefined; ) {
      const piece = await next;
      if (piece === undefined || piece.lengths.length === 0) return;
      next = ask(piece.first + piece.lengths.length);
      yield* unpack(piece);
    }
  }

  peers(): Promise<PeerInfo[]> {
    return this.#client.call('peers');
  }

  async addPeer(multiaddr: string): Promise<void> {
    await this.#client.call('addPeer', checkMultiaddr('multiaddr', multiaddr));
  }

  /**
   * Peers out of a peer list.
   *
   * @internal
   */
  async addListed(multiaddrs: string[]): Promise<void> {
    await this.#client.call('addListedPeers', multiaddrs);
  }

  /**
   * Tells the listeners of something that happened on the page's side.
   *
   * @internal
   */
  report<T extends keyof SyncEvents>(type: T, event: SyncEvents[T]): void {
    if (!this.#ended) this.#listeners.emit(type, event);
  }

  pause(): Promise<void> {
    return this.#client.call('pause');
  }

  resume(): Promise<void> {
    return this.#client.call('resume');
  }

  clear(): Promise<void> {
    return this.#client.call('clear');
  }

  stats(): Promise<SyncStats> {
    return this.#client.call('stats');
  }

  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async #stop(): Promise<void> {
    if (this.#ended) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STOP_TIMEOUT_MS);
    });
    try {
      // Whether it closed in time, too late or with an error: below it is ended in any case.
      await Promise.race([this.#client.call('stop').catch(() => {}), late]);
    } finally {
      clearTimeout(timer);
      this.#end('stopped', new HeadlightError('stopped', 'the sync was stopped'));
    }
  }

  #onEvent(event: WorkerEvent): void {
    const listeners = this.#listeners;
    switch (event.type) {
      case 'progress':
        this.#progress = event.progress;
        listeners.emit('progress', event.progress);
        break;
      case 'state':
        if (event.state === 'failed') {
          // Tells the listeners by itself, once the worker is closed.
          this.#fail(this.#lastError ?? new HeadlightError('worker-failed', 'the sync failed'));
          break;
        }
        // The worker's last word; `#end` tells it once all is closed.
        if (event.state === 'stopped') break;
        listeners.emit('state', event.stall ? { state: event.state, stall: event.stall } : { state: event.state });
        break;
      case 'synced': {
        const head = { number: event.number, hash: event.hash };
        this.#settleSynced.resolve(head);
        listeners.emit('synced', head);
        break;
      }
      case 'error':
        this.#lastError = toError(event);
        listeners.emit('error', this.#lastError);
        break;
      default: {
        const { type, ...content } = event;
        // Each of the other events is handed on as it is; `messages.ts` and `SyncEvents` give them the same fields.
        listeners.emit(type, content as never);
      }
    }
  }

  /** The sync is over, and not because the page wanted it. */
  #fail(error: HeadlightError): void {
    if (this.#ended) return;
    const told = this.#lastError === error;
    this.#end('failed', error);
    if (!told) this.#listeners.emit('error', error);
  }

  #end(state: SyncState, reason: HeadlightError): void {
    if (this.#ended) return;
    this.#ended = true;
    globalThis.removeEventListener?.('online', this.#onOnline);
    globalThis.document?.removeEventListener('visibilitychange', this.#onVisibility);
    this.#client.end(reason);
    this.#broker.close();
    this.#settleSynced.reject(reason);
    const { stall: _, etaSeconds: __, ...last } = this.#progress;
    this.#progress = { ...last, state, headersPerSecond: 0, bytesPerSecond: 0 };
    this.#listeners.emit('progress', this.#progress);
    this.#listeners.emit('state', { state });
  }

  readonly #onOnline = (): void => this.#client.hint('online');

  readonly #onVisibility = (): void => {
    if (document.visibilityState === 'visible') this.#client.hint('visible');
  };
}
