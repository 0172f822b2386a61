//! How many headers one request to a peer asks for: a count that grows slowly and falls quickly, beside the window of
//! bytes ([`super::budget`]).
//!
//! They measure different things, and **the smaller one wins**. The window follows the *link*: how many bytes may be in
//! flight before a queue forms. The count follows the *peer*: how many headers it gives in one response, whatever its
//! reason (a cap, a slow disk, a store with holes). A peer of which nothing bad is known is limited by its window
//! alone: [`BATCH_HEADERS_START`] lies above what fits in one response.
//!
//! | outcome | count |
//! |---|---|
//! | five whole responses in a row | + [`BATCH_HEADERS_STEP`] |
//! | a shorter response than requested, valid | x 0.7, but not below the received count |
//! | no response, an empty one, an invalid one | x 0.5 |
//!
//! A response that misses fewer than an eighth counts for nothing: there a limit of *bytes* cut it, which the running
//! mean of header sizes accounts for. A peer that twice gives the same number has a cap: it is asked for exactly that,
//! and for more again only after [`CAP_PROBE_AFTER`] whole responses. Never under 1 or over [`HEADERS_PER_REQUEST_MAX`].

use crate::config::{BATCH_HEADERS_START, BATCH_HEADERS_STEP, HEADERS_PER_REQUEST_MAX};

/// Whole responses in a row until the count grows.
pub const GROW_AFTER: u16 = 5;

/// Whole responses in a row until a peer with a cap is asked for more than its cap.
pub const CAP_PROBE_AFTER: u16 = 64;

/// Headers in one request to one peer. See the [module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchSize {
    limit: u16,
    /// Whole responses in a row.
    streak: u16,
    /// How many headers the last short response held.
    cut_at: Option<u16>,
    /// The peer gives so many and no more.
    cap: Option<u16>,
}

impl Default for BatchSize {
    fn default() -> Self {
        Self { limit: BATCH_HEADERS_START, streak: 0, cut_at: None, cap: None }
    }
}

impl BatchSize {
    /// At most so many headers in the next request, 1 to 1,024.
    pub fn limit(&self) -> u16 {
        self.limit
    }

    /// `got` of `asked` headers came, at least one.
    pub fn responded(&mut self, asked: u16, got: u16) {
        debug_assert!(0 < got && got <= asked, "{got} of {asked}");
        if got >= asked {
            self.whole();
        } else if u32::from(asked - got) * 8 >= u32::from(asked) {
            self.partial(asked, got);
        }
        debug_assert!((1..=HEADERS_PER_REQUEST_MAX).contains(&self.limit), "a request size of {}", self.limit);
    }

    /// Nothing usable came.
    pub fn failed(&mut self) {
        self.streak = 0;
        self.limit = (self.limit / 2).max(1);
    }

    fn whole(&mut self) {
        self.streak += 1;
        let patience = if self.cap.is_some() { CAP_PROBE_AFTER } else { GROW_AFTER };
        if self.streak >= patience {
            self.streak = 0;
            self.cap = None;
            self.limit = (self.limit + BATCH_HEADERS_STEP).min(HEADERS_PER_REQUEST_MAX);
        }
    }

    fn partial(&mut self, asked: u16, got: u16) {
        self.streak = 0;
        if self.cut_at == Some(got) {
            self.cap = Some(got);
            self.limit = got;
        } else {
            self.cut_at = Some(got);
            let smaller = u32::from(asked) * 7 / 10;
            self.limit = (smaller as u16).max(got);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h03_five_whole_responses_add_a_step_a_partial_takes_three_tenths_a_failure_half() {
        let mut size = BatchSize::default();
        let start = size.limit();
        for _ in 0..GROW_AFTER - 1 {
            size.responded(start, start);
            assert_eq!(size.limit(), start);
        }
        size.responded(start, start);
        assert_eq!(size.limit(), start + BATCH_HEADERS_STEP);
        size.responded(100, 10);
        assert_eq!(size.limit(), 70);
        size.failed();
        assert_eq!(size.limit(), 35);
        // A failure in between starts the count of five anew.
        for _ in 0..GROW_AFTER - 1 {
            size.responded(35, 35);
        }
        size.failed();
        size.responded(17, 17);
        assert_eq!(size.limit(), 17);
    }

    #[test]
    fn h03_the_bounds_hold() {
        let mut size = BatchSize::default();
        for _ in 0..20 {
            size.failed();
        }
        assert_eq!(size.limit(), 1);
        for _ in 0..2_000 {
            size.responded(size.limit(), size.limit());
        }
        assert_eq!(size.limit(), HEADERS_PER_REQUEST_MAX);
    }

    #[test]
    fn i04_a_capped_peer_is_soon_asked_for_what_it_gives() {
        for cap in [1u16, 7, 40] {
            let mut size = BatchSize::default();
            let mut short = 0;
            for _ in 0..200 {
                let asked = size.limit();
                short += u32::from(asked > cap);
                size.responded(asked, asked.min(cap));
            }
            assert!(short <= 8, "cap {cap}: {short} of 200 asked for more");
            assert_eq!(size.cap, Some(cap));
        }
    }

    #[test]
    fn a_response_cut_a_little_by_bytes_changes_nothing() {
        let mut size = BatchSize::default();
        size.responded(80, 75);
        assert_eq!(size, BatchSize::default());
    }
}
