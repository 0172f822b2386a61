//! Unknown forks: headers that the machine cannot judge are neither stored nor called synced, and in the end it says
//! so. The fairness checker says that no peer is penalized for them.

use sync_core::{Event, Output, StallReason};

use super::{Check, Checker};
use crate::state::State;

#[derive(Debug, Default)]
pub(super) struct Forks {
    stall: Option<StallReason>,
}

impl Checker for Forks {
    fn name(&self) -> &'static str {
        "forks"
    }

    fn on_session(&mut self, _state: &State<'_>) -> Check {
        self.stall = None;
        Ok(())
    }

    fn on_output(&mut self, state: &State<'_>, output: &Output) -> Check {
        let from = state.options.unknown_from.unwrap_or(u64::MAX);
        match output {
            Output::Persist(batch) if batch.range().last() >= from => {
                Err(format!("stores {}, but nothing from {from} on can be judged", batch.range()))
            }
            Output::Event(Event::Synced { head }) if head.number >= from => {
                Err(format!("reported as synced to {}, but nothing from {from} on can be judged", head.number))
            }
            Output::Event(Event::Stalled(reason)) => {
                self.stall = Some(reason.clone());
                match reason {
                    StallReason::UnknownFork { number, .. } if number.is_none_or(|number| number < from) => {
                        Err(format!("{number:?} is reported as of an unknown fork, those are from {from} on"))
                    }
                    _ => Ok(()),
                }
            }
            Output::Event(Event::Resumed) => {
                self.stall = None;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn at_end(&mut self, state: &State<'_>) -> Check {
        match (&self.stall, state.options.unknown_from) {
            (Some(StallReason::UnknownFork { .. }), Some(_)) | (_, None) => Ok(()),
            (stall, Some(from)) => Err(format!("nothing from {from} on can be judged, but the state is {stall:?}")),
        }
    }
}
