//! [`Compared`]: headers that were compared with stored ones.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::id::PeerId;
use header_rules::range::BlockRange;

/// Headers that were compared, as the peers sent them; as much as [`COMPARED_BYTES_MAX`] holds.
#[derive(Debug, Default)]
pub struct Compared {
    pub responses: Vec<(PeerId, BlockRange, Vec<Bytes>)>,
    pub bytes: u64,
}
