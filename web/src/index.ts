/**
 * Headlight: Ethereum headers, verified inside a browser tab.
 *
 * ```ts
 * import { startSync } from 'headlight';
 *
 * const sync = await startSync({ chain: 'mainnet', peersUrl: '/peers.json' });
 * const head = await sync.synced;
 * const header = await sync.getHeader(head.number);
 * ```
 *
 * A worker downloads, verifies and stores headers. The page does what a worker cannot: it creates RTCPeerConnections
 * (`rtc-broker`), and notices that the network or the page is back.
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
 * Starts a sync. Resolves when the store is open and the worker runs; the sync continues in the worker.
 *
 * Rejects only with a {@link HeadlightError}: `unsupported-browser`, `bad-option`, `bad-multiaddr`, `wrong-chain`,
 * `storage-unavailable`, `storage-full` or `worker-failed`.
 *
 * Unreachable peers do not reject: the sync keeps dialling, and `progress.stall` reports them. The start waits for the
 * list at `peersUrl` for at most three seconds. Without the list the store opens, an `error` event gives the reason
 * (`no-peers-url`), and the request is retried until it succeeds. A list for another chain rejects with `wrong-chain`
 * if it comes in time, and is an `error` event with that code if it comes later.
 */
export async function startSync(options: SyncOptions): Promise<SyncHandle> {
  try {
    return await begin(options);
  } catch (error) {
    throw toHeadlightError(error, 'the sync could not start');
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
    // Bundlers look for exactly this expression: keep it in one piece, with both arguments literal.
    return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  } catch (error) {
    // A content security policy, a sandboxed frame, or a script of another origin throws here.
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
  // Check the methods: a worker of another frame is not an instance of this frame's class.
  if (isObject(worker) && typeof worker.postMessage === 'function' && typeof worker.terminate === 'function') {
    return worker as unknown as Worker;
  }
  throw badOption('worker', 'a function that returns a Worker', worker);
}

function workerFailed(error: unknown): HeadlightError {
  const message = `the worker could not be created: ${describe(error)}`;
  return new HeadlightError('worker-failed', message, undefined, { cause: error });
}
