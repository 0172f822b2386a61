/**
 * What a block is named by: a hash, a number and a hash, a range of numbers.
 *
 * @module
 */

/** 32 bytes as `0x` and 64 hex digits: a Keccak-256 hash. */
export type Hash = `0x${string}`;

/** Bytes as `0x` and hex digits. */
export type Hex = `0x${string}`;

/** One block by number and hash. */
export interface BlockRef {
  number: number;
  hash: Hash;
}

/** A run of block numbers, both ends inside. */
export interface BlockRange {
  from: number;
  to: number;
}
