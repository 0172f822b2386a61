//! The state of an audit for each kind of seal, and the check of one header.

#[cfg(feature = "clique")]
use crate::clique::{Clique, Snapshot};
use crate::{AuditError, AuditHalt, SealPolicy, SealViolation};
#[cfg(feature = "ethash")]
use crate::{
    ethash::{self, CacheStore, EPOCH_BLOCKS, Epoch},
    limits::ETHASH_EPOCH_MAX,
};
use header_rules::{chain::Consensus, range::BlockNumber};

/// Work of hashing and decoding a header, in hashes of one block.
const HEADER_WORK: u32 = 8;
/// Work of one hashimoto, measured (`benches/seals`): most of it is waiting for memory.
#[cfg(feature = "ethash")]
const ETHASH_WORK: u32 = 6_000;
/// Work of recovering one signer, measured.
#[cfg(feature = "clique")]
const CLIQUE_WORK: u32 = 160;

/// The state of one kind of seal.
#[derive(Clone, Debug)]
pub(super) enum Engine {
    None,
    #[cfg(feature = "ethash")]
    Ethash(CacheStore),
    /// The snapshot after the last header; `None` before the first.
    #[cfg(feature = "clique")]
    Clique(Clique, Option<Snapshot>),
}

/// The next header: it decodes, and is the child of the previous one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due<'a> {
    pub(super) number: BlockNumber,
    pub(super) rlp: &'a [u8],
}

/// Result of one header, and the work done.
pub(super) enum Looked {
    /// The seal is valid.
    Right { cost: u32 },
    /// The seal was not checked.
    Passed { cost: u32 },
    /// The cache is not complete yet.
    #[cfg_attr(not(feature = "ethash"), allow(dead_code, reason = "only ethash has caches"))]
    Building { cost: u32 },
}

/// Why a header was not checked.
pub(super) enum Stop {
    #[cfg_attr(not(feature = "ethash"), allow(dead_code, reason = "only caches can be too large"))]
    Halt(AuditHalt),
    Broken(SealViolation),
}

impl Engine {
    /// The state before the header `first`.
    #[cfg_attr(not(feature = "clique"), allow(unused_variables, reason = "only clique must begin somewhere"))]
    pub(super) fn new(consensus: Option<Consensus>, first: BlockNumber) -> Result<Self, AuditError> {
        match consensus {
            None => Ok(Self::None),
            #[cfg(feature = "ethash")]
            Some(Consensus::Ethash) => Ok(Self::Ethash(CacheStore::new())),
            #[cfg(feature = "clique")]
            Some(Consensus::Clique { period, epoch }) => {
                let clique = Clique::new(period, epoch);
                let checkpoint = clique.checkpoint_at_or_below(first);
                if first == checkpoint {
                    Ok(Self::Clique(clique, None))
                } else {
                    Err(AuditError::NotACheckpoint { first, checkpoint })
                }
            }
            #[allow(unreachable_patterns, reason = "reached only by builds without one of the engines")]
            Some(absent) => Err(AuditError::EngineAbsent(absent)),
        }
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Checks the seal of the next header if the policy selects it. Building a cache stops after `work`.
    #[cfg_attr(not(feature = "ethash"), allow(unused_variables, reason = "only ethash samples and can be cut"))]
    pub(super) fn look_at(&mut self, due: Due<'_>, policy: SealPolicy, work: u32) -> Result<Looked, Stop> {
        match self {
            Self::None => Ok(Looked::Passed { cost: HEADER_WORK }),
            #[cfg(feature = "ethash")]
            Self::Ethash(caches) => look_at_work(caches, due, policy, work),
            #[cfg(feature = "clique")]
            Self::Clique(clique, snapshot) => look_at_authority(*clique, snapshot, due),
        }
    }

    /// Bytes of the cache.
    pub(super) fn cache_bytes(&self) -> u64 {
        match self {
            #[cfg(feature = "ethash")]
            Self::Ethash(caches) => caches.bytes(),
            _ => 0,
        }
    }

    /// Frees the cache.
    pub(super) fn free(&mut self) {
        #[cfg(feature = "ethash")]
        if let Self::Ethash(caches) = self {
            caches.clear();
        }
    }
}

/// A header of proof of work. Genesis has no seal.
#[cfg(feature = "ethash")]
fn look_at_work(caches: &mut CacheStore, due: Due<'_>, policy: SealPolicy, work: u32) -> Result<Looked, Stop> {
    let number = due.number;
    if number == 0 || !policy.checks(number) {
        return Ok(Looked::Passed { cost: HEADER_WORK });
    }
    let Some(epoch) = Epoch::of(number) else {
        let halt = AuditHalt::EpochTooHigh { number, epoch: number / EPOCH_BLOCKS, max: ETHASH_EPOCH_MAX };
        return Err(Stop::Halt(halt));
    };
    match caches.get(epoch) {
        Some(cache) => {
            ethash::verify(due.rlp, cache).map_err(|violation| Stop::Broken(violation.into()))?;
            Ok(Looked::Right { cost: HEADER_WORK + ETHASH_WORK })
        }
        None => {
            let built = caches.build(epoch, work);
            let hashes = built.map_err(|none| Stop::Halt(AuditHalt::NoMemory { bytes: none.bytes }))?;
            Ok(Looked::Building { cost: HEADER_WORK + hashes })
        }
    }
}

/// A header of proof of authority. Every header is read, whatever the policy selects, because the signers depend on all
/// of them. The first header lists the signers.
#[cfg(feature = "clique")]
fn look_at_authority(clique: Clique, snapshot: &mut Option<Snapshot>, due: Due<'_>) -> Result<Looked, Stop> {
    let broken = |violation: crate::clique::CliqueViolation| Stop::Broken(violation.into());
    match snapshot {
        Some(snapshot) => snapshot.apply(due.rlp).map(|_| ()).map_err(broken)?,
        None => *snapshot = Some(Snapshot::from_checkpoint(clique, due.rlp).map_err(broken)?),
    }
    let cost = HEADER_WORK + CLIQUE_WORK;
    Ok(if due.number == 0 { Looked::Passed { cost: HEADER_WORK } } else { Looked::Right { cost } })
}
