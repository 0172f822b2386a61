//! A virtual world that tries to break the machine: each seed is one world, and every run of a seed is the same run.
//!
//! A world has one [`HeaderSync`](sync_core::HeaderSync) in a process that may die, a store that may fail, peers that
//! may be malicious, links that may lose messages, a chain that grows and is reorganised, and a user who changes the
//! target. Which of these a world has, and how much, is drawn from the seed ([`options`]); the [`checker`]s check the
//! properties that must hold in every world.
//!
//! ```text
//!   options --drawn from the seed--> script   peers   network   store          chain: headers of all worlds
//!                                      |        |        |        |
//!                                      v        v        v        v
//!            checkers <--sees--- world: the clock, what is going to happen ---> trace: one hash for all of it
//!                                      |   ^
//!                                Input v   | Output        host: gives and carries out
//!                                   HeaderSync
//! ```
//!
//! Trouble ends at a moment that is drawn too. From then on the world is quiescent: honest peers agree and respond, the
//! store works, and the sync must end within a bound; faulty peers stay as they are. A world in which nothing could go
//! wrong would end the same: the store must hold exactly the headers that it would hold then.
//!
//! Every fifth seed, and some others, is a world under [`attack`]: only malicious peers, or one event, cause trouble there. Such a world is
//! run twice, with its malicious peers and without, and must not take much longer with them ([`checker::progress`]). In
//! some of the other worlds a part of the same malicious peers are intruders beside everything else.
//!
//! # Run it
//!
//! ```text
//!   cargo run -p sync-sim --profile sim -- --seeds 0..100000 --jobs 2
//!   cargo run -p sync-sim --profile sim -- --replay 5372 --trace
//!   cargo run -p sync-sim --profile sim -- --seeds 0..1000 --until-violation
//!   cargo run -p sync-sim --profile sim -- attack
//!   cargo run -p sync-sim --profile sim -- --replay 5372 --record 5372.headlight
//!   cargo run -p sync-sim --profile sim -- --replay 5372.headlight --trace
//! ```
//!
//! The first prints its rate, what its worlds reached (a crash between two writes, a stall for each reason, ...), and each
//! violation with the line that replays it; it exits with 1 when there is one. The second prints how the world was drawn,
//! every input and output with its moment, and the violation. Read such a trace from its end: what the checker says, then
//! the last `->` (input) and `<-` (output) that speak of the same number, request or batch. With `--peace` a world under
//! attack is replayed without its malicious peers.
//!
//! The third stops at the first violation and prints how many seeds that took: so many does the simulator need to find a
//! bug that was put into the machine by hand. The fourth prints the attack [`table`]: how much longer a sync takes under
//! attack, by the kind and number of attackers and their new ids a second; it exits with 1 when a limit is exceeded.
//!
//! The last two write the [`recording`] of a world's machines, and replay a recording: this one or one that a page saved
//! ([`session`]). A replay exits with 1 when the machine gives other outputs than the recorded one.
//!
//! # Add to it
//!
//! * **A kind of peer**: a variant of [`peer::Behavior`], its branch in `SimPeer::respond`, its line in `draw_faulty` (or
//!   `draw_honest`, and `is_honest`, when no fault may be held against it) of [`options`].
//! * **Something that happens**: a variant of [`script::Step`], its draw in `Script::draw`, its arm in `World::take`.
//! * **A kind of world**: a variant of [`special::Special`], with what it changes in the peers and in the script.
//! * **A kind of attack**: a variant of [`attack::Attack`] with its weight (or with seeds of its own, so that other seeds stay
//!   what they are) and its setup; for the table, a variant of
//!   [`table::Attacker`].
//! * **A checker**: a type that implements [`checker::Checker`], listed in [`checker::all`]. It sees all inputs, outputs and
//!   transactions with the [`state`] of the world, and says what is wrong as a sentence with got and expected.
//! * **An output of the machine**: an arm in `World::carry_out` (`host`), and one in [`trace`] when it says anything that
//!   later outputs do not.
//!
//! A checker that never fires shows nothing: [`mutation`] plays deliberate bugs, each of which must be found within two
//! hundred seeds (a bug that only an attack shows: within the two hundred worlds under attack of a thousand seeds), and
//! the test of five hundred worlds lists what they must have reached.
//!
//! # What bounds it
//!
//! The library has no thread, no clock and no randomness but the seed's, so it runs in a browser as it does natively. A
//! world takes some 7 ms, one under attack some 20: 2,000 and more headers are hashed and verified for real, and little
//! else costs anything, because all worlds share one [`Pool`] of chains and a virtual store keeps no bytes.

#![forbid(unsafe_code)]

pub mod outcome;
#[allow(missing_debug_implementations, reason = "a world is shown by its trace, line by line")]
pub mod world;

mod events;
mod host;
pub mod mutation;
pub mod session;

pub mod checker;
pub mod state;
pub mod trace;

pub mod options;
pub mod peer;
pub mod script;
pub mod special;

pub mod attack;
pub mod churn;
pub mod scene;
pub mod table;

pub mod store;

pub mod chain;
pub mod header;
pub mod network;
pub mod rng;

pub use chain::Pool;
pub use mutation::Bug;
pub use options::Options;
pub use outcome::{Outcome, Violation};

use world::World;

/// The world of this seed, with the moment by which its sync must be done. An error is what became of a world that
/// violated something even without its malicious peers.
///
/// # Errors
///
/// See above.
pub fn draw(pool: &Pool, seed: u64) -> Result<Options, Box<Outcome>> {
    checker::progress::with_due(pool, Options::draw(seed, pool))
}

/// Runs the world of this seed.
pub fn run(pool: &Pool, seed: u64) -> Outcome {
    replay(pool, seed, None, 0)
}

/// Runs the world of this seed with a deliberate bug.
pub fn run_with_bug(pool: &Pool, seed: u64, bug: Bug) -> Outcome {
    replay(pool, seed, Some(bug), 0)
}

/// Runs the world of this seed, with a deliberate bug if there is one, and keeps its last `lines` lines.
pub fn replay(pool: &Pool, seed: u64, bug: Option<Bug>, lines: usize) -> Outcome {
    match draw(pool, seed) {
        Ok(options) => World::new(pool, options, bug, lines).run(),
        Err(outcome) => *outcome,
    }
}
