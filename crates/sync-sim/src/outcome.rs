//! What became of a world.

use std::collections::BTreeMap;

use crate::network::Micros;

/// The violation: what is wrong, the checker that found it, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Name of the checker.
    pub checker: &'static str,
    /// What it saw.
    pub what: String,
    /// When.
    pub at: Micros,
}

/// What became of a world.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The first thing that was wrong.
    pub violation: Option<Violation>,
    /// Hash of everything that went in and came out.
    pub trace_hash: u64,
    /// Headers that the store held in the end.
    pub headers: u64,
    /// Headers that the machine verified, those verified again included.
    pub linked: u64,
    /// When it ended.
    pub ended_at: Micros,
    /// When everything was stored, if it was.
    pub whole_at: Option<Micros>,
    /// Time from quiescent to the end of the sync; zero when it was over before.
    pub took: Micros,
    /// How long that might have taken.
    pub might_take: Micros,
    /// Processes that ran.
    pub sessions: u32,
    /// What happened in it, by name, and how often: that a sweep reaches what it is meant to.
    pub reached: BTreeMap<&'static str, u64>,
    /// The last lines of the trace.
    pub lines: Vec<String>,
    /// The recording of its machines, if one was asked for ([`World::recorded`](crate::world::World::recorded)).
    pub recording: Option<Vec<u8>>,
}
