// Options: each wrong one is one typed error that names it, and no right one is refused.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { root } from '../e2e/support/paths.mjs';
import { importSource } from './support/source.mjs';

const { checkOptions, FORKS_CHARACTERS_MAX, PEERS_MAX, TUNING_BOUNDS } = await importSource('options');

const HASH = `0x${'Ab'.repeat(32)}`;
const peers = ['/ip4/127.0.0.1/udp/1/webrtc-direct'];

test('right options', () => {
  const { start, peersUrl } = checkOptions({
    chain: { id: 5, genesis: HASH },
    peers,
    peersUrl: 'https://example.org/peers.json',
    target: HASH,
    forks: { amsterdamTime: null, knownUntil: 7, terminalTotalDifficulty: 10n ** 22n },
    storage: { name: 'here' },
    tuning: { tipQuorum: 1, audit: false },
  });
  assert.deepEqual(start, {
    chain: { id: 5, genesis: HASH.toLowerCase() },
    peers,
    listedPeers: [],
    target: HASH.toLowerCase(),
    forks: `{"amsterdamTime":null,"knownUntil":7,"terminalTotalDifficulty":"${10n ** 22n}"}`,
    storage: { name: 'here' },
    tuning: { tipQuorum: 1, audit: false },
  });
  assert.equal(peersUrl.href, 'https://example.org/peers.json');
  assert.deepEqual(checkOptions({ chain: 'sepolia', peers }).start.chain, { id: 11_155_111 });
  assert.deepEqual(checkOptions({ chain: { id: 0 }, peers }).start.chain, { id: 0 });
});

const wrong = [
  ['options', undefined],
  ['options', 'mainnet'],
  ['chain', { peers }],
  ['chain', { chain: 'mainet', peers }],
  ['chain', { chain: 'toString', peers }],
  ['chain', { chain: 1, peers }],
  ['chain.id', { chain: {}, peers }],
  ['chain.id', { chain: { id: -1 }, peers }],
  ['chain.id', { chain: { id: 1.5 }, peers }],
  ['chain.id', { chain: { id: 2 ** 53 }, peers }],
  ['chain.id', { chain: { id: 1n }, peers }],
  ['chain.genesis', { chain: { id: 1, genesis: '0x12' }, peers }],
  ['peers', { chain: 'mainnet' }],
  ['peers', { chain: 'mainnet', peers: [] }],
  ['peers', { chain: 'mainnet', peers: peers[0] }],
  ['peers', { chain: 'mainnet', peers: new Array(PEERS_MAX + 1).fill(peers[0]) }],
  ['peers[1]', { chain: 'mainnet', peers: [...peers, 7] }],
  ['peers[0]', { chain: 'mainnet', peers: ['/'.repeat(5_000)] }],
  ['peersUrl', { chain: 'mainnet', peersUrl: 'peers.json' }],
  ['peersUrl', { chain: 'mainnet', peersUrl: 'ftp://example.org/' }],
  ['peersUrl', { chain: 'mainnet', peersUrl: 7 }],
  ['target', { chain: 'mainnet', peers, target: 'latest' }],
  ['target', { chain: 'mainnet', peers, target: `${HASH}00` }],
  ['forks', { chain: 'mainnet', peers, forks: 'prague' }],
  ['forks', { chain: 'mainnet', peers, forks: [] }],
  ['forks', { chain: 'mainnet', peers, forks: null }],
  [
    'forks',
    {
      chain: 'mainnet',
      peers,
      forks: Object.defineProperty({}, 'pragueTime', { enumerable: true, get: () => gone() }),
    },
  ],
  ['forks', { chain: 'mainnet', peers, forks: { chainId: ' '.repeat(FORKS_CHARACTERS_MAX) } }],
  ['storage', { chain: 'mainnet', peers, storage: 'here' }],
  ['storage.name', { chain: 'mainnet', peers, storage: { name: '' } }],
  ['storage.name', { chain: 'mainnet', peers, storage: { name: 'x'.repeat(1_000) } }],
  ['tuning', { chain: 'mainnet', peers, tuning: 3 }],
  ['tuning.stallMs', { chain: 'mainnet', peers, tuning: { stallMs: '3' } }],
  ['tuning.audit', { chain: 'mainnet', peers, tuning: { audit: 1 } }],
  ['onProgress', { chain: 'mainnet', peers, onProgress: true }],
  ['worker', { chain: 'mainnet', peers, worker: {} }],
];

