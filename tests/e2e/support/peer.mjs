// A real `header-peer` as a child process: started, queried, killed, restarted at the same address.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { within } from './deadline.mjs';
import { headerPeer, root } from './paths.mjs';

/** A peer opens its source (checks every file of it) and generates keys before it listens; milliseconds. */
const READY_WITHIN_MS = 60_000;

/** From SIGTERM to a clean end; milliseconds. */
const END_WITHIN_MS = 10_000;

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

/** One peer; make it with {@link startPeer}. */
export class Peer {
  #args;
  #dataDir;
  #ownsDataDir;
  #child;
  #ended;
  #ip = '127.0.0.1';
  #log = '';
  #udp = 0;
  #tcp = 0;

  constructor(args, dataDir) {
    this.#args = [...args];
    const listen = this.#args.indexOf('--listen');
    if (listen !== -1) {
      const [, address] = this.#args.splice(listen, 2);
      const port = address.lastIndexOf(':');
      this.#ip = address.slice(0, port);
      this.#udp = Number(address.slice(port + 1));
    }
    this.#ownsDataDir = dataDir === undefined;
    this.#dataDir = dataDir ?? mkdtempSync(join(tmpdir(), 'headlight-peer-'));
  }

  /**
   * The JSON of its start message: multiaddr, multiaddrs, http, chainId, genesis, forks, earliest, latest, latestHash.
   */
  info;

  get multiaddr() {
    return this.info.multiaddr;
  }

  /** All its addresses: one for each interface where it listens on an unspecified address (`--listen 0.0.0.0:0`). */
  get multiaddrs() {
    return this.info.multiaddrs;
  }

  /** Its libp2p peer id. */
  get id() {
    return this.multiaddr.split('/p2p/')[1];
  }

  /** Number of headers that the peer serves. */
  get count() {
    return this.info.latest - this.info.earliest + 1;
  }

  /** Starts it; a restart uses the ports, the key and the certificate of the first start. */
  async start() {
    const args = [
      'serve',
      ...this.#args,
      ...['--listen', `${this.#ip}:${this.#udp}`],
      ...['--http', `127.0.0.1:${this.#tcp}`],
      ...['--data-dir', this.#dataDir, '--ready-json'],
    ];
    const child = spawn(headerPeer, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    this.#child = child;
    this.#log = '';
    child.stderr.on('data', (chunk) => (this.#log = (this.#log + chunk).slice(-4_000)));
    this.#ended = once(child, 'exit').finally(() => running.delete(child));
    const lines = createInterface({ input: child.stdout });
    const ready = (async () => {
      for await (const line of lines) {
        if (line.startsWith('{')) return JSON.parse(line);
      }
      throw new Error(`header-peer ${args.join(' ')} ended before it listened:\n${this.#log}`);
    })();
    this.info = await within(READY_WITHIN_MS, 'header-peer ready', ready);
    // Keep reading, so that a full pipe does not block the peer.
    child.stdout.resume();
    this.#udp = Number(this.info.multiaddr.split('/udp/')[1].split('/')[0]);
    this.#tcp = Number(new URL(this.info.http).port);
    return this;
  }

  /** Flags of `header-peer serve` with which it is started the next time. */
  serveFromNowOn(...args) {
    this.#args = args.map(String);
  }

  /** The end of its standard error. */
  get log() {
    return this.#log;
  }

  /** Waits until standard error has a line like this. */
  async logged(pattern, ms = 10_000) {
    while (!pattern.test(this.#log)) {
      await within(ms, `header-peer writes ${pattern}`, once(this.#child.stderr, 'data'));
    }
  }

  /** Kills it, like a crash or a power cut. */
  async kill() {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** Ends it as Ctrl-C does, and returns its exit code. */
  async stop() {
    this.#child.kill('SIGTERM');
    const [code] = await within(END_WITHIN_MS, 'header-peer ends', this.#ended);
    this.#discard();
    return code;
  }

  /** Ends it in any state, and removes its files. For the end of a test. */
  async discard() {
    if (running.has(this.#child)) await this.kill();
    this.#discard();
  }

  #discard() {
    if (this.#ownsDataDir) rmSync(this.#dataDir, { recursive: true, force: true });
  }

  async #get(path) {
    const response = await fetch(new URL(path, this.info.http));
    if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
    return response;
  }

  /** `{ connections, requests, headersServed, bytesServed }` since it was started. */
  async stats() {
    return (await this.#get('/stats.json')).json();
  }

  /** `/peers.json`. */
  async list() {
    return (await this.#get('/peers.json')).json();
  }

  /** Concatenated RLP of headers, rising, from its source. */
  async headers(from, to) {
    return new Uint8Array(await (await this.#get(`/headers.bin?from=${from}&to=${to}`)).arrayBuffer());
  }
}

/**
 * Starts a peer with these flags of `header-peer serve` (`--listen` too: otherwise it listens on 127.0.0.1); it is discarded when the
 * test `t` ends.
 */
export async function startPeer(t, ...args) {
  const peer = new Peer(args.map(String));
  t?.after(() => peer.discard());
  return peer.start();
}

/** From the end of a page to the end of its connections at the peer; milliseconds. */
const GONE_WITHIN_MS = 60_000;

/** Waits until the peer has no connections; its counters then stay the same. */
export async function connectionsGone(peer) {
  const begin = Date.now();
  let stats = await peer.stats();
  while (stats.connections > 0) {
    if (Date.now() - begin > GONE_WITHIN_MS) throw new Error(`still connected: ${JSON.stringify(stats)}`);
    // The peer prints its counters only on request.
    await new Promise((resolve) => setTimeout(resolve, 100));
    stats = await peer.stats();
  }
  return stats;
}
