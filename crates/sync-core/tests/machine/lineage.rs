//! Verification by hash: what joins, what does not, and whose fault it is.

use alloy_primitives::{B256, keccak256};
use bytes::Bytes;
use header_rules::{chain::ChainSpec, header::Header, range::BlockRange, rules::RuleViolation};
use header_store::contract::{TestChain, encode};
use sync_core::{
    fault::PeerFault,
    lineage::{Anchor, Lineage, LinkError, LinkFault, SealedRun},
};

fn falling(chain: &TestChain, first: u64, last: u64) -> Vec<Bytes> {
    chain.falling(BlockRange::new(first, last).expect("in order"))
}

fn seal(chain: &TestChain, highest: u64, headers: Vec<Bytes>) -> Result<SealedRun, PeerFault> {
    SealedRun::seal(chain.spec(), highest, headers)
}

fn lineage(chain: &TestChain, number: u64) -> Lineage {
    Lineage::new(chain.spec().clone(), Anchor { number, hash: chain.hash(number) })
}

#[test]
fn trust_walks_down_to_genesis() {
    let chain = TestChain::new(200, 1);
    let mut lineage = lineage(&chain, 199);
    for (first, last) in [(150, 199), (149, 149), (0, 148)] {
        let run = seal(&chain, last, falling(&chain, first, last)).expect("hangs together");
        let verified = lineage.link(run).expect("joins");
        assert_eq!(verified.range(), BlockRange::new(first, last).expect("in order"));
        assert_eq!(verified.hashes()[0], chain.hash(last));
        let below = first.checked_sub(1).map(|number| Anchor { number, hash: chain.hash(number) });
        assert_eq!(lineage.anchor(), below);
    }
}

#[test]
fn a_flipped_bit_is_the_senders_fault() {
    let chain = TestChain::new(50, 1);
    // In the middle of a response: its headers do not link.
    let mut headers = falling(&chain, 10, 49);
    let mut altered = headers[5].to_vec();
    altered[100] ^= 1;
    headers[5] = altered.into();
    let got = keccak256(&headers[5]);
    let fault = PeerFault::BrokenLink { number: 44, got, expected: chain.hash(44) };
    assert_eq!(seal(&chain, 49, headers), Err(fault));
    // At its top: it does not join.
    let mut headers = falling(&chain, 49, 49);
    let mut altered = headers[0].to_vec();
    altered[100] ^= 1;
    headers[0] = altered.into();
    let got = keccak256(&headers[0]);
    let mut lineage = lineage(&chain, 49);
    let error = lineage.link(seal(&chain, 49, headers).expect("one header hangs together")).expect_err("does not join");
    assert_eq!(error, LinkError { number: 49, fault: LinkFault::BrokenLink { got, expected: chain.hash(49) } });
    assert!(error.blames_sender());
    let fault = PeerFault::BrokenLink { number: 49, got, expected: chain.hash(49) };
    assert_eq!(error.sender_fault(), Some(fault));
    // Nothing moved: the honest response joins.
    lineage.link(seal(&chain, 49, falling(&chain, 40, 49)).expect("hangs together")).expect("joins");
}

#[test]
fn another_branch_does_not_join() {
    let chain = TestChain::new(100, 1);
    let branch = chain.fork_above(60, 100, 2);
    let mut lineage = lineage(&chain, 99);
    let error = lineage.link(seal(&branch, 99, falling(&branch, 50, 99)).expect("hangs together"));
    assert!(error.expect_err("does not join").blames_sender());
    // Below the fork the branch has the same headers.
    lineage.link(seal(&chain, 99, falling(&chain, 61, 99)).expect("hangs together")).expect("joins");
    lineage.link(seal(&branch, 60, falling(&branch, 0, 60)).expect("hangs together")).expect("joins");
}

