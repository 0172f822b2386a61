//! Tips under the stored head: each is compared with the store once.

use std::time::Duration;

use crate::support::{
    CHAIN_ID, Chain, TestPeer, TestStore, World,
    ancestor::{config, stored},
};
use sync_core::{
    HeaderSync, Input, Output, PeerStatus, ServedRange, SyncConfig, SyncTarget,
    id::{LookupId, PeerId},
    time::Instant,
};

struct Machine {
    machine: HeaderSync,
    now: Instant,
    chain: Chain,
    store: TestStore,
    open: Vec<(LookupId, Vec<u64>)>,
    lookups: usize,
}

impl Machine {
    /// A session on a store that holds `chain`, which wants the peers' tip.
    fn on(chain: &Chain) -> Self {
        let store = stored(chain);
        let mut machine = HeaderSync::new(config(), chain.spec(), store.checkpoint.clone());
        let now = Instant::from_millis(5);
        machine.handle_input(now, Input::TargetChanged(SyncTarget::PeersTip));
        Self { machine, now, chain: chain.clone(), store, open: Vec::new(), lookups: 0 }
    }

    fn served(&self, tip: u64) -> ServedRange {
        ServedRange { earliest: 0, latest: tip, latest_hash: self.chain.hashes[tip as usize] }
    }

    /// Drains. The store responds at once, or when it is told to.
    fn input(&mut self, input: Input, responses: bool) {
        self.machine.handle_input(self.now, input);
        for _ in 0..200 {
            match self.machine.poll_output(self.now) {
                Output::Lookup { id, numbers } => {
                    self.lookups += 1;
                    self.open.push((id, numbers));
                    if responses {
                        self.respond();
                    }
                }
                Output::Timeout(_) => return,
                _ => {}
            }
        }
        panic!("{} lookups, and no end", self.lookups);
    }

    fn respond(&mut self) {
        for (id, numbers) in std::mem::take(&mut self.open) {
            let headers = numbers.iter().map(|number| (*number, self.store.rows.get(number).cloned())).collect();
            self.machine.handle_input(self.now, Input::Stored { id, headers });
        }
    }

    fn connect(&mut self, tip: u64) {
        let status = PeerStatus { chain_id: CHAIN_ID, genesis: Some(self.chain.genesis()), served: self.served(tip) };
        self.input(Input::PeerConnected { peer: PeerId(1), status }, true);
    }
}

#[test]
fn u08_two_hundred_tips_under_the_stored_head_are_looked_up_once_each() {
    let chain = Chain::new(2_000);
    for falling in [false, true] {
        let mut machine = Machine::on(&chain);
        machine.connect(1_500);
        for step in 1..=200 {
            let before = machine.lookups;
            let tip = if falling { 1_500 - step } else { 1_500 + step };
            machine.now = machine.now + Duration::from_secs(1);
            machine.input(Input::PeerUpdated { peer: PeerId(1), served: machine.served(tip) }, true);
            machine.input(Input::Timeout, true);
            assert!(machine.lookups <= before + 1, "{tip}: {} lookups", machine.lookups - before);
            let after = machine.lookups;
            machine.input(Input::Timeout, true);
            assert_eq!(machine.lookups, after, "{tip} is known");
        }
    }
}

#[test]
fn u08_a_store_that_takes_its_time_is_asked_for_one_tip_at_once() {
    let chain = Chain::new(2_000);
    let mut machine = Machine::on(&chain);
    machine.connect(1_000);
    for tip in 1_001..1_201 {
        machine.input(Input::PeerUpdated { peer: PeerId(1), served: machine.served(tip) }, false);
        assert!(machine.open.len() <= 1, "{:?}", machine.open);
    }
    // Its response comes, and the newest tip is evaluated.
    machine.respond();
    machine.input(Input::Timeout, false);
    assert_eq!(machine.open.iter().map(|(_, numbers)| numbers.clone()).collect::<Vec<_>>(), [[1_200]]);
}

/// More tips than votes of a peer are kept: one peer is above them all, and is asked about each.
#[test]
fn u08_votes_for_more_tips_than_are_kept_are_not_asked_for_again_and_again() {
    let chain = Chain::new(300);
    let mut world = World::with(chain.spec(), SyncConfig { tip_quorum: 2, ..config() }, TestStore::default());
    world.target(SyncTarget::PeersTip);
    world.connect(1, TestPeer::new(&chain));
    // No two of the others agree, and each is on a branch of its own.
    for id in 2..=80_u32 {
        let branch = chain.branch(200, 300 - u64::from(id), id as u8);
        world.connect(id, TestPeer::new(&branch));
    }
    world.run_for(4);
    let asked = world.requests.len();
    world.run_for(1);
    assert_eq!(world.requests.len(), asked, "every lookup got its response");
}
