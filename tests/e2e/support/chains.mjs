// Sources of headers for tests: flags of `header-peer serve`.

import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { dataFiles } from './paths.mjs';

/** The era1 files of one network, in a folder of their own. */
export function era1(t, network) {
  const folder = mkdtempSync(join(tmpdir(), `headlight-${network}-`));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const file of dataFiles('era1', `${network}-`)) symlinkSync(file, join(folder, basename(file)));
  return ['--era1', folder];
}

/** The embedded chain, the same for every peer of a test. */
export function generated(count, seed = 7) {
  return ['--generate', String(count), '--seed', String(seed)];
}
