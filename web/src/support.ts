/**
 * Asks the browser, before anything starts, for what Headlight cannot do without; so that an old browser gives one
 * clear error and no riddle from inside the worker.
 *
 * @module
 */

import { HeadlightError } from './errors.js';

/** The answer is the same for the life of the page; the probe below costs a connection object, so it runs once. */
let channelsTransfer: boolean | undefined;

/**
 * The smallest module that needs 128-bit vectors, in which headers are hashed: one function, which makes a vector and
 * drops it. Chrome 91, Firefox 89, Safari 16.4 and newer take it for valid.
 */
const VECTOR_MODULE = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  // One type, `() -> ()`, and one function of it.
  ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00],
  ...[0x03, 0x02, 0x01, 0x00],
  // Its code: i64.const 0, i64x2.splat, drop, end.
  ...[0x0a, 0x09, 0x01, 0x07, 0x00, 0x42, 0x00, 0xfd, 0x12, 0x1a, 0x0b],
]);

/** Throws `unsupported-browser` with the list of what is missing. */
export function assertSupported(): void {
  const scope = globalThis;
  const missing: string[] = [];
  if (typeof scope.Worker !== 'function') missing.push('Worker');
  if (typeof scope.WebAssembly !== 'object') missing.push('WebAssembly');
  else if (!scope.WebAssembly.validate(VECTOR_MODULE)) missing.push('WebAssembly SIMD');
  if (typeof scope.indexedDB !== 'object') missing.push('IndexedDB');
  if (scope.navigator?.locks === undefined) missing.push('Web Locks (needs https or localhost)');
  if (typeof scope.RTCPeerConnection !== 'function') missing.push('RTCPeerConnection');
  else if (!(channelsTransfer ??= probeTransfer())) missing.push('RTCDataChannel transfer to a worker');
  if (missing.length === 0) return;
  throw new HeadlightError('unsupported-browser', `this browser lacks ${missing.join(', ')}`, { missing });
}

/** Can a data channel be sent through a port? Chrome 130, Firefox 144, Safari 15 and newer. */
function probeTransfer(): boolean {
  const connection = new RTCPeerConnection();
  const { port1, port2 } = new MessageChannel();
  try {
    const channel = connection.createDataChannel('probe');
    // The DOM's types do not list data channels as transferable yet.
    port1.postMessage(channel, [channel as unknown as Transferable]);
    return true;
  } catch {
    // DataCloneError: the browser knows no such transfer.
    return false;
  } finally {
    connection.close();
    port1.close();
    port2.close();
  }
}
