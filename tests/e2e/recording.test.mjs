// The recording of a real page, replayed by the native machine: the same outputs, and the same fault named.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { openBrowser } from './support/browser.mjs';
import { generated } from './support/chains.mjs';
import { listOf, openDemo } from './support/demo.mjs';
import { root } from './support/paths.mjs';
import { startPeer } from './support/peer.mjs';
import { openBare, startRun } from './support/run.mjs';
import { serve } from './support/server.mjs';

const COUNT = 8_000;

/** Replays a file with the simulator: its exit code and what it prints. */
function replay(file) {
  const args = ['run', '--quiet', '--package', 'sync-sim', '--', '--replay', file, '--trace'];
  return new Promise((resolve, reject) => {
    execFile('cargo', args, { cwd: root, maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') return reject(error);
      resolve({ code: error?.code ?? 0, stdout, stderr });
    });
  });
}

/** A folder that is removed after the test. */
function folderOf(t) {
  const folder = mkdtempSync(join(tmpdir(), 'headlight-recording-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('the recording of a session is replayed natively, fault and all', async (t) => {
  const honest = await startPeer(t, ...generated(COUNT));
  const malicious = await startPeer(t, ...generated(COUNT), '--fault', 'flip-byte');
  const page = await openBare(await openBrowser(t), await serve(t));
  const tuning = { recordingBytesMax: 64 * 1024 * 1024 };
  const run = await startRun(page, [honest, malicious], { target: honest.info.latestHash, tuning });
  assert.deepEqual(await run.synced(), { number: COUNT - 1, hash: honest.info.latestHash });
  await run.until(`events.some((event) => event.type === 'fault')`, 30_000);

  const recorded = await page.evaluate(async (name) => {
    const bytes = await bare.handle(name).recording();
    return bytes && Array.from(bytes);
  }, run.name);
  assert.ok(recorded.length > COUNT * 500, `${recorded.length} bytes`);
  const file = join(folderOf(t), 'session.headlight');
  writeFileSync(file, Buffer.from(recorded));

  const { code, stdout, stderr } = await replay(file);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /1 machines, \d+ inputs, \d+ outputs, all as recorded\n$/);
  assert.ok(stdout.includes(`Synced { head: BlockNumHash { number: ${COUNT - 1}, hash: ${honest.info.latestHash} }`));
  const [fault] = await run.events('fault');
  assert.match(stdout, /Penalize \{ peer: PeerId\(\d+\), fault: (BrokenLink|Undecodable|InvalidHeader)/, fault.code);

  // One byte of a header, and the machine does something else.
  const changed = readFileSync(file);
  changed[changed.length >> 1] ^= 1;
  writeFileSync(file, changed);
  const other = await replay(file);
  assert.equal(other.code, 1);
  assert.match(other.stderr, /differ from the recorded ones|damaged/);
});

test('the limit of a recording holds, and 0 records nothing', async (t) => {
  const peer = await startPeer(t, ...generated(COUNT));
  const page = await openBare(await openBrowser(t), await serve(t));
  const run = await startRun(page, [peer], { target: peer.info.latestHash, tuning: { recordingBytesMax: 100_000 } });
  await run.synced();
  const { value } = await run.call('recording');
  assert.ok(Object.keys(value).length <= 100_000);
  await page.close();

  const silent = await openBare(await openBrowser(t), await serve(t));
  const none = await startRun(silent, [peer], { target: peer.info.latestHash, tuning: { recordingBytesMax: 0 } });
  await none.synced();
  assert.equal((await none.call('recording')).value, undefined);
});

test('the page saves a report that can be replayed', async (t) => {
  const peer = await startPeer(t, ...generated(COUNT));
  const demo = await openDemo(await openBrowser(t), await serve(t, { lists: listOf(peer) }));
  await demo.waitForFunction(`document.documentElement.dataset.state === 'synced'`);
  const [download] = await Promise.all([demo.waitForEvent('download'), demo.click('#save-report')]);
  assert.match(download.suggestedFilename(), /^headlight-.*\.headlight$/);
  const file = join(folderOf(t), 'report.headlight');
  await download.saveAs(file);
  const { code, stdout, stderr } = await replay(file);
  assert.equal(code, 0, stderr);
  // Four megabytes are fewer than the headers of this chain.
  assert.match(stdout, /all as recorded; the session went on after the recording's limit\n$/);
});
