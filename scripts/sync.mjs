// `npm run sync`: one sync from the command line. Starts the peers, syncs their headers through the packed package in a
// headless browser, reads the whole store back, compares it with the source header by header, and prints one JSON line:
//
//   { "ok", "headers", "first", "tip": { "number", "hash" }, "seconds", "bytes", "faults", "mismatches" }
//
// headers: read back from the store; first: lowest number; seconds: from `startSync` to `synced`; bytes: of headers
// received; faults: of peers, as reported by the package; mismatches: headers that differ from the source, or are
// missing. Exit code 0 when `ok`, 1 when anything differs or the sync does not end in time, 2 for wrong arguments.
//
// Called by `cargo xtask sync`, which builds and packs first (CHROMIUM, HEADLIGHT_PEER, HEADLIGHT_TARBALL).

import { openBrowser } from '../tests/e2e/support/browser.mjs';
import { Peer } from '../tests/e2e/support/peer.mjs';
import { openBare, startRun } from '../tests/e2e/support/run.mjs';
import { serve } from '../tests/e2e/support/server.mjs';
import { Scope, unpack } from './scope.mjs';
import { numberOf, readSource } from './source.mjs';

/** Most peers of one sync. */
const PEERS_MAX = 16;

/** Headers to look up by hash, besides reading all of them. */
const LOOKUPS_MAX = 20_000;

/** Invalid arguments or files: exit code 2. */
class Unusable extends Error {}

/** Splits our own flags from those of `header-peer serve`. */
function parse(args) {
  const own = {};
  const source = [];
  for (let at = 0; at < args.length; at++) {
    const [flag, inline] = args[at].split(/=(.*)/s);
    if (flag !== '--peers' && flag !== '--fault') {
      source.push(args[at]);
      continue;
    }
    const value = inline ?? args[++at];
    if (value === undefined) throw new Unusable(`${flag} needs a value`);
    own[flag.slice(2)] = value;
  }
  const peers = Number(own.peers ?? (own.fault === undefined ? 1 : 2));
  if (!Number.isInteger(peers) || peers < 1 || peers > PEERS_MAX) {
    throw new Unusable(`--peers takes 1 to ${PEERS_MAX}, got ${own.peers}`);
  }
  return { peers, fault: own.fault, source };
}

/**
 * Timeout of a sync of this many headers, in milliseconds; less than a thousand a second is a bug, not a slow machine.
 */
function deadline(headers, fault) {
  return (120_000 + headers) * (fault === undefined ? 1 : 3);
}

async function start(scope, args) {
  const peer = new Peer(args);
  scope.after(() => peer.discard());
  try {
    return await peer.start();
  } catch (error) {
    // The peer prints the reason, an invalid argument or file.
    throw new Unusable(error.message.split('\n').filter(Boolean).at(-1));
  }
}

/** A sync cannot continue when every peer is banned for longer than this script waits. */
const HOPELESS = `progress.state === 'stalled' && progress.peers.length > 0 && progress.peers.every((peer) => peer.state === 'banned')`;

/** Waits for the end of the sync: the head, or `undefined` if it did not complete. */
async function ended(run, ms) {
  try {
    const { state, stall } = await run.until(`progress.state === 'synced' || (${HOPELESS})`, ms);
    if (state === 'synced') return await run.synced(ms);
    console.error(`headlight: the sync cannot complete: ${stall.message}`);
  } catch (error) {
    console.error(`headlight: ${error.message}`);
  }
  return undefined;
}

/**
 * The reference for the store: the file itself, read without any code of the peer, or for the generated chain the
 * responses of the honest peer. `blobs` serves it to the page; `info` describes it.
 */
function sourceOf(args, reference) {
  const { earliest, latest, latestHash, http } = reference.info;
  const headers = readSource(args);
  if (headers === undefined) return { info: { earliest, latest, latestHash, http }, blobs: {} };
  const first = numberOf(headers[0]);
  const gap = headers.findIndex((header, index) => numberOf(header) !== first + index);
  if (gap !== -1)
    throw new Unusable(
      `the source is no single chain: number ${numberOf(headers[gap])} comes after ${first + gap - 1}`,
    );
  const slice = (query) =>
    Buffer.concat(headers.slice(Number(query.get('from')) - first, Number(query.get('to')) - first + 1));
  return {
    info: { earliest: first, latest: first + headers.length - 1, latestHash, http: '/source' },
    blobs: { '/source/headers.bin': slice },
  };
}

async function sync(scope, { peers: count, fault, source }) {
  // The first peer is honest and is the reference for the store. If the only peer is malicious, the first one is not
  // dialled.
  const reference = await start(scope, source);
  const malicious = fault === undefined ? [] : [await start(scope, [...source, '--fault', fault])];
  const honest = count - malicious.length;
  const peers = honest > 0 ? [reference, ...malicious] : malicious;
  while (peers.length < count) peers.push(await start(scope, source));

  const { chainId, genesis } = reference.info;
  const { info, blobs } = sourceOf(source, reference);
  const { earliest, latest, latestHash } = info;
  const server = await serve(scope, { dist: unpack(scope, process.env.HEADLIGHT_TARBALL), blobs });
  const browser = await openBrowser(scope);
  const page = await openBare(browser, server);
  const report = { ok: false, headers: 0, first: earliest, tip: null, seconds: 0, bytes: 0, faults: 0, mismatches: 0 };

  const begin = performance.now();
  const run = await startRun(page, peers, {
    chain: { id: chainId, genesis },
    // A file may start at any block; the sync is complete when all of the file is stored.
    tuning: { floor: earliest },
    // With a malicious peer among few peers no tip has a trustworthy quorum: the honest source's tip is pinned.
    ...(fault === undefined ? {} : { target: latestHash }),
  });
  const synced = await ended(run, deadline(reference.count, fault));
  report.tip = synced ?? null;
  report.seconds = Math.round(performance.now() - begin) / 1_000;
  report.bytes = (await run.progress()).bytesReceived;
  const faults = await run.events('fault');
  report.faults = faults.length;
  for (const { peer, code, message } of faults.slice(0, 20))
    console.error(`headlight: fault of ${peer}: ${code}: ${message}`);
  const accused = faults.filter((event) => peers.some((peer) => peer.id === event.peer && !malicious.includes(peer)));
  if (accused.length > 0) console.error('headlight: an honest peer was penalised');

  const stored = await page.evaluate(
    ([name, info, options]) => bare.compare(name, info, options),
    [run.name, info, { byHashStep: Math.ceil(reference.count / LOOKUPS_MAX) }],
  );
  report.headers = stored.headers;
  report.mismatches = stored.count;
  stored.mismatches.forEach((line) => console.error(`headlight: ${line}`));
  page.problems.forEach((line) => console.error(`headlight: console of the page: ${line}`));
  report.ok =
    synced !== undefined &&
    stored.count === 0 &&
    stored.headers === latest - earliest + 1 &&
    report.tip.number === latest &&
    report.tip.hash === latestHash &&
    accused.length === 0;
  return report;
}

async function main(args) {
  const scope = new Scope();
  try {
    const report = await sync(scope, parse(args));
    console.log(JSON.stringify(report));
    return report.ok ? 0 : 1;
  } catch (error) {
    console.error(`headlight: ${error.message}`);
    return error instanceof Unusable ? 2 : 1;
  } finally {
    await scope.end();
  }
}

process.exit(await main(process.argv.slice(2)));
