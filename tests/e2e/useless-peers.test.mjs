// Useless peers do not occupy the connections that useful ones need; floods are protocol violations.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

/** Connections that the worker holds at a time. */
const CONNECTIONS_MAX = 16;

const COUNT = 3_000;

/** This many of them at a time: starting all at once overloads a small machine. */
async function startPeers(t, count, ...args) {
  const peers = [];
  while (peers.length < count) peers.push(await startPeer(t, ...args));
  return peers;
}

test('sixteen pruned peers do not keep the seventeenth away, which has everything', async (t) => {
  const pruned = await startPeers(t, CONNECTIONS_MAX, ...generated(COUNT), '--fault', 'pruned');
  const whole = await startPeer(t, ...generated(COUNT));
  const page = await openBare(await openBrowser(t), await serve(t));
  const run = await startRun(page, [...pruned, whole], { target: whole.info.latestHash });
  await run.until(`progress.state === 'synced' && progress.stored === ${COUNT}`, 90_000);
  await run.equalsSource(whole, { byHashStep: 97 });
  assert.deepEqual(await run.events('fault'), [], 'to be pruned is no fault');
});

test('sixteen silent peers do not keep the seventeenth away, which responds', async (t) => {
  const silent = await startPeers(t, CONNECTIONS_MAX, ...generated(COUNT), '--fault', 'silent');
  const honest = await startPeer(t, ...generated(COUNT));
  const page = await openBare(await openBrowser(t), await serve(t));
  // Each request to a silent peer costs a timeout.
  const tuning = { requestTimeoutMs: 1_000 };
  const run = await startRun(page, [...silent, honest], { target: honest.info.latestHash, tuning });
  await run.until(`progress.state === 'synced' && progress.stored === ${COUNT}`, 90_000);
  const faults = await run.events('fault');
  assert.ok(
    faults.every((event) => event.peer !== honest.id),
    JSON.stringify(faults),
  );
});

for (const [fault, says] of [
  ['flood-updates', /announces/],
  ['flood-requests', /requests too often/],
  ['unsolicited', /not requested/],
]) {
  test(`a peer with the fault ${fault} is reported, and its pauses grow`, async (t) => {
    const honest = await startPeer(t, ...generated(COUNT));
    const flooder = await startPeer(t, ...generated(COUNT), '--fault', fault);
    const page = await openBare(await openBrowser(t), await serve(t));
    const run = await startRun(page, [honest, flooder], { target: honest.info.latestHash });
    await run.synced();
    // Three violations are a ban.
    await run.until(`events.some((event) => event.type === 'fault' && event.banned)`, 60_000);
    const faults = await run.events('fault');
    for (const event of faults) {
      assert.equal(event.peer, flooder.id);
      assert.equal(event.code, 'protocol');
      assert.match(event.message, says);
    }
    const infos = Object.fromEntries((await run.call('peers')).value.map((info) => [info.id, info]));
    assert.equal(infos[flooder.id].state, 'banned');
    assert.deepEqual([infos[honest.id].faults, infos[honest.id].score], [0, 100]);
    assert.deepEqual(page.problems, []);
  });
}
