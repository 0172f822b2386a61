// The untrusted list at `peersUrl`: invalid entries, a missing list, a list of another chain, and a list that changes
// while the sync waits for a peer.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sha512Certhash, stranger } from './support/addresses.mjs';
import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun, tryStart } from './support/run.mjs';
import { serve } from './support/server.mjs';

const HEADERS = 5_000;

/** Time of a start beside the wait for a list that does not come; milliseconds. */
const START_WITHIN_MS = 10_000;

const fromList = { peers: [], peersUrl: '/list.json' };

/** The list of this peer, with these entries. */
const listed = (peer, peers) => ({ chainId: peer.info.chainId, genesis: peer.info.genesis, peers });

test('invalid entries of a list are skipped with an event, and the valid ones are used', async (t) => {
  const [plain, twice] = [await startPeer(t, ...generated(HEADERS)), await startPeer(t, ...generated(HEADERS))];
  const good = plain.multiaddr;
  // Two hashes of one certificate: the one that this transport knows is used.
  const twoHashes = twice.multiaddr.replace('/certhash/', `/certhash/${sha512Certhash()}/certhash/`);
  const bad = {
    dns4: good.replace('/ip4/127.0.0.1', '/dns4/localhost'),
    'no certhash': good.replace(/\/certhash\/[^/]*/, ''),
    'a certhash of another kind': good.replace(/\/certhash\/[^/]*/, `/certhash/${sha512Certhash()}`),
    'no peer id': good.replace(/\/p2p\/.*/, ''),
    'a circuit address': `${good}/p2p-circuit/webrtc`,
    tcp: '/ip4/127.0.0.1/tcp/4001',
    'no multiaddress': 'peer.example.org',
    empty: '',
  };
  const strangers = Array.from({ length: 300 }, (_, index) => stranger(10_000 + index));
  const long = `${good}/${'x'.repeat(1_024)}`;
  const list = [...Object.values(bad), null, 42, {}, long, good, twoHashes, ...strangers];
  const server = await serve(t, { lists: { '/list.json': () => listed(plain, list) } });
  const page = await openBare(await openBrowser(t), server);

  const run = await startRun(page, [plain, twice], fromList);
  assert.deepEqual(await run.synced(), { number: HEADERS - 1, hash: plain.info.latestHash });
  const connected = `progress.peers.filter((peer) => peer.state === 'connected').length === 2`;
  const { peers } = await run.until(connected);
  assert.ok(peers.find((peer) => peer.id === twice.id).multiaddr.includes(sha512Certhash()));

  const skipped = await run.events('peer-skipped');
  const reasons = new Map(skipped.map(({ multiaddr, reason }) => [multiaddr, reason]));
  assert.equal(reasons.size, skipped.length, 'each is named once');
  for (const [what, entry] of Object.entries(bad)) assert.ok(reasons.get(entry)?.length > 5, `${what} is not named`);
  for (const entry of ['null', '42', '{}', `${long.slice(0, 80)}…`]) assert.ok(reasons.has(entry), entry);
  // The address book holds 256 peers: there is no room for the last unknown ones.
  assert.match(reasons.get(strangers.at(-1)), /256/);
  assert.equal(skipped.length, Object.keys(bad).length + 4 + 300 + 2 - 256);
  assert.deepEqual(page.problems, []);
});

test('peers in the options must be valid', async (t) => {
  const peer = await startPeer(t, ...generated(HEADERS));
  const server = await serve(t, { lists: { '/list.json': () => listed(peer, [peer.multiaddr]) } });
  const page = await openBare(await openBrowser(t), server);
  const named = await tryStart(page, [peer], {
    peersUrl: '/list.json',
    peers: ['/dns4/localhost/udp/1/webrtc-direct'],
  });
  assert.equal(named.error?.code, 'bad-multiaddr');
});

