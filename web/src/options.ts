/**
 * Checks the options of `startSync`. A wrong type or size gives one typed error that names the option. The worker
 * checks the rest (for example whether a multiaddress parses).
 *
 * @module
 */

import { badOption, describe, HeadlightError } from './errors.js';
import type { StartOptions } from './messages.js';
import type { ChainName, CustomChain, Hash, SyncOptions, SyncTuning } from './types.js';

/** EIP-155 ids of the named networks. */
export const CHAIN_IDS: Readonly<Record<ChainName, number>> = {
  mainnet: 1,
  sepolia: 11_155_111,
  holesky: 17_000,
  hoodi: 560_048,
};

/** Most multiaddresses in one list: the size of the worker's address book. */
export const PEERS_MAX = 256;

/** Longest multiaddress, in characters; usual ones have about 200. */
export const MULTIADDR_CHARACTERS_MAX = 1_024;

/** Longest name of a database, in characters. */
const STORAGE_NAME_CHARACTERS_MAX = 128;

/** The checked options; `peersUrl` is resolved against the page. */
export interface CheckedOptions {
  start: StartOptions;
  peersUrl: URL | undefined;
  onProgress: SyncOptions['onProgress'];
  worker: SyncOptions['worker'];
}

/** Throws `bad-option` for the first invalid option. */
export function checkOptions(options: SyncOptions): CheckedOptions {
  if (!isObject(options)) throw badOption('options', 'an object', options);
  try {
    return readOptions(options);
  } catch (error) {
    if (error instanceof HeadlightError) throw error;
    // A getter or a proxy of the page threw.
    const message = `the options cannot be read: ${describe(error)}`;
    throw new HeadlightError('bad-option', message, { option: 'options' }, { cause: error });
  }
}

function readOptions(options: SyncOptions): CheckedOptions {
  const start: StartOptions = {
    chain: checkChain(options.chain),
    peers: checkPeers('peers', options.peers ?? []),
    listedPeers: [],
    storage: checkStorage(options.storage),
    tuning: checkTuning(options.tuning),
  };
  if (options.forks !== undefined) start.forks = checkForks(options.forks);
  if (options.target !== undefined) start.target = checkHash('target', options.target);
  const peersUrl = options.peersUrl === undefined ? undefined : checkUrl(options.peersUrl);
  if (start.peers.length === 0 && peersUrl === undefined) {
    throw badOption('peers', 'a list with at least one multiaddress, unless peersUrl is given', options.peers);
  }
  const { onProgress, worker } = options;
  for (const [name, value] of Object.entries({ onProgress, worker })) {
    if (value !== undefined && typeof value !== 'function') throw badOption(name, 'a function', value);
  }
  return { start, peersUrl, onProgress, worker };
}

function checkChain(chain: unknown): CustomChain {
  if (typeof chain === 'string' && Object.hasOwn(CHAIN_IDS, chain)) return { id: CHAIN_IDS[chain as ChainName] };
  const names = Object.keys(CHAIN_IDS).join(', ');
  if (!isObject(chain)) throw badOption('chain', `one of ${names}, or { id, genesis? }`, chain);
  const checked: CustomChain = { id: checkCount('chain.id', chain.id) };
  if (chain.genesis !== undefined) checked.genesis = checkHash('chain.genesis', chain.genesis);
  return checked;
}

/** Longest fork schedule, in characters of JSON. The worker has the same limit. */
export const FORKS_CHARACTERS_MAX = 16 * 1_024;

/** JSON text of a fork schedule. The worker parses and checks it. */
function checkForks(forks: unknown): string {
  let text: string | undefined;
  try {
    const exact = (_key: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);
    if (isObject(forks) && !Array.isArray(forks)) text = JSON.stringify(forks, exact);
  } catch {
    // A cycle, or a getter that throws.
  }
  if (text === undefined) throw badOption('forks', 'an object that can be written as JSON', forks);
  if (text.length > FORKS_CHARACTERS_MAX) {
    throw badOption('forks', `at most ${FORKS_CHARACTERS_MAX} characters of JSON`, text.length);
  }
  return text;
}

