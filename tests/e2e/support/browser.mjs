// A real headless Chromium with a profile on disk: IndexedDB is then what it is for a user, not the in-memory one of a
// private window. Every page's console errors and uncaught errors are kept.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { chromium as playwright } from 'playwright-core';

import { within } from './deadline.mjs';
import { chromium } from './paths.mjs';

const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A tab in the background must run at full speed: some tests have two tabs.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
];

/** Opens a browser with a fresh profile; it is closed and removed when the test `t` ends. */
export async function openBrowser(t, { profile, flags = [] } = {}) {
  const folder = profile ?? mkdtempSync(join(tmpdir(), 'headlight-profile-'));
  const context = await playwright.launchPersistentContext(folder, {
    executablePath: chromium,
    headless: true,
    // The sandbox of Chromium does not start for root, as which containers run.
    chromiumSandbox: process.getuid?.() !== 0,
    args: [...FLAGS, ...flags],
  });
  const browser = { context, profile: folder, open: (url) => openPage(context, url), close };
  async function close() {
    await context.close();
    if (profile === undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  t?.after(close);
  return browser;
}

/** Longest time for Chromium to listen, and to end, in milliseconds. */
const PLAIN_WITHIN_MS = 30_000;

/**
 * The same, without what Playwright changes in a browser that it starts itself: a tab behind another one is hidden, may be
 * frozen, and a page that was left stays in the cache of the back button.
 */
export async function openPlainBrowser(t) {
  const folder = mkdtempSync(join(tmpdir(), 'headlight-profile-'));
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const own = ['--headless', '--remote-debugging-port=0', `--user-data-dir=${folder}`, ...sandbox];
  const child = spawn(chromium, [...own, ...FLAGS, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  let browser;
  t.after(async () => {
    // Through its own protocol, so that all of its processes end.
    const asked = browser?.newBrowserCDPSession().then((devtools) => devtools.send('Browser.close'));
    await (asked ?? Promise.reject(new Error('not connected'))).catch(() => child.kill());
    await within(PLAIN_WITHIN_MS, 'Chromium ends', ended);
    rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  });
  const listening = (async () => {
    for await (const line of createInterface({ input: child.stderr })) {
      const address = line.match(/DevTools listening on (ws:.*)/)?.[1];
      if (address !== undefined) return address;
    }
    throw new Error('Chromium ended before it listened');
  })();
  const address = await within(PLAIN_WITHIN_MS, 'Chromium listens', listening);
  child.stderr.resume();
  browser = await playwright.connectOverCDP(address, { noDefaults: true });
  const [context] = browser.contexts();
  return { context, profile: folder, open: (url) => openPage(context, url) };
}

async function openPage(context, url) {
  const page = await context.newPage();
  /** Texts of console errors, uncaught errors and crashes, in the order in which they came. */
  page.problems = [];
  page.on('console', (message) => {
    if (message.type() === 'error') page.problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => page.problems.push(`uncaught: ${error.message}`));
  page.on('crash', () => page.problems.push('the page crashed'));
  await page.goto(url);
  return page;
}
