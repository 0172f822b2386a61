//! Lies for tests: a peer with `--fault NAME` breaks the protocol or the chain in one named way.
//!
//! | name | what it does | what a client must make of it |
//! |---|---|---|
//! | `flip-byte` | changes one bit in the middle header of its first answer and of every third after | a broken link, its culprit named |
//! | `wrong-start` | its first answer and every third after begin one header off | wrong start |
//! | `short` | at most eight headers an answer | nothing: a short answer is an answer |
//! | `silent` | never answers | a timeout |
//! | `slow` | answers 700 ms late | nothing, or others are asked first |
//! | `forked` | serves another chain near the tip, see [`ForkedSource`](crate::source::ForkedSource) | tips that disagree, or a hash that is not there |
//! | `too-many` | adds one header to what was asked for | too many headers |
//!
//! Counting begins anew with each stream, so that a liar lies from its first answer.

use std::time::Duration;

use clap::ValueEnum;
use header_wire::{AnswerBuilder, GetBlockHeaders, HashOrNumber};

use crate::{answer::Answer, source::HeaderSource};

/// Answers from one lie to the next, for those that do not lie always.
const LIE_EVERY: u64 = 3;
/// Headers in a short answer.
const SHORT_HEADERS: u64 = 8;
/// How late a slow answer is.
const SLOW_DELAY: Duration = Duration::from_millis(700);

/// The way in which a peer lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// Changes one bit of a header.
    FlipByte,
    /// Begins one header off.
    WrongStart,
    /// Sends few headers at a time.
    Short,
    /// Never answers.
    Silent,
    /// Answers late.
    Slow,
    /// Serves another chain near the tip.
    Forked,
    /// Sends more than was asked for.
    TooMany,
}

impl Fault {
    /// How long an answer is held back; `None` for ever.
    pub fn delay(self) -> Option<Duration> {
        match self {
            Self::Silent => None,
            Self::Slow => Some(SLOW_DELAY),
            _ => Some(Duration::ZERO),
        }
    }

    /// The request that is answered in place of the true one; `answers` were sent before on this stream.
    pub fn twist(self, mut request: GetBlockHeaders, source: &dyn HeaderSource, answers: u64) -> GetBlockHeaders {
        match self {
            Self::Short => request.limit = request.limit.min(SHORT_HEADERS),
            Self::WrongStart if answers.is_multiple_of(LIE_EVERY) => {
                let start = match request.start {
                    HashOrNumber::Hash(hash) => source.number_of(&hash),
                    HashOrNumber::Number(number) => Some(number),
                };
                if let Some(number) = start {
                    let off = if number > source.earliest() { number - 1 } else { number.saturating_add(1) };
                    request.start = HashOrNumber::Number(off);
                }
            }
            _ => {}
        }
        request
    }

    /// Spoils an answer that is ready.
    pub fn spoil(self, answer: &mut Answer, builder: &mut AnswerBuilder, source: &dyn HeaderSource, answers: u64) {
        match self {
            Self::FlipByte if answers.is_multiple_of(LIE_EVERY) && answer.headers > 0 => {
                let len = answer.middle.len();
                let at = answer.middle.start + len / 2;
                builder.payload_mut()[at] ^= 0x01;
            }
            Self::TooMany if answer.headers > 0 => {
                // Whatever is added is too much; the parent of the last one is the most tempting.
                let number = answer.last.saturating_sub(1).max(source.earliest());
                for _ in answer.headers..=answer.asked {
                    if let Some(header) = source.by_number(number) {
                        builder.push(&header);
                        answer.headers += 1;
                    }
                }
            }
            _ => {}
        }
    }
}
