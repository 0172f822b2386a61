// The database is lost during a sync: the browser closes it, or another tab deletes, upgrades or blocks it. The sync
// opens it again and fills it, or reports that it cannot; it never reports synced without its store.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun, tryStart } from './support/run.mjs';
import { serve } from './support/server.mjs';

const COUNT = 30_000;
const NAME = 'lost';

/** Longest time until `startSync` reports that another tab holds the database; milliseconds. */
const HELD_WITHIN_MS = 20_000;

/** Clears the site's databases as the user does in the browser's settings: every connection is closed by force. */
async function clearSiteData(page, origin) {
  const session = await page.context().newCDPSession(page);
  await session.send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' });
  await session.detach();
}

/** Deletes the database from this page; resolves when it is deleted. */
function deleteDatabase(page) {
  return page.evaluate(
    (name) =>
      new Promise((resolve, reject) => {
        const deletion = indexedDB.deleteDatabase(name);
        deletion.onsuccess = () => resolve();
        deletion.onerror = () => reject(deletion.error);
      }),
    NAME,
  );
}

/** Does any tab hold the write lock of the store? */
function lockIsHeld(page) {
  return page.evaluate(async (name) => {
    const { held } = await navigator.locks.query();
    return held.some((lock) => lock.name === `headlight-write:${name}`);
  }, NAME);
}

async function begin(t, count = COUNT) {
  const peer = await startPeer(t, ...generated(count));
  const server = await serve(t);
  const browser = await openBrowser(t);
  const page = await openBare(browser, server);
  const run = await startRun(page, [peer], { storage: { name: NAME } });
  const other = await openBare(browser, server);
  return { peer, server, browser, page, run, other };
}

/** Everything was fetched again after the moment `at`, and equals the source. */
async function filledAgain(run, peer) {
  await run.until(
    `progress.state === 'synced' && progress.stored === progress.total && progress.total === ${peer.count}`,
    90_000,
  );
  await run.equalsSource(peer, { byHashStep: 997, byNumberStep: 997 });
  const states = (await run.events('state')).map((event) => event.state);
  assert.ok(states.includes('opening'), `the state says that the store is opened again: ${states}`);
  assert.ok(!states.includes('failed'), `${states}`);
}

const losses = [
  ['the browser closes the database by force', ({ page, server }) => clearSiteData(page, server.origin)],
  ['another tab deletes the database', ({ other }) => deleteDatabase(other)],
];

for (const [what, lose] of losses) {
  test(`${what}, when synced`, async (t) => {
    const world = await begin(t);
    const { peer, run } = world;
    await run.synced();
    const before = await peer.stats();
    await lose(world);
    await run.until(`progress.state !== 'synced'`);
    await filledAgain(run, peer);
    const again = (await peer.stats()).headersServed - before.headersServed;
    assert.ok(again >= COUNT, `${again} headers were fetched again`);
  });

  test(`${what}, in the middle`, async (t) => {
    const world = await begin(t, 100_000);
    const { peer, run } = world;
    await run.until(`progress.stored > 16384`);
    await lose(world);
    await run.until(`events.some((event) => event.type === 'state' && event.state === 'opening')`);
    await filledAgain(run, peer);
  });
}

test('a newer version of the package takes the database over from an idle leader', async (t) => {
  const { run, other } = await begin(t);
  await run.synced();
  await other.evaluate(
    (name) =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open(name, 1_000);
        opening.onsuccess = () => {
          opening.result.close();
          resolve();
        };
        opening.onerror = () => reject(opening.error);
      }),
    NAME,
  );
  await run.until(`progress.state === 'failed'`, 60_000);
  const errors = await run.events('error');
  assert.equal(errors.at(-1)?.code, 'storage-unavailable', JSON.stringify(errors));
  assert.match(errors.at(-1).message, /newer version/);
  await other.waitForFunction(
    async (name) => !(await navigator.locks.query()).held.some((lock) => lock.name === `headlight-write:${name}`),
    NAME,
  );
});

test('an open that waits behind a blocked deletion is refused, and succeeds once the other tab lets go', async (t) => {
  const peer = await startPeer(t, ...generated(2_000));
  const server = await serve(t);
  const browser = await openBrowser(t);
  const holder = await openBare(browser, server);
  await holder.evaluate(
    (name) =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open(name, 1);
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          // Without a listener for `versionchange`: it does not let go.
          globalThis.held = opening.result;
          globalThis.deletion = indexedDB.deleteDatabase(name);
          globalThis.deletion.onblocked = () => resolve();
        };
      }),
    NAME,
  );
  const page = await openBare(browser, server);
  const begun = Date.now();
  const { error } = await tryStart(page, [peer], { storage: { name: NAME } });
  assert.ok(Date.now() - begun < HELD_WITHIN_MS, `${Date.now() - begun} ms`);
  assert.equal(error?.code, 'storage-unavailable');
  assert.match(error.message, /another tab holds the database/);
  assert.equal(await lockIsHeld(page), false, 'a start that fails keeps nothing');

  await holder.evaluate(() => globalThis.held.close());
  const run = await startRun(page, [peer], { storage: { name: NAME } }, 'again');
  await run.synced();
  await run.equalsSource(peer);
});

test('missing segments are noticed before the first progress', async (t) => {
  const { peer, page, run, other } = await begin(t);
  await run.synced();
  await run.call('stop');
  const gone = await other.evaluate(
    (name) =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open(name);
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const database = opening.result;
          const transaction = database.transaction('segments', 'readwrite');
          const segments = transaction.objectStore('segments');
          segments.getAllKeys().onsuccess = ({ target }) => {
            // Two neighbours and one apart from them, none of them the newest.
            for (const index of [4, 5, 12]) segments.delete(target.result[index]);
            globalThis.goneKeys = [4, 5, 12].map((index) => target.result[index]);
          };
          transaction.oncomplete = () => {
            database.close();
            resolve(globalThis.goneKeys);
          };
          transaction.onerror = () => reject(transaction.error);
        };
      }),
    NAME,
  );
  // The peer is stopped: the events of the page come from the store alone.
  await peer.kill();
  const second = await startRun(page, [peer], { target: peer.info.latestHash, storage: { name: NAME } }, 'second');
  const first = await second.until(`progress.state !== 'opening'`);
  assert.notEqual(first.state, 'synced');
  assert.equal(first.stored, COUNT - 3 * 1_024, `without ${gone}`);
  await peer.start();
  await second.until(`progress.state === 'synced' && progress.stored === ${COUNT}`, 60_000);
  const synced = (await second.events('state')).filter((event) => event.state === 'synced');
  assert.equal(synced.length, 1, 'synced once, and with everything');
  await second.equalsSource(peer, { byHashStep: 97 });
});
