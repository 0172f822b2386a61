// A peer whose headers start above genesis does not know the genesis of its chain. Its status says so, the genesis is
// not compared, and it serves beside a peer that has all headers.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

/** Headers of the whole chain. */
const WHOLE = 6_000;

/** First header of the file that starts above genesis. */
const FIRST = 2_000;

/** A file with the headers `from..=to` of a peer. */
async function headersFile(t, peer, from, to) {
  const folder = mkdtempSync(join(tmpdir(), 'headlight-file-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'some.headers.rlp');
  writeFileSync(file, await peer.headers(from, to));
  return file;
}

async function bothServe(run, peers) {
  await run.synced();
  await run.equalsSource(peers[0], { byHashStep: 97 });
  assert.deepEqual(await run.events('fault'), []);
  const { value: infos } = await run.call('peers');
  for (const { id } of peers) {
    const info = infos.find((info) => info.id === id);
    assert.equal(info?.state, 'connected');
    assert.ok(info.headers > 0, `${id} gave no header`);
  }
}

test('a whole peer and one that starts above genesis serve one generated chain', async (t) => {
  const whole = await startPeer(t, ...generated(WHOLE));
  const file = await headersFile(t, whole, FIRST, WHOLE - 1);
  const upper = await startPeer(t, '--headers', file, '--chain', whole.info.chainId);
  assert.deepEqual([upper.info.earliest, upper.info.genesis], [FIRST, undefined]);
  assert.equal((await upper.list()).genesis, undefined);

  const browser = await openBrowser(t);
  const server = await serve(t);
  const named = await openBare(browser, server);
  await bothServe(await startRun(named, [whole, upper], { storage: { name: 'named' } }), [whole, upper]);
  await named.close();

  // Only a peer can tell the genesis, and the first connected peer does not know it.
  const trusting = await openBare(browser, server);
  const run = await startRun(trusting, [upper], { chain: { id: whole.info.chainId }, storage: { name: 'trusting' } });
  await run.until(`progress.peers.some((peer) => peer.state === 'connected')`);
  assert.equal((await run.call('addPeer', whole.multiaddr)).error, undefined);
  await run.until(`progress.state === 'synced' && progress.stored === ${WHOLE}`);
  await run.equalsSource(whole, { byHashStep: 97 });
  assert.deepEqual(await run.events('fault'), []);
});

test('a whole peer and one that starts above genesis serve one unknown chain', async (t) => {
  const source = await startPeer(t, ...generated(WHOLE));
  const chain = ['--chain', '777000777'];
  const whole = await startPeer(t, '--headers', await headersFile(t, source, 0, WHOLE - 1), ...chain);
  const upper = await startPeer(t, '--headers', await headersFile(t, source, FIRST, WHOLE - 1), ...chain);
  assert.equal(whole.info.genesis, source.info.genesis);

  const browser = await openBrowser(t);
  const server = await serve(t);
  for (const genesis of [whole.info.genesis, undefined]) {
    const page = await openBare(browser, server);
    const options = { chain: { id: whole.info.chainId, genesis }, storage: { name: `unknown-${genesis}` } };
    await bothServe(await startRun(page, [upper, whole], options), [whole, upper]);
    await page.close();
  }
});
