/**
 * The public types of what a sync reports: its state, why it stalls, what peers do wrong, and its figures.
 *
 * @module
 */

import type { ErrorDetails } from './errors.js';
import type { BlockRange, BlockRef, Hash } from './primitives.js';

/** What the sync is doing. */
export type SyncState =
  /** The store is being opened. */
  | 'opening'
  /** Waits for peers. */
  | 'finding-peers'
  /** Asks what the tip is. */
  | 'resolving-target'
  /** Downloads, proves and stores. */
  | 'syncing'
  /** Everything from the floor to the target is stored. */
  | 'synced'
  /** Nothing moves; `stall` says why. Goes on by itself once the cause is gone. */
  | 'stalled'
  /** Held by `pause()`. */
  | 'paused'
  /**
   * Another tab writes this store. This one reads it, and takes over when the other is gone, or gives no sign of life
   * for 20 seconds while this one is visible. The state stays so when everything is stored: the `synced` event and
   * promise tell.
   */
  | 'follower'
  /** Ended by `stop()`. */
  | 'stopped'
  /** Ended by an error, which the `error` event carried. */
  | 'failed';

/** Why nothing moves. */
export type StallCode =
  /** No peer can be reached; dialling goes on. */
  | 'no-peers'
  /** Every peer is banned or of no use. */
  | 'no-usable-peer'
  /** Peers name different tips and none has the quorum; `details.tips` says who names what. Ends when enough agree. */
  | 'tips-disagree'
  /** Fewer peers than the quorum name the same tip. */
  | 'quorum-not-reached'
  /** No peer has the pinned target. */
  | 'target-unavailable'
  /**
   * No connected peer serves blocks that are missing (`details.from` to `details.to`), or those that claim to do not
   * respond. What lies above is stored and can be read, and new blocks are followed. See {@link SyncTuning.floor}.
   */
  | 'range-unavailable'
  /** `tuning.floor` lies above the target: there is nothing to sync. */
  | 'floor-above-target'
  /** The site's storage quota is used up. */
  | 'storage-full'
  /** The database reports errors. */
  | 'storage-failed'
  /** Peers answer, but nothing could be proven for a while. */
  | 'no-progress'
  /** A block of the target's chain breaks a rule. */
  | 'invalid-target'
  /**
   * A block of the target's chain has the right hash, and this release cannot judge it: it is of a fork that was added,
   * moved or cancelled since. Update the package, or give {@link SyncOptions.forks}. No peer is blamed, and what is
   * stored stays readable. `details.from` is its number, `details.hash` its hash.
   */
  | 'unknown-fork'
  /** The target's chain and the stored one part too far down; nothing was removed. */
  | 'rollback-too-deep'
  /** The target does not descend from this chain's genesis. */
  | 'wrong-genesis'
  /** Every peer serves another chain. */
  | 'wrong-chain'
  /**
   * In state `follower`: the tab that writes the store has reached its own target, and the one pinned here is not stored
   * down to the floor. It is synced once this tab writes the store.
   */
  | 'other-target';

/** Why nothing moves, for programs and for people. */
export interface Stall {
  code: StallCode;
  /** One sentence. */
  message: string;
  details?: ErrorDetails;
}

/** What a peer did wrong. */
export type FaultCode =
  /** It serves another chain. */
  | 'wrong-chain'
  /** Its answer does not begin where the request does. */
  | 'wrong-start'
  /** More headers than were asked for. */
  | 'too-many-headers'
  /** Nothing, inside the range that it announces. */
  | 'empty-answer'
  /** A header that is no canonical RLP. */
  | 'undecodable'
  /** A header whose hash is not what its child says. */
  | 'broken-link'
  /** A header that breaks a rule of the chain. */
  | 'invalid-header'
  /** No answer in time. */
  | 'timeout'
  /** No message of the protocol, or one over a limit. */
  | 'protocol';

/** Where a run of headers stands. */
export type RangeState =
  /** Nobody asked for it yet. */
  | 'unprocessed'
  /** A peer was asked for it. */
  | 'borrowed'
  /** Received, or proven and waiting for its window to fill. */
  | 'staged'
  /** Proven and in the store. */
  | 'stored';

/** One run of the whole range, both ends inside. */
export interface RangeProgress extends BlockRange {
  state: RangeState;
}

