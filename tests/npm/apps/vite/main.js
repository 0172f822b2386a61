// What a user of the package writes: start, wait, read. The test looks at `window.result`.

import { startSync } from 'headlight';

async function run() {
  const { chainId, genesis } = await (await fetch('/peers.json')).json();
  const sync = await startSync({ chain: { id: chainId, genesis }, peersUrl: '/peers.json' });
  const head = await sync.synced;
  let headers = 0;
  for await (const header of sync.getHeaders(0, head.number)) {
    if (header.number !== headers) throw new Error(`header ${header.number} where ${headers} should be`);
    headers += 1;
  }
  const byHash = await sync.getHeader(head.hash);
  await sync.stop();
  return { head, headers, byHash: byHash?.number, state: sync.progress.state };
}

window.result = run().catch((error) => ({ error: `${error.code}: ${error.message}` }));
