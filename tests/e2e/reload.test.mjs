// A reload during a sync: the second run downloads only the missing headers, and ends with the same result.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { connectionsGone, startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

const COUNT = 60_000;

/** Headers that may be requested twice: the target, and one response for each end of a stored range. */
const TWICE_MAX = 1 + 2 * 128;

test('a reload in the middle downloads only the missing headers', async (t) => {
  const peer = await startPeer(t, ...generated(COUNT));
  const browser = await openBrowser(t);
  const page = await openBare(browser, await serve(t));

  const first = await startRun(page, [peer]);
  const before = await first.until(`progress.stored >= 16384`);
  assert.ok(before.stored < COUNT, 'the reload comes in the middle');
  await page.reload();
  await connectionsGone(peer);
  const served = await peer.stats();
  await page.waitForFunction('globalThis.bareReady === true');

  const second = await startRun(page, [peer]);
  const resumed = await second.until(`progress.target !== undefined && progress.stored > 0`);
  assert.ok(resumed.stored >= before.stored, `${resumed.stored} are stored, ${before.stored} were before the reload`);
  await second.synced();

  const after = await peer.stats();
  const missing = COUNT - before.stored;
  const again = after.headersServed - served.headersServed;
  assert.ok(again <= missing + TWICE_MAX, `${again} headers were served again, ${missing} were missing`);
  const bytesEach = served.bytesServed / served.headersServed;
  const bytes = after.bytesServed - served.bytesServed;
  assert.ok(bytes <= (missing + TWICE_MAX) * bytesEach * 1.02, `${bytes} bytes were served again`);
  await second.equalsSource(peer, { byHashStep: 97, byNumberStep: 997 });
  assert.deepEqual(page.problems, []);
});

test('a synced store needs nothing but the tip', async (t) => {
  const peer = await startPeer(t, ...generated(20_000));
  const page = await openBare(await openBrowser(t), await serve(t));
  await (await startRun(page, [peer])).synced();
  await page.reload();
  await connectionsGone(peer);
  const served = await peer.stats();
  await page.waitForFunction('globalThis.bareReady === true');

  const run = await startRun(page, [peer]);
  await run.synced();

  const { headersServed } = await peer.stats();
  assert.ok(headersServed - served.headersServed <= TWICE_MAX, `${headersServed - served.headersServed} headers again`);
  await run.equalsSource(peer, { byHashStep: 997 });
});
