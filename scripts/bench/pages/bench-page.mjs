// The page of the single measurements: starts a worker for each, so that none warms up another.

import { RtcBroker } from '../../../web/src/rtc-broker.ts';

/** One task in a fresh worker; resolves with its result. */
function inWorker(script, message, transfer = []) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(script, { type: 'module' });
    const end = (settle, value) => {
      worker.terminate();
      settle(value);
    };
    worker.onmessage = ({ data }) =>
      data.error === undefined ? end(resolve, data.value) : end(reject, new Error(data.error));
    worker.onerror = (event) => end(reject, new Error(event.message));
    worker.postMessage(message, transfer);
  });
}

async function source(http, from, to) {
  const response = await fetch(`${http.replace(/\/$/, '')}/headers.bin?from=${from}&to=${to}`);
  if (!response.ok) throw new Error(`the source failed with HTTP ${response.status}`);
  return response.arrayBuffer();
}

globalThis.bench = {
  /** `[bytes of headers, milliseconds]` over the raw channel. */
  channel(multiaddr, headers, inFlight) {
    const { port1, port2 } = new MessageChannel();
    const broker = new RtcBroker(port1);
    return inWorker('part-worker.js', { part: 'channel', args: [port2, multiaddr, headers, inFlight] }, [
      port2,
    ]).finally(() => broker.close());
  },
  /** Headers verified per second, in wasm. */
  async verify(http, from, to, rounds) {
    return inWorker('part-worker.js', { part: 'verify', args: [new Uint8Array(await source(http, from, to)), rounds] });
  },
  /** Generated headers linked per second, in wasm. */
  linkage: (...args) => inWorker('part-worker.js', { part: 'linkage', args }),
  /** The store's own measurement. */
  store: (...args) => inWorker('part-worker.js', { part: 'store', args }),
  /** Headers verified per second by the JavaScript libraries that a page would use otherwise. */
  async ethereumjs(http, from, to, rounds) {
    return inWorker('ethereumjs-worker.js', { rlp: await source(http, from, to), rounds });
  },
};
globalThis.benchReady = true;
