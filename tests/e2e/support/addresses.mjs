// Multiaddresses for tests: of peers that do not exist, and other forms of one peer's address.

import { createHash, randomBytes } from 'node:crypto';

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** A random libp2p peer id: an ed25519 key of random bytes (libp2p peer-ids spec). */
export function strangerId() {
  // Identity multihash of a protobuf: key type 1 (ed25519), 32 bytes.
  const bytes = Buffer.concat([Buffer.from('00240801' + '1220', 'hex'), randomBytes(32)]);
  let number = BigInt(`0x${bytes.toString('hex')}`);
  let text = '';
  for (; number > 0n; number /= 58n) text = BASE58[Number(number % 58n)] + text;
  // The leading zero byte.
  return `1${text}`;
}

/** A valid address without a peer. */
export function stranger(port = 9) {
  const certhash = multihash('12', createHash('sha256').update(String(port)).digest());
  return `/ip4/127.0.0.1/udp/${port}/webrtc-direct/certhash/${certhash}/p2p/${strangerId()}`;
}

/** A SHA-512 hash as a `/certhash`; libp2p peers use SHA-256, and an address may name both. */
export function sha512Certhash() {
  return multihash('13', createHash('sha512').update('a certificate').digest());
}

function multihash(code, digest) {
  const bytes = Buffer.concat([Buffer.from(code, 'hex'), Buffer.from([digest.length]), digest]);
  return `u${bytes.toString('base64url')}`;
}
