// Two tabs, one store: the second one follows, reads what the first stores, and takes over when the first closes.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

const COUNT = 100_000;

test('a second tab follows, reads, and takes over', async (t) => {
  const peer = await startPeer(t, ...generated(COUNT));
  const browser = await openBrowser(t);
  const server = await serve(t);
  const firstPage = await openBare(browser, server);
  const first = await startRun(firstPage, [peer]);
  const { target } = await first.until(`progress.stored > 0`);
  await first.call('pause');
  await first.until(`progress.state === 'paused' && progress.staged === 0`);

  const secondPage = await openBare(browser, server);
  const second = await startRun(secondPage, [peer]);
  await second.until(`progress.state === 'follower'`);
  const read = await second.call('getHeader', target.hash);
  assert.equal(read.value?.number, target.number, 'the follower reads what the first tab stored');
  assert.deepEqual((await second.call('getHeader', target.number)).value?.hash, target.hash);
  await first.call('resume');

  const middle = await first.until(`progress.stored > 16384`);
  assert.ok(middle.stored < COUNT, 'the first tab closes in the middle');
  await firstPage.close();

  const taken = await second.until(`['syncing', 'synced'].includes(progress.state)`);
  assert.ok(taken.stored >= middle.stored || taken.total === 0, 'nothing of the first tab is lost');
  assert.deepEqual(await second.synced(), { number: COUNT - 1, hash: peer.info.latestHash });
  await second.equalsSource(peer, { byHashStep: 997 });
  assert.deepEqual(secondPage.problems, []);
});
