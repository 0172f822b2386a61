// Problems around a sync: each is a typed state within its deadline, and the page shows it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { bannerSays, listOf, openDemo } from './support/demo.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun, tryStart } from './support/run.mjs';
import { serve } from './support/server.mjs';

/** From the start of a sync to the state with the problem: the dial timeout and the stall time; milliseconds. */
const STALL_WITHIN_MS = 45_000;

const NOBODY_HAS = `0x${'ab'.repeat(32)}`;

test('no peer can be reached', async (t) => {
  const peer = await startPeer(t, ...generated(5_000));
  await peer.kill();
  const server = await serve(t, { lists: { '/demo/peers.json': () => ({ ...peer.info, peers: [peer.multiaddr] }) } });
  const browser = await openBrowser(t);
  const page = await openBare(browser, server);
  const run = await startRun(page, [peer]);
  const stalled = await run.until(`progress.state === 'stalled'`, STALL_WITHIN_MS);
  assert.equal(stalled.stall.code, 'no-peers');
  assert.ok(stalled.stall.message.length > 0);
  await page.close();

  const demo = await openDemo(browser, server);
  await bannerSays(demo, 'No peer can be reached', STALL_WITHIN_MS);
  await peer.start();
  await bannerSays(demo, 'Synced', 90_000);
});

test('a malformed multiaddress', async (t) => {
  const server = await serve(t);
  const browser = await openBrowser(t);
  const page = await openBare(browser, server);
  for (const multiaddr of ['', 'localhost:4001', '/ip4/127.0.0.1/tcp/4001', '/ip4/999.0.0.1/udp/1/webrtc-direct']) {
    const { error } = await tryStart(page, [], { chain: 'mainnet', peers: [multiaddr] });
    assert.deepEqual(
      [error?.name, error?.code],
      ['HeadlightError', 'bad-multiaddr'],
      `${multiaddr}: ${JSON.stringify(error)}`,
    );
  }
  await page.close();
  const demo = await openDemo(browser, server, { chain: 'mainnet', peers: '/ip4/127.0.0.1/tcp/4001' });
  await bannerSays(demo, 'Not a usable multiaddress');
});

test('peers of another chain', async (t) => {
  const peer = await startPeer(t, ...generated(5_000));
  const server = await serve(t, { lists: { '/demo/peers.json': () => ({ peers: [peer.multiaddr] }) } });
  const browser = await openBrowser(t);
  const page = await openBare(browser, server);
  const run = await startRun(page, [peer], { chain: 'mainnet' });
  const stalled = await run.until(`progress.state === 'stalled'`, STALL_WITHIN_MS);
  assert.equal(stalled.stall.code, 'wrong-chain');
  assert.equal((await run.call('peers')).value[0].state, 'wrong-chain');
  const [fault] = await run.events('fault');
  assert.deepEqual([fault?.peer, fault?.code], [peer.id, 'wrong-chain']);
  await page.close();

  const demo = await openDemo(browser, server, { chain: 'mainnet' });
  await bannerSays(demo, 'The peers serve another chain', STALL_WITHIN_MS);
});

test('a pinned hash that no peer has', async (t) => {
  const peers = [await startPeer(t, ...generated(5_000)), await startPeer(t, ...generated(5_000))];
  const server = await serve(t, { lists: listOf(...peers) });
  const browser = await openBrowser(t);
  const page = await openBare(browser, server);
  const run = await startRun(page, peers, { target: NOBODY_HAS });
  const stalled = await run.until(`progress.state === 'stalled'`, STALL_WITHIN_MS);
  assert.equal(stalled.stall.code, 'target-unavailable');
  assert.equal(stalled.stall.details.hash, NOBODY_HAS);
  assert.deepEqual(await run.events('fault'), [], 'not to have a block is no fault');
  await page.close();

  const demo = await openDemo(browser, server, { target: NOBODY_HAS });
  await bannerSays(demo, 'No peer has the pinned block', STALL_WITHIN_MS);
});

test('the storage is full, then has room again', async (t) => {
  const peer = await startPeer(t, ...generated(40_000));
  const server = await serve(t, { lists: listOf(peer) });
  const browser = await openBrowser(t);
  const page = await openBare(browser, server);
  const devtools = await browser.context.newCDPSession(page);
  const quota = (size) => devtools.send('Storage.overrideQuotaForOrigin', { origin: server.origin, ...size });

  await quota({ quotaSize: 8_000_000 });
  const run = await startRun(page, [peer]);
  const stalled = await run.until(`progress.state === 'stalled'`, 90_000);
  assert.equal(stalled.stall.code, 'storage-full');
  assert.ok(stalled.stored < 40_000);

  await quota({});
  await run.synced();
  await run.equalsSource(peer, { byHashStep: 97 });
  assert.deepEqual(await run.events('fault'), [], 'a full disk is no fault of a peer');
  await run.call('clear');
  await run.call('stop');
  await page.close();

  const demo = await openDemo(browser, server);
  await bannerSays(demo, 'Synced', 90_000);
});

test('the page shows that the storage is full', async (t) => {
  const peer = await startPeer(t, ...generated(40_000));
  const server = await serve(t, { lists: listOf(peer) });
  const browser = await openBrowser(t);
  const blank = await browser.open(`${server.origin}/compare.mjs`);
  const devtools = await browser.context.newCDPSession(blank);
  await devtools.send('Storage.overrideQuotaForOrigin', { origin: server.origin, quotaSize: 8_000_000 });
  const demo = await openDemo(browser, server);
  await bannerSays(demo, 'The storage is full', 90_000);
  await devtools.send('Storage.overrideQuotaForOrigin', { origin: server.origin });
  await bannerSays(demo, 'Synced', 90_000);
});
