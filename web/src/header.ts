/**
 * A stored header, and its fields by name.
 *
 * The worker returns bytes and their hash; fields are decoded on first use. A page that reads a million headers for
 * their hashes decodes none.
 *
 * @module
 */

import { HeadlightError } from './errors.js';
import type { HeaderRecord, PackedHeaders } from './messages.js';
import { type RlpItem, readList, toBigInt, toHex } from './rlp.js';
import type { Hash, Hex } from './types.js';

/**
 * The fields of a block header in the order in which they are hashed (Yellow Paper 4.4 and the EIPs named below).
 * Fields of later forks are absent in earlier headers.
 *
 * Numbers are never rounded. Amounts are `bigint`. `number` and `timestamp` are JavaScript numbers; where a header
 * holds 2^53 or more, `fields` throws a `HeadlightError` with the code `inexact-number` and the value in `details.got`.
 * The sync rejects block numbers of 2^48 or more, so in practice this is the timestamp of a chain that does not count
 * seconds. `parentHash`, the roots and `rlp` stay readable.
 *
 * On a chain that the package does not know, a header may have another form (its own seal, a missing root). If one of
 * the first fifteen fields does not have its Ethereum width, `fields` throws a `HeadlightError` with the code
 * `unsupported-header`; a later field of another form, and all fields after it, are in `more`. {@link
 * StoredHeader.items} holds all fields unnamed.
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
  /** Further fields, on chains and in forks that have more; a nested list as its RLP. */
  more?: Hex[];
}

/** A stored header: verified before it was stored, hashed again when it was read. */
export class StoredHeader {
  /** Block number. */
  readonly number: number;
  /** Keccak-256 of `rlp`. */
  readonly hash: Hash;
  /** The header as a peer sent it, canonical RLP. The bytes belong to the caller. */
  readonly rlp: Uint8Array;
  /**
   * Whether this header is the target of this session (`progress.target`) or its ancestor. Always `true` with a pinned
   * `target`. Without a pin, `false` marks headers of an earlier session that this session has not verified yet: while
   * it resolves its target, while it is offline, or below a gap.
   */
  readonly verifiedUnderTarget: boolean;
  #items: RlpItem[] | undefined;
  #fields: HeaderFields | undefined;

  constructor(record: HeaderRecord) {
    this.number = record.number;
    this.hash = record.hash;
    this.rlp = record.rlp;
    this.verifiedUnderTarget = record.verifiedUnderTarget;
  }

  /**
   * All fields by name; decoded at the first use. Throws `inexact-number` or `unsupported-header`, see {@link
   * HeaderFields}.
   */
  get fields(): HeaderFields {
    this.#fields ??= nameItems(this.#split());
    return this.#fields;
  }

  /** All fields without names, on any chain; a nested list as its RLP. */
  get items(): Hex[] {
    return this.#split().map((item) => toHex(item.bytes));
  }

  /** Hash of the parent block. */
  get parentHash(): Hash {
    return this.#hash('parentHash', 0);
  }

  /** Seconds since 1970, UTC. Throws `inexact-number` if it does not fit a JavaScript number. */
  get timestamp(): number {
    return exactNumber('timestamp', toBigInt(string('timestamp', this.#split()[11])));
  }

  /** Root of the state after this block. */
  get stateRoot(): Hash {
    return this.#hash('stateRoot', 3);
  }

  /** Root of the transactions. */
  get transactionsRoot(): Hash {
    return this.#hash('transactionsRoot', 4);
  }

  /** Root of the receipts. */
  get receiptsRoot(): Hash {
    return this.#hash('receiptsRoot', 5);
  }

  #split(): RlpItem[] {
    this.#items ??= readList(this.rlp);
    return this.#items;
  }

  /** The hash at this index of the list (Yellow Paper 4.4). */
  #hash(field: string, place: number): Hash {
    return toHex(fixed(field, this.#split()[place], 32));
  }
}

/**
 * The fields of a header. Throws `unsupported-header` for another form, `inexact-number` for a number that would be
 * rounded.
 */
export function decodeFields(rlp: Uint8Array): HeaderFields {
  return nameItems(readList(rlp));
}

/** Bytes of a string field. */
function string(field: string, item: RlpItem | undefined): Uint8Array {
  if (item === undefined || item.isList) throw unsupported(field, item, 'a string of bytes');
  return item.bytes;
}

/** Bytes of a string field of this width. */
function fixed(field: string, item: RlpItem | undefined, width: number): Uint8Array {
  if (item === undefined || item.isList || item.bytes.length !== width) {
    throw unsupported(field, item, `${width} bytes`);
  }
  return item.bytes;
}

function unsupported(field: string, item: RlpItem | undefined, expected: string): HeadlightError {
  const got = item === undefined ? 'nothing' : item.isList ? 'a list' : `${item.bytes.length} bytes`;
  const message = `the ${field} of this header has another form than on Ethereum: ${got}, expected ${expected}`;
  return new HeadlightError('unsupported-header', message, { option: field, got, expected });
}

/** The later fields in their order; `undefined`: an integer. */
const LATER_FIELDS = [
  ['baseFeePerGas', undefined],
  ['withdrawalsRoot', 32],
  ['blobGasUsed', undefined],
  ['excessBlobGas', undefined],
  ['parentBeaconBlockRoot', 32],
  ['requestsHash', 32],
] as const satisfies readonly (readonly [keyof HeaderFields, 32 | undefined])[];

/** Longest integer, in bytes. */
const INTEGER_BYTES_MAX = 32;

function nameItems(items: readonly RlpItem[]): HeaderFields {
  let at = 0;
  const hex = (field: string, width: number) => toHex(fixed(field, items[at++], width));
  const big = (field: string) => toBigInt(string(field, items[at++]));
  const fields: HeaderFields = {
    parentHash: hex('parentHash', 32),
    ommersHash: hex('ommersHash', 32),
    beneficiary: hex('beneficiary', 20),
    stateRoot: hex('stateRoot', 32),
    transactionsRoot: hex('transactionsRoot', 32),
    receiptsRoot: hex('receiptsRoot', 32),
    logsBloom: hex('logsBloom', 256),
    difficulty: big('difficulty'),
    number: exactNumber('number', big('number')),
    gasLimit: big('gasLimit'),
    gasUsed: big('gasUsed'),
    timestamp: exactNumber('timestamp', big('timestamp')),
    extraData: toHex(string('extraData', items[at++])),
    mixHash: hex('mixHash', 32),
    nonce: hex('nonce', 8),
  };
  for (const [field, width] of LATER_FIELDS) {
    const item = items[at];
    if (item === undefined || item.isList) break;
    const fits = width === undefined ? item.bytes.length <= INTEGER_BYTES_MAX : item.bytes.length === width;
    if (!fits) break;
    Object.assign(fields, { [field]: width === undefined ? toBigInt(item.bytes) : toHex(item.bytes) });
    at += 1;
  }
  if (at < items.length) fields.more = items.slice(at).map((item) => toHex(item.bytes));
  return fields;
}

/** The number, if a JavaScript number can hold it; throws `inexact-number` otherwise. */
function exactNumber(field: 'number' | 'timestamp', value: bigint): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  const message = `the ${field} of this header, ${value}, does not fit a JavaScript number`;
  const details = { option: field, got: String(value), expected: `at most ${Number.MAX_SAFE_INTEGER}` };
  throw new HeadlightError('inexact-number', message, details);
}

/** The headers of one chunk. Each gets its own bytes, so that one header does not keep the whole chunk in memory. */
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
