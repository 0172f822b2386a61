// The peer list: what is fetched from a real server, and what is refused.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';

import { importSource } from './support/source.mjs';

const { fetchPeerList, assertSameChain, LISTED_PEERS_MAX, PEERS_URL_CHARACTERS_MAX } = await importSource('peers-url');

const peers = ['/ip4/127.0.0.1/udp/1/webrtc-direct'];
const genesis = `0x${'ab'.repeat(32)}`;

/** A server that answers once and for all with this. */
async function answering(t, answer) {
  const server = createServer((_, response) => answer(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return new URL(`http://127.0.0.1:${server.address().port}/peers.json`);
}

test('a list as header-peer serves it', async (t) => {
  const body = { chainId: 1, chain: 'mainnet', genesis, earliest: 0, latest: 5, peers };
  const url = await answering(t, (response) => response.end(JSON.stringify(body)));
  assert.deepEqual(await fetchPeerList(url), { peers, chainId: 1, genesis });
});

test('a list that names only peers', async (t) => {
  const body = { peers, chainId: 'one', genesis: 'none' };
  const url = await answering(t, (response) => response.end(JSON.stringify(body)));
  assert.deepEqual(await fetchPeerList(url), { peers });
});

test('a genesis that nobody knows is compared with nothing', async (t) => {
  const body = { peers, chainId: 7, genesis: `0x${'00'.repeat(32)}` };
  const url = await answering(t, (response) => response.end(JSON.stringify(body)));
  const list = await fetchPeerList(url);
  assert.deepEqual(list, { peers, chainId: 7 });
  assertSameChain(list, { id: 7, genesis });
});

test('addresses that a browser cannot dial are left out', async (t) => {
  const body = { peers: ['/ip4/127.0.0.1/tcp/4001', ...peers, '/dns4/example.org/udp/1/quic-v1'] };
  const url = await answering(t, (response) => response.end(JSON.stringify(body)));
  assert.deepEqual(await fetchPeerList(url), { peers });
});

test('bad entries are skipped, each with a reason, and the good ones stay', async (t) => {
  const long = `/ip4/127.0.0.1/udp/1/webrtc-direct/${'x'.repeat(1_024)}`;
  const circuit = '/ip4/1.2.3.4/tcp/1/p2p/12D3KooWA/p2p-circuit/webrtc/p2p/12D3KooWB';
  const bad = [null, 7, ['/ip4'], { a: 1 }, true, '', long, '/ip4/127.0.0.1/tcp/4001', circuit];
  const body = { peers: [...bad, ...peers, ...peers] };
  const url = await answering(t, (response) => response.end(JSON.stringify(body)));
  const skipped = [];
  assert.deepEqual(await fetchPeerList(url, (entry) => skipped.push(entry)), { peers });
  const shown = ['null', '7', '["/ip4"]', '{"a":1}', 'true', '', `${long.slice(0, 80)}…`, bad[7], circuit];
  assert.deepEqual(
    skipped.map(({ multiaddr }) => multiaddr),
    shown,
  );
  for (const { multiaddr, reason } of skipped) assert.ok(reason.length > 10, multiaddr);
  assert.match(skipped[6].reason, /1024/);
});

test('a list of 300 entries is read; of an endless one the first are, and that is said', async (t) => {
  const many = (count) => Array.from({ length: count }, (_, index) => `/ip4/127.0.0.1/udp/${index + 1}/webrtc-direct`);
  let body = { peers: many(300) };
  const url = await answering(t, (response) => response.end(JSON.stringify(body)));
  const skipped = [];
  assert.equal((await fetchPeerList(url, (entry) => skipped.push(entry))).peers.length, 300);
  assert.deepEqual(skipped, []);
  body = { peers: many(LISTED_PEERS_MAX + 5) };
  assert.equal((await fetchPeerList(url, (entry) => skipped.push(entry))).peers.length, LISTED_PEERS_MAX);
  assert.match(skipped[0].reason, /5 were not read/);
});

test('a chain id that JSON rounds is that of another chain', async (t) => {
  for (const id of ['9007199254740993', '18446744073709551615']) {
    const url = await answering(t, (response) => response.end(`{"chainId":${id},"peers":${JSON.stringify(peers)}}`));
    const list = await fetchPeerList(url);
    assert.throws(() => assertSameChain(list, { id: 2 ** 53 - 1 }), { code: 'wrong-chain' });
  }
});

const refused = {
  'an error status': (response) => response.writeHead(503).end(),
  'no JSON': (response) => response.end('<html>'),
  'no object': (response) => response.end('[]'),
  'no list': (response) => response.end('{}'),
  'an empty list': (response) => response.end('{"peers":[]}'),
  'a list of nobody that can be dialled': (response) => response.end('{"peers":["/ip4/127.0.0.1/tcp/4001"]}'),
  'a list of numbers': (response) => response.end('{"peers":[1]}'),
  'a list without end': (response) => {
    const piece = 'x'.repeat(16_384);
    const more = () => {
      while (response.write(piece));
      response.once('drain', more);
    };
    more();
  },
  'a connection that breaks': (response) => {
    response.writeHead(200, { 'content-length': 10 }).write('{', () => response.destroy());
  },
};

for (const [what, answer] of Object.entries(refused)) {
  test(`refuses ${what}`, async (t) => {
    const url = await answering(t, answer);
    await assert.rejects(fetchPeerList(url), (error) => {
      assert.deepEqual([error.code, error.details.url], ['no-peers-url', url.href]);
      assert.ok(error.message.length < PEERS_URL_CHARACTERS_MAX / 100);
      return true;
    });
  });
}

test('a server that is not there', async (t) => {
  const url = await answering(t, (response) => response.end());
  url.port = '9';
  await assert.rejects(fetchPeerList(url), { code: 'no-peers-url' });
});

test('a list for another chain', () => {
  const list = { peers, chainId: 1, genesis };
  assert.throws(() => assertSameChain(list, { id: 5 }), { code: 'wrong-chain', details: { got: '1', expected: '5' } });
  const other = `0x${'cd'.repeat(32)}`;
  assert.throws(() => assertSameChain(list, { id: 1, genesis: other }), { code: 'wrong-chain' });
  assertSameChain(list, { id: 1 });
  assertSameChain(list, { id: 1, genesis });
  assertSameChain({ peers, chainId: 0 }, { id: 1 });
  assertSameChain({ peers }, { id: 1 });
});
