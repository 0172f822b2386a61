// Real mainnet, blocks 0 to 16,383: every stored header equals the source, by number and by hash.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { era1 } from './support/chains.mjs';
import { needsData } from './support/paths.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

const GENESIS = '0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3';

test('mainnet 0 to 16,383 in a browser equals its source', needsData('era1', 'mainnet-'), async (t) => {
  const peer = await startPeer(t, ...era1(t, 'mainnet'));
  assert.deepEqual(
    { chain: peer.info.chainId, genesis: peer.info.genesis, first: peer.info.earliest, last: peer.info.latest },
    { chain: 1, genesis: GENESIS, first: 0, last: 16_383 },
  );
  const page = await openBare(await openBrowser(t), await serve(t));
  const run = await startRun(page, [peer], { chain: 'mainnet' });

  assert.deepEqual(await run.synced(), { number: 16_383, hash: peer.info.latestHash });

  const result = await run.equalsSource(peer, { byHashStep: 1, byNumberStep: 1 });
  assert.deepEqual([result.headers, result.byHash, result.byNumber], [16_384, 16_384, 16_384]);
  const { value: genesis } = await run.call('getHeader', 0);
  assert.equal(genesis.hash, GENESIS);
  assert.deepEqual(await run.events('fault'), []);
  assert.deepEqual(page.problems, []);
});
