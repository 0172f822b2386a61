//! Checks the page's options and converts them to the machine's types.
//!
//! **Chain.** A known id with its own genesis (or with none given) is checked by all rules. Every other chain, also a
//! known id with another genesis, is checked by the rules that need no fork schedule. If no genesis is given, any
//! block 0 that the target descends from is accepted. If the page gives the forks of a chain, all rules apply, with
//! these forks.
//!
//! **Floor.** As given by the page, block 0 by default. Only on an unknown chain, where the stored depth is known from
//! peers alone, the lowest block that was verified from them is enough.
//!
//! **Quorum.** Two peers must name the same tip; one, if the page and its list name only one; none for a pinned target.
//! A peer is an identity, whatever the number of its addresses.

use std::time::Duration;

use alloy_primitives::B256;
use header_rules::chain::{ChainSpec, ForkSchedule};
use sync_core::{SyncConfig, SyncTarget};

use crate::{
    error::{HostError, parse_hash},
    message::{LISTED_PEERS_MAX, NUMBER_MAX, StartOptions, Tuning},
    network::{ADDRESSES_PER_PEER_MAX, CONNECTIONS_MAX, DIAL_TIMEOUT, PEERS_MAX, peers::distinct_identities},
};

/// Peers that must name the same tip, if at least as many are configured.
const TIP_QUORUM: usize = 2;

/// Multiaddresses accepted: each peer of a full address book with all its addresses.
const ADDRESSES_MAX: usize = PEERS_MAX * ADDRESSES_PER_PEER_MAX;

/// Longest name of a database, in bytes.
const STORAGE_NAME_MAX: usize = 128;

/// Longest timer of a browser, in milliseconds; a longer one fires at once.
const TIMER_MS_MAX: u64 = (1 << 31) - 1;

/// Default bytes of the recording of a session: 7,000 headers, or days of a sync that only follows new blocks. A higher
/// limit costs memory in each tab that downloads more.
pub const RECORDING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The name and bounds of an option that is a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Path in the options.
    pub name: &'static str,
    /// Lowest accepted value.
    pub min: u64,
    /// Highest accepted value.
    pub max: u64,
}

/// Every number that the page may set. The sync works with all values within the bounds; the page checks the same
/// bounds (`web/src/options.ts`).
pub const FIGURES: [Figure; 9] = [
    Figure { name: "chain.id", min: 0, max: NUMBER_MAX },
    // Only connected peers vote.
    Figure { name: "tuning.tipQuorum", min: 1, max: CONNECTIONS_MAX as u64 },
    // No chain has nearly 2^48 blocks; higher numbers are treated as invalid.
    Figure { name: "tuning.floor", min: 0, max: (1 << 48) - 1 },
    Figure { name: "tuning.seed", min: 0, max: NUMBER_MAX },
    // A response of 48 KiB takes this long on a local network.
    Figure { name: "tuning.requestTimeoutMs", min: 100, max: TIMER_MS_MAX },
    // From ten requests of 48 KiB to a quarter of the wasm address space.
    Figure { name: "tuning.memoryBytesMax", min: 512 * 1024, max: 1024 * 1024 * 1024 },
    Figure { name: "tuning.stallMs", min: 100, max: TIMER_MS_MAX },
    // ICE, DTLS and Noise take this long with a peer on the same machine.
    Figure { name: "tuning.dialTimeoutMs", min: 500, max: TIMER_MS_MAX },
    // 0: no recording. At most a sixteenth of the wasm address space: a request of the page copies the file once.
    Figure { name: "tuning.recordingBytesMax", min: 0, max: 256 * 1024 * 1024 },
];

impl Figure {
    /// The error for a value outside the bounds; `got` is the value as text.
    pub fn refuse(&self, got: &str) -> HostError {
        let Self { name, min, max } = self;
        HostError::BadOption { name, reason: format!("must be a whole number from {min} to {max}, got {got}") }
    }

