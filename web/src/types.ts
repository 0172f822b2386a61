/**
 * The public types: the options of {@link startSync}, and the handle and events that it returns.
 *
 * Block numbers are JavaScript numbers. They are exact, because the sync rejects block numbers of 2^48 or more. Hashes
 * are `0x` hex strings of 32 bytes, header RLP is a `Uint8Array`. A field that does not apply is absent, never `null`.
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
 * Another chain, by its EIP-155 id. Without `genesis`, the sync accepts any block 0 that the target descends from; give
 * `genesis`, or pin `target`, to be sure of the chain. On a chain that the package does not know, the sync checks hash
 * links, numbers and times; with {@link SyncOptions.forks} it checks every rule.
 */
export interface CustomChain {
  /** EIP-155 chain id. */
  id: number;
  /** Hash of block 0. */
  genesis?: Hash;
}

/** Blob parameters of one fork (EIP-7840, EIP-7892). */
export interface BlobParameters {
  target: number;
  max: number;
  baseFeeUpdateFraction: number;
}

/** A block number, a time in seconds since 1970, or a total difficulty; `null`: never. */
export type ForkNumber = number | bigint | string | null;

/**
 * Where forks begin: the `config` object of a go-ethereum genesis.json. Blocks by number, times in seconds since 1970;
 * a number may also be a bigint, a decimal string, or a hex string with `0x`. An absent key keeps the default of the
 * package, and `null` cancels a fork. Keys that do not change a header (`berlinBlock`, `chainId`) are ignored; any
 * other unknown key is `bad-option`. `header-peer --forks FILE` reads the same format.
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
  /** Proof of authority before the merge (EIP-225), in place of proof of work. */
  clique?: { period?: number; epoch?: number };
  /**
   * Time up to which this schedule is certain; `null`: for ever. A block that breaks a rule is `invalid-target` before
   * this time, and `unknown-fork` from this time on.
   */
  knownUntil?: ForkNumber;
  /** Keys that do not change a header; ignored. */
  [passedOver: string]: unknown;
}

/** Options of {@link startSync}. */
export interface SyncOptions {
  chain: ChainName | CustomChain;
  /** Multiaddresses that a browser can dial: `/ip4/…/udp/…/webrtc-direct/certhash/…/p2p/…`. */
  peers?: string[];
  /**
   * Address of a peer list as `header-peer` serves it at `/peers.json`, absolute or relative to the page. Its peers
   * are added to `peers`; its chain id and genesis must match `chain`. `peers` or `peersUrl` is required.
   *
   * The list is not trusted, and the sync does not depend on it. An entry that cannot be used is skipped, with a
   * `peer-skipped` event. While the list cannot be read, the stored headers stay readable, an `error` event gives the
   * reason, and the request is retried.
   */
  peersUrl?: string | URL;
  /**
   * Hash of the block to sync down from. Pin a hash from a source that you trust, and no peer is trusted for the tip.
   * Without it the target is the tip that more than half of the peers, and at least {@link SyncTuning.tipQuorum}, agree
   * on.
   */
  target?: Hash;
  /**
   * Fork times that override those of the package, or the forks of a chain that it does not know. At most 16 KiB of
   * JSON.
   */
  forks?: ForkSchedule;
  /** Where headers are stored. */
  storage?: {
    /** Name of the IndexedDB database; by default `headlight-<chain id>`. */
    name?: string;
  };
  /** Called at every change, at most ten times a second. Like `on('progress', …)`, but it also gets the first events. */
  onProgress?: (progress: Progress) => void;
  /** Limits and timeouts; the defaults fit normal use. */
  tuning?: SyncTuning;
  /**
   * Creates the worker: at the start, and again when a suspended page resumes. Use it where a bundler or a content
   * security policy does not allow the default, `new Worker(new URL('./worker.js', import.meta.url), …)`. The script is
   * the module `headlight/worker` of the package.
   */
  worker?: () => Worker;
}

/**
 * Limits and timeouts. An absent field keeps its default. A value outside the given range is rejected with
 * `bad-option`.
 */
export interface SyncTuning {
  /**
   * Peers that must name the same tip, 1 to 16, which is the number of connections; default 2, or the number of peers
   * when there are fewer. The quorum may be higher than the number of peers at the start: `addPeer` can add more.
   */
  tipQuorum?: number;
  /**
   * Lowest block to sync, 0 to 2^48 - 1; default 0. Peers cannot raise it: where no peer serves the lowest blocks, the
   * sync stores the blocks above them, follows new blocks, and stays `stalled` with `range-unavailable`, whose details
   * give the missing range. Many peers of public networks have pruned old blocks: set `floor` to the lowest block that
   * you need. On a chain that the package does not know the default is the lowest verified block that peers serve.
   */
  floor?: number;
  /** Seed of the random choices of the sync, 0 to 2^53 - 1; default random. */
  seed?: number;
  /** Milliseconds until a request times out, 100 to 2^31 - 1. */
  requestTimeoutMs?: number;
  /** Most bytes of headers in memory, 512 KiB to 1 GiB. */
  memoryBytesMax?: number;
  /** Milliseconds without a newly verified header until the sync counts as stalled, 100 to 2^31 - 1. */
  stallMs?: number;
  /** Milliseconds that dialling a peer may take, 500 to 2^31 - 1. */
  dialTimeoutMs?: number;
  /**
   * Bytes of {@link SyncHandle.recording}, 0 to 256 MiB; default 4 MiB, which are some 7,000 headers. They are used only as
   * far as the sync downloads. 0: nothing is recorded.
   */
  recordingBytesMax?: number;
  /** `false` turns off the background check of stored headers. For benchmarks only. */
  audit?: boolean;
}

