/**
 * Keeps the peers of a list coming: reads the list at the start, again until it was read once, and again while the sync
 * waits for a peer. Peers move, and their new address stands there first.
 *
 * The list is never in the way of what is stored. The start waits for it a short while; then the store opens without it,
 * and its peers are added when it comes. A list that cannot be read, and one of another chain, is an `error` event, once
 * until that changes.
 *
 * At most one request at a time; {@link RETRY_MS} between two while the list was never read, {@link REFRESH_INTERVAL_MS}
 * while it was, and none while another peer would not help.
 *
 * @module
 */

import { type HeadlightError, toHeadlightError } from './errors.js';
import type { Sync } from './handle.js';
import { assertSameChain, fetchPeerList, type PeerList, type SkippedEntry } from './peers-url.js';
import type { CustomChain, Progress, StallCode, SyncEvents, SyncState } from './types.js';

/** How long the start waits for the list, in milliseconds: a server that answers at all has done so by then. */
export const START_WAIT_MS = 3_000;

/** Pauses while the list was never read, in milliseconds; the last one is used from then on. */
export const RETRY_MS = [1_000, 2_000, 4_000, 8_000, 15_000] as const;

/** From the end of one look at the list to the next, while the sync waits for a peer; in milliseconds. */
export const REFRESH_INTERVAL_MS = 15_000;

/** Skipped entries that are remembered, so that each is named once. Beyond it the memory starts anew. */
const SKIPPED_REMEMBERED_MAX = 4_096;

/** Which stalls another peer may end. */
const HELPED_BY_PEERS: Readonly<Record<StallCode, boolean>> = {
  'no-peers': true,
  'no-usable-peer': true,
  'tips-disagree': true,
  'quorum-not-reached': true,
  'target-unavailable': true,
  'range-unavailable': true,
  'no-progress': true,
  // Without a pin the target is what the peers agree on: others may name a better one.
  'invalid-target': true,
  'rollback-too-deep': true,
  'wrong-genesis': true,
  'wrong-chain': true,
  'floor-above-target': true,
  // Only the other tab, a newer package, or more room on the disk ends these.
  'other-target': false,
  'unknown-fork': false,
  'storage-full': false,
  'storage-failed': false,
};

/** States in which this tab has connections of its own, or wants some. */
const CONNECTS: ReadonlySet<SyncState> = new Set(['finding-peers', 'resolving-target', 'syncing', 'synced', 'stalled']);

/** Would another peer help? A sync that is done needs one, too: without it no new block is heard of. */
function waitsForPeer({ state, stall, peers }: Progress): boolean {
  if (stall !== undefined && HELPED_BY_PEERS[stall.code] === true) return true;
  return CONNECTS.has(state) && !peers.some((peer) => peer.state === 'connected');
}

/** What one look at the list gave. */
type Outcome = { list: PeerList; skipped: SkippedEntry[] } | { error: HeadlightError; skipped: SkippedEntry[] };

/** The parts of a {@link Sync} in use. */
type ListedSync = Pick<Sync, 'progress' | 'on' | 'addListed' | 'report'>;

/** The peer list of one sync. */
export class PeerListWatcher {
  readonly #url: URL;
  readonly #chain: CustomChain;
  #sync: ListedSync | undefined;
  /** The look that is under way. */
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
   * Reads the list, waits for it {@link START_WAIT_MS} at most, and gives its peers; none where it does not come.
   * Rejects with `wrong-chain` where it came in time and is for another chain: then the options are wrong.
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

  /** From now on, what the list brings goes to this sync; ends with it. Call it once, after {@link readAtStart}. */
  attach(sync: ListedSync): void {
    this.#sync = sync;
    this.#unlisten.push(
      sync.on('progress', () => this.#schedule()),
      // The worker parses the entries, so it names some of the bad ones.
      sync.on('peer-skipped', ({ multiaddr }) => this.#remember(multiaddr)),
      sync.on('state', ({ state }) => {
        if (state === 'stopped' || state === 'failed') this.#close();
      }),
    );
    globalThis.addEventListener?.('online', this.#onOnline);
    const [reading, addedAtStart] = [this.#reading, this.#wasRead];
    // In a task of its own: the page can add its listeners before the first event.
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
    // Peers that the worker knows already are no news to it, and are dialled at once.
    const peers = list.peers.filter((peer) => !this.#named.has(peer));
    // It rejects only when the sync is over, or its queue of calls is full; then the next look brings them.
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

  /** Sets the timer for the next look, where one is wanted and none is under way. */
  #schedule(): void {
    if (this.#timer !== undefined || this.#reading !== undefined || !this.#isWanted()) return;
    // Not at once: most stalls that a peer ends are ended by the next dial.
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
