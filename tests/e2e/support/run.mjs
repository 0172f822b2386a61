// One sync in the bare page, for tests.

import assert from 'node:assert/strict';

import { syncDeadline, within } from './deadline.mjs';

/** A run of the package inside a page; every method is one call into `support/pages/bare.mjs`. */
export class Run {
  constructor(page, name, peers) {
    this.page = page;
    this.name = name;
    this.peers = peers;
  }

  /** Waits for a condition over `progress` and `events`; returns the progress of that moment. */
  until(condition, ms = 30_000) {
    return this.page.evaluate(([name, condition, ms]) => bare.until(name, condition, ms), [this.name, condition, ms]);
  }

  /** Waits until everything is stored, and returns the head. */
  async synced(ms = syncDeadline(this.peers[0].count)) {
    await this.until(`progress.state === 'synced'`, ms);
    const { value, error } = await within(
      5_000,
      'synced',
      this.page.evaluate((name) => bare.synced(name), this.name),
    );
    assert.equal(error, undefined);
    return value;
  }

  /** Waits until the promise `synced` resolves, in any state, and returns the head. */
  async promiseOfSynced(ms = syncDeadline(this.peers[0].count)) {
    const { value, error } = await within(
      ms,
      'synced',
      this.page.evaluate((name) => bare.synced(name), this.name),
    );
    assert.equal(error, undefined);
    return value;
  }

  /** Numbers, hashes and flags of the headers of `getHeaders`. */
  walk(from, to) {
    return this.page.evaluate(
      async ([name, from, to]) => {
        const headers = [];
        for await (const { number, hash, verifiedUnderTarget } of bare.handle(name).getHeaders(from, to)) {
          headers.push({ number, hash, verifiedUnderTarget });
        }
        return headers;
      },
      [this.name, from, to],
    );
  }

  events(type) {
    return this.page
      .evaluate((name) => bare.events(name), this.name)
      .then((events) => events.filter((event) => type === undefined || event.type === type));
  }

  progress() {
    return this.page.evaluate((name) => bare.progress(name), this.name);
  }

  /** Calls a method of the handle: `{ value }` or `{ error }`. */
  call(method, ...args) {
    return this.page.evaluate(([name, method, args]) => bare.call(name, method, ...args), [this.name, method, args]);
  }

  /** Reads the whole store back and compares it with the source of `peer`; throws at the first difference. */
  async equalsSource(peer = this.peers[0], options = {}) {
    const result = await this.page.evaluate(
      ([name, source, options]) => bare.compare(name, source, options),
      [this.name, peer.info, options],
    );
    assert.deepEqual(result.mismatches, []);
    assert.equal(result.headers, peer.count);
    return result;
  }
}

/** Opens the bare page in a new tab. */
export async function openBare(browser, server) {
  const page = await browser.open(`${server.origin}/`);
  await page.waitForFunction('globalThis.bareReady === true');
  return page;
}

/** Starts a sync with these peers in the page; `options` are those of `startSync`. */
export async function startRun(page, peers, options = {}, name = 'run') {
  const result = await tryStart(page, peers, options, name);
  assert.equal(result.error, undefined, JSON.stringify(result.error));
  return new Run(page, name, peers);
}

/** The same, for starts that may fail: `{ ok }` or `{ error }`. */
export async function tryStart(page, peers, options = {}, name = 'run') {
  const [first] = peers;
  const all = {
    chain: first && { id: first.info.chainId, genesis: first.info.genesis },
    // Those of a generated chain: the package knows no forks by its id.
    ...(first?.info.forks && { forks: first.info.forks }),
    peers: peers.map((peer) => peer.multiaddr),
    ...options,
  };
  return page.evaluate(([name, options]) => bare.start(name, options), [name, all]);
}
