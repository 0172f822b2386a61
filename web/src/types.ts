/**
 * The public types: what a page gives to {@link startSync} and what it gets back.
 *
 * Block numbers are JavaScript numbers: the sync takes none of 2^48 or more, so they are exact. Hashes are `0x` hex
 * strings of 32 bytes, header RLP is a `Uint8Array`. A field that does not apply is absent, never `null`.
 *
 * @module
 */

import type { ErrorDetails, HeadlightError } from './errors.js';
import type { StoredHeader } from './header.js';

/** 32 bytes as `0x` and 64 hex digits: a Keccak-256 hash. */
export type Hash = `0x${string}`;

/** Bytes as `0x` and hex digits. */
export type Hex = `0x${string}`;

/** Networks whose genesis and fork schedule the package knows. */
export type ChainName = 'mainnet' | 'sepolia' | 'holesky' | 'hoodi';

/**
 * Another chain, by its EIP-155 id. Without `genesis`, any block 0 that the target descends from is taken; give it, or
 * pin `target`, where that is not good enough. On a chain that the package does not know, hash links, numbers and times
 * are checked, and all other fields are opaque; with {@link SyncOptions.forks} every rule is.
 */
export interface CustomChain {
  /** EIP-155 chain id. */
  id: number;
  /** Hash of block 0. */
  genesis?: Hash;
}

/** How many blobs a block may hold from some fork on (EIP-7840, EIP-7892). */
export interface BlobParameters {
  target: number;
  max: number;
  baseFeeUpdateFraction: number;
}

/** A block number, a time in seconds since 1970, or a total difficulty; `null`: never. */
export type ForkNumber = number | bigint | string | null;

/**
 * Where forks begin: the `config` object of a go-ethereum genesis.json. Blocks by number, times in seconds since 1970;
 * a number may also be a bigint, or a string of digits or of hex digits after `0x`. What is absent stays as the package has it, and
 * `null` cancels a fork. Keys of that file that no header shows (`berlinBlock`, `chainId`) are passed over; any other
 * unknown key is `bad-option`. `header-peer --forks FILE` reads the same.
 */
export interface ForkSchedule {
  homesteadBlock?: ForkNumber;
  daoForkBlock?: ForkNumber;
  daoForkSupport?: boolean;
  byzantiumBlock?: ForkNumber;
  constantinopleBlock?: ForkNumber;
  muirGlacierBlock?: ForkNumber;
  londonBlock?: ForkNumber;
  arrowGlacierBlock?: ForkNumber;
  grayGlacierBlock?: ForkNumber;
  /** First block by proof of stake, where it is known. */
  mergeBlock?: ForkNumber;
  terminalTotalDifficulty?: ForkNumber;
  shanghaiTime?: ForkNumber;
  cancunTime?: ForkNumber;
  pragueTime?: ForkNumber;
  osakaTime?: ForkNumber;
  amsterdamTime?: ForkNumber;
  bpo1Time?: ForkNumber;
  bpo2Time?: ForkNumber;
  bpo3Time?: ForkNumber;
  bpo4Time?: ForkNumber;
  bpo5Time?: ForkNumber;
  /** Replaces all blob parameters; by fork: `cancun`, `prague`, `osaka`, `amsterdam`, `bpo1` to `bpo5`. */
  blobSchedule?: Record<string, BlobParameters>;
  /** Who makes the blocks before proof of stake, where it is not work (EIP-225). */
  clique?: { period?: number; epoch?: number };
  /**
   * Time up to which all of this is certain; `null`: for ever. A block of that time or later that does not fit is of a
   * fork that is not known (`unknown-fork`), an earlier one is invalid (`invalid-target`).
   */
  knownUntil?: ForkNumber;
  /** Keys that no header shows. */
  [passedOver: string]: unknown;
}