for (const [how, answer] of Object.entries({
  'is not there': () => Promise.reject(new Error('404')),
  'is no list': () => ['no', 'list'],
  'names nobody that can be dialled': () => ({ peers: ['/ip4/127.0.0.1/tcp/1'] }),
  'never comes': () => new Promise(() => {}),
})) {
  test(`a list that ${how} does not stop the start, and is used once it is right`, async (t) => {
    const peer = await startPeer(t, ...generated(HEADERS));
    let now = () => listed(peer, [peer.multiaddr]);
    const server = await serve(t, { lists: { '/list.json': () => now() } });
    const page = await openBare(await openBrowser(t), server);
    const first = await startRun(page, [peer], fromList, 'first');
    await first.synced();
    await first.call('stop');

    now = answer;
    const begin = Date.now();
    const second = await startRun(page, [peer], fromList, 'second');
    assert.ok(Date.now() - begin < START_WITHIN_MS);
    assert.equal((await second.call('getHeader', 17)).value?.number, 17, 'what is stored is served');
    const missed = `events.some((event) => event.type === 'error' && event.code === 'no-peers-url')`;
    await second.until(missed, 20_000);
    assert.notEqual((await second.progress()).state, 'failed');
    now = () => listed(peer, [peer.multiaddr]);
    await second.until(`progress.state === 'synced'`, 60_000);
    const errors = await second.events('error');
    assert.deepEqual(
      errors.map(({ code }) => code),
      ['no-peers-url'],
      'said once, not at each look',
    );
  });
}

test('without a network the store is served; with it the sync goes on', async (t) => {
  const peer = await startPeer(t, ...generated(HEADERS));
  const server = await serve(t, { lists: { '/list.json': () => listed(peer, [peer.multiaddr]) } });
  const page = await openBare(await openBrowser(t), server);
  const first = await startRun(page, [peer], fromList, 'first');
  await first.synced();
  await first.call('stop');
  await first.until(`progress.state === 'stopped'`);

  // A cached app without a network: its scripts are there.
  await page.route('**/list.json', (route) => route.abort('internetdisconnected'));
  const second = await startRun(page, [peer], fromList, 'second');
  assert.equal((await second.call('getHeader', peer.info.latestHash)).value?.number, HEADERS - 1);
  await second.until(`progress.state === 'stalled'`, 20_000);
  await page.unroute('**/list.json');
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await second.until(`progress.state === 'synced'`, 30_000);
});

test('a list that comes late counts for the quorum as one that was there', async (t) => {
  const [one, two] = [await startPeer(t, ...generated(HEADERS)), await startPeer(t, ...generated(HEADERS))];
  let now = () => Promise.reject(new Error('404'));
  const server = await serve(t, { lists: { '/list.json': () => now() } });
  const page = await openBare(await openBrowser(t), server);
  const run = await startRun(page, [one], fromList);
  // Two are listed, so two must agree; one of them is not there.
  now = () => listed(one, [one.multiaddr, stranger()]);
  const { stall } = await run.until(`progress.stall?.code === 'quorum-not-reached'`, 45_000);
  assert.deepEqual([stall.details.have, stall.details.need], [1, 2]);
  now = () => listed(one, [one.multiaddr, two.multiaddr]);
  await run.synced();
});

test('a list of another chain', async (t) => {
  const peer = await startPeer(t, ...generated(HEADERS));
  let chainId = peer.info.chainId + 1;
  const list = () => ({ ...listed(peer, [peer.multiaddr]), chainId });
  const server = await serve(t, { lists: { '/list.json': () => list() } });
  const page = await openBare(await openBrowser(t), server);
  const { error } = await tryStart(page, [peer], fromList, 'first');
  assert.deepEqual(
    [error?.code, error?.details],
    ['wrong-chain', { got: String(chainId), expected: String(chainId - 1) }],
  );

  // In a running sync it is an event: the list is wrong, not the sync.
  chainId = peer.info.chainId;
  const run = await startRun(page, [peer], fromList);
  await run.synced();
  chainId += 1;
  await peer.kill();
  await run.until(`events.some((event) => event.type === 'error' && event.code === 'wrong-chain')`, 60_000);
  assert.equal((await run.call('getHeader', 5)).value?.number, 5);
});

test('a list that names a peer with the pinned target ends the stall', async (t) => {
  const [short, long] = [await startPeer(t, ...generated(HEADERS)), await startPeer(t, ...generated(HEADERS + 500))];
  const peers = [short.multiaddr];
  const server = await serve(t, { lists: { '/list.json': () => listed(short, peers) } });
  const page = await openBare(await openBrowser(t), server);
  const run = await startRun(page, [long], { ...fromList, target: long.info.latestHash });
  const { stall } = await run.until(`progress.state === 'stalled'`, 45_000);
  assert.equal(stall.code, 'target-unavailable');
  peers.push(long.multiaddr);
  assert.deepEqual(await run.synced(60_000), { number: HEADERS + 499, hash: long.info.latestHash });
});
