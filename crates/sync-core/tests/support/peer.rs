//! A peer: the chain that it serves, and its behavior.

use bytes::Bytes;
use sync_core::{HeadersRequest, PeerStatus, ServedRange, StartBlock};

use super::{CHAIN_ID, Chain};

/// How a peer responds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behavior {
    Honest,
    /// Flips a byte in the middle of every response.
    FlipByte,
    /// Flips a byte in the first header of every response, so that the rest still links.
    FlipFirst,
    /// Starts one lower than it was asked to.
    WrongStart,
    /// At most so many headers.
    Short(usize),
    /// One header more than it was asked for.
    TooMany,
    Silent,
    /// Takes so many milliseconds longer.
    Slow(u64),
    /// Empty responses.
    Empty,
    /// Bytes that are no header.
    Garbage,
    /// No headers from this number on down.
    Withholds(u64),
    /// No response to a request that this number is in.
    Skips(u64),
}

#[derive(Clone)]
pub struct TestPeer {
    pub chain: Chain,
    /// Blocks that it still knows by hash, beside its chain.
    pub side: Option<Chain>,
    pub earliest: u64,
    pub latest: u64,
    pub behavior: Behavior,
    pub delay_ms: u64,
    pub chain_id: u64,
    pub connected: bool,
    pub served: u64,
    pub bytes: u64,
}

impl TestPeer {
    pub fn new(chain: &Chain) -> Self {
        Self {
            latest: chain.tip().number,
            chain: chain.clone(),
            side: None,
            earliest: 0,
            behavior: Behavior::Honest,
            delay_ms: 5,
            chain_id: CHAIN_ID,
            connected: false,
            served: 0,
            bytes: 0,
        }
    }

    pub fn behavior(mut self, behavior: Behavior) -> Self {
        self.behavior = behavior;
        self
    }

    pub fn range(mut self, earliest: u64, latest: u64) -> Self {
        (self.earliest, self.latest) = (earliest, latest);
        self
    }

    pub fn served_range(&self) -> ServedRange {
        let latest_hash = self.chain.hashes[self.latest as usize];
        ServedRange { earliest: self.earliest, latest: self.latest, latest_hash }
    }

    pub fn status(&self) -> PeerStatus {
        PeerStatus { chain_id: self.chain_id, genesis: Some(self.chain.genesis()), served: self.served_range() }
    }

    /// `None`: no response at all. Otherwise falling headers and how much longer they take.
    pub(super) fn response(&mut self, request: &HeadersRequest) -> Option<(u64, Vec<Bytes>)> {
        let mut chain = &self.chain;
        let start = match request.start {
            StartBlock::Hash(hash) => self.chain.number_of(hash).or_else(|| {
                chain = self.side.as_ref()?;
                chain.number_of(hash)
            }),
            StartBlock::Number(number) => Some(number),
        };
        let start = start.filter(|start| (self.earliest..=self.latest).contains(start));
        let mut limit = usize::from(request.limit);
        let mut top = start;
        let mut delay = self.delay_ms;
        match self.behavior {
            Behavior::Silent => return None,
            Behavior::Empty => top = None,
            Behavior::Slow(more) => delay += more,
            Behavior::Short(most) => limit = limit.min(most),
            Behavior::TooMany => limit += 1,
            Behavior::WrongStart => top = top.map(|top| top.saturating_sub(1)),
            Behavior::Honest
            | Behavior::FlipByte
            | Behavior::FlipFirst
            | Behavior::Garbage
            | Behavior::Withholds(_) => {}
            Behavior::Skips(number) => {
                if start.is_some_and(|top| (top.saturating_sub(limit as u64 - 1)..=top).contains(&number)) {
                    return None;
                }
            }
        }
        let mut headers: Vec<Bytes> = top
            .into_iter()
            .flat_map(|top| (self.earliest..=top).rev().take(limit))
            .take_while(|number| self.behavior != Behavior::Withholds(*number))
            .map(|number| chain.headers[number as usize].clone())
            .collect();
        let middle = headers.len() / 2;
        match self.behavior {
            Behavior::FlipByte | Behavior::FlipFirst if !headers.is_empty() => {
                let at = if self.behavior == Behavior::FlipFirst { 0 } else { middle };
                let mut bytes = headers[at].to_vec();
                bytes[100] ^= 1;
                headers[at] = bytes.into();
            }
            Behavior::Garbage if !headers.is_empty() => headers[middle] = Bytes::from_static(b"no header"),
            _ => {}
        }
        self.served += headers.len() as u64;
        self.bytes += headers.iter().map(|header| header.len() as u64).sum::<u64>();
        Some((delay, headers))
    }
}
