//! [`HeaderSize`]: the mean length of headers.

use crate::config::{
    HEADER_BYTES_ESTIMATE, HEADER_BYTES_MEAN_MAX, HEADER_BYTES_MEAN_MIN, HEADER_MEAN_WEIGHT_MAX,
    HEADER_MEAN_WEIGHT_START,
};

/// The mean length of linked headers, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct HeaderSize {
    pub mean: u64,
    /// How many headers the mean counts for.
    weight: u64,
}

impl Default for HeaderSize {
    fn default() -> Self {
        Self { mean: HEADER_BYTES_ESTIMATE, weight: HEADER_MEAN_WEIGHT_START }
    }
}

impl HeaderSize {
    /// Headers were linked.
    pub fn note(&mut self, headers: u64, bytes: u64) {
        debug_assert!(headers > 0, "no header was verified");
        debug_assert!(self.weight <= HEADER_MEAN_WEIGHT_MAX, "the mean counts for {} headers", self.weight);
        let weight = self.weight.saturating_add(headers);
        let sum = self.mean.saturating_mul(self.weight).saturating_add(bytes);
        self.mean = (sum / weight.max(1)).clamp(HEADER_BYTES_MEAN_MIN, HEADER_BYTES_MEAN_MAX);
        self.weight = weight.min(HEADER_MEAN_WEIGHT_MAX);
    }
}
