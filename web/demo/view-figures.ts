/** The figures: progress, rate, time left. */

import type { Progress } from 'headlight';
import { element, setText } from './dom.js';
import { block, bytes, count, duration, NONE, shortHash } from './format.js';
import { frontier } from './strip-layout.js';

/** The current rate; none when the sync is not running. */
export function rateNow({ state, headersPerSecond }: Progress): number | undefined {
  return state === 'syncing' ? headersPerSecond : undefined;
}

/** The figures of the page. */
export class FiguresView {
  readonly #startedAt = performance.now();
  #finishedAt: number | undefined;
  #peak = 0;

  update(progress: Progress): void {
    const { target, total, stored, state } = progress;
    const rate = rateNow(progress);
    this.#peak = Math.max(this.#peak, progress.headersPerSecond);
    this.#finishedAt = state === 'synced' ? (this.#finishedAt ?? performance.now()) : undefined;

    const percent = floorPercent(progress);
    setText(element('percent'), percent.toFixed(1));
    setText(element('stored'), count(stored));
    setText(element('total'), total === 0 ? NONE : count(total));
    const bar = element('progressbar');
    bar.setAttribute('aria-valuenow', percent.toFixed(0));
    bar.setAttribute('aria-valuetext', `${percent.toFixed(0)} percent, ${count(stored)} of ${count(total)} headers`);

    setText(element('target'), target === undefined ? NONE : block(target.number));
    setText(element('target-hash'), target === undefined ? 'unknown yet' : shortHash(target.hash));
    element('target-hash').title = target?.hash ?? '';

    const top = frontier(progress);
    const lowest = target === undefined ? undefined : top === undefined ? progress.floor : top + 1;
    const none = target === undefined || lowest === undefined || lowest > target.number;
    setText(element('frontier'), none ? NONE : block(lowest));
    setText(element('floor'), target === undefined ? '\u00a0' : `lowest block ${block(progress.floor)}`);

    const eta = state === 'syncing' ? progress.etaSeconds : undefined;
    setText(element('eta'), state === 'synced' ? 'done' : eta === undefined ? NONE : duration(eta));
    const elapsed = ((this.#finishedAt ?? performance.now()) - this.#startedAt) / 1_000;
    setText(element('elapsed'), state === 'synced' ? `after ${duration(elapsed)}` : `${duration(elapsed)} elapsed`);

    setText(element('rate'), rate === undefined ? NONE : count(rate));
    setText(element('peak'), this.#peak > 0 ? `peak ${count(this.#peak)}` : '\u00a0');
    setText(element('bytes'), bytes(progress.bytesReceived));
    setText(element('byte-rate'), rate === undefined ? 'in this session' : `${bytes(progress.bytesPerSecond)}/s`);
    setText(element('memory'), bytes(progress.memoryBytes));
    setText(element('wasm-memory'), `wasm memory ${bytes(progress.wasmMemoryBytes)}`);
    document.title = target === undefined ? 'Headlight' : `${percent.toFixed(0)} % · Headlight`;
  }
}

/** Rounded down: 100 % means that everything is stored. */
function floorPercent({ percent }: Progress): number {
  return Math.floor(percent * 10) / 10;
}
