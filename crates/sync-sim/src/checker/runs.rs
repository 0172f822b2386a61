//! Runs: stored runs are dropped by a reorg, or where the checkpoint is full. Then the shortest run goes: never the
//! longest, nor the one that reaches the floor. And a reorg among honest peers reverts what it must, and at most
//! [`TOO_MUCH`] headers more, whatever malicious ones deny.

use sync_core::{Checkpoint, Output, checkpoint::Subchain};

use super::{Check, Checker};
use crate::{attack::Attack, state::State};

/// Headers that are compared before a claim of a peer counts.
const TOO_MUCH: u64 = 1_024;

#[derive(Debug, Default)]
pub(super) struct Runs {
    before: Option<Checkpoint>,
    /// Is something to be removed by the transaction that is under way?
    unwinds: bool,
}

impl Checker for Runs {
    fn name(&self) -> &'static str {
        "runs"
    }

    fn on_session(&mut self, state: &State<'_>) -> Check {
        *self = Self { before: state.store.checkpoint(), unwinds: false };
        Ok(())
    }

    fn on_output(&mut self, state: &State<'_>, output: &Output) -> Check {
        match output {
            Output::Unwind { to, .. } => {
                self.unwinds = true;
                return is_needed(state, *to);
            }
            Output::Persist(_) => self.unwinds = false,
            _ => {}
        }
        Ok(())
    }

    fn on_stored(&mut self, state: &State<'_>) -> Check {
        let after = state.store.checkpoint();
        let before = core::mem::replace(&mut self.before, after.clone());
        let (Some(before), Some(after)) = (before, after) else { return Ok(()) };
        if self.unwinds {
            return Ok(());
        }
        let longest = before.subchains.iter().map(length).max();
        for run in &before.subchains {
            let kept = after.run_at(run.head).is_some_and(|now| now.tail <= run.tail);
            if !kept && (Some(length(run)) == longest || run.tail <= before.floor) {
                return Err(format!(
                    "the run {}..={} is dropped, of {} runs",
                    run.tail,
                    run.head,
                    before.subchains.len()
                ));
            }
        }
        Ok(())
    }
}

/// In a world under attack in which an honest majority is connected from the beginning: must that many headers be
/// reverted?
fn is_needed(state: &State<'_>, to: u64) -> Check {
    let kind = state.options.attack.as_ref().map(|attack| attack.kind);
    let Some(kind) = kind else { return Ok(()) };
    if matches!(kind, Attack::AloneForked | Attack::AloneForeign | Attack::AloneOrphan | Attack::ForeignMajority) {
        return Ok(());
    }
    let (pool, canonical) = (state.pool, state.canonical);
    // The new chain may be stored above the old one already.
    let mut of_others = state.store.rows().filter(|(number, owner)| !pool.holds(canonical, *owner, *number));
    match of_others.next() {
        Some((first, _)) if to + TOO_MUCH < first.saturating_sub(1) => {
            Err(format!("everything above {to} is reverted, but the chains share {}", first - 1))
        }
        _ => Ok(()),
    }
}

fn length(run: &Subchain) -> u64 {
    run.head - run.tail + 1
}
