/**
 * Draws the strip: the whole chain, filled from the tip down, and a beam that opens onto the lens.
 *
 * Drawn once for each change and while the lens moves, never in an endless loop. The strip is dark in both themes.
 */

import type { Progress, RangeState } from 'headlight';
import { block } from './format.js';
import { frontier, lensSpan, place, type Span, wholeSpan } from './strip-layout.js';

/** Heights in CSS pixels. The style sheet repeats their sum, so that the layout is fixed before this script runs. */
const ROAD = { pad: 16, label: 18, whole: 18, beam: 42, lens: 60 };
const STRIP_HEIGHT = ROAD.pad * 2 + ROAD.label * 2 + ROAD.whole + ROAD.beam + ROAD.lens;

/** Headers of one storage window: the lens marks the edges. */
const WINDOW_BLOCKS = 8_192;
/** Speed of the lens: the part of the distance that is left after a millisecond. */
const GLIDE_PER_MS = 0.992;
/** The lens stops within this part of its width. */
const ARRIVED = 0.002;

const COLORS = {
  unprocessed: '#1b212b',
  borrowed: '#8f7440',
  staged: '#f0a93a',
  stored: '#fbf1d9',
  text: '#a7afbd',
  edge: '#2b3340',
  beam: '255, 196, 92',
} as const;

/** Drawn in this order: small and important parts on top. */
const LAYERS: readonly RangeState[] = ['stored', 'staged', 'borrowed'];

