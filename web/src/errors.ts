/**
 * The one error class of the package. Each failure that a caller can cause, or react to, has a code of its own; the
 * message is one sentence for people, `details` are the same facts for programs.
 */

import type { DialError } from './types.js';

/** What went wrong. */
export type ErrorCode =
  /** An option or argument has the wrong type, is missing, or is out of range; `details.option` names it. */
  | 'bad-option'
  /** A multiaddress does not parse, or cannot be dialled from a browser. */
  | 'bad-multiaddr'
  /**
   * This browser lacks something that Headlight cannot do without, or refuses it to this page (a sandboxed frame, blocked
   * cookies, a limit that is reached); `details.missing` lists it.
   */
  | 'unsupported-browser'
  /**
   * `peersUrl` did not answer in time, or its answer is no peer list. The sync goes on without the list, and asks for it
   * again: this code comes in an `error` event.
   */
  | 'no-peers-url'
  /** The peer list is for another chain than the one that was asked for. */
  | 'wrong-chain'
  /** The database cannot be opened: private mode, blocked by the user, or written by a newer version. */
  | 'storage-unavailable'
  /** The site's storage quota is used up. */
  | 'storage-full'
  /** The database reported an error. */
  | 'storage-failed'
  /** What is stored does not hold together; it is dropped. Headers are downloaded again. */
  | 'storage-damaged'
  /** This tab is a follower: another one writes the store. */
  | 'follower'
  /**
   * A walk over stored headers met another chain: the store followed a reorg meanwhile. `details.from` is the number
   * from which the headers are of the new chain, `details.expected` the hash of the header handed out before it,
   * `details.got` the parent hash that was found. Begin the walk again.
   */
  | 'reorged'
  /** More peers than the limit. */
  | 'too-many-peers'
  /** More than 1,024 calls are unanswered; await some first. */
  | 'busy'
  /** The worker could not be loaded, or it crashed. */
  | 'worker-failed'
  /** A field of a header does not fit a JavaScript number; `details.got` is its value, `details.option` its name. */
  | 'inexact-number'
  /** The sync was stopped by `stop()`. */
  | 'stopped'
  /**
   * A header of a chain that the package does not know has another form than Ethereum's, so its fields have no names
   * here; `details.option` is the first that does not fit. `items` and `rlp` of the header stay readable.
   */
  | 'unsupported-header'
  /** A defect of Headlight. */
  | 'internal';

/** Facts about an error, for programs; only what applies is present. */
export interface ErrorDetails {
  /** What was found. */
  got?: string;
  /** What should have been there. */
  expected?: string;
  /** The option or argument that it is about, as a path: `chain.genesis`. */
  option?: string;
  /** What the browser lacks. */
  missing?: string[];
  /** Of these, what the browser has and refuses to this page. */
  refused?: string[];
  /** The URL that it is about. */
  url?: string;
  /** The HTTP status that came. */
  status?: number;
  /** The hash that it is about. */
  hash?: string;
  /** The multiaddress or peer that it is about. */
  multiaddr?: string;
  /** First block number of the range that it is about. */
  from?: number;
  /** Last block number of that range, inside it. */
  to?: number;
  /** How many there are. */
  have?: number;
  /** How many there must be. */
  need?: number;
  /** How many peers were asked. */
  asked?: number;
  /** Which tip each peer names, by its peer id; at most 16. */
  tips?: { peer: string; number: number; hash: string }[];
  /** Why peers could not be dialled, on the stall `no-peers`; eight at most, `peers()` has all. */
  dialErrors?: (DialError & { peer: string; multiaddr: string })[];
}

/** What every rejected promise of this package rejects with. */
export class HeadlightError extends Error {
  override readonly name = 'HeadlightError';
  /** What went wrong. Unknown codes may come with newer versions: treat them as `internal`. */
  readonly code: ErrorCode;
  /** Facts for programs. */
  readonly details: ErrorDetails | undefined;

  constructor(code: ErrorCode, message: string, details?: ErrorDetails, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/** One sentence for anything that was thrown. */
export function describe(error: unknown): string {
  try {
    // A DOMException is an Error, and its name says more than its message.
    if (error instanceof Error) return error.name === 'Error' ? error.message : `${error.name}: ${error.message}`;
    return String(error);
  } catch {
    // An object without a prototype has no text.
    return `an exception of type ${typeof error}`;
  }
}

/** Anything that was thrown, as the error class of this package; `what` says what was being done. */
export function toHeadlightError(error: unknown, what: string): HeadlightError {
  if (error instanceof HeadlightError) return error;
  return new HeadlightError('internal', `${what}: ${describe(error)}`, undefined, { cause: error });
}

/** One clear error for one bad option. `got` is shown shortened: it may be anything. */
export function badOption(option: string, expected: string, got: unknown): HeadlightError {
  const shown = shorten(got);
  const details = { option, expected, got: shown };
  return new HeadlightError('bad-option', `${option} must be ${expected}, got ${shown}`, details);
}

/** Longest text of a wrong value that an error repeats, in characters. */
export const SHOWN_CHARACTERS_MAX = 80;

/** A text of bearable length for any value. */
export function shorten(value: unknown): string {
  let text: string;
  try {
    const asJson = typeof value === 'string' || value instanceof Object;
    text = asJson ? (JSON.stringify(value) ?? typeof value) : String(value);
  } catch {
    // Cyclic objects and bigints inside objects have no JSON: their type says enough.
    text = typeof value;
  }
  return text.length <= SHOWN_CHARACTERS_MAX ? text : `${text.slice(0, SHOWN_CHARACTERS_MAX)}…`;
}
