// Cleanup of a script, in reverse order; and the package as npm would install it.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Has the role of a test's `t`: closes at the end what was opened. */
export class Scope {
  #undo = [];

  /** Registers a cleanup; the latest runs first. */
  after(undo) {
    this.#undo.unshift(undo);
  }

  /** Runs all cleanups. A failed one does not stop the others. */
  async end() {
    for (const undo of this.#undo.splice(0)) {
      try {
        await undo();
      } catch (error) {
        console.error(`headlight: at the end: ${error.message}`);
      }
    }
  }
}

/** Unpacks the tarball into a folder of the scope; returns the package's `dist/`. */
export function unpack(scope, tarball) {
  const folder = mkdtempSync(join(tmpdir(), 'headlight-package-'));
  scope.after(() => rmSync(folder, { recursive: true, force: true }));
  execFileSync('tar', ['-xzf', tarball, '-C', folder]);
  return join(folder, 'package/dist');
}