/** What to sync, from whom, and where to keep it. */
export interface SyncOptions {
  /** Which chain. */
  chain: ChainName | CustomChain;
  /** Multiaddresses that a browser can dial: `/ip4/…/udp/…/webrtc-direct/certhash/…/p2p/…`. */
  peers?: string[];
  /**
   * Address of a peer list as `header-peer` serves it at `/peers.json`, absolute or relative to the page. Its peers
   * are added to `peers`; its chain id and genesis must be those of `chain`. One of the two options must be there.
   *
   * The list is untrusted, and the sync does not depend on it: an entry that cannot be used is skipped and named in a
   * `peer-skipped` event; while the list cannot be read, the store serves what it has, an `error` event says why, and the
   * list is asked for again.
   */
  peersUrl?: string | URL;
  /**
   * Hash to sync down from. Pin one from a source of your own to trust no peer for the tip; without it the tip is what
   * {@link SyncTuning.tipQuorum} peers agree on.
   */
  target?: Hash;
  /**
   * Fork times that override those of the package, or the forks of a chain that it does not know. At most 16 KiB of
   * JSON.
   */
  forks?: ForkSchedule;
  /** Where headers are kept. */
  storage?: {
    /** Name of the IndexedDB database; by default `headlight-<chain id>`. */
    name?: string;
  };
  /** Called at every change, at most ten times a second. The same as `on('progress', …)`, but from the first moment. */
  onProgress?: (progress: Progress) => void;
  /** Figures that need no attention in normal use. */
  tuning?: SyncTuning;
  /**
   * Makes the worker: at the start, and again when a page goes on that was suspended. For where a bundler or a content
   * security policy needs it made in a special way; the script is the package's `headlight/worker`, a module. By default `new Worker(new URL('./worker.js', import.meta.url), …)`.
   */
  worker?: () => Worker;
}

/**
 * Figures that need no attention in normal use; each absent one keeps its default. Each works over the whole range that
 * is given with it; outside of it `startSync` rejects with `bad-option`.
 */
export interface SyncTuning {
  /**
   * Peers that must name the same tip, 1 to 16, which is the number of connections; default 2, or the number of peers
   * when there are fewer. More than are named at the start is allowed, for a page that goes on with `addPeer`.
   */
  tipQuorum?: number;
  /**
   * Lowest block to sync, 0 to 2^48 - 1; default 0. No peer's word raises it: where no peer serves so far down, the sync stores what is
   * served, follows new blocks, and stays `stalled` with `range-unavailable`; its details name the missing range. Set
   * `floor` to the block from which on you need headers to be `synced` without the older ones (many peers of public
   * networks have dropped those). On a chain that the package does not know the default is the lowest block that peers
   * serve and that was verified.
   */
  floor?: number;
  /** Seed of all chance in the sync, 0 to 2^53 - 1; default random. */
  seed?: number;
  /** Milliseconds until a request counts as unanswered, 100 to 2^31 - 1. */
  requestTimeoutMs?: number;
  /** Bytes of headers that may wait in memory, 512 KiB to 1 GiB. */
  memoryBytesMax?: number;
  /** Milliseconds without a proven header until the sync counts as stalled, 100 to 2^31 - 1. */
  stallMs?: number;
  /** Milliseconds that dialling a peer may take, 500 to 2^31 - 1. */
  dialTimeoutMs?: number;
  /** `false`: stored segments are not audited in the background. For benchmarks only. */
  audit?: boolean;
}

/** One block by number and hash. */
export interface BlockRef {
  number: number;
  hash: Hash;
}

/** A run of block numbers, both ends inside. */
export interface BlockRange {
  from: number;
  to: number;
}

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
  /** The floor lies above the target: there is nothing to sync. */
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
  /** `tuning.floor` lies above the target. */
  | 'floor-above-target'
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

/**
 * Events of a {@link SyncHandle} and what each carries. A tab in state `follower` has `progress`, `state` and `synced` of
 * its own; the others it hears from the tab that writes the store, at most 50 a second.
 */
