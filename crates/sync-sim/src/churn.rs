//! Strangers: peers that come in under a new id each time, stay until others push them out, and never come back.
//!
//! Ids cost nothing, so a host that accepts or discovers peers meets any number of them. A stranger that leaves before
//! its deadline was never at fault: what it held up is all that it leaves behind. Strangers are appended to the peers of
//! the world, because an id is an index there.
//!
//! What bounds it: [`Churn::live`] strangers are connected at a time, and one comes in each [`Churn::every`] for as long
//! as the world runs.

use header_maker::FIELDS;
use sync_core::{Input, PeerAddress, id::PeerId};

use crate::{
    network::{LinkPlan, MILLI, Micros, SECOND},
    peer::{Behavior, PeerPlan, SimPeer},
    rng::Rng,
    world::{SimEvent, World},
};

/// How strangers come in.
#[derive(Clone, Copy, Debug)]
pub struct Churn {
    /// How each behaves.
    pub behavior: Behavior,
    /// The way to each.
    pub link: LinkPlan,
    /// Strangers that are connected at a time; all of them come in at once in the beginning.
    pub live: u32,
    /// Microseconds between two more; each takes the place of the one that is here for longest. 0: no more come.
    pub every: Micros,
    /// When the first come in.
    pub from: Micros,
    /// Are all of them reached at one address, or each at its own?
    pub shares_address: bool,
}

impl Churn {
    /// Strangers of no use, up to five new ones a second.
    pub fn draw(link: LinkPlan, rng: &mut Rng) -> Self {
        let behavior = match rng.below(8) {
            0..=3 => Behavior::Silent,
            4 => Behavior::Empty,
            5 => Behavior::Drip(1),
            _ => Behavior::InvalidField(FIELDS as u8, rng.pick(&[100, 50])),
        };
        Self {
            behavior,
            link,
            live: rng.log_between(1, 16) as u32,
            every: SECOND / rng.between(1, 5),
            from: rng.log_between(1, 500) * MILLI,
            shares_address: rng.percent(30),
        }
    }
}

impl World<'_> {
    /// The first strangers, and the one after them.
    pub(crate) fn begin_churn(&mut self) {
        let Some(churn) = self.churn() else { return };
        (0..churn.live).for_each(|_| self.at(churn.from, SimEvent::Stranger { first: true }));
        if churn.every > 0 {
            self.at(churn.from + churn.every, SimEvent::Stranger { first: false });
        }
    }

    /// A stranger comes in, and the one that is here for longest leaves.
    pub(crate) fn stranger(&mut self, first: bool) {
        let Some(churn) = self.churn() else { return };
        if !first {
            self.at(self.state.now + churn.every, SimEvent::Stranger { first });
        }
        if self.machine.is_none() {
            return;
        }
        if self.strangers.len() >= churn.live as usize
            && let Some(oldest) = self.strangers.pop_front()
        {
            self.leave(oldest);
        }
        let id = self.state.peers.len() as u32;
        let (now, floor) = (self.state.now, self.state.options.script.floor);
        let plan =
            PeerPlan { behavior: churn.behavior, link: churn.link, joins_at: now, flaps: None, hears_after: 1_000 };
        self.state.peers.push(SimPeer::new(plan, self.state.canonical, floor, self.state.pool));
        self.strangers.push_back(id);
        self.reach("a stranger");
        self.at(now, SimEvent::Connect(id));
    }

    /// The address of a stranger: named before each of its connections.
    pub(crate) fn tell_address(&mut self, peer: u32) {
        let Some(churn) = self.churn().filter(|_| self.strangers.contains(&peer)) else { return };
        let place = if churn.shares_address { "one place".into() } else { format!("place {peer}") };
        if let Some(address) = PeerAddress::new(place.into_bytes()) {
            self.input(Input::PeerAddress { peer: PeerId(peer), address });
        }
    }

    /// The peer leaves for good.
    fn leave(&mut self, peer: u32) {
        let known = &mut self.state.peers[peer as usize];
        known.gone = true;
        if core::mem::take(&mut known.connected) {
            known.connection += 1;
            self.input(Input::PeerDisconnected { peer: PeerId(peer) });
        }
    }

    fn churn(&self) -> Option<Churn> {
        self.state.options.churn
    }
}
