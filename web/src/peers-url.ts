/**
 * Fetches a peer list (`header-peer` serves it at `/peers.json`) and compares its chain with the options.
 *
 * The list is a hint and is not trusted: a malicious list can only name useless peers, which then shows as a stall.
 * Size, time and types are bounded. Unusable entries are skipped.
 *
 * @module
 */

import { describe, HeadlightError, SHOWN_CHARACTERS_MAX, shorten } from './errors.js';
import { isHash, isObject, MULTIADDR_CHARACTERS_MAX, PEERS_MAX } from './options.js';
import type { CustomChain, Hash } from './types.js';

/** Timeout of the request, in milliseconds. */
export const PEERS_URL_TIMEOUT_MS = 10_000;

/** Longest list, in characters: `PEERS_MAX` multiaddresses of 400 characters (twice their usual length), and some spare. */
export const PEERS_URL_CHARACTERS_MAX = 128 * 1_024;

/**
 * Most entries of a list that are read: four times the size of the worker's address book, so that unusable entries at
 * the front do not hide the usable ones behind them. The worker accepts as many in one message.
 */
export const LISTED_PEERS_MAX = 4 * PEERS_MAX;

/** A list may serve other clients too: addresses of other transports are skipped. */
const DIALABLE = /\/webrtc-direct(\/|$)/;

/** Genesis hash in the list of a peer that does not know its genesis. */
const GENESIS_UNKNOWN = `0x${'0'.repeat(64)}`;

/** A peer list. Only `peers` is required; the other fields are compared if present. */
export interface PeerList {
  /** Strings that may be multiaddresses, without duplicates; the worker parses them. */
  peers: string[];
  chainId?: number;
  genesis?: Hash;
}

/** An entry of a list that cannot be used. */
export interface SkippedEntry {
  /** The entry; shortened if it is not a multiaddress. */
  multiaddr: string;
  /** Reason. */
  reason: string;
}

/**
 * Reads the list at `url`. Rejects with `no-peers-url` if it does not come in time, is not a peer list, or has no entry
 * that a browser can dial. Calls `onSkipped` for each entry that is skipped.
 */
export async function fetchPeerList(url: URL, onSkipped: (entry: SkippedEntry) => void = () => {}): Promise<PeerList> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), PEERS_URL_TIMEOUT_MS);
  let text: string;
  try {
    const response = await fetch(url, { signal: deadline.signal, headers: { accept: 'application/json' } });
    if (!response.ok) throw unusable(url, `failed with HTTP status ${response.status}`, response.status);
    text = await readBounded(response, url);
  } catch (error) {
    if (error instanceof HeadlightError) throw error;
    const late = `did not respond within ${PEERS_URL_TIMEOUT_MS / 1_000} s`;
    const why = deadline.signal.aborted ? late : `cannot be fetched (${describe(error)})`;
    throw unusable(url, why, undefined, error);
  } finally {
    clearTimeout(timer);
  }
  return parsePeerList(url, text, onSkipped);
}

/** Throws `wrong-chain` if the list names another chain than the options. */
export function assertSameChain(list: PeerList, chain: CustomChain): void {
  if (list.chainId !== undefined && list.chainId !== 0 && list.chainId !== chain.id) {
    throw wrongChain('chain id', String(list.chainId), String(chain.id));
  }
  if (list.genesis !== undefined && chain.genesis !== undefined && list.genesis !== chain.genesis) {
    throw wrongChain('genesis', list.genesis, chain.genesis);
  }
}

function wrongChain(what: string, got: string, expected: string): HeadlightError {
  const message = `the peer list is for a chain with ${what} ${got}, expected ${expected}`;
  return new HeadlightError('wrong-chain', message, { got, expected });
}

function parsePeerList(url: URL, text: string, onSkipped: (entry: SkippedEntry) => void): PeerList {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unusable(url, 'is not JSON', undefined, error);
  }
  if (!isObject(value)) throw unusable(url, 'is not a JSON object');
  if (!Array.isArray(value.peers)) throw unusable(url, 'is not a peer list: "peers" is not an array');
  const list: PeerList = { peers: usableEntries(value.peers, onSkipped) };
  if (list.peers.length === 0) throw unusable(url, 'names no peer that a browser can dial (…/webrtc-direct/…)');
  // An id beyond 2^53 was rounded by the JSON parser. No chain here has such an id, so the comparison fails as it
  // should.
  if (Number.isInteger(value.chainId)) list.chainId = value.chainId as number;
  if (isHash(value.genesis)) {
    const genesis = value.genesis.toLowerCase() as Hash;
    if (genesis !== GENESIS_UNKNOWN) list.genesis = genesis;
  }
  return list;
}

function usableEntries(entries: unknown[], onSkipped: (entry: SkippedEntry) => void): string[] {
  const usable = new Set<string>();
  for (const entry of entries.slice(0, LISTED_PEERS_MAX)) {
    const reason = whyUnusable(entry);
    if (reason === undefined) usable.add(entry as string);
    else onSkipped({ multiaddr: shown(entry), reason });
  }
  const unread = entries.length - LISTED_PEERS_MAX;
  if (unread > 0) {
    onSkipped({
      multiaddr: '…',
      reason: `the list is longer than ${LISTED_PEERS_MAX} entries: ${unread} were not read`,
    });
  }
  return [...usable];
}

function shown(entry: unknown): string {
  if (typeof entry !== 'string') return shorten(entry);
  return entry.length <= MULTIADDR_CHARACTERS_MAX ? entry : `${entry.slice(0, SHOWN_CHARACTERS_MAX)}…`;
}

function whyUnusable(entry: unknown): string | undefined {
  if (typeof entry !== 'string') return 'not a multiaddress (a string)';
  if (entry.length > MULTIADDR_CHARACTERS_MAX) return `longer than ${MULTIADDR_CHARACTERS_MAX} characters`;
  if (!DIALABLE.test(entry)) return 'not a WebRTC-direct address: a browser cannot dial it';
  return undefined;
}

/** The body as text; stops at the limit. */
async function readBounded(response: Response, url: URL): Promise<string> {
  if (response.body === null) return '';
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += value;
    if (text.length > PEERS_URL_CHARACTERS_MAX) {
      await reader.cancel();
      throw unusable(url, `is longer than ${PEERS_URL_CHARACTERS_MAX} characters`);
    }
  }
}

function unusable(url: URL, why: string, status?: number, cause?: unknown): HeadlightError {
  const details = status === undefined ? { url: url.href } : { url: url.href, status };
  return new HeadlightError('no-peers-url', `the peer list at ${url.href} ${why}`, details, { cause });
}
