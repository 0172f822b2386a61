//! One answer that hangs together: hashed, decoded, linked inside itself. Not proven; it may descend from anything.

use alloc::vec::Vec;
use alloy_primitives::B256;
use bytes::Bytes;
use keccak_pair::keccak256_each;

use crate::{
    chain::ChainSpec,
    fault::PeerFault,
    header::Header,
    range::{BlockNumber, BlockRange},
    rules::{self, RuleViolation},
};

/// A rule that a header of a run breaks. It counts once the run is known to belong to the target's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub number: BlockNumber,
    pub hash: B256,
    pub violation: RuleViolation,
}

/// Headers of one answer, falling, each the parent of the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRun {
    pub(super) headers: Vec<Bytes>,
    pub(super) hashes: Vec<B256>,
    pub(super) range: BlockRange,
    /// Parent hash of the lowest header.
    pub(super) parent_hash: B256,
    pub(super) broken: Option<Broken>,
}

impl SealedRun {
    /// Takes in the headers of an answer that must begin at `highest`, falling. Costs one hash and one decoding for each
    /// header. Any error is the sender's fault: what it sent does not hang together, from the header on that it names.
    pub fn seal(chain: &ChainSpec, highest: BlockNumber, headers: Vec<Bytes>) -> Result<Self, PeerFault> {
        let range = range_below(highest, headers.len())?;
        let mut hashes = Vec::with_capacity(headers.len());
        let mut broken = None;
        let mut child: Option<Header<'_>> = None;
        let numbers = (range.first()..=range.last()).rev();
        for ((number, rlp), hash) in numbers.zip(&headers).zip(keccak256_each(&headers)) {
            if let Some(expected) = child.map(|child| child.parent_hash)
                && expected != hash
            {
                return Err(PeerFault::BrokenLink { number, got: hash, expected });
            }
            let header = Header::decode(rlp).map_err(|error| PeerFault::Undecodable { number, error })?;
            if header.number != number {
                return Err(wrong_number(&header, hash, number, child.is_none()));
            }
            if broken.is_none() {
                broken = first_broken(&header, hash, child.as_ref().zip(hashes.last()), chain);
            }
            hashes.push(hash);
            child = Some(header);
        }
        let Some(lowest) = child else { return Err(PeerFault::EmptyAnswer { start: highest }) };
        let parent_hash = lowest.parent_hash;
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
}

/// `len` numbers from `highest` down.
fn range_below(highest: BlockNumber, len: usize) -> Result<BlockRange, PeerFault> {
    let Some(below) = len.checked_sub(1) else { return Err(PeerFault::EmptyAnswer { start: highest }) };
    highest
        .checked_sub(below as u64)
        .and_then(|first| BlockRange::new(first, highest))
        // There is nothing under genesis.
        .ok_or(PeerFault::TooManyHeaders { got: len, limit: highest as usize + 1 })
}

fn wrong_number(header: &Header<'_>, hash: B256, expected: BlockNumber, is_first: bool) -> PeerFault {
    let got = header.number;
    if is_first {
        PeerFault::WrongStart { got, expected }
    } else {
        PeerFault::InvalidHeader { number: expected, hash, violation: RuleViolation::Number { got, expected } }
    }
}

/// The first rule that is broken by `child` as a child of `header`, or by `header` alone.
fn first_broken(
    header: &Header<'_>,
    hash: B256,
    child: Option<(&Header<'_>, &B256)>,
    chain: &ChainSpec,
) -> Option<Broken> {
    if let Some((child, child_hash)) = child
        && let Err(violation) = rules::validate(child, header, chain)
    {
        return Some(Broken { number: child.number, hash: *child_hash, violation });
    }
    standalone(header, hash, chain).err().map(|violation| Broken { number: header.number, hash, violation })
}

/// The rules of a header alone, and that block 0 is the genesis of its chain.
fn standalone(header: &Header<'_>, hash: B256, chain: &ChainSpec) -> Result<(), RuleViolation> {
    match chain.genesis() {
        Some(expected) if header.number == 0 && hash != expected => Err(RuleViolation::Genesis { got: hash, expected }),
        _ => rules::validate_standalone(header, chain),
    }
}