    fn check(&self, value: Option<u64>) -> Result<(), HostError> {
        match value {
            Some(value) if !(self.min..=self.max).contains(&value) => Err(self.refuse(&value.to_string())),
            _ => Ok(()),
        }
    }
}

/// The values of [`FIGURES`], in their order.
fn values(options: &StartOptions) -> [Option<u64>; FIGURES.len()] {
    let tuning = &options.tuning;
    [
        Some(options.chain.id),
        tuning.tip_quorum,
        tuning.floor,
        tuning.seed,
        tuning.request_timeout_ms,
        tuning.memory_bytes_max,
        tuning.stall_ms,
        tuning.dial_timeout_ms,
        tuning.recording_bytes_max,
    ]
}

/// The checked options of `start`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Chain id.
    pub chain_id: u64,
    /// Hash of block 0, if given by the page or known for the network.
    pub genesis: Option<B256>,
    /// The package's fork schedule with the page's overrides; `None` without overrides.
    forks: Option<ForkSchedule>,
    /// Multiaddresses that the page names, not yet checked.
    pub peers: Vec<String>,
    /// Multiaddresses of a peer list, not yet checked.
    pub listed_peers: Vec<String>,
    /// The upper end of the sync.
    pub target: SyncTarget,
    /// Name of the database.
    pub storage: String,
    /// The tuning options, within [`FIGURES`].
    pub tuning: Tuning,
    /// Whether the sync starts paused.
    pub paused: bool,
}

impl Settings {
    /// Checks the page's options.
    pub fn new(options: StartOptions) -> Result<Self, HostError> {
        for (figure, value) in FIGURES.iter().zip(values(&options)) {
            figure.check(value)?;
        }
        let chain_id = options.chain.id;
        let given = options.chain.genesis.as_deref().map(|text| parse_hash("chain.genesis", text)).transpose()?;
        let genesis = given.or_else(|| ChainSpec::by_id(chain_id).and_then(|chain| chain.genesis()));
        let base = known_chain(chain_id, genesis).and_then(|chain| chain.forks().cloned()).unwrap_or_default();
        let forks = options.forks.as_deref().map(|json| base.overridden(json)).transpose();
        let forks = forks.map_err(|error| HostError::BadOption { name: "forks", reason: error.to_string() })?;
        let target = match options.target.as_deref() {
            Some(text) => SyncTarget::Hash(parse_hash("target", text)?),
            None => SyncTarget::PeersTip,
        };
        if distinct_identities(options.peers.iter().take(ADDRESSES_MAX + 1).map(String::as_str)) > PEERS_MAX
            || options.peers.len() > ADDRESSES_MAX
        {
            return Err(HostError::TooManyPeers { limit: PEERS_MAX });
        }
        if options.listed_peers.len() > LISTED_PEERS_MAX {
            let reason = format!("has more than {LISTED_PEERS_MAX} entries");
            return Err(HostError::BadOption { name: "listedPeers", reason });
        }
        let storage = match options.storage.name {
            Some(name) if name.is_empty() || name.len() > STORAGE_NAME_MAX => {
                let reason = format!("is empty or longer than {STORAGE_NAME_MAX} bytes");
                return Err(HostError::BadOption { name: "storage.name", reason });
            }
            Some(name) => name,
            None => storage_name(chain_id, genesis),
        };
        let StartOptions { peers, listed_peers, tuning, paused, .. } = options;
        Ok(Self { chain_id, genesis, forks, peers, listed_peers, target, storage, tuning, paused })
    }

    /// The chain.
    pub fn chain(&self) -> ChainSpec {
        let chain = known_chain(self.chain_id, self.genesis);
        let chain = chain.unwrap_or_else(|| ChainSpec::unknown(self.chain_id, self.genesis));
        match &self.forks {
            Some(forks) => chain.with_forks(forks.clone()),
            None => chain,
        }
    }

