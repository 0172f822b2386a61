/**
 * Reads the peer list at the start, retries until the first success, and reads it again while the sync waits for a
 * peer: when a peer moves, its new address appears there first.
 *
 * The list never delays stored headers. The start waits for it only a short time; then the store opens, and the peers
 * are added later. A list that cannot be read, or is for another chain, gives one `error` event until that changes.
 *
 * Bounds: one request at a time, with a pause of {@link RETRY_MS} until the first success and {@link
 * REFRESH_INTERVAL_MS} after it, and no request while another peer would not help.
 *
 * @module
 */

import { type HeadlightError, toHeadlightError } from './errors.js';
import type { Sync } from './handle.js';
import { assertSameChain, fetchPeerList, type PeerList, type SkippedEntry } from './peers-url.js';
import type { CustomChain, Progress, StallCode, SyncEvents, SyncState } from './types.js';

/** Longest time that the start waits for the list, in milliseconds. */
export const START_WAIT_MS = 3_000;

/** Pauses before the retries until the first success, in milliseconds; the last one repeats. */
export const RETRY_MS = [1_000, 2_000, 4_000, 8_000, 15_000] as const;

/** Pause between two reads while the sync waits for a peer, in milliseconds. */
export const REFRESH_INTERVAL_MS = 15_000;

/** Skipped entries that are remembered, so that each is reported once. At the limit the memory is cleared. */
const SKIPPED_REMEMBERED_MAX = 4_096;

/** Whether another peer may end the stall. */
const HELPED_BY_PEERS: Readonly<Record<StallCode, boolean>> = {
  'no-peers': true,
  'no-usable-peer': true,
  'tips-disagree': true,
  'quorum-not-reached': true,
  'target-unavailable': true,
  'range-unavailable': true,
  'no-progress': true,
  // Without a pin the peers choose the target: another peer may report a better tip.
  'invalid-target': true,
  'rollback-too-deep': true,
  'wrong-genesis': true,
  'wrong-chain': true,
  'floor-above-target': true,
  // These end in the other tab, with a newer package, or with more disk space.
  'other-target': false,
  'unknown-fork': false,
  'storage-full': false,
  'storage-failed': false,
};

/** States in which this tab has connections of its own, or needs them. */
const CONNECTS: ReadonlySet<SyncState> = new Set(['finding-peers', 'resolving-target', 'syncing', 'synced', 'stalled']);

/** Would another peer help? A synced session needs a peer too, to learn of new blocks. */
function waitsForPeer({ state, stall, peers }: Progress): boolean {
  if (stall !== undefined && HELPED_BY_PEERS[stall.code] === true) return true;
  return CONNECTS.has(state) && !peers.some((peer) => peer.state === 'connected');
}

/** Result of one read. */
type Outcome = { list: PeerList; skipped: SkippedEntry[] } | { error: HeadlightError; skipped: SkippedEntry[] };

/** The methods of {@link Sync} in use. */
type ListedSync = Pick<Sync, 'progress' | 'on' | 'addListed' | 'report'>;

/** The peer list of one sync. */
export class PeerListWatcher {
  readonly #url: URL;
  readonly #chain: CustomChain;
  #sync: ListedSync | undefined;
  /** The read in progress. */
  #reading: Promise<Outcome> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wasRead = false;
  #failures = 0;
  #lastError: string | undefined;
  readonly #named = new Set<string>();
  readonly #unlisten: (() => void)[] = [];

  constructor(url: URL, chain: CustomChain) {
    this.#url = url;
    this.#chain = chain;
  }

