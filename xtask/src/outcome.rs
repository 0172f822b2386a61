//! How a task ends.

/// Why a task ended: one line for the user (empty when all was said), and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    /// One sentence.
    pub line: String,
    /// Exit code of the process.
    pub code: u8,
}

impl Failure {
    /// Something must be installed or passed differently before this can work.
    pub(crate) fn usage(line: impl Into<String>) -> Self {
        Self { line: line.into(), code: 2 }
    }

    /// Something ran and failed.
    pub(crate) fn failed(line: impl Into<String>) -> Self {
        Self { line: line.into(), code: 1 }
    }
}

/// What every task returns.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;
