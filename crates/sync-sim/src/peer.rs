//! Peers: what each has and how it responds. A new kind is a [`Behavior`], its branch in [`SimPeer::respond`], and a
//! line in [`options`](crate::options) that draws it.

use alloy_primitives::B256;
use bytes::Bytes;
use header_maker::FIELDS;
use header_rules::chain::GENERATED_CHAIN_ID;
use sync_core::{HeadersRequest, PeerStatus, ServedRange, StartBlock};

use crate::{
    chain::{BranchId, Pool, View},
    header::{fat_headers, invalid_field},
    network::{Link, LinkPlan, Micros},
    rng::Rng,
};

/// Bytes at which a peer cuts a response, as header peers do.
const RESPONSE_BYTES_MAX: usize = 48 * 1024;

/// How a peer behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behavior {
    /// Responds with what it has; its link decides how fast.
    Honest,
    /// At most so many headers in a response.
    Capped(u16),
    /// Sees the chain so many blocks late, until the world is quiescent.
    Lagging(u64),
    /// Sees the chain so many blocks late, always.
    Behind(u64),
    /// Serves nothing under so many blocks above the floor.
    Recent(u64),
    /// The same, in a world in which no peer serves more.
    Pruned(u64),
    /// Nothing in any response.
    Empty,
    /// One bit of one field of one header is wrong, in so many percent of its responses. [`FIELDS`]: any field.
    InvalidField(u8, u8),
    /// Everything it says is of another branch.
    Forked(BranchId),
    /// Never responds.
    Silent,
    /// So many headers more than it was asked for.
    TooMany(u16),
    /// Begins so many headers lower than it was asked to.
    WrongStart(u64),
    /// Names another chain id.
    WrongChain,
    /// Names another genesis.
    WrongGenesis,
    /// Bytes that are no header, or a header and more.
    Garbage,
    /// Rising in place of falling.
    Rising,
    /// Leaves one header out.
    Gap,
    /// Each stream ends in a breach of the protocol.
    Breach,
    /// Says that it has everything up to a number that no chain has, or to the highest that is plausible.
    Boaster(u64),
    /// Says that it has everything down to block 0, and has nothing from so many blocks above the floor on down.
    ClaimsMore(u64),
    /// Announces another range all the time: its tip, the block under it, its tip, ...
    Flood,
    /// The same for as long as it is connected.
    EndlessFlood,
    /// Headers of so many bytes that it made itself, one under the other, for each request by number.
    Fat(u32),
    /// Is on a branch, says that it has everything, and has nothing under the place where the branch parts.
    Orphan(BranchId),
    /// Has so many headers of the honest chain's top, and nothing under them, although it says so.
    Denies(u64),
    /// Has so many headers of the honest chain's top, and under them, by number, those of this branch.
    Splices(BranchId, u64),
    /// Names a tip so many blocks above the honest one, under a hash that no peer has, and never responds.
    ClaimsHigher(u64),
    /// Names one higher tip after the other, all the time, and its responses are empty.
    Climbs,
    /// Its chain ends so many blocks under the honest tip, and what it has is right.
    Low(u64),
    /// At most so many headers in a response, over a way that is slow on purpose.
    Drip(u16),
    /// Responds twice, and under ids that were never given out.
    Echo,
}

impl Behavior {
    /// Does it do nothing wrong, whatever its speed? Then no fault but silence may be held against it.
    pub fn is_honest(self) -> bool {
        use Behavior::{Behind, Capped, Honest, Lagging, Pruned, Recent};
        matches!(self, Honest | Capped(_) | Lagging(_) | Behind(_) | Recent(_) | Pruned(_))
    }

    /// Does it name a tip that is not the honest chain's?
    pub fn names_a_false_tip(self) -> bool {
        use Behavior::{Boaster, ClaimsHigher, Climbs, Forked, Orphan};
        matches!(self, Forked(_) | Boaster(_) | Orphan(_) | ClaimsHigher(_) | Climbs)
    }

    /// Does it announce all the time?
    pub fn floods(self) -> bool {
        matches!(self, Self::Flood | Self::EndlessFlood | Self::Climbs)
    }
}

/// A peer as the options draw it.
#[derive(Clone, Copy, Debug)]
pub struct PeerPlan {
    /// How it behaves.
    pub behavior: Behavior,
    /// The way to it.
    pub link: LinkPlan,
    /// When it is first connected.
    pub joins_at: Micros,
    /// How long it stays connected and how long it is gone, in turn; an honest peer does so until the world is
    /// quiescent.
    pub flaps: Option<(Micros, Micros)>,
    /// How long it takes to hear of a new block.
    pub hears_after: Micros,
}

/// What a peer does with a request.
#[derive(Debug)]
pub enum Reply {
    /// Nothing.
    Nothing,
    /// A response.
    Headers(Vec<Bytes>),
    /// A message that is none.
    Breach,
}

