/**
 * A stored header, and its fields by name.
 *
 * The worker hands out bytes and their hash; names are given here, when somebody reads them. So a page that walks a
 * million headers for their hashes decodes none.
 *
 * @module
 */

import { HeadlightError } from './errors.js';
import type { HeaderRecord, PackedHeaders } from './messages.js';
import { readFlatList, toBigInt, toHex } from './rlp.js';
import type { Hash, Hex } from './types.js';

/**
 * The fields of a block header in the order in which they are hashed (Yellow Paper 4.4 and the EIPs named below).
 * Fields of later forks are absent in earlier headers.
 *
 * No number is ever rounded. Amounts are `bigint`. `number` and `timestamp` are JavaScript numbers, because dates and
 * look-ups take those; where a header holds one of 2^53 or more, `fields` throws a `HeadlightError` with the code
 * `inexact-number` and the value in `details.got`. The sync takes no block number of 2^48 or more, so in practice that
 * is a timestamp of a chain which does not count in seconds. `parentHash`, the roots and `rlp` stay readable.
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
  #items: Uint8Array[] | undefined;
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

  /** All fields by name; decoded at the first use. Throws `inexact-number`, see {@link HeaderFields}. */
  get fields(): HeaderFields {
    return (this.#fields ??= nameItems(this.#split()));
  }

  /** Hash of the block before. */
  get parentHash(): Hash {
    return this.#hex(0);
  }

  /** Seconds since 1970, UTC. Throws `inexact-number` where it does not fit a JavaScript number. */
  get timestamp(): number {
    return this.fields.timestamp;
  }

  /** Root of the state after this block. */
  get stateRoot(): Hash {
    return this.#hex(3);
  }

  /** Root of its transactions. */
  get transactionsRoot(): Hash {
    return this.#hex(4);
  }

  /** Root of its receipts. */
  get receiptsRoot(): Hash {
    return this.#hex(5);
  }

  #split(): Uint8Array[] {
    return (this.#items ??= readFlatList(this.rlp));
  }

  /** The item at this place of the list (Yellow Paper 4.4). */
  #hex(place: number): Hex {
    return toHex(this.#split()[place] ?? new Uint8Array());
  }
}

/** The fields of a header. Throws `internal` where the bytes are no header, `inexact-number` where one would be rounded. */
export function decodeFields(rlp: Uint8Array): HeaderFields {
  return nameItems(readFlatList(rlp));
}

function nameItems(items: readonly Uint8Array[]): HeaderFields {
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
    number: exactNumber('number', big()),
    gasLimit: big(),
    gasUsed: big(),
    timestamp: exactNumber('timestamp', big()),
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

/** A number that is exact, or the error that says which is not. */
function exactNumber(field: 'number' | 'timestamp', value: bigint): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  const message = `the ${field} of this header, ${value}, does not fit a JavaScript number`;
  const details = { option: field, got: String(value), expected: `at most ${Number.MAX_SAFE_INTEGER}` };
  throw new HeadlightError('inexact-number', message, details);
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
