/** The banner: the state in words. Its text changes only with the state, so a screen reader can read it aloud. */

import { element, setText } from './dom.js';
import type { Words } from './words.js';

export function showWords({ title, text, mood }: Words): void {
  const banner = element('banner');
  if (banner.dataset.mood !== mood) banner.dataset.mood = mood;
  setText(element('banner-title'), title);
  setText(element('banner-text'), text);
}

/** State and stall code as attributes of `<html>`, for the style sheet and for tests. */
export function markState(state: string, stall: string | undefined): void {
  const { dataset } = document.documentElement;
  if (dataset.state !== state) dataset.state = state;
  if (stall === undefined) delete dataset.stall;
  else dataset.stall = stall;
}
