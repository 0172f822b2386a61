// Compares a store with its source, header by header, without any code of the package: the source is read as raw RLP,
// and a hash is taken from the child's `parentHash` field, so nothing is hashed here. The source tells the hash of the
// tip.

/** Headers compared per read of the source. */
const PIECE = 4_096;

/** Concurrent look-ups by hash or number; below the package's limit of pending calls. */
const LOOKUPS_AT_ONCE = 256;

/** Mismatches that are described; all are counted. */
const DESCRIBED_MAX = 10;

/** Offset and length of each RLP list in a concatenation of them. */
export function* lists(bytes) {
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at];
    if (first < 0xc0) throw new Error(`no list at byte ${at} of the source`);
    let length = first - 0xc0;
    let prefix = 1;
    if (first > 0xf7) {
      const digits = first - 0xf7;
      length = 0;
      for (let digit = 1; digit <= digits; digit++) length = length * 256 + bytes[at + digit];
      prefix += digits;
    }
    yield { start: at, end: at + prefix + length, prefix };
    at += prefix + length;
  }
}

function hex(bytes) {
  let text = '0x';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

function sameBytes(a, b) {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/**
 * `source`: `{ http, earliest, latest, latestHash }` of an honest peer. Reads every header from the store by range and
 * compares its number, hash and bytes. Then looks up one of every `byHashStep` headers by its hash, and one of every
 * `byNumberStep` alone by its number (0: none).
 */
export async function compareWithSource(handle, source, { byHashStep = 1, byNumberStep = 0 } = {}) {
  const { earliest, latest, latestHash, http } = source;
  const mismatches = [];
  let count = 0;
  let headers = 0;
  let byHash = 0;
  let byNumber = 0;
  const differs = (text) => {
    count += 1;
    if (mismatches.length < DESCRIBED_MAX) mismatches.push(text);
  };

  for (let from = earliest; from <= latest; from += PIECE) {
    const to = Math.min(from + PIECE - 1, latest);
    // One header more: its parent hash is the hash of the last header of this chunk.
    const response = await fetch(`${http.replace(/\/$/, '')}/headers.bin?from=${from}&to=${Math.min(to + 1, latest)}`);
    if (!response.ok) throw new Error(`the source failed with HTTP ${response.status}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const expected = [...lists(bytes)].map(({ start, end, prefix }) => ({
      rlp: bytes.subarray(start, end),
      parentHash: hex(bytes.subarray(start + prefix + 1, start + prefix + 33)),
    }));
    if (expected.length !== Math.min(to + 1, latest) - from + 1) throw new Error(`the source has a gap after ${from}`);
    const hashOf = (number) => (number === latest ? latestHash : expected[number - from + 1].parentHash);

    let next = from;
    for await (const header of handle.getHeaders(from, to)) {
      for (; next < header.number; next++) differs(`${next} is not stored`);
      if (header.number !== next) differs(`${header.number} comes where ${next} should`);
      const want = expected[header.number - from];
      if (want === undefined) differs(`${header.number} was not asked for`);
      else if (!sameBytes(header.rlp, want.rlp)) differs(`${header.number} has other bytes`);
      else if (header.hash !== hashOf(header.number)) differs(`${header.number} has hash ${header.hash}`);
      headers += 1;
      next = header.number + 1;
    }
    for (; next <= to; next++) differs(`${next} is not stored`);

    const lookUp = async (keys, keyOf) => {
      for (let at = 0; at < keys.length; at += LOOKUPS_AT_ONCE) {
        const some = keys.slice(at, at + LOOKUPS_AT_ONCE);
        const found = await Promise.all(some.map((number) => handle.getHeader(keyOf(number))));
        found.forEach((header, index) => {
          const number = some[index];
          if (header === undefined) differs(`${number} is not found by ${keyOf(number)}`);
          else if (header.number !== number || header.hash !== hashOf(number))
            differs(`${keyOf(number)} finds ${header.number}`);
          else if (!sameBytes(header.rlp, expected[number - from].rlp)) differs(`${keyOf(number)} finds other bytes`);
        });
      }
      return keys.length;
    };
    const every = (step) =>
      step === 0
        ? []
        : Array.from({ length: to - from + 1 }, (_, index) => from + index).filter(
            (number) => number % step === 0 || number === latest,
          );
    byHash += await lookUp(every(byHashStep), hashOf);
    byNumber += await lookUp(every(byNumberStep), (number) => number);
  }
  return { headers, byHash, byNumber, count, mismatches };
}
