// A stored header's fields by name, and bytes that are no header.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { importSource } from './support/source.mjs';

const { StoredHeader, decodeFields, unpack } = await importSource('header');

/** The first block of mainnet (Yellow Paper, appendix I). */
const GENESIS = {
  parentHash: `0x${'00'.repeat(32)}`,
  ommersHash: '0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347',
  beneficiary: `0x${'00'.repeat(20)}`,
  stateRoot: '0xd7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544',
  transactionsRoot: '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421',
  receiptsRoot: '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421',
  logsBloom: `0x${'00'.repeat(256)}`,
  difficulty: 17_179_869_184n,
  number: 0,
  gasLimit: 5_000n,
  gasUsed: 0n,
  timestamp: 0,
  extraData: '0x11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa',
  mixHash: `0x${'00'.repeat(32)}`,
  nonce: '0x0000000000000042',
};

/** What Prague added behind these, with values that need one, three and eight bytes. */
const LATER = {
  baseFeePerGas: 7n,
  withdrawalsRoot: `0x${'aa'.repeat(32)}`,
  blobGasUsed: 393_216n,
  excessBlobGas: 0xffff_ffff_ffff_ffffn,
  parentBeaconBlockRoot: `0x${'bb'.repeat(32)}`,
  requestsHash: `0x${'cc'.repeat(32)}`,
};

/** RLP of a string or a flat list, after the Yellow Paper, appendix B; the mirror of what is tested. */
function encode(value) {
  if (Array.isArray(value)) return withLength(0xc0, Buffer.concat(value.map(encode)));
  let digits = typeof value === 'string' ? value.slice(2) : BigInt(value).toString(16).replace(/^0$/, '');
  if (digits.length % 2 === 1) digits = `0${digits}`;
  const bytes = Buffer.from(digits, 'hex');
  return bytes.length === 1 && bytes[0] < 0x80 ? bytes : withLength(0x80, bytes);
}

function withLength(base, bytes) {
  if (bytes.length <= 55) return Buffer.concat([Buffer.of(base + bytes.length), bytes]);
  const length = Buffer.from(bytes.length.toString(16).padStart(bytes.length > 255 ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.of(base + 55 + length.length), length, bytes]);
}

const rlpOf = (fields) => new Uint8Array(encode(Object.values(fields).flat()));

test('a header before London', () => {
  assert.deepEqual(decodeFields(rlpOf(GENESIS)), GENESIS);
});

test('a header after Prague, and one of a chain that has more', () => {
  const prague = { ...GENESIS, ...LATER };
  assert.deepEqual(decodeFields(rlpOf(prague)), prague);
  const more = { ...prague, more: ['0x0102', '0x'] };
  assert.deepEqual(decodeFields(rlpOf(more)), more);
});

test('a stored header names its fields', () => {
  const rlp = rlpOf(GENESIS);
  const header = new StoredHeader({ number: 0, hash: '0x01', rlp });
  assert.equal(header.stateRoot, GENESIS.stateRoot);
  assert.equal(header.parentHash, GENESIS.parentHash);
  assert.equal(header.timestamp, 0);
  assert.equal(header.fields, header.fields, 'decoded once');
});

/** Every field that is an integer, and what the EIPs allow it: 64 bits, or 256. */
const INTEGERS = [
  ...['number', 'timestamp', 'gasLimit', 'gasUsed', 'blobGasUsed', 'excessBlobGas'].map((name) => [name, 64]),
  ...['difficulty', 'baseFeePerGas'].map((name) => [name, 256]),
];

for (const [name, bits] of INTEGERS) {
  test(`${name} is exact or a typed error, never rounded`, () => {
    const last = 2n ** BigInt(bits) - 1n;
    for (const value of [2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n, last]) {
      const rlp = rlpOf({ ...GENESIS, ...LATER, [name]: value });
      try {
        assert.equal(BigInt(decodeFields(rlp)[name]), value);
      } catch (error) {
        assert.deepEqual(
          [error.code, error.details?.option, error.details?.got],
          ['inexact-number', name, String(value)],
        );
        assert.ok(value > 2n ** 53n - 1n, 'what fits is given');
        // What does not depend on it stays readable.
        const header = new StoredHeader({ number: 1, hash: '0x01', rlp });
        assert.equal(header.parentHash, GENESIS.parentHash);
        assert.equal(header.stateRoot, GENESIS.stateRoot);
        assert.equal(header.receiptsRoot, GENESIS.receiptsRoot);
      }
    }
  });
}

