// Real Sepolia, blocks 0 to 40,959: several windows, 16-field headers, a base fee in each.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { era1 } from './support/chains.mjs';
import { needsData } from './support/paths.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

test('Sepolia 0 to 40,959 in a browser equals its source', needsData('era1', 'sepolia-'), async (t) => {
  const peer = await startPeer(t, ...era1(t, 'sepolia'));
  assert.deepEqual([peer.info.chainId, peer.info.earliest, peer.info.latest], [11_155_111, 0, 40_959]);
  const page = await openBare(await openBrowser(t), await serve(t));
  const run = await startRun(page, [peer], { chain: 'sepolia' });

  assert.deepEqual(await run.synced(), { number: 40_959, hash: peer.info.latestHash });

  const result = await run.equalsSource(peer, { byHashStep: 1, byNumberStep: 1 });
  assert.deepEqual([result.headers, result.byHash, result.byNumber], [40_960, 40_960, 40_960]);
  assert.deepEqual(await run.events('fault'), []);
  assert.deepEqual(page.problems, []);
});
