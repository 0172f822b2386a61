// `npm run bench [-- figure ...]`: the figures of the README, one JSON object on the last line. Both parts of a ratio
// are measured in one run, in one browser, against the same peer, in turn, so that a busy machine affects both alike.
//
//   sync_vs_channel            bytes/s of a full sync / bytes/s that the same stream carries with no work done
//   headers_per_second         of that sync
//   verify_headers_per_second  hash, decode, link: { wasm, native, ratio, ethereumjs, times_ethereumjs }
//   linkage                    1,000,000 headers linked natively from memory, beside bare keccak of the same bytes;
//                              linked_per_second_wasm: as many of the same in a worker; linkage_wasm_vs_native: the ratio
//   store_vs_limit             stored bytes/s / bytes/s of a bare write of the same segments
//   wasm_gz_kb                 gzip kilobytes of the wasm that ships
//   heap_mb_peak               wasm memory after a sync of 100,000 and of 1,000,000 headers
//   warm_start_ms              from `startSync` to the open store, with as many stored
//
// Called by `cargo xtask bench`, which builds first. A figure that cannot be measured is null, with a reason, and exit
// code 1.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import * as esbuild from 'esbuild';

import { openBrowser } from '../tests/e2e/support/browser.mjs';
import { Peer } from '../tests/e2e/support/peer.mjs';
import { openBare, startRun } from '../tests/e2e/support/run.mjs';
import { serve } from '../tests/e2e/support/server.mjs';
import { Scope, unpack } from './scope.mjs';

const SMALL = 100_000;
const LARGE = 1_000_000;

/** Rounds of both parts of a ratio, in turn; the median is used. */
const ROUNDS = 3;

/** Numbers of requests in flight to try on the raw channel; the fastest counts as its limit. */
const IN_FLIGHT = [2, 4, 8];

/** Headers that are verified in memory in each round. */
const VERIFY_HEADERS = 20_000;

/** Generated headers that are linked in memory, natively and in wasm: 600 MB of the 4 GB that a wasm memory may have. */
const LINKAGE_HEADERS = 1_000_000;

/** Timeout of one sync, in milliseconds. */
const SYNC_WITHIN_MS = 20 * 60_000;

const pages = fileURLToPath(new URL('bench/pages/', import.meta.url));

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Of a figure that this system does not give, `null`. */
function medianOrNull(values) {
  return values.includes(null) ? null : median(values);
}

function round(value, digits = 3) {
  return Number(value.toFixed(digits));
}

/** The environment of all measurements. */
async function prepare(scope) {
  const bundles = mkdtempSync(join(tmpdir(), 'headlight-bench-'));
  scope.after(() => rmSync(bundles, { recursive: true, force: true }));
  await esbuild.build({
    entryPoints: ['bench-page', 'part-worker', 'ethereumjs-worker'].map((name) => join(pages, `${name}.mjs`)),
    outdir: bundles,
    bundle: true,
    external: ['/bench-wasm/*'],
    format: 'esm',
    target: 'es2022',
    logLevel: 'warning',
  });
  await copyFile(join(pages, 'bench.html'), join(bundles, 'bench.html'));
  const server = await serve(scope, {
    dist: unpack(scope, process.env.HEADLIGHT_TARBALL),
    mounts: { '/bench/': bundles, '/bench-wasm/': process.env.HEADLIGHT_BENCH_WASM },
  });
  const peers = new Map();
  return {
    scope,
    server,
    browser: await openBrowser(scope),
    bundles,
    /** A peer that serves this many generated headers; started at its first use. */
    async peer(count) {
      if (!peers.has(count)) {
        const peer = new Peer(['--generate', String(count)]);
        scope.after(() => peer.discard());
        peers.set(count, peer.start());
      }
      return peers.get(count);
    },
    async parts() {
      const page = await this.browser.open(`${server.origin}/bench/bench.html`);
      await page.waitForFunction('globalThis.benchReady === true');
      return page;
    },
  };
}

/** One whole sync into a fresh store of this name. */
async function syncOnce(world, count, name) {
  const peer = await world.peer(count);
  const page = await openBare(world.browser, world.server);
  const run = await startRun(page, [peer], { storage: { name } });
  await run.synced(SYNC_WITHIN_MS);
  // From the first request to the last durable batch; the raw channel's time begins at its first request too.
  const events = await run.events();
  const asked = events.find((event) => event.type === 'state' && ['resolving-target', 'syncing'].includes(event.state));
  const ended = events.find((event) => event.type === 'synced');
  const seconds = (ended.at - asked.at) / 1_000;
  const { value: stats } = await run.call('stats');
  const { bytesReceived } = await run.progress();
  return { peer, page, run, stats, seconds, bytes: bytesReceived };
}

async function empty({ run, page }) {
  await run.call('clear');
  await run.call('stop');
  await page.close();
}

