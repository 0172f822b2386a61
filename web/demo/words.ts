/**
 * What each state, stall and error means to the person in front of the page, and what to do about it. One place, so
 * that the tone stays one.
 */

import type { DialErrorCode, ErrorCode, HeadlightError, Progress, StallCode, SyncState } from 'headlight';
import { count } from './format.js';

/** What the banner says, and in which mood. */
export interface Words {
  title: string;
  text: string;
  mood: 'calm' | 'busy' | 'good' | 'warn' | 'bad';
}

/** The banner's words for this progress. No figure that moves: a screen reader reads every change aloud. */
export function wordsFor(progress: Progress): Words {
  if (progress.stall !== undefined) return stallWords(progress);
  return STATES[progress.state];
}

const STATES: Readonly<Record<SyncState, Words>> = {
  opening: { title: 'Opening the store', text: 'Reading what this device already holds.', mood: 'calm' },
  'finding-peers': { title: 'Looking for peers', text: 'Connecting over WebRTC.', mood: 'busy' },
  'resolving-target': { title: 'Finding the tip', text: 'Asking the peers which block is the newest.', mood: 'busy' },
  syncing: {
    title: 'Syncing down from the tip',
    text: 'Each header is proved by the hash in the one above it, then stored.',
    mood: 'busy',
  },
  synced: { title: 'Synced', text: 'The whole range is proved and stored on this device.', mood: 'good' },
  stalled: { title: 'Waiting', text: 'Nothing moves at the moment.', mood: 'warn' },
  paused: { title: 'Paused', text: 'What is on its way still arrives. Press Resume to go on.', mood: 'calm' },
  follower: {
    title: 'Another tab is syncing',
    text: 'This tab reads the same store, and takes over when the other is closed.',
    mood: 'calm',
  },
  stopped: { title: 'Stopped', text: 'Reload the page to go on where it stopped.', mood: 'calm' },
  failed: { title: 'Failed', text: 'Reload the page. What is stored stays.', mood: 'bad' },
};

const STALLS: Readonly<Record<StallCode, Omit<Words, 'mood'>>> = {
  'no-peers': {
    title: 'No peer can be reached',
    text: 'Dialling goes on. Is the peer running, and its UDP port open? You can add another one below.',
  },
  'no-usable-peer': {
    title: 'No peer is of use',
    text: 'All are banned or serve something else. Add a peer below, or wait until a ban is over.',
  },
  'tips-disagree': {
    title: 'The peers name different tips',
    text: 'None has a majority. Add a peer, or pin the block hash that you trust with ?target=0x….',
  },
  'quorum-not-reached': {
    title: 'Too few peers agree on the tip',
    text: 'Add a peer below, or pin the block hash that you trust with ?target=0x….',
  },
  'target-unavailable': {
    title: 'No peer has the pinned block',
    text: 'Check the hash in ?target=, or add a peer that has that block.',
  },
  'range-unavailable': {
    title: 'Part of the chain is not on offer',
    text: 'No connected peer serves the blocks that are missing. What lies above is stored. Add a peer that has them.',
  },
  'floor-above-target': {
    title: 'The floor lies above the target',
    text: 'There is nothing to sync between them. Choose a lower floor or a higher target.',
  },
  'storage-full': {
    title: 'The storage is full',
    text: 'Free disk space, or remove data of this site. The sync then goes on by itself; nothing is lost.',
  },
  'storage-failed': {
    title: 'The store reports errors',
    text: 'It is tried again. If this stays, close other tabs of this site and reload.',
  },
  'no-progress': {
    title: 'Answers come, but nothing can be proved',
    text: 'The peers may be overloaded, or hold another chain. Adding a peer helps.',
  },
  'invalid-target': {
    title: 'The target lies on a chain that breaks a rule',
    text: 'Pin another block with ?target=, or add peers that are on a valid chain.',
  },
  'unknown-fork': {
    title: 'The chain has a fork that this version does not know',
    text: 'Update the package. No peer is at fault, and the headers that are stored can still be read.',
  },
  'rollback-too-deep': {
    title: 'The target parts from the stored chain too far down',
    text: 'Nothing was removed. Check ?chain= and ?target=; to follow the other chain, clear the stored data.',
  },
  'wrong-genesis': {
    title: 'The target belongs to another chain',
    text: 'It does not descend from the genesis of this one. Check ?chain= and ?target=.',
  },
  'wrong-chain': {
    title: 'The peers serve another chain',
    text: 'Check ?chain=, or add a peer of the right one.',
  },
  'other-target': {
    title: 'Another tab syncs to another target',
    text: 'The block pinned here is not stored yet. This tab fetches it when the other one is closed.',
  },
};

