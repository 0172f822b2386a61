// Two tabs, one store: the second tab reads the headers that the first one stores, gets its events, is synced when
// everything is stored, and takes over when the first tab closes.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

const COUNT = 100_000;

const NOBODY_HAS = `0x${'ab'.repeat(32)}`;

test('a second tab reads, and takes over', async (t) => {
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

test('a reader tab is synced while the first tab lives', async (t) => {
  const peer = await startPeer(t, ...generated(20_000));
  const browser = await openBrowser(t);
  const server = await serve(t);
  const firstPage = await openBare(browser, server);
  const first = await startRun(firstPage, [peer]);
  const secondPage = await openBare(browser, server);
  const second = await startRun(secondPage, [peer]);

  const head = { number: 19_999, hash: peer.info.latestHash };
  assert.deepEqual(await second.promiseOfSynced(), head);
  const progress = await second.progress();
  assert.equal(progress.state, 'follower', 'the first tab lives');
  assert.deepEqual(progress.target, head);
  assert.deepEqual([progress.floor, progress.total, progress.stored, progress.percent], [0, 20_000, 20_000, 100]);
  assert.deepEqual(progress.ranges, [{ from: 0, to: 19_999, state: 'stored' }]);
  assert.equal(progress.leader?.state, 'synced');
  const [{ number, hash }] = await second.events('synced');
  assert.deepEqual({ number, hash }, head);
  assert.equal((await second.call('getHeader', 7)).value?.verifiedUnderTarget, true);
  await second.equalsSource(peer, { byHashStep: 97, byNumberStep: 997 });
  assert.equal((await first.progress()).state, 'synced');

  // A third one, that opens when all is done.
  const third = await startRun(await openBare(browser, server), [peer]);
  assert.deepEqual(await third.promiseOfSynced(), head);
  assert.deepEqual([...firstPage.problems, ...secondPage.problems], []);
});

test('messages of other scripts of the origin have no effect', async (t) => {
  const peer = await startPeer(t, ...generated(COUNT));
  const browser = await openBrowser(t);
  const server = await serve(t);
  const storage = { name: 'forged' };
  const first = await startRun(await openBare(browser, server), [peer], { storage });
  await first.until(`progress.stored > 0`);
  await first.call('pause');
  const paused = await first.until(`progress.state === 'paused' && progress.staged === 0`);
  assert.ok(paused.stored < COUNT, 'paused in the middle');
  const secondPage = await openBare(browser, server);
  const second = await startRun(secondPage, [peer], { storage });
  await second.until(`progress.state === 'follower' && progress.target !== undefined`);

  const stored = (await first.walk(paused.target.number - 10, paused.target.number - 10))[0];
  const stranger = await openBare(browser, server);
  await stranger.evaluate(
    ([name, targets]) => {
      const channel = new BroadcastChannel(`headlight-progress:${name}`);
      const figures = {
        staged: 0,
        headersPerSecond: 0,
        bytesReceived: 0,
        bytesPerSecond: 0,
        memoryBytes: 0,
        peers: [],
      };
      for (const target of targets) {
        const all = { floor: target.number, total: 1, stored: 1, percent: 100, ranges: [] };
        channel.postMessage({ type: 'progress', progress: { state: 'synced', target, ...all, ...figures } });
        channel.postMessage({ type: 'synced', ...target });
        channel.postMessage({ type: 'state', state: 'failed' });
      }
      // No messages of ours, in whole or in part.
      for (const message of [
        null,
        7,
        'good day',
        [],
        { type: 'progress' },
        { type: 'fault', peer: {} },
        { type: 'lock-lost' },
      ]) {
        channel.postMessage(message);
      }
      const peers = [{ id: 'x', toString: 'y' }];
      channel.postMessage({ type: 'progress', progress: { state: 'synced', ...figures, peers } });
      channel.postMessage({ type: 'progress', progress: { state: 'synced', ...figures, headersPerSecond: 'fast' } });
      // The last is well formed, and shows when all before it were seen.
      const target = targets[0];
      channel.postMessage({
        type: 'progress',
        progress: { state: 'synced', target, ...figures, headersPerSecond: 4_711 },
      });
      channel.close();
    },
    ['forged', [paused.target, stored, { number: 5, hash: NOBODY_HAS }]],
  );
  const shown = await second.until(`progress.headersPerSecond === 4711`);
  assert.deepEqual([shown.state, shown.leader.state, shown.percent < 100], ['follower', 'synced', true]);
  assert.equal(shown.target?.hash ?? paused.target.hash, paused.target.hash);
  assert.deepEqual(await second.events('synced'), []);
  assert.deepEqual(await second.events('fault'), []);
  await first.call('resume');
  assert.deepEqual(await second.promiseOfSynced(), { number: COUNT - 1, hash: peer.info.latestHash });
  assert.deepEqual(secondPage.problems, []);
});

test('faults, reorgs and detached heads reach every tab', async (t) => {
  const forked = await startPeer(t, ...generated(6_400), '--fault', 'forked');
  const browser = await openBrowser(t);
  const server = await serve(t);
  const first = await startRun(await openBare(browser, server), [forked]);
  await first.synced();
  const second = await startRun(await openBare(browser, server), [forked]);
  assert.equal((await second.promiseOfSynced()).hash, forked.info.latestHash);

  await forked.kill();
  const malicious = await startPeer(t, ...generated(7_000), '--fault', 'flip-byte');
  const honest = await startPeer(t, ...generated(7_000));
  await first.call('addPeer', honest.multiaddr);
  await first.call('addPeer', malicious.multiaddr);
  const all = ['fault', 'detached-head', 'reorg'].map((type) => `events.some((event) => event.type === '${type}')`);
  for (const run of [first, second]) await run.until(all.join(' && '), 60_000);
  const head = { number: 6_999, hash: honest.info.latestHash };
  for (const run of [first, second]) {
    await run.until(`events.some((event) => event.type === 'synced' && event.number === 6999)`, 60_000);
  }
  assert.deepEqual((await second.progress()).target, head);
  for (const type of ['reorg', 'detached-head', 'fault']) {
    const told = async (run) => (await run.events(type)).map(({ at, ...event }) => event);
    assert.deepEqual(await told(second), await told(first), type);
  }
  await second.equalsSource(honest, { byHashStep: 97 });
});

test('a thousand look-ups at once', async (t) => {
  const peer = await startPeer(t, ...generated(5_000));
  const browser = await openBrowser(t);
  const server = await serve(t);
  const first = await startRun(await openBare(browser, server), [peer]);
  await first.synced();
  const second = await startRun(await openBare(browser, server), [peer]);
  for (const run of [first, second]) {
    const numbers = await run.page.evaluate(async () => {
      const wanted = Array.from({ length: 1_000 }, (_, at) => at * 5);
      const headers = await Promise.all(wanted.map((number) => bare.handle('run').getHeader(number)));
      return headers.map((header) => header?.number);
    });
    assert.deepEqual(
      numbers,
      Array.from({ length: 1_000 }, (_, at) => at * 5),
    );
  }
});
