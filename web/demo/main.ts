/**
 * The demo page: starts one sync with the public API of the package and shows its progress.
 *
 * `window.headlight` is the handle of the sync, for the console and for tests; it is set when the store is open (`<html
 * data-state>` is then no longer `opening`). If the sync cannot start, `<html data-error>` holds the error code.
 *
 * guard.js shows errors until `data-state` is set, this file shows them from then on.
 */

import { HeadlightError, type Progress, type SyncHandle, startSync } from 'headlight';
import { element, make, setText } from './dom.js';
import { count } from './format.js';
import { describe, log, logEvents } from './log.js';
import { chainLabel, readOptions } from './parameters.js';
import { FiguresView, rateNow } from './view-figures.js';
import { LookupView } from './view-lookup.js';
import { PeersView } from './view-peers.js';
import { RateView } from './view-rate.js';
import { markState, showWords } from './view-state.js';
import { StripView } from './view-strip.js';
import { errorWords, wordsFor } from './words.js';

declare global {
  interface Window {
    /** The running sync. */
    headlight?: SyncHandle;
  }
}

const views = {
  strip: new StripView(element<HTMLCanvasElement>('strip')),
  figures: new FiguresView(),
  peers: new PeersView(),
  rate: new RateView(element('rate-chart')),
  lookup: new LookupView(),
};
const pause = element<HTMLButtonElement>('pause');
const clear = element<HTMLButtonElement>('clear');
let newest: Progress | undefined;
let over = false;

/** Draws the progress. If drawing fails, the banner shows the error once, and the sync continues. */
function show(progress: Progress): void {
  try {
    draw(progress);
  } catch (error) {
    if (!over) fail(error);
  }
}

function draw(progress: Progress): void {
  newest = progress;
  views.strip.update(progress);
  views.figures.update(progress);
  views.peers.update(progress.peers);
  markState(progress.state, progress.stall?.code);
  if (!over) showWords(wordsFor(progress));
  const writes = !over && !['opening', 'follower', 'stopped', 'failed'].includes(progress.state);
  setText(pause, progress.state === 'paused' ? 'Resume' : 'Pause');
  pause.disabled = !writes || progress.state === 'synced';
  clear.disabled = !writes;
}

function fail(error: unknown): void {
  over = true;
  const known = error instanceof HeadlightError ? error : new HeadlightError('internal', describe(error));
  document.documentElement.dataset.error = known.code;
  markState('failed', undefined);
  showWords(errorWords(known));
  log('bad', `${known.message} (${known.code})`);
}

/** Runs a button's action; logs a failure. */
async function attempt(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    log('bad', describe(error));
  }
}

function connect(handle: SyncHandle): void {
  window.headlight = handle;
  setText(element('storage'), handle.storage);
  views.lookup.attach(handle);
  logEvents(handle);
  handle.on('error', (error) => {
    if (handle.progress.state === 'failed') fail(error);
  });
  pause.addEventListener('click', () => {
    void attempt(() => (handle.progress.state === 'paused' ? handle.resume() : handle.pause()));
  });
  connectClear(handle);
  connectAddPeer(handle);
  connectReport(handle);
}

function connectClear(handle: SyncHandle): void {
  const dialog = element<HTMLDialogElement>('confirm');
  clear.addEventListener('click', () => {
    setText(element('confirm-count'), count(handle.progress.stored));
    dialog.returnValue = '';
    dialog.showModal();
  });
  dialog.addEventListener('close', () => {
    if (dialog.returnValue !== 'clear') return;
    void attempt(async () => {
      await handle.clear();
      log('info', 'The store was cleared.');
    });
  });
}

function connectAddPeer(handle: SyncHandle): void {
  const form = element<HTMLFormElement>('add-peer');
  const input = element<HTMLInputElement>('multiaddr');
  const note = element('add-peer-note');
  form.querySelector('button')?.removeAttribute('disabled');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const multiaddr = input.value.trim();
    if (multiaddr === '') return input.focus();
    try {
      await handle.addPeer(multiaddr);
      input.value = '';
      setText(note, 'Added. Connecting.');
    } catch (error) {
      setText(note, `Not added: ${describe(error)}`);
    }
  });
}

/** Saves the recording of this session as a file. */
function connectReport(handle: SyncHandle): void {
  const button = element<HTMLButtonElement>('save-report');
  button.disabled = false;
  button.addEventListener('click', () => {
    void attempt(async () => {
      const recording = await handle.recording();
      if (recording === undefined) {
        log('info', 'There is no report here: the sync runs in another tab.');
        return;
      }
      const link = make('a');
      link.href = URL.createObjectURL(new Blob([recording as BlobPart], { type: 'application/octet-stream' }));
      link.download = `${handle.storage}-${new Date().toISOString().replaceAll(':', '-')}.headlight`;
      link.click();
      URL.revokeObjectURL(link.href);
      log('info', 'The report was saved. It has the addresses of your peers.');
    });
  });
}

markState('opening', undefined);
delete document.documentElement.dataset.error;
// An uncaught error is a bug of this page; it is shown in the log too.
window.addEventListener('error', (event) => log('bad', `Error in this page: ${event.message}`));
window.addEventListener('unhandledrejection', (event) => log('bad', `Error in this page: ${describe(event.reason)}`));
// One sample a second. While the page is hidden the browser slows this timer down, and nothing is drawn.
setInterval(() => views.rate.sample((newest && rateNow(newest)) ?? 0), 1_000);
try {
  const options = await readOptions(new URLSearchParams(location.search));
  setText(element('chain'), chainLabel(options.chain));
  connect(await startSync({ ...options, onProgress: show }));
} catch (error) {
  fail(error);
}
