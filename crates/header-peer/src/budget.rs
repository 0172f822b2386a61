//! The request budget of each identity, and its limit on streams.
//!
//! A request counts by its cost: one that makes the source generate headers counts as several.
//!
//! Each connected identity has a token bucket, which fills by the budget each second and holds one second's worth. A
//! client over its budget is not refused: its next request is read later. A session reads nothing while it waits, so a
//! malicious client can only fill the buffers of the transport. The map holds connected identities only, which the
//! connection limit bounds.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use libp2p::PeerId;

use crate::limits::STREAMS_PER_PEER_MAX;

/// The budgets of all connected identities.
#[derive(Debug)]
pub struct Budgets {
    per_second: u32,
    peers: Mutex<HashMap<PeerId, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    streams: usize,
    /// Time at which the bucket is empty. Each request moves it by a `per_second`th of a second.
    empty_at: Instant,
}

/// One stream's share of the budget of its identity. Dropping it makes room for another stream.
#[derive(Debug)]
pub struct Share {
    budgets: Arc<Budgets>,
    peer: PeerId,
}

impl Budgets {
    /// Budgets of `per_second` requests, at least 1.
    pub fn new(per_second: u32) -> Arc<Self> {
        Arc::new(Self { per_second: per_second.max(1), peers: Mutex::default() })
    }

    /// A share for a new stream; `None` if the identity has too many streams.
    pub fn join(self: &Arc<Self>, peer: PeerId, now: Instant) -> Option<Share> {
        let mut peers = self.lock();
        let bucket = peers.entry(peer).or_insert(Bucket { streams: 0, empty_at: now });
        if bucket.streams == STREAMS_PER_PEER_MAX {
            return None;
        }
        bucket.streams += 1;
        Some(Share { budgets: Arc::clone(self), peer })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PeerId, Bucket>> {
        // No operation under the lock can leave the map inconsistent.
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Spends one request and returns the time to wait before the response.
    pub fn spend(&self, now: Instant) -> Duration {
        self.spend_many(now, 1)
    }

    /// Spends this many requests at once: the next request pays for an expensive response.
    pub fn spend_many(&self, now: Instant, requests: u32) -> Duration {
        let mut peers = self.budgets.lock();
        let Some(bucket) = peers.get_mut(&self.peer) else { return Duration::ZERO };
        // A full bucket stays full: it saves at most one second's worth.
        let empty_at = bucket.empty_at.max(now.checked_sub(Duration::from_secs(1)).unwrap_or(now));
        bucket.empty_at = empty_at + Duration::from_secs(1) / self.budgets.per_second * requests;
        bucket.empty_at.saturating_duration_since(now)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut peers = self.budgets.lock();
        if let Some(bucket) = peers.get_mut(&self.peer) {
            bucket.streams -= 1;
            if bucket.streams == 0 {
                peers.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_the_rest_is_spread_over_time() {
        let start = Instant::now() + Duration::from_secs(10);
        let share = Budgets::new(10).join(PeerId::random(), start).expect("first stream");
        let waits: Vec<_> = (0..13).map(|_| share.spend(start + Duration::from_secs(2)).as_millis()).collect();
        assert_eq!(waits[..10], [0; 10]);
        assert_eq!(waits[10..], [100, 200, 300]);
        // The next request pays for the work of a response.
        let busy = start + Duration::from_secs(60);
        share.spend_many(busy, 13);
        assert_eq!(share.spend(busy).as_millis(), 400);
        // After an hour the bucket holds one second's worth, not an hour's.
        let later = start + Duration::from_secs(3600);
        let waits: Vec<_> = (0..11).map(|_| share.spend(later).as_millis()).collect();
        assert_eq!(waits[9..], [0, 100]);
    }

    #[test]
    fn streams_of_one_identity_share_a_budget_and_are_counted() {
        let now = Instant::now();
        let budgets = Budgets::new(1);
        let peer = PeerId::random();
        let mut shares: Vec<_> =
            (0..STREAMS_PER_PEER_MAX).map(|_| budgets.join(peer, now).expect("within the limit")).collect();
        assert!(budgets.join(peer, now).is_none());
        assert!(budgets.join(PeerId::random(), now).is_some());
        assert_eq!(shares[0].spend(now).as_secs(), 1);
        assert_eq!(shares[1].spend(now).as_secs(), 2);
        shares.pop();
        assert!(budgets.join(peer, now).is_some());
        drop(shares);
        assert!(budgets.lock().is_empty());
    }
}
