/**
 * Reads one RLP list (Yellow Paper, appendix B): a block header. The input comes from the store and was hashed by the
 * worker; on a chain that the package does not know it is opaque, so every length is checked before use.
 *
 * @module
 */

import { HeadlightError } from './errors.js';

/** One item of a list. */
export interface RlpItem {
  /** The content, as a view; for a nested list, its whole RLP. */
  bytes: Uint8Array;
  isList: boolean;
}

/** The items of a list, as views into `bytes`. Throws `unsupported-header` if `bytes` is not one list. */
export function readList(bytes: Uint8Array): RlpItem[] {
  const list = readItem(bytes, 0);
  if (!list.isList || list.end !== bytes.length) throw damaged('is not a single list');
  const items: RlpItem[] = [];
  // Bounded: a header has at most 64 KiB, and an item at least one byte.
  for (let at = list.start; at < list.end; ) {
    const item = readItem(bytes, at);
    if (item.end > list.end) throw damaged('has an item beyond its end');
    items.push({ bytes: bytes.subarray(item.isList ? at : item.start, item.end), isList: item.isList });
    at = item.end;
  }
  return items;
}

interface Item {
  isList: boolean;
  /** Index of the first byte of the content. */
  start: number;
  /** Index after the last byte. */
  end: number;
}

function readItem(bytes: Uint8Array, at: number): Item {
  const prefix = bytes[at];
  if (prefix === undefined) throw damaged('ends too early');
  if (prefix < 0x80) return { isList: false, start: at, end: at + 1 };
  const isList = prefix >= 0xc0;
  const short = prefix - (isList ? 0xc0 : 0x80);
  const lengthBytes = Math.max(0, short - 55);
  const start = at + 1 + lengthBytes;
  // A header is far below 2^32 bytes: a longer length is an error, and the sum below stays exact.
  if (lengthBytes > 4 || start > bytes.length) throw damaged('has an impossible length');
  const length = lengthBytes === 0 ? short : Number(toBigInt(bytes.subarray(at + 1, start)));
  if (length > bytes.length - start) throw damaged('ends too early');
  return { isList, start, end: start + length };
}

/** An unsigned big-endian integer; empty is zero. */
export function toBigInt(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(toHex(bytes));
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** `0x` and two digits per byte. */
export function toHex(bytes: Uint8Array): `0x${string}` {
  let text = '';
  for (const byte of bytes) text += HEX[byte];
  return `0x${text}`;
}

function damaged(what: string): HeadlightError {
  return new HeadlightError('unsupported-header', `the RLP of this header ${what}`);
}
