//! [`Run`]: the download of one gap.

use bytes::Bytes;

use crate::{
    checkpoint::Subchain,
    lineage::{Anchor, Lineage},
};
use header_rules::range::BlockNumber;

/// A gap that is being filled.
#[derive(Debug)]
pub struct Run {
    /// Verifies headers one after another.
    pub lineage: Lineage,
    /// What the next older header must be.
    pub anchor: Anchor,
    /// Lowest number of the gap.
    pub bottom: BlockNumber,
    /// The older subchain that begins right under it.
    pub meets: Option<Subchain>,
    /// The header that it ends with, above, if the store has it.
    pub parent: Option<Bytes>,
    /// Another chain broke a rule before, and no header of this run is verified yet: one response may show that it is
    /// the same chain.
    pub untried: bool,
    /// The anchor has passed the bottom.
    pub complete: bool,
}