    /// Number of configured peers: distinct identities, whatever the number of their addresses.
    pub fn identities(&self) -> usize {
        distinct_identities(self.peers.iter().chain(&self.listed_peers).map(String::as_str))
    }

    /// The machine's configuration for this chain.
    pub fn config(&self, seed: u64) -> SyncConfig {
        let chain = self.chain();
        let mut config = SyncConfig {
            seed,
            tip_quorum: match self.tuning.tip_quorum {
                // Checked to be at most CONNECTIONS_MAX.
                Some(quorum) => quorum as usize,
                None => self.identities().clamp(1, TIP_QUORUM),
            },
            peers_expected: self.identities(),
            floor: self.tuning.floor.unwrap_or(0),
            // The lowest available block of an unknown chain is known from its peers alone.
            floor_may_rise: self.tuning.floor.is_none() && (chain.forks().is_none() || chain.genesis().is_none()),
            ..SyncConfig::default()
        };
        if let Some(millis) = self.tuning.request_timeout_ms {
            let deadline = Duration::from_millis(millis);
            config.deadline_start = deadline;
            config.deadline_min = config.deadline_min.min(deadline);
            config.deadline_max = deadline;
        }
        if let Some(bytes) = self.tuning.memory_bytes_max {
            config.staged_bytes_max = bytes;
        }
        if let Some(millis) = self.tuning.stall_ms {
            config.no_progress_after = Duration::from_millis(millis);
            config.stall_after = config.stall_after.min(config.no_progress_after);
        }
        config
    }

    /// Bytes of the recording of this session.
    pub fn recording_bytes_max(&self) -> usize {
        // Checked to be within FIGURES.
        self.tuning.recording_bytes_max.map_or(RECORDING_BYTES_MAX, |bytes| bytes as usize)
    }

    /// Time limit of a dial.
    pub fn dial_timeout(&self) -> Duration {
        self.tuning.dial_timeout_ms.map_or(DIAL_TIMEOUT, Duration::from_millis)
    }
}

/// The known network with this id, unless `genesis` differs from its genesis.
fn known_chain(id: u64, genesis: Option<B256>) -> Option<ChainSpec> {
    ChainSpec::by_id(id).filter(|chain| genesis.is_none() || chain.genesis() == genesis)
}