  /**
   * Reads the list, waits at most {@link START_WAIT_MS}, and returns its peers; an empty list if it does not come.
   * Rejects with `wrong-chain` if the list comes in time and is for another chain: then the options are wrong.
   */
  async readAtStart(): Promise<string[]> {
    const reading = this.#look();
    this.#reading = reading;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), START_WAIT_MS);
    });
    const outcome = await Promise.race([reading, late]);
    clearTimeout(timer);
    if (outcome === undefined) return [];
    if (!('error' in outcome)) {
      this.#wasRead = true;
      return outcome.list.peers;
    }
    if (outcome.error.code === 'wrong-chain') throw outcome.error;
    return [];
  }

  /** Adds later peers of the list to this sync, until it ends. Call this once, after {@link readAtStart}. */
  attach(sync: ListedSync): void {
    this.#sync = sync;
    this.#unlisten.push(
      sync.on('progress', () => this.#schedule()),
      // The worker parses the entries, so it reports some of the invalid ones.
      sync.on('peer-skipped', ({ multiaddr }) => this.#remember(multiaddr)),
      sync.on('state', ({ state }) => {
        if (state === 'stopped' || state === 'failed') this.#close();
      }),
    );
    globalThis.addEventListener?.('online', this.#onOnline);
    const [reading, addedAtStart] = [this.#reading, this.#wasRead];
    // In a task of its own, so that the page can add its listeners before the first event.
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (reading !== undefined) void this.#finish(reading, addedAtStart);
    }, 0);
  }

  #close(): void {
    this.#sync = undefined;
    clearTimeout(this.#timer);
    globalThis.removeEventListener?.('online', this.#onOnline);
    for (const unlisten of this.#unlisten.splice(0)) unlisten();
  }

  /** Never rejects. */
  async #look(): Promise<Outcome> {
    const skipped: SkippedEntry[] = [];
    try {
      const list = await fetchPeerList(this.#url, (entry) => skipped.push(entry));
      assertSameChain(list, this.#chain);
      return { list, skipped };
    } catch (error) {
      return { error: toHeadlightError(error, 'the peer list cannot be used'), skipped };
    }
  }

  async #finish(reading: Promise<Outcome>, addedAtStart = false): Promise<void> {
    const outcome = await reading;
    this.#reading = undefined;
    for (const entry of outcome.skipped) {
      if (!this.#named.has(entry.multiaddr)) this.#report('peer-skipped', entry);
    }
    if ('error' in outcome) this.#failed(outcome.error);
    else if (!addedAtStart) await this.#add(outcome.list);
    this.#schedule();
  }

  async #add(list: PeerList): Promise<void> {
    this.#wasRead = true;
    this.#failures = 0;
    this.#lastError = undefined;
    // The worker ignores peers that it is connected to and dials the others at once.
    const peers = list.peers.filter((peer) => !this.#named.has(peer));
    // Rejects only if the sync has ended or its queue of calls is full; then the next read adds the peers.
    await this.#sync?.addListed(peers).catch((error: unknown) => toHeadlightError(error, 'the list was not added'));
  }

  #failed(error: HeadlightError): void {
    this.#failures += 1;
    if (this.#lastError === error.message) return;
    this.#lastError = error.message;
    this.#report('error', error);
  }

  #report<T extends keyof SyncEvents>(type: T, event: SyncEvents[T]): void {
    this.#sync?.report(type, event);
  }

  #remember(multiaddr: string): void {
    if (this.#named.size >= SKIPPED_REMEMBERED_MAX) this.#named.clear();
    this.#named.add(multiaddr);
  }

  #isWanted(): boolean {
    if (this.#sync === undefined) return false;
    return !this.#wasRead || waitsForPeer(this.#sync.progress);
  }

  /** Sets the timer for the next read, if one is due and none is in progress. */
  #schedule(): void {
    if (this.#timer !== undefined || this.#reading !== undefined || !this.#isWanted()) return;
    // Not at once: in most stalls the next dial succeeds.
    const pause = this.#wasRead ? REFRESH_INTERVAL_MS : RETRY_MS[Math.min(this.#failures, RETRY_MS.length) - 1];
    this.#timer = setTimeout(() => this.#readNow(), pause);
  }

  #readNow(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#reading !== undefined || !this.#isWanted()) return;
    this.#reading = this.#look();
    void this.#finish(this.#reading);
  }

  readonly #onOnline = (): void => {
    if (this.#isWanted()) this.#readNow();
  };
}
