/**
 * Asks the browser, before anything starts, for what Headlight cannot do without; so that an old browser gives one
 * clear error and no riddle from inside the worker.
 *
 * @module
 */

import { HeadlightError } from './errors.js';

/** The answer is the same for the life of the page; the probe below costs a connection object, so it runs once. */
let channelsTransfer: boolean | undefined;

/** Throws `unsupported-browser` with the list of what is missing. */
export function assertSupported(): void {
  const scope = globalThis;
  const missing: string[] = [];
  if (typeof scope.Worker !== 'function') missing.push('Worker');
  if (typeof scope.WebAssembly !== 'object') missing.push('WebAssembly');
  if (typeof scope.indexedDB !== 'object') missing.push('IndexedDB');
  if (scope.navigator?.locks === undefined) missing.push('Web Locks (needs https or localhost)');
  if (typeof scope.RTCPeerConnection !== 'function') missing.push('RTCPeerConnection');
  else if (!(channelsTransfer ??= probeTransfer())) missing.push('RTCDataChannel transfer to a worker');
  if (missing.length === 0) return;
  throw new HeadlightError('unsupported-browser', `this browser lacks ${missing.join(', ')}`, { missing });
}

/** Can a data channel be sent through a port? Chrome 130, Safari 15, Firefox 144 and newer. */
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
