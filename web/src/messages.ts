/**
 * Everything that crosses the port between the page and the worker. The mirror of `crates/sync-wasm/src/message.rs`:
 * a change there is a change here.
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

/** What `start` brings: the options, checked, chain names turned into ids. */
export interface StartOptions {
  chain: CustomChain;
  peers: string[];
  /**
   * Out of a peer list: entries that cannot be used are skipped and named in `peer-skipped`; those that lie nearer to the
   * browser than the page are not dialled.
   */
  listedPeers: string[];
  target?: Hash;
  /** JSON text of a `ForkSchedule`. */
  forks?: string;
  storage: { name?: string };
  tuning: SyncTuning;
  /** The sync does not begin before `resume`; absent: it does. */
  paused?: boolean;
}

/** Answer to `start`: the store is open. */
export interface Started {
  /** Another tab writes this store; this one reads. */
  follower: boolean;
  /** Headers that an earlier run stored. */
  stored: number;
  /** Name of the database. */
  storage: string;
}

/** A header as it crosses the port. */
export interface HeaderRecord {
  number: number;
  hash: Hash;
  rlp: Uint8Array;
  /** It is this session's target, or an ancestor of it. */
  verifiedUnderTarget: boolean;
}

/** Consecutive headers, rising; `first` may lie above the number that was asked for. */
export interface PackedHeaders {
  first: number;
  /** Length of the RLP of each. */
  lengths: Uint32Array;
  /** 32 bytes each. */
  hashes: Uint8Array;
  /** End to end. */
  rlp: Uint8Array;
  /** All are ancestors of this session's target (or it is the last of them), or none is. */
  verifiedUnderTarget: boolean;
}

/** Methods of the worker: arguments and answer of each. */
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

/** What the page saw and a worker cannot see. */
export type Hint = 'online' | 'visible' | 'hidden';

/** Page to worker. */
export type ToWorker =
  | { type: 'start'; id: number; options: StartOptions; rtcPort: MessagePort }
  | { [M in keyof Calls]: { type: 'call'; id: number; method: M; args: Calls[M]['args'] } }[keyof Calls]
  | { type: 'hint'; hint: Hint };

/** What went wrong, as it crosses the port. */
export interface ErrorInfo {
  code: ErrorCode;
  message: string;
  details?: ErrorDetails;
}

/** Something happened in the worker. */
export type WorkerEvent =
  | { type: 'progress'; progress: Progress }
  | { type: 'fault'; peer: string; multiaddr: string; code: FaultCode; message: string; banned: boolean }
  | { type: 'peer-skipped'; multiaddr: string; reason: string }
  | { type: 'state'; state: SyncState; stall?: Stall }
  | { type: 'synced'; number: number; hash: Hash }
  | { type: 'reorg'; reverted: BlockRange; adopted: BlockRange }
  | { type: 'detached-head'; local: BlockRef; expected: Hash }
  | { type: 'segment-dropped'; from: number; to: number }
  /** Another tab has taken the store's lock while this one was suspended: the worker does nothing more. */
  | { type: 'lock-lost' }
  | ({ type: 'error' } & ErrorInfo);

/** Worker to page. `crashed` comes from `worker.ts` alone: the wasm could not be loaded, or it trapped. */
export type FromWorker =
  | { type: 'reply'; id: number; ok: true; value?: unknown }
  | { type: 'reply'; id: number; ok: false; error: ErrorInfo }
  | { type: 'event'; event: WorkerEvent }
  | { type: 'crashed'; message: string };
