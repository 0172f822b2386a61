// The page's broker of connections, without a peer: what it rejects, what it frees, and that a tab gets past the
// browser's limit of connections, by waiting.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { build } from 'esbuild';

import { openBrowser } from './support/browser.mjs';
import { root } from './support/paths.mjs';
import { serve } from './support/server.mjs';

/** A page with `broker`, the broker; `ask(command)`, its result; `told`, its other messages. */
async function openBroker(t, browser) {
  const folder = mkdtempSync(join(tmpdir(), 'headlight-broker-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const entryPoints = [join(root, 'web/src/rtc-broker.ts')];
  await build({ entryPoints, outdir: folder, format: 'esm', logLevel: 'warning' });
  const { origin } = await serve(t, { mounts: { '/broker/': folder } });
  const page = await (browser ?? (await openBrowser(t))).open(`${origin}/`);
  await page.evaluate(async () => {
    const { RtcBroker } = await import('/broker/rtc-broker.js');
    const { port1, port2 } = new MessageChannel();
    const waiting = new Map();
    let request = 0;
    port2.onmessage = ({ data }) => {
      const { channel, ...plain } = data;
      if (data.type !== 'result') return told.push({ ...plain, ...(channel && { channel: channel.readyState }) });
      waiting.get(data.request)(data);
      waiting.delete(data.request);
    };
    globalThis.told = [];
    globalThis.broker = new RtcBroker(port1);
    globalThis.post = (command) => port2.postMessage(command);
    globalThis.ask = (command) =>
      new Promise((resolve) => {
        waiting.set(++request, resolve);
        port2.postMessage({ ...command, request });
      });
  });
  return page;
}

test('a tab makes more connections than the browser holds, one after another', async (t) => {
  const page = await openBroker(t);
  // Chromium refuses the 501st connection that is not collected yet, so the broker reports `limit` first, and the
  // dialler retries.
  const refused = await page.evaluate(async () => {
    const deadline = performance.now() + 90_000;
    for (let connection = 0; connection < 1_100; connection += 1) {
      let result;
      do result = await ask({ type: 'open', connection });
      while (!result.ok && result.code === 'limit' && performance.now() < deadline);
      if (!result.ok) return { connection, ...result };
      post({ type: 'close', connection });
    }
    return undefined;
  });
  assert.equal(refused, undefined);
  await page.waitForFunction(() => broker.connections === 0);
  assert.deepEqual(page.problems, []);
});

test('an offer comes with a channel that was transferred', async (t) => {
  const page = await openBroker(t);
  const { ok, offer } = await page.evaluate(() => ask({ type: 'open', connection: 7 }));
  assert.ok(ok);
  for (const line of ['a=ice-ufrag:', 'a=ice-pwd:', 'a=fingerprint:sha-256 ']) assert.ok(offer.includes(line), line);
  const told = await page.evaluate(() => told);
  assert.deepEqual(told, [{ type: 'channel', connection: 7, request: 1, channel: 'connecting' }]);
});

test('an impossible command fails with its reason, and nothing else fails', async (t) => {
  const page = await openBroker(t);
  const refusal = async (command) => {
    const { ok, code } = await page.evaluate((command) => ask(command), command);
    return ok ? 'done' : code;
  };
  assert.equal(await refusal({ type: 'channel', connection: 1 }), 'closed');
  assert.equal(await refusal({ type: 'open', connection: 1 }), 'done');
  assert.equal(await refusal({ type: 'open', connection: 1 }), 'protocol');
  assert.equal(await refusal({ type: 'negotiate', connection: 1, offer: 'v=0\r\nx', answer: 'v=0\r\n' }), 'rtc');
  assert.equal(await refusal({ type: 'channel', connection: 1 }), 'done');
  for (let connection = 2; connection <= 64; connection += 1) {
    assert.equal(await refusal({ type: 'open', connection }), 'done');
  }
  assert.equal(await refusal({ type: 'open', connection: 65 }), 'limit');
  await page.evaluate(() => post({ type: 'close', connection: 1 }));
  assert.equal(await refusal({ type: 'open', connection: 65 }), 'done');
  assert.deepEqual(page.problems, []);
});

test('a channel that a peer opens is closed at once, and too many of them end the connection', async (t) => {
  const page = await openBroker(t);
  const { closed, unread } = await page.evaluate(async () => {
    const until = (object, event, holds) =>
      new Promise((resolve) => {
        const look = () => holds() && resolve();
        object.addEventListener(event, look);
        look();
      });
    const { offer } = await ask({ type: 'open', connection: 7 });
    const peer = new RTCPeerConnection();
    const first = peer.createDataChannel('', { negotiated: true, id: 0 });
    await peer.setRemoteDescription({ type: 'offer', sdp: offer });
    await peer.setLocalDescription();
    await until(peer, 'icegatheringstatechange', () => peer.iceGatheringState === 'complete');
    const { ok, message } = await ask({ type: 'negotiate', connection: 7, offer, answer: peer.localDescription.sdp });
    if (!ok) throw new Error(message);
    await until(first, 'open', () => first.readyState === 'open');
    globalThis.openOne = async () => {
      const channel = peer.createDataChannel('mine');
      channel.onopen = () => channel.readyState === 'open' && channel.send(new Uint8Array(60_000));
      await until(channel, 'close', () => channel.readyState === 'closed');
      return channel.readyState;
    };
    globalThis.peer = peer;
    const closed = await Promise.all(Array.from({ length: 20 }, openOne));
    return { closed, unread: told.filter(({ type, request }) => type === 'channel' && request !== 1) };
  });
  assert.deepEqual([...new Set(closed)], ['closed']);
  assert.deepEqual(unread, [], 'the worker hears of none');
  assert.equal(await page.evaluate(() => broker.connections), 1, 'a few are no breach');

  await page.evaluate(() => void Array.from({ length: 60 }, openOne));
  await page.waitForFunction(() =>
    told.some(({ type, state, cause }) => type === 'state' && state === 'failed' && cause === 'channels'),
  );
  assert.equal(await page.evaluate(() => broker.connections), 0);
  assert.deepEqual(page.problems, []);
});

test('a wrong certificate and a missing peer have different causes', async (t) => {
  const page = await openBroker(t);
  await page.evaluate(async () => {
    const { offer } = await ask({ type: 'open', connection: 7 });
    const peer = new RTCPeerConnection();
    await peer.setRemoteDescription({ type: 'offer', sdp: offer });
    await peer.setLocalDescription();
    while (peer.iceGatheringState !== 'complete') {
      await new Promise((resolve) => peer.addEventListener('icegatheringstatechange', resolve, { once: true }));
    }
    const another = (_, name, byte) => name + (byte === '00' ? '01' : '00');
    const answer = peer.localDescription.sdp.replace(/(a=fingerprint:sha-256 )(..)/, another);
    await ask({ type: 'negotiate', connection: 7, offer, answer });
    globalThis.peer = peer;
  });
  await page.waitForFunction(() => told.some(({ state }) => state === 'failed'));
  const { cause } = await page.evaluate(() => told.find(({ state }) => state === 'failed'));
  assert.equal(cause, 'dtls');
});

test('an invalid command ends the broker, with a message', async (t) => {
  const browser = await openBrowser(t);
  for (const nonsense of [
    null,
    'open',
    {},
    { type: 'open', connection: -1 },
    { type: 'dance', connection: 1, request: 1 },
  ]) {
    const page = await openBroker(t, browser);
    await page.evaluate(() => ask({ type: 'open', connection: 1 }));
    await page.evaluate((nonsense) => post(nonsense), nonsense);
    await page.waitForFunction(() => told.some(({ type }) => type === 'broken'));
    assert.equal(await page.evaluate(() => broker.connections), 0);
    assert.deepEqual(page.problems, []);
    await page.close();
  }
});
