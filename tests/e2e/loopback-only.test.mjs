// A machine whose only address is 127.0.0.1 (a laptop without a network, a bare container): peer and page find each other.
//
// The test runs itself again inside a network namespace where `lo` is the only interface.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

const LO_UP = 'ip link set lo up && exec "$0" "$@"';

/** Root may make a network namespace; others may inside a user namespace, where the system allows those. */
const ALONE = [['--net'], ['--map-root-user', '--net']].find(
  (flags) => spawnSync('unshare', [...flags, '--', 'sh', '-c', LO_UP, 'true']).status === 0,
);

/** The whole of the inner run; milliseconds. */
const INNER_WITHIN_MS = 120_000;

if (process.env.HEADLIGHT_LOOPBACK_ONLY === undefined) {
  const skip = ALONE === undefined ? 'this system allows no network namespace (unshare --net, ip)' : false;
  test('a machine with only a loopback address syncs', { skip }, async () => {
    const args = [...ALONE, '--', 'sh', '-c', LO_UP, process.execPath, fileURLToPath(import.meta.url)];
    // Not as a part of this test run: the runner tells its children to speak its own protocol.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const options = { env: { ...env, HEADLIGHT_LOOPBACK_ONLY: '1' }, timeout: INNER_WITHIN_MS };
    const { error, output } = await new Promise((resolve) => {
      execFile('unshare', args, options, (error, stdout, stderr) => resolve({ error, output: stdout + stderr }));
    });
    assert.equal(error, null, output);
  });
} else {
  test('peer and page find each other', async (t) => {
    assert.deepEqual(Object.keys(networkInterfaces()), ['lo']);
    const peer = await startPeer(t, ...generated(5_000));
    const page = await openBare(await openBrowser(t), await serve(t));
    const run = await startRun(page, [peer]);
    assert.deepEqual(await run.synced(), { number: 4_999, hash: peer.info.latestHash });
    await run.equalsSource(peer, { byHashStep: 101 });
    assert.deepEqual(await run.events('fault'), []);
  });
}
