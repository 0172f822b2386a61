/**
 * The public types of a sync's reports: state, stalls, faults of peers, progress.
 *
 * @module
 */

import type { ErrorDetails } from './errors.js';
import type { BlockRange, BlockRef, Hash } from './primitives.js';

/** State of the sync. */
export type SyncState =
  /** The store is being opened. */
  | 'opening'
  /** Connecting to peers. */
  | 'finding-peers'
  /** Asking peers for the tip. */
  | 'resolving-target'
  /** Downloading, verifying and storing headers. */
  | 'syncing'
  /** Everything from the floor to the target is stored. */
  | 'synced'
  /** No progress; `stall` gives the reason. The sync resumes by itself once the cause is gone. */
  | 'stalled'
  /** Paused by `pause()`. */
  | 'paused'
  /**
   * Another tab writes this store, and this tab reads it. This tab takes over when the other tab is closed, or does not
   * respond for 20 seconds while this tab is visible. The state does not change to `synced`: use the `synced` event or
   * promise.
   */
  | 'follower'
  /** Ended by `stop()`. */
  | 'stopped'
  /** Ended by an error, which the `error` event carried. */
  | 'failed';

/** Reason of a stall. */
export type StallCode =
  /** No peer can be reached; the sync keeps dialling. */
  | 'no-peers'
  /** Every connected peer is banned or cannot serve this sync. */
  | 'no-usable-peer'
  /** Peers report different tips and none has the quorum; `details.tips` lists them. Ends when enough peers agree. */
  | 'tips-disagree'
  /** Fewer peers than the quorum report the same tip. */
  | 'quorum-not-reached'
  /** No peer has the pinned target. */
  | 'target-unavailable'
  /**
   * No connected peer serves the missing blocks (`details.from` to `details.to`), or the peers that announce them do
   * not respond. The headers above are stored and readable, and new blocks are followed. See {@link SyncTuning.floor}.
   */
  | 'range-unavailable'
  /** `tuning.floor` is above the target: there is nothing to sync. */
  | 'floor-above-target'
  /** The site's storage quota is used up. */
  | 'storage-full'
  /** The database reports errors. */
  | 'storage-failed'
  /** Peers respond, but no header could be verified for some time. */
  | 'no-progress'
  /** A block of the target's chain breaks a rule. */
  | 'invalid-target'
  /**
   * A block of the target's chain has the right hash, but belongs to a fork that this release does not know (added,
   * moved or cancelled). Update the package, or give {@link SyncOptions.forks}. No peer is penalized, and stored
   * headers stay readable. `details.from` is the block's number, `details.hash` its hash.
   */
  | 'unknown-fork'
  /** The reorg to the target's chain is deeper than the rollback limit; nothing was removed. */
  | 'rollback-too-deep'
  /** The target does not descend from this chain's genesis. */
  | 'wrong-genesis'
  /** Every peer serves another chain. */
  | 'wrong-chain'
  /**
   * In state `follower`: the tab that writes the store has synced to its own target, and the target pinned in this tab
   * is not fully stored. The sync to it starts when this tab writes the store.
   */
  | 'other-target';

/** A stall: its code, and a sentence for people. */
export interface Stall {
  code: StallCode;
  /** One sentence. */
  message: string;
  details?: ErrorDetails;
}

/** Fault of a peer. */
export type FaultCode =
  /** It serves another chain. */
  | 'wrong-chain'
  /** The response does not begin at the requested block. */
  | 'wrong-start'
  /** The response has more headers than the request asked for. */
  | 'too-many-headers'
  /** The response is empty, although the peer announces these blocks. */
  | 'empty-answer'
  /** A header is not canonical RLP. */
  | 'undecodable'
  /** The hash of a header is not the parent hash of its child. */
  | 'broken-link'
  /** A header breaks a rule of the chain. */
  | 'invalid-header'
  /** No response before the request timed out. */
  | 'timeout'
  /** A message that is not part of the protocol, or over a limit. */
  | 'protocol';

/** State of a range of headers. */
export type RangeState =
  /** Not requested yet. */
  | 'unprocessed'
  /** Requested from a peer. */
  | 'borrowed'
  /** Received and not stored yet. */
  | 'staged'
  /** Verified and stored. */
  | 'stored';

/** A range of headers in one state, both ends included. */
export interface RangeProgress extends BlockRange {
  state: RangeState;
}