/// A peer in a world.
#[derive(Clone, Debug)]
pub struct SimPeer {
    /// How it was drawn.
    pub plan: PeerPlan,
    /// The way to it.
    pub link: Link,
    /// The chain as it sees it; a header of an earlier view it has still by hash, not by number.
    pub view: View,
    earlier: Vec<View>,
    /// Lowest number that it serves.
    pub earliest: u64,
    /// Lowest number that it announced, until it announces that it dropped more.
    pub said_earliest: Option<u64>,
    /// How often it dropped headers and announced it late.
    pub prunes: u32,
    /// Does it not come back?
    pub gone: bool,
    /// Is it connected?
    pub connected: bool,
    /// Counts connections: what was sent over an earlier one does not arrive.
    pub connection: u32,
}

impl SimPeer {
    /// A peer that is not connected yet.
    pub fn new(plan: PeerPlan, canonical: View, floor: u64, pool: &Pool) -> Self {
        let view = match plan.behavior {
            Behavior::Forked(branch) | Behavior::Orphan(branch) => {
                View { branch, tip: pool.last(branch).min(canonical.tip + 3) }
            }
            _ => canonical,
        };
        let earliest = match plan.behavior {
            Behavior::Recent(above) | Behavior::Pruned(above) | Behavior::ClaimsMore(above) => floor + above,
            Behavior::Orphan(branch) => pool.fork_point(branch).map_or(0, |fork| fork + 1),
            _ => 0,
        };
        let mut peer = Self {
            link: Link::new(plan.link),
            plan,
            view,
            earlier: Vec::new(),
            earliest,
            said_earliest: None,
            prunes: 0,
            gone: false,
            connected: false,
            connection: 0,
        };
        peer.see(canonical, false);
        peer
    }

    /// The honest chain is another now. `false` when it does not care.
    pub fn see(&mut self, canonical: View, quiescent: bool) -> bool {
        let behind = match self.plan.behavior {
            Behavior::Forked(_) | Behavior::Orphan(_) => return false,
            Behavior::Lagging(blocks) if !quiescent => blocks,
            Behavior::Behind(blocks) | Behavior::Low(blocks) => blocks,
            _ => 0,
        };
        let view = View { branch: canonical.branch, tip: canonical.tip.saturating_sub(behind) };
        if view == self.view {
            return false;
        }
        if view.branch != self.view.branch && !self.earlier.contains(&self.view) {
            self.earlier.push(self.view);
        }
        self.view = view;
        true
    }

    /// What it says it serves.
    pub fn served(&self, pool: &Pool) -> ServedRange {
        let tip = pool.tip(self.view);
        match self.plan.behavior {
            Behavior::Boaster(latest) => ServedRange { earliest: 0, latest, latest_hash: B256::repeat_byte(0xbb) },
            Behavior::ClaimsMore(_) | Behavior::Orphan(_) => {
                ServedRange { earliest: 0, latest: tip.number, latest_hash: tip.hash }
            }
            Behavior::ClaimsHigher(blocks) => claimed(tip.number + blocks),
            Behavior::Climbs => claimed(tip.number + 2),
            _ => {
                let earliest = self.said_earliest.unwrap_or(self.earliest);
                ServedRange { earliest: earliest.min(tip.number), latest: tip.number, latest_hash: tip.hash }
            }
        }
    }

    /// What it says that it serves with the `left`-th announcement of a flood.
    pub fn flood(&self, pool: &Pool, left: u64) -> ServedRange {
        let mut served = self.served(pool);
        if self.plan.behavior == Behavior::Climbs {
            // Its number goes up and down, its hash never comes again.
            return ServedRange { latest_hash: claimed(left).latest_hash, latest: served.latest + left % 64, ..served };
        }
        if left.is_multiple_of(2) {
            let under = pool.at(self.view.branch, served.latest.saturating_sub(1));
            (served.latest, served.latest_hash) = (under.number, under.hash);
        }
        served
    }

    /// It drops what is under so many blocks above the floor, and does not say so yet.
    pub fn prune(&mut self, pool: &Pool, earliest: u64) {
        self.said_earliest = Some(self.served(pool).earliest);
        self.earliest = self.earliest.max(earliest);
        self.prunes += 1;
    }

    /// Its status.
    pub fn status(&self, pool: &Pool) -> PeerStatus {
        let chain_id = if self.plan.behavior == Behavior::WrongChain { 1 } else { GENERATED_CHAIN_ID };
        let genesis = if self.plan.behavior == Behavior::WrongGenesis { Pool::FOREIGN } else { Pool::TRUNK };
        PeerStatus { chain_id, genesis: Some(pool.genesis(genesis)), served: self.served(pool) }
    }