export interface SyncEvents {
  /** At most ten a second, and at every change of state. */
  progress: Progress;
  /** `state` changed. */
  state: { state: SyncState; stall?: Stall };
  /** Everything from the floor to the target is stored. */
  synced: BlockRef;
  /** A peer did something wrong. */
  fault: { peer: string; multiaddr: string; code: FaultCode; message: string; banned: boolean };
  /**
   * An entry of the list at `peersUrl` cannot be used, and was left out. `multiaddr` is the entry, shortened where it is
   * no multiaddress at all.
   */
  'peer-skipped': { multiaddr: string; reason: string };
  /** Stored headers were given up for others. */
  reorg: { reverted: BlockRange; adopted: BlockRange };
  /** The chain below the target does not meet what is stored. */
  'detached-head': { local: BlockRef; expected: Hash };
  /** Stored headers were damaged; they are downloaded again. */
  'segment-dropped': BlockRange;
  /** Something failed that no call waits for. With state `failed` the sync is over. */
  error: HeadlightError;
}

/** Figures of the worker for tests and benchmarks; sums since its start. Bytes, milliseconds, counts. */
export interface SyncStats {
  wasmMemoryBytes: number;
  memoryBytes: number;
  wireBytesReceived: number;
  wireBytesSent: number;
  messagesReceived: number;
  requestsSent: number;
  batchesPersisted: number;
  persistMs: number;
  coreMs: number;
  yields: number;
  segmentsAudited: number;
  dials: number;
  connections: number;
  openMs: number;
}

/**
 * A running sync. Every method rejects with a {@link HeadlightError}. At most 1,024 calls may be unanswered; what comes
 * beyond is rejected with `busy`.
 *
 * While the browser has the page suspended (frozen, or kept for the back button), the sync is closed: connections end
 * and another tab may write the store. It goes on by itself when the page does, and answers the calls that waited. A page
 * that is closed for good ends its sync as `stop()` does.
 */
export interface SyncHandle {
  /** The newest progress. */
  readonly progress: Progress;
  /** Name of the database. */
  readonly storage: string;
  /**
   * Resolves with the target when everything from the floor up to it is stored, for the first time. In state `follower`
   * too: with the pinned target, or without one with the target of the tab that writes the store, once that tab has
   * reached it and this one has read in the store that all of it is there. Rejects with `stopped` after `stop()`, or with
   * the error that ended the sync. Leaving it unused is fine.
   */
  readonly synced: Promise<BlockRef>;
  /** Calls `listener` at each event of this type. Returns a function that ends it. */
  on<T extends keyof SyncEvents>(type: T, listener: (event: SyncEvents[T]) => void): () => void;
  /**
   * A stored header by number or hash; `undefined` when it is not stored (yet). Its bytes were hashed again when they
   * were read: what comes has the hash that it says. Where `target` is pinned, only the target and its ancestors are
   * served; else {@link StoredHeader.verifiedUnderTarget} says whether it is one.
   */
  getHeader(numberOrHash: number | Hash): Promise<StoredHeader | undefined>;
  /**
   * The stored headers from `from` up to and with `to`, rising; the same as `getHeader` serves. Numbers that are not
   * stored are left out. Read in pieces; the next piece is asked for while the current one is consumed, never more.
   * Where numbers follow each other, each header is the child of the one before: a reorg between two pieces ends the
   * walk with the error `reorged`.
   */
  getHeaders(from: number, to: number): AsyncIterableIterator<StoredHeader>;
  /**
   * Every peer that was named here, or dialled. Scores and bans are kept with the store: a peer that an earlier session
   * banned is `banned` until its time is over.
   */
  peers(): Promise<PeerInfo[]>;
  /**
   * One more peer, by multiaddress. A later session dials it unasked only where `target` is pinned and no peer that the
   * page names is reached.
   */
  addPeer(multiaddr: string): Promise<void>;
  /** Sends no request until `resume()`. What is on its way still arrives and is stored. */
  pause(): Promise<void>;
  /** Goes on after `pause()`. */
  resume(): Promise<void>;
  /** Closes every connection and the store, and ends the worker. The store stays. May be called again. */
  stop(): Promise<void>;
  /** Empties the store, forgets what is known of peers (bans too), then syncs again from the tip. */
  clear(): Promise<void>;
  /** Figures for tests and benchmarks. */
  stats(): Promise<SyncStats>;
}
