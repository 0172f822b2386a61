/** Texts for each state, stall and error: what it means, and what the user can do. */

import type { DialErrorCode, ErrorCode, HeadlightError, Progress, StallCode, SyncState } from 'headlight';
import { count } from './format.js';

/** Title, text and colour of the banner. */
export interface Words {
  title: string;
  text: string;
  mood: 'calm' | 'busy' | 'good' | 'warn' | 'bad';
}

/** The banner's text for this progress. Without figures that change: a screen reader reads every change aloud. */
export function wordsFor(progress: Progress): Words {
  if (progress.stall !== undefined) return stallWords(progress);
  return STATES[progress.state];
}

const STATES: Readonly<Record<SyncState, Words>> = {
  opening: { title: 'Opening the store', text: 'Reading the headers that are stored on this device.', mood: 'calm' },
  'finding-peers': { title: 'Looking for peers', text: 'Connecting over WebRTC.', mood: 'busy' },
  'resolving-target': { title: 'Finding the tip', text: 'Asking the peers for their newest block.', mood: 'busy' },
  syncing: {
    title: 'Syncing down from the tip',
    text: "Each header is verified by its child's parent hash and by the chain's rules, then stored.",
    mood: 'busy',
  },
  synced: {
    title: 'Synced',
    text: 'All headers are verified and stored on this device. New blocks are added as they come.',
    mood: 'good',
  },
  stalled: { title: 'Waiting', text: 'No progress at the moment.', mood: 'warn' },
  paused: { title: 'Paused', text: 'Responses in flight are still stored. Press Resume to continue.', mood: 'calm' },
  follower: {
    title: 'Another tab is syncing',
    text: 'This tab reads the same store, and takes over when the other tab is closed.',
    mood: 'calm',
  },
  stopped: { title: 'Stopped', text: 'Reload the page to continue where it stopped.', mood: 'calm' },
  failed: { title: 'Failed', text: 'Reload the page. Stored headers are kept.', mood: 'bad' },
};

const STALLS: Readonly<Record<StallCode, Omit<Words, 'mood'>>> = {
  'no-peers': {
    title: 'No peer can be reached',
    text: 'The page keeps dialling. Is the peer running, and is its UDP port open? You can add another peer below.',
  },
  'no-usable-peer': {
    title: 'No usable peer',
    text: 'All peers are banned or serve other blocks. Add a peer below, or wait until a ban ends.',
  },
  'tips-disagree': {
    title: 'The peers report different tips',
    text: 'No tip has a majority. Add a peer, or pin the block hash that you trust with ?target=0x….',
  },
  'quorum-not-reached': {
    title: 'Too few peers agree on the tip',
    text: 'Add a peer below, or pin the block hash that you trust with ?target=0x….',
  },
  'target-unavailable': {
    title: 'No peer has the pinned block',
    text: 'Check the hash in ?target=, or add a peer that has this block.',
  },
  'range-unavailable': {
    title: 'No peer serves the missing blocks',
    text: 'All blocks above them are stored, and new blocks are followed. Add a peer that has the old blocks.',
  },
  'floor-above-target': {
    title: 'The floor is above the target',
    text: 'There is nothing to sync between them. Choose a lower floor or a higher target.',
  },
  'storage-full': {
    title: 'The storage is full',
    text: 'Free disk space, or remove data of this site. The sync then resumes by itself; nothing is lost.',
  },
  'storage-failed': {
    title: 'The store reports errors',
    text: 'The write is retried. If this lasts, close other tabs of this site and reload.',
  },
  'no-progress': {
    title: 'Peers respond, but no header can be verified',
    text: 'The peers may be overloaded, or have another chain. Add a peer below.',
  },
  'invalid-target': {
    title: 'The target is on a chain that breaks a rule',
    text: 'Pin another block with ?target=, or add peers that are on a valid chain.',
  },
  'unknown-fork': {
    title: 'The chain has a fork that this version does not know',
    text: 'Update the package. No peer is at fault, and the stored headers can still be read.',
  },
  'rollback-too-deep': {
    title: 'The reorg is too deep',
    text: 'The target is on another branch than the stored headers, and the common ancestor is below the rollback limit. Nothing was removed. Check ?chain= and ?target=; to follow the other branch, clear the store.',
  },
  'wrong-genesis': {
    title: 'The target belongs to another chain',
    text: 'The target does not descend from the genesis of this chain. Check ?chain= and ?target=.',
  },
  'wrong-chain': {
    title: 'The peers serve another chain',
    text: 'Check ?chain=, or add a peer of this chain.',
  },
  'other-target': {
    title: 'Another tab syncs to another target',
    text: 'The block pinned in this tab is not stored yet. This tab syncs to it when the other tab is closed.',
  },
};

