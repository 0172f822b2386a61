//! How many tests passed, failed and were skipped, read from what the runners print at their end.
//!
//! cargo and wasm-pack: `test result: ok. 12 passed; 0 failed; 1 ignored; ...`, once for each test binary.
//! node: `ℹ pass 3`, `ℹ fail 0`, `ℹ cancelled 0`, `ℹ skipped 1`, one line each, once at the end.

use std::ops::AddAssign;

/// Passed, failed, skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Tests that held.
    pub passed: u64,
    /// Tests that did not, or did not end.
    pub failed: u64,
    /// Tests that said why they cannot run here.
    pub skipped: u64,
}

impl Counts {
    /// One check that is no test runner.
    pub(crate) fn check(held: bool) -> Self {
        Self { passed: u64::from(held), failed: u64::from(!held), skipped: 0 }
    }

    /// One check that cannot run here; the step has said why.
    pub(crate) fn skip() -> Self {
        Self { skipped: 1, ..Self::default() }
    }

    /// Adds what one line of a runner's output says, if it is a line of its summary.
    pub(crate) fn read(&mut self, line: &str) {
        if let Some((_, rest)) = line.split_once("test result: ") {
            for part in rest.split([';', '.']) {
                self.add(part.split_whitespace());
            }
        } else if let Some(rest) = line.strip_prefix("ℹ ") {
            self.add(rest.split_whitespace().rev());
        }
    }

    /// `12 passed`, as words in this order.
    fn add<'a>(&mut self, mut words: impl Iterator<Item = &'a str>) {
        let (Some(count), Some(word), None) = (words.next(), words.next(), words.next()) else {
            return;
        };
        let Ok(count) = count.parse::<u64>() else { return };
        match word {
            "passed" | "pass" => self.passed += count,
            "failed" | "fail" | "cancelled" => self.failed += count,
            "ignored" | "skipped" => self.skipped += count,
            _ => {}
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Counts {
        let mut counts = Counts::default();
        text.lines().for_each(|line| counts.read(line));
        counts
    }

    #[test]
    fn cargo_sums_over_its_binaries() {
        let text = "running 2 tests\n\
            test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.10s\n\
            test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s";
        assert_eq!(read(text), Counts { passed: 15, failed: 2, skipped: 1 });
    }

    #[test]
    fn node_names_each_count_on_a_line() {
        let text = "✔ a test says ℹ pass 9 (3ms)\nℹ tests 5\nℹ suites 0\nℹ pass 2\nℹ fail 1\nℹ cancelled 1\nℹ skipped 1\nℹ todo 0\nℹ duration_ms 12.5";
        assert_eq!(read(text), Counts { passed: 2, failed: 2, skipped: 1 });
    }

    #[test]
    fn prints_as_the_last_line_does() {
        assert_eq!(Counts { passed: 3, failed: 0, skipped: 1 }.to_string(), "3 passed, 0 failed, 1 skipped");
    }
}
