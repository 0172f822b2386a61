/**
 * What the values in `values.ts` must be, which Rust writes (`crates/sync-wasm/src/message_types.rs`). The compiler then
 * finds a field that only one of the two languages has, and one that is a number here and a text there.
 */

import type { ErrorDetails } from '../src/errors.js';
import type { Calls, ErrorInfo, HeaderRecord, PackedHeaders, Started, WorkerEvent } from '../src/messages.js';
import type { DialErrorCode, PeerState, Progress, SyncState } from '../src/types.js';

export type { StartOptions } from '../src/messages.js';

/** Every message of the worker to the page that Rust makes of a type. */
export interface Sent {
  events: { [T in WorkerEvent['type']]: Extract<WorkerEvent, { type: T }> };
  replies: { start: Started; peers: Calls['peers']['value']; stats: Calls['stats']['value']; error: ErrorInfo };
}

/** Names that stand for a state or a reason, and of fields that Rust sets one by one. */
export interface Names {
  SyncState: Record<SyncState, true>;
  PeerState: Record<PeerState, true>;
  DialErrorCode: Record<DialErrorCode, true>;
  HeaderRecord: Record<keyof HeaderRecord, true>;
  PackedHeaders: Record<keyof PackedHeaders, true>;
}

/** `T` with every field present, at any depth, but for those that no message brings. */
export type Full<T> = T extends string | number | boolean
  ? T
  : T extends readonly (infer Item)[]
    ? Full<Item>[]
    : { [K in Exclude<keyof T, Unsent<T>>]-?: Full<Exclude<T[K], undefined>> };

/** Fields that are set on the page, or by the relay to reader tabs. */
type Unsent<T> =
  Same<T, ErrorDetails> extends true
    ? 'missing' | 'refused' | 'url' | 'status'
    : Same<T, Progress> extends true
      ? 'leader'
      : never;

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
