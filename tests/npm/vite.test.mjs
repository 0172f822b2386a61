// The packed tarball in a fresh Vite app: built without any configuration, and under the development server.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { build, createServer } from 'vite';

import { freshApp, pack } from './support/app.mjs';
import { appPeer, openApp, runApp } from './support/sync.mjs';

/** Vite as it is without a configuration file. */
const plain = (app) => ({ root: app, configFile: false, logLevel: 'warn' });

test('vite build, no configuration', async (t) => {
  const app = freshApp(t, 'vite', pack(t).tarball);
  await build(plain(app));
  const { peer, result, wasm, problems } = await runApp(t, join(app, 'dist'));
  assertSynced(result, peer);
  assert.deepEqual(wasm, ['application/wasm'], 'the wasm is one file of its own, fetched once');
  assert.deepEqual(problems, []);
});

// Vite 8 needs nothing; Vite 7 and older need the exclusion, which must therefore go on working.
for (const [what, optimizeDeps] of [
  ['no configuration', {}],
  ['headlight in optimizeDeps.exclude', { exclude: ['headlight'] }],
]) {
  test(`vite dev, ${what}`, (t) => develop(t, optimizeDeps));
}

async function develop(t, optimizeDeps) {
  const app = freshApp(t, 'vite', pack(t).tarball);
  const peer = await appPeer(t);
  const serveList = {
    name: 'peers.json',
    configureServer(server) {
      server.middlewares.use('/peers.json', async (_, response) => {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(await peer.list()));
      });
    },
  };
  const server = await createServer({
    ...plain(app),
    plugins: [serveList],
    optimizeDeps,
    server: { host: '127.0.0.1', port: 0 },
  });
  t.after(() => server.close());
  await server.listen();
  const { result, problems } = await openApp(t, server.resolvedUrls.local[0]);
  assertSynced(result, peer);
  assert.deepEqual(problems, []);
}

function assertSynced(result, peer) {
  const { latest, latestHash } = peer.info;
  assert.deepEqual(result, {
    head: { number: latest, hash: latestHash },
    headers: peer.count,
    byHash: latest,
    state: 'stopped',
  });
}
