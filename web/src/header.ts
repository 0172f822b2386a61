/**
 * A stored header, and its fields by name.
 *
 * The worker hands out bytes and their hash; names are given here, when somebody reads them. So a page that walks a
 * million headers for their hashes decodes none.
 *
 * @module
 */

import type { HeaderRecord, PackedHeaders } from './messages.js';
import { readFlatList, toBigInt, toHex } from './rlp.js';
import type { Hash, Hex } from './types.js';

/**
 * The fields of a block header in the order in which they are hashed (Yellow Paper 4.4 and the EIPs named below).
 * Amounts that may pass 2^53 are `bigint`. Fields of later forks are absent in earlier headers.
 */
export interface HeaderFields {
  parentHash: Hash;
  ommersHash: Hash;
  /** Receiver of the fees; 20 bytes. */
  beneficiary: Hex;
  stateRoot: Hash;
  transactionsRoot: Hash;
  receiptsRoot: Hash;
  /** 256 bytes. */
  logsBloom: Hex;
  /** 0 since the merge (EIP-3675). */
  difficulty: bigint;
  number: number;
  gasLimit: bigint;
  gasUsed: bigint;
  /** Seconds since 1970, UTC. */
  timestamp: number;
  extraData: Hex;
  /** `prevRandao` since the merge (EIP-4399). */
  mixHash: Hash;
  /** 8 bytes. */
  nonce: Hex;
  /** In wei (EIP-1559). */
  baseFeePerGas?: bigint;
  /** EIP-4895. */
  withdrawalsRoot?: Hash;
  /** EIP-4844. */
  blobGasUsed?: bigint;
  /** EIP-4844. */
  excessBlobGas?: bigint;
  /** EIP-4788. */
  parentBeaconBlockRoot?: Hash;
  /** EIP-7685. */
  requestsHash?: Hash;
  /** What stands behind these, on chains that have more. */
  more?: Hex[];
}

/** A header out of the store: proven when it was stored, hashed again when it was read. */
export class StoredHeader {
  /** Block number. */
  readonly number: number;
  /** Keccak-256 of `rlp`. */
  readonly hash: Hash;
  /** The header as it came from a peer, canonical RLP. The bytes are the caller's own. */
  readonly rlp: Uint8Array;
  /**
   * Whether this header is the target of this session (`progress.target`), or an ancestor of it. Always `true` where
   * `target` is pinned: nothing else is served then. Without a pin, `false` marks what an earlier session stored and
   * this one has not reached yet: while the target is being looked for, while offline, or below a gap.
   */
  readonly verifiedUnderTarget: boolean;
  #fields: HeaderFields | undefined;

  constructor(record: HeaderRecord) {
    this.number = record.number;
    this.hash = record.hash;
    this.rlp = record.rlp;
    this.verifiedUnderTarget = record.verifiedUnderTarget;
  }

  /** All fields by name; decoded at the first use. */
  get fields(): HeaderFields {
    return (this.#fields ??= decodeFields(this.rlp));
  }

  /** Hash of the block before. */
  get parentHash(): Hash {
    return this.fields.parentHash;
  }

  /** Seconds since 1970, UTC. */
  get timestamp(): number {
    return this.fields.timestamp;
  }

  /** Root of the state after this block. */
  get stateRoot(): Hash {
    return this.fields.stateRoot;
  }

  /** Root of its transactions. */
  get transactionsRoot(): Hash {
    return this.fields.transactionsRoot;
  }

  /** Root of its receipts. */
  get receiptsRoot(): Hash {
    return this.fields.receiptsRoot;
  }
}

/** Names the items of a header. Throws `internal` where the bytes are no header. */
export function decodeFields(rlp: Uint8Array): HeaderFields {
  const items = readFlatList(rlp);
  let at = 0;
  const bytes = () => items[at++] ?? new Uint8Array();
  const hex = () => toHex(bytes());
  const big = () => toBigInt(bytes());
  const fields: HeaderFields = {
    parentHash: hex(),
    ommersHash: hex(),
    beneficiary: hex(),
    stateRoot: hex(),
    transactionsRoot: hex(),
    receiptsRoot: hex(),
    logsBloom: hex(),
    difficulty: big(),
    number: Number(big()),
    gasLimit: big(),
    gasUsed: big(),
    timestamp: Number(big()),
    extraData: hex(),
    mixHash: hex(),
    nonce: hex(),
  };
  if (at < items.length) fields.baseFeePerGas = big();
  if (at < items.length) fields.withdrawalsRoot = hex();
  if (at < items.length) fields.blobGasUsed = big();
  if (at < items.length) fields.excessBlobGas = big();
  if (at < items.length) fields.parentBeaconBlockRoot = hex();
  if (at < items.length) fields.requestsHash = hex();
  if (at < items.length) fields.more = items.slice(at).map(toHex);
  return fields;
}

/** The headers of one piece, one by one; each gets bytes of its own, so that keeping one does not keep the piece. */
export function* unpack(piece: PackedHeaders): Generator<StoredHeader, void, undefined> {
  let offset = 0;
  for (const [index, length] of piece.lengths.entries()) {
    yield new StoredHeader({
      number: piece.first + index,
      hash: toHex(piece.hashes.subarray(index * 32, index * 32 + 32)),
      rlp: piece.rlp.slice(offset, offset + length),
      verifiedUnderTarget: piece.verifiedUnderTarget,
    });
    offset += length;
  }
}
