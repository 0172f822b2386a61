// A real headless Chromium with a profile on disk: IndexedDB is then what it is for a user, not the in-memory one of a
// private window. Every page's console errors and uncaught errors are kept.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium as playwright } from 'playwright-core';

import { chromium } from './paths.mjs';

const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A tab that is not in front must go on as fast: two tabs are open in some tests.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
];

/** Opens a browser with a fresh profile; it is closed and removed when the test `t` ends. */
export async function openBrowser(t, { profile, flags = [], withoutFlags = [] } = {}) {
  const folder = profile ?? mkdtempSync(join(tmpdir(), 'headlight-profile-'));
  const context = await playwright.launchPersistentContext(folder, {
    executablePath: chromium,
    headless: true,
    // The sandbox of Chromium does not start for root, as which containers run.
    chromiumSandbox: process.getuid?.() !== 0,
    args: [...FLAGS, ...flags],
    // Flags that Playwright sets by itself and a test does not want.
    ignoreDefaultArgs: withoutFlags,
  });
  const browser = { context, profile: folder, open: (url) => openPage(context, url), close };
  async function close() {
    await context.close();
    if (profile === undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  t?.after(close);
  return browser;
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
