/**
 * Headlight: Ethereum headers, proven inside a browser tab.
 *
 * ```ts
 * import { startSync } from 'headlight';
 *
 * const sync = await startSync({ chain: 'mainnet', peersUrl: '/peers.json' });
 * const head = await sync.synced;
 * const header = await sync.getHeader(head.number);
 * ```
 *
 * The page does no work: a worker downloads, proves and stores. What stays here is what a worker cannot do: make
 * RTCPeerConnections for it (`rtc-broker`) and see that the network or the page is back.
 *
 * @module
 */

import { HeadlightError } from './errors.js';
import { Sync } from './handle.js';
import { checkOptions, checkPeers } from './options.js';
import { assertSameChain, fetchPeerList } from './peers-url.js';
import { refreshPeers } from './peers-refresh.js';
import { assertSupported } from './support.js';
import type { SyncHandle, SyncOptions } from './types.js';

export { HeadlightError } from './errors.js';
export type { ErrorCode, ErrorDetails } from './errors.js';
export type { HeaderFields, StoredHeader } from './header.js';
export { CHAIN_IDS } from './options.js';
export type * from './types.js';

/**
 * Starts a sync. Resolves when the store is open and the worker runs; the sync itself goes on behind it.
 *
 * Rejects with a {@link HeadlightError}: `bad-option`, `bad-multiaddr`, `unsupported-browser`, `no-peers-url`,
 * `wrong-chain`, `storage-unavailable`, `storage-full` or `worker-failed`. Peers that cannot be reached are no error
 * here: they may come, and until then `progress.stall` says so.
 */
export async function startSync(options: SyncOptions): Promise<SyncHandle> {
  const { start, peersUrl } = checkOptions(options);
  assertSupported();
  if (peersUrl !== undefined) {
    const list = await fetchPeerList(peersUrl);
    assertSameChain(list, start.chain);
    start.peers = checkPeers('peers', [...new Set([...start.peers, ...list.peers])]);
  }
  const sync = new Sync(() => makeWorker(options), options.onProgress);
  await sync.open(start);
  if (peersUrl !== undefined) refreshPeers(sync, peersUrl, start.chain);
  return sync;
}

function makeWorker(options: SyncOptions): Worker {
  try {
    // Bundlers look for exactly this expression: it must stay in one piece, with both arguments written out.
    return options.worker?.() ?? new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  } catch (error) {
    // A content security policy, or a page from another origin than its script.
    const message = `the worker could not be made: ${String(error)}`;
    throw new HeadlightError('worker-failed', message, undefined, { cause: error });
  }
}
