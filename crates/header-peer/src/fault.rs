//! Faults for tests: a peer with `--fault NAME` breaks the protocol or the chain in one way.
//!
//! | name | what the peer does | what a client must detect |
//! |---|---|---|
//! | `flip-byte` | changes one bit in the middle header of its first response and of every third after it | a broken link, and the peer that sent it |
//! | `wrong-start` | begins its first response and every third after it one header off | wrong start |
//! | `short` | at most eight headers in a response | nothing: a short response is valid |
//! | `silent` | never responds | a timeout |
//! | `slow` | responds 700 ms late | nothing; other peers are asked first |
//! | `forked` | serves another chain near the tip, see [`ForkedSource`](crate::source::ForkedSource) | tips that disagree, or an unknown hash |
//! | `too-many` | adds one header to the requested ones | too many headers |
//! | `pruned` | serves its last 256 headers and announces them | nothing: other peers serve the rest |
//! | `flood-updates` | announces its range 10,000 times | a protocol violation |
//! | `flood-requests` | requests a header 10,000 times | a protocol violation |
//! | `unsolicited` | sends headers without a request | a protocol violation |
//!
//! Counting starts again with each stream, so the first response of each stream is faulty.

use std::time::Duration;

use clap::ValueEnum;
use header_wire::{BlockHeaders, BlockRangeUpdate, GetBlockHeaders, HashOrNumber, Message, ResponseBuilder, Status};

use crate::{response::Response, source::HeaderSource};

/// Responses from one faulty response to the next, for faults that are not permanent.
const LIE_EVERY: u64 = 3;
/// Headers in a short response.
const SHORT_HEADERS: u64 = 8;
/// Headers of a pruned peer: fewer than a forked peer forges, so that these two together lack some of a long chain.
pub const PRUNED_HEADERS: u64 = 256;
/// Messages in a flood.
const FLOOD_MESSAGES: usize = 10_000;
/// A request id that no client uses: ids rise from 0.
const NOBODYS_REQUEST: u64 = 1 << 40;
/// Delay of a slow response.
const SLOW_DELAY: Duration = Duration::from_millis(700);

/// The fault of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// Changes one bit of a header.
    FlipByte,
    /// Begins one header off.
    WrongStart,
    /// Sends few headers in each response.
    Short,
    /// Never responds.
    Silent,
    /// Responds late.
    Slow,
    /// Serves another chain near the tip.
    Forked,
    /// Sends more headers than requested.
    TooMany,
    /// Serves only the last headers.
    Pruned,
    /// Announces its range without end.
    FloodUpdates,
    /// Sends requests without end.
    FloodRequests,
    /// Sends headers without a request.
    Unsolicited,
}

impl Fault {
    /// Delay of a response; `None`: for ever.
    pub fn delay(self) -> Option<Duration> {
        match self {
            Self::Silent => None,
            Self::Slow => Some(SLOW_DELAY),
            _ => Some(Duration::ZERO),
        }
    }

    /// Messages after the statuses, and how many of them.
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

    /// The request that is served in place of the real one; `responses` is the number of earlier responses on this
    /// stream.
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

    /// Adds the fault to a complete response.
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
                // Any added header is too much; the parent of the last one would also link.
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
