/**
 * Checks the browser's features before anything starts. A browser that lacks one, or does not allow it on this page,
 * gives one typed error with the names of the missing features.
 *
 * A probe may throw: a getter of a sandboxed frame, or of a browser that blocks cookies, throws a `SecurityError`, and
 * a constructor fails at a limit. Every exception is caught, and its reason becomes part of the message.
 *
 * @module
 */

import { describe, HeadlightError } from './errors.js';

/** The result does not change during the life of the page. The probe costs a connection object, so it runs once. */
let channelsTransfer: boolean | undefined;

/**
 * The smallest module with a 128-bit vector, which the hashing of headers needs: one function that creates a vector and
 * drops it. Chrome 91, Firefox 89, Safari 16.4 and newer accept it.
 */
const VECTOR_MODULE = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  // One type, `() -> ()`, and one function of this type.
  ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00],
  ...[0x03, 0x02, 0x01, 0x00],
  // Its code: i64.const 0, i64x2.splat, drop, end.
  ...[0x0a, 0x09, 0x01, 0x07, 0x00, 0x42, 0x00, 0xfd, 0x12, 0x1a, 0x0b],
]);

/** Required features: name and probe. Errors list them in this order. */
const NEEDED: readonly (readonly [name: string, isThere: () => boolean])[] = [
  ['Worker', () => typeof globalThis.Worker === 'function'],
  ['WebAssembly', () => typeof globalThis.WebAssembly === 'object'],
  ['WebAssembly SIMD', () => typeof globalThis.WebAssembly !== 'object' || WebAssembly.validate(VECTOR_MODULE)],
  ['IndexedDB', () => typeof globalThis.indexedDB === 'object' && globalThis.indexedDB !== null],
  ['Web Locks (needs https or localhost)', () => typeof globalThis.navigator?.locks?.request === 'function'],
  ['MessageChannel', hasMessageChannel],
  ['RTCPeerConnection', () => typeof globalThis.RTCPeerConnection === 'function'],
];

/** Result of a probe. */
type Probed = { there: boolean } | { refused: string };

/**
 * Throws `unsupported-browser`. `details.missing` lists the features that are absent or not allowed on this page; the
 * message distinguishes the two.
 */
export function assertSupported(): void {
  const absent: string[] = [];
  const refused: string[] = [];
  const reasons: string[] = [];
  const check = (name: string, isThere: () => boolean): boolean => {
    const probed = probe(isThere);
    if ('there' in probed && probed.there) return true;
    if ('refused' in probed) {
      refused.push(name);
      reasons.push(`${name} (${probed.refused})`);
    } else {
      absent.push(name);
    }
    return false;
  };
  let complete = true;
  for (const [name, isThere] of NEEDED) complete = check(name, isThere) && complete;
  // The probe needs a channel and a connection, so it runs only if both exist.
  if (complete && channelsTransfer !== true) {
    let connection: RTCPeerConnection | undefined;
    const made = check('RTCPeerConnection', () => {
      connection = new RTCPeerConnection();
      return true;
    });
    if (made && connection !== undefined) {
      const made = connection;
      check('RTCDataChannel transfer to a worker', () => (channelsTransfer = transfers(made)));
    }
  }
  const missing = [...absent, ...refused];
  if (missing.length === 0) return;
  const sentences = [
    ...(absent.length > 0 ? [`this browser lacks ${absent.join(', ')}`] : []),
    ...(refused.length > 0 ? [`this browser blocks ${reasons.join(', ')} for this page`] : []),
  ];
  const details = refused.length > 0 ? { missing, refused } : { missing };
  throw new HeadlightError('unsupported-browser', sentences.join('; '), details);
}

function probe(isThere: () => boolean): Probed {
  try {
    return { there: isThere() };
  } catch (error) {
    return { refused: describe(error) };
  }
}

function hasMessageChannel(): boolean {
  if (typeof globalThis.MessageChannel !== 'function') return false;
  const { port1, port2 } = new MessageChannel();
  port1.close();
  port2.close();
  return true;
}

/**
 * Can a data channel be transferred through a port? Chrome 130, Firefox 144, Safari 15 and newer. Closes the
 * connection.
 */
function transfers(connection: RTCPeerConnection): boolean {
  const { port1, port2 } = new MessageChannel();
  try {
    const channel = connection.createDataChannel('probe');
    // The DOM's types do not list data channels as transferable yet.
    port1.postMessage(channel, [channel as unknown as Transferable]);
    return true;
  } catch {
    // DataCloneError: the browser does not support this transfer.
    return false;
  } finally {
    connection.close();
    port1.close();
    port2.close();
  }
}
