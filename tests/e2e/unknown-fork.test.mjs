// The chain has a fork that the page does not know: the page shows it, penalizes no peer, and stored headers stay
// readable. And chains whose headers have another form.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { headersFile, linkHeaders, rlpString, splitHeaders, timeOf } from './support/headers.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun, tryStart } from './support/run.mjs';
import { serve } from './support/server.mjs';

/** The first block of the fork, and how many blocks there are. */
const [FORK, BLOCKS] = [1_000, 1_500];

/** Two peers that serve these headers. */
async function twoPeers(t, rlps, chainId) {
  const source = ['--headers', headersFile(t, rlps), '--chain', chainId];
  return [await startPeer(t, ...source), await startPeer(t, ...source)];
}

async function noPeerIsBlamed(run) {
  assert.deepEqual(await run.events('fault'), []);
  const { value: peers } = await run.call('peers');
  assert.deepEqual(
    peers.map((peer) => [peer.faults, peer.score, peer.state]),
    [
      [0, 100, 'connected'],
      [0, 100, 'connected'],
    ],
  );
}

test("a fork that the page does not know is nobody's fault, and what is stored stays readable", async (t) => {
  const source = await startPeer(t, ...generated(BLOCKS));
  const known = splitHeaders(await source.headers(0, BLOCKS - 1));
  // One more field than any fork that is known today.
  const forked = linkHeaders(
    known.map((items, number) =>
      number < FORK
        ? items
        : [...items, rlpString(Buffer.alloc(32, 1)), rlpString([7]), rlpString(Buffer.alloc(32, 2))],
    ),
  );
  const before = await twoPeers(t, forked.slice(0, FORK), source.info.chainId);
  const after = await twoPeers(t, forked, source.info.chainId);
  const options = {
    chain: { id: source.info.chainId, genesis: source.info.genesis },
    forks: { ...source.info.forks, knownUntil: timeOf(known[FORK - 100]) },
    storage: { name: 'forked' },
  };

  const browser = await openBrowser(t);
  const server = await serve(t);
  let page = await openBare(browser, server);
  const first = await startRun(page, before, options);
  await first.synced();
  await noPeerIsBlamed(first);
  await page.close();

  page = await openBare(browser, server);
  const run = await startRun(page, after, options);
  const progress = await run.until(`progress.stall?.code === 'unknown-fork'`);
  assert.equal(progress.state, 'stalled');
  assert.match(progress.stall.message, /update the package/);
  assert.deepEqual(progress.stall.details, { hash: after[0].info.latestHash, from: BLOCKS - 1 });
  await run.until(`progress.peers.filter((peer) => peer.state === 'connected').length === 2`);
  await noPeerIsBlamed(run);
  for (const number of [0, 500, FORK - 1]) {
    assert.equal((await run.call('getHeader', number)).value?.number, number);
  }
  await page.close();
});

test('fork times are data: with those of the chain the same store goes on, and a wrong name is refused', async (t) => {
  const peers = [await startPeer(t, ...generated(BLOCKS)), await startPeer(t, ...generated(BLOCKS))];
  const { forks } = peers[0].info;
  const browser = await openBrowser(t);
  const page = await openBare(browser, await serve(t));

  const { error } = await tryStart(page, peers, { forks: { ...forks, amsterdmTime: 7 } });
  assert.equal(error.code, 'bad-option');
  assert.match(error.message, /forks.*amsterdmTime/);

  // As if Prague had come after the release of the package.
  const storage = { name: 'data' };
  const old = await startRun(page, peers, { storage, forks: { ...forks, pragueTime: null, knownUntil: 0 } }, 'old');
  const progress = await old.until(`progress.stall?.code === 'unknown-fork'`);
  assert.match(progress.stall.message, /requests hash is present/);
  assert.deepEqual(await old.events('fault'), []);
  assert.equal((await old.call('stop')).error, undefined);
  const run = await startRun(page, peers, { storage }, 'new');
  await run.synced();
  await run.equalsSource(peers[0], { byHashStep: 97 });
});

test('a chain whose headers have another seal, absent roots and fields of their own', async (t) => {
  const source = await startPeer(t, ...generated(BLOCKS));
  const own = linkHeaders(
    splitHeaders(await source.headers(0, BLOCKS - 1)).map((items, number) => [
      ...items.slice(0, 3),
      rlpString([]),
      ...items.slice(4, 13),
      rlpString([(number % 100) + 1]),
      rlpString(Buffer.alloc(65, number)),
      rlpString(Buffer.alloc(12, 0xff)),
      Buffer.of(0xc2, 1, 2),
    ]),
  );
  const peers = await twoPeers(t, own, 777_000_777);
  const browser = await openBrowser(t);
  const page = await openBare(browser, await serve(t));
  const run = await startRun(page, peers, { storage: { name: 'own' } });
  await run.synced();
  await run.equalsSource(peers[0], { byHashStep: 97 });
  await noPeerIsBlamed(run);
});
