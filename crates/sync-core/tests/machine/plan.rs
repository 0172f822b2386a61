//! Properties of plan, requests and staging: each number is in exactly one place, whatever happens.

use header_rules::range::BlockRange;
use proptest::prelude::*;
use sync_core::{
    headers::{Downloader, InFlight, Purpose},
    id::{PeerId, RequestId},
    time::Instant,
};

#[derive(Clone, Debug)]
enum Op {
    /// A peer is asked for so many headers.
    Borrow {
        peer: u32,
        limit: u64,
        earliest: u64,
        latest: u64,
    },
    /// The request at this place ends: with so many headers (cut to what was requested), or failed.
    Response {
        which: usize,
        headers: u64,
    },
    Fail {
        which: usize,
    },
    /// The front is taken and linked.
    Link,
    /// Memory is short.
    Shed {
        bytes: u64,
    },
    /// A malicious peer is banned.
    Unstage {
        peer: u32,
        from: u64,
    },
    Later {
        millis: u64,
    },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..4u32, 1..200u64, 0..900u64, 100..1_200u64)
            .prop_map(|(peer, limit, earliest, latest)| Op::Borrow { peer, limit, earliest, latest }),
        3 => (any::<usize>(), 1..300u64).prop_map(|(which, headers)| Op::Response { which, headers }),
        1 => any::<usize>().prop_map(|which| Op::Fail { which }),
        2 => Just(Op::Link),
        1 => (0..40_000u64).prop_map(|bytes| Op::Shed { bytes }),
        1 => (0..4u32, 0..1_000u64).prop_map(|(peer, from)| Op::Unstage { peer, from }),
        1 => (1..2_000u64).prop_map(|millis| Op::Later { millis }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn h07_h08_every_number_is_in_exactly_one_place(ops in prop::collection::vec(op(), 1..200)) {
        let top = 999u64;
        let mut downloader: Downloader<()> = Downloader::new();
        downloader.open(BlockRange::new(0, top).expect("rising"));
        let mut front = Some(top);
        let mut now = Instant::ZERO;
        let mut open: Vec<(RequestId, PeerId, BlockRange)> = Vec::new();
        for op in ops {
            match op {
                Op::Borrow { peer, limit, earliest, latest } => {
                    let Some(served) = BlockRange::new(earliest, latest) else { continue };
                    let peer = PeerId(peer);
                    if let Some((range, failures)) = downloader.plan.borrow(peer, served, 0, limit, now) {
                        prop_assert!(range.len() <= limit);
                        prop_assert!(served.contains(range.first()) && served.contains(range.last()));
                        prop_assert!(failures.allow(peer, now));
                        let id = downloader.requests.send(InFlight {
                            peer,
                            purpose: Purpose::Piece { range, failures, by_hash: None },
                            // The machine requests exactly the numbers that it borrowed.
                            limit: range.len() as u16,
                            sent: now,
                            deadline: now + core::time::Duration::from_secs(5),
                            bytes: range.len() * 600,
                            window_used: 0,
                            passed: false,
                        });
                        open.push((id, peer, range));
                    }
                }
                Op::Response { which, headers } if !open.is_empty() => {
                    let (id, peer, piece) = open.remove(which % open.len());
                    let request = downloader.requests.finish(id).expect("open");
                    let Purpose::Piece { failures, .. } = request.purpose else { unreachable!("only pieces here") };
                    prop_assert!(downloader.requests.finish(id).is_none(), "an id ends once");
                    let headers = headers.min(piece.len());
                    let received = BlockRange::new(piece.last() - (headers - 1), piece.last()).expect("rising");
                    downloader.stage(peer, piece, failures, received, headers * 600, ());
                }
                Op::Fail { which } if !open.is_empty() => {
                    let (id, peer, _) = open.remove(which % open.len());
                    let request = downloader.requests.finish(id).expect("open");
                    let Purpose::Piece { range, mut failures, .. } = request.purpose else { unreachable!("only pieces here") };
                    failures.note(peer, now, core::time::Duration::from_millis(500), core::time::Duration::from_secs(16));
                    prop_assert!(!failures.allow(peer, now));
                    downloader.plan.release(range, failures);
                }
                Op::Link => {
                    if let Some(staged) = front.and_then(|front| downloader.staging.take(front)) {
                        front = staged.range.first().checked_sub(1);
                    }
                }
                Op::Shed { bytes } => {
                    downloader.shed(bytes, front.unwrap_or(0), |peer| peer.0 % 2 == 0);
                    let kept = downloader.staging.ranges().count();
                    prop_assert!(downloader.staging.bytes() <= bytes || kept == 1);
                }
                Op::Unstage { peer, from } => downloader.unstage_of(PeerId(peer), from),
                Op::Later { millis } => now = now + core::time::Duration::from_millis(millis),
                Op::Response { .. } | Op::Fail { .. } => {}
            }
            match front {
                Some(front) => prop_assert!(downloader.check_invariant(BlockRange::new(0, front).expect("rising"))),
                None => prop_assert!(downloader.plan.is_empty() && downloader.staging.is_empty()),
            }
        }
        // Whatever failed before: after the longest pause an honest peer gets everything that is left.
        let rest: u64 = downloader.plan.ranges().map(|range| range.len()).sum();
        let mut got = 0;
        let all = BlockRange::new(0, u64::MAX).expect("rising");
        while let Some((range, _)) = downloader.plan.borrow(PeerId(9), all, 0, 128, now) {
            got += range.len();
        }
        prop_assert_eq!(got, rest);
    }
}
