//! [`Digest`]: one number for everything that a machine did.

use alloy_primitives::B256;
use sync_core::{BlockNumHash, Event, Output, StartBlock};

/// A running digest. Two sessions with the same inputs give the same outputs if their digests are equal after each of them;
/// it finds differences and is no protection against a forger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Digest {
    /// The number so far.
    pub fn value(self) -> u64 {
        self.0
    }

    /// Takes in what an output says: ids, numbers, sizes and moments. What its texts say is left out.
    pub fn output(&mut self, output: &Output) {
        match output {
            Output::Request(request) => {
                self.mix_pair(21, request.id.0);
                self.mix_pair(u64::from(request.peer.0), u64::from(request.limit));
                match &request.start {
                    StartBlock::Hash(hash) => self.mix_hash(1, hash),
                    StartBlock::Number(number) => self.mix(*number),
                }
            }
            Output::Cancel(id) => self.mix_pair(22, id.0),
            Output::Penalize { peer, verdict, .. } => self.mix_pair(23, u64::from(peer.0) * 2 + *verdict as u64),
            Output::Persist(batch) => {
                self.mix_pair(24, batch.id().0);
                self.mix_pair(batch.range().first(), batch.range().last());
                self.mix(batch.bytes());
                self.mix(batch.checkpoint().subchains.len() as u64);
            }
            Output::Unwind { to, checkpoint } => {
                self.mix_pair(25, *to);
                self.mix(checkpoint.subchains.len() as u64);
            }
            Output::Event(event) => self.mix_event(event),
            Output::Timeout(wakeup) => {
                self.mix_pair(27, wakeup.map_or(0, |wakeup| wakeup.at.since_start().as_micros() as u64));
            }
            #[allow(unreachable_patterns, reason = "one that is newer than this table is told apart by what follows")]
            _ => self.mix(28),
        }
    }

    fn mix_event(&mut self, event: &Event) {
        match event {
            Event::TargetResolved(block) => self.mix_block(31, block),
            Event::HeadersLinked { range, peer } => {
                self.mix_pair(32, u64::from(peer.0));
                self.mix_pair(range.first(), range.last());
            }
            Event::Progress(progress) => {
                self.mix_pair(33, progress.stored);
                self.mix_pair(progress.staged, progress.memory_bytes);
                self.mix(progress.headers_per_second.to_bits());
            }
            Event::DetachedHead { local, .. } => self.mix_block(34, local),
            Event::Synced { head } => self.mix_block(35, head),
            _ => self.mix(36),
        }
    }

    fn mix_block(&mut self, kind: u64, block: &BlockNumHash) {
        self.mix_hash(kind, &block.hash);
        self.mix(block.number);
    }

    /// Takes in the first eight bytes of a hash, and a number that says what the hash is.
    pub fn mix_hash(&mut self, kind: u64, hash: &B256) {
        let mut word = [0; 8];
        word.copy_from_slice(&hash[..8]);
        self.mix_pair(kind, u64::from_le_bytes(word));
    }

    /// Takes in two numbers.
    pub fn mix_pair(&mut self, one: u64, other: u64) {
        self.mix(one);
        self.mix(other);
    }

    /// Takes in a number.
    pub fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
        self.0 ^= self.0 >> 32;
    }
}
