// Stored bytes change between two runs, as on a damaged disk: the damage is found, removed and downloaded again;
// everything else stays.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { bannerSays, listOf, openDemo, textOf } from './support/demo.mjs';
import { connectionsGone, startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

const COUNT = 30_000;

/** Headers that a damaged segment may cost: its window, at most. */
const LOST_MAX = 8_192;

/**
 * Flips one byte in the middle of a stored segment, without any code of the package: the one with the highest number
 * (`newest`), or one in the middle. Returns the key of its record.
 */
function damage(page, storage, which) {
  return page.evaluate(
    ([storage, which]) =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open(storage);
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const database = opening.result;
          const transaction = database.transaction('segments', 'readwrite');
          const segments = transaction.objectStore('segments');
          let damaged;
          segments.getAllKeys().onsuccess = ({ target }) => {
            const keys = target.result;
            damaged = keys[which === 'newest' ? keys.length - 1 : Math.floor(keys.length / 2)];
            segments.get(damaged).onsuccess = ({ target }) => {
              const bytes = target.result.slice();
              bytes[Math.floor(bytes.length / 2)] ^= 0x01;
              segments.put(bytes, damaged);
            };
          };
          transaction.oncomplete = () => {
            database.close();
            resolve(damaged);
          };
          transaction.onerror = () => reject(transaction.error);
        };
      }),
    [storage, which],
  );
}

for (const which of ['newest', 'middle']) {
  test(`the ${which} segment is damaged between two runs`, async (t) => {
    const peer = await startPeer(t, ...generated(COUNT));
    const page = await openBare(await openBrowser(t), await serve(t));
    const first = await startRun(page, [peer], { storage: { name: 'damaged' } });
    await first.synced();
    await first.call('stop');
    const key = await damage(page, 'damaged', which);
    await page.reload();
    await connectionsGone(peer);
    const served = await peer.stats();
    await page.waitForFunction('globalThis.bareReady === true');

    const second = await startRun(page, [peer], { storage: { name: 'damaged' } });
    // The newest segment is audited at opening, before the page can listen; the others in the background.
    if (which === 'middle') {
      await second.until(`events.some((event) => event.type === 'segment-dropped')`, 60_000);
      const [dropped] = await second.events('segment-dropped');
      assert.ok(
        dropped.from <= key && key <= dropped.to,
        `${key} was damaged, ${dropped.from} to ${dropped.to} dropped`,
      );
    }
    await second.until(`progress.state === 'synced' && progress.stored === progress.total`, 60_000);
    const again = (await peer.stats()).headersServed - served.headersServed;
    assert.ok(again >= 1 && again <= LOST_MAX + 257, `${again} headers were downloaded again`);
    await second.equalsSource(peer, { byHashStep: 97, byNumberStep: 997 });
    assert.deepEqual(await second.events('fault'), [], 'a bad disk is no fault of a peer');
  });
}

test('the page says that stored headers were damaged, and fills the gap', async (t) => {
  const peer = await startPeer(t, ...generated(COUNT));
  const server = await serve(t, { lists: listOf(peer) });
  const browser = await openBrowser(t);
  const demo = await openDemo(browser, server);
  await bannerSays(demo, 'Synced', 90_000);
  const names = await demo.evaluate(() => indexedDB.databases().then((all) => all.map((one) => one.name)));
  assert.equal(names.length, 1, `${names}`);
  await demo.goto(`${server.origin}/compare.mjs`);
  await connectionsGone(peer);
  await damage(demo, names[0], 'middle');

  const again = await openDemo(browser, server);
  await again
    .locator('#log')
    .getByText(/damaged|dropped/i)
    .first()
    .waitFor({ timeout: 60_000 });
  await bannerSays(again, 'Synced', 60_000);
  assert.match(await textOf(again, 'percent'), /^100(\.0)?$/);
});