/** How the sync stands with a peer. */
export type PeerState =
  /** A connection is being made. */
  | 'dialing'
  /** Connected; it said what it serves. */
  | 'connected'
  /** The connection ended; it is dialled again. */
  | 'disconnected'
  /** It lied; not asked before the ban is over. */
  | 'banned'
  /** The last dial failed; it is dialled again. */
  | 'unreachable'
  /** It serves another chain. */
  | 'wrong-chain';

/** Why a peer could not be dialled. */
export type DialErrorCode =
  /** Whoever answers there has another certificate than the address says (`/certhash`). */
  | 'wrong-certhash'
  /** Another peer answered than the address says (`/p2p`). */
  | 'wrong-peer-id'
  /** The browser has no room for one more connection. It is tried again. */
  | 'limit'
  /** The browser cannot do what the dial needs, or the peer does not speak the protocol. */
  | 'unsupported'
  /** The peer ended the connection while it was made. */
  | 'refused'
  /** The connection was ended on this side while it was made. */
  | 'closed'
  /**
   * The address comes from a peer list and lies in a private network, or on this device, and the page does not. What
   * `peers` or `addPeer` name is dialled wherever it is.
   */
  | 'not-dialable'
  /** Nobody answered in time. */
  | 'timeout';

/** Why a peer could not be dialled, for programs and for people. */
export interface DialError {
  code: DialErrorCode;
  /** One sentence. */
  message: string;
}

/** One peer. */
export interface PeerInfo {
  /** libp2p peer id. */
  id: string;
  /** Where it is dialled. */
  multiaddr: string;
  state: PeerState;
  /** What it says it serves; absent where it names numbers of 2^53 or more, which no chain has. */
  served?: { earliest: number; latest: number; latestHash: Hash };
  requestsInFlight: number;
  /** Bytes asked for and not yet received. */
  bytesInFlight: number;
  /** How many bytes may be in flight. */
  windowBytes: number;
  /** Smoothed time from request to answer, in milliseconds. */
  latencyMs?: number;
  /** Headers of this peer that were proven. */
  headers: number;
  /** Bytes of headers received from it. */
  bytes: number;
  /** Faults so far, those of earlier sessions among them; `lastFault` is of this session. */
  faults: number;
  lastFault?: { code: FaultCode; message: string; details?: ErrorDetails };
  /** Why the last dial failed; absent once the peer was reached. */
  lastDialError?: DialError;
  /** 0 (banned) to 100 (no fault). */
  score: number;
  /** How long its ban still lasts, in seconds. */
  bannedForSeconds?: number;
  /**
   * From this number up it has another branch than the target's, so it is not asked there for a while. No fault: a reorg
   * reaches peers at different moments.
   */
  otherBranchFrom?: number;
}

/** How far the sync is. A new object at each change; none is altered afterwards. */
export interface Progress {
  state: SyncState;
  /** Where the sync ends, above; absent until it is resolved. */
  target?: BlockRef;
  /** Where it ends, below. */
  floor: number;
  /** Headers from floor to target; 0 while the target is unknown. */
  total: number;
  /** Of these, headers in the store. */
  stored: number;
  /** Of these, headers received and not yet stored. */
  staged: number;
  /** `stored / total`, 0 to 100. */
  percent: number;
  /** Headers proven a second, over the last seconds. */
  headersPerSecond: number;
  /** Bytes of headers received since the start. */
  bytesReceived: number;
  /** Bytes of headers received a second, over the last seconds. */
  bytesPerSecond: number;
  /** Seconds left at this rate. */
  etaSeconds?: number;
  /** Bytes of headers that wait in memory. */
  memoryBytes: number;
  /** Size of the worker's wasm memory, in bytes. */
  wasmMemoryBytes: number;
  /** The whole range from the tip down, as few runs as describe it. */
  ranges: RangeProgress[];
  /** Every peer that is known. */
  peers: PeerInfo[];
  /** Why nothing moves, while `state` is `stalled`; in state `follower` only with the code `other-target`. */
  stall?: Stall;
  /**
   * What the tab that writes the store says of itself, while `state` is `follower`. It is shown, not verified; neither
   * are the rates and the peers of this progress then. Target, floor, stored and ranges are read from the store.
   */
  leader?: { state: SyncState; stall?: Stall };
}
