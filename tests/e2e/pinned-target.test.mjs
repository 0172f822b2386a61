// A store that holds more than the session trusts: blocks above the pinned one, stored by a session without a pin.
// Target, `synced` and `getHeader` are limited to the pin and its ancestors; nothing is removed.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { connectionsGone, startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

/** The forked peer forges the last 512. */
const COUNT = 6_400;
const FORGED_FROM = COUNT - 512;

/** An honest block under the forged ones, inside a stored segment. */
const PINNED = FORGED_FROM - 100;

/** Headers that a resumed session may request: the target once more. */
const AGAIN_MAX = 2;

const storage = { name: 'pinned' };

/** A store with forged blocks above honest ones, made by a session without a pin. Returns the honest block. */
async function forgedStore(page, forked) {
  const first = await startRun(page, [forked], { storage });
  await first.synced();
  const pin = (await first.walk(PINNED, PINNED))[0];
  assert.equal(pin.verifiedUnderTarget, true, 'an ancestor of the forged head, which was the target of that session');
  return { first, pin: { number: pin.number, hash: pin.hash } };
}

test('a pinned block under a forged head is the target', async (t) => {
  const forked = await startPeer(t, ...generated(COUNT), '--fault', 'forked');
  const honest = await startPeer(t, ...generated(COUNT));
  const page = await openBare(await openBrowser(t), await serve(t));
  const { first, pin } = await forgedStore(page, forked);
  const forged = (await first.walk(COUNT - 1, COUNT - 1))[0];
  await first.call('stop');
  await connectionsGone(forked);
  const served = (await forked.stats()).headersServed;

  const second = await startRun(page, [honest, forked], { storage, target: pin.hash }, 'second');
  assert.deepEqual(await second.promiseOfSynced(), pin);
  const progress = await second.progress();
  assert.deepEqual([progress.target, progress.total, progress.percent], [pin, PINNED + 1, 100]);
  for (const key of [PINNED + 1, COUNT - 1, forged.hash]) {
    assert.equal((await second.call('getHeader', key)).value, undefined, `${key} lies above the pin`);
  }
  for (const key of [0, PINNED, pin.hash]) {
    assert.equal((await second.call('getHeader', key)).value?.verifiedUnderTarget, true, `${key}`);
  }
  const walk = await second.walk(PINNED - 3_000, COUNT);
  assert.deepEqual([walk.length, walk.at(-1).number], [3_001, PINNED]);
  assert.ok(walk.every((header) => header.verifiedUnderTarget));
  await second.call('stop');
  await connectionsGone(honest);

  // Nothing was removed: without the pin all headers are there, and only the tip is requested.
  const third = await startRun(page, [forked], { storage }, 'third');
  assert.equal((await third.synced()).hash, forged.hash);
  const again = (await forked.stats()).headersServed - served + (await honest.stats()).headersServed;
  assert.ok(again <= 2 * AGAIN_MAX, `${again} headers were asked for again`);
  assert.deepEqual(page.problems, []);
});

test('a pinned block that is stored needs no peer', async (t) => {
  const forked = await startPeer(t, ...generated(COUNT), '--fault', 'forked');
  const page = await openBare(await openBrowser(t), await serve(t));
  const { first, pin } = await forgedStore(page, forked);
  await first.call('stop');
  await forked.kill();

  const second = await startRun(page, [forked], { storage, target: pin.hash }, 'second');
  assert.deepEqual(await second.promiseOfSynced(), pin);
  await second.call('stop');

  // Without a pin and without a peer: all headers are served, marked as not verified in this session.
  const third = await startRun(page, [forked], { storage }, 'third');
  const walk = await third.walk(0, COUNT);
  assert.deepEqual([walk.length, walk.some((header) => header.verifiedUnderTarget)], [COUNT, false]);
});

test('a reader tab serves what its own pin covers', async (t) => {
  const forked = await startPeer(t, ...generated(COUNT), '--fault', 'forked');
  const honest = await startPeer(t, ...generated(COUNT));
  const browser = await openBrowser(t);
  const server = await serve(t);
  const { first, pin } = await forgedStore(await openBare(browser, server), forked);
  assert.equal((await first.progress()).state, 'synced');

  const reader = await startRun(await openBare(browser, server), [honest], { storage, target: pin.hash });
  assert.deepEqual(await reader.promiseOfSynced(), pin);
  const progress = await reader.progress();
  assert.deepEqual([progress.state, progress.target, progress.percent], ['follower', pin, 100]);
  assert.equal((await reader.call('getHeader', PINNED + 1)).value, undefined);
  const walk = await reader.walk(0, COUNT);
  assert.deepEqual([walk.length, walk.every((header) => header.verifiedUnderTarget)], [PINNED + 1, true]);

  // The pinned block is not stored: no header is served, the sync is not synced, and the stall says so.
  const target = honest.info.latestHash;
  const other = await startRun(await openBare(browser, server), [honest], { storage, target });
  const stalled = await other.until(`progress.stall !== undefined`);
  assert.deepEqual(
    [stalled.state, stalled.stall.code, stalled.stall.details.hash],
    ['follower', 'other-target', target],
  );
  assert.equal(stalled.target, undefined);
  assert.equal((await other.call('getHeader', 5)).value, undefined);
  assert.deepEqual(await other.walk(0, COUNT), []);
  assert.deepEqual(await other.events('synced'), []);
});
