// The built package imported where there is no browser: nothing throws, nothing happens, nothing is left running.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { root } from '../e2e/support/paths.mjs';

const PACKAGE = JSON.stringify(pathToFileURL(join(root, 'dist/index.js')).href);

/** What a server's runtime may not have. */
const ABSENT = [
  ...['FinalizationRegistry', 'WeakRef', 'Worker', 'navigator', 'document', 'indexedDB', 'RTCPeerConnection'],
  ...['MessageChannel', 'BroadcastChannel', 'WebAssembly', 'addEventListener', 'reportError', 'Intl', 'fetch'],
  ...['AbortController', 'AbortSignal', 'TextDecoderStream', 'ReadableStream', 'performance', 'crypto'],
];

/** Runs a module in a process of its own, and gives what it prints; a process that does not end by itself fails. */
function run(script) {
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return JSON.parse(output);
}

test('the import has no side effect', () => {
  const seen = run(`
    const names = () => Object.getOwnPropertyNames(globalThis).sort().join();
    const used = [];
    for (const name of ${JSON.stringify(ABSENT)}) {
      Object.defineProperty(globalThis, name, { configurable: true, get() { used.push(name); return undefined; } });
    }
    const declared = names();
    const exported = Object.keys(await import(${PACKAGE})).sort();
    console.log(JSON.stringify({ exported, used, same: names() === declared }));
  `);
  assert.deepEqual(seen.exported, ['CHAIN_IDS', 'HeadlightError', 'startSync']);
  assert.deepEqual(seen.used, [], 'asked for at the import');
  assert.ok(seen.same);
});

test('without any of what a browser has, the start is a typed error', () => {
  const error = run(`
    const print = console.log;
    for (const name of ${JSON.stringify(ABSENT)}) delete globalThis[name];
    const { startSync } = await import(${PACKAGE});
    const error = await startSync({ chain: 'mainnet', peersUrl: 'https://example.org/' }).catch((error) => error);
    print(JSON.stringify({ name: error.name, code: error.code, missing: error.details?.missing }));
  `);
  assert.deepEqual([error.name, error.code], ['HeadlightError', 'unsupported-browser']);
  for (const name of ['Worker', 'WebAssembly', 'IndexedDB', 'MessageChannel', 'RTCPeerConnection']) {
    assert.ok(error.missing.includes(name), name);
  }
});
