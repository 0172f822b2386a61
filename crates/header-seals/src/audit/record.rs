//! The stored form of an audit: its position, and the snapshot of a clique chain. Queue and cache are built again;
//! consensus, policy and range come from the host.

use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};

use super::{SealAudit, engine::Engine};
use crate::SealPolicy;
#[cfg(feature = "clique")]
use crate::clique::Snapshot;
use header_rules::{
    block::BlockNumHash,
    chain::Consensus,
    range::{BlockNumber, BlockRange},
};

/// Version of the stored format.
const VERSION: u64 = 1;

#[derive(RlpEncodable, RlpDecodable)]
struct Record {
    version: u64,
    checked: u64,
    /// The last audited header; empty at the start.
    last: Vec<Last>,
    /// Snapshot of a clique chain; empty otherwise.
    snapshot: Bytes,
}

#[derive(RlpEncodable, RlpDecodable)]
struct Last {
    number: BlockNumber,
    hash: B256,
}

impl SealAudit {
    /// The bytes for [`resume`](Self::resume) after a restart: some tens of bytes, and the signers and open votes of a
    /// clique chain.
    pub fn encode(&self) -> Vec<u8> {
        let snapshot = match &self.engine {
            #[cfg(feature = "clique")]
            Engine::Clique(_, snapshot) => snapshot.as_ref().map(Snapshot::encode).unwrap_or_default(),
            _ => Vec::new(),
        };
        let last = self.last.iter().map(|last| Last { number: last.number, hash: last.hash }).collect();
        let record = Record { version: VERSION, checked: self.checked, last, snapshot: snapshot.into() };
        let mut out = Vec::with_capacity(record.length());
        Encodable::encode(&record, &mut out);
        out
    }

    /// An audit that continues from the bytes of [`encode`](Self::encode), with the same consensus, policy and range.
    /// `None` for any other bytes; the host then starts a new audit.
    pub fn resume(
        consensus: impl Into<Option<Consensus>>,
        policy: SealPolicy,
        range: BlockRange,
        mut bytes: &[u8],
    ) -> Option<Self> {
        let record = <Record as Decodable>::decode(&mut bytes).ok()?;
        let mut audit = Self::new(consensus, policy, range).ok()?;
        let last = match record.last.as_slice() {
            [] => None,
            [last] if range.contains(last.number) => Some(BlockNumHash { number: last.number, hash: last.hash }),
            _ => return None,
        };
        (audit.last, audit.checked) = (last, record.checked);
        let whole = bytes.is_empty() && record.version == VERSION && audit.engine.take_up(last, &record.snapshot);
        whole.then_some(audit)
    }
}

impl Engine {
    /// Continues after the header `last`. `false` if the bytes are not a snapshot after this header.
    fn take_up(&mut self, last: Option<BlockNumHash>, bytes: &[u8]) -> bool {
        match (self, last) {
            #[cfg(feature = "clique")]
            (Self::Clique(clique, snapshot), Some(_)) => {
                *snapshot = Snapshot::decode(*clique, bytes);
                snapshot.as_ref().map(Snapshot::block) == last
            }
            _ => bytes.is_empty(),
        }
    }
}
