//! An audit of the seals of stored headers, in rising order and bounded steps.
//!
//! Without I/O like the sync itself: the host reads headers from its store and calls; nothing here waits.
//!
//! ```text
//!   host reads a range <--- NeedHeaders(range) ---+
//!   provide(headers)   ---> | queue | ---> step() +---> Continue     call again, when there is time
//!                                                 +---> Done         nothing is left to check
//!                                                 +---> Violation    this header's seal is invalid, hence the target is
//!                                                 +---> Halted       the audit cannot continue, with the reason
//! ```
//!
//! A step does at most the given amount of work (or one header's, if that is more). Between two steps an audit can be
//! dropped and continued from [`SealAudit::encode`], with the same result.
//!
//! Bounds: [`SEAL_QUEUE_HEADERS_MAX`] headers, one ethash cache (freed at the end), one clique snapshot. The first
//! header is trusted. The audit hashes each header and follows the parent hashes again, so that a damaged store is not
//! mistaken for an invalid seal.
//!
//! # Example
//!
//! ```
//! use header_rules::{chain::ChainSpec, range::BlockRange};
//! use header_seals::{AuditStep, SealAudit, SealPolicy, limits::SEAL_STEP_WORK};
//!
//! # fn read_from_store(_: BlockRange) -> Vec<bytes::Bytes> { Vec::new() }
//! let range = BlockRange::new(0, 15_537_393).expect("rising");
//! let secret = 0x5eed; // From the host's source of randomness.
//! let policy = SealPolicy::Sample { every: 100.try_into().expect("not 0"), seed: secret };
//! let mut audit = SealAudit::new(ChainSpec::mainnet().consensus(), policy, range).expect("built in");
//! # let mut calls = 0;
//! loop {
//! #   calls += 1; if calls > 3 { break }
//!     match audit.step(SEAL_STEP_WORK) {
//!         // A good moment to let others work, and to store `audit.encode()`.
//!         AuditStep::Continue => {}
//!         AuditStep::NeedHeaders(range) => audit.provide(read_from_store(range)),
//!         AuditStep::Done { .. } => break,
//!         AuditStep::Violation { number, hash, why } => panic!("header {number} ({hash}): {why}"),
//!         AuditStep::Halted(halt) => panic!("{halt}"),
//!     }
//! }
//! ```

mod engine;
mod outcome;
mod record;

use alloc::collections::VecDeque;
use alloy_primitives::keccak256;
use bytes::Bytes;

use self::engine::{Due, Engine, Looked};
use super::SealPolicy;
use crate::limits::SEAL_QUEUE_HEADERS_MAX;
use header_rules::{
    block::BlockNumHash,
    chain::Consensus,
    header::Header,
    range::{BlockNumber, BlockRange},
};

pub use outcome::{AuditError, AuditHalt, AuditStep};

/// An audit of the seals of a range.
#[derive(Clone, Debug)]
pub struct SealAudit {
    engine: Engine,
    policy: SealPolicy,
    range: BlockRange,
    /// The last audited header.
    last: Option<BlockNumHash>,
    /// The next headers, rising.
    queue: VecDeque<Bytes>,
    /// Number of valid seals.
    checked: u64,
}

impl SealAudit {
    /// An audit of the headers of `range`. It ends where proof of stake begins. For clique the range must start at a
    /// checkpoint; its list of signers is trusted like the hash that leads to it. Without a consensus
    /// ([`ChainSpec::consensus`](header_rules::chain::ChainSpec::consensus) of an unknown chain) there is nothing to
    /// check.
    pub fn new(
        consensus: impl Into<Option<Consensus>>,
        policy: SealPolicy,
        range: BlockRange,
    ) -> Result<Self, AuditError> {
        let engine = Engine::new(consensus.into(), range.first())?;
        Ok(Self { engine, policy, range, last: None, queue: VecDeque::new(), checked: 0 })
    }

