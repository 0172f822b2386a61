//! Lies for tests: a peer with `--fault NAME` breaks the protocol or the chain in one named way.
//!
//! | name | what it does | what a client must make of it |
//! |---|---|---|
//! | `flip-byte` | changes one bit in the middle header of its first response and of every third after | a broken link, its culprit named |
//! | `wrong-start` | its first response and every third after begin one header off | wrong start |
//! | `short` | at most eight headers a response | nothing: a short response is a response |
//! | `silent` | never answers | a timeout |
//! | `slow` | answers 700 ms late | nothing, or others are asked first |
//! | `forked` | serves another chain near the tip, see [`ForkedSource`](crate::source::ForkedSource) | tips that disagree, or a hash that is not there |
//! | `too-many` | adds one header to what was asked for | too many headers |
//! | `pruned` | serves its last 1,000 headers and says so | nothing: others are asked for the rest |
//! | `flood-updates` | announces its range 10,000 times | a breach |
//! | `flood-requests` | asks 10,000 times for a header | a breach |
//! | `unsolicited` | sends headers that nobody asked for | a breach |
//!
//! Counting begins anew with each stream, so that the first response of each is faulty.

use std::time::Duration;

use clap::ValueEnum;
use header_wire::{BlockHeaders, BlockRangeUpdate, GetBlockHeaders, HashOrNumber, Message, ResponseBuilder, Status};

use crate::{response::Response, source::HeaderSource};

/// Answers from one lie to the next, for those that do not lie always.
const LIE_EVERY: u64 = 3;
/// Headers in a short response.
const SHORT_HEADERS: u64 = 8;
/// Headers that a pruned peer has.
pub const PRUNED_HEADERS: u64 = 1_000;
/// Messages in a flood.
const FLOOD_MESSAGES: usize = 10_000;
/// Id of a request that no client sends: ids rise from 0.
const NOBODYS_REQUEST: u64 = 1 << 40;
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
    /// Has only the last headers.
    Pruned,
    /// Announces its range without end.
    FloodUpdates,
    /// Asks without end.
    FloodRequests,
    /// Sends headers that nobody asked for.
    Unsolicited,
}

impl Fault {
    /// How long a response is held back; `None` for ever.
    pub fn delay(self) -> Option<Duration> {
        match self {
            Self::Silent => None,
            Self::Slow => Some(SLOW_DELAY),
            _ => Some(Duration::ZERO),
        }
    }

    /// What it sends right after the statuses, and how often.
    pub fn unasked(self, status: &Status, source: &dyn HeaderSource) -> Option<(Message, usize)> {
        let Status { earliest, latest, latest_hash, .. } = *status;
        match self {
            Self::FloodUpdates => {
                let update = BlockRangeUpdate { earliest, latest, latest_hash };
                Some((Message::BlockRangeUpdate(update), FLOOD_MESSAGES))
            }
            Self::FloodRequests => {
                let start = HashOrNumber::Number(latest);
                let request = GetBlockHeaders { request_id: 0, start, limit: 1, skip: 0, reverse: true };
                Some((Message::GetBlockHeaders(request), FLOOD_MESSAGES))
            }
            Self::Unsolicited => {
                let headers = source.by_number(latest).into_iter().collect();
                Some((Message::BlockHeaders(BlockHeaders { request_id: NOBODYS_REQUEST, headers }), 1))
            }
            _ => None,
        }
    }

    /// The request that is answered in place of the true one; `answers` were sent before on this stream.
    pub fn twist(self, mut request: GetBlockHeaders, source: &dyn HeaderSource, responses: u64) -> GetBlockHeaders {
        match self {
            Self::Short => request.limit = request.limit.min(SHORT_HEADERS),
            Self::WrongStart if responses.is_multiple_of(LIE_EVERY) => {
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

    /// Spoils a response that is ready.
    pub fn spoil(
        self,
        response: &mut Response,
        builder: &mut ResponseBuilder,
        source: &dyn HeaderSource,
        responses: u64,
    ) {
        match self {
            Self::FlipByte if responses.is_multiple_of(LIE_EVERY) && response.headers > 0 => {
                let len = response.middle.len();
                let at = response.middle.start + len / 2;
                builder.payload_mut()[at] ^= 0x01;
            }
            Self::TooMany if response.headers > 0 => {
                // Whatever is added is too much; the parent of the last one is the most tempting.
                let number = response.last.saturating_sub(1).max(source.earliest());
                for _ in response.headers..=response.asked {
                    if let Some(header) = source.by_number(number) {
                        builder.push(&header);
                        response.headers += 1;
                    }
                }
            }
            _ => {}
        }
    }
}
