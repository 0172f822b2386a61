// A slow link is not a fault of the peer behind it: a whole sync through a relay that delays and loses packets.
//
// HEADLIGHT_LINK_RUNS=10 node --test tests/e2e/slow-link.test.mjs: each profile so many times, each with another seed.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { startPeer } from './support/peer.mjs';
import { startRelay } from './support/relay.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

const RUNS = Number(process.env.HEADLIGHT_LINK_RUNS ?? 1);

/** Figures of an honest peer at any time. */
const SCORE_MAX = 100;

/** Timeout of a sync through a slow link on a busy machine; milliseconds. */
const SYNC_WITHIN_MS = 240_000;

const PROFILES = {
  '25 ms each way, no loss': { headers: 100_000, link: { delayMs: 25 } },
  '50 Mbit, 10 ms each way, 0.1 % loss': { headers: 20_000, link: { rateMbit: 50, delayMs: 10, loss: 0.001 } },
};

/** Much longer than a quick response, shorter than a timeout; milliseconds. */
const HOLD_MS = 3_000;

/** Starts a sync through a relay. */
async function start(t, headers, link) {
  const peer = await startPeer(t, ...generated(headers));
  const relay = await startRelay(t, [peer], link);
  const page = await openBare(await openBrowser(t), await serve(t));
  return { peer, relay, run: await startRun(page, relay.peers) };
}

/** All headers came through the relay, and no peer was penalized. */
async function noPeerIsBlamed({ peer, relay, run }) {
  await run.synced(SYNC_WITHIN_MS);
  const counters = await relay.counters();
  assert.equal(counters.down.overflow + counters.up.overflow, 0, 'the relay itself lost nothing');
  assert.ok(counters.down.deliveredBytes > peer.count * 500, `all came through the relay: ${JSON.stringify(counters)}`);
  assert.deepEqual(await run.events('fault'), []);
  const { value: infos } = await run.call('peers');
  assert.deepEqual(
    infos.map(({ id, score, faults }) => ({ id, score, faults })),
    [{ id: peer.id, score: SCORE_MAX, faults: 0 }],
  );
  await run.equalsSource(peer, { byHashStep: 997 });
}

for (const [name, { headers, link }] of Object.entries(PROFILES)) {
  for (let seed = 1; seed <= RUNS; seed++) {
    test(`an honest peer keeps its score: ${name}, seed ${seed}`, async (t) => {
      await noPeerIsBlamed(await start(t, headers, { ...link, seed }));
    });
  }
}

test('an honest peer keeps its score: the link stands still in the middle of a sync', async (t) => {
  const trial = await start(t, 40_000, { delayMs: 25 });
  await trial.run.until('progress.stored > 4_000');
  trial.relay.hold(HOLD_MS);
  await noPeerIsBlamed(trial);
});
