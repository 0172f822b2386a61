//! The sources of headers. Every source is a contiguous range of one chain with fast access to any header.
//!
//! | source | flag | memory |
//! |---|---|---|
//! | [`GeneratedSource`] | `--generate N` | 48 bytes a header; the RLP is generated on request |
//! | [`PackedSource`] from [`era1`] | `--era1 PATH` | the RLP of all headers and 52 bytes each |
//! | [`PackedSource`] from [`rlp`] | `--rlp FILE`, `--headers FILE` | the same |
//! | [`ForkedSource`] | `--fault forked` | the RLP of the headers above the fork |
//! | [`PrunedSource`] | `--fault pruned` | none of its own |
//!
//! A file is untrusted: loading checks that it is one chain (numbers and parent hashes), and reports an error in one
//! line with the file's name. No consensus rule is applied: see [`crate::header`].

mod e2store;
pub mod era1;
mod forked;
mod generated;
mod index;
mod packed;
mod pruned;
pub mod rlp;

use std::path::PathBuf;

use alloy_primitives::B256;
use bytes::Bytes;

pub use forked::ForkedSource;
pub use generated::{GENERATED_HEADERS_MAX, GeneratedSource};
pub use packed::{PackedBuilder, PackedSource};
pub use pruned::PrunedSource;

/// A contiguous range of headers of one chain.
pub trait HeaderSource: Send + Sync + 'static {
    /// Lowest number served.
    fn earliest(&self) -> u64;
    /// Highest number served.
    fn latest(&self) -> u64;
    /// RLP of the header with this number.
    fn by_number(&self, number: u64) -> Option<Bytes>;
    /// Number of the header with this hash.
    fn number_of(&self, hash: &B256) -> Option<u64>;
    /// Hash of the header with this number.
    fn hash_of(&self, number: u64) -> Option<B256>;
    /// Cost of this header: the number of headers that the source must generate for it.
    fn work(&self, _number: u64) -> u64 {
        0
    }
    /// Hash of block 0, if the source holds block 0 or block 1.
    fn genesis(&self) -> Option<B256>;

    /// Number of headers.
    fn count(&self) -> u64 {
        self.latest() - self.earliest() + 1
    }
}

/// Why a source cannot be served: one line with the name of the file.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file cannot be read.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        error: std::io::Error,
    },
    /// The content of the file is invalid.
    #[error("{}: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Reason and position.
        what: String,
    },
}

impl SourceError {
    /// An error of the system for this file.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { path, error }
    }

    /// Invalid content of this file.
    pub fn damaged(path: impl Into<PathBuf>, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.into(), what: what.into() }
    }
}

impl HeaderSource for std::sync::Arc<dyn HeaderSource> {
    fn earliest(&self) -> u64 {
        (**self).earliest()
    }

    fn latest(&self) -> u64 {
        (**self).latest()
    }

    fn by_number(&self, number: u64) -> Option<Bytes> {
        (**self).by_number(number)
    }

    fn number_of(&self, hash: &B256) -> Option<u64> {
        (**self).number_of(hash)
    }

    fn hash_of(&self, number: u64) -> Option<B256> {
        (**self).hash_of(number)
    }

    fn work(&self, number: u64) -> u64 {
        (**self).work(number)
    }

    fn genesis(&self) -> Option<B256> {
        (**self).genesis()
    }
}
