// Bans outlive the page: a peer that was banned is banned after a reload, and gets no requests.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { connectionsGone, startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

/** Long enough that the malicious peer is banned, and the page reloaded, before all headers are stored. */
const COUNT = 100_000;

/** Seconds of a ban, and how long a page may take to come back. */
const BAN_SECONDS = 600;
const RELOAD_SECONDS = 120;

/** Peers and their figures by id, from `peers()`. */
async function infos(run) {
  const { value } = await run.call('peers');
  return Object.fromEntries(value.map((info) => [info.id, info]));
}

/**
 * An honest and a malicious peer on one host; a run that has banned the malicious one. `options` are those of the run.
 */
async function banned(t) {
  const honest = await startPeer(t, ...generated(COUNT));
  const malicious = await startPeer(t, ...generated(COUNT), '--fault', 'flip-byte');
  const page = await openBare(await openBrowser(t), await serve(t));
  const run = await startRun(page, [honest, malicious], { target: honest.info.latestHash });
  await run.until(`events.some((event) => event.type === 'fault' && event.banned)`, 60_000);
  const before = await infos(run);
  assert.equal(before[malicious.id].state, 'banned');
  assert.notEqual(before[honest.id].state, 'banned', 'a neighbour on the same host');
  return { honest, malicious, page, run, before };
}

/** Reloads the page as a user does, without `stop`, once the ban is written. */
async function reload(page, ...peers) {
  await page.evaluate(waitForBook);
  await page.reload();
  for (const peer of peers) await connectionsGone(peer);
  await page.waitForFunction('globalThis.bareReady === true');
}

/** In the page: waits until the peer records are in the database. */
async function waitForBook() {
  const [{ name }] = await indexedDB.databases();
  const opening = indexedDB.open(name);
  const db = await new Promise((resolve) => (opening.onsuccess = () => resolve(opening.result)));
  const begin = performance.now();
  try {
    for (;;) {
      const reading = db.transaction('peers').objectStore('peers').get('book');
      const book = await new Promise((resolve) => (reading.onsuccess = () => resolve(reading.result)));
      if (book !== undefined) return book.length;
      if (performance.now() - begin > 20_000) throw new Error('no book was written');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    db.close();
  }
}

test('a malicious peer that was banned before a reload is banned after it, and the honest peer serves the rest', async (t) => {
  const { honest, malicious, page, run, before } = await banned(t);
  assert.ok((await run.progress()).stored < COUNT, 'the reload comes in the middle');
  await reload(page, honest, malicious);
  const asked = (await malicious.stats()).requests;
  const served = (await honest.stats()).requests;

  const again = await startRun(page, [malicious, honest], { target: honest.info.latestHash });
  assert.deepEqual(await again.synced(180_000), { number: COUNT - 1, hash: honest.info.latestHash });

  const after = await infos(again);
  assert.equal(after[malicious.id].state, 'banned');
  assert.equal(after[malicious.id].score, 0);
  assert.equal(after[malicious.id].faults, before[malicious.id].faults);
  const left = after[malicious.id].bannedForSeconds;
  assert.ok(left > BAN_SECONDS - RELOAD_SECONDS && left < BAN_SECONDS, `${left} s are left of the ban`);
  assert.equal((await malicious.stats()).requests, asked, 'the malicious peer was asked nothing');
  assert.equal((await malicious.stats()).connections, 0);
  assert.equal(after[honest.id].state, 'connected');
  assert.equal(after[honest.id].faults, 0);
  assert.ok((await honest.stats()).requests > served);
  assert.deepEqual(await again.events('fault'), []);
  assert.deepEqual(await again.events('error'), []);
  await again.equalsSource(honest, { byHashStep: 97 });
  assert.deepEqual(page.problems, []);
});

test('clear() removes all peer records, and damaged records are dropped with an error event', async (t) => {
  const { honest, malicious, page, run } = await banned(t);
  await run.synced(180_000);
  const stored = (await run.progress()).stored;
  assert.equal((await run.call('stop')).error, undefined);
  await page.evaluate(async () => {
    const [{ name }] = await indexedDB.databases();
    const opening = indexedDB.open(name);
    const db = await new Promise((resolve) => (opening.onsuccess = () => resolve(opening.result)));
    const writing = db.transaction('peers', 'readwrite');
    const store = writing.objectStore('peers');
    const reading = store.get('book');
    reading.onsuccess = () => {
      const [first, ...rest] = reading.result;
      store.put(new Uint8Array([first ^ 1, ...rest]), 'book');
    };
    await new Promise((resolve) => (writing.oncomplete = resolve));
    db.close();
  });

  const damaged = await startRun(page, [honest, malicious], { target: honest.info.latestHash }, 'damaged');
  await damaged.until(`events.some((event) => event.type === 'error')`);
  const [error] = await damaged.events('error');
  assert.equal(error.code, 'storage-damaged');
  assert.match(error.message, /peers/);
  await damaged.synced();
  assert.equal((await damaged.progress()).stored, stored, 'nothing else is lost');
  const forgotten = await infos(damaged);
  assert.notEqual(forgotten[malicious.id].state, 'banned');
  assert.equal((await damaged.call('stop')).error, undefined);

  // New records in place of the damaged ones; then the page clears everything during a ban.
  const whole = await startRun(page, [honest, malicious], { target: honest.info.latestHash }, 'whole');
  await whole.synced();
  assert.deepEqual(await whole.events('error'), []);
  assert.equal((await whole.call('clear')).error, undefined);
  await whole.until(`events.some((event) => event.type === 'fault' && event.banned)`, 60_000);
  assert.equal(
    (await infos(whole))[malicious.id].state,
    'banned',
    'after clear() it gets requests again, and is banned again',
  );
  assert.equal((await whole.call('clear')).error, undefined);
  const cleared = await infos(whole);
  assert.notEqual(cleared[malicious.id].state, 'banned', 'clear() lifts the ban');
  assert.equal((await whole.call('stop')).error, undefined);
});
