// One peer with several addresses, as it is on a machine with several interfaces: one vote, and the sync ends.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

const COUNT = 3_000;

test('a peer that listens on every interface is one peer, and syncs without any tuning', async (t) => {
  const peer = await startPeer(t, ...generated(COUNT), '--listen', '0.0.0.0:0');
  const listed = peer.multiaddrs;
  // A machine whose only interface is the loopback has several addresses there.
  const [first] = listed;
  const addresses = listed.length > 1 ? listed : [first, first.replace('/ip4/127.0.0.1/', '/ip4/127.0.0.2/')];
  assert.ok(new Set(addresses).size > 1);
  assert.equal(new Set(addresses.map((address) => address.split('/p2p/')[1])).size, 1);

  const page = await openBare(await openBrowser(t), await serve(t));
  const run = await startRun(page, [peer], { peers: addresses });
  assert.deepEqual(await run.synced(60_000), { number: COUNT - 1, hash: peer.info.latestHash });
  assert.equal((await run.call('peers')).value.length, 1);
  assert.deepEqual(await run.events('fault'), []);
});
