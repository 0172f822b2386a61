/**
 * The rate of the last minutes as a line (uPlot). One sample a second.
 *
 * uPlot is loaded by a dynamic import: it throws on systems without `Intl`, and the page works without the chart.
 */

import type uPlot from 'uplot';
import { make } from './dom.js';
import { count } from './format.js';
import { describe } from './log.js';

/** Most samples, hence seconds, that are kept. */
const SAMPLES = 180;
/** Seconds shown at first; grows with the samples. */
const SECONDS_MIN = 30;
/** Candidates for the seconds between two labels. */
const STEPS = [5, 10, 15, 30, 60];
const HEIGHT = 168;
/** Width of one label, in pixels. */
const LABEL_WIDTH = 72;

/** The chart in one element. */
export class RateView {
  readonly #host: HTMLElement;
  readonly #seconds: number[] = Array.from({ length: SAMPLES }, (_, index) => index - SAMPLES + 1);
  readonly #rates: (number | null)[] = Array.from({ length: SAMPLES }, () => null);
  #seen = 0;
  #Plot: typeof uPlot | undefined;
  #plot: uPlot | undefined;

  constructor(host: HTMLElement) {
    this.#host = host;
    void this.#load();
  }

  async #load(): Promise<void> {
    try {
      this.#Plot = (await import('uplot')).default;
      this.#start();
    } catch (error) {
      this.#host.replaceChildren(make('p', 'quiet', `The chart cannot be drawn in this browser: ${describe(error)}.`));
    }
  }

  #start(): void {
    const host = this.#host;
    // The chart reads its colours once: another theme needs another chart.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#make());
    new ResizeObserver(() => this.#plot?.setSize({ width: host.clientWidth, height: HEIGHT })).observe(host);
    this.#make();
  }

  /** Adds the sample of one second. */
  sample(headersPerSecond: number): void {
    this.#rates.shift();
    this.#rates.push(headersPerSecond);
    this.#seen += 1;
    this.#plot?.setData(this.#data());
  }

  /** Seconds shown. */
  get #span(): number {
    return Math.min(Math.max(this.#seen, SECONDS_MIN), SAMPLES) - 1;
  }

  #ticks(width: number): number[] {
    const step = STEPS.find((step) => (this.#span / step) * LABEL_WIDTH < width) ?? SAMPLES;
    return Array.from({ length: Math.floor(this.#span / step) + 1 }, (_, index) => -index * step).reverse();
  }

  #data(): uPlot.AlignedData {
    return [this.#seconds, this.#rates];
  }

  #make(): void {
    const style = getComputedStyle(this.#host);
    const color = (name: string) => style.getPropertyValue(name).trim();
    const axis: uPlot.Axis = {
      stroke: color('--muted'),
      grid: { stroke: color('--line'), width: 1 },
      ticks: { show: false },
      font: '11px ui-sans-serif, system-ui, sans-serif',
    };
    if (this.#Plot === undefined) return;
    this.#plot?.destroy();
    this.#plot = new this.#Plot(
      {
        width: this.#host.clientWidth,
        height: HEIGHT,
        padding: [8, 16, 0, 0],
        cursor: { show: false },
        legend: { show: false },
        scales: {
          x: { time: false, range: () => [-this.#span, 0] },
          y: { range: (_, __, high) => [0, Math.max(1_000, high * 1.1)] },
        },
        axes: [
          {
            ...axis,
            size: 28,
            gap: 6,
            grid: { show: false },
            splits: (plot) => this.#ticks(plot.width - 80),
            values: (_, ticks) => ticks.map((tick) => (tick === 0 ? 'now' : `−${-tick} s`)),
          },
          { ...axis, size: 58, gap: 6, values: (_, ticks) => ticks.map((tick) => count(tick)) },
        ],
        series: [{}, { stroke: color('--accent'), width: 2, fill: color('--accent-wash'), points: { show: false } }],
      },
      this.#data(),
      this.#host,
    );
  }
}