/** Checks a list of multiaddresses, from the options or from the network. */
export function checkPeers(option: string, peers: unknown): string[] {
  if (!Array.isArray(peers)) throw badOption(option, 'a list of multiaddresses', peers);
  if (peers.length > PEERS_MAX) throw badOption(option, `a list of at most ${PEERS_MAX}`, peers.length);
  return peers.map((peer, index) => checkMultiaddr(`${option}[${index}]`, peer));
}

/** Checks the type and length of a multiaddress; the worker parses it. */
export function checkMultiaddr(option: string, multiaddr: unknown): string {
  if (typeof multiaddr !== 'string') throw badOption(option, 'a multiaddress (a string)', multiaddr);
  if (multiaddr.length > MULTIADDR_CHARACTERS_MAX) {
    throw badOption(option, `a multiaddress of at most ${MULTIADDR_CHARACTERS_MAX} characters`, multiaddr);
  }
  return multiaddr;
}

function checkStorage(storage: unknown): StartOptions['storage'] {
  if (storage === undefined) return {};
  if (!isObject(storage)) throw badOption('storage', 'an object', storage);
  const { name } = storage;
  if (name === undefined) return {};
  if (typeof name !== 'string' || name === '' || name.length > STORAGE_NAME_CHARACTERS_MAX) {
    throw badOption('storage.name', `a string of 1 to ${STORAGE_NAME_CHARACTERS_MAX} characters`, name);
  }
  return { name };
}

/** Longest timer of a browser, in milliseconds: a longer one fires at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * Minimum and maximum of every number in {@link SyncTuning}, both included. The worker checks the same (`options.rs`).
 */
export const TUNING_BOUNDS = {
  // The worker keeps at most this many connections, and a tip needs as many connected peers.
  tipQuorum: [1, 16],
  // No chain comes near 2^48 blocks; higher numbers are invalid.
  floor: [0, 2 ** 48 - 1],
  seed: [0, Number.MAX_SAFE_INTEGER],
  // A response of 48 KiB takes this long on a local network.
  requestTimeoutMs: [100, TIMER_MS_MAX],
  // From ten requests of 48 KiB to a quarter of what wasm can address.
  memoryBytesMax: [512 * 1024, 1024 * 1024 * 1024],
  stallMs: [100, TIMER_MS_MAX],
  // ICE, DTLS and Noise take this long with a peer on the same machine.
  dialTimeoutMs: [500, TIMER_MS_MAX],
  recordingBytesMax: [0, 256 * 1024 * 1024],
} as const satisfies Readonly<Record<Exclude<keyof SyncTuning, 'audit'>, readonly [min: number, max: number]>>;

function checkTuning(tuning: unknown): SyncTuning {
  if (tuning === undefined) return {};
  if (!isObject(tuning)) throw badOption('tuning', 'an object', tuning);
  const checked: SyncTuning = {};
  for (const [name, [min, max]] of Object.entries(TUNING_BOUNDS)) {
    const value = tuning[name];
    if (value === undefined) continue;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
      throw badOption(`tuning.${name}`, `a whole number from ${min} to ${max}`, value);
    }
    checked[name as keyof typeof TUNING_BOUNDS] = value;
  }
  if (tuning.audit !== undefined) {
    if (typeof tuning.audit !== 'boolean') throw badOption('tuning.audit', 'true or false', tuning.audit);
    checked.audit = tuning.audit;
  }
  return checked;
}

function checkUrl(url: unknown): URL {
  const text = url instanceof URL ? url.href : url;
  const parsed = typeof text === 'string' ? parseUrl(text, globalThis.document?.baseURI) : undefined;
  if (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') return parsed;
  throw badOption('peersUrl', 'an http or https address', text);
}

/** `URL.canParse` needs Chrome 120 or Safari 17; the constructor works everywhere. */
function parseUrl(text: string, base: string | undefined): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

/** Checks an integer from 0 on that a JavaScript number holds exactly. */
export function checkCount(option: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw badOption(option, 'a whole number from 0 on', value);
}

/** Checks 32 bytes in hex; returns lower case. */
export function checkHash(option: string, value: unknown): Hash {
  if (isHash(value)) return value.toLowerCase() as Hash;
  throw badOption(option, 'a hash (0x and 64 hex digits)', value);
}

export function isHash(value: unknown): value is Hash {
  return typeof value === 'string' && /^0x[0-9a-f]{64}$/i.test(value);
}

/** Is `value` an object with readable fields? */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
