// Paths that the tests use, some of which may be absent.

import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's root. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

/** Real chains for tests; not part of the project. */
export const dataFolder = resolve(root, process.env.HEADLIGHT_DATA ?? '../shared/data');

/** The native peer, as `npm run build` leaves it. */
export const headerPeer = process.env.HEADLIGHT_PEER ?? join(root, 'target/release/header-peer');

/** The relay that stands for a network, as `npm test` builds it. */
export const linkRelay = process.env.HEADLIGHT_RELAY ?? join(root, 'target/release/link-relay');

/** The browser. */
export const chromium =
  process.env.CHROMIUM ??
  ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((file) => existsSync(file)) ??
  '/usr/bin/chromium';

/**
 * For tests that need a real chain: `{ skip }` with the reason when the files are not there, `{}` otherwise.
 * `prefix` picks files of one network from a folder of the data.
 */
export function needsData(folder, prefix = '') {
  const path = join(dataFolder, folder);
  const there = existsSync(path) && readdirSync(path).some((name) => name.startsWith(prefix));
  return there
    ? {}
    : { skip: `no ${prefix}* in ${path}: put real chains there, or name their folder in HEADLIGHT_DATA` };
}

/** Files of one network in a folder of the data, in the order of their names. */
export function dataFiles(folder, prefix) {
  const path = join(dataFolder, folder);
  return readdirSync(path)
    .filter((name) => name.startsWith(prefix))
    .sort()
    .map((name) => join(path, name));
}
