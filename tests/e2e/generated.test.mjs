// The generated chain, and short real ones that start above genesis: any chain that a peer serves can be synced.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { dataFiles, needsData } from './support/paths.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

test('the generated chain in a browser equals its source', async (t) => {
  const peer = await startPeer(t, ...generated(30_000));
  const page = await openBare(await openBrowser(t), await serve(t));
  const run = await startRun(page, [peer]);
  const percents = [];
  await run.until(`progress.target !== undefined`);
  percents.push((await run.progress()).percent);

  assert.deepEqual(await run.synced(), { number: 29_999, hash: peer.info.latestHash });

  percents.push((await run.progress()).percent);
  assert.equal(percents[1], 100);
  assert.ok(percents[0] < 100, `the sync was seen on its way: ${percents}`);
  await run.equalsSource(peer, { byHashStep: 7, byNumberStep: 501 });
  assert.deepEqual(page.problems, []);
});

test('two peers share the work', async (t) => {
  const peers = [await startPeer(t, ...generated(30_000)), await startPeer(t, ...generated(30_000))];
  const page = await openBare(await openBrowser(t), await serve(t));
  const run = await startRun(page, peers);
  await run.synced();
  const { value: infos } = await run.call('peers');
  assert.equal(infos.length, 2);
  for (const info of infos) assert.ok(info.headers > 3_000, `${info.id} gave ${info.headers} headers`);
  await run.equalsSource(peers[1], { byHashStep: 101 });
});

for (const [folder, prefix, flag] of [
  ['headers', 'goerli-', '--headers'],
  ['headers', 'mainnet-22431080', '--headers'],
  ['headers', 'mainnet-22188069', '--headers'],
  ['headers', 'sepolia-4952200', '--headers'],
  ['headers', 'sepolia-5382810', '--headers'],
  ['clique', 'clique', '--rlp'],
]) {
  test(`${prefix}* from a file in a browser equals its source`, needsData(folder, prefix), async (t) => {
    const [file] = dataFiles(folder, prefix);
    const peer = await startPeer(t, flag, file);
    const page = await openBare(await openBrowser(t), await serve(t));
    // A file may start above genesis; no peer serves the blocks below.
    const run = await startRun(page, [peer], { tuning: { floor: peer.info.earliest } });
    assert.deepEqual(await run.synced(), { number: peer.info.latest, hash: peer.info.latestHash });
    await run.equalsSource(peer, { byHashStep: 1, byNumberStep: 1 });
    assert.deepEqual(await run.events('fault'), []);
  });
}
