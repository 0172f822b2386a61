//! Clique: a chain whose headers are signed by authorities (EIP-225).
//!
//! The headers name the signers: the genesis lists the first signers in its extra data, a signer votes for or against
//! one account in each header that it signs (`beneficiary`, `nonce`), and every `epoch` headers a *checkpoint* repeats
//! the list and clears the votes. So the [`Snapshot`] of its parent is enough to check a header, and a snapshot can
//! start at any checkpoint.
//!
//! ```text
//!   extra data of a header       32 free bytes |                        | 65 bytes of seal
//!   extra data of a checkpoint   32 free bytes | signers, 20 bytes each | 65 bytes of seal
//! ```
//!
//! | file | what |
//! |---|---|
//! | `seal` | the parts of the extra data; the signer of a header |
//! | `form` | checks of a header by itself |
//! | `vote` | votes that wait for a majority |
//! | `snapshot` | signers, votes and recent signers; applies one header |
//! | `record` | the stored form of a snapshot |
//! | `violation` | broken rules |
//!
//! Bounds: [`CLIQUE_SIGNERS_MAX`](header_rules::chain::CLIQUE_SIGNERS_MAX) and
//! [`CLIQUE_VOTES_MAX`](crate::limits::CLIQUE_VOTES_MAX). Without a signer's key, an attacker can make us recover one
//! key per forged header.

mod form;
mod record;
mod seal;
mod snapshot;
mod violation;
mod vote;

use core::num::NonZeroU64;

use header_rules::{
    chain::{CLIQUE_EPOCH, CLIQUE_EXTRA_BYTES},
    range::BlockNumber,
};

pub use seal::{SEAL_BYTES, VANITY_BYTES, recover_signer, seal_hash};
pub use snapshot::Snapshot;
pub use violation::CliqueViolation;

/// Headers from one checkpoint to the next where a genesis file names no number.
const EPOCH_LENGTH_DEFAULT: NonZeroU64 = NonZeroU64::new(CLIQUE_EPOCH).expect("not 0");

// The rules of `header-rules` allow a header exactly the extra data that this module reads.
const _: () = assert!(CLIQUE_EXTRA_BYTES == VANITY_BYTES + SEAL_BYTES);

/// Parameters of a clique chain, from its genesis file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clique {
    period: u64,
    epoch: NonZeroU64,
}

impl Clique {
    /// `period`: least seconds between a header and its parent. `epoch`: headers from one checkpoint to the next; 0 means
    /// the 30,000 of the EIP.
    pub const fn new(period: u64, epoch: u64) -> Self {
        let epoch = match NonZeroU64::new(epoch) {
            Some(epoch) => epoch,
            None => EPOCH_LENGTH_DEFAULT,
        };
        Self { period, epoch }
    }

    /// Least seconds between a header and its parent.
    pub const fn period(self) -> u64 {
        self.period
    }

    /// Headers from one checkpoint to the next.
    pub const fn epoch(self) -> u64 {
        self.epoch.get()
    }

    /// Does this header list the signers?
    pub const fn is_checkpoint(self, number: BlockNumber) -> bool {
        number.is_multiple_of(self.epoch.get())
    }

    /// The highest checkpoint at or below `number`: the first header for a reader of `number`.
    pub const fn checkpoint_at_or_below(self, number: BlockNumber) -> BlockNumber {
        number - number % self.epoch.get()
    }
}
