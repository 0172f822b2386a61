/**
 * The script of the worker: loads the wasm, then passes on the messages that came meanwhile.
 *
 * The wasm is compiled while it downloads, from a file of its own that bundlers find through `new URL`. Until it is
 * ready, messages wait here, at most {@link EARLY_MESSAGES_MAX}: the page sends `start` and waits for the reply, so one
 * is usual. A trap of the wasm is reported to the page, which then ends this worker.
 *
 * @module
 */

import { describe } from './errors.js';
import type { FromWorker } from './messages.js';
import init, { start } from './wasm/headlight.js';

/** The used part of `DedicatedWorkerGlobalScope`; TypeScript cannot load the DOM's and a worker's types together. */
interface WorkerScope extends EventTarget {
  postMessage(message: FromWorker): void;
}
const scope = globalThis as unknown as WorkerScope;

/** Most messages that may wait for the wasm. */
const EARLY_MESSAGES_MAX = 1_024;

const early: MessageEvent[] = [];
const keep = (event: Event) => {
  if (early.length < EARLY_MESSAGES_MAX) early.push(event as MessageEvent);
};

function crashed(error: unknown): void {
  scope.postMessage({ type: 'crashed', message: describe(error) });
}

/** A trap ends the wasm for good: its memory may be inconsistent. Other errors leave it intact. */
function onUncaught(error: unknown): void {
  console.error(error);
  if (error instanceof WebAssembly.RuntimeError) return crashed(error);
  scope.postMessage({ type: 'event', event: { type: 'error', code: 'internal', message: describe(error) } });
}

async function run(): Promise<void> {
  await init({ module_or_path: new URL('./wasm/headlight_bg.wasm', import.meta.url) });
  scope.removeEventListener('message', keep);
  start();
  for (const { data } of early.splice(0)) scope.dispatchEvent(new MessageEvent('message', { data }));
}

scope.addEventListener('message', keep);
scope.addEventListener('error', (event) => {
  // Reported to the page below, with its cause; the browser would report a crash of the whole worker.
  event.preventDefault();
  onUncaught((event as ErrorEvent).error ?? (event as ErrorEvent).message);
});
scope.addEventListener('unhandledrejection', (event) => onUncaught((event as PromiseRejectionEvent).reason));
run().catch(crashed);
