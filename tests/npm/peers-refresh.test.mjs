// The peer list over the life of a sync: which stalls ask for it again, how a list that is not there is retried, and what
// the listeners hear. Time is the test's own, and so is `fetch`, whose own timers would stand still with it; what is
// fetched from a real server is in peers-url.test.mjs.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { root } from '../e2e/support/paths.mjs';
import { importSource } from './support/source.mjs';

const { PeerListWatcher, Listeners, REFRESH_INTERVAL_MS, RETRY_MS } = await importSource('peers-refresh', 'listeners');

const URL_OF_LIST = new URL('https://example.org/peers.json');

/** Turns of the event loop that reading a response takes, many times over. */
const TURNS = 50;

const GOOD = '/ip4/127.0.0.1/udp/1/webrtc-direct';

const CONNECTED = [{ state: 'connected' }];

/** What a sync is to the watcher: real listeners, a progress that the test sets, and a list of what was added. */
class World {
  #listeners = new Listeners();
  #now = 0;
  /** In the order in which they were set; a handle is the place plus one. */
  #timers = [];
  progress = { state: 'syncing', peers: CONNECTED };
  added = [];
  events = [];
  answers = 0;
  /** What the server answers; `undefined`: it cannot be reached. */
  body = { peers: [GOOD] };

