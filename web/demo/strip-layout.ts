/**
 * Where things lie on the strip: pure arithmetic from ranges to a place, no canvas, no clock.
 *
 * The strip shows the chain twice. Above, all of it, floor at the left and tip at the right. Below, under the beam, a
 * *lens*: the few thousand blocks where work goes on, which would be less than a pixel above.
 */

import type { Progress, RangeProgress } from 'headlight';

/** A run of block numbers on an axis, the upper end outside; both may be fractions while the lens glides. */
export interface Span {
  from: number;
  to: number;
}

/** The least that a lens shows, in blocks: two storage windows. */
const LENS_BLOCKS_MIN = 16_384;
/** The most: beyond this, work that far apart is not in the picture. */
const LENS_BLOCKS_MAX = 262_144;
/** The part of the lens, at its upper end, that shows what is stored already. */
const LENS_STORED_SHARE = 0.28;

/** The whole range; `undefined` while the target is unknown. */
export function wholeSpan(progress: Progress): Span | undefined {
  if (progress.target === undefined) return undefined;
  return { from: progress.floor, to: progress.target.number + 1 };
}

/** Highest number that is not stored, counted from the tip; `undefined` when all is. */
export function frontier(progress: Progress): number | undefined {
  let top: number | undefined;
  for (const { to, state } of progress.ranges) {
    if (state !== 'stored' && (top === undefined || to > top)) top = to;
  }
  return top;
}

/**
 * What the lens should show: the frontier, what is under way below it, and a little of what is stored above it.
 * When all is stored there is nothing to look at closely: the lens widens to the whole.
 */
export function lensSpan(progress: Progress, whole: Span): Span {
  const total = whole.to - whole.from;
  const top = frontier(progress);
  if (top === undefined) return whole;
  let low = top + 1;
  for (const { from, state } of progress.ranges) {
    if ((state === 'borrowed' || state === 'staged') && top - from < LENS_BLOCKS_MAX) low = Math.min(low, from);
  }
  const wanted = ((top + 1 - low) / (1 - LENS_STORED_SHARE)) * 1.15;
  // In steps of a power of two, so that the lens rests while work moves through it.
  const stepped = 2 ** Math.ceil(Math.log2(Math.max(wanted, LENS_BLOCKS_MIN)));
  const size = Math.min(stepped, LENS_BLOCKS_MAX, total);
  const to = clamp(top + 1 + size * LENS_STORED_SHARE, whole.from + size, whole.to);
  return { from: to - size, to };
}

/** A range in the part 0..1 of the span that it takes; `undefined` when it lies outside. */
export function place(range: RangeProgress, span: Span): { left: number; right: number } | undefined {
  const size = span.to - span.from;
  const left = (range.from - span.from) / size;
  const right = (range.to + 1 - span.from) / size;
  if (right <= 0 || left >= 1) return undefined;
  return { left: Math.max(0, left), right: Math.min(1, right) };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
