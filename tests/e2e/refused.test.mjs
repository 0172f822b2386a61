// A browser that blocks features: every getter and constructor may throw, in a sandboxed frame, with blocked cookies,
// or at a limit. In each case `startSync` rejects with a typed error that names the feature.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun, tryStart } from './support/run.mjs';
import { serve } from './support/server.mjs';

const options = { chain: 'mainnet', peers: [], peersUrl: '/nowhere.json' };

/** Replaces a property of the page by a getter, or a class by one whose constructor throws. */
function refuse(page, path, how) {
  return page.evaluate(
    ([path, how]) => {
      const names = path.split('.');
      const name = names.pop();
      const owner = names.reduce((object, name) => object[name], globalThis);
      const denied = () => {
        throw new DOMException(`${name}: access is denied for this document`, 'SecurityError');
      };
      const throwing =
        how === 'getter'
          ? { get: denied }
          : {
              value: class {
                constructor() {
                  denied();
                }
              },
            };
      Object.defineProperty(owner, name, { configurable: true, ...throwing });
    },
    [path, how],
  );
}

test('a getter or a constructor that throws is named in a typed error', async (t) => {
  const browser = await openBrowser(t);
  const server = await serve(t);
  for (const [path, how, code, name] of [
    ['indexedDB', 'getter', 'unsupported-browser', 'IndexedDB'],
    ['navigator.locks', 'getter', 'unsupported-browser', 'Web Locks'],
    ['Worker', 'getter', 'unsupported-browser', 'Worker'],
    ['RTCPeerConnection', 'getter', 'unsupported-browser', 'RTCPeerConnection'],
    ['MessageChannel', 'getter', 'unsupported-browser', 'MessageChannel'],
    ['WebAssembly', 'getter', 'unsupported-browser', 'WebAssembly'],
    ['RTCPeerConnection', 'constructor', 'unsupported-browser', 'RTCPeerConnection'],
    ['MessageChannel', 'constructor', 'unsupported-browser', 'MessageChannel'],
    ['Worker', 'constructor', 'worker-failed', 'worker'],
  ]) {
    const page = await openBare(browser, server);
    await refuse(page, path, how);
    const { error } = await tryStart(page, [], options);
    assert.deepEqual([error?.name, error?.code], ['HeadlightError', code], `${path}: ${JSON.stringify(error)}`);
    assert.ok(error.message.includes(name) && error.message.includes('denied'), error.message);
    if (code === 'unsupported-browser') {
      assert.ok(
        error.details.missing.some((missing) => missing.startsWith(name)),
        JSON.stringify(error.details),
      );
      assert.deepEqual(error.details.refused, error.details.missing);
    }
    await page.close();
  }
});

test('blocked features that the page does not need are ignored', async (t) => {
  const peer = await startPeer(t, ...generated(1_000));
  const page = await openBare(await openBrowser(t), await serve(t));
  for (const path of ['navigator.storage', 'localStorage', 'sessionStorage', 'caches'])
    await refuse(page, path, 'getter');
  const run = await startRun(page, [peer]);
  await run.synced();
});

test('the limit of the browser on connections is a typed error', async (t) => {
  const page = await openBare(await openBrowser(t), await serve(t));
  const made = await page.evaluate(() => {
    globalThis.held = [];
    try {
      for (;;) held.push(new RTCPeerConnection());
    } catch {
      return held.length;
    }
  });
  assert.ok(made >= 100, `${made} connections`);
  const { error } = await tryStart(page, [], options);
  assert.deepEqual([error?.name, error?.code], ['HeadlightError', 'unsupported-browser'], JSON.stringify(error));
  assert.deepEqual(error.details.missing, ['RTCPeerConnection']);
});

test('a sandboxed frame gets a typed error', async (t) => {
  // A frame of an opaque origin loads modules only from a server that allows every origin.
  const server = await serve(t, { headers: { 'access-control-allow-origin': '*' } });
  const page = await openBare(await openBrowser(t), server);
  await page.evaluate((url) => {
    const frame = document.createElement('iframe');
    frame.sandbox = 'allow-scripts';
    frame.src = url;
    document.body.append(frame);
  }, `${server.origin}/`);
  const inner = await page.waitForSelector('iframe').then((element) => element.contentFrame());
  await inner.waitForFunction('globalThis.bareReady === true');
  const error = await inner.evaluate((options) => bare.start('run', options).then(({ error }) => error), options);
  assert.equal(error?.name, 'HeadlightError', JSON.stringify(error));
  assert.ok(
    ['unsupported-browser', 'storage-unavailable', 'worker-failed'].includes(error.code),
    JSON.stringify(error),
  );
  assert.ok(error.message.length > 20, error.message);
});

test('support is checked before the options', async (t) => {
  const page = await openBare(await openBrowser(t), await serve(t));
  await page.evaluate(() => {
    delete globalThis.RTCPeerConnection;
    // Chrome 119 and Safari 16 have none.
    delete URL.canParse;
  });
  const { error } = await tryStart(page, [], { chain: 7 });
  assert.deepEqual([error?.code, error?.details], ['unsupported-browser', { missing: ['RTCPeerConnection'] }]);
});

test('the package uses nothing that the oldest browsers it claims do not have', async (t) => {
  const peer = await startPeer(t, ...generated(1_000));
  const server = await serve(t, { lists: { '/list.json': () => ({ peers: [peer.multiaddr] }) } });
  const browser = await openBrowser(t);
  // Newer than Safari 16.4, Chrome 130 or Firefox 144.
  await browser.context.addInitScript(() => {
    for (const [owner, names] of [
      [URL, ['canParse', 'parse']],
      [Promise, ['withResolvers', 'try']],
      [AbortSignal, ['any']],
      [Array, ['fromAsync']],
      [Object, ['groupBy']],
      [Map, ['groupBy']],
      [Array.prototype, ['toSorted', 'toReversed', 'toSpliced', 'with']],
      [Set.prototype, ['union', 'difference', 'intersection', 'isSubsetOf']],
      [Uint8Array, ['fromHex', 'fromBase64']],
      [Uint8Array.prototype, ['toHex', 'toBase64']],
      [ReadableStream.prototype, [Symbol.asyncIterator, 'values']],
      [globalThis, ['scheduler', 'navigation', 'Iterator']],
    ]) {
      for (const name of names) delete owner[name];
    }
  });
  const page = await openBare(browser, server);
  const { chainId: id, genesis } = peer.info;
  const run = await startRun(page, [peer], { chain: { id, genesis }, peers: [], peersUrl: '/list.json' });
  await run.synced();
  await run.equalsSource(peer, { byHashStep: 97 });
});
