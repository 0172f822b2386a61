/**
 * Positions on the strip: pure arithmetic, without canvas or clock.
 *
 * The strip shows the chain twice. Above is the whole chain, floor at the left and tip at the right. Below, under the
 * beam, is a *lens*: the few thousand blocks that are being synced, which would be less than a pixel above.
 */

import type { Progress, RangeProgress } from 'headlight';

/** A range of block numbers on an axis, upper end excluded; both ends may be fractions while the lens moves. */
export interface Span {
  from: number;
  to: number;
}

/** Smallest width of the lens, in blocks: two storage windows. */
const LENS_BLOCKS_MIN = 16_384;
/** Largest width of the lens, in blocks: work further away is not shown. */
const LENS_BLOCKS_MAX = 262_144;
/** The part of the lens, at its upper end, that shows stored blocks. */
const LENS_STORED_SHARE = 0.28;

/** The whole range; `undefined` while the target is unknown. */
export function wholeSpan(progress: Progress): Span | undefined {
  if (progress.target === undefined) return undefined;
  return { from: progress.floor, to: progress.target.number + 1 };
}

/** Highest number that is not stored, counted from the tip; `undefined` if all are stored. */
export function frontier(progress: Progress): number | undefined {
  let top: number | undefined;
  for (const { to, state } of progress.ranges) {
    if (state !== 'stored' && (top === undefined || to > top)) top = to;
  }
  return top;
}

/**
 * The range that the lens should show: the frontier, the work below it, and a little of the stored part above it. When
 * everything is stored, the lens widens to the whole range.
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
  // In powers of two, so that the lens stands still while work moves through it.
  const stepped = 2 ** Math.ceil(Math.log2(Math.max(wanted, LENS_BLOCKS_MIN)));
  const size = Math.min(stepped, LENS_BLOCKS_MAX, total);
  const to = clamp(top + 1 + size * LENS_STORED_SHARE, whole.from + size, whole.to);
  return { from: to - size, to };
}

/** The part of the span that a range covers, as 0..1; `undefined` if it is outside. */
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
