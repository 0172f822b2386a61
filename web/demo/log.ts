/** The event log, newest first: faults of peers, reorgs, dropped segments, errors. */

import type { SyncHandle } from 'headlight';
import { element, make } from './dom.js';
import { block, clock, count, shortHash, shortPeer } from './format.js';

/** Most lines; the oldest is removed. */
const LINES_MAX = 60;

/** One sentence for a thrown value of any type. */
export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Adds a line and returns the element that holds its text. */
export function log(mood: 'info' | 'good' | 'warn' | 'bad', text: string): HTMLElement {
  const lines = element('log');
  const line = make('li', mood);
  const time = make('time', '', clock(new Date()));
  // Hashes are shortened; the tooltip has the whole text.
  const short = make('span', '', text.replace(/0x[0-9a-f]{64}/gi, shortHash));
  short.title = text;
  line.append(time, short);
  lines.prepend(line);
  while (lines.childElementCount > LINES_MAX) lines.lastElementChild?.remove();
  return short;
}

/** Most skipped entries in the tooltip. */
const SKIPPED_NAMED_MAX = 20;

/** One line for all skipped entries of the list, which may be hundreds. */
function logSkipped(handle: SyncHandle): void {
  const named: string[] = [];
  let skipped = 0;
  let line: HTMLElement | undefined;
  handle.on('peer-skipped', ({ multiaddr, reason }) => {
    skipped += 1;
    if (named.length < SKIPPED_NAMED_MAX) named.push(`${multiaddr} (${reason})`);
    line ??= log('warn', '');
    const entries = skipped === 1 ? 'One entry' : `${count(skipped)} entries`;
    line.textContent = `${entries} of the peer list skipped${skipped === 1 ? '' : ', the first'}: ${named[0]}.`;
    line.title = named.join('\n');
  });
}

/** Logs the events of this sync. */
export function logEvents(handle: SyncHandle): void {
  handle.on('synced', ({ number }) => log('good', `Synced up to ${block(number)}.`));
  handle.on('fault', ({ peer, message, banned }) => {
    log('warn', `Peer ${shortPeer(peer)}: ${message}.${banned ? ' Banned.' : ''}`);
  });
  logSkipped(handle);
  handle.on('segment-dropped', ({ from, to }) => {
    log('warn', `Stored headers ${block(from)} to ${block(to)} were damaged. They are downloaded again.`);
  });
  handle.on('reorg', ({ reverted, adopted }) => {
    const old = `${block(reverted.from)} to ${block(reverted.to)}`;
    log('warn', `Reorg: ${old} replaced by another branch up to ${block(adopted.to)}.`);
  });
  handle.on('detached-head', ({ local }) => {
    log('warn', `The stored block ${block(local.number)} is not on the target's chain. Searching the common ancestor.`);
  });
  handle.on('error', (error) => log('bad', `${error.message} (${error.code})`));
}
