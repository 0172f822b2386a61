// The demo page in a browser that lacks or blocks something: the page works, or says what is wrong and what to do. It
// never stays at "Starting".

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { bannerSays, listOf, openDemo, textOf } from './support/demo.mjs';
import { startPeer } from './support/peer.mjs';
import { serve } from './support/server.mjs';

const HEADERS = 3_000;

test('the demo works where Intl throws', async (t) => {
  const peer = await startPeer(t, ...generated(HEADERS));
  const server = await serve(t, { lists: listOf(peer) });
  const browser = await openBrowser(t);
  await browser.context.addInitScript(() => {
    for (const name of Object.getOwnPropertyNames(Intl)) {
      if (typeof Intl[name] !== 'function') continue;
      Intl[name] = class {
        constructor() {
          throw new RangeError('invalid language tag: C');
        }
      };
    }
    const denied = () => {
      throw new RangeError('invalid language tag: C');
    };
    Number.prototype.toLocaleString = BigInt.prototype.toLocaleString = Date.prototype.toLocaleString = denied;
  });
  const page = await openDemo(browser, server);
  await bannerSays(page, 'Synced', 60_000);
  assert.equal(await textOf(page, 'stored'), '3,000');
  await page.locator('#lookup-key').fill('2,999');
  await page.keyboard.press('Enter');
  await page.locator('#lookup-result').getByText('#2,999').first().waitFor();
  assert.match(await textOf(page, 'rate-chart'), /chart cannot be drawn.*invalid language tag/);
  assert.deepEqual(page.problems, []);
});

test('the demo shows the skipped entries of a list in one line', async (t) => {
  const peer = await startPeer(t, ...generated(HEADERS));
  const bad = Array.from({ length: 100 }, (_, index) => `peer-${index}.example.org`);
  const lists = { '/demo/peers.json': async () => ({ ...(await peer.list()), peers: [null, ...bad, peer.multiaddr] }) };
  const page = await openDemo(await openBrowser(t), await serve(t, { lists }));
  await bannerSays(page, 'Synced', 60_000);
  const lines = page.locator('#log li');
  await lines.getByText('101 entries of the peer list skipped, the first: null (').waitFor();
  assert.equal(await lines.count(), 2, 'and one line for the end of the sync');
});

for (const [what, prepare, expected] of [
  [
    'a script that is not there',
    (context) => context.route('**/main.js', (route) => route.abort()),
    /main\.js was not loaded/,
  ],
  [
    'a package that is not there',
    (context) => context.route('**/headlight/index.js', (route) => route.fulfill({ status: 404, body: '' })),
    /main\.js was not loaded/,
  ],
  [
    'a script that this browser cannot parse',
    (context) =>
      context.route('**/main.js', (route) => route.fulfill({ contentType: 'text/javascript', body: 'let #' })),
    /too old.*SyntaxError/,
  ],
  [
    'an exception while the page is set up',
    (context) => context.addInitScript(() => (HTMLCanvasElement.prototype.getContext = () => null)),
    /draws no canvas/,
  ],
]) {
  test(`the demo says what is wrong: ${what}`, async (t) => {
    const browser = await openBrowser(t);
    await prepare(browser.context);
    const page = await openDemo(browser, await serve(t));
    await bannerSays(page, 'This page could not start');
    assert.match(await textOf(page, 'banner-text'), expected);
    assert.equal(await page.locator('#banner').getAttribute('data-mood'), 'bad');
    assert.equal(await page.locator('html').getAttribute('data-error'), 'page-error');
  });
}

for (const [what, prepare, title] of [
  ['only WebRTC is missing', () => delete globalThis.RTCPeerConnection, 'WebRTC is switched off'],
  [
    'the storage is refused',
    () =>
      Object.defineProperty(globalThis, 'indexedDB', {
        get() {
          throw new DOMException('denied', 'SecurityError');
        },
      }),
    'This browser blocks what the page needs',
  ],
  ['wasm has no vectors', () => (WebAssembly.validate = () => false), 'This browser is too old'],
]) {
  test(`the demo names what a browser lacks: ${what}`, async (t) => {
    const browser = await openBrowser(t);
    await browser.context.addInitScript(prepare);
    const server = await serve(t, { lists: { '/demo/peers.json': () => ({ chainId: 1, peers: [] }) } });
    const page = await openDemo(browser, server);
    await bannerSays(page, title);
  });
}

test('an invalid parameter and an invalid peer list have their own messages', async (t) => {
  const browser = await openBrowser(t);
  const server = await serve(t, { lists: { '/demo/peers.json': () => null } });
  const parameters = await openDemo(browser, server, { chain: 'mainnet', tuning: '{' });
  await bannerSays(parameters, 'A parameter is wrong');
  const list = await openDemo(browser, server);
  await bannerSays(list, 'No list of peers');
});