/**
 * Events of a {@link SyncHandle} with their data. A tab in state `follower` has its own `progress`, `state` and
 * `synced` events; the other events come from the tab that writes the store, at most 50 a second.
 */
export interface SyncEvents {
  /** At most ten a second, and at every change of state. */
  progress: Progress;
  state: { state: SyncState; stall?: Stall };
  /** Everything from the floor to the target is stored. */
  synced: BlockRef;
  /** A peer broke the protocol or sent an invalid response. */
  fault: { peer: string; multiaddr: string; code: FaultCode; message: string; banned: boolean };
  /**
   * An entry of the list at `peersUrl` cannot be used and was skipped. `multiaddr` is the entry; an entry that is not a
   * multiaddress is shortened.
   */
  'peer-skipped': { multiaddr: string; reason: string };
  /** Stored headers were replaced by those of another branch. */
  reorg: { reverted: BlockRange; adopted: BlockRange };
  /** The target's chain does not contain the stored block `local`: at this number it has `expected`. */
  'detached-head': { local: BlockRef; expected: Hash };
  /** Stored headers were damaged and removed; they are downloaded again. */
  'segment-dropped': BlockRange;
  /** A failure outside of any call. With state `failed` the sync has ended. */
  error: HeadlightError;
}

/** Counters of the worker since its start, for tests and benchmarks: bytes, milliseconds, counts. */
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
 * A running sync. Every method rejects with a {@link HeadlightError}. At most 1,024 calls may be pending; a further
 * call is rejected with `busy`.
 *
 * While the browser suspends the page (frozen, or in the back/forward cache), the sync is closed: its connections end,
 * and another tab may write the store. The sync and the pending calls resume with the page. Closing the page ends the
 * sync as `stop()` does.
 */
export interface SyncHandle {
  /** The newest progress. */
  readonly progress: Progress;
  /** Name of the IndexedDB database. */
  readonly storage: string;
  /**
   * Resolves with the target when every header from the floor to the target is stored for the first time. In state
   * `follower` the target is the pinned one, or else the target of the tab that writes the store, and the promise resolves
   * once this tab has found all headers in the store. Rejects with `stopped` after `stop()`, or with the error that
   * ended the sync. An unused promise causes no unhandled rejection.
   */
  readonly synced: Promise<BlockRef>;
  /** Calls `listener` at each event of this type. Returns a function that removes the listener. */
  on<T extends keyof SyncEvents>(type: T, listener: (event: SyncEvents[T]) => void): () => void;
  /**
   * A stored header by number or hash; `undefined` when it is not stored (yet). The worker hashes the bytes again at
   * each read. With a pinned `target` the result is always the target or its ancestor; without a pin see {@link
   * StoredHeader.verifiedUnderTarget}.
   */
  getHeader(numberOrHash: number | Hash): Promise<StoredHeader | undefined>;
  /**
   * The stored headers from `from` to `to`, both included, in rising order. Numbers that are not stored are left out.
   * Headers are read in chunks, with one chunk of read-ahead. A header whose number follows the previous one is its
   * child: a reorg between two chunks ends the iteration with the error `reorged`.
   */
  getHeaders(from: number, to: number): AsyncIterableIterator<StoredHeader>;
  /**
   * Every peer that was added or dialled. Scores and bans are stored beside the headers: a peer that an earlier session
   * banned is `banned` until the ban ends.
   */
  peers(): Promise<PeerInfo[]>;
  /**
   * Adds a peer by its multiaddress. A later session dials it by itself only if `target` is pinned and none of the
   * peers in the options can be reached.
   */
  addPeer(multiaddr: string): Promise<void>;
  /** Stops sending requests until `resume()`. Responses in flight are still verified and stored. */
  pause(): Promise<void>;
  /** Ends a `pause()`. */
  resume(): Promise<void>;
  /** Closes every connection and ends the worker. The stored headers stay. A second call does nothing. */
  stop(): Promise<void>;
  /** Removes all stored headers and all records of peers (bans too), then syncs again from the tip. */
  clear(): Promise<void>;
  /** Counters for tests and benchmarks. */
  stats(): Promise<SyncStats>;
  /**
   * The recording of this session, for a report of a bug: every input of the sync since its start, up to
   * {@link SyncTuning.recordingBytesMax}. With it a developer runs the session again, with the same outputs
   * (`sync-sim --replay FILE`). It has the addresses of the peers and the hashes that the page asked for, and no keys.
   * `undefined` in state `follower`, where another tab runs the sync, and where nothing is recorded.
   */
  recording(): Promise<Uint8Array | undefined>;
}
