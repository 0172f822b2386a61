/**
 * Reads one RLP list (Yellow Paper, appendix B): all that a block header is. Only what came out of the store is read
 * here, already hashed and checked by the worker; lengths are checked all the same, before any use.
 *
 * @module
 */

import { HeadlightError } from './errors.js';

/** An item of a list. */
export interface ListItem {
  /** Of a string its bytes; of a list, which only headers of unknown chains have, its RLP as a whole. */
  bytes: Uint8Array;
  isList: boolean;
}

/** The items of a list, as views into `bytes`. There are as many as the header is long, at most. Throws `internal`. */
export function readList(bytes: Uint8Array): ListItem[] {
  const list = readItem(bytes, 0);
  if (!list.isList || list.end !== bytes.length) throw damaged('is no single list');
  const items: ListItem[] = [];
  for (let at = list.start; at < list.end; ) {
    const { isList, start, end } = readItem(bytes, at);
    if (end > list.end) throw damaged('holds an item over its end');
    items.push({ bytes: bytes.subarray(isList ? at : start, end), isList });
    at = end;
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

/** What came out of the store is no header. */
export function damaged(what: string): HeadlightError {
  return new HeadlightError('internal', `the RLP of a stored header ${what}`);
}
