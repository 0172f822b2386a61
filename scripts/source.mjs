// An independent reader of source files, so that a sync is compared with the file itself and not with `header-peer`'s
// reading of it. Shares no code with the peer. Knows the three file formats; the generated chain has no file, so it is
// compared with the responses of the honest peer.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** e2store entry type of a header, snappy-framed: https://github.com/eth-clients/e2store-format-specs */
const E2STORE_COMPRESSED_HEADER = 0x03;

const READERS = {
  '--headers': (path) => [...items(readFileSync(path))].map(({ item }) => item),
  '--rlp': (path) => [...items(readFileSync(path))].map(({ payload }) => items(payload).next().value.item),
  '--era1': (path, network) => era1Files(path, network).flatMap((file) => [...era1Headers(readFileSync(file))]),
};

/** Networks by chain id, as era1 files are named after them. */
const NETWORKS = { 1: 'mainnet', 11155111: 'sepolia', 17000: 'holesky', 560048: 'hoodi' };

/**
 * RLP of each header of the source in these flags of `header-peer serve`, rising; `undefined` for the generated chain.
 */
export function readSource(args) {
  const pairs = [];
  for (let at = 0; at < args.length; at++) {
    const [flag, inline] = args[at].split(/=(.*)/s);
    if (flag !== '--chain' && READERS[flag] === undefined) continue;
    pairs.push([flag, inline ?? args[++at]]);
    // `--era1` takes several paths.
    while (flag === '--era1' && at + 1 < args.length && !args[at + 1].startsWith('--')) pairs.push([flag, args[++at]]);
  }
  const chain = pairs.find(([flag]) => flag === '--chain')?.[1];
  const headers = [];
  for (const [flag, path] of pairs) {
    // One by one: a spread of a whole chain into `push` is more arguments than a call may have.
    if (flag !== '--chain') for (const header of READERS[flag](path, NETWORKS[chain] ?? chain)) headers.push(header);
  }
  if (headers.length === 0) return undefined;
  return headers.sort((a, b) => numberOf(a) - numberOf(b));
}

/** Block number: the ninth field. */
export function numberOf(header) {
  const fields = items(items(header).next().value.payload);
  for (let skip = 0; skip < 8; skip++) fields.next();
  return fields.next().value.payload.reduce((number, byte) => number * 256 + byte, 0);
}

/** The concatenated RLP items in `bytes`: each whole item, and its payload. */
function* items(bytes) {
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at];
    let prefix = 1;
    let length = 0;
    if (first < 0x80) {
      prefix = 0;
      length = 1;
    } else {
      const short = first - (first < 0xc0 ? 0x80 : 0xc0);
      if (short <= 55) {
        length = short;
      } else {
        prefix += short - 55;
        length = bigEndian(bytes.subarray(at + 1, at + prefix));
      }
    }
    const end = at + prefix + length;
    if (end > bytes.length) throw new Error(`the file ends inside an item, at byte ${at}`);
    yield { item: bytes.subarray(at, end), payload: bytes.subarray(at + prefix, end) };
    at = end;
  }
}

function bigEndian(bytes) {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/** The file, or those of a folder: of one network, if it is given and the folder has any of it. */
function era1Files(path, network) {
  if (!statSync(path).isDirectory()) return [path];
  const all = readdirSync(path).filter((name) => name.endsWith('.era1') && !name.startsWith('.'));
  const ofNetwork = all.filter((name) => name.startsWith(`${network}-`));
  return (ofNetwork.length > 0 ? ofNetwork : all).map((name) => join(path, name));
}

function* era1Headers(file) {
  for (let at = 0; at + 8 <= file.length; ) {
    const length = file.readUInt32LE(at + 2);
    if (file.readUInt16LE(at) === E2STORE_COMPRESSED_HEADER) yield unframe(file.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
}

/** Snappy's framing format: chunks of one type byte, three length bytes, four of checksum (the peer checks those). */
function unframe(bytes) {
  const parts = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const type = bytes[at];
    const length = bytes.readUIntLE(at + 1, 3);
    const data = bytes.subarray(at + 8, at + 4 + length);
    if (type === 0x00) parts.push(unsnap(data));
    else if (type === 0x01) parts.push(data);
    else if (type < 0x80) throw new Error(`a snappy chunk of type ${type}`);
    at += 4 + length;
  }
  return parts.length === 1 ? parts[0] : Buffer.concat(parts);
}

/** One snappy block: https://github.com/google/snappy/blob/main/format_description.txt */
function unsnap(block) {
  let at = 0;
  let size = 0;
  for (let shift = 0, more = true; more; shift += 7) {
    more = block[at] > 0x7f;
    size += (block[at++] & 0x7f) * 2 ** shift;
  }
  const out = Buffer.alloc(size);
  let to = 0;
  while (at < block.length) {
    const tag = block[at++];
    const kind = tag & 0x03;
    if (kind === 0) {
      let length = tag >> 2;
      if (length >= 60) {
        const digits = length - 59;
        length = block.readUIntLE(at, digits);
        at += digits;
      }
      length += 1;
      block.copy(out, to, at, at + length);
      at += length;
      to += length;
      continue;
    }
    const length = kind === 1 ? ((tag >> 2) & 0x07) + 4 : (tag >> 2) + 1;
    const digits = [0, 1, 2, 4][kind];
    const offset = block.readUIntLE(at, digits) + (kind === 1 ? (tag >> 5) << 8 : 0);
    at += digits;
    // Byte by byte: a copy may read what it has just written.
    for (let end = to + length; to < end; to++) out[to] = out[to - offset];
  }
  if (to !== size) throw new Error('a snappy block ends early');
  return out;
}
