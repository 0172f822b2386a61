// An honest peer and one with each fault of `header-peer --fault`. The sync completes; the malicious peer is penalized
// with the code of its fault, the honest peer never is. A slow or short response, or another branch, is not a fault.
//
// Both peers connect at once, so any of them may serve any range. Another branch shows in the newest headers only: its
// test has one peer that serves that range, and no other.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

/** Long enough that requests to a silent peer time out before the other peer has served everything. */
const COUNT = 60_000;

/** Each fault that shows in any range, with its codes; none for valid behaviour. */
const FAULTS = {
  'flip-byte': ['broken-link', 'undecodable', 'invalid-header'],
  // For a request by hash, for the target, a wrong start is a header with another hash.
  'wrong-start': ['wrong-start', 'broken-link'],
  'too-many': ['too-many-headers'],
  silent: ['timeout'],
  short: [],
  slow: [],
};

for (const [fault, codes] of Object.entries(FAULTS)) {
  test(`an honest peer and one with the fault ${fault}`, async (t) => {
    const honest = await startPeer(t, ...generated(COUNT));
    const malicious = await startPeer(t, ...generated(COUNT), '--fault', fault);
    const page = await openBare(await openBrowser(t), await serve(t));
    const run = await startRun(page, [honest, malicious], { target: honest.info.latestHash });

    assert.deepEqual(await run.synced(180_000), { number: COUNT - 1, hash: honest.info.latestHash });

    await run.equalsSource(honest, { byHashStep: 97 });
    // Silence is detected at a timeout, which may come after the other peer has served everything.
    if (codes.length > 0) await run.until(`events.some((event) => event.type === 'fault')`, 30_000);
    const faults = await run.events('fault');
    const named = [...new Set(faults.map((event) => event.peer))];
    assert.deepEqual(named, codes.length === 0 ? [] : [malicious.id], JSON.stringify(faults));
    for (const event of faults) {
      assert.ok(codes.includes(event.code), `${event.code}: ${event.message}`);
      assert.equal(event.multiaddr, malicious.multiaddr);
    }
    const infos = (await run.call('peers')).value;
    const figures = Object.fromEntries(infos.map((info) => [info.id, info]));
    assert.equal(figures[honest.id].faults, 0);
    assert.equal(figures[honest.id].score, 100);
    assert.equal(figures[malicious.id].faults > 0, codes.length > 0);
    assert.equal(figures[malicious.id].score < 100, codes.length > 0);
    assert.ok(infos.every((info) => info.otherBranchFrom === undefined));
    assert.deepEqual(page.problems, []);
  });
}

// Another branch near the tip, as an honest peer has after a reorg: skipped and shown, not penalized. The only other peer
// serves fewer headers than the branch has, so the rest is requested from the peer that does not have it.
test('a peer on another branch is not penalized, and what it has of the chain is used', async (t) => {
  const [whole, pruned, forked] = await Promise.all([
    startPeer(t, ...generated(COUNT)),
    startPeer(t, ...generated(COUNT), '--fault', 'pruned'),
    startPeer(t, ...generated(COUNT), '--fault', 'forked'),
  ]);
  const page = await openBare(await openBrowser(t), await serve(t));
  const run = await startRun(page, [pruned, forked], {
    target: whole.info.latestHash,
    tuning: { stallMs: 2_000 },
  });
  await run.until(`['no-progress', 'range-unavailable'].includes(progress.stall?.code)`);
  const figures = async () => Object.fromEntries((await run.call('peers')).value.map((info) => [info.id, info]));
  const { otherBranchFrom } = (await figures())[forked.id];
  assert.ok(otherBranchFrom < COUNT && otherBranchFrom >= COUNT - 1_024, `${otherBranchFrom}`);

  assert.equal((await run.call('addPeer', whole.multiaddr)).error, undefined);
  assert.deepEqual(await run.synced(180_000), { number: COUNT - 1, hash: whole.info.latestHash });
  await run.equalsSource(whole, { byHashStep: 97 });
  assert.deepEqual(await run.events('fault'), []);
  const shown = await figures();
  for (const { id } of [whole, pruned, forked]) {
    assert.deepEqual([shown[id].faults, shown[id].score], [0, 100]);
    assert.ok(shown[id].headers > 0, `${id} served nothing`);
  }
  for (const { id } of [whole, pruned]) assert.equal(shown[id].otherBranchFrom, undefined);
  assert.deepEqual(page.problems, []);
});
