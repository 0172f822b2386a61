// Why a peer cannot be dialled: each reason has its code, on the peer, in the stall and on the page.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { bannerSays, openDemo } from './support/demo.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

const COUNT = 2_000;

/** A well-formed peer id that no peer here has. */
const NOBODYS_ID = '12D3KooWRBhwfeP2Y4TCx1SM6s9rUoHhR5STiGwxBhgFRcw3UERE';

/** From the start of a sync to the error of a dial without a response; milliseconds. */
const REASON_WITHIN_MS = 30_000;

/** The part of a multiaddress after this name. */
const part = (multiaddr, name) => multiaddr.split(`/${name}/`)[1].split('/')[0];

/** Waits until the dial of the only peer has failed; its error, and the progress of that moment. */
async function failedDial(run) {
  const progress = await run.until(`progress.peers[0]?.lastDialError !== undefined`, REASON_WITHIN_MS);
  assert.equal(progress.peers[0].state, 'unreachable');
  return progress.peers[0].lastDialError;
}

/** Addresses of `peer` with one mistake each, by error code. */
const WRONG = {
  'wrong-certhash': ({ multiaddr }, other) =>
    multiaddr.replace(part(multiaddr, 'certhash'), part(other.multiaddr, 'certhash')),
  'wrong-peer-id': ({ multiaddr, id }, other) => multiaddr.replace(id, other.id),
  timeout: ({ multiaddr }) => multiaddr.replace(`/udp/${part(multiaddr, 'udp')}/`, `/udp/9/`),
};

for (const [code, wrong] of Object.entries(WRONG)) {
  test(`a dial that fails for its address says ${code}, and the right address ends it`, async (t) => {
    const [peer, other] = [await startPeer(t, ...generated(COUNT)), await startPeer(t, ...generated(COUNT))];
    const address = wrong(peer, other);
    const page = await openBare(await openBrowser(t), await serve(t));
    const run = await startRun(page, [peer], { peers: [address], tuning: { dialTimeoutMs: 5_000 } });
    const error = await failedDial(run);
    assert.equal(error.code, code, error.message);
    assert.ok(error.message.length > 10);

    const { stall } = await run.until(`progress.stall?.code === 'no-peers' && progress.stall.details?.dialErrors`);
    const [{ multiaddr: named, ...why }] = stall.details.dialErrors;
    assert.equal(named, address);
    assert.equal(why.code, code);

    await run.call('addPeer', peer.multiaddr);
    await run.synced();
    const info = (await run.call('peers')).value.find(({ id }) => id === peer.id);
    assert.equal(info.lastDialError, undefined);
  });
}

test('the page shows the reason', async (t) => {
  const [peer, other] = [await startPeer(t, ...generated(COUNT)), await startPeer(t, ...generated(COUNT))];
  const { multiaddr } = peer;
  const wrong = multiaddr.replace(part(multiaddr, 'certhash'), part(other.multiaddr, 'certhash'));
  const page = await openDemo(await openBrowser(t), await serve(t), { chain: String(peer.info.chainId), peers: wrong });
  await bannerSays(page, 'No peer can be reached', REASON_WITHIN_MS);
  await page
    .locator('#peers')
    .filter({ hasText: 'certificate differs from the address' })
    .waitFor({ timeout: REASON_WITHIN_MS });
  await page.locator('#banner').filter({ hasText: 'certhash' }).waitFor({ timeout: REASON_WITHIN_MS });
});

test('a browser without room for one more connection says so', async (t) => {
  const peer = await startPeer(t, ...generated(COUNT));
  const page = await openBare(await openBrowser(t), await serve(t));
  const dead = peer.multiaddr.replace(`/udp/${part(peer.multiaddr, 'udp')}/`, `/udp/9/`).replace(peer.id, NOBODYS_ID);
  const run = await startRun(page, [peer], { peers: [dead] });
  // The page's own connections reach the browser's limit: its constructor throws from there on.
  const thrown = await page.evaluate(() => {
    globalThis.hoarded = [];
    try {
      for (;;) hoarded.push(new RTCPeerConnection());
    } catch (error) {
      return error.message;
    }
  });
  assert.match(thrown, /PeerConnection/);
  await run.call('addPeer', peer.multiaddr);
  await run.until(`progress.peers.some((info) => info.lastDialError?.code === 'limit')`, REASON_WITHIN_MS);
  assert.deepEqual(page.problems, []);

  await page.evaluate(() => hoarded.splice(0).forEach((connection) => connection.close()));
  await run.synced(90_000);
});
