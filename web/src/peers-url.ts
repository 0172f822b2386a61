/**
 * Fetches a peer list (`header-peer` serves it at `/peers.json`) and compares its chain with ours.
 *
 * The list is a hint and is not trusted: whoever writes it can at worst name peers that are of no use, which then
 * shows as a stall. Its size, its time and its types are bounded.
 *
 * @module
 */

import { describe, HeadlightError } from './errors.js';
import { checkPeers, isHash, isObject } from './options.js';
import type { CustomChain, Hash } from './types.js';

/** How long the list may take to arrive. */
export const PEERS_URL_TIMEOUT_MS = 10_000;

/** Longest list, in characters: 256 multiaddresses of twice their usual length, and some air. */
export const PEERS_URL_CHARACTERS_MAX = 128 * 1_024;

/** A list may serve other clients, too: addresses of transports that a page does not have are left out. */
const DIALABLE = /\/webrtc-direct(\/|$)/;

/** What a peer that does not know its chain's genesis may name in its place: the hash of no block. */
const GENESIS_UNKNOWN = `0x${'0'.repeat(64)}`;

/** A peer list. Only `peers` is needed; the rest is compared where it is there. */
export interface PeerList {
  peers: string[];
  chainId?: number;
  genesis?: Hash;
}

/** The list at `url`. Rejects with `no-peers-url` when it does not come in time or is no peer list. */
export async function fetchPeerList(url: URL): Promise<PeerList> {
  const deadline = AbortSignal.timeout(PEERS_URL_TIMEOUT_MS);
  let text: string;
  try {
    const response = await fetch(url, { signal: deadline, headers: { accept: 'application/json' } });
    if (!response.ok) throw unusable(url, `answered with HTTP status ${response.status}`, response.status);
    text = await readBounded(response, url);
  } catch (error) {
    if (error instanceof HeadlightError) throw error;
    const late = `did not answer within ${PEERS_URL_TIMEOUT_MS / 1_000} s`;
    const why = deadline.aborted ? late : `cannot be fetched (${describe(error)})`;
    throw unusable(url, why, undefined, error);
  }
  return parsePeerList(url, text);
}

/** Throws `wrong-chain` when the list names another chain than the one we sync. */
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

function parsePeerList(url: URL, text: string): PeerList {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unusable(url, 'is no JSON', undefined, error);
  }
  if (!isObject(value)) throw unusable(url, 'is no JSON object');
  let peers: string[];
  try {
    peers = checkPeers('peers', value.peers);
  } catch (error) {
    throw unusable(url, `is no peer list (${describe(error)})`, undefined, error);
  }
  const list: PeerList = { peers: peers.filter((peer) => DIALABLE.test(peer)) };
  if (list.peers.length === 0) throw unusable(url, 'names no peer that a browser can dial (…/webrtc-direct/…)');
  if (Number.isSafeInteger(value.chainId)) list.chainId = value.chainId as number;
  if (isHash(value.genesis)) {
    const genesis = value.genesis.toLowerCase() as Hash;
    if (genesis !== GENESIS_UNKNOWN) list.genesis = genesis;
  }
  return list;
}

/** The body as text; ends as soon as it grows over the limit. */
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
