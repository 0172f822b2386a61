// The demo page as a user sees it: the banner, and the figures under it.

import assert from 'node:assert/strict';

/** Opens the demo of the test server with these parameters in its address. */
export async function openDemo(browser, server, parameters = {}) {
  const url = new URL('/demo/', server.origin);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return browser.open(url.href);
}

/** The peer list of the demo page, for `serve({ lists })`: these peers, with the fields of the first one. */
export function listOf(...peers) {
  return {
    '/demo/peers.json': async () => ({ ...(await peers[0].list()), peers: peers.map((peer) => peer.multiaddr) }),
  };
}

/** Waits until the banner's title is this, and it is visible. */
export async function bannerSays(page, title, ms = 30_000) {
  const banner = page.locator('#banner-title');
  try {
    await banner.filter({ hasText: title }).waitFor({ state: 'visible', timeout: ms });
  } catch {
    const text = await page.locator('#banner').innerText();
    assert.fail(`the banner does not say ${title} within ${ms} ms, it says: ${text}\n${page.problems.join('\n')}`);
  }
}

/** Visible text of one element. */
export function textOf(page, id) {
  return page.locator(`#${id}`).innerText();
}
