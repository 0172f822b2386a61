/** Looks up one stored header by number or hash, and shows its fields. */

import type { Hash, StoredHeader, SyncHandle } from 'headlight';
import { element, make } from './dom.js';
import { block, count, time } from './format.js';
import { describe } from './log.js';

/** The look-up form. Works once there is a handle. */
export class LookupView {
  readonly #form = element<HTMLFormElement>('lookup');
  readonly #key = element<HTMLInputElement>('lookup-key');
  readonly #result = element('lookup-result');
  #handle: SyncHandle | undefined;
  /** Counts look-ups: the result of an older one is dropped. */
  #asked = 0;

  constructor() {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#look(this.#key.value);
    });
  }

  /** Uses this store from now on. */
  attach(handle: SyncHandle): void {
    this.#handle = handle;
  }

  async #look(text: string): Promise<void> {
    const asked = ++this.#asked;
    const key = parseKey(text);
    if (key === undefined) return this.#say('Not a block number or a hash (0x and 64 hex digits).');
    if (this.#handle === undefined) return this.#say('The store is not open yet.');
    try {
      const header = await this.#handle.getHeader(key);
      if (asked !== this.#asked) return;
      if (header === undefined) this.#say(this.#whyMissing(key));
      else this.#show(header);
    } catch (error) {
      if (asked === this.#asked) this.#say(describe(error));
    }
  }

  #whyMissing(key: number | Hash): string {
    const { target, floor } = this.#handle?.progress ?? {};
    if (typeof key === 'string') return 'No header with this hash is stored on this device.';
    if (target !== undefined && key > target.number) return `Above the target, ${block(target.number)}.`;
    if (floor !== undefined && key < floor) return `Below the lowest block of this sync, ${block(floor)}.`;
    return `${block(key)} is not stored yet: the sync has not reached it.`;
  }

  #say(text: string): void {
    this.#result.replaceChildren(make('p', 'quiet', text));
  }

  #show(header: StoredHeader): void {
    const seal = make('p', 'seal', 'Verified in this browser, stored on this device.');
    const list = make('dl', 'fields');
    for (const [name, value, mono] of rows(header)) {
      const item = make('dd', mono ? 'mono' : '', value);
      list.append(make('dt', '', name), item);
    }
    const parent = this.#jump('Parent', header.parentHash, header.number > 0);
    const child = this.#jump('Child', header.number + 1, true);
    const actions = make('div', 'actions');
    actions.append(parent, child);
    this.#result.replaceChildren(seal, list, actions);
  }

  #jump(label: string, key: number | Hash, enabled: boolean): HTMLButtonElement {
    const button = make('button', 'plain', label);
    button.type = 'button';
    button.disabled = !enabled;
    button.addEventListener('click', () => {
      this.#key.value = String(key);
      void this.#look(String(key));
    });
    return button;
  }
}

/** A number, with or without separators and `#`, or a hash. */
function parseKey(text: string): number | Hash | undefined {
  const key = text.trim();
  if (/^0x[0-9a-f]{64}$/i.test(key)) return key as Hash;
  const digits = key.replace(/^#/, '').replace(/[\s,_]/g, '');
  return /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
}

/** Name, value, and whether the value is hex. */
function* rows(header: StoredHeader): Generator<[string, string, boolean]> {
  const { fields } = header;
  const isHex = true;
  yield ['Number', block(header.number), !isHex];
  yield ['Hash', header.hash, isHex];
  yield ['Parent', fields.parentHash, isHex];
  yield ['Time', time(fields.timestamp), !isHex];
  yield ['Gas used', `${count(fields.gasUsed)} of ${count(fields.gasLimit)}`, !isHex];
  const { baseFeePerGas } = fields;
  if (baseFeePerGas !== undefined) yield ['Base fee', `${count(baseFeePerGas)} wei`, !isHex];
  if (fields.difficulty > 0n) yield ['Difficulty', count(fields.difficulty), !isHex];
  yield ['Fee recipient', fields.beneficiary, isHex];
  yield ['State root', fields.stateRoot, isHex];
  yield ['Transactions', fields.transactionsRoot, isHex];
  yield ['Receipts', fields.receiptsRoot, isHex];
  if (fields.withdrawalsRoot !== undefined) yield ['Withdrawals', fields.withdrawalsRoot, isHex];
  if (fields.blobGasUsed !== undefined) yield ['Blob gas', count(fields.blobGasUsed), !isHex];
  if (fields.parentBeaconBlockRoot !== undefined) yield ['Beacon root', fields.parentBeaconBlockRoot, isHex];
  if (fields.requestsHash !== undefined) yield ['Requests', fields.requestsHash, isHex];
  yield ['Extra data', fields.extraData === '0x' ? 'none' : fields.extraData, isHex];
  yield ['Size', `${count(header.rlp.length)} bytes`, !isHex];
}
