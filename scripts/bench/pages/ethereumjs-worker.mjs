// The same work as `bench_verify` with @ethereumjs/block: decode each header, hash it, compare with the child's parent.

import { createBlockHeaderFromRLP } from '@ethereumjs/block';
import { Common, Hardfork, Mainnet } from '@ethereumjs/common';

import { lists } from '../../../tests/e2e/support/pages/compare.mjs';

function equal(a, b) {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

addEventListener('message', ({ data: { rlp, rounds } }) => {
  try {
    const bytes = new Uint8Array(rlp);
    const headers = [...lists(bytes)].map(({ start, end }) => bytes.subarray(start, end)).reverse();
    const common = new Common({ chain: Mainnet, hardfork: Hardfork.Prague });
    let best = Infinity;
    for (let round = 0; round < rounds; round++) {
      const begin = performance.now();
      let expected;
      for (const header of headers) {
        // Only the work of verifying links: the library's own checks of the chain's rules are turned off.
        const decoded = createBlockHeaderFromRLP(header, { common, skipConsensusFormatValidation: true });
        const hash = decoded.hash();
        if (expected !== undefined && !equal(hash, expected)) throw new Error('the headers are no chain');
        expected = decoded.parentHash;
      }
      best = Math.min(best, performance.now() - begin);
    }
    postMessage({ value: (headers.length / best) * 1_000 });
  } catch (error) {
    postMessage({ error: String(error?.stack ?? error) });
  }
});
