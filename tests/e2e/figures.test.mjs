// Every number in `tuning`: both ends of its range work in a real sync, and the worker too rejects values outside,
// which a page can send only without the package.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { importSource } from '../npm/support/source.mjs';
import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

const { TUNING_BOUNDS } = await importSource('options');

/** Headers of the syncs: more than the least memory holds at once. */
const HEADERS = 5_000;

const bounds = Object.entries(TUNING_BOUNDS);
const at = (end) => Object.fromEntries(bounds.map(([name, range]) => [name, range[end]]));

for (const [end, tuning] of Object.entries({
  least: at(0),
  // One peer cannot be a quorum of 16, and a floor above the tip leaves nothing to sync.
  most: { ...at(1), tipQuorum: 1, floor: 0 },
})) {
  test(`a sync works with the ${end} of every figure`, async (t) => {
    const peer = await startPeer(t, ...generated(HEADERS));
    const page = await openBare(await openBrowser(t), await serve(t));
    const run = await startRun(page, [peer], { tuning });
    await run.synced();
    await run.equalsSource(peer, { byHashStep: 97 });
  });
}

test('the largest quorum is reached with as many peers, and not with one less', async (t) => {
  const count = TUNING_BOUNDS.tipQuorum[1];
  const peers = await Promise.all(Array.from({ length: count }, () => startPeer(t, ...generated(1_000))));
  const page = await openBare(await openBrowser(t), await serve(t));
  const last = peers.at(-1);
  const run = await startRun(page, peers.slice(0, -1), { tuning: { tipQuorum: count } });
  const { stall } = await run.until(`progress.stall?.details?.have === ${count - 1}`, 45_000);
  assert.deepEqual([stall.code, stall.details.need], ['quorum-not-reached', count]);
  await run.call('addPeer', last.multiaddr);
  await run.synced();
});

test('the worker refuses what lies outside, and names it', async (t) => {
  const page = await openBare(await openBrowser(t), await serve(t));
  const cases = [];
  const add = (option, options) =>
    cases.push({ option, options: { chain: { id: 1 }, storage: { name: 'figures' }, ...options } });
  for (const [name, [min, max]] of bounds) {
    for (const value of [min - 1, max + 1, min + 0.5, '7', -1, 2 ** 53, 2 ** 64]) {
      add(`tuning.${name}`, { tuning: { [name]: value } });
    }
    // A bigint crosses `postMessage`, not the channel of the test.
    add(`tuning.${name}`, { tuning: { [name]: '18446744073709551615n' } });
  }
  for (const id of [-1, 0.5, 2 ** 53, '1']) add('chain.id', { chain: { id } });
  add('chain.genesis', { chain: { id: 1, genesis: '0x12' } });
  add('target', { target: 'latest' });
  add('storage.name', { storage: { name: '' } });
  add('listedPeers', { listedPeers: new Array(1_025).fill('') });
  const replies = await page.evaluate(async (cases) => {
    const replies = [];
    const worker = new Worker('/dist/worker.js', { type: 'module' });
    for (const { options } of cases) {
      for (const [name, value] of Object.entries(options.tuning ?? {})) {
        if (/^\d+n$/.test(value)) options.tuning[name] = BigInt(value.slice(0, -1));
      }
      const { port1 } = new MessageChannel();
      const reply = new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)));
      worker.postMessage({ type: 'start', id: 1, options, rtcPort: port1 }, [port1]);
      replies.push(await reply);
    }
    worker.terminate();
    return replies;
  }, cases);
  for (const [index, { option, options }] of cases.entries()) {
    const { ok, error } = replies[index];
    const got = [ok, error?.code, error?.details?.option];
    assert.deepEqual(got, [false, 'bad-option', option], `${JSON.stringify(options)}: ${JSON.stringify(error)}`);
  }
});