export class StripView {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)');
  #hatch: CanvasPattern | null = null;
  #progress: Progress | undefined;
  #lens: Span | undefined;
  #frame: number | undefined;
  #drawnAt = 0;

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('this browser draws no canvas');
    this.#canvas = canvas;
    this.#context = context;
    new ResizeObserver(() => this.#ask()).observe(canvas);
  }

  /** Shows this progress from the next frame on. */
  update(progress: Progress): void {
    this.#progress = progress;
    this.#ask();
  }

  #ask(): void {
    this.#frame ??= requestAnimationFrame((now) => {
      this.#frame = undefined;
      this.#draw(now);
    });
  }

  #draw(now: number): void {
    const width = this.#canvas.clientWidth;
    const ratio = devicePixelRatio;
    if (width === 0) return;
    if (this.#canvas.width !== Math.round(width * ratio) || this.#canvas.height !== Math.round(STRIP_HEIGHT * ratio)) {
      this.#canvas.width = Math.round(width * ratio);
      this.#canvas.height = Math.round(STRIP_HEIGHT * ratio);
      this.#hatch = this.#makeHatch();
    }
    const context = this.#context;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, STRIP_HEIGHT);

    const inner = width - ROAD.pad * 2;
    const wholeTop = ROAD.pad + ROAD.label;
    const lensTop = wholeTop + ROAD.whole + ROAD.beam;
    const progress = this.#progress;
    const whole = progress && wholeSpan(progress);
    if (progress === undefined || whole === undefined) {
      this.#bar(undefined, undefined, wholeTop, ROAD.whole, inner);
      this.#bar(undefined, undefined, lensTop, ROAD.lens, inner);
      this.#lens = undefined;
      return;
    }
    const lens = this.#glide(lensSpan(progress, whole), now);
    this.#beam(progress, whole, lens, wholeTop + ROAD.whole, lensTop, inner);
    this.#bar(progress, whole, wholeTop, ROAD.whole, inner);
    this.#bar(progress, lens, lensTop, ROAD.lens, inner);
    this.#windows(lens, lensTop, inner);
    this.#labels(whole, ROAD.pad + 9, inner, 'floor', 'target');
    this.#labels(lens, lensTop + ROAD.lens + 13, inner, '', '');
    const top = frontier(progress);
    if (top !== undefined) this.#front(top + 1, lens, lensTop, inner);
  }

  /** The lens, moved towards `goal`. */
  #glide(goal: Span, now: number): Span {
    const passed = Math.min(100, now - this.#drawnAt);
    this.#drawnAt = now;
    const from = this.#lens;
    const size = goal.to - goal.from;
    const far = from && Math.abs(from.from - goal.from) + Math.abs(from.to - goal.to);
    if (from === undefined || far === undefined || far < size * ARRIVED || far > size * 20 || this.#still.matches) {
      this.#lens = goal;
      return goal;
    }
    const keep = GLIDE_PER_MS ** passed;
    this.#ask();
    this.#lens = {
      from: goal.from + (from.from - goal.from) * keep,
      to: goal.to + (from.to - goal.to) * keep,
    };
    return this.#lens;
  }

  #bar(progress: Progress | undefined, span: Span | undefined, top: number, height: number, inner: number): void {
    const context = this.#context;
    context.save();
    context.beginPath();
    context.roundRect(ROAD.pad, top, inner, height, 3);
    context.clip();
    context.fillStyle = COLORS.unprocessed;
    context.fillRect(ROAD.pad, top, inner, height);
    if (progress !== undefined && span !== undefined) {
      for (const layer of LAYERS) {
        context.fillStyle = layer === 'borrowed' ? (this.#hatch ?? COLORS.borrowed) : COLORS[layer];
        for (const range of progress.ranges) {
          const where = range.state === layer ? place(range, span) : undefined;
          if (where === undefined) continue;
          // A range in progress is at least a pixel wide; a stored range is never wider than it is.
          const least = layer === 'stored' ? 0 : 1;
          const wide = Math.max(least, (where.right - where.left) * inner);
          context.fillRect(ROAD.pad + where.left * inner, top, wide, height);
        }
      }
    }
    context.restore();
  }

  /** From its part of the whole chain to the lens below. */
  #beam(progress: Progress, whole: Span, lens: Span, top: number, bottom: number, inner: number): void {
    const x = (number: number) => ROAD.pad + ((number - whole.from) / (whole.to - whole.from)) * inner;
    const [left, right] = [x(lens.from), x(lens.to)];
    const middle = (left + right) / 2;
    const half = Math.max(1.5, (right - left) / 2);
    const strength = progress.state === 'syncing' ? 0.42 : 0.14;
    const context = this.#context;
    const light = context.createLinearGradient(0, top, 0, bottom);
    light.addColorStop(0, `rgba(${COLORS.beam}, ${strength})`);
    light.addColorStop(1, `rgba(${COLORS.beam}, ${strength / 7})`);
    context.fillStyle = light;
    const [edge, near, far] = [ROAD.pad + inner, top + ROAD.beam * 0.5, bottom - ROAD.beam * 0.35];
    context.beginPath();
    context.moveTo(middle - half, top);
    context.bezierCurveTo(middle - half, near, ROAD.pad, far, ROAD.pad, bottom + 3);
    context.lineTo(edge, bottom + 3);
    context.bezierCurveTo(edge, far, middle + half, near, middle + half, top);
    context.fill();
    context.fillStyle = `rgba(${COLORS.beam}, ${strength * 2})`;
    context.fillRect(middle - half, top, half * 2, 2);
  }

  /** A thin line at each edge of a window: windows are stored as a whole. */
  #windows(lens: Span, top: number, inner: number): void {
    const context = this.#context;
    const size = lens.to - lens.from;
    if (size / WINDOW_BLOCKS > inner / 6) return;
    context.fillStyle = 'rgba(11, 14, 19, 0.55)';
    for (let edge = Math.ceil(lens.from / WINDOW_BLOCKS) * WINDOW_BLOCKS; edge < lens.to; edge += WINDOW_BLOCKS) {
      context.fillRect(Math.round(ROAD.pad + ((edge - lens.from) / size) * inner), top, 1, ROAD.lens);
    }
  }

  /** The edge of the stored part. */
  #front(number: number, lens: Span, top: number, inner: number): void {
    const x = ROAD.pad + ((number - lens.from) / (lens.to - lens.from)) * inner;
    if (x < ROAD.pad || x > ROAD.pad + inner) return;
    const context = this.#context;
    context.fillStyle = '#ffffff';
    context.fillRect(Math.min(x, ROAD.pad + inner - 2) - 1, top - 3, 2, ROAD.lens + 6);
  }

  #labels(span: Span, y: number, inner: number, left: string, right: string): void {
    const context = this.#context;
    context.fillStyle = COLORS.text;
    context.font = '11px ui-sans-serif, system-ui, sans-serif';
    context.textBaseline = 'middle';
    context.textAlign = 'left';
    context.fillText(`${left} ${block(Math.round(span.from))}`.trim(), ROAD.pad, y);
    context.textAlign = 'right';
    context.fillText(`${right} ${block(Math.round(span.to) - 1)}`.trim(), ROAD.pad + inner, y);
  }

  /** Slanted lines distinguish requested ranges from received ones without colour. */
  #makeHatch(): CanvasPattern | null {
    const tile = new OffscreenCanvas(6, 6);
    const context = tile.getContext('2d');
    if (context === null) return null;
    context.fillStyle = '#3a3222';
    context.fillRect(0, 0, 6, 6);
    context.strokeStyle = COLORS.borrowed;
    context.lineWidth = 1.6;
    context.beginPath();
    for (const shift of [-6, 0, 6]) {
      context.moveTo(shift - 1, 7);
      context.lineTo(shift + 7, -1);
    }
    context.stroke();
    return this.#context.createPattern(tile, 'repeat');
  }
}
