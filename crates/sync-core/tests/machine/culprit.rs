//! Headers are hashed two at a time; still the first that is wrong is named, at every place of runs of even and odd
//! length, and nothing that stands after it matters.

use alloy_primitives::keccak256;
use bytes::Bytes;
use header_rules::{header::Header, range::BlockRange, rules::RuleViolation};
use header_store::{
    Segment, SegmentDamage,
    contract::{TestChain, encode},
};
use sync_core::{
    fault::PeerFault,
    lineage::{Anchor, Lineage, LinkError, LinkFault, SealedRun},
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

/// What the target of these headers is at fault for.
fn link(chain: &TestChain, headers: &[Bytes]) -> LinkError {
    let run = SealedRun::seal(chain.spec(), HIGHEST, headers.to_vec()).expect("hangs together");
    let anchor = Anchor { number: HIGHEST, hash: keccak256(&headers[0]) };
    Lineage::new(chain.spec().clone(), anchor).link(run).expect_err("something is wrong")
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
        let hash = keccak256(&wrong);
        let headers = run(&chain, len, at, wrong.into(), true);
        let violation = RuleViolation::Undecodable(error);
        assert_eq!(link(&chain, &headers), LinkError { number, fault: LinkFault::Invalid { hash, violation } });
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
        let headers = run(&chain, len, at, wrong, true);
        match at.checked_sub(1) {
            None => assert_eq!(seal(&chain, &headers), PeerFault::WrongStart { got, expected }),
            Some(above) => {
                // It is what its child names: the child's number does not follow from it.
                let (hash, number) = (keccak256(&headers[above]), expected + 1);
                let violation = RuleViolation::Number { got: number, expected: got + 1 };
                assert_eq!(link(&chain, &headers), LinkError { number, fault: LinkFault::Invalid { hash, violation } });
            }
        }
        assert_eq!(verify(&headers), SegmentDamage::Number { got, expected });
    }
}
