// A page that the browser suspends releases the store, and resumes when it wakes.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openPlainBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { connectionsGone, startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

const COUNT = 100_000;

/** From the suspension of a tab to the takeover by another one, with spare time for a busy machine; milliseconds. */
const TAKEN_WITHIN_MS = 45_000;

/** Freezes a page, which must be behind another one, and wakes it. */
async function lifecycle(browser, page) {
  const devtools = await browser.context.newCDPSession(page);
  return (state) => devtools.send('Page.setWebLifecycleState', { state });
}

/** Freezes the leader `first`: `second` takes over within `ms`, and both have the whole chain once `first` wakes. */
async function takenOver(browser, first, second, ms) {
  const [peer] = first.peers;
  const set = await lifecycle(browser, first.page);
  await set('frozen');
  await second.until(`['syncing', 'synced'].includes(progress.state)`, ms);
  await set('active');
  await first.until(`progress.state === 'follower'`);
  const head = { number: COUNT - 1, hash: peer.info.latestHash };
  assert.deepEqual(await second.synced(), head);
  assert.deepEqual(await first.promiseOfSynced(), head);
  await first.equalsSource(peer, { byHashStep: 997 });
  assert.deepEqual([...first.page.problems, ...second.page.problems], []);
}

test('a frozen leader gives the store to another tab, and reads when it wakes', async (t) => {
  const peer = await startPeer(t, ...generated(COUNT));
  const browser = await openPlainBrowser(t);
  const server = await serve(t);
  const firstPage = await openBare(browser, server);
  const first = await startRun(firstPage, [peer]);
  const before = await first.until(`progress.stored > 8192`);
  assert.ok(before.stored < COUNT, 'frozen in the middle');
  const secondPage = await openBare(browser, server);
  const second = await startRun(secondPage, [peer]);
  await second.until(`progress.state === 'follower'`);

  await takenOver(browser, first, second);
});

test('a leader alone resumes after it was frozen, with its pending calls', async (t) => {
  const peer = await startPeer(t, ...generated(20_000));
  const browser = await openPlainBrowser(t);
  const server = await serve(t);
  const page = await openBare(browser, server);
  const run = await startRun(page, [peer]);
  await run.synced();
  await run.call('pause');
  await browser.open(`${server.origin}/compare.mjs`);
  const set = await lifecycle(browser, page);
  // The call is made at the moment of the freeze: the response comes after it.
  await page.evaluate(() => {
    document.addEventListener('freeze', () => (globalThis.late = bare.handle('run').getHeader(7)));
  });
  await set('frozen');
  await connectionsGone(peer);
  await set('active');
  assert.equal(await page.evaluate(async () => (await globalThis.late).number), 7);
  await run.until(`progress.state === 'paused'`);
  await run.call('resume');
  await run.until(`progress.state === 'synced'`);
  assert.deepEqual(page.problems, []);
});

test('a leader that is suspended without an event loses the store, and notices', async (t) => {
  const peer = await startPeer(t, ...generated(COUNT));
  const browser = await openPlainBrowser(t);
  const server = await serve(t);
  // A browser that suspends a process tells its pages nothing.
  await browser.context.addInitScript(() => {
    for (const type of ['freeze', 'resume']) {
      document.addEventListener(type, (event) => event.stopImmediatePropagation(), { capture: true });
    }
  });
  const firstPage = await openBare(browser, server);
  const first = await startRun(firstPage, [peer]);
  await first.until(`progress.stored > 8192`);
  const secondPage = await openBare(browser, server);
  const second = await startRun(secondPage, [peer]);
  await second.until(`progress.state === 'follower'`);

  await takenOver(browser, first, second, TAKEN_WITHIN_MS);
});

test('a page that comes back by the back button resumes', async (t) => {
  const peer = await startPeer(t, ...generated(COUNT));
  const browser = await openPlainBrowser(t);
  const server = await serve(t);
  const page = await openBare(browser, server);
  const first = await startRun(page, [peer]);
  const before = await first.until(`progress.stored > 8192`);
  assert.ok(before.stored < COUNT, 'left in the middle');
  await page.evaluate(() => {
    globalThis.shown = [];
    addEventListener('pageshow', ({ persisted }) => shown.push(persisted));
  });
  await page.goto(`${server.origin}/compare.mjs`);
  await connectionsGone(peer);
  // No tab holds the store meanwhile.
  const other = await openBare(browser, server);
  const second = await startRun(other, [peer]);
  await second.until(`['syncing', 'synced'].includes(progress.state)`);
  await second.call('stop');
  await other.close();

  // What comes out of the cache is not loaded.
  await page.goBack({ waitUntil: 'commit' });
  assert.deepEqual(await page.evaluate(() => globalThis.shown), [true], 'the page was kept');
  assert.deepEqual(await first.promiseOfSynced(), { number: COUNT - 1, hash: peer.info.latestHash });
  await first.equalsSource(peer, { byHashStep: 997 });
  assert.deepEqual(page.problems, []);
});
