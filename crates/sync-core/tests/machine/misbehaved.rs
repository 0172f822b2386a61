//! A peer that breaks the protocol without having been asked for anything.

use crate::support::{Chain, TestPeer, World};
use sync_core::{
    Input, SyncTarget,
    fault::{PeerFault, Verdict},
    id::PeerId,
};

#[test]
fn floods_without_a_request_cost_the_score_and_end_in_a_ban() {
    let chain = Chain::new(1_000);
    let mut world = World::new(chain.spec());
    world.target(SyncTarget::Hash(chain.tip().hash));
    world.connect(1, TestPeer::new(&chain));
    world.connect(2, TestPeer::new(&chain));
    world.run_to_synced(60);
    assert_eq!(world.penalties, []);
    let flood = || Input::PeerMisbehaved { peer: PeerId(2), what: "announces its range too often".into() };
    for _ in 0..2 {
        world.input(flood());
        assert!(!world.is_banned(2));
    }
    world.input(flood());
    assert!(world.is_banned(2));
    let verdicts: Vec<_> = world.penalties.iter().map(|(_, _, verdict)| *verdict).collect();
    assert_eq!(verdicts, [Verdict::Warned, Verdict::Warned, Verdict::Banned]);
    assert!(matches!(world.penalized(2)[0], PeerFault::Protocol(what) if what.contains("announces")));
    world.input(Input::PeerMisbehaved { peer: PeerId(77), what: "not a known peer".into() });
    assert_eq!(world.penalties.len(), 3);
}