#[test]
fn responses_of_a_wrong_shape_are_refused() {
    let chain = TestChain::new(20, 1);
    assert_eq!(seal(&chain, 10, Vec::new()), Err(PeerFault::EmptyResponse { start: 10 }));
    assert_eq!(seal(&chain, 10, falling(&chain, 5, 9)), Err(PeerFault::WrongStart { got: 9, expected: 10 }));
    let mut too_many = falling(&chain, 0, 3);
    too_many.push(chain.header(0).clone());
    assert_eq!(seal(&chain, 3, too_many), Err(PeerFault::TooManyHeaders { got: 5, limit: 4 }));
    let mut rising = falling(&chain, 5, 10);
    rising.reverse();
    assert_eq!(seal(&chain, 10, rising), Err(PeerFault::WrongStart { got: 5, expected: 10 }));
    let mut gap = falling(&chain, 5, 10);
    gap.remove(2);
    assert!(matches!(seal(&chain, 10, gap), Err(PeerFault::BrokenLink { number: 8, .. })));
    let garbage = vec![chain.header(10).clone(), Bytes::from_static(b"no header")];
    assert!(matches!(seal(&chain, 10, garbage), Err(PeerFault::BrokenLink { number: 9, .. })));
    // Alone it may be anything; what was asked for it is not.
    let garbage = seal(&chain, 10, vec![Bytes::from_static(b"no header")]).expect("one item");
    assert!(garbage.undecodable().is_some());
    assert!(lineage(&chain, 10).link(garbage).expect_err("does not join").blames_sender());
}

/// A chain that breaks a rule at `number` (no later than its parent), vouched for by its own target: the headers from
/// `number` on are rebuilt.
fn broken_at(chain: &TestChain, number: u64, last: u64) -> Vec<Bytes> {
    let mut headers: Vec<Bytes> = Vec::new();
    for at in number..=last {
        let mut header = Header::decode(chain.header(at)).expect("decodes");
        match headers.last() {
            None => header.timestamp -= 12,
            Some(below) => header.parent_hash = keccak256(below),
        }
        headers.push(encode(&header));
    }
    headers.reverse();
    headers
}

#[test]
fn an_invalid_target_is_not_the_senders_fault() {
    let chain = TestChain::new(60, 1);
    // The rule is broken inside a response, and between two responses.
    for cut in [0, 10] {
        let mut headers = broken_at(&chain, 40, 59);
        headers.extend(falling(&chain, 30, 39));
        let hash = keccak256(&headers[19]);
        let anchor = Anchor { number: 59, hash: keccak256(&headers[0]) };
        let mut lineage = Lineage::new(chain.spec().clone(), anchor);
        let rest = headers.split_off(20 + cut);
        let mut joined = lineage.link(seal(&chain, 59, headers).expect("hangs together"));
        if cut == 0 {
            // Everything down to 40 is valid; only the parent shows that 40 is wrong.
            joined.expect("valid down to 40");
            joined = lineage.link(seal(&chain, 39, rest).expect("hangs together"));
        }
        let error = joined.expect_err("a rule is broken");
        assert!(!error.blames_sender());
        assert_eq!(error.number, 40);
        let LinkFault::Invalid { hash: got, violation: RuleViolation::Timestamp { .. } } = error.fault else {
            panic!("another fault: {error}");
        };
        assert_eq!(got, hash);
    }
}

#[test]
fn genesis_is_the_chains() {
    let chain = TestChain::new(5, 1);
    let other = ChainSpec::generated(B256::repeat_byte(1));
    let mut lineage = Lineage::new(other.clone(), Anchor { number: 4, hash: chain.hash(4) });
    let run = SealedRun::seal(&other, 4, falling(&chain, 0, 4)).expect("hangs together");
    let error = lineage.link(run).expect_err("another genesis");
    let violation = RuleViolation::Genesis { got: chain.hash(0), expected: B256::repeat_byte(1) };
    assert_eq!(error, LinkError { number: 0, fault: LinkFault::Invalid { hash: chain.hash(0), violation } });
    assert!(!error.blames_sender());
}
