/**
 * The messages between the page and the worker. They mirror `crates/sync-wasm/src/message.rs`: change both together.
 *
 * @module
 */

import type { ErrorCode, ErrorDetails } from './errors.js';
import type {
  BlockRange,
  BlockRef,
  CustomChain,
  FaultCode,
  Hash,
  PeerInfo,
  Progress,
  Stall,
  SyncState,
  SyncStats,
  SyncTuning,
} from './types.js';

/** Data of `start`: the checked options, with chain names turned into ids. */
export interface StartOptions {
  chain: CustomChain;
  peers: string[];
  /**
   * Peers of a peer list: unusable entries are skipped with a `peer-skipped` event; addresses nearer to the browser
   * than the page (private networks, this device) are not dialled.
   */
  listedPeers: string[];
  target?: Hash;
  /** JSON text of a `ForkSchedule`. */
  forks?: string;
  storage: { name?: string };
  tuning: SyncTuning;
  /** Start paused, until `resume`. */
  paused?: boolean;
}

/** Response to `start`: the store is open. */
export interface Started {
  /** Another tab writes this store; this tab is a reader. */
  follower: boolean;
  /** Number of headers from earlier sessions. */
  stored: number;
  /** Name of the IndexedDB database. */
  storage: string;
}

/** A header in a message. */
export interface HeaderRecord {
  number: number;
  hash: Hash;
  rlp: Uint8Array;
  /** The header is this session's target, or its ancestor. */
  verifiedUnderTarget: boolean;
}

/** Consecutive headers, rising; `first` may be above the requested number. */
export interface PackedHeaders {
  first: number;
  /** Length of the RLP of each header. */
  lengths: Uint32Array;
  /** 32 bytes per header. */
  hashes: Uint8Array;
  /** All headers, concatenated. */
  rlp: Uint8Array;
  /** All are ancestors of this session's target (or it is the last of them), or none is. */
  verifiedUnderTarget: boolean;
}

/** Methods of the worker: arguments and result of each. */
export interface Calls {
  getHeader: { args: [key: number | Hash]; value: HeaderRecord | undefined };
  getHeaders: { args: [from: number, to: number]; value: PackedHeaders | undefined };
  peers: { args: []; value: PeerInfo[] };
  addPeer: { args: [multiaddr: string]; value: undefined };
  addListedPeers: { args: [multiaddrs: string[]]; value: undefined };
  pause: { args: []; value: undefined };
  resume: { args: []; value: undefined };
  stop: { args: []; value: undefined };
  clear: { args: []; value: undefined };
  stats: { args: []; value: SyncStats };
  recording: { args: []; value: Uint8Array | undefined };
}

/** Changes that only the page can see. */
export type Hint = 'online' | 'visible' | 'hidden';

/** Messages from the page to the worker. */
export type ToWorker =
  | { type: 'start'; id: number; options: StartOptions; rtcPort: MessagePort }
  | { [M in keyof Calls]: { type: 'call'; id: number; method: M; args: Calls[M]['args'] } }[keyof Calls]
  | { type: 'hint'; hint: Hint };

/** An error in a message. */
export interface ErrorInfo {
  code: ErrorCode;
  message: string;
  details?: ErrorDetails;
}

/** Events of the worker. */
export type WorkerEvent =
  | { type: 'progress'; progress: Progress }
  | { type: 'fault'; peer: string; multiaddr: string; code: FaultCode; message: string; banned: boolean }
  | { type: 'peer-skipped'; multiaddr: string; reason: string }
  | { type: 'state'; state: SyncState; stall?: Stall }
  | { type: 'synced'; number: number; hash: Hash }
  | { type: 'reorg'; reverted: BlockRange; adopted: BlockRange }
  | { type: 'detached-head'; local: BlockRef; expected: Hash }
  | { type: 'segment-dropped'; from: number; to: number }
  /** Another tab took the store's lock while this tab was suspended: the worker has stopped. */
  | { type: 'lock-lost' }
  | ({ type: 'error' } & ErrorInfo);

/**
 * Messages from the worker to the page. Only `worker.ts` sends `crashed`: the wasm could not be loaded, or it trapped.
 */
export type FromWorker =
  | { type: 'reply'; id: number; ok: true; value?: unknown }
  | { type: 'reply'; id: number; ok: false; error: ErrorInfo }
  | { type: 'event'; event: WorkerEvent }
  | { type: 'crashed'; message: string };