/** State of a peer. */
export type PeerState =
  /** Connecting. */
  | 'dialing'
  /** Connected; the handshake is complete. */
  | 'connected'
  /** The connection ended; the peer is dialled again. */
  | 'disconnected'
  /** Banned for its faults; no request is sent until the ban ends. */
  | 'banned'
  /** The last dial failed; the peer is dialled again. */
  | 'unreachable'
  /** It serves another chain. */
  | 'wrong-chain';

/** Reason of a failed dial. */
export type DialErrorCode =
  /** The certificate at this address is not the one in the multiaddress (`/certhash`). */
  | 'wrong-certhash'
  /** The peer at this address is not the one in the multiaddress (`/p2p`). */
  | 'wrong-peer-id'
  /** The browser's limit on connections is reached. The dial is retried. */
  | 'limit'
  /** The browser lacks a feature that the dial needs, or the peer does not support the protocol. */
  | 'unsupported'
  /** The peer closed the connection during the handshake. */
  | 'refused'
  /** This side closed the connection during the handshake. */
  | 'closed'
  /**
   * The address comes from a peer list and is in a private network, or on this device, but the page is not served from
   * there. Addresses in `peers` and `addPeer` are always dialled.
   */
  | 'not-dialable'
  /** No response from this address in time. */
  | 'timeout';

/** A failed dial: its code, and a sentence for people. */
export interface DialError {
  code: DialErrorCode;
  /** One sentence. */
  message: string;
}

/** A peer and its figures. */
export interface PeerInfo {
  /** libp2p peer id. */
  id: string;
  /** Address that is dialled. */
  multiaddr: string;
  state: PeerState;
  /** Range of blocks that the peer announces; absent if a number is 2^53 or more. */
  served?: { earliest: number; latest: number; latestHash: Hash };
  requestsInFlight: number;
  /** Bytes requested and not received yet. */
  bytesInFlight: number;
  /** In-flight limit of this peer, in bytes. */
  windowBytes: number;
  /** Smoothed time from request to response, in milliseconds. */
  latencyMs?: number;
  /** Headers of this peer that were verified. */
  headers: number;
  /** Bytes of headers received from this peer. */
  bytes: number;
  /** Faults so far, including earlier sessions; `lastFault` is the last one of this session. */
  faults: number;
  lastFault?: { code: FaultCode; message: string; details?: ErrorDetails };
  /** Reason of the last failed dial; absent once the peer was reached. */
  lastDialError?: DialError;
  /** 0 (banned) to 100 (no fault). */
  score: number;
  /** Seconds until the ban ends. */
  bannedForSeconds?: number;
  /**
   * From this block up the peer has another branch than the target's, and gets no requests for it for some time. This
   * is not a fault: a reorg reaches peers at different times.
   */
  otherBranchFrom?: number;
}

/** Progress of the sync. Each change makes a new object; an object never changes. */
export interface Progress {
  state: SyncState;
  /** Highest block of the sync; absent until it is resolved. */
  target?: BlockRef;
  /** Lowest block of the sync. */
  floor: number;
  /** Headers from floor to target; 0 while the target is unknown. */
  total: number;
  /** Headers in the store. */
  stored: number;
  /** Headers received and not stored yet. */
  staged: number;
  /** `stored / total`, 0 to 100. */
  percent: number;
  /** Headers verified per second, over the last seconds. */
  headersPerSecond: number;
  /** Bytes of headers received since the start. */
  bytesReceived: number;
  /** Bytes of headers received per second, over the last seconds. */
  bytesPerSecond: number;
  /** Estimated seconds left at this rate. */
  etaSeconds?: number;
  /** Bytes of headers in memory that are not stored yet. */
  memoryBytes: number;
  /** Size of the worker's wasm memory, in bytes. */
  wasmMemoryBytes: number;
  /** State of the whole range, from the tip down; neighbours with the same state are merged. */
  ranges: RangeProgress[];
  /** All known peers. */
  peers: PeerInfo[];
  /** Present while `state` is `stalled`; in state `follower` only with the code `other-target`. */
  stall?: Stall;
  /**
   * While `state` is `follower`: state and stall that the writing tab reports. This tab does not verify them, nor the
   * rates and peers of this progress. Target, floor, `stored` and `ranges` are read from the store.
   */
  leader?: { state: SyncState; stall?: Stall };
}
