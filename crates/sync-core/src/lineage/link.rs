//! Joining sealed runs to the anchor.

use alloy_primitives::B256;
use bytes::Bytes;

use super::{
    Anchor, SealedRun, VerifiedHeaders,
    view::{Flaw, View, undecodable},
};
use crate::fault::PeerFault;
use header_rules::{
    chain::ChainSpec,
    header::HeaderLink,
    range::BlockNumber,
    rules::{RuleViolation, UnknownFork},
};

/// Why a run does not join.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("header {number} of the run: {fault}")]
pub struct LinkError {
    /// Number of the header that is at fault.
    pub number: BlockNumber,
    /// What is wrong.
    pub fault: LinkFault,
}

/// What is wrong with a header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkFault {
    /// The run is not the one that the anchor asks for. Its sender's fault.
    #[error("hash {got}, expected {expected}")]
    BrokenLink {
        /// Hash of the highest header of the run.
        got: B256,
        /// The anchor's.
        expected: B256,
    },
    /// The header belongs to the target's chain and breaks a rule of it: the target is not valid.
    #[error("({hash}) breaks a rule: {violation}")]
    Invalid {
        /// Its hash.
        hash: B256,
        /// The rule.
        violation: RuleViolation,
    },
    /// The header belongs to the target's chain, and this release cannot judge it: no fault of any peer.
    #[error("({hash}) is of a fork that is not known here: {why}")]
    UnknownFork {
        /// Its hash.
        hash: B256,
        /// Why it cannot be judged.
        why: UnknownFork,
    },
}

impl LinkError {
    /// Is it the sender's fault? If not, the target is invalid or unknown: every peer would send the same bytes.
    pub fn blames_sender(&self) -> bool {
        matches!(self.fault, LinkFault::BrokenLink { .. })
    }

    /// The sender's fault; `None` when it sent what was requested.
    pub fn sender_fault(&self) -> Option<PeerFault> {
        match self.fault {
            LinkFault::BrokenLink { got, expected } => {
                Some(PeerFault::BrokenLink { number: self.number, got, expected })
            }
            LinkFault::Invalid { .. } | LinkFault::UnknownFork { .. } => None,
        }
    }

    fn new(number: BlockNumber, hash: B256, flaw: Flaw) -> Self {
        let fault = match flaw {
            Flaw::Invalid(violation) => LinkFault::Invalid { hash, violation },
            Flaw::UnknownFork(why) => LinkFault::UnknownFork { hash, why },
        };
        Self { number, fault }
    }
}

impl SealedRun {
    /// Parent hash of the header that breaks a rule, if one does and its parent can be told.
    pub fn parent_of_broken(&self) -> Option<B256> {
        let below = self.range.last() - self.broken.as_ref()?.number + 1;
        let parent = self.hashes.get(below as usize).copied().unwrap_or(self.parent_hash);
        Some(parent).filter(|hash| !hash.is_zero())
    }
}

/// The way down from one trusted hash: what was verified so far ends here, and the next older header joins here.
///
/// Holds one header (some 600 bytes): the lowest one verified, because its rules ask for its parent.
#[derive(Clone, Debug)]
pub struct Lineage {
    chain: ChainSpec,
    /// `None` under genesis.
    anchor: Option<Anchor>,
    /// The header above the anchor; unknown at the target, and where the store could not say ([`Lineage::resume`]): there
    /// the hash link is verified as everywhere, and the rules between the two headers are not.
    child: Option<(B256, Bytes)>,
}

impl Lineage {
    /// A way down from `anchor`.
    pub fn new(chain: ChainSpec, anchor: Anchor) -> Self {
        Self { chain, anchor: Some(anchor), child: None }
    }

    /// A way down that goes on under a stored header: `child` is its hash and its RLP. Without it, or when it is not the
    /// child of the anchor, the rules between the two are left out.
    pub fn resume(chain: ChainSpec, anchor: Anchor, child: Option<(B256, Bytes)>) -> Self {
        let child = child.filter(|(_, rlp)| {
            HeaderLink::decode(rlp)
                .is_ok_and(|it| it.parent_hash == anchor.hash && it.number.checked_sub(1) == Some(anchor.number))
        });
        Self { chain, anchor: Some(anchor), child }
    }

    /// What the next older header must be; `None` once genesis is verified.
    pub fn anchor(&self) -> Option<Anchor> {
        self.anchor
    }

    /// Hash of the header above the anchor, where it is known.
    pub fn child_hash(&self) -> Option<B256> {
        self.child.as_ref().map(|(hash, _)| *hash)
    }

    /// The chain whose rules hold.
    pub fn chain(&self) -> &ChainSpec {
        &self.chain
    }

    /// Joins a run to the anchor, and moves the anchor under it. Nothing changes on an error.
    ///
    /// Cheap: one comparison, and the rules between the lowest verified header and the run's highest.
    pub fn link(&mut self, run: SealedRun) -> Result<VerifiedHeaders, LinkError> {
        self.check_hash(&run)?;
        self.check_seam(&run)?;
        if let Some(broken) = run.broken {
            return Err(LinkError::new(broken.number, broken.hash, self.judge(broken.flaw)));
        }
        let verified = VerifiedHeaders::new(run);
        self.anchor = verified.anchor_below();
        debug_assert!(self.anchor.is_some() || verified.range().first() == 0, "the walk ends above genesis");
        self.child = Some((verified.lowest_hash(), verified.lowest().clone()));
        Ok(verified)
    }

    /// The highest header must be the one that the anchor names. A wrong number under the right hash cannot be: the
    /// number is part of what was hashed, and the sealed run has checked it.
    fn check_hash(&self, run: &SealedRun) -> Result<(), LinkError> {
        let (number, got) = (run.range.last(), run.hash());
        let expected = self.anchor.map(|anchor| anchor.hash).unwrap_or_default();
        match self.anchor {
            Some(anchor) if anchor.hash == got && anchor.number == number => Ok(()),
            _ => Err(LinkError { number, fault: LinkFault::BrokenLink { got, expected } }),
        }
    }

    /// The rules between the lowest verified header and its stored parent, whose hash the caller has compared with the
    /// anchor.
    pub fn check_parent(&self, parent: &[u8]) -> Result<(), LinkError> {
        let Some((hash, rlp)) = &self.child else { return Ok(()) };
        // What cannot be read is judged where it is verified itself, or came from a store: then the hash link must do.
        let (Ok(child), Ok(parent)) = (View::read(rlp, &self.chain), View::read(parent, &self.chain)) else {
            return Ok(());
        };
        let flaw = child.check_against(&parent, &self.chain).err();
        flaw.map_or(Ok(()), |flaw| Err(LinkError::new(child.link().number, *hash, flaw)))
    }

    fn check_seam(&self, run: &SealedRun) -> Result<(), LinkError> {
        self.check_parent(&run.headers[0])
    }

    /// Bytes of which not even the time can be read are not later than their child.
    fn judge(&self, flaw: Flaw) -> Flaw {
        let child = self.child.as_ref().and_then(|(_, rlp)| HeaderLink::decode(rlp).ok());
        match (flaw, child) {
            (Flaw::UnknownFork(UnknownFork::Undecodable(error)), Some(child)) => {
                undecodable(error, child.timestamp, &self.chain)
            }
            (flaw, _) => flaw,
        }
    }
}
