/**
 * The public types: what a page gives to {@link startSync} and what it gets back.
 *
 * Block numbers are JavaScript numbers: the sync takes none of 2^48 or more, so they are exact. Hashes are `0x` hex
 * strings of 32 bytes, header RLP is a `Uint8Array`. A field that does not apply is absent, never `null`.
 *
 * @module
 */

import type { HeadlightError } from './errors.js';
import type { StoredHeader } from './header.js';
import type { BlockRange, BlockRef, Hash } from './primitives.js';
import type { FaultCode, PeerInfo, Progress, Stall, SyncState } from './progress.js';

export type * from './primitives.js';
export type * from './progress.js';

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
  /**
   * Bytes of {@link SyncHandle.recording}, 0 to 256 MiB; default 4 MiB, which are some 7,000 headers. They are used only as
   * far as the sync downloads. 0: nothing is recorded.
   */
  recordingBytesMax?: number;
  /** `false`: stored segments are not audited in the background. For benchmarks only. */
  audit?: boolean;
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
  /**
   * The recording of this session, for a report of a bug: every input of the sync since its start, up to
   * {@link SyncTuning.recordingBytesMax}. With it a developer runs the session again, with the same outputs
   * (`sync-sim --replay FILE`). It has the addresses of the peers and the hashes that the page asked for, and no keys.
   * `undefined` in state `follower`, where another tab runs the sync, and where nothing is recorded.
   */
  recording(): Promise<Uint8Array | undefined>;
}
