//! The work that is measured, one and the same for the native program and for the wasm benchmark: hash, decode, check and
//! link every header of a chain, from its tip down, as a sync does, and nothing else.

use alloy_primitives::keccak256;
use bytes::Bytes;
use header_rules::{chain::ChainSpec, header::Header};
use sync_core::lineage::{Anchor, Lineage, SealedRun};

/// Headers of one response of 48 KiB.
const RUN_HEADERS: usize = 80;

/// A chain cut to responses, falling, as peers send them.
pub(super) struct Chain {
    spec: ChainSpec,
    anchor: Anchor,
    runs: Vec<Vec<Bytes>>,
    len: usize,
}

impl Chain {
    /// Cuts concatenated RLP of consecutive, rising headers. `None` when it is no chain of headers.
    pub(super) fn cut(rlp: Vec<u8>) -> Option<Self> {
        let rlp = Bytes::from(rlp);
        let mut headers = Vec::new();
        let mut at = 0;
        while at < rlp.len() {
            let len = list_len(&rlp[at..])?;
            headers.push(rlp.slice(at..at.checked_add(len).filter(|end| *end <= rlp.len())?));
            at += len;
        }
        headers.reverse();
        let tip = headers.first()?;
        let anchor = Anchor { number: Header::decode(tip).ok()?.number, hash: keccak256(tip) };
        let genesis = keccak256(headers.last()?);
        let len = headers.len();
        let runs = headers.chunks(RUN_HEADERS).map(<[Bytes]>::to_vec).collect();
        Some(Self { spec: ChainSpec::generated(genesis), anchor, runs, len })
    }

    /// Headers in it.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Verifies the whole chain from its tip down. `false` when its headers do not link.
    pub(super) fn verify(&self) -> bool {
        let mut lineage = Lineage::new(self.spec.clone(), self.anchor);
        self.runs.iter().all(|run| {
            let Some(anchor) = lineage.anchor() else { return false };
            let Ok(sealed) = SealedRun::seal(&self.spec, anchor.number, run.clone()) else { return false };
            lineage.link(sealed).is_ok()
        })
    }
}

/// Length of the RLP list at the front, its prefix included.
fn list_len(bytes: &[u8]) -> Option<usize> {
    let first = *bytes.first()?;
    match first {
        0xc0..=0xf7 => Some(1 + usize::from(first - 0xc0)),
        0xf8.. => {
            let digits = usize::from(first - 0xf7);
            let len = bytes.get(1..=digits)?.iter().fold(0_usize, |len, digit| (len << 8) | usize::from(*digit));
            Some(1 + digits + len)
        }
        _ => None,
    }
}
