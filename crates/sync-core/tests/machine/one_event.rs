//! One event is one fault, however many requests were open when it happened.

use crate::support::{Behavior, Chain, TestPeer, World};
use sync_core::{
    Input,
    fault::{PeerFault, RequestFailure, Verdict},
    id::{PeerId, RequestId},
};

/// One peer that was asked for so many pieces at once.
fn asked_for(pieces: usize, behavior: Behavior) -> (Chain, World) {
    let chain = Chain::new(8_000);
    let mut world = World::towards(&chain);
    world.connect(1, TestPeer { delay_ms: 100, ..TestPeer::new(&chain) });
    world.run_to_resolved(5);
    assert!(world.run_until(5, |world| world.progress().peers[0].requests_in_flight >= pieces));
    world.peer_mut(1).behavior = behavior;
    (chain, world)
}

fn score(world: &World, id: u32) -> u8 {
    world.progress().peers.iter().find(|peer| peer.peer == PeerId(id)).expect("known").score
}

/// Its first empty response, and those that were in flight then.
fn prune(world: &mut World, earliest: u64) {
    world.peer_mut(1).earliest = earliest;
    assert!(world.run_until(5, |world| !world.penalized(1).is_empty()));
    world.run_for(5);
}

#[test]
fn u11_a_peer_that_pruned_while_requests_were_open_made_one_slip() {
    let (_, mut world) = asked_for(4, Behavior::Honest);
    prune(&mut world, 7_900);
    assert_eq!(world.penalties.len(), 1, "{:?}", world.penalties);
    assert!(matches!(world.penalties[0], (1, PeerFault::EmptyResponse { .. }, Verdict::Warned)));
}

#[test]
fn u11_what_a_peer_does_not_have_it_is_asked_for_after_its_next_announcement() {
    let (chain, mut world) = asked_for(4, Behavior::Honest);
    prune(&mut world, 7_900);
    let asked = world.requests.len();
    world.run_for(60);
    let pieces = world.requests[asked..].iter().filter(|request| request.limit > 1).count();
    assert_eq!(pieces, 0, "it has nothing that is missing");
    // It announces the same again, and has it: the slip stays.
    world.peer_mut(1).earliest = 0;
    let served = world.peers[&1].served_range();
    world.input(Input::PeerUpdated { peer: PeerId(1), served });
    assert!(score(&world, 1) < 100);
    world.run_to_synced(60);
    world.assert_stored(&chain, 0);
}

#[test]
fn u11_an_announcement_that_came_late_excuses_the_empty_response() {
    let (chain, mut world) = asked_for(4, Behavior::Honest);
    let before = score(&world, 1);
    prune(&mut world, 7_900);
    assert!(score(&world, 1) < before);
    let served = world.peers[&1].served_range();
    world.input(Input::PeerUpdated { peer: PeerId(1), served });
    assert_eq!(score(&world, 1), before, "it says itself that it does not have them");
    world.connect(2, TestPeer::new(&chain));
    world.run_to_synced(60);
    assert_eq!(world.penalties.len(), 1);
}

#[test]
fn u11_an_announcement_that_came_first_makes_an_empty_response_no_fault() {
    let (_, mut world) = asked_for(4, Behavior::Empty);
    let asked = world.requests.len();
    assert!(world.run_until(5, |world| world.requests.len() > asked));
    let served = sync_core::ServedRange { earliest: 7_900, ..world.peers[&1].served_range() };
    world.input(Input::PeerUpdated { peer: PeerId(1), served });
    world.run_for(5);
    assert_eq!(world.penalties, []);
}

#[test]
fn u11_a_peer_that_announces_again_and_again_what_it_does_not_have_is_banned() {
    let (_, mut world) = asked_for(4, Behavior::Honest);
    prune(&mut world, 7_900);
    let claims = sync_core::ServedRange { earliest: 0, ..world.peers[&1].served_range() };
    let prunes = world.peers[&1].served_range();
    for _ in 0..8 {
        if world.is_banned(1) {
            break;
        }
        world.input(Input::PeerUpdated { peer: PeerId(1), served: prunes });
        world.input(Input::PeerUpdated { peer: PeerId(1), served: claims });
        world.run_for(2);
    }
    assert!(world.is_banned(1), "{:?}", world.penalties);
}

#[test]
fn u11_what_came_too_long_or_at_a_wrong_place_in_one_flight_is_one_slip() {
    for behavior in [Behavior::TooMany, Behavior::WrongStart] {
        let (_, mut world) = asked_for(4, Behavior::Honest);
        let open = world.progress().peers[0].requests_in_flight;
        world.peer_mut(1).behavior = behavior;
        assert!(world.run_until(5, |world| !world.penalized(1).is_empty()));
        let first = world.now_ms;
        // What was asked for before the first of them came, and nothing else.
        assert!(world.run_until(5, |world| world.now_ms >= first + 90));
        assert!(open > 1 && world.penalties.len() == 1, "{behavior:?}: {:?}", world.penalties);
        world.run_for(10);
        assert!(world.is_banned(1), "{behavior:?}: it goes on");
    }
}

fn open_requests(world: &World) -> Vec<RequestId> {
    let open = world.progress().peers[0].requests_in_flight;
    world.requests.iter().rev().take(open).map(|request| request.id).collect()
}

#[test]
fn u11_streams_that_break_together_are_one_fault() {
    let (_, mut world) = asked_for(4, Behavior::Silent);
    let before = score(&world, 1);
    for request in open_requests(&world) {
        let failure = RequestFailure::Protocol("no message".into());
        world.input(Input::RequestFailed { request, failure });
    }
    assert_eq!(world.penalties.len(), 1, "{:?}", world.penalties);
    assert_eq!(before - score(&world, 1), 35);

    let (_, mut world) = asked_for(4, Behavior::Silent);
    let before = score(&world, 1);
    for request in open_requests(&world) {
        world.input(Input::RequestFailed { request, failure: RequestFailure::Disconnected });
    }
    assert_eq!(before - score(&world, 1), 4, "one way was lost");
}
