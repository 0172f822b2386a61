/**
 * The handle of a running sync: sends calls as messages and turns the worker's events into `progress`, `synced` and
 * listener calls. It holds no chain data; the worker and its store do.
 *
 * A sync ends once: by `stop()`, when its page closes, by an `error` event with state `failed`, or by a crash of the
 * worker. Then the worker and every connection are closed, pending calls are rejected, and `progress.state` gives the
 * reason.
 *
 * @module
 */

import { badOption, HeadlightError } from './errors.js';
import { StoredHeader, unpack } from './header.js';
import { Listeners } from './listeners.js';
import type { StartOptions, WorkerEvent } from './messages.js';
import { checkCount, checkHash, checkMultiaddr, PEERS_MAX } from './options.js';
import { LISTED_PEERS_MAX } from './peers-url.js';
import { RtcBroker } from './rtc-broker.js';
import type { BlockRef, Hash, PeerInfo, Progress, SyncEvents, SyncHandle, SyncState, SyncStats } from './types.js';
import { toError, WorkerClient } from './worker-client.js';

/** Longest time that a worker may take to close its store and connections, before it is terminated. */
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

/**
 * One sync, in one worker at a time. Created by `startSync`.
 *
 * A suspended page ends its worker and starts another one when it resumes: a suspended worker would keep the lock of
 * the store, and connections that it does not serve.
 */
export class Sync implements SyncHandle {
  readonly synced: Promise<BlockRef>;
  readonly #listeners = new Listeners();
  readonly #client: WorkerClient;
  readonly #makeWorker: () => Worker;
  /** The broker of the current worker. */
  #broker: RtcBroker | undefined;
  #options: StartOptions | undefined;
  #paused = false;
  /** Peers added by `addPeer`; a new worker gets them again. */
  readonly #added = new Set<string>();
  #progress = OPENING;
  #storage = '';
  #stopping: Promise<void> | undefined;
  #ended = false;
  /** Error of the last `error` event: the reason if the sync fails next. */
  #lastError: HeadlightError | undefined;
  #settleSynced!: { resolve(head: BlockRef): void; reject(error: HeadlightError): void };
  #settleOpen: { resolve(): void; reject(error: HeadlightError): void } | undefined;

