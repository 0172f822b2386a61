//! Safety: whatever happens, the store holds nothing but headers under a target that was honest or pinned, its checkpoint
//! is true of what it holds, and in the end it holds exactly what a run without any trouble would have stored.

use header_rules::range::BlockRange;
use sync_core::{Event, Output, etl::HeaderBatch};

use super::{Check, Checker};
use crate::{chain::View, state::State};

#[derive(Debug, Default)]
pub(super) struct Safety;

impl Checker for Safety {
    fn name(&self) -> &'static str {
        "safety"
    }

    /// What a process finds when it starts is true, wherever the last one died.
    fn on_session(&mut self, state: &State<'_>) -> Check {
        state.store.audit(state.pool)
    }

    fn on_output(&mut self, state: &State<'_>, output: &Output) -> Check {
        match output {
            Output::Persist(batch) => descends_from_a_target(state, batch),
            Output::Event(Event::Synced { head }) => {
                let (branch, number) = state.pool.locate(head.hash).ok_or("synced to a header of no chain")?;
                // What was asked for, whatever peers say that they serve.
                let floor = state.options.config.floor;
                let whole = BlockRange::new(floor, number).ok_or("synced to a target under its floor")?;
                if number == head.number && state.store.holds(state.pool, View { branch, tip: number }, whole) {
                    return Ok(());
                }
                Err(format!("reported as synced to {number}, but {whole} is not all stored"))
            }
            Output::Event(Event::Progress(progress)) if !state.store_is_busy => {
                let (said, stored) = (progress.stored, state.store.stored());
                if said > stored { Err(format!("reported {said} headers as stored, {stored} are")) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    fn on_stored(&mut self, state: &State<'_>) -> Check {
        state.store.audit(state.pool)
    }

    fn at_end(&mut self, state: &State<'_>) -> Check {
        if state.options.unknown_from.is_some() {
            // The goal cannot be reached; what is stored was looked at with each transaction.
            return state.store.audit(state.pool);
        }
        let (pool, goal) = (state.pool, state.options.script.goal);
        let floor = state.options.pruned_below.unwrap_or(state.options.script.floor);
        let whole = BlockRange::new(floor, goal.tip).ok_or("an empty goal")?;
        if !state.store.holds(pool, goal, whole) {
            return Err(format!("the store does not hold {whole} of the target's chain"));
        }
        let tip = pool.tip(goal);
        let checkpoint = state.store.checkpoint().ok_or("no checkpoint in the end")?;
        let run = checkpoint.run_at(goal.tip).ok_or("the checkpoint does not cover the target")?;
        if run.tail > floor || (run.head == tip.number && run.head_hash != tip.hash) {
            return Err(format!("the checkpoint's run {}..={} is not {whole}", run.tail, run.head));
        }
        // What else is stored was a target's once, and above the target only what descends from it.
        for (number, owner) in state.store.rows().filter(|(number, _)| !whole.contains(*number)) {
            let mut views = state.legit.iter().filter(|view| pool.holds(**view, owner, number));
            let fits = views.any(|view| {
                number < floor
                    || pool.owner(goal.branch, goal.tip).is_some_and(|owner| pool.holds(*view, owner, goal.tip))
            });
            if !fits {
                return Err(format!("header {number} outside {whole} is still stored"));
            }
        }
        Ok(())
    }
}

fn descends_from_a_target(state: &State<'_>, batch: &HeaderBatch) -> Check {
    let range = batch.range();
    let top = batch.hash_index().iter().find(|entry| entry.number == range.last());
    let top = top.ok_or_else(|| format!("batch {range} has no hash for its highest header"))?;
    let Some((owner, number)) = state.pool.locate(top.hash) else {
        return Err(format!("batch {range} is of no chain"));
    };
    // Its other headers are compared with the ancestors of this one when they are written.
    if state.legit.iter().any(|view| state.pool.holds(*view, owner, number)) {
        return Ok(());
    }
    Err(format!("batch {range} lies under no target that was honest or pinned"))
}
