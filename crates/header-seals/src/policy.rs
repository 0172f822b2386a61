//! The choice of seals to check. A sample costs a fraction of all and still detects forged headers, if the forger
//! cannot know which headers are in it: the choice depends on a secret seed.

use core::num::NonZeroU32;

use header_rules::range::BlockNumber;

/// The seals to check.
///
/// On a clique chain every seal is checked unless the policy is [`SealPolicy::Off`]: the signers depend on all earlier
/// votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealPolicy {
    /// None.
    Off,
    /// One of each `every` consecutive numbers (aligned at their multiples), selected by the seed. So at most `2 *
    /// every - 2` consecutive headers are unchecked, and `n` forged headers inside one group are missed with a
    /// probability of `1 - n / every`.
    Sample {
        /// Headers per group; 1 checks all.
        every: NonZeroU32,
        /// Random and secret, from the host. The same seed selects the same headers.
        seed: u64,
    },
    /// All.
    Every,
}

impl SealPolicy {
    /// Is the seal of this block checked?
    pub fn checks(self, number: BlockNumber) -> bool {
        match self {
            Self::Off => false,
            Self::Every => true,
            Self::Sample { every, seed } => {
                let every = u64::from(every.get());
                number % every == mix(seed, number / every) % every
            }
        }
    }
}

/// A pseudo-random number: two rounds of the finalizer of splitmix64, the seed added before each.
fn mix(seed: u64, index: u64) -> u64 {
    finalize(seed ^ finalize(seed.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15))))
}

fn finalize(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(every: u32, seed: u64) -> alloc::vec::Vec<u64> {
        let every = NonZeroU32::new(every).expect("not 0");
        (0..100_000).filter(|number| SealPolicy::Sample { every, seed }.checks(*number)).collect()
    }

    #[test]
    fn one_in_each_stretch_and_the_seed_says_which() {
        let sample = picked(100, 7);
        assert_eq!(sample.len(), 1_000);
        assert!(sample.iter().enumerate().all(|(stretch, number)| number / 100 == stretch as u64));
        assert_eq!(sample, picked(100, 7));
        let same = sample.iter().zip(picked(100, 8)).filter(|(a, b)| **a == *b).count();
        assert!(same < 30, "{same} of 1,000 the same under another seed");
    }

    #[test]
    fn every_place_of_a_stretch_is_as_likely() {
        let mut places = [0; 10];
        picked(10, 3).iter().for_each(|number| places[(number % 10) as usize] += 1);
        assert!(places.iter().all(|count| (900..1_100).contains(count)), "{places:?}");
    }

    #[test]
    fn all_and_none() {
        assert_eq!(picked(1, 9).len(), 100_000);
        assert!(SealPolicy::Every.checks(u64::MAX) && !SealPolicy::Off.checks(0));
    }
}