/** What the reason of a failed dial means, in a few words. */
export const DIAL_ERRORS: Readonly<Record<DialErrorCode, string>> = {
  'wrong-certhash': 'another certificate than in its address',
  'wrong-peer-id': 'another peer answered',
  limit: 'too many connections',
  unsupported: 'not possible here',
  refused: 'refused',
  closed: 'ended',
  'not-dialable': 'not dialled from this page',
  timeout: 'no answer',
};

/** What to do about the peers that cannot be reached, when all have the same reason. */
const DIAL_ADVICE: Readonly<Partial<Record<DialErrorCode, string>>> = {
  'wrong-certhash':
    'Somebody answers, with another certificate than the address names (certhash). The peer has a new one: use the address ' +
    'that it prints now.',
  'wrong-peer-id':
    'Somebody answers, and is another peer than the address names (p2p). Use the address that it prints now.',
  limit: 'The browser has no room for one more connection. Close other tabs of this site, or reload.',
  unsupported: 'This browser, or the peer, cannot do what is needed. Hover over its state below to see why.',
  refused: 'The peer ends the connection. It may be full, or serve something else.',
  'not-dialable':
    'The list names addresses of a private network, which this page does not dial. Name the peer with ?peers= if you mean it.',
};

/** Advice for the one reason that all of these have. */
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
  'no-peers-url': { title: 'No list of peers', text: 'Is header-peer running? It serves peers.json beside this page.' },
  'wrong-chain': { title: 'The peers serve another chain', text: 'Check ?chain= against the peer.' },
  'storage-unavailable': {
    title: 'The store cannot be opened',
    text: 'Private windows and strict settings forbid it. Close other tabs of this site and reload.',
  },
  'storage-full': { title: 'The storage is full', text: 'Free disk space, or remove data of this site, then reload.' },
  'worker-failed': { title: 'The worker failed', text: 'Reload the page. What is stored stays.' },
};

const SWITCHED_OFF = {
  title: 'WebRTC is switched off',
  text: 'A setting, an extension or a policy of this browser forbids it. Allow WebRTC for this site, or use another browser.',
};

const REFUSED = {
  title: 'This browser blocks what the page needs',
  text: 'Private windows, blocked cookies and embedding in another page do that. Allow site data here and reload.',
};

const INSECURE = { title: 'This page needs https', text: 'Open it over https, or from localhost.' };

const TOO_OLD = {
  title: 'This browser is too old',
  text: 'Data channels in workers and vectors in wasm are needed: Chrome and Edge 130, Firefox 144 or newer have both.',
};

/** Why a browser cannot run this: what it lacks tells an old one from one in which something is switched off. */
function unsupportedWords({ details }: HeadlightError): Omit<Words, 'mood'> {
  const missing = details?.missing ?? [];
  if ((details?.refused ?? []).length > 0) return REFUSED;
  if (missing.length === 1 && missing[0] === 'RTCPeerConnection') return SWITCHED_OFF;
  return isSecureContext ? TOO_OLD : INSECURE;
}

/** The banner's words when the sync could not start, or is over. */
export function errorWords(error: HeadlightError): Words {
  const listed = error.code === 'unsupported-browser' ? unsupportedWords(error) : ERRORS[error.code];
  const words = listed ?? { title: STATES.failed.title, text: STATES.failed.text };
  return { title: words.title, text: `${words.text} (${error.message})`, mood: 'bad' };
}
