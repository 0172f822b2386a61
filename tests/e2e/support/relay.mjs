// A network between the browser and its peers: a `link-relay` as a child process. The browser dials the relay's address
// with the peer's own certificate hash and identity; the peer sees the relay.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { within } from './deadline.mjs';
import { linkRelay, root } from './paths.mjs';

/** Timeout of a response of the relay; milliseconds. */
const SAYS_WITHIN_MS = 10_000;

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** One relay in front of some peers; make it with {@link startRelay}. */
export class Relay {
  #child;
  #ended;
  #lines;

  /** The peers, in order, as the browser reaches them: `{ info, id, count, multiaddr }`. */
  peers;

  /** Starts a relay with these figures in front of these peers. */
  async start(peers, link) {
    const flags = Object.entries(link).map(
      ([name, value]) => `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}=${value}`,
    );
    const targets = peers.map((peer) => `--target=${udpAddress(peer.multiaddr)}`);
    const child = spawn(linkRelay, [...targets, ...flags], { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
    running.add(child);
    this.#child = child;
    this.#ended = once(child, 'exit').finally(() => running.delete(child));
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { addresses } = await this.#says();
    this.peers = peers.map((peer, index) => {
      const [, port] = addresses[index].split(':');
      const multiaddr = peer.multiaddr.replace(/\/udp\/\d+\//, `/udp/${port}/`);
      return { info: peer.info, id: peer.id, count: peer.count, multiaddr };
    });
    return this;
  }

  async #says() {
    const { value } = await within(SAYS_WITHIN_MS, 'a line of the relay', this.#lines.next());
    if (value === undefined) throw new Error('the relay ended');
    return JSON.parse(value);
  }

  /** The counters so far: `{ up, down, flows, socketDrops, receiveBufferBytes }`. */
  async counters() {
    this.#child.stdin.write('counters\n');
    return this.#says();
  }

  /** Nothing arrives for this many milliseconds, either way; then everything does, in order. */
  hold(ms) {
    this.#child.stdin.write(`hold ${ms}\n`);
  }

  async stop() {
    if (!running.has(this.#child)) return;
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

/** `127.0.0.1:4001` of `/ip4/127.0.0.1/udp/4001/...`. */
function udpAddress(multiaddr) {
  const [, , ip, , port] = multiaddr.split('/');
  return `${ip}:${port}`;
}

/**
 * Starts a relay in front of these peers: one link for all of them. `link` are the figures of `link-relay`, each way:
 * `delayMs`, `jitterMs`, `rateMbit`, `queueBytes`, `loss`, `burst`, `seed`. It ends with the test `t`.
 */
export async function startRelay(t, peers, link = {}) {
  const relay = new Relay();
  t?.after(() => relay.stop());
  return relay.start(peers, link);
}