const figures = {
  async sync_vs_channel(world) {
    const peer = await world.peer(SMALL);
    const parts = await world.parts();
    const ratios = [];
    const rates = [];
    for (let turn = 0; turn < ROUNDS; turn++) {
      let channel = 0;
      for (const inFlight of IN_FLIGHT) {
        const [bytes, ms] = await parts.evaluate((args) => bench.channel(...args), [peer.multiaddr, SMALL, inFlight]);
        channel = Math.max(channel, bytes / ms / 1_000);
      }
      const sync = await syncOnce(world, SMALL, `bench-${turn}`);
      const rate = sync.bytes / sync.seconds / 1_000_000;
      note(`channel ${round(channel, 1)} MB/s, sync ${round(rate, 1)} MB/s`);
      ratios.push(rate / channel);
      rates.push(SMALL / sync.seconds);
      await empty(sync);
    }
    await parts.close();
    return { sync_vs_channel: round(median(ratios)), headers_per_second: Math.round(median(rates)) };
  },

  async verify_headers_per_second(world) {
    const peer = await world.peer(SMALL);
    const to = VERIFY_HEADERS - 1;
    const file = join(world.bundles, 'headers.rlp');
    writeFileSync(file, await peer.headers(0, to));
    const parts = await world.parts();
    const measures = { wasm: [], native: [], ethereumjs: [] };
    for (let turn = 0; turn < ROUNDS; turn++) {
      measures.wasm.push(await parts.evaluate((args) => bench.verify(...args), [peer.info.http, 0, to, ROUNDS]));
      measures.native.push(
        Number(execFileSync(process.env.HEADLIGHT_VERIFY, [file, String(ROUNDS)], { encoding: 'utf8' })),
      );
      measures.ethereumjs.push(
        await parts.evaluate((args) => bench.ethereumjs(...args), [peer.info.http, 0, Math.floor(to / 4), 1]),
      );
    }
    await parts.close();
    const [wasm, native, ethereumjs] = Object.values(measures).map((values) => Math.round(median(values)));
    return {
      verify_headers_per_second: {
        wasm,
        native,
        ratio: round(wasm / native),
        ethereumjs,
        times_ethereumjs: round(wasm / ethereumjs, 1),
      },
    };
  },

  async linkage(world) {
    const natives = [];
    const wasms = [];
    for (let turn = 0; turn < ROUNDS; turn++) {
      // Each makes the same chain; a fresh worker frees the memory of the previous one.
      natives.push(
        JSON.parse(execFileSync(process.env.HEADLIGHT_LINKAGE, [String(LINKAGE_HEADERS), '1'], { encoding: 'utf8' })),
      );
      const parts = await world.parts();
      wasms.push(await parts.evaluate((args) => bench.linkage(...args), [LINKAGE_HEADERS, 1]));
      await parts.close();
      note(`linked per second: ${natives.at(-1).linked_per_second} native, ${Math.round(wasms.at(-1))} in wasm`);
    }
    const names = Object.keys(natives[0]);
    return {
      linkage: Object.fromEntries(names.map((name) => [name, medianOrNull(natives.map((native) => native[name]))])),
      linked_per_second_wasm: Math.round(median(wasms)),
      linkage_wasm_vs_native: round(median(wasms.map((wasm, turn) => wasm / natives[turn].linked_per_second))),
    };
  },

  async store_vs_limit(world) {
    const parts = await world.parts();
    const value = await parts.evaluate(() => bench.store());
    await parts.close();
    return { store_vs_limit: round(value) };
  },

  async wasm_gz_kb() {
    return { wasm_gz_kb: Number(process.env.HEADLIGHT_WASM_GZ_KB) };
  },

  async heap_and_warm_start(world) {
    const heap = {};
    const warm = {};
    for (const count of [SMALL, LARGE]) {
      const name = `bench-heap-${count}`;
      const sync = await syncOnce(world, count, name);
      note(`${count} headers in ${round(sync.seconds, 1)} s`);
      heap[count] = round(sync.stats.wasmMemoryBytes / 1_000_000, 1);
      await sync.run.call('stop');
      await sync.page.close();
      warm[count] = round(await warmStart(world, sync.peer, name), 1);
      const page = await openBare(world.browser, world.server);
      await empty({ page, run: await startRun(page, [sync.peer], { storage: { name } }) });
    }
    return { heap_mb_peak: heap, warm_start_ms: warm };
  },
};

/** Milliseconds from `startSync` to the open store, in a fresh page; the median of some. */
async function warmStart(world, peer, name) {
  const times = [];
  for (let turn = 0; turn < 5; turn++) {
    const page = await openBare(world.browser, world.server);
    const run = await startRun(page, [peer], { storage: { name } });
    times.push((await run.call('stats')).value.openMs);
    await run.call('stop');
    await page.close();
  }
  return median(times);
}

function note(line) {
  console.error(`headlight: ${line}`);
}

async function main(wanted) {
  const unknown = wanted.find((name) => !(name in figures));
  if (unknown !== undefined) {
    console.error(`headlight: there is no figure ${unknown}; there are ${Object.keys(figures).join(', ')}`);
    return 2;
  }
  const scope = new Scope();
  const result = {};
  let code = 0;
  try {
    const world = await prepare(scope);
    for (const [name, measure] of Object.entries(figures)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      try {
        const begin = performance.now();
        Object.assign(result, await measure(world));
        note(`${name} took ${round((performance.now() - begin) / 1_000, 1)} s`);
      } catch (error) {
        note(`${name}: ${error.message}`);
        result[name] = null;
        code = 1;
      }
    }
  } finally {
    await scope.end();
  }
  console.log(JSON.stringify(result));
  return code;
}

process.exit(await main(process.argv.slice(2)));
