// What is in the tarball, and that it does no harm where there is no browser.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { root } from '../e2e/support/paths.mjs';
import { freshApp, pack } from './support/app.mjs';

test('the tarball holds the package and nothing else', (t) => {
  const { files } = pack(t);
  const paths = files.map((file) => file.path);
  for (const path of ['index.js', 'index.d.ts', 'worker.js', 'wasm/headlight.js', 'wasm/headlight_bg.wasm']) {
    assert.ok(paths.includes(`dist/${path}`), `dist/${path} is missing`);
  }
  const strange = paths.filter((path) => !/^(dist\/|README|CHANGELOG|LICENSE|package\.json$)/.test(path));
  assert.deepEqual(strange, []);
});

test('no wasm is inlined, and no path of the build machine is left', () => {
  for (const file of ['index.js', 'worker.js', 'wasm/headlight.js']) {
    const text = readFileSync(join(root, 'dist', file), 'utf8');
    assert.doesNotMatch(text, /AGFzbQ|data:application\/wasm/, `${file} has wasm inside`);
    assert.ok(!text.includes(root), `${file} names ${root}`);
  }
  const wasm = readFileSync(join(root, 'dist/wasm/headlight_bg.wasm'));
  assert.deepEqual([...wasm.subarray(0, 4)], [0x00, 0x61, 0x73, 0x6d]);
});

test('outside a browser the import is harmless and the start a typed error', (t) => {
  const app = freshApp(t, 'types', pack(t).tarball);
  const script = `
    import { startSync, HeadlightError } from 'headlight';
    const error = await startSync({ chain: 'mainnet', peers: ['/ip4/1.2.3.4'] }).catch((error) => error);
    const names = error.details.missing.includes('RTCPeerConnection');
    console.log(JSON.stringify([error instanceof HeadlightError, error.code, names]));
  `;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: app, encoding: 'utf8' });
  assert.deepEqual(JSON.parse(output), [true, 'unsupported-browser', true]);
});

for (const [module, moduleResolution] of [
  ['esnext', 'bundler'],
  ['nodenext', 'nodenext'],
]) {
  test(`the types carry a strict consumer, resolution ${moduleResolution}`, (t) => {
    const app = freshApp(t, 'types', pack(t).tarball);
    const lib = ['es2022', 'dom'];
    const compilerOptions = { strict: true, noEmit: true, target: 'es2022', lib, types: [], module, moduleResolution };
    writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    // Throws, and shows what the compiler says, when it ends with errors.
    execFileSync(process.execPath, [tsc, '-p', app], { stdio: ['ignore', 'inherit', 'inherit'] });
  });
}
