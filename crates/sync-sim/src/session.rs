//! The replay of a recording: of a world, or of a real session that a page saved.
//!
//! No world is around the machine here. The file has every input, so the machine does again what it did, and the trace shows
//! it.

use recording::{ReplayError, Replayed, Step, replay};

use crate::{network::Micros, trace::Trace};

/// Replays a file. The lines are the last `keep` of its trace, also when the replay fails.
pub fn replay_file(file: &[u8], keep: usize) -> (Vec<String>, Result<Replayed, ReplayError>) {
    let mut trace = Trace::new(keep);
    let replayed = replay(file, |moment, step| {
        let now = moment.since_start().as_micros() as Micros;
        match step {
            Step::Start(start) => {
                trace.line(now, || format!("== a machine starts: {:?}, {:?}", start.chain, start.config))
            }
            Step::Input(input) => trace.input(now, input),
            Step::Output(output) => trace.output(now, output),
        }
    });
    (trace.into_lines(), replayed)
}