/** Short texts for the reasons of failed dials. */
export const DIAL_ERRORS: Readonly<Record<DialErrorCode, string>> = {
  'wrong-certhash': 'certificate differs from the address',
  'wrong-peer-id': 'peer id differs from the address',
  limit: 'too many connections',
  unsupported: 'not supported here',
  refused: 'refused',
  closed: 'closed',
  'not-dialable': 'not dialled from this page',
  timeout: 'no response',
};

/** Advice if all dials failed for the same reason. */
const DIAL_ADVICE: Readonly<Partial<Record<DialErrorCode, string>>> = {
  'wrong-certhash':
    'The peer has another certificate than the address (certhash). It may have a new one: use the address that it prints ' +
    'now.',
  'wrong-peer-id': 'Another peer runs at this address (its p2p id differs). Use the address that the peer prints now.',
  limit: 'The limit of connections in this browser is reached. Close other tabs of this site, or reload.',
  unsupported: 'This browser, or the peer, lacks a feature. Hover over the state of the peer below to see which.',
  refused: 'The peer closes the connection. It may be full, or serve another chain.',
  'not-dialable':
    'The peer list has addresses of a private network, which this page does not dial. Use ?peers= to dial them.',
};

/** Advice, if all dials failed for the same reason. */
function dialAdvice(errors: readonly { code: DialErrorCode }[] | undefined): string | undefined {
  const [first, ...others] = errors ?? [];
  if (first === undefined || others.some(({ code }) => code !== first.code)) return undefined;
  return DIAL_ADVICE[first.code];
}

function stallWords({ stall }: Progress): Words {
  const words = stall && STALLS[stall.code];
  if (words === undefined) return { ...STATES.stalled, text: stall?.message ?? STATES.stalled.text };
  const { have, need } = stall?.details ?? {};
  const counted = have !== undefined && need !== undefined ? `${count(have)} of ${count(need)}. ` : '';
  return { ...words, text: counted + (dialAdvice(stall?.details?.dialErrors) ?? words.text), mood: 'warn' };
}

const ERRORS: Readonly<Partial<Record<ErrorCode, Omit<Words, 'mood'>>>> = {
  'bad-multiaddr': { title: 'Not a usable multiaddress', text: 'Check ?peers=.' },
  'bad-option': { title: 'A parameter is wrong', text: 'Check the address of this page.' },
  'no-peers-url': { title: 'No list of peers', text: 'Is header-peer running? It serves peers.json for this page.' },
  'wrong-chain': { title: 'The peers serve another chain', text: 'Compare ?chain= with the chain of the peer.' },
  'storage-unavailable': {
    title: 'The store cannot be opened',
    text: 'Private windows and strict settings block it. Close other tabs of this site and reload.',
  },
  'storage-full': { title: 'The storage is full', text: 'Free disk space, or remove data of this site, then reload.' },
  'worker-failed': { title: 'The worker failed', text: 'Reload the page. Stored headers are kept.' },
};

const SWITCHED_OFF = {
  title: 'WebRTC is switched off',
  text: 'A setting, an extension or a policy of this browser blocks WebRTC. Allow WebRTC for this site, or use another browser.',
};

const REFUSED = {
  title: 'This browser blocks what the page needs',
  text: 'Private windows, blocked cookies or embedding in another page can be the cause. Allow site data for this page and reload.',
};

const INSECURE = { title: 'This page needs https', text: 'Open it over https, or from localhost.' };

const TOO_OLD = {
  title: 'This browser is too old',
  text: 'The page needs data channels in workers and WebAssembly SIMD: Chrome or Edge 130, Firefox 144, or newer.',
};

/** The reason why this browser cannot run the page: too old, switched off, blocked, or without https. */
function unsupportedWords({ details }: HeadlightError): Omit<Words, 'mood'> {
  const missing = details?.missing ?? [];
  if ((details?.refused ?? []).length > 0) return REFUSED;
  if (missing.length === 1 && missing[0] === 'RTCPeerConnection') return SWITCHED_OFF;
  return isSecureContext ? TOO_OLD : INSECURE;
}

/** The banner's text for a sync that cannot start, or has failed. */
export function errorWords(error: HeadlightError): Words {
  const listed = error.code === 'unsupported-browser' ? unsupportedWords(error) : ERRORS[error.code];
  const words = listed ?? { title: STATES.failed.title, text: STATES.failed.text };
  return { title: words.title, text: `${words.text} (${error.message})`, mood: 'bad' };
}
