//! A consistent fork for tests: another chain above some height, so that a client sees two tips.
//!
//! Below the fork it is the honest source. Above it every header is the honest one with another state root and the hash
//! of its forged parent, so each link is valid and only the tip differs. The headers above the fork are held as RLP.

use alloy_primitives::B256;
use bytes::Bytes;

use super::{HeaderSource, PackedBuilder, PackedSource};

/// Headers above the fork, if the chain has at least twice as many.
const FORKED_HEADERS: u64 = 512;
/// Bytes between the end of the parent hash and the state root: ommers hash, beneficiary, and the prefix of the state
/// root.
const STATE_ROOT_AFTER_PARENT: usize = 33 + 21 + 1;

/// A source with forged newest headers.
#[derive(Debug)]
pub struct ForkedSource<S> {
    honest: S,
    forged: PackedSource,
}

impl<S: HeaderSource> ForkedSource<S> {
    /// Forges the last 512 headers of `honest`, or the upper half if it has fewer than 1,024.
    ///
    /// # Errors
    ///
    /// A header of the source lacks the form of a header.
    pub fn new(honest: S) -> Result<Self, String> {
        let forged = (honest.count() / 2).clamp(1, FORKED_HEADERS);
        let mut builder = PackedBuilder::default();
        for number in honest.latest() - (forged - 1)..=honest.latest() {
            let mut rlp = honest.by_number(number).ok_or("a header is missing")?.to_vec();
            forge(&mut rlp, builder.last().map(|parent| parent.hash))?;
            builder.push(&rlp)?;
        }
        let forged = builder.finish().ok_or("nothing to forge")?;
        Ok(Self { honest, forged })
    }
}

/// Gives a header another state root and, above the first forged one, another parent hash.
fn forge(rlp: &mut [u8], parent: Option<B256>) -> Result<(), String> {
    let list = alloy_rlp::Header::decode(&mut &rlp[..]).map_err(|error| error.to_string())?;
    let prefix = list.length();
    if rlp.len() < prefix + 33 + STATE_ROOT_AFTER_PARENT + 32 {
        return Err("a header is too short".into());
    }
    if let Some(parent) = parent {
        rlp[prefix + 1..prefix + 33].copy_from_slice(parent.as_slice());
    }
    rlp[prefix + 33 + STATE_ROOT_AFTER_PARENT] ^= 0xff;
    Ok(())
}

impl<S: HeaderSource> HeaderSource for ForkedSource<S> {
    fn earliest(&self) -> u64 {
        self.honest.earliest()
    }

    fn latest(&self) -> u64 {
        self.honest.latest()
    }

    fn by_number(&self, number: u64) -> Option<Bytes> {
        self.forged.by_number(number).or_else(|| self.honest.by_number(number))
    }

    fn number_of(&self, hash: &B256) -> Option<u64> {
        let honest = || self.honest.number_of(hash).filter(|number| *number < self.forged.earliest());
        self.forged.number_of(hash).or_else(honest)
    }

    fn hash_of(&self, number: u64) -> Option<B256> {
        self.forged.hash_of(number).or_else(|| self.honest.hash_of(number))
    }

    fn work(&self, number: u64) -> u64 {
        if number < self.forged.earliest() { self.honest.work(number) } else { 0 }
    }

    fn genesis(&self) -> Option<B256> {
        self.honest.genesis()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{header::HeaderFacts, source::GeneratedSource};

    #[test]
    fn the_forged_chain_links_and_differs_above_the_fork_only() {
        for count in [1, 2, 3, 100, 2000] {
            let honest = GeneratedSource::new(1, count);
            let forked = ForkedSource::new(GeneratedSource::new(1, count)).expect("forged");
            let mut parent = B256::ZERO;
            let mut differ = 0;
            for number in 0..count {
                let facts = HeaderFacts::read(&forked.by_number(number).expect("inside")).expect("a header");
                assert_eq!((facts.number, facts.parent_hash), (number, parent));
                assert_eq!(forked.number_of(&facts.hash), Some(number));
                assert_eq!(forked.hash_of(number), Some(facts.hash));
                parent = facts.hash;
                let honest_hash = honest.hash_of(number).expect("inside");
                if honest_hash != facts.hash {
                    differ += 1;
                    assert_eq!(forked.number_of(&honest_hash), None);
                }
            }
            assert_eq!(forked.genesis(), honest.genesis());
            assert_eq!(differ, (count / 2).clamp(1, 512), "{count} headers");
        }
    }
}
