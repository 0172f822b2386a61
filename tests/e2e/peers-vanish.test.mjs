// Peers are killed and come back at the same address: the sync resumes without a reload of the page.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

const COUNT = 60_000;

/** From the moment that peers are back to the next header: at most a retry of the dial; milliseconds. */
const RECONNECT_WITHIN_MS = 60_000;

/** From the end of the last peer to the state that reports it; milliseconds. */
const NOTICED_WITHIN_MS = 45_000;

test('all peers vanish and come back', async (t) => {
  const peers = [await startPeer(t, ...generated(COUNT)), await startPeer(t, ...generated(COUNT))];
  const page = await openBare(await openBrowser(t), await serve(t));
  const run = await startRun(page, peers);
  await run.until(`progress.stored > 0`);
  await Promise.all(peers.map((peer) => peer.kill()));

  const stalled = await run.until(
    `progress.state === 'stalled' && progress.stall.code === 'no-peers'`,
    NOTICED_WITHIN_MS,
  );
  assert.ok(stalled.stored < COUNT, 'they vanished in the middle');
  const addresses = peers.map((peer) => peer.multiaddr);
  await Promise.all(peers.map((peer) => peer.start()));
  assert.deepEqual(
    peers.map((peer) => peer.multiaddr),
    addresses,
    'a multiaddr survives a restart',
  );

  await run.until(`progress.bytesReceived > ${stalled.bytesReceived}`, RECONNECT_WITHIN_MS);
  await run.synced();
  await run.equalsSource(peers[0], { byHashStep: 97 });
  assert.ok(
    (await run.events('fault')).every((event) => event.code === 'timeout'),
    'no peer is penalized',
  );
});

test('a peer that restarts is connected again', async (t) => {
  const peer = await startPeer(t, ...generated(COUNT));
  const page = await openBare(await openBrowser(t), await serve(t));
  const run = await startRun(page, [peer]);
  const before = await run.until(`progress.stored > 0`);
  await peer.kill();
  await peer.start();

  await run.until(`progress.bytesReceived > ${before.bytesReceived + 1_000_000}`, RECONNECT_WITHIN_MS);
  await run.synced();
  const stats = await peer.stats();
  assert.ok(stats.headersServed > 0, 'what came after the restart came from the restarted peer');
  await run.equalsSource(peer, { byHashStep: 97 });
});
