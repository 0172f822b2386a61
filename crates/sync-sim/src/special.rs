//! Worlds with a subject of their own, drawn for some seeds beside everything else: what real networks do to a sync all
//! at once, and single features seldom.

use crate::{
    network::{LinkPlan, MILLI},
    peer::{Behavior, PeerPlan},
    rng::Rng,
    script::{Script, Step},
};

/// Peers of no use in a world that is full of them.
const USELESS: u64 = 16;

/// Blocks above the floor that no peer serves in a pruned world, at most: less than the shortest sync has, and more is
/// left than the deepest shallow reorg takes.
const PRUNED_MAX: u64 = 1_400;

/// See the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// None: most worlds.
    None,
    /// Every honest peer has dropped what is old, the best of them from so many blocks above the floor on down; others
    /// claim to have everything.
    Pruned(u64),
    /// Sixteen peers of no use beside the others: silent, empty, or with a few blocks.
    Useless,
    /// Peers that announce without end.
    Floods,
    /// Honest peers behind ways that are narrow, long, or stand still for seconds, and lose nothing for good.
    SlowWays,
}

impl Special {
    /// One of them for one world in four.
    pub fn draw(deep: bool, rng: &mut Rng) -> Self {
        match rng.below(100) {
            0..=9 if !deep => Self::Pruned(rng.log_between(1, PRUNED_MAX)),
            10..=13 => Self::Useless,
            14..=16 => Self::Floods,
            17..=24 => Self::SlowWays,
            _ => Self::None,
        }
    }

    /// Its word in the list of features.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Pruned(_) => Some("pruned"),
            Self::Useless => Some("useless peers"),
            Self::Floods => Some("floods"),
            Self::SlowWays => Some("slow ways"),
        }
    }

    /// The peers of such a world; the first stays the one that serves most.
    pub fn change_peers(self, peers: &mut Vec<PeerPlan>, rng: &mut Rng) {
        let like = peers[0];
        let mut add =
            |behavior: Behavior, joins_at: u64| peers.push(PeerPlan { behavior, joins_at, flaps: None, ..like });
        match self {
            Self::None => {}
            Self::Pruned(above) => {
                for _ in 0..rng.between(1, 4) {
                    let behavior = if rng.percent(50) { Behavior::Silent } else { Behavior::ClaimsMore(above) };
                    add(behavior, rng.log_between(1, 4_000) * MILLI);
                }
                for peer in peers.iter_mut().filter(|peer| peer.behavior.is_honest()) {
                    peer.behavior = Behavior::Pruned(above + rng.below(PRUNED_MAX + 1 - above));
                }
                peers[0].behavior = Behavior::Pruned(above);
                // A faulty peer has no more than they have: it might be the only one to serve it.
                peers.retain(|peer| {
                    matches!(peer.behavior, Behavior::Pruned(_) | Behavior::Silent | Behavior::ClaimsMore(_))
                });
            }
            Self::Useless => {
                for _ in 0..USELESS {
                    let behaviors = [Behavior::Silent, Behavior::Silent, Behavior::Empty, Behavior::Recent(1_800)];
                    add(rng.pick(&behaviors), rng.log_between(1, 200) * MILLI);
                }
            }
            Self::Floods => {
                for _ in 0..rng.between(1, 3) {
                    add(Behavior::Flood, rng.log_between(1, 2_000) * MILLI);
                }
            }
            Self::SlowWays => {
                for peer in peers.iter_mut().filter(|peer| peer.behavior.is_honest()) {
                    peer.link = slow_way(rng);
                    peer.flaps = None;
                }
            }
        }
    }

    /// What must not happen in such a world.
    pub fn change_script(self, script: &mut Script) {
        if self == Self::SlowWays {
            // What is on a way that is cut is lost for good, and looks like silence.
            script.steps.retain(|(_, step)| !matches!(step, Step::Cut(..)));
        }
    }

    /// From how far above the floor on down no peer serves anything.
    pub fn pruned_from(self, peers: &[PeerPlan]) -> Option<u64> {
        let first = peers.first()?.behavior;
        if let (Self::Pruned(_), Behavior::Pruned(above)) = (self, first) { Some(above) } else { None }
    }
}

/// One of the ways that real peers are behind.
fn slow_way(rng: &mut Rng) -> LinkPlan {
    let (megabit, round_trip) = rng.pick(&[(20, 100), (50, 20), (100, 50), (50, 30), (100, 150), (2, 50)]);
    let lost_ppm = rng.pick(&[0, 100, 1_000, 10_000]);
    LinkPlan::repaired(megabit, round_trip, lost_ppm, rng.log_between(100, 6_000) * MILLI)
}
