// Reading stored headers during a reorg: no chunk of the new branch follows one of the old branch.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

/** The forked peer forges the last 512; a segment ends among them, at 6,143. */
const FORKED = 6_400;
const LONGER = 7_000;

test('a walk that meets another chain ends with `reorged`', async (t) => {
  const forked = await startPeer(t, ...generated(FORKED), '--fault', 'forked');
  const page = await openBare(await openBrowser(t), await serve(t));
  const run = await startRun(page, [forked]);
  await run.synced();
  const before = await run.walk(FORKED - 1, FORKED - 1);
  // One chunk is in use, up to 6,143, and the next one is loaded; both are of the old branch.
  const first = await page.evaluate(async () => {
    globalThis.walk = bare.handle('run').getHeaders(6_000, 6_999);
    return (await walk.next()).value.number;
  });
  assert.equal(first, 6_000);

  await forked.kill();
  const honest = await startPeer(t, ...generated(LONGER));
  await run.call('addPeer', honest.multiaddr);
  await run.until(`events.some((event) => event.type === 'reorg') && progress.state === 'synced'`, 60_000);

  const rest = await page.evaluate(async () => {
    const numbers = [];
    try {
      for await (const { number } of walk) numbers.push(number);
    } catch ({ name, code, details }) {
      return { numbers, error: { name, code, details } };
    }
    return { numbers };
  });
  assert.equal(rest.numbers.at(-1), FORKED - 1, 'the pieces of the old chain hang together');
  assert.deepEqual([rest.error?.name, rest.error?.code], ['HeadlightError', 'reorged'], JSON.stringify(rest.error));
  assert.deepEqual([rest.error.details.from, rest.error.details.expected], [FORKED, before[0].hash]);

  // By hash and by number the store agrees with itself, and a new walk is of one chain.
  assert.equal((await run.call('getHeader', before[0].hash)).value, undefined, 'given up');
  const now = (await run.call('getHeader', FORKED - 1)).value;
  assert.notEqual(now.hash, before[0].hash);
  assert.equal((await run.call('getHeader', now.hash)).value?.number, FORKED - 1);
  await run.equalsSource(honest, { byHashStep: 97 });
});
