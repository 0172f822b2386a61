//! What must hold in every world. Each checker has a name and watches everything that goes in and comes out; the first
//! that is not satisfied ends the world.
//!
//! A new one implements [`Checker`] and is listed in [`all`]. Liveness is kept by the world itself: it is a deadline
//! ([`Options::deadline`](crate::options::Options::deadline)), a tight one in worlds under attack ([`progress`]).

mod bounds;
mod correlation;
mod escalation;
mod fairness;
mod forks;
mod merit;
mod numbers;
pub mod progress;
mod runs;
mod safety;
mod sizes;
mod sleep;

pub use bounds::POLLS_MAX;
use sync_core::{Input, Output};

use crate::state::State;

/// Satisfied, or what is wrong.
pub type Check = Result<(), String>;

/// Watches a world. All methods see the state as it is when the thing happens, before it has any effect.
pub trait Checker {
    /// Its name, as it stands in a report.
    fn name(&self) -> &'static str;

    /// A process starts; everything that the one before had in memory is gone.
    fn on_session(&mut self, _state: &State<'_>) -> Check {
        Ok(())
    }

    /// The machine is given this.
    fn on_input(&mut self, _state: &State<'_>, _input: &Input) -> Check {
        Ok(())
    }

    /// The machine gave this.
    fn on_output(&mut self, _state: &State<'_>, _output: &Output) -> Check {
        Ok(())
    }

    /// The machine is drained after so many polls.
    fn on_drained(&mut self, _state: &State<'_>, _polls: usize) -> Check {
        Ok(())
    }

    /// A transaction was committed.
    fn on_stored(&mut self, _state: &State<'_>) -> Check {
        Ok(())
    }

    /// The sync is over.
    fn at_end(&mut self, _state: &State<'_>) -> Check {
        Ok(())
    }
}

/// Every checker.
pub fn all() -> Vec<Box<dyn Checker>> {
    vec![
        Box::<safety::Safety>::default(),
        Box::<correlation::Correlation>::default(),
        Box::<bounds::Bounds>::default(),
        Box::<escalation::Escalation>::default(),
        Box::<fairness::Fairness>::default(),
        Box::<forks::Forks>::default(),
        Box::<merit::Merit>::default(),
        Box::<numbers::Numbers>::default(),
        Box::<runs::Runs>::default(),
        Box::<sizes::Sizes>::default(),
        Box::<sleep::Sleep>::default(),
    ]
}
