//! Packet loss: independent, or in bursts.
//!
//! Bursts follow Gilbert and Elliott: the link is good or bad and changes from packet to packet with fixed
//! probabilities. Every packet is lost while the link is bad. `rate` is the share of packets lost, `length` the mean
//! number of packets lost in a row.

use header_maker::SplitMix64;

/// The kind of loss.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Loss {
    /// No loss.
    #[default]
    None,
    /// Each packet independently, with this probability.
    Random {
        /// Share of packets, 0 to 1.
        rate: f64,
    },
    /// Bursts.
    Bursts {
        /// Share of packets, 0 to 1 (exclusive).
        rate: f64,
        /// Mean number of packets lost in a row, at least 1.
        length: f64,
    },
}

/// A [`Loss`] with its random numbers and its state.
#[derive(Debug)]
pub struct LossModel {
    loss: Loss,
    chance: SplitMix64,
    is_bad: bool,
}

impl LossModel {
    /// A model in the good state.
    pub fn new(loss: Loss, seed: u64) -> Self {
        Self { loss, chance: SplitMix64(seed), is_bad: false }
    }

    /// Is the next packet lost?
    pub fn loses(&mut self) -> bool {
        match self.loss {
            Loss::None => false,
            Loss::Random { rate } => unit(&mut self.chance) < rate,
            Loss::Bursts { rate, length } => {
                let leave = 1.0 / length;
                // In the long run the share of bad packets is enter / (enter + leave).
                let enter = leave * rate / (1.0 - rate);
                let change = unit(&mut self.chance);
                self.is_bad = if self.is_bad { change >= leave } else { change < enter };
                self.is_bad
            }
        }
    }
}

/// A random number from 0 to 1 (exclusive).
pub fn unit(chance: &mut SplitMix64) -> f64 {
    // A double holds 53 bits.
    (chance.draw() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKETS: usize = 1_000_000;

    fn lost(loss: Loss, seed: u64) -> Vec<bool> {
        let mut model = LossModel::new(loss, seed);
        (0..PACKETS).map(|_| model.loses()).collect()
    }

    #[test]
    fn the_share_of_losses_is_the_one_that_was_asked_for() {
        assert!(lost(Loss::None, 1).iter().all(|lost| !lost));
        for loss in [Loss::Random { rate: 0.01 }, Loss::Bursts { rate: 0.01, length: 8.0 }] {
            let share = lost(loss, 1).iter().filter(|lost| **lost).count() as f64 / PACKETS as f64;
            assert!((0.0085..0.0115).contains(&share), "{loss:?}: {share}");
        }
    }

    #[test]
    fn bursts_have_the_length_that_was_asked_for_and_single_losses_have_none() {
        let mean = |loss| {
            let lost = lost(loss, 7);
            let bursts = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count();
            lost.iter().filter(|lost| **lost).count() as f64 / bursts as f64
        };
        let bursts = mean(Loss::Bursts { rate: 0.01, length: 8.0 });
        assert!((7.3..8.7).contains(&bursts), "{bursts}");
        let single = mean(Loss::Random { rate: 0.01 });
        assert!((1.0..1.03).contains(&single), "{single}");
    }

    #[test]
    fn a_seed_is_a_run() {
        let loss = Loss::Bursts { rate: 0.02, length: 4.0 };
        assert_eq!(lost(loss, 5), lost(loss, 5));
        assert_ne!(lost(loss, 5), lost(loss, 6));
    }
}
