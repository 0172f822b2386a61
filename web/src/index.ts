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

import { badOption, describe, HeadlightError, toHeadlightError } from './errors.js';
import { Sync } from './handle.js';
import { checkOptions, isObject } from './options.js';
import { PeerListWatcher } from './peers-refresh.js';
import { assertSupported } from './support.js';
import type { SyncHandle, SyncOptions } from './types.js';

export type { ErrorCode, ErrorDetails } from './errors.js';
export { HeadlightError } from './errors.js';
export type { HeaderFields, StoredHeader } from './header.js';
export { CHAIN_IDS } from './options.js';
export type * from './types.js';

/**
 * Starts a sync. Resolves when the store is open and the worker runs; the sync itself goes on behind it.
 *
 * Rejects with a {@link HeadlightError} and nothing else: `unsupported-browser`, `bad-option`, `bad-multiaddr`,
 * `wrong-chain`, `storage-unavailable`, `storage-full` or `worker-failed`.
 *
 * Peers that cannot be reached are no error here: they may come, and until then `progress.stall` says so. The same holds
 * for the list at `peersUrl`: the start waits for it three seconds at most. Without it the store opens and serves what it
 * has, an `error` event says why (`no-peers-url`), and the list is asked for again until it comes. Only a list that comes
 * in time and is for another chain rejects, with `wrong-chain`; one that comes later is an `error` event with that code.
 */
export async function startSync(options: SyncOptions): Promise<SyncHandle> {
  try {
    return await begin(options);
  } catch (error) {
    throw toHeadlightError(error, 'the sync could not be started');
  }
}

async function begin(given: SyncOptions): Promise<SyncHandle> {
  assertSupported();
  const { start, peersUrl, onProgress, worker } = checkOptions(given);
  const watcher = peersUrl === undefined ? undefined : new PeerListWatcher(peersUrl, start.chain);
  if (watcher !== undefined) {
    const listed = await watcher.readAtStart();
    start.listedPeers = listed.filter((peer) => !start.peers.includes(peer));
  }
  const sync = new Sync(() => makeWorker(worker), onProgress);
  await sync.open(start);
  watcher?.attach(sync);
  return sync;
}

function makeWorker(custom: SyncOptions['worker']): Worker {
  if (custom !== undefined) return checkWorker(custom);
  try {
    // Bundlers look for exactly this expression: it must stay in one piece, with both arguments written out.
    return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  } catch (error) {
    // A content security policy, a sandboxed frame, or a page from another origin than its script.
    throw workerFailed(error);
  }
}

function checkWorker(custom: () => Worker): Worker {
  let worker: unknown;
  try {
    worker = custom();
  } catch (error) {
    throw workerFailed(error);
  }
  // By its methods: a worker of another frame is no instance of this frame's class.
  if (isObject(worker) && typeof worker.postMessage === 'function' && typeof worker.terminate === 'function') {
    return worker as unknown as Worker;
  }
  throw badOption('worker', 'a function that returns a Worker', worker);
}

function workerFailed(error: unknown): HeadlightError {
  const message = `the worker could not be made: ${describe(error)}`;
  return new HeadlightError('worker-failed', message, undefined, { cause: error });
}
