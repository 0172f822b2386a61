//! The virtual world that tries to break the machine.
pub mod chain;
pub mod chance;
pub mod checker;
pub mod header;
mod host;
pub mod network;
pub mod options;
pub mod peer;
pub mod saboteur;
pub mod script;
pub mod state;
pub mod store;
pub mod trace;
pub mod world;

pub use chain::Pool;
pub use options::Options;
pub use saboteur::Bug;
pub use world::{Outcome, Violation};

/// Runs the world of this seed.
pub fn run(pool: &Pool, seed: u64) -> Outcome {
    world::World::new(pool, Options::draw(seed, pool), None, 0).run()
}

/// Runs the world of this seed with a deliberate bug.
pub fn run_with_bug(pool: &Pool, seed: u64, bug: Bug) -> Outcome {
    world::World::new(pool, Options::draw(seed, pool), Some(bug), 0).run()
}

/// Runs the world of this seed and keeps its last `lines` lines.
pub fn replay(pool: &Pool, seed: u64, bug: Option<Bug>, lines: usize) -> Outcome {
    world::World::new(pool, Options::draw(seed, pool), bug, lines).run()
}
