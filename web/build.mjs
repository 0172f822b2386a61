/**
 * Builds the npm package into `dist/` and the demo page into `dist-demo/`.
 *
 *   node web/build.mjs [--wasm DIR] [--skip-types]
 *
 * Takes the wasm as wasm-bindgen left it (`headlight.js`, `headlight_bg.wasm`; `cargo xtask build` makes it in
 * `target/wasm-pkg`). Without it there is no package: the build says so and ends with code 2.
 *
 * `dist/index.js` and `dist/worker.js` are one bundle each; the wasm and its glue lie beside them as files, so that a
 * browser compiles while it downloads and a bundler finds them through `new URL`. The demo page uses the very same
 * files, copied to `dist-demo/headlight/`: what the page shows is the package at work.
 */

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as esbuild from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (...parts) => join(root, ...parts);
const { values: flags } = parseArgs({
  options: {
    wasm: { type: 'string', default: at('target', 'wasm-pkg') },
    'skip-types': { type: 'boolean', default: false },
  },
});

/** What the worker imports at run time; never bundled. */
const WASM_FILES = ['headlight.js', 'headlight_bg.wasm'];
const TARGET = 'es2022';

/** In the demo, `import … from 'headlight'` becomes an import of the package's own file beside the page. */
const packageByPath = {
  name: 'package-by-path',
  setup(build) {
    build.onResolve({ filter: /^headlight$/ }, () => ({ path: './headlight/index.js', external: true }));
  },
};

for (const file of WASM_FILES) {
  if (existsSync(join(flags.wasm, file))) continue;
  console.error(`web build: ${join(flags.wasm, file)} is missing; run \`npm run build\`, which makes the wasm first`);
  process.exit(2);
}

await buildPackage(at('dist'));
await buildDemo(at('dist-demo'));

async function buildPackage(out) {
  rmSync(out, { recursive: true, force: true });
  await esbuild.build({
    entryPoints: [at('web/src/index.ts'), at('web/src/worker.ts')],
    outdir: out,
    bundle: true,
    external: ['./wasm/headlight.js'],
    format: 'esm',
    target: TARGET,
    sourcemap: true,
    logLevel: 'warning',
  });
  mkdirSync(join(out, 'wasm'));
  for (const file of WASM_FILES) cpSync(join(flags.wasm, file), join(out, 'wasm', file));
  if (flags['skip-types']) return;
  const tsc = at('node_modules/typescript/bin/tsc');
  const args = ['-p', at('web'), '--declaration', '--emitDeclarationOnly', '--stripInternal', '--outDir', out];
  execFileSync(process.execPath, [tsc, ...args], { stdio: 'inherit' });
}

async function buildDemo(out) {
  rmSync(out, { recursive: true, force: true });
  await esbuild.build({
    entryPoints: [at('web/demo/main.ts'), at('web/demo/style.css')],
    outdir: out,
    bundle: true,
    minify: true,
    // The chart's library is a file of its own, which the page can do without.
    splitting: true,
    sourcemap: true,
    format: 'esm',
    target: TARGET,
    logLevel: 'warning',
    plugins: [packageByPath],
  });
  cpSync(at('web/demo/index.html'), join(out, 'index.html'));
  cpSync(at('web/demo/icon.svg'), join(out, 'icon.svg'));
  // As it is: it must run in browsers that cannot read the rest.
  cpSync(at('web/demo/guard.js'), join(out, 'guard.js'));
  cpSync(at('dist'), join(out, 'headlight'), { recursive: true, filter: (path) => !path.endsWith('.d.ts') });
}
