// A peer list cannot make a browser dial addresses that are nearer to it than the page that fetched the list.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

const COUNT = 2_000;

test('a page from the internet does not dial the loopback address of a list, and dials it when it names it itself', async (t) => {
  const peer = await startPeer(t, ...generated(COUNT));
  const list = () => ({ peers: [peer.multiaddr], chainId: peer.info.chainId, genesis: peer.info.genesis });
  const { origin } = await serve(t, { lists: { '/list.json': list } });
  // The name is one of the internet as far as the page can tell.
  const named = origin.replace('127.0.0.1', 'headlight.example');
  const flags = [
    '--host-resolver-rules=MAP headlight.example 127.0.0.1',
    `--unsafely-treat-insecure-origin-as-secure=${named}`,
  ];
  const page = await openBare(await openBrowser(t, { flags }), { origin: named });
  const run = await startRun(page, [peer], { peers: [], peersUrl: '/list.json' });
  const { peers } = await run.until(`progress.peers[0]?.lastDialError !== undefined`);
  assert.equal(peers[0].lastDialError.code, 'not-dialable');
  await run.until(`progress.stall?.code === 'no-peers'`);
  assert.equal((await run.call('stats')).value.dials, 0);

  assert.equal((await run.call('addPeer', peer.multiaddr)).error, undefined);
  await run.synced();
  assert.deepEqual(page.problems, []);
});
