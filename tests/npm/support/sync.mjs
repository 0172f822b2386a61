// Runs a built app in the real browser, against a real peer, and says what it found.

import { openBrowser } from '../../e2e/support/browser.mjs';
import { generated } from '../../e2e/support/chains.mjs';
import { syncDeadline, within } from '../../e2e/support/deadline.mjs';
import { startPeer } from '../../e2e/support/peer.mjs';

const HEADERS = 10_000;

/** A peer for an app. */
export function appPeer(t, ...flags) {
  return startPeer(t, ...generated(HEADERS), ...flags);
}

/** Serves a built app, opens it and waits for its sync. */
export async function runApp(t, folder) {
  const peer = await appPeer(t, '--web', folder);
  return { peer, ...(await openApp(t, peer.info.http)) };
}

/** Opens an app that is served already, and waits for its sync; what it found, how the wasm came, what went wrong. */
export async function openApp(t, url) {
  const browser = await openBrowser(t);
  const wasm = [];
  browser.context.on('response', (response) => {
    const path = new URL(response.url()).pathname;
    if (path.endsWith('.wasm')) wasm.push(response.headers()['content-type']);
  });
  const page = await browser.open(url);
  await page.waitForFunction('window.result !== undefined');
  const result = await within(syncDeadline(HEADERS), 'the app syncs', page.evaluate('window.result'));
  return { result, wasm, problems: page.problems };
}
