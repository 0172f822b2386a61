// Headers that a test changes: split, changed, linked again, and written to a file that `header-peer` serves.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { keccak_256 } from '@noble/hashes/sha3.js'; // Comes with @ethereumjs/block; Node's own SHA-3 is not Keccak.

/** Where parent hash, number and timestamp stand in a header. */
const [PARENT, TIMESTAMP] = [0, 11];

/** `[start, end]` of the content of the RLP item at `at`. */
function payload(rlp, at) {
  const prefix = rlp[at];
  if (prefix < 0x80) return [at, at + 1];
  const short = prefix - (prefix >= 0xc0 ? 0xc0 : 0x80);
  if (short <= 55) return [at + 1, at + 1 + short];
  const lengthBytes = short - 55;
  const length = rlp.subarray(at + 1, at + 1 + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0);
  return [at + 1 + lengthBytes, at + 1 + lengthBytes + length];
}

/** The items of one list, each with its prefix. */
function itemsOf(rlp) {
  const [start, end] = payload(rlp, 0);
  const items = [];
  for (let at = start; at < end; ) {
    const [, next] = payload(rlp, at);
    items.push(rlp.slice(at, next));
    at = next;
  }
  return items;
}

function withLength(base, bytes) {
  if (bytes.length <= 55) return Buffer.concat([Buffer.of(base + bytes.length), bytes]);
  const length = Buffer.from(bytes.length.toString(16).padStart(bytes.length > 255 ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.of(base + 55 + length.length), length, bytes]);
}

/** RLP of a string of bytes. */
export function rlpString(bytes) {
  return bytes.length === 1 && bytes[0] < 0x80 ? Buffer.from(bytes) : withLength(0x80, Buffer.from(bytes));
}

/** Headers of concatenated RLP, each as its items. */
export function splitHeaders(rlp) {
  const headers = [];
  for (let at = 0; at < rlp.length; ) {
    const [, end] = payload(rlp, at);
    headers.push(itemsOf(rlp.subarray(at, end)));
    at = end;
  }
  return headers;
}

/** Seconds since 1970 of a header's items. */
export function timeOf(items) {
  const [start, end] = payload(items[TIMESTAMP], 0);
  return Number(`0x${Buffer.from(items[TIMESTAMP].subarray(start, end)).toString('hex')}`);
}

/** RLP of the headers, each linked to the previous one; the first keeps its parent. */
export function linkHeaders(headers) {
  let parent;
  return headers.map((items) => {
    const linked = [parent === undefined ? items[PARENT] : rlpString(parent), ...items.slice(1)];
    const rlp = withLength(0xc0, Buffer.concat(linked));
    parent = keccak_256(rlp);
    return rlp;
  });
}

/** A file of headers for `header-peer serve --headers`; removed when the test `t` ends. */
export function headersFile(t, rlps) {
  const folder = mkdtempSync(join(tmpdir(), 'headlight-headers-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'some.headers.rlp');
  writeFileSync(file, Buffer.concat(rlps));
  return file;
}
