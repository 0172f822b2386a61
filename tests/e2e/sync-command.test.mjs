// `npm run sync`: the one JSON line, for a chain from a file, for the generated one, and with only a malicious peer.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { numberOf, readSource } from '../../scripts/source.mjs';
import { generated } from './support/chains.mjs';
import { dataFiles, needsData, root } from './support/paths.mjs';
import { startPeer } from './support/peer.mjs';

const KEYS = ['ok', 'headers', 'first', 'tip', 'seconds', 'bytes', 'faults', 'mismatches'];

// `npm test` packs before; by hand: HEADLIGHT_TARBALL=$(cargo xtask pack) node --test tests/e2e/sync-command.test.mjs
const needsTarball = process.env.HEADLIGHT_TARBALL ? {} : { skip: 'HEADLIGHT_TARBALL names no packed package' };

/** Runs the command: its exit code and the JSON of its last line. */
function sync(...args) {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['scripts/sync.mjs', ...args], { cwd: root }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') return reject(error);
      const last = stdout.trim().split('\n').at(-1);
      resolve({ code: error?.code ?? 0, report: last ? JSON.parse(last) : undefined, stderr });
    });
  });
}

test('a chain from a file that starts above genesis', needsTarball, async (t) => {
  const peer = await startPeer(t, ...generated(6_000));
  const folder = mkdtempSync(join(tmpdir(), 'headlight-file-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'some.headers.rlp');
  writeFileSync(file, await peer.headers(2_000, 5_999));

  const { code, report, stderr } = await sync('--headers', file, '--peers', '2');
  assert.deepEqual(Object.keys(report), KEYS);
  assert.deepEqual(
    {
      code,
      ok: report.ok,
      headers: report.headers,
      first: report.first,
      tip: report.tip,
      faults: report.faults,
      mismatches: report.mismatches,
    },
    {
      code: 0,
      ok: true,
      headers: 4_000,
      first: 2_000,
      tip: { number: 5_999, hash: peer.info.latestHash },
      faults: 0,
      mismatches: 0,
    },
    stderr,
  );
  assert.ok(report.seconds > 0 && report.bytes > 4_000 * 500);
});

test('the generated chain with one malicious peer among two', needsTarball, async () => {
  const { code, report, stderr } = await sync('--generate', '12000', '--fault', 'flip-byte');
  assert.deepEqual([code, report.ok, report.headers, report.mismatches], [0, true, 12_000, 0], stderr);
  assert.ok(report.faults > 0);
});

test('the only peer is malicious', needsTarball, async () => {
  const { code, report } = await sync('--generate', '12000', '--peers', '1', '--fault', 'wrong-start');
  assert.deepEqual([code, report.ok], [1, false]);
  assert.ok(report.faults > 0 && report.mismatches > 0);
});

test('invalid arguments and files', needsTarball, async () => {
  for (const args of [['--headers', 'no-such-file'], ['--generate', '10', '--peers', 'many'], ['--no-such-flag']]) {
    const { code, report, stderr } = await sync(...args);
    assert.deepEqual([code, report], [2, undefined], `${args}: ${stderr}`);
    assert.match(stderr, /headlight: /);
  }
});

test('era1 files are read without the peer', needsData('era1', 'mainnet-'), async (t) => {
  const [, file] = dataFiles('era1', 'mainnet-');
  const peer = await startPeer(t, '--era1', file);
  const headers = readSource(['--era1', file]);
  assert.deepEqual([headers.length, numberOf(headers[0]), numberOf(headers.at(-1))], [8_192, 8_192, 16_383]);
  const { earliest, latest } = peer.info;
  assert.ok(Buffer.concat(headers).equals(Buffer.from(await peer.headers(earliest, latest))));
});
