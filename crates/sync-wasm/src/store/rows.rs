//! Layout of the database: four tables, their keys, and conversion of bytes to and from JavaScript.
//!
//! ```text
//! segments   number of the first header         -> packed segment (at most 1,024 headers)
//! index      level, bucket, sequence            -> sorted entries (see the index module)
//! meta       "checkpoint" | "index"             -> RLP of the checkpoint | state of the index
//!            "writer" | "audit"                 -> token of the last writer | position of the audit
//! peers      "book"                             -> peer data
//! ```
//!
//! Keys are plain numbers: the shortest keys of IndexedDB, in the order that we need. Values are `Uint8Array`s with
//! their own buffer (of a view the browser would store the whole buffer).

use header_rules::range::{BlockNumber, BlockRange};
use indexed_db_futures::KeyRange;
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};

use super::index::NUMBER_MAX;

/// A table (an IndexedDB object store).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// Packed headers.
    Segments,
    /// The hash index.
    Index,
    /// The checkpoint, the state of the index, the position of the audit.
    Meta,
    /// Peer data. A table of its own, so that neither waits for the transactions of the other.
    Peers,
}

/// The tables of the headers: all that a batch touches.
pub(super) const HEADER_TABLES: [Table; 3] = [Table::Segments, Table::Index, Table::Meta];

/// All tables.
pub(super) const TABLES: [Table; 4] = [Table::Segments, Table::Index, Table::Meta, Table::Peers];

/// Key of the checkpoint in [`Table::Meta`].
pub(super) const META_CHECKPOINT: &str = "checkpoint";
/// Key of the state of the index in [`Table::Meta`].
pub(super) const META_INDEX: &str = "index";
/// Key of the position of the background audit in [`Table::Meta`].
pub(super) const META_AUDIT: &str = "audit";
/// Key of the writer's token in [`Table::Meta`].
pub(super) const META_WRITER: &str = "writer";
/// Key of the one value of [`Table::Peers`].
pub(super) const PEERS_BOOK: &str = "book";

impl Table {
    /// Name of the object store.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Segments => "segments",
            Self::Index => "index",
            Self::Meta => "meta",
            Self::Peers => "peers",
        }
    }
}

/// Bytes as a value to store.
pub(super) fn to_js(bytes: &[u8]) -> JsValue {
    // Copy 3 of 3 of a header's bytes in this code: out of wasm memory, which the browser cannot store from. (The
    // browser clones and compresses the value in `put`.)
    Uint8Array::from(bytes).into()
}

/// A stored value as bytes: one copy, into wasm memory. `None` if it is no byte array, which we never write.
pub(super) fn bytes_of(value: JsValue) -> Option<Vec<u8>> {
    value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
}

/// Key of a segment.
pub(super) fn number_key(first: BlockNumber) -> f64 {
    debug_assert!(first <= NUMBER_MAX, "checked when a batch comes in, and when a number is asked for");
    first as f64
}

/// First number of the segment with this key.
pub(super) fn number_of(key: f64) -> BlockNumber {
    key as BlockNumber
}

/// Keys of the segments that begin inside the range.
pub(super) fn numbers(range: BlockRange) -> KeyRange<f64> {
    KeyRange::Bound(number_key(range.first()), false, number_key(range.last().min(NUMBER_MAX)), false)
}
