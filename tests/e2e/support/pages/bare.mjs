// The bare page: imports the package as a user's page does, and exports functions for `page.evaluate`. Handles stay in
// the page, under a name; only plain data crosses to the test.

import { startSync } from '/dist/index.js';

import { compareWithSource } from './compare.mjs';

const runs = new Map();

/** All events, in order, with the time since the page was opened. */
const EVENT_TYPES = ['state', 'synced', 'fault', 'peer-skipped', 'reorg', 'detached-head', 'segment-dropped', 'error'];

/** Events that a run keeps; a test that needs more fails with a message. */
const EVENTS_KEPT_MAX = 10_000;

function plain(error) {
  return { name: error.name, code: error.code, message: error.message, details: error.details };
}

/** Starts a sync under this name. Returns `{ ok }`, or `{ error }` with its code when `startSync` rejects. */
async function start(name, options) {
  const run = { events: [], progress: undefined, watchers: new Set() };
  try {
    run.handle = await startSync({
      ...options,
      onProgress(progress) {
        run.progress = progress;
        run.watchers.forEach((watch) => watch());
      },
    });
  } catch (error) {
    return { error: plain(error) };
  }
  for (const type of EVENT_TYPES) {
    run.handle.on(type, (event) => {
      if (run.events.length >= EVENTS_KEPT_MAX) throw new Error('more events than a test keeps');
      const at = performance.now();
      run.events.push(type === 'error' ? { type, at, ...plain(event) } : { type, at, ...event });
      run.watchers.forEach((watch) => watch());
    });
  }
  run.synced = run.handle.synced.then(
    (value) => ({ value }),
    (error) => ({ error: plain(error) }),
  );
  runs.set(name, run);
  return { ok: true, storage: run.handle.storage };
}

function runOf(name) {
  const run = runs.get(name);
  if (run === undefined) throw new Error(`no run ${name}`);
  return run;
}

/**
 * Waits until `condition` holds, a JavaScript expression over `progress` and `events`, which is evaluated at each
 * event. Returns the progress of that moment, or throws with the newest one at the deadline.
 */
function until(name, condition, ms) {
  const run = runOf(name);
  const test = new Function('progress', 'events', `return (${condition})`);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      run.watchers.delete(watch);
      const { ranges, ...rest } = run.progress ?? run.handle.progress ?? {};
      reject(
        new Error(
          `not within ${ms} ms: ${condition}\n${JSON.stringify({ ...rest, events: run.events.slice(-20) }, null, 1)}`,
        ),
      );
    }, ms);
    function watch() {
      const progress = run.progress ?? run.handle.progress;
      if (progress === undefined || !test(progress, run.events)) return;
      clearTimeout(timer);
      run.watchers.delete(watch);
      resolve(progress);
    }
    run.watchers.add(watch);
    watch();
  });
}

globalThis.bare = {
  start,
  until,
  /** Waits for `synced`; `{ value }` or `{ error }`. */
  synced: (name) => runOf(name).synced,
  /** All events so far. */
  events: (name) => runOf(name).events,
  progress: (name) => runOf(name).handle.progress,
  /** The handle itself, for code of a test that runs inside the page. */
  handle: (name) => runOf(name).handle,
  /** Calls a method of the handle; `{ value }` or `{ error }`. Header bytes stay in the page. */
  async call(name, method, ...args) {
    try {
      const value = await runOf(name).handle[method](...args);
      return { value: value?.rlp instanceof Uint8Array ? { ...value, rlp: value.rlp.length } : value };
    } catch (error) {
      return { error: plain(error) };
    }
  },
  /** Compares the store with the source of the peer. */
  compare: (name, source, options) => compareWithSource(runOf(name).handle, source, options),
};
globalThis.bareReady = true;