for (const [option, options] of wrong) {
  test(`${option} is named as wrong`, () => {
    assert.throws(
      () => checkOptions(options),
      (error) => {
        assert.deepEqual([error.name, error.code, error.details.option], ['HeadlightError', 'bad-option', option]);
        assert.ok(error.message.startsWith(`${option} must be `), error.message);
        assert.ok(error.message.length < 300, error.message);
        return true;
      },
    );
  });
}

const withFigure = (name, value) => ({ chain: 'mainnet', peers, tuning: { [name]: value } });

for (const [name, [min, max]] of Object.entries(TUNING_BOUNDS)) {
  test(`tuning.${name} is taken from ${min} to ${max} and refused beyond`, () => {
    for (const inside of [min, max]) {
      assert.equal(checkOptions(withFigure(name, inside)).start.tuning[name], inside);
    }
    const u64 = [2n ** 53n + 1n, 2n ** 64n - 1n];
    for (const outside of [min - 1, max + 1, min + 0.5, NaN, Infinity, '500', null, 2 ** 53, 2 ** 64, ...u64]) {
      assert.throws(
        () => checkOptions(withFigure(name, outside)),
        (error) => {
          assert.deepEqual([error.code, error.details.option], ['bad-option', `tuning.${name}`]);
          assert.match(error.message, new RegExp(`from ${min} to ${max}, got `));
          return true;
        },
        String(outside),
      );
    }
  });
}

test('the worker has the same bounds', () => {
  const text = readFileSync(join(root, 'crates/sync-wasm/src/options.rs'), 'utf8');
  const named = [...text.matchAll(/Figure \{ name: "tuning\.(\w+)"/g)].map(([, name]) => name);
  assert.deepEqual(named, Object.keys(TUNING_BOUNDS));
});

test('page, worker and sync machine have the same limits', () => {
  const constant = (file, name) => {
    const [, value] = readFileSync(join(root, file), 'utf8').match(new RegExp(`pub const ${name}: usize = ([^;]+);`));
    return value.startsWith('sync_core::') ? constant('crates/sync-core/src/config.rs', name) : product(value);
  };
  const product = (value) => value.split('*').reduce((total, factor) => total * Number(factor.replaceAll('_', '')), 1);
  assert.equal(constant('crates/sync-core/src/config.rs', 'PEERS_MAX'), PEERS_MAX);
  assert.equal(constant('crates/sync-wasm/src/network/mod.rs', 'PEERS_MAX'), PEERS_MAX);
  assert.equal(constant('crates/header-rules/src/chain/mod.rs', 'FORKS_BYTES_MAX'), FORKS_CHARACTERS_MAX);
});

test('options that cannot be read are a typed error', () => {
  const options = {
    chain: 'mainnet',
    get peers() {
      throw new Error('a getter of the test');
    },
  };
  assert.throws(() => checkOptions(options), { code: 'bad-option', message: /a getter of the test/ });
});

test('an address is read without URL.canParse, which the oldest supported browsers lack', (t) => {
  t.mock.method(URL, 'canParse', () => assert.fail('URL.canParse was used'));
  const { peersUrl } = checkOptions({ chain: 'mainnet', peersUrl: 'https://example.org/peers.json' });
  assert.equal(peersUrl.href, 'https://example.org/peers.json');
  assert.throws(() => checkOptions({ chain: 'mainnet', peersUrl: 'http://' }), { code: 'bad-option' });
});

test('a wrong value that has no JSON still gives the error', () => {
  const cyclic = {};
  cyclic.self = cyclic;
  assert.throws(() => checkOptions({ chain: 'mainnet', peers: cyclic }), { code: 'bad-option' });
});
