//! [`Compared`]: headers that were compared with stored ones.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::id::PeerId;
use header_rules::range::BlockRange;

/// Headers that were compared, as the peers sent them; at most
/// [`COMPARED_BYTES_MAX`](crate::config::COMPARED_BYTES_MAX) bytes.
#[derive(Debug, Default)]
pub struct Compared {
    pub responses: Vec<(PeerId, BlockRange, Vec<Bytes>)>,
    pub bytes: u64,
}
