//! What a world knows of itself: everything but the machine and the events to come. Checkers read it.

use sync_core::SyncTarget;

use crate::{
    chain::{Pool, View},
    network::Micros,
    options::{CrashPoint, Options},
    peer::SimPeer,
    store::SimStore,
};

/// See the [module](self).
#[derive(Debug)]
pub struct State<'a> {
    /// All chains.
    pub pool: &'a Pool,
    /// How this world was drawn.
    pub options: Options,
    /// The virtual clock.
    pub now: Micros,
    /// When the process that runs was started: its own clock counts from there.
    pub started_at: Micros,
    /// When the host wakes, or woke, from its last sleep; 0 while it has not slept.
    pub wakes_at: Micros,
    /// Is all trouble over?
    pub quiescent: bool,
    /// The honest chain.
    pub canonical: View,
    /// Every chain that was honest or pinned so far: what may be stored.
    pub legit: Vec<View>,
    /// What the user wants.
    pub wanted: Option<SyncTarget>,
    /// Does the user hold the sync?
    pub paused: bool,
    /// Peers by id.
    pub peers: Vec<SimPeer>,
    /// What is durable.
    pub store: SimStore,
    /// Planned crashes that have not happened yet.
    pub crashes: Vec<(u64, CrashPoint)>,
    /// Processes that still die as soon as they have stored anything.
    pub visits: u32,
    /// What the machine says in the end that each connected peer is worth, by id.
    pub scores: Vec<(u32, u8)>,
    /// Headers that the machine says had failed often before they came.
    pub recovered: u64,
    /// Is a response of the store outstanding?
    pub store_is_busy: bool,
    /// Bytes that the machine says it holds.
    pub memory_bytes: u64,
}

impl<'a> State<'a> {
    /// A world before anything happened.
    pub fn new(pool: &'a Pool, options: Options) -> Self {
        let canonical = options.start;
        let mut legit = vec![canonical];
        legit.extend(options.store.holds);
        legit.extend(options.attack.iter().flat_map(|attack| attack.decided.iter().copied()));
        let floor = options.script.floor;
        let store = options.store.holds.map_or_else(SimStore::default, |view| SimStore::holding(pool, view, floor));
        let visits = options.store.visits;
        let crashes = options.store.crashes.clone();
        let peers = options.peers.iter().map(|plan| SimPeer::new(*plan, canonical, floor, pool)).collect();
        Self {
            pool,
            options,
            now: 0,
            started_at: 0,
            wakes_at: 0,
            quiescent: false,
            canonical,
            legit,
            wanted: None,
            paused: false,
            peers,
            store,
            crashes,
            visits,
            scores: Vec::new(),
            recovered: 0,
            store_is_busy: false,
            memory_bytes: 0,
        }
    }

    /// The clock of the process that runs.
    pub fn machine_now(&self) -> Micros {
        self.now - self.started_at
    }

    /// The honest chain is another now.
    pub fn set_canonical(&mut self, canonical: View) {
        self.canonical = canonical;
        self.allow(canonical);
    }

    /// The user names a target.
    pub fn want(&mut self, target: SyncTarget) {
        self.wanted = Some(target);
        if let SyncTarget::Hash(hash) = target
            && let Some((branch, tip)) = self.pool.locate(hash)
        {
            self.allow(View { branch, tip });
        }
    }

    fn allow(&mut self, view: View) {
        if !self.legit.contains(&view) {
            self.legit.push(view);
        }
    }
}