    /// Its response to a request.
    pub fn respond(&self, pool: &Pool, request: &HeadersRequest, rng: &mut Rng) -> Reply {
        let limit = usize::from(request.limit);
        if matches!(self.plan.behavior, Behavior::ClaimsHigher(_)) {
            return Reply::Nothing;
        }
        let Some((branch, top)) = self.find(pool, request.start) else {
            return match self.plan.behavior {
                Behavior::Silent => Reply::Nothing,
                Behavior::Breach => Reply::Breach,
                _ => Reply::Headers(Vec::new()),
            };
        };
        let from = |top: u64, limit: usize| self.falling(pool, branch, top, limit);
        Reply::Headers(match self.plan.behavior {
            Behavior::Silent => return Reply::Nothing,
            Behavior::Breach => return Reply::Breach,
            Behavior::Empty | Behavior::Climbs => Vec::new(),
            Behavior::Fat(bytes) => match request.start {
                StartBlock::Number(_) => fat_headers(top, limit, bytes as usize),
                // Of what has a known hash it can make nothing.
                StartBlock::Hash(_) => from(top, 1),
            },
            Behavior::Denies(most) => {
                let lowest = self.view.tip.saturating_sub(most - 1);
                if top < lowest { Vec::new() } else { from(top, limit.min((top - lowest + 1) as usize)) }
            }
            Behavior::Splices(other, most) => {
                let lowest = self.view.tip.saturating_sub(most - 1);
                let own = (top + 1).saturating_sub(lowest).min(limit as u64);
                let mut headers = if own > 0 { from(top, own as usize) } else { Vec::new() };
                if headers.len() == own as usize && own < limit as u64 && top >= own {
                    headers.extend(self.falling(pool, other, top - own, limit - own as usize));
                }
                headers
            }
            Behavior::Drip(most) => from(top, limit.min(usize::from(most))),
            Behavior::Capped(most) => from(top, limit.min(usize::from(most))),
            Behavior::TooMany(more) => from(top, limit + usize::from(more)),
            Behavior::WrongStart(lower) => from(top.saturating_sub(lower), limit),
            Behavior::InvalidField(field, percent) => {
                let mut headers = from(top, limit);
                if rng.percent(u64::from(percent)) {
                    alter(&mut headers, usize::from(field), rng);
                }
                headers
            }
            Behavior::Garbage => {
                let mut headers = from(top, limit);
                garble(&mut headers, rng);
                headers
            }
            Behavior::Rising => {
                let mut headers = from(top, limit);
                headers.reverse();
                headers
            }
            Behavior::Gap => {
                let mut headers = from(top, limit);
                if headers.len() > 2 {
                    headers.remove(rng.between(1, headers.len() as u64 - 2) as usize);
                }
                headers
            }
            _ => from(top, limit),
        })
    }

    /// Branch and number of the header that is asked for, if it has it.
    fn find(&self, pool: &Pool, start: StartBlock) -> Option<(BranchId, u64)> {
        match start {
            StartBlock::Number(number) => {
                let has = (self.earliest..=self.view.tip).contains(&number);
                has.then_some((self.view.branch, number))
            }
            StartBlock::Hash(hash) => {
                let (owner, number) = pool.locate(hash).filter(|(_, number)| *number >= self.earliest)?;
                let views = core::iter::once(&self.view).chain(&self.earlier);
                views.copied().find(|view| pool.holds(*view, owner, number)).map(|view| (view.branch, number))
            }
        }
    }

    fn falling(&self, pool: &Pool, branch: BranchId, top: u64, limit: usize) -> Vec<Bytes> {
        let mut bytes = 0;
        let mut headers = Vec::with_capacity(limit.min(128));
        for number in (self.earliest..=top).rev().take(limit) {
            let Some(header) = pool.header(branch, number) else { break };
            bytes += header.len();
            if bytes > RESPONSE_BYTES_MAX && !headers.is_empty() {
                break;
            }
            headers.push(header.clone());
        }
        headers
    }
}

/// A range up to a number, under a hash that no peer has.
fn claimed(latest: u64) -> ServedRange {
    let mut hash = B256::repeat_byte(0xcc);
    hash[24..].copy_from_slice(&latest.to_be_bytes());
    ServedRange { earliest: 0, latest, latest_hash: hash }
}

/// A wrong bit in one field of one header.
fn alter(headers: &mut [Bytes], field: usize, rng: &mut Rng) {
    let field = if field >= FIELDS { rng.below(FIELDS as u64) as usize } else { field };
    let at = rng.below(headers.len() as u64) as usize;
    if let Some(header) = headers.get_mut(at)
        && let Some(altered) = invalid_field(header, field, rng)
    {
        *header = altered;
    }
}

/// Bytes that are no header in the place of one.
fn garble(headers: &mut [Bytes], rng: &mut Rng) {
    let at = rng.below(headers.len() as u64) as usize;
    let Some(header) = headers.get_mut(at) else { return };
    *header = match rng.below(4) {
        0 => Bytes::new(),
        1 => Bytes::from_static(b"no header"),
        2 => header.slice(..header.len() / 2),
        _ => [header.as_ref(), &[0]].concat().into(),
    };
}
