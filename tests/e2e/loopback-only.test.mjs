// A machine whose only address is 127.0.0.1 (a laptop without a network, a bare container). ICE ignores loopback
// addresses, in header-peer's WebRTC library as in Chromium: the peer prints this, with advice. Following the advice,
// peer and page connect over 127.0.0.1.
//
// The tests run themselves again inside a network namespace.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

const LO_UP = 'ip link set lo up';
/** An interface with an address of the range that is set aside for documentation (RFC 5737). */
const ADDRESS =
  'ip link add here type veth peer name there && ip link set there up && ip link set here up && ip addr add 192.0.2.1/24 dev here';
const NETWORKS = { none: LO_UP, one: `${LO_UP} && ${ADDRESS}` };

/** The whole of an inner run; milliseconds. */
const INNER_WITHIN_MS = 120_000;

const WARNING = /no address but loopback.*connect a network, or give an interface an address/;

/** Root may make a network namespace; others may inside a user namespace, where the system allows those. */
function namespace(setUp) {
  const inside = [`--`, 'sh', '-c', `${setUp} && exec "$0" "$@"`];
  const flags = [['--net'], ['--map-root-user', '--net']].find(
    (flags) => spawnSync('unshare', [...flags, ...inside, 'true']).status === 0,
  );
  return flags && [...flags, ...inside];
}

for (const [network, setUp] of Object.entries(NETWORKS)) {
  if (process.env.HEADLIGHT_NETWORK !== undefined) continue;
  const inside = namespace(setUp);
  const skip = inside === undefined ? 'this system allows no network namespace (unshare --net, ip)' : false;
  test(`inside a namespace with the network: ${network}`, { skip }, async () => {
    // Not as a part of this test run: the runner tells its children to speak its own protocol.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const options = { env: { ...env, HEADLIGHT_NETWORK: network }, timeout: INNER_WITHIN_MS };
    const args = [...inside, process.execPath, fileURLToPath(import.meta.url)];
    const { error, output } = await new Promise((resolve) => {
      execFile('unshare', args, options, (error, stdout, stderr) => resolve({ error, output: stdout + stderr }));
    });
    assert.equal(error, null, output);
  });
}

if (process.env.HEADLIGHT_NETWORK === 'none') {
  test('the peer prints that it cannot be reached, with advice', async (t) => {
    const peer = await startPeer(t, ...generated(10));
    await peer.logged(WARNING);
  });
}

if (process.env.HEADLIGHT_NETWORK === 'one') {
  test('with any address, peer and page find each other over 127.0.0.1', async (t) => {
    const peer = await startPeer(t, ...generated(5_000));
    assert.doesNotMatch(peer.log, WARNING);
    const page = await openBare(await openBrowser(t), await serve(t));
    const run = await startRun(page, [peer]);
    assert.deepEqual(await run.synced(), { number: 4_999, hash: peer.info.latestHash });
    assert.deepEqual(await run.events('fault'), []);
  });
}