  constructor(makeWorker: () => Worker, onProgress?: (progress: Progress) => void) {
    this.#makeWorker = makeWorker;
    this.synced = new Promise((resolve, reject) => {
      this.#settleSynced = { resolve, reject };
    });
    // `synced` may be unused: a stopped sync must not cause an unhandled rejection.
    this.synced.catch(() => {});
    if (onProgress !== undefined) this.on('progress', onProgress);
    this.#client = new WorkerClient({
      onEvent: (event) => this.#onEvent(event),
      onCrash: (error) => this.#fail(error),
    });
    globalThis.addEventListener?.('online', this.#onOnline);
    globalThis.addEventListener?.('pagehide', this.#onPageHide);
    globalThis.addEventListener?.('pageshow', this.#onPageShow);
    globalThis.document?.addEventListener('visibilitychange', this.#onVisibility);
    globalThis.document?.addEventListener('freeze', this.#onSuspend);
    globalThis.document?.addEventListener('resume', this.#onResume);
  }

  /** Starts the worker; resolves when the store is open. After a rejection everything is closed. */
  open(options: StartOptions): Promise<void> {
    this.#options = options;
    return new Promise((resolve, reject) => {
      this.#settleOpen = { resolve, reject };
      this.#launch();
    });
  }

  /** Starts a worker: at the start, and when the page resumes. */
  #launch(): void {
    if (this.#ended || this.#client.attached || this.#options === undefined) return;
    try {
      const worker = this.#makeWorker();
      const { port1, port2 } = new MessageChannel();
      this.#broker = new RtcBroker(port1);
      const options = this.#paused ? { ...this.#options, paused: true } : this.#options;
      this.#client.attach(worker, options, port2).then(
        ({ storage }) => {
          this.#storage = storage;
          this.#settleOpen?.resolve();
        },
        (error) => this.#fail(asError(error)),
      );
    } catch (error) {
      return this.#fail(asError(error));
    }
    // These peers are not in `options`. `addPeer` has reported a refusal already.
    for (const multiaddr of this.#added) this.#client.call('addPeer', multiaddr).catch(() => {});
    if (globalThis.document?.visibilityState === 'hidden') this.#client.hint('hidden');
  }

  /** Ends the worker and every connection, until {@link #launch}. The store is consistent at every moment. */
  #putAway(): void {
    this.#client.detach();
    this.#broker?.close();
    this.#broker = undefined;
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
      // The `await` below reports the rejection; until then it must not count as unhandled.
      piece.catch(() => {});
      return piece;
    };
    let last: StoredHeader | undefined;
    for (let next = ask(from); next !== undefined; ) {
      const piece = await next;
      if (piece === undefined || piece.lengths.length === 0) return;
      next = ask(piece.first + piece.lengths.length);
      for (const header of unpack(piece)) {
        // The worker has verified the links inside a chunk: it reads a chunk in one transaction.
        if (header.number === piece.first) checkChild(last, header);
        last = header;
        yield header;
      }
    }
  }

  peers(): Promise<PeerInfo[]> {
    return this.#client.call('peers');
  }

  async addPeer(multiaddr: string): Promise<void> {
    await this.#client.call('addPeer', checkMultiaddr('multiaddr', multiaddr));
    if (this.#added.size < PEERS_MAX) this.#added.add(multiaddr);
  }

  /**
   * Adds the peers of a peer list.
   *
   * @internal
   */
  async addListed(multiaddrs: string[]): Promise<void> {
    await this.#client.call('addListedPeers', multiaddrs);
    if (this.#options === undefined) return;
    // A later worker starts with the same peers, the newest first.
    const listedPeers = [...new Set([...multiaddrs, ...(this.#options.listedPeers ?? [])])].slice(0, LISTED_PEERS_MAX);
    this.#options = { ...this.#options, listedPeers };
  }

  /**
   * Reports an event of the page's side to the listeners.
   *
   * @internal
   */
  report<T extends keyof SyncEvents>(type: T, event: SyncEvents[T]): void {
    if (!this.#ended) this.#listeners.emit(type, event);
  }

  async pause(): Promise<void> {
    await this.#client.call('pause');
    this.#paused = true;
  }

  async resume(): Promise<void> {
    await this.#client.call('resume');
    this.#paused = false;
  }

  clear(): Promise<void> {
    return this.#client.call('clear');
  }

  stats(): Promise<SyncStats> {
    return this.#client.call('stats');
  }

  recording(): Promise<Uint8Array | undefined> {
    return this.#client.call('recording');
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    if (this.#ended) return;
    const reason = new HeadlightError('stopped', 'the sync was stopped');
    // A suspended page has no worker.
    if (!this.#client.attached) return this.#end('stopped', reason);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STOP_TIMEOUT_MS);
    });
    try {
      // `#end` terminates the worker, whether it closed in time, too late, or with an error.
      await Promise.race([this.#client.call('stop').catch(() => {}), late]);
    } finally {
      clearTimeout(timer);
      this.#end('stopped', reason);
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
          // `#fail` reports the state, once the worker is closed.
          this.#fail(this.#lastError ?? new HeadlightError('worker-failed', 'the sync failed'));
          break;
        }
        // `#end` reports this state, once everything is closed.
        if (event.state === 'stopped') break;
        listeners.emit('state', event.stall ? { state: event.state, stall: event.stall } : { state: event.state });
        break;
      case 'synced': {
        const head = { number: event.number, hash: event.hash };
        this.#settleSynced.resolve(head);
        listeners.emit('synced', head);
        break;
      }
      case 'lock-lost':
        // The browser suspended this page without an event, and another tab took the lock: this tab becomes a reader.
        this.#putAway();
        this.#launch();
        break;
      case 'error':
        this.#lastError = toError(event);
        listeners.emit('error', this.#lastError);
        break;
      default: {
        const { type, ...content } = event;
        // The other events have the same fields in `messages.ts` and in `SyncEvents`.
        listeners.emit(type, content as never);
      }
    }
  }

  /** Ends the sync after an error. */
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
    globalThis.removeEventListener?.('pagehide', this.#onPageHide);
    globalThis.removeEventListener?.('pageshow', this.#onPageShow);
    globalThis.document?.removeEventListener('visibilitychange', this.#onVisibility);
    globalThis.document?.removeEventListener('freeze', this.#onSuspend);
    globalThis.document?.removeEventListener('resume', this.#onResume);
    this.#client.end(reason);
    this.#putAway();
    this.#settleOpen?.reject(reason);
    this.#settleSynced.reject(reason);
    const { stall: _, etaSeconds: __, ...last } = this.#progress;
    this.#progress = { ...last, state, headersPerSecond: 0, bytesPerSecond: 0 };
    this.#listeners.emit('progress', this.#progress);
    this.#listeners.emit('state', { state });
  }

  readonly #onOnline = (): void => this.#client.hint('online');

  readonly #onVisibility = (): void => this.#client.hint(document.visibilityState === 'visible' ? 'visible' : 'hidden');

  readonly #onSuspend = (): void => this.#putAway();

  readonly #onResume = (): void => this.#launch();

  /** The page enters the back/forward cache, or is closed. */
  readonly #onPageHide = (event: PageTransitionEvent): void => {
    if (event.persisted) this.#putAway();
    else this.#end('stopped', new HeadlightError('stopped', 'the page was closed'));
  };

  /** The page leaves the back/forward cache. In some browsers `resume` comes first and has started the worker. */
  readonly #onPageShow = (event: PageTransitionEvent): void => {
    if (event.persisted) this.#launch();
  };
}

function asError(error: unknown): HeadlightError {
  return error instanceof HeadlightError ? error : new HeadlightError('internal', String(error));
}

/** A header whose number follows the previous one must be its child. */
function checkChild(last: StoredHeader | undefined, header: StoredHeader): void {
  if (last === undefined || last.number + 1 !== header.number || last.hash === header.parentHash) return;
  const details = { from: header.number, expected: last.hash, got: header.parentHash };
  const message = `block ${header.number} is not the child of the previous header: a reorg changed the store meanwhile`;
  throw new HeadlightError('reorged', message, details);
}
