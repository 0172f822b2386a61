/**
 * Names of blocks: a hash, a number with a hash, a range of numbers.
 *
 * @module
 */

/** 32 bytes as `0x` and 64 hex digits: a Keccak-256 hash. */
export type Hash = `0x${string}`;

/** Bytes as `0x` and hex digits. */
export type Hex = `0x${string}`;

/** A block by number and hash. */
export interface BlockRef {
  number: number;
  hash: Hash;
}

/** A range of block numbers, both ends included. */
export interface BlockRange {
  from: number;
  to: number;
}
