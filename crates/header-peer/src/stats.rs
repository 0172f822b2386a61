//! Four counters since the start, for `GET /stats.json` and for tests that count downloads.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// Counters that all sessions update.
#[derive(Debug, Default)]
pub struct Stats {
    connections: AtomicU64,
    requests: AtomicU64,
    headers: AtomicU64,
    bytes: AtomicU64,
}

/// A snapshot of the counters, in the form of `/stats.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Streams that are open now.
    pub connections: u64,
    /// Requests for headers since the start.
    pub requests: u64,
    /// Headers sent since the start.
    pub headers_served: u64,
    /// Bytes of header RLP sent since the start.
    pub bytes_served: u64,
}

impl Stats {
    /// Counts an open stream until the returned guard is dropped.
    pub fn connected(&self) -> impl Drop + Send {
        struct Connected<'a>(&'a Stats);
        impl Drop for Connected<'_> {
            fn drop(&mut self) {
                self.0.connections.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.connections.fetch_add(1, Ordering::Relaxed);
        Connected(self)
    }

    /// Counts a request.
    pub fn requested(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a response that was sent.
    pub fn served(&self, headers: usize, bytes: usize) {
        self.headers.fetch_add(headers as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The current counters.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            connections: self.connections.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            headers_served: self.headers.load(Ordering::Relaxed),
            bytes_served: self.bytes.load(Ordering::Relaxed),
        }
    }
}