  constructor(t) {
    t.mock.method(globalThis, 'fetch', async () => {
      this.answers += 1;
      if (this.body === undefined) throw new TypeError('fetch failed');
      return new Response(JSON.stringify(this.body));
    });
    t.mock.method(globalThis, 'setTimeout', (run, ms = 0) => this.#timers.push({ run, at: this.#now + ms }));
    t.mock.method(globalThis, 'clearTimeout', (id) => {
      if (id !== undefined) this.#timers[id - 1] = undefined;
    });
    for (const type of ['error', 'peer-skipped']) this.on(type, (event) => this.events.push(event));
  }

  on(type, listener) {
    return this.#listeners.on(type, listener);
  }

  report(type, event) {
    this.#listeners.emit(type, event);
  }

  async addListed(peers) {
    this.added.push(peers);
  }

  becomes(progress) {
    this.progress = { peers: CONNECTED, ...progress };
    this.report('progress', this.progress);
  }

  progresses(code) {
    const stalled = { state: 'stalled', stall: { code, message: code } };
    this.becomes(code === undefined ? { state: 'syncing' } : stalled);
  }

  /** Lets the clock run, and everything that follows from it, the answer of the server included. */
  async pass(ms) {
    const before = this.answers;
    this.#now += ms;
    for (const [index, timer] of this.#timers.entries()) {
      if (timer === undefined || timer.at > this.#now) continue;
      this.#timers[index] = undefined;
      timer.run();
    }
    // What follows takes turns of the event loop: a request, its response, the next timer.
    for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
    return this.answers - before;
  }
}

async function attached(world, chain = { id: 1 }) {
  const watcher = new PeerListWatcher(URL_OF_LIST, chain);
  const listed = await watcher.readAtStart();
  watcher.attach(world);
  await world.pass(0);
  return listed;
}

/** Codes of `StallCode`, from its declaration. */
const [, declared] = /type StallCode =([\s\S]*?)\n\n/.exec(readFileSync(join(root, 'web/src/progress.ts'), 'utf8'));
const CODES = [...declared.matchAll(/\| '([\w-]+)'/g)].map(([, code]) => code);
const NOT_HELPED = new Set(['other-target', 'unknown-fork', 'storage-full', 'storage-failed']);

for (const code of CODES) {
  const helped = !NOT_HELPED.has(code);
  test(`a sync that stalls with ${code} ${helped ? 'looks at the list again' : 'leaves the list alone'}`, async (t) => {
    const world = new World(t);
    assert.deepEqual(await attached(world), [GOOD]);
    world.progresses(code);
    assert.equal(await world.pass(REFRESH_INTERVAL_MS - 1), 0);
    assert.equal(await world.pass(1), helped ? 1 : 0);
    assert.equal(await world.pass(REFRESH_INTERVAL_MS), helped ? 1 : 0, 'and again while it lasts');
    assert.deepEqual(world.added, helped ? [[GOOD], [GOOD]] : []);
    world.progresses(undefined);
    await world.pass(REFRESH_INTERVAL_MS);
    assert.equal(await world.pass(10 * REFRESH_INTERVAL_MS), 0, 'no more once it is over');
  });
}

test('a sync without any connection looks at the list again, done or not', async (t) => {
  const world = new World(t);
  await attached(world);
  const gone = [{ state: 'unreachable' }, { state: 'banned' }];
  for (const state of ['finding-peers', 'resolving-target', 'syncing', 'synced']) {
    world.becomes({ state, peers: gone });
    assert.equal(await world.pass(REFRESH_INTERVAL_MS), 1, state);
    world.becomes({ state });
    assert.equal(await world.pass(REFRESH_INTERVAL_MS), 0, `${state}, connected`);
  }
  for (const state of ['follower', 'paused', 'opening']) {
    world.becomes({ state, peers: gone });
    assert.equal(await world.pass(REFRESH_INTERVAL_MS), 0, state);
  }
});

test('the codes were found', () => assert.ok(CODES.length >= 14 && CODES.includes('no-peers')));

test('a list that is not there is asked for again until it comes, and missed once', async (t) => {
  const world = new World(t);
  world.body = undefined;
  assert.deepEqual(await attached(world), []);
  assert.deepEqual(
    world.events.map(({ code }) => code),
    ['no-peers-url'],
  );
  for (const pause of [...RETRY_MS, RETRY_MS.at(-1)]) {
    assert.equal(await world.pass(pause - 1), 0);
    assert.equal(await world.pass(1), 1, `after ${pause} ms`);
  }
  assert.equal(world.events.length, 1, 'one error, not one a look');
  world.body = { peers: [GOOD] };
  await world.pass(RETRY_MS.at(-1));
  assert.deepEqual(world.added, [[GOOD]]);
  assert.equal(await world.pass(100 * REFRESH_INTERVAL_MS), 0, 'read once, and nothing stalls');
});

test('a list of another chain rejects the start; later it is an error event and adds nobody', async (t) => {
  const world = new World(t);
  world.body = { chainId: 5, peers: [GOOD] };
  await assert.rejects(new PeerListWatcher(URL_OF_LIST, { id: 1 }).readAtStart(), { code: 'wrong-chain' });
  world.body = { chainId: 1, peers: [GOOD] };
  await attached(world);
  world.body = { chainId: 5, peers: [GOOD] };
  world.progresses('no-peers');
  await world.pass(REFRESH_INTERVAL_MS);
  await world.pass(REFRESH_INTERVAL_MS);
  assert.deepEqual(
    world.events.map(({ code }) => code),
    ['wrong-chain'],
  );
  assert.deepEqual(world.added, []);
});

test('an entry that cannot be used is named once, and not offered again once the worker refused it', async (t) => {
  const world = new World(t);
  const refused = '/dns4/example.org/udp/1/webrtc-direct';
  world.body = { peers: [null, GOOD, refused] };
  assert.deepEqual(await attached(world), [GOOD, refused]);
  world.report('peer-skipped', { multiaddr: refused, reason: 'said by the worker' });
  world.progresses('no-peers');
  await world.pass(REFRESH_INTERVAL_MS);
  await world.pass(REFRESH_INTERVAL_MS);
  assert.deepEqual(
    world.events.map(({ multiaddr }) => multiaddr),
    ['null', refused],
  );
  assert.deepEqual(world.added, [[GOOD], [GOOD]]);
});

test('the end of the sync ends the watching', async (t) => {
  const world = new World(t);
  await attached(world);
  world.progresses('no-peers');
  world.progress = { state: 'stopped', peers: [] };
  world.report('state', { state: 'stopped' });
  assert.equal(await world.pass(10 * REFRESH_INTERVAL_MS), 0);
});
