//! One response whose headers link: hashed and decoded. Not verified: its anchor is unknown.

use alloc::vec::Vec;
use alloy_primitives::B256;
use bytes::Bytes;
use keccak_pair::keccak256_each;

use super::view::{Flaw, View, undecodable};
use crate::fault::PeerFault;
use header_rules::{
    chain::ChainSpec,
    header::HeaderError,
    range::{BlockNumber, BlockRange},
    rules::{RuleViolation, UnknownFork},
};

/// A header of a run that is not valid, or that cannot be judged. It counts once the run is known to belong to the
/// target's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub number: BlockNumber,
    pub hash: B256,
    pub flaw: Flaw,
}

/// Headers of one response, falling, each the parent of the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRun {
    pub(super) headers: Vec<Bytes>,
    pub(super) hashes: Vec<B256>,
    pub(super) range: BlockRange,
    /// Parent hash of the lowest header; zero where it cannot be read, and then the run is broken.
    pub(super) parent_hash: B256,
    pub(super) broken: Option<Broken>,
}

impl SealedRun {
    /// Takes in the headers of a response that must begin at `highest`, falling. Costs one hash and one decoding for
    /// each header. Any error is the sender's fault: its headers do not link, from the named header down.
    ///
    /// The run ends above a header that this release cannot judge, so that what lies above it can be verified; such a
    /// header is a run of its own. It also ends at a header that leads nowhere by number.
    pub fn seal(chain: &ChainSpec, highest: BlockNumber, headers: Vec<Bytes>) -> Result<Self, PeerFault> {
        let range = range_below(highest, headers.len())?;
        let mut sealing = Sealing { chain, hashes: Vec::with_capacity(headers.len()), child: None, broken: None };
        let numbers = (range.first()..=range.last()).rev();
        let mut kept = headers.len();
        for ((number, rlp), hash) in numbers.zip(&headers).zip(keccak256_each(&headers)) {
            if let Some(end) = sealing.push(number, rlp, hash)? {
                kept = end;
                break;
            }
        }
        let Sealing { mut hashes, child, broken, .. } = sealing;
        let parent_hash = child.map_or(B256::ZERO, |child| child.link().parent_hash);
        // Where the run is cut above the last header that was looked at, that header's hash is what the run names below.
        let parent_hash = hashes.get(kept).copied().unwrap_or(parent_hash);
        hashes.truncate(kept);
        let mut headers = headers;
        headers.truncate(kept);
        let range = range_below(highest, kept)?;
        debug_assert_eq!(headers.len(), hashes.len(), "one hash for each header");
        debug_assert_eq!(headers.len() as u64, range.len(), "one number for each header");
        debug_assert!(broken.as_ref().is_none_or(|broken| range.contains(broken.number)), "a flaw outside of {range}");
        Ok(Self { headers, hashes, range, parent_hash, broken })
    }

    /// The numbers inside.
    pub fn range(&self) -> BlockRange {
        self.range
    }

    /// Hash of the highest header.
    pub fn hash(&self) -> B256 {
        self.hashes[0]
    }

    /// Why the highest header cannot be read, if it cannot: of a run that does not join, that is what its sender did.
    pub fn undecodable(&self) -> Option<HeaderError> {
        match self.broken.as_ref().filter(|broken| broken.number == self.range.last())?.flaw {
            Flaw::UnknownFork(UnknownFork::Undecodable(error)) | Flaw::Invalid(RuleViolation::Undecodable(error)) => {
                Some(error)
            }
            _ => None,
        }
    }
}

/// A run that grows downward.
struct Sealing<'a> {
    chain: &'a ChainSpec,
    hashes: Vec<B256>,
    /// The lowest header so far; `None` too when it cannot be read.
    child: Option<View<'a>>,
    broken: Option<Broken>,
}

impl<'a> Sealing<'a> {
    /// Takes the next header. `Some`: the run ends here, with so many headers.
    fn push(&mut self, number: BlockNumber, rlp: &'a Bytes, hash: B256) -> Result<Option<usize>, PeerFault> {
        let at = self.hashes.len();
        let child = self.child.as_ref().map(View::link);
        if let Some(expected) = child.map(|child| child.parent_hash).filter(|expected| *expected != hash) {
            return Err(PeerFault::BrokenLink { number, got: hash, expected });
        }
        let view = match View::read(rlp, self.chain) {
            Ok(view) => view,
            Err(error) => {
                // Not later than its child.
                let latest = child.map_or(u64::MAX, |child| child.timestamp);
                self.child = None;
                self.hashes.push(hash);
                return Ok(self.note(at, number, hash, undecodable(error, latest, self.chain)).or(Some(at + 1)));
            }
        };
        let got = view.link().number;
        if got != number && child.is_none() {
            return Err(PeerFault::WrongStart { got, expected: number });
        }
        if let Some(flaw) = self.child.as_ref().and_then(|child| child.check_against(&view, self.chain).err())
            && let Some(end) = self.note(at - 1, number + 1, self.hashes[at - 1], flaw)
        {
            return Ok(Some(end));
        }
        if got != number {
            // Its child says so, and is at fault; by number nothing follows.
            return Ok(Some(at));
        }
        self.hashes.push(hash);
        let (flaw, is_judged) = (view.check(hash, self.chain).err(), view.is_judged());
        self.child = Some(view);
        let end = flaw.and_then(|flaw| self.note(at, number, hash, flaw));
        Ok(end.or((!is_judged).then_some(at + 1)))
    }

    /// Notes the first flaw of the run. `Some`: the run ends with so many headers.
    fn note(&mut self, at: usize, number: BlockNumber, hash: B256, flaw: Flaw) -> Option<usize> {
        // What stands above goes on without it, unless nothing does.
        let is_cut = matches!(flaw, Flaw::UnknownFork(_));
        let end = if is_cut { Some(at.max(1)) } else { None };
        if self.broken.is_none() && (!is_cut || at == 0) {
            self.broken = Some(Broken { number, hash, flaw });
        }
        end
    }
}

/// `len` numbers from `highest` down.
fn range_below(highest: BlockNumber, len: usize) -> Result<BlockRange, PeerFault> {
    let Some(below) = len.checked_sub(1) else { return Err(PeerFault::EmptyResponse { start: highest }) };
    highest
        .checked_sub(below as u64)
        .and_then(|first| BlockRange::new(first, highest))
        // There is nothing under genesis.
        .ok_or(PeerFault::TooManyHeaders { got: len, limit: highest as usize + 1 })
}
