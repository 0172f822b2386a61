//! Headers are hashed two at a time; still the first that is wrong is named, at every place of runs of even and odd
//! length, and nothing that stands after it matters.

use alloy_primitives::{B256, keccak256};
use bytes::Bytes;
use sync_core::{
    fault::PeerFault,
    header::Header,
    lineage::SealedRun,
    range::BlockRange,
    rules::RuleViolation,
    store::{
        Segment, SegmentDamage,
        contract::{TestChain, encode},
    },
};

const HIGHEST: u64 = 40;
const LEN_MAX: usize = 6;

/// Every length, and every place in it.
fn places() -> impl Iterator<Item = (usize, usize)> {
    (1..=LEN_MAX).flat_map(|len| (0..len).map(move |at| (len, at)))
}

/// Falling headers with `wrong` at one place: those above build on it, unless `is_linked` is false. Below it stands
/// something that is no header.
fn run(chain: &TestChain, len: usize, at: usize, wrong: Bytes, is_linked: bool) -> Vec<Bytes> {
    let lowest = HIGHEST + 1 - len as u64;
    let mut headers = chain.falling(BlockRange::new(lowest, HIGHEST).expect("in order"));
    headers[at] = wrong;
    if is_linked {
        for above in (0..at).rev() {
            let parent_hash = keccak256(&headers[above + 1]);
            headers[above] = encode(&Header { parent_hash, ..Header::decode(&headers[above]).expect("decodes") });
        }
    }
    if at + 1 < len {
        headers[len - 1] = Bytes::from_static(b"no header");
    }
    headers
}

fn number_at(at: usize) -> u64 {
    HIGHEST - at as u64
}

fn seal(chain: &TestChain, headers: &[Bytes]) -> PeerFault {
    SealedRun::seal(chain.spec(), HIGHEST, headers.to_vec()).expect_err("something is wrong")
}

fn verify(headers: &[Bytes]) -> SegmentDamage {
    let rising: Vec<Bytes> = headers.iter().rev().cloned().collect();
    Segment::pack(HIGHEST + 1 - rising.len() as u64, &rising).verify().expect_err("something is wrong")
}

#[test]
fn what_is_not_the_parent() {
    let chain = TestChain::new(50, 1);
    let branch = chain.fork_above(20, 50, 2);
    // The highest header has no child here to say what it must be.
    for (len, at) in places().filter(|(_, at)| *at > 0) {
        let number = number_at(at);
        let (got, expected) = (branch.hash(number), chain.hash(number));
        let headers = run(&chain, len, at, branch.header(number).clone(), false);
        assert_eq!(seal(&chain, &headers), PeerFault::BrokenLink { number, got, expected });
        assert_eq!(verify(&headers), SegmentDamage::BrokenLink { number, got, expected });
    }
}

#[test]
fn what_links_and_is_no_header() {
    let chain = TestChain::new(50, 1);
    for (len, at) in places() {
        let number = number_at(at);
        let mut wrong = chain.header(number).to_vec();
        wrong.push(0);
        let error = Header::decode(&wrong).expect_err("a byte follows it");
        let headers = run(&chain, len, at, wrong.into(), true);
        assert_eq!(seal(&chain, &headers), PeerFault::Undecodable { number, error });
        assert_eq!(verify(&headers), SegmentDamage::Undecodable { number, error });
    }
}

#[test]
fn what_links_and_has_another_number() {
    let chain = TestChain::new(50, 1);
    for (len, at) in places() {
        let (got, expected) = (7, number_at(at));
        let header = Header::decode(chain.header(expected)).expect("decodes");
        let wrong = encode(&Header { number: got, ..header });
        let hash: B256 = keccak256(&wrong);
        let headers = run(&chain, len, at, wrong, true);
        let fault = match at {
            0 => PeerFault::WrongStart { got, expected },
            _ => {
                let violation = RuleViolation::Number { got, expected };
                PeerFault::InvalidHeader { number: expected, hash, violation }
            }
        };
        assert_eq!(seal(&chain, &headers), fault);
        assert_eq!(verify(&headers), SegmentDamage::Number { got, expected });
    }
}
