// The package as users get it: packed once, then installed into fresh apps far from this project.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { root } from '../../e2e/support/paths.mjs';

const apps = join(dirname(fileURLToPath(import.meta.url)), '../apps');

function npm(cwd, ...args) {
  return execFileSync('npm', [...args, '--silent'], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

function folder(t, name) {
  const path = mkdtempSync(join(tmpdir(), `headlight-${name}-`));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Packs the built package; returns the tarball's path and the files that are in it. */
export function pack(t) {
  const out = folder(t, 'tarball');
  const [packed] = Object.values(JSON.parse(npm(root, 'pack', '--json', '--pack-destination', out)));
  return { tarball: join(out, packed.filename), files: packed.files, size: packed.size };
}

/** A fresh app in a folder of its own: the files of `apps/<name>`, and the tarball as its one dependency. */
export function freshApp(t, name, tarball) {
  const app = folder(t, name);
  cpSync(join(apps, name), app, { recursive: true });
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: `${name}-app`, private: true, type: 'module' }));
  // The package has no dependencies: nothing is fetched.
  npm(app, 'install', '--offline', '--no-audit', '--no-fund', tarball);
  return app;
}
