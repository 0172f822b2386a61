//! Rows per write: measured, not configured.
//!
//! A write has a fixed cost (a transaction, a flush) and a cost per row. Larger writes spread the fixed cost, until
//! memory or the disk slows them down. The best size differs between devices, so a [`StepSize`] searches it:
//!
//! | phase | size of the next write | until |
//! |---|---|---|
//! | explore | twice the last | a doubling gains less than a tenth, or the limit is reached |
//! | tune | a quarter more than the best, then a quarter less, on while it gains a twentieth | neither side gains |
//! | stable | the best | it is [`DRIFT_AFTER`] times less than half as fast as it was: explore again, from half |
//!
//! A size is rated by the fastest of [`SAMPLES`] writes, because a busy machine makes a write slower and never faster.
//! Limits hold in every phase: the most rows, and a budget of bytes by the mean size of the rows. Integer arithmetic
//! without a clock: the same measurements give the same sizes.

use core::time::Duration;

/// Writes of one size before it is rated.
pub const SAMPLES: u8 = 3;

/// Slow writes in a row until the search starts again.
pub const DRIFT_AFTER: u8 = 4;

/// Phase of the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Doubles the size.
    Explore,
    /// Tries a little more, then a little less.
    Tune,
    /// Keeps the best size.
    Stable,
}

/// Side of the best size that is being tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Above,
    Below,
}

/// A size with its rows per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Judged {
    size: usize,
    rate: u64,
}

/// The size of a stage's writes, in rows. See the [module](self).
#[derive(Clone, Debug)]
pub struct StepSize {
    size: usize,
    most: usize,
    bytes_max: u64,
    /// Mean bytes of a row, smoothed; 0 before the first write.
    row_bytes: u64,
    phase: Phase,
    side: Side,
    best: Option<Judged>,
    /// Time of the fastest write of this size so far, and the number of writes.
    sample: (u64, u8),
    slow: u8,
}

impl StepSize {
    /// Starts with `start` rows; never more than `most`, nor more than fit into `bytes_max` bytes; at least one row.
    pub fn new(start: usize, most: usize, bytes_max: u64) -> Self {
        let most = most.max(1);
        Self {
            size: start.clamp(1, most),
            most,
            bytes_max,
            row_bytes: 0,
            phase: Phase::Explore,
            side: Side::Above,
            best: None,
            sample: (0, 0),
            slow: 0,
        }
    }

    /// Rows of the next write.
    pub fn rows(&self) -> usize {
        self.size.min(self.ceiling())
    }

    /// Current phase.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Records a write of `rows` rows and `bytes` bytes, with the time until the next write could start. A write that
    /// is not full, as at the end of a load, or took no time, is ignored.
    pub fn measured(&mut self, rows: usize, bytes: u64, took: Duration) {
        let rows_now = self.rows();
        if rows > 0 {
            let mean = bytes.div_ceil(rows as u64);
            self.row_bytes = if self.row_bytes == 0 { mean } else { (self.row_bytes * 7 + mean).div_ceil(8) };
        }
        if rows < rows_now || took.is_zero() {
            return;
        }
        let rate = rows as u128 * 1_000_000_000 / took.as_nanos().max(1);
        let rate = u64::try_from(rate).unwrap_or(u64::MAX);
        if self.phase == Phase::Stable {
            self.watch(rate);
            return;
        }
        self.sample = (self.sample.0.max(rate), self.sample.1 + 1);
        if self.sample.1 == SAMPLES {
            let judged = Judged { size: rows_now, rate: self.sample.0 };
            self.sample = (0, 0);
            match self.phase {
                Phase::Explore => self.explore(judged),
                Phase::Tune | Phase::Stable => self.tune(judged),
            }
        }
    }

    fn ceiling(&self) -> usize {
        let fit = usize::try_from(self.bytes_max / self.row_bytes.max(1)).unwrap_or(usize::MAX);
        fit.clamp(1, self.most)
    }

    fn explore(&mut self, judged: Judged) {
        let pays = self.best.is_none_or(|best| judged.rate / 11 >= best.rate / 10);
        if pays {
            self.best = Some(judged);
            self.size = judged.size.saturating_mul(2).min(self.ceiling());
            if self.size > judged.size {
                return;
            }
        }
        self.phase = Phase::Tune;
        self.side = Side::Above;
        self.step_aside();
    }

    fn tune(&mut self, judged: Judged) {
        let gains = self.best.is_none_or(|best| judged.rate / 21 > best.rate / 20);
        if gains {
            self.best = Some(judged);
        } else if self.side == Side::Above {
            self.side = Side::Below;
        } else {
            self.settle();
            return;
        }
        self.step_aside();
    }

