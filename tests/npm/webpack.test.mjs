// The packed tarball in a fresh webpack app, built without any configuration.

import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import webpack from 'webpack';

import { freshApp, pack } from './support/app.mjs';
import { runApp } from './support/sync.mjs';

for (const mode of ['production', 'development']) {
  test(`webpack, mode ${mode}, no configuration`, async (t) => {
    const app = freshApp(t, 'webpack', pack(t).tarball);
    // What the command line does when it runs in the app's folder.
    const stats = await promisify(webpack)({ context: app, mode, output: { path: join(app, 'dist') } });
    assert.equal(stats.hasErrors(), false, stats.toString({ colors: false }));
    copyFileSync(join(app, 'index.html'), join(app, 'dist/index.html'));
    const { peer, result, wasm, problems } = await runApp(t, join(app, 'dist'));
    const { latest, latestHash } = peer.info;
    assert.deepEqual(result, {
      head: { number: latest, hash: latestHash },
      headers: peer.count,
      byHash: latest,
      state: 'stopped',
    });
    assert.deepEqual(wasm, ['application/wasm'], 'the wasm is one file of its own, fetched once');
    assert.deepEqual(problems, []);
  });
}
