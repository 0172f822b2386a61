//! Failures of the browser's database, as values for the machine.
//!
//! IndexedDB names its errors with `DOMException.name`. [`StoreFailure`] has the three cases that the machine handles:
//! full (a stall until space is freed), damaged (the segment is dropped and fetched again), anything else (retried).

use indexed_db_futures::error::{DomException, Error};
use sync_core::fault::StoreFailure;
use wasm_bindgen::{JsCast, JsValue};

/// Why a store could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A newer version of this software wrote the database.
    #[error(
        "the database {name:?} was written by a newer version of Headlight than this one (schema {known}); \
         reload the page to get the newer version, or clear this site's data"
    )]
    Newer {
        /// Name of the database.
        name: String,
        /// Newest schema that this code knows.
        known: u32,
    },
    /// Another tab has the database open in an older version and does not close it.
    #[error("another tab holds the database {name:?} in an older version; close the other tabs of this site")]
    Blocked {
        /// Name of the database.
        name: String,
    },
    /// The browser does not respond: a deletion or an upgrade of another tab waits for a tab that does not close its
    /// connection, and we wait behind it.
    #[error(
        "another tab holds the database {name:?}: it was not opened within {seconds} seconds; \
         close the other tabs of this site and try again"
    )]
    Held {
        /// Name of the database.
        name: String,
        /// Length of the wait.
        seconds: u64,
    },
    /// The browser has no IndexedDB here: a private window of some browsers, or storage switched off.
    #[error("this browser gives no IndexedDB here: {0}")]
    Unavailable(String),
    /// Any other failure.
    #[error(transparent)]
    Failed(#[from] StoreFailure),
}

impl From<OpenError> for StoreFailure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Failed(failure) => failure,
            other => Self::Other(other.to_string()),
        }
    }
}

/// Converts an error of [`indexed_db_futures`].
pub(super) fn failure(error: Error) -> StoreFailure {
    match error {
        Error::DomException(exception) => dom_failure(&exception.into()),
        Error::Serialisation(error) => StoreFailure::Damaged(error.to_string()),
        Error::MissingData(error) => StoreFailure::Other(error.to_string()),
        Error::Unknown(error) => StoreFailure::Other(js_text(error.as_ref())),
    }
}

/// Converts a `DOMException` by its name.
pub(super) fn dom_failure(exception: &web_sys::DomException) -> StoreFailure {
    let (name, message) = (exception.name(), exception.message());
    match name.as_str() {
        "QuotaExceededError" => StoreFailure::Full,
        // A record over 64 KB is a file of its own; these errors mean that the file is gone or does not parse.
        "NotReadableError" | "DataError" | "EncodingError" => StoreFailure::Damaged(format!("{name}: {message}")),
        "InvalidStateError" => StoreFailure::Other(format!(
            "the database was closed, by an upgrade in another tab or by the user: {message}"
        )),
        _ => StoreFailure::Other(format!("{name}: {message}")),
    }
}

/// Name of the `DOMException`, if the error is one.
pub(super) fn dom_name(error: &Error) -> Option<String> {
    match error {
        Error::DomException(exception) => Some(web_sys::DomException::from(DomException::clone(exception)).name()),
        _ => None,
    }
}

/// Message of a thrown JavaScript value.
pub(super) fn js_text(value: &JsValue) -> String {
    if let Some(exception) = value.dyn_ref::<web_sys::DomException>() {
        return format!("{}: {}", exception.name(), exception.message());
    }
    match value.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => format!("{value:?}"),
    }
}
