// A whole sync writes no error to the console: start, pause, look-ups, a second peer, clear, stop, reload.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { connectionsGone, startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

test('no error reaches the console in the whole life of a sync', async (t) => {
  const peers = [await startPeer(t, ...generated(30_000)), await startPeer(t, ...generated(30_000))];
  const page = await openBare(await openBrowser(t), await serve(t));
  const run = await startRun(page, [peers[0]]);
  await run.until(`progress.stored > 0`);
  const done = { value: undefined };
  assert.deepEqual(await run.call('pause'), done);
  await run.until(`progress.state === 'paused'`);
  assert.deepEqual(await run.call('resume'), done);
  assert.deepEqual(await run.call('addPeer', peers[1].multiaddr), done);
  assert.equal((await run.call('addPeer', 'no multiaddr')).error?.code, 'bad-multiaddr');
  await run.synced();
  assert.deepEqual(await run.call('getHeader', 1_000_000), done, 'what is not stored is undefined');
  assert.equal((await run.call('getHeader', '0x12')).error?.code, 'bad-option');
  assert.deepEqual(await run.call('clear'), done);
  await run.until(`progress.state !== 'synced'`);
  await run.until(`progress.state === 'synced'`, 120_000);
  await run.equalsSource(peers[0], { byHashStep: 997 });
  assert.deepEqual(await run.call('stop'), done);
  assert.equal((await run.call('getHeader', 1)).error?.code, 'stopped');
  await Promise.all(peers.map(connectionsGone));

  await startRun(page, peers, {}, 'again').then((again) => again.synced());
  await page.reload();
  assert.deepEqual(page.problems, []);
});
