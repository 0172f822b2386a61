// What a script must undo when it ends, in the reverse order; and the package as npm would install it.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Stands where a test has its `t`: what was opened is closed at the end. */
export class Scope {
  #undo = [];

  /** Called at the end, the latest first. */
  after(undo) {
    this.#undo.unshift(undo);
  }

  /** Undoes everything. One that fails does not keep the others from it. */
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
