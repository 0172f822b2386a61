// The page of `npm start`, served by the peer: it syncs the whole chain, and every header can be looked up.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { syncDeadline } from './support/deadline.mjs';
import { bannerSays, textOf } from './support/demo.mjs';
import { root } from './support/paths.mjs';
import { startPeer } from './support/peer.mjs';

const COUNT = 20_000;

test('the demo page syncs from the peer that serves it', async (t) => {
  const peer = await startPeer(t, ...generated(COUNT), '--web', join(root, 'dist-demo'));
  const page = await (await openBrowser(t)).open(peer.info.http);

  await bannerSays(page, 'Synced', syncDeadline(COUNT));

  assert.equal(await page.locator('#progressbar').getAttribute('aria-valuenow'), '100');
  assert.match(await textOf(page, 'target'), /19.?999/);
  const [stored, total] = [await textOf(page, 'stored'), await textOf(page, 'total')];
  assert.equal(stored, total);
  assert.equal(await page.locator('#peers tr').count(), 1);

  await page.locator('#lookup-key').fill(peer.info.latestHash);
  await page.keyboard.press('Enter');
  await page
    .locator('#lookup-result')
    .getByText(/19.?999/)
    .first()
    .waitFor();
  await page.locator('#lookup-key').fill('0');
  await page.keyboard.press('Enter');
  await page.locator('#lookup-result').getByText(peer.info.genesis.slice(2, 10)).first().waitFor();
  assert.deepEqual(page.problems, []);
});
