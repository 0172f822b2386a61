//! [`replay()`]: runs the machines of a recording again.

use header_rules::chain::ChainSpec;
use sync_core::{Checkpoint, HeaderSync, Input, Output, PeerBook, time::Instant};

use crate::{
    Digest,
    file::{MAGIC, Record, Start},
};

/// Polls in one record at most. A machine drains after some thousands; a file that claims more was not written by a recorder.
const POLLS_MAX: u64 = 1_000_000;

/// Why a file was not replayed to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// It does not begin as a recording of this form does.
    #[error("this is no recording of this version")]
    NotARecording,
    /// A record cannot be read, or makes no sense at its place.
    #[error("the recording is damaged at byte {at}: {what}")]
    Damaged {
        /// Where the record begins.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// The machine gave other outputs than the recorded one: it has changed since, or depends on something that is no
    /// input.
    #[error(
        "the outputs differ from the recorded ones at input {input} ({moment:?}): digest {got:016x}, expected {expected:016x}"
    )]
    Diverged {
        /// Inputs so far.
        input: u64,
        /// Moment of the last record.
        moment: Instant,
        /// Digest now.
        got: u64,
        /// Digest in the file.
        expected: u64,
    },
}

/// What happens in a replay, in order.
#[derive(Debug)]
pub enum Step<'a> {
    /// A machine is made.
    Start(&'a Start),
    /// It is given an input.
    Input(&'a Input),
    /// It returned an output.
    Output(&'a Output),
}

/// A recording that was replayed to its end, with the same outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Machines that were made.
    pub machines: u64,
    /// Inputs.
    pub inputs: u64,
    /// Outputs, without the ones that say that the machine is drained.
    pub outputs: u64,
    /// The session went on after the recording: its limit was reached.
    pub is_cut: bool,
}

/// Replays a file. `observe` sees everything that happens, with its moment.
///
/// # Errors
///
/// When the file is no recording or damaged, or when the machine gives other outputs than the recorded one.
pub fn replay(file: &[u8], mut observe: impl FnMut(Instant, Step<'_>)) -> Result<Replayed, ReplayError> {
    let mut rest = file.strip_prefix(&MAGIC).ok_or(ReplayError::NotARecording)?;
    let mut machine: Option<HeaderSync> = None;
    let mut digest = Digest::default();
    let mut moment = Instant::ZERO;
    let mut is_drained = false;
    let mut replayed = Replayed::default();
    while !rest.is_empty() {
        let at = file.len() - rest.len();
        let damaged = |what| ReplayError::Damaged { at, what };
        let (record, after) = postcard::take_from_bytes(rest).map_err(|_| damaged("no record"))?;
        rest = after;
        if replayed.is_cut {
            return Err(damaged("a record after the last one"));
        }
        match record {
            Record::Start(start) => {
                moment = Instant::from_micros(start.at);
                observe(moment, Step::Start(&start));
                machine = Some(made(*start, moment).map_err(damaged)?);
                is_drained = true;
                replayed.machines += 1;
            }
            Record::Input(..) if !is_drained => return Err(damaged("an input before the machine is drained")),
            Record::Input(micros, input) => {
                moment = Instant::from_micros(micros);
                observe(moment, Step::Input(&input));
                machine.as_mut().ok_or(damaged("an input without a machine"))?.handle_input(moment, input);
                replayed.inputs += 1;
                is_drained = false;
            }
            Record::Polls(_, POLLS_MAX..) => return Err(damaged("polls without end")),
            Record::Polls(micros, count) => {
                moment = Instant::from_micros(micros);
                let machine = machine.as_mut().ok_or(damaged("a poll without a machine"))?;
                for _ in 0..count {
                    let output = machine.poll_output(moment);
                    digest.output(&output);
                    observe(moment, Step::Output(&output));
                    is_drained = matches!(output, Output::Timeout(_));
                    replayed.outputs += u64::from(!is_drained);
                }
            }
            Record::Drained(expected) if expected != digest.value() => {
                return Err(ReplayError::Diverged { input: replayed.inputs, moment, got: digest.value(), expected });
            }
            Record::Drained(_) => {}
            Record::Full => replayed.is_cut = true,
        }
    }
    Ok(replayed)
}

fn made(start: Start, now: Instant) -> Result<HeaderSync, &'static str> {
    let Start { config, chain, checkpoint, peers, .. } = start;
    let checkpoint = checkpoint.map(|bytes| Checkpoint::decode(&bytes).ok_or("no checkpoint")).transpose()?;
    let mut machine = HeaderSync::new(config, ChainSpec::from(chain), checkpoint);
    if let Some(peers) = peers {
        machine.restore_peers(now, &PeerBook::decode(&peers));
    }
    Ok(machine)
}