    /// Number of the next header; `None` at the end of the range.
    pub fn next(&self) -> Option<BlockNumber> {
        match self.last {
            None => Some(self.range.first()),
            Some(last) if last.number < self.range.last() => Some(last.number + 1),
            Some(_) => None,
        }
    }

    /// Number of valid seals so far.
    pub fn checked(&self) -> u64 {
        self.checked
    }

    /// Bytes of the ethash cache; all other memory is small.
    pub fn cache_bytes(&self) -> u64 {
        self.engine.cache_bytes()
    }

    /// Adds headers, rising, as RLP: those of the last [`AuditStep::NeedHeaders`], or the first of them. Headers beyond
    /// [`SEAL_QUEUE_HEADERS_MAX`] are not added and will be requested again.
    pub fn provide(&mut self, headers: impl IntoIterator<Item = Bytes>) {
        let room = SEAL_QUEUE_HEADERS_MAX.saturating_sub(self.queue.len());
        self.queue.extend(headers.into_iter().take(room));
    }

    /// Does at most `work`, counted in hashes of about half a microsecond
    /// ([`SEAL_STEP_WORK`](crate::limits::SEAL_STEP_WORK)), or one header's work if that is more.
    ///
    /// After the end every call returns the same result.
    pub fn step(&mut self, work: u32) -> AuditStep {
        if self.policy == SealPolicy::Off || self.engine.is_none() {
            return AuditStep::Done { through: None };
        }
        let mut left = work.max(1);
        while left > 0 {
            let Some(number) = self.next() else { return self.done() };
            let Some(rlp) = self.queue.front().cloned() else { return self.need(number) };
            match self.look_at(number, &rlp, left) {
                Ok(Some(cost)) => left = left.saturating_sub(cost),
                Ok(None) => return self.done(),
                Err(stop) => return stop,
            }
        }
        AuditStep::Continue
    }

    /// Checks the next header, or continues the cache that it needs. Returns the work done; `None` where proof of stake
    /// begins.
    fn look_at(&mut self, number: BlockNumber, rlp: &[u8], work: u32) -> Result<Option<u32>, AuditStep> {
        let hash = keccak256(rlp);
        let header = self.expect(number, rlp).map_err(|halt| {
            self.queue.clear();
            AuditStep::Halted(halt)
        })?;
        // The difficulty of genesis has no meaning.
        if number != 0 && header.is_proof_of_stake() {
            return Ok(None);
        }
        let due = Due { number, rlp };
        let (right, cost) = match self.engine.look_at(due, self.policy, work) {
            Ok(Looked::Building { cost }) => return Ok(Some(cost)),
            Ok(Looked::Right { cost }) => (1, cost),
            Ok(Looked::Passed { cost }) => (0, cost),
            Err(engine::Stop::Halt(halt)) => return Err(AuditStep::Halted(halt)),
            Err(engine::Stop::Broken(why)) => return Err(AuditStep::Violation { number, hash, why }),
        };
        self.checked += right;
        self.last = Some(BlockNumHash { number, hash });
        self.queue.pop_front();
        Ok(Some(cost))
    }

    /// Is this the next header?
    fn expect<'a>(&self, number: BlockNumber, rlp: &'a [u8]) -> Result<Header<'a>, AuditHalt> {
        let header = Header::decode(rlp).map_err(|error| AuditHalt::Undecodable { number, error })?;
        if header.number != number {
            return Err(AuditHalt::Number { got: header.number, expected: number });
        }
        match self.last {
            Some(last) if last.hash != header.parent_hash => {
                Err(AuditHalt::Parent { number, got: header.parent_hash, expected: last.hash })
            }
            _ => Ok(header),
        }
    }

    fn need(&self, number: BlockNumber) -> AuditStep {
        let last = number.saturating_add(SEAL_QUEUE_HEADERS_MAX as u64 - 1).min(self.range.last());
        AuditStep::NeedHeaders(BlockRange::new(number, last).expect("what is due lies in the range"))
    }

    fn done(&mut self) -> AuditStep {
        self.engine.free();
        self.queue.clear();
        AuditStep::Done { through: self.last.map(|last| last.number) }
    }
}
