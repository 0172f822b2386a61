/** The table of peers. Rows are updated in place, so that a selection stays. */

import type { PeerInfo } from 'headlight';
import { element, make, setText } from './dom.js';
import { bytes, count, duration, NONE, shortPeer } from './format.js';
import { DIAL_ERRORS } from './words.js';

/** Most rows; the worker may know more peers. */
const ROWS_MAX = 64;

const STATES: Readonly<Record<PeerInfo['state'], string>> = {
  dialing: 'dialing',
  connected: 'connected',
  disconnected: 'disconnected',
  banned: 'banned',
  unreachable: 'unreachable',
  'wrong-chain': 'other chain',
};

/** Cells in the order of the columns: name, class. On a narrow screen the name is shown before the value. */
const COLUMNS = [
  ['Peer', 'id'],
  ['State', ''],
  ['In flight', 'n'],
  ['In-flight limit', 'n'],
  ['Latency', 'n'],
  ['Headers', 'n'],
  ['Received', 'n'],
  ['Faults', 'faults'],
] as const;

/** State of the connection: the reason if there is none, or the first block of another branch. */
function standing({ state, otherBranchFrom, lastDialError }: PeerInfo): string {
  if (state === 'unreachable' && lastDialError !== undefined) {
    return `${STATES[state]}: ${DIAL_ERRORS[lastDialError.code]}`;
  }
  if (state !== 'connected' || otherBranchFrom === undefined) return STATES[state];
  return `other branch from ${count(otherBranchFrom)}`;
}

interface Row {
  row: HTMLTableRowElement;
  cells: HTMLTableCellElement[];
}

export class PeersView {
  readonly #body = element('peers');
  readonly #rows = new Map<string, Row>();

  update(peers: readonly PeerInfo[]): void {
    const shown = peers.slice(0, ROWS_MAX);
    const ids = new Set(shown.map((peer) => peer.id));
    for (const [id, { row }] of this.#rows) {
      if (ids.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    for (const peer of shown) this.#fill(this.#rows.get(peer.id) ?? this.#add(peer), peer);
    element('peers-empty').hidden = peers.length > 0;
    const connected = peers.filter((peer) => peer.state === 'connected').length;
    const more = peers.length > ROWS_MAX ? `, ${count(peers.length - ROWS_MAX)} more not shown` : '';
    setText(element('peers-count'), peers.length === 0 ? '' : `${connected} of ${peers.length} connected${more}`);
  }

  #add(peer: PeerInfo): Row {
    const row = make('tr');
    row.setAttribute('role', 'row');
    const cells = COLUMNS.map(([name, className]) => {
      const cell = make('td', className);
      cell.setAttribute('role', 'cell');
      cell.dataset.label = name;
      row.append(cell);
      return cell;
    });
    this.#body.append(row);
    const made = { row, cells };
    this.#rows.set(peer.id, made);
    return made;
  }

  #fill({ row, cells }: Row, peer: PeerInfo): void {
    if (row.dataset.state !== peer.state) row.dataset.state = peer.state;
    const ban = peer.bannedForSeconds;
    const texts = [
      shortPeer(peer.id),
      ban === undefined ? standing(peer) : `banned, ${duration(ban)} left`,
      `${count(peer.requestsInFlight)} · ${bytes(peer.bytesInFlight)}`,
      bytes(peer.windowBytes),
      peer.latencyMs === undefined ? NONE : `${count(peer.latencyMs)} ms`,
      count(peer.headers),
      bytes(peer.bytes),
      peer.faults === 0 ? 'none' : `${count(peer.faults)} · ${peer.lastFault?.code ?? 'earlier'}`,
    ];
    for (const [index, cell] of cells.entries()) setText(cell, texts[index] ?? '');
    row.classList.toggle('faulty', peer.faults > 0);
    const [id, state] = cells;
    if (id !== undefined) id.title = `${peer.id}\n${peer.multiaddr}`;
    if (state !== undefined) state.title = peer.lastDialError?.message ?? '';
    const last = cells.at(-1);
    if (last !== undefined) last.title = peer.lastFault?.message ?? '';
  }
}