/// `headlight-<id>`; with the first bytes of the genesis if the id alone does not identify the chain.
fn storage_name(chain_id: u64, genesis: Option<B256>) -> String {
    let known = ChainSpec::by_id(chain_id).is_some_and(|chain| chain.genesis() == genesis);
    match genesis {
        Some(genesis) if !known => format!("headlight-{chain_id}-{}", &genesis.to_string()[2..10]),
        _ => format!("headlight-{chain_id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        message::ChainOption,
        network::peers::tests::{ONE, TWO, multiaddr, public},
    };

    fn options(name: &str, value: u64) -> StartOptions {
        let mut chain = ChainOption { id: 1, genesis: None };
        let mut tuning = Tuning::default();
        match name {
            "chain.id" => chain.id = value,
            "tuning.tipQuorum" => tuning.tip_quorum = Some(value),
            "tuning.floor" => tuning.floor = Some(value),
            "tuning.seed" => tuning.seed = Some(value),
            "tuning.requestTimeoutMs" => tuning.request_timeout_ms = Some(value),
            "tuning.memoryBytesMax" => tuning.memory_bytes_max = Some(value),
            "tuning.stallMs" => tuning.stall_ms = Some(value),
            "tuning.dialTimeoutMs" => tuning.dial_timeout_ms = Some(value),
            "tuning.recordingBytesMax" => tuning.recording_bytes_max = Some(value),
            _ => panic!("no figure {name}"),
        }
        StartOptions { chain, tuning, ..StartOptions::default() }
    }

    #[test]
    fn a_figure_is_taken_at_its_bounds_and_refused_by_name_beyond_them() {
        for figure in FIGURES {
            for inside in [figure.min, figure.max] {
                let settings = Settings::new(options(figure.name, inside));
                let settings = settings.unwrap_or_else(|error| panic!("{} = {inside}: {error}", figure.name));
                settings.config(7);
            }
            let outside = [figure.min.checked_sub(1), Some(figure.max + 1), Some(u64::MAX)];
            for value in outside.into_iter().flatten() {
                let error = Settings::new(options(figure.name, value)).expect_err(figure.name);
                let info = error.info();
                assert_eq!(info.code, "bad-option");
                assert_eq!(info.details.and_then(|details| details.option).as_deref(), Some(figure.name));
                for text in [figure.name, &figure.min.to_string(), &figure.max.to_string(), &value.to_string()] {
                    assert!(info.message.contains(text), "{}: no {text}", info.message);
                }
            }
        }
    }

    #[test]
    fn each_figure_reaches_the_machine_as_it_is() {
        let config = |name, value| Settings::new(options(name, value)).expect(name).config(7);
        assert_eq!(config("tuning.tipQuorum", 5).tip_quorum, 5);
        assert_eq!(config("tuning.floor", (1 << 48) - 1).floor, (1 << 48) - 1);
        assert_eq!(config("tuning.memoryBytesMax", 1 << 20).staged_bytes_max, 1 << 20);
        let minute = config("tuning.requestTimeoutMs", 60_000);
        assert_eq!(minute.deadline_start, Duration::from_secs(60));
        assert!(minute.deadline_max >= minute.deadline_start, "a longer deadline is not cut");
        let short = config("tuning.requestTimeoutMs", 100);
        assert!(short.deadline_min <= short.deadline_start && short.deadline_max == short.deadline_start);
        let stall = config("tuning.stallMs", 100);
        assert!(stall.stall_after <= stall.no_progress_after);
        let dial = Settings::new(options("tuning.dialTimeoutMs", TIMER_MS_MAX)).expect("the longest").dial_timeout();
        assert_eq!(dial, Duration::from_millis(TIMER_MS_MAX));
    }

    #[test]
    fn a_list_over_its_limit_is_refused_by_name() {
        let named = StartOptions { peers: vec![String::new(); ADDRESSES_MAX + 1], ..options("chain.id", 1) };
        assert_eq!(Settings::new(named).expect_err("too many").info().code, "too-many-peers");
        let listed = StartOptions { listed_peers: vec![String::new(); LISTED_PEERS_MAX + 1], ..options("chain.id", 1) };
        let details = Settings::new(listed).expect_err("too many").info().details.expect("details");
        assert_eq!(details.option.as_deref(), Some("listedPeers"));
    }

    fn settings(peers: &[String], listed_peers: &[String]) -> Settings {
        let (peers, listed_peers) = (peers.to_vec(), listed_peers.to_vec());
        Settings::new(StartOptions { peers, listed_peers, ..options("chain.id", 1) }).expect("good options")
    }

    #[test]
    fn the_quorum_counts_peers_and_not_their_addresses() {
        let one_at_three = [multiaddr(4_001, ONE), multiaddr(4_002, ONE), public(ONE)];
        assert_eq!(settings(&one_at_three, &[]).config(0).tip_quorum, 1);
        assert_eq!(settings(&one_at_three[..1], &one_at_three[1..]).config(0).tip_quorum, 1);
        assert_eq!(settings(&one_at_three, &[multiaddr(4_001, TWO)]).config(0).tip_quorum, 2);
        assert_eq!(settings(&[], &["nonsense".to_owned(), public(TWO)]).config(0).tip_quorum, 1);
    }

    #[test]
    fn many_addresses_of_few_peers_are_not_too_many_peers() {
        let addresses: Vec<_> = (0..ADDRESSES_MAX as u16).map(|port| multiaddr(port + 1, ONE)).collect();
        assert_eq!(settings(&addresses, &[]).identities(), 1);
    }
}
