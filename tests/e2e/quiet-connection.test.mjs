// An idle connection: a peer that was killed and came back with more headers is noticed, although the browser still
// reports the connection as open.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

/** From the restart to the new head, without any action of the page; milliseconds. */
const NEW_HEAD_WITHIN_MS = 60_000;

const BEFORE = 1_500;
const AFTER = 1_900;

/** A synced page whose peer is then killed, and restarted at its ports with more headers. */
async function restarted(t) {
  const peer = await startPeer(t, ...generated(BEFORE));
  const page = await openBare(await openBrowser(t), await serve(t));
  const run = await startRun(page, [peer]);
  assert.equal((await run.synced()).number, BEFORE - 1);
  await peer.kill();
  peer.serveFromNowOn(...generated(AFTER));
  await peer.start();
  return { peer, page, run };
}

test('a peer that was killed and came back with more headers is noticed within a minute', async (t) => {
  const { run } = await restarted(t);
  await run.until(`progress.state === 'synced' && progress.target.number === ${AFTER - 1}`, NEW_HEAD_WITHIN_MS);
  assert.deepEqual(await run.events('fault'), [], 'to restart is no fault');
});

test('a page that becomes visible probes at once', async (t) => {
  const { page, run } = await restarted(t);
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  // A probe without a hint would begin after 15 s and end after 12 more.
  await run.until(`progress.state === 'synced' && progress.target.number === ${AFTER - 1}`, 25_000);
});
