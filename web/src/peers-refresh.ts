/**
 * Reads the peer list again while no peer is of use: peers move, and their new address stands there first.
 *
 * At most one request at a time, one every {@link REFRESH_INTERVAL_MS}, none while the sync has a peer.
 *
 * @module
 */

import { HeadlightError } from './errors.js';
import { assertSameChain, fetchPeerList } from './peers-url.js';
import type { CustomChain, StallCode, SyncHandle } from './types.js';

/** From the end of one look at the list to the next, while it helps nobody. */
export const REFRESH_INTERVAL_MS = 15_000;

/** Stalls that another peer may end. */
const HELPED_BY_PEERS: ReadonlySet<StallCode | undefined> = new Set([
  'no-peers',
  'no-usable-peer',
  'range-unavailable',
]);

/** Starts watching; ends with the sync. */
export function refreshPeers(sync: SyncHandle, url: URL, chain: CustomChain): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const helps = () => HELPED_BY_PEERS.has(sync.progress.stall?.code);

  async function refresh(): Promise<void> {
    try {
      if (helps()) await addListed(sync, url, chain);
    } catch (error) {
      // The list cannot be had now, or the sync ended meanwhile. The stall that the page shows says enough.
      if (!(error instanceof HeadlightError)) throw error;
    }
    timer = helps() ? setTimeout(refresh, REFRESH_INTERVAL_MS) : undefined;
  }

  sync.on('progress', () => {
    // Not at once: most stalls of this kind end by themselves, with the next dial.
    if (timer === undefined && helps()) timer = setTimeout(refresh, REFRESH_INTERVAL_MS);
  });
}

/** Peers that the worker knows already are no news to it. */
async function addListed(sync: SyncHandle, url: URL, chain: CustomChain): Promise<void> {
  const list = await fetchPeerList(url);
  assertSameChain(list, chain);
  for (const multiaddr of list.peers) {
    await sync.addPeer(multiaddr).catch((error: HeadlightError) => {
      // One address that is none does not hold up the others.
      if (error.code !== 'bad-multiaddr') throw error;
    });
  }
}
