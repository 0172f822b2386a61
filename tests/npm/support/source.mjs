// The package's own modules, one by one, as Node can import them: for tests of what needs no browser.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { build } from 'esbuild';

import { root } from '../../e2e/support/paths.mjs';

/** Everything that these modules of `web/src` export, from one bundle: they share one `HeadlightError`. */
export async function importSource(...names) {
  const folder = mkdtempSync(join(tmpdir(), 'headlight-source-'));
  const outfile = join(folder, 'source.mjs');
  const contents = names.map((name) => `export * from './${name}.ts';`).join('\n');
  try {
    await build({
      stdin: { contents, resolveDir: join(root, 'web/src'), loader: 'ts' },
      bundle: true,
      format: 'esm',
      target: 'node20',
      outfile,
      logLevel: 'warning',
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