    /// The next size on this side of the best one, or on the other side, or the best one.
    fn step_aside(&mut self) {
        let Some(best) = self.best else { return };
        let quarter = (best.size / 4).max(1);
        if self.side == Side::Above {
            self.size = best.size.saturating_add(quarter).min(self.ceiling());
            if self.size > best.size {
                return;
            }
            self.side = Side::Below;
        }
        self.size = best.size.saturating_sub(quarter).max(1);
        if self.size >= best.size {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.phase = Phase::Stable;
        self.slow = 0;
        self.size = self.best.map_or(self.size, |best| best.size);
    }

    fn watch(&mut self, rate: u64) {
        let is_slow = self.best.is_some_and(|best| rate < best.rate / 2);
        self.slow = if is_slow { self.slow + 1 } else { 0 };
        if self.slow == DRIFT_AFTER {
            *self = Self { row_bytes: self.row_bytes, ..Self::new(self.size / 2, self.most, self.bytes_max) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes until it is stable, each taking what `cost` says for so many rows; the sizes on the way.
    fn settle(step: &mut StepSize, cost: impl Fn(u64) -> u64) -> alloc::vec::Vec<usize> {
        let mut sizes = alloc::vec::Vec::new();
        while step.phase() != Phase::Stable {
            let rows = step.rows();
            sizes.push(rows);
            assert!(sizes.len() < 200, "it settles: {sizes:?}");
            step.measured(rows, rows as u64 * 88, Duration::from_micros(cost(rows as u64)));
        }
        sizes
    }

    #[test]
    fn where_larger_is_always_better_it_comes_to_the_limit() {
        let mut step = StepSize::new(1_024, 8_192, u64::MAX);
        let sizes = settle(&mut step, |rows| 20_000 + rows);
        assert_eq!(step.rows(), 8_192);
        assert_eq!(sizes[..9], [1_024, 1_024, 1_024, 2_048, 2_048, 2_048, 4_096, 4_096, 4_096]);
    }

    #[test]
    fn where_rows_cost_the_same_in_any_write_it_stays_small() {
        let mut step = StepSize::new(1_024, 8_192, u64::MAX);
        settle(&mut step, |rows| 100 + 10 * rows);
        assert!(step.rows() <= 1_280, "{}", step.rows());
    }

    #[test]
    fn it_comes_near_the_size_from_which_larger_writes_are_slower() {
        // Rows a second are highest at 2,000 rows: 4 ms for each write, and a cost that grows with the square.
        let cost = |rows: u64| 4_000 + rows + rows * rows / 1_000;
        let rate = |rows: u64| rows * 1_000_000 / cost(rows);
        for start in [16, 300, 1_024, 8_192] {
            let mut step = StepSize::new(start, 8_192, u64::MAX);
            settle(&mut step, cost);
            let (found, best) = (rate(step.rows() as u64), rate(2_000));
            assert!(found * 100 >= best * 90, "from {start}: {} rows, {found} of {best} a second", step.rows());
        }
    }

    #[test]
    fn neither_limit_is_ever_passed() {
        let mut step = StepSize::new(8_192, 8_192, 88 * 1_000);
        step.measured(8_192, 88 * 8_192, Duration::from_millis(5));
        let sizes = settle(&mut step, |rows| 20_000 + rows);
        assert!(sizes.iter().all(|rows| *rows <= 1_000), "{sizes:?}");
        assert_eq!(StepSize::new(0, 0, 0).rows(), 1);
        let mut one = StepSize::new(1, 1, 1);
        settle(&mut one, |rows| rows);
        assert_eq!(one.rows(), 1);
    }

    #[test]
    fn a_device_that_became_slow_is_explored_again_and_a_single_slow_write_is_not_enough() {
        let mut step = StepSize::new(1_024, 8_192, u64::MAX);
        settle(&mut step, |rows| 20_000 + rows);
        let rows = step.rows();
        for _ in 0..DRIFT_AFTER {
            step.measured(rows, 0, Duration::from_secs(1));
            assert_eq!(step.phase(), Phase::Stable);
            step.measured(rows, 0, Duration::from_millis(28));
        }
        for _ in 0..DRIFT_AFTER {
            step.measured(rows, 0, Duration::from_secs(1));
        }
        assert_eq!((step.phase(), step.rows()), (Phase::Explore, rows / 2));
    }

    #[test]
    fn writes_that_are_not_full_or_took_no_time_say_nothing() {
        let mut step = StepSize::new(64, 128, u64::MAX);
        for _ in 0..10 {
            step.measured(63, 63, Duration::from_millis(1));
            step.measured(64, 64, Duration::ZERO);
        }
        assert_eq!((step.phase(), step.rows()), (Phase::Explore, 64));
    }
}
