//! [`Phase`]: the step of the sync that the machine is in.
//!
//! ```text
//!   Idle -> AwaitingStore -> FillingGap -> Idle -> Synced     a gap under the target, then the next one
//!   Idle -> ComparingBranches -> Idle                         a reorg: hashes under the place where the branches differ
//!   Synced -> AwaitingStore | FillingGap                      a lower floor, another target
//! ```
//!
//! Two phases hold the [`Run`] of headers that is downloaded. A reorg that is under way ([`reorg`](super::reorg)) says why a
//! branch is compared; it may go on while the machine waits for the store.

use super::Run;

/// See the [module](self).
#[derive(Debug, Default)]
pub enum Phase {
    /// No gap is open: there is no target, it is invalid or below the floor, or the machine waits for a lookup or an
    /// unwind.
    #[default]
    Idle,
    /// The next gap is opened once the store has responded to a lookup.
    AwaitingStore,
    /// A gap is being filled: its headers are stored.
    FillingGap(Run),
    /// Headers of the target's chain are compared with stored ones; nothing of them is stored.
    ComparingBranches(Run),
    /// Everything from the floor to the target is durable.
    Synced,
}

impl Phase {
    /// Enters the next phase; asserts that the transition exists.
    pub fn enter(&mut self, next: Self) {
        debug_assert!(self.can_become(&next), "{} cannot become {}", self.name(), next.name());
        debug_assert!(
            next.run().is_none_or(|run| run.bottom <= run.anchor.number && !run.complete),
            "{} begins with nothing to download",
            next.name()
        );
        *self = next;
    }

    fn can_become(&self, next: &Self) -> bool {
        use Phase as P;
        matches!(
            (self, next),
            (_, P::Idle)
                | (P::Idle | P::AwaitingStore | P::Synced, P::AwaitingStore | P::FillingGap(_))
                | (P::Idle, P::ComparingBranches(_) | P::Synced)
        )
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::AwaitingStore => "AwaitingStore",
            Self::FillingGap(_) => "FillingGap",
            Self::ComparingBranches(_) => "ComparingBranches",
            Self::Synced => "Synced",
        }
    }

    /// The run that is downloaded, in either phase.
    pub fn run(&self) -> Option<&Run> {
        match self {
            Self::FillingGap(run) | Self::ComparingBranches(run) => Some(run),
            Self::Idle | Self::AwaitingStore | Self::Synced => None,
        }
    }

    /// The same, mutable.
    pub fn run_mut(&mut self) -> Option<&mut Run> {
        match self {
            Self::FillingGap(run) | Self::ComparingBranches(run) => Some(run),
            Self::Idle | Self::AwaitingStore | Self::Synced => None,
        }
    }

    /// The run whose headers are stored.
    pub fn filling(&self) -> Option<&Run> {
        if let Self::FillingGap(run) = self { Some(run) } else { None }
    }

    /// Closes the run, if one is open.
    pub fn close_run(&mut self) {
        if self.run().is_some() {
            self.enter(Self::Idle);
        }
    }

    /// Stops waiting for the store before the next gap is opened.
    pub fn stop_waiting(&mut self) {
        if self.is_awaiting_store() {
            self.enter(Self::Idle);
        }
    }

    /// Is the next gap opened once the store has responded?
    pub fn is_awaiting_store(&self) -> bool {
        matches!(self, Self::AwaitingStore)
    }

    /// Are hashes of a branch compared?
    pub fn is_comparing(&self) -> bool {
        matches!(self, Self::ComparingBranches(_))
    }

    /// Is everything durable?
    pub fn is_synced(&self) -> bool {
        matches!(self, Self::Synced)
    }
}
