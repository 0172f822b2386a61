/**
 * The one error class of the package. Each failure that a caller can cause or react to has a code; the message is one
 * sentence for people, `details` holds the same facts for programs.
 */

import type { DialError } from './types.js';

/** Error codes. */
export type ErrorCode =
  /** An option or argument has the wrong type, is missing, or is out of range; `details.option` names it. */
  | 'bad-option'
  /** A multiaddress does not parse, or cannot be dialled from a browser. */
  | 'bad-multiaddr'
  /**
   * This browser lacks a feature that Headlight needs, or does not allow it on this page (a sandboxed frame, blocked
   * cookies, a limit that is reached); `details.missing` lists the features.
   */
  | 'unsupported-browser'
  /**
   * `peersUrl` did not respond in time, or the response is not a peer list. The sync runs without the list and retries:
   * this code comes in an `error` event.
   */
  | 'no-peers-url'
  /** The peer list is for another chain than `chain`. */
  | 'wrong-chain'
  /** The database cannot be opened: private mode, blocked by the user, or written by a newer version. */
  | 'storage-unavailable'
  /** The site's storage quota is used up. */
  | 'storage-full'
  /** The database reported an error. */
  | 'storage-failed'
  /** Stored data is damaged and was removed. The headers are downloaded again. */
  | 'storage-damaged'
  /** This tab is a reader: another tab writes the store. */
  | 'follower'
  /**
   * A reorg changed the store during `getHeaders`. `details.from` is the first number of the new branch,
   * `details.expected` the hash of the previous header, `details.got` the parent hash that was found. Start again.
   */
  | 'reorged'
  /** More peers than the limit. */
  | 'too-many-peers'
  /** More than 1,024 calls are pending; await some first. */
  | 'busy'
  /** The worker could not be loaded, or it crashed. */
  | 'worker-failed'
  /** A field of a header does not fit a JavaScript number; `details.option` is its name, `details.got` its value. */
  | 'inexact-number'
  /** The sync was stopped by `stop()`. */
  | 'stopped'
  /**
   * The header does not have the form of an Ethereum header, so its fields cannot be named; `details.option` is the
   * first field that does not fit. `items` and `rlp` of the header stay readable.
   */
  | 'unsupported-header'
  /** A bug in Headlight. */
  | 'internal';

/** Facts about an error, for programs; only those that apply are present. */
export interface ErrorDetails {
  /** The value that was found. */
  got?: string;
  /** The value that was expected. */
  expected?: string;
  /** Path of the option or argument: `chain.genesis`. */
  option?: string;
  /** Features that the browser lacks. */
  missing?: string[];
  /** Features in `missing` that the browser has but does not allow on this page. */
  refused?: string[];
  /** The URL that failed. */
  url?: string;
  /** The HTTP status of the response. */
  status?: number;
  /** The hash in question. */
  hash?: string;
  /** The multiaddress or peer in question. */
  multiaddr?: string;
  /** First block number of the range in question. */
  from?: number;
  /** Last block number of that range, included. */
  to?: number;
  /** Actual number. */
  have?: number;
  /** Required number. */
  need?: number;
  /** Number of peers asked. */
  asked?: number;
  /** The tip that each peer reports, by peer id; at most 16. */
  tips?: { peer: string; number: number; hash: string }[];
  /** Reasons of failed dials, on the stall `no-peers`; at most eight, `peers()` has all. */
  dialErrors?: (DialError & { peer: string; multiaddr: string })[];
}

/** Every promise of this package rejects with this class. */
export class HeadlightError extends Error {
  override readonly name = 'HeadlightError';
  /** A newer version may add codes: treat an unknown one as `internal`. */
  readonly code: ErrorCode;
  /** The same facts for programs. */
  readonly details: ErrorDetails | undefined;

  constructor(code: ErrorCode, message: string, details?: ErrorDetails, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/** One sentence for a thrown value of any type. */
export function describe(error: unknown): string {
  try {
    // A DOMException is an Error whose name says more than its message.
    if (error instanceof Error) return error.name === 'Error' ? error.message : `${error.name}: ${error.message}`;
    return String(error);
  } catch {
    // An object without a prototype has no text.
    return `an exception of type ${typeof error}`;
  }
}

/** Converts a thrown value to a `HeadlightError`; `what` names the action that failed. */
export function toHeadlightError(error: unknown, what: string): HeadlightError {
  if (error instanceof HeadlightError) return error;
  return new HeadlightError('internal', `${what}: ${describe(error)}`, undefined, { cause: error });
}

/** The error for an invalid option. `got` is shortened: it may be any value. */
export function badOption(option: string, expected: string, got: unknown): HeadlightError {
  const shown = shorten(got);
  const details = { option, expected, got: shown };
  return new HeadlightError('bad-option', `${option} must be ${expected}, got ${shown}`, details);
}

/** Most characters of an invalid value that an error shows. */
export const SHOWN_CHARACTERS_MAX = 80;

/** A short text for any value. */
export function shorten(value: unknown): string {
  let text: string;
  try {
    const asJson = typeof value === 'string' || value instanceof Object;
    text = asJson ? (JSON.stringify(value) ?? typeof value) : String(value);
  } catch {
    // Cyclic objects and bigints inside objects have no JSON, so only the type is shown.
    text = typeof value;
  }
  return text.length <= SHOWN_CHARACTERS_MAX ? text : `${text.slice(0, SHOWN_CHARACTERS_MAX)}…`;
}