test('bytes that are no header are a typed error', () => {
  const whole = rlpOf(GENESIS);
  const bad = {
    nothing: [],
    'a string': [0x83, 1, 2, 3],
    'cut short': whole.subarray(0, whole.length - 1),
    'a byte too much': [...whole, 0],
    'a list inside': [0xc1, 0xc0],
    'an item over the end': [0xc2, 0x85, 0x01],
    'a length of nine bytes': [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    'a length over the end': [0xfb, 0xff, 0xff, 0xff, 0xff],
    'too few items': [0xc2, 1, 2],
  };
  for (const [what, bytes] of Object.entries(bad)) {
    assert.throws(
      () => decodeFields(Uint8Array.from(bytes)),
      { name: 'HeadlightError', code: 'unsupported-header' },
      what,
    );
  }
});

/** Headers of other chains: what can be named of each, and the field that cannot. */
const OTHERS = {
  'an AuRa seal': [{ mixHash: 7n, nonce: `0x${'ab'.repeat(65)}` }, 'mixHash'],
  'a root that is absent': [{ receiptsRoot: '0x' }, 'receiptsRoot'],
  'a list for a field': [{ extraData: [['0x0102']] }, 'extraData'],
  'a short nonce': [{ nonce: '0x01' }, 'nonce'],
};

for (const [what, [changed, field]] of Object.entries(OTHERS)) {
  test(`${what} is a typed error, and the header stays readable`, () => {
    const rlp = rlpOf({ ...GENESIS, timestamp: 1_700_000_000, ...changed });
    const header = new StoredHeader({ number: 0, hash: '0x01', rlp });
    const error = { name: 'HeadlightError', code: 'unsupported-header' };
    assert.throws(
      () => header.fields,
      (thrown) => thrown.code === error.code && thrown.details.option === field,
    );
    assert.deepEqual([header.parentHash, header.timestamp], [GENESIS.parentHash, 1_700_000_000]);
    assert.equal(header.items.length, 15);
    assert.equal(header.items[3], GENESIS.stateRoot);
    if (field in header) assert.throws(() => header[field], error);
    else assert.equal(header.stateRoot, GENESIS.stateRoot);
  });
}

test('later fields of another chain are left as they stand', () => {
  const wide = { ...GENESIS, baseFeePerGas: 2n ** 90n };
  assert.deepEqual(decodeFields(rlpOf(wide)), wide);
  const own = new Uint8Array(encode([...Object.values(wide), '0x0102', ['0x03'], `0x${'ee'.repeat(100)}`]));
  assert.deepEqual(decodeFields(own), { ...wide, more: ['0x0102', '0xc103', `0x${'ee'.repeat(100)}`] });
});

test('a piece is taken apart, and its headers own their bytes', () => {
  const [first, second] = [rlpOf(GENESIS), rlpOf({ ...GENESIS, number: 1 })];
  const piece = {
    first: 7,
    lengths: Uint32Array.of(first.length, second.length),
    hashes: Uint8Array.from({ length: 64 }, (_, index) => (index < 32 ? 0x11 : 0x22)),
    rlp: Uint8Array.from([...first, ...second]),
  };
  const headers = [...unpack(piece)];
  assert.deepEqual(
    headers.map((header) => header.number),
    [7, 8],
  );
  assert.deepEqual(
    headers.map((header) => header.hash),
    [`0x${'11'.repeat(32)}`, `0x${'22'.repeat(32)}`],
  );
  assert.deepEqual(
    headers.map((header) => header.fields.number),
    [0, 1],
  );
  assert.equal(headers[1].rlp.buffer.byteLength, second.length);
});
