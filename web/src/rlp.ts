/**
 * Reads one RLP list (Yellow Paper, appendix B): all that a block header is. Only what came out of the store is read
 * here, already hashed by the worker; but on a chain that the package does not know most of it is opaque, so every length
 * is checked before any use.
 *
 * @module
 */

import { HeadlightError } from './errors.js';

/** One item of a list. */
export interface RlpItem {
  /** A view of what it holds; of a nested list, of all its RLP. */
  bytes: Uint8Array;
  isList: boolean;
}

/** The items of a list, as views into `bytes`. Throws `unsupported-header` where there is no such list. */
export function readList(bytes: Uint8Array): RlpItem[] {
  const list = readItem(bytes, 0);
  if (!list.isList || list.end !== bytes.length) throw damaged('is no single list');
  const items: RlpItem[] = [];
  // A header has at most 16 KiB, and so many items.
  for (let at = list.start; at < list.end; ) {
    const item = readItem(bytes, at);
    if (item.end > list.end) throw damaged('has an item over its end');
    items.push({ bytes: bytes.subarray(item.isList ? at : item.start, item.end), isList: item.isList });
    at = item.end;
  }
  return items;
}

interface Item {
  isList: boolean;
  /** First byte of its content. */
  start: number;
  /** One past its last byte. */
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

/** `0x` and two digits a byte. */
export function toHex(bytes: Uint8Array): `0x${string}` {
  let text = '';
  for (const byte of bytes) text += HEX[byte];
  return `0x${text}`;
}

function damaged(what: string): HeadlightError {
  return new HeadlightError('unsupported-header', `the RLP of this header ${what}`);
}
