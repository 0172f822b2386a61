//! What the page asked for, checked and turned into the machine's own types.
//!
//! **Chain.** A known id with its own genesis (or none given) has all its rules. Every other chain, also a known id with
//! another genesis, is checked by the rules that need no fork schedule; where nobody said what its genesis is, any
//! block 0 that the target descends from is it. A generated chain has all rules too, and takes its genesis from the first
//! peer where the page gives none (trust on first use: two generated chains differ by it alone).
//!
//! **Quorum.** Two peers must name the same tip, one when the page and its list name only one; a pinned target needs none.
//! A peer is an identity, however many addresses it has.

use std::time::Duration;

use alloy_primitives::B256;
use sync_core::{
    SyncConfig, SyncTarget,
    chain::{ChainSpec, GENERATED_CHAIN_ID},
};

use crate::{
    error::{HostError, parse_hash},
    message::{StartOptions, Tuning},
    network::{ADDRESSES_PER_PEER_MAX, DIAL_TIMEOUT, PEERS_MAX, peers::distinct_identities},
};

/// Peers that must name the same tip, where so many are configured.
const TIP_QUORUM: usize = 2;

/// Multiaddresses that we take: each peer of a full book at each of its addresses.
const ADDRESSES_MAX: usize = PEERS_MAX * ADDRESSES_PER_PEER_MAX;

/// Longest name of a database that we take.
const STORAGE_NAME_MAX: usize = 128;

/// A checked `start`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Chain id.
    pub chain_id: u64,
    /// Genesis, if anyone but the peers said it.
    pub genesis: Option<B256>,
    /// Multiaddresses that the page names, not yet checked.
    pub peers: Vec<String>,
    /// Multiaddresses of a list that it fetched, not yet checked.
    pub listed_peers: Vec<String>,
    /// Where to end, above.
    pub target: SyncTarget,
    /// Name of the database.
    pub storage: String,
    /// Milliseconds and the like.
    pub tuning: Tuning,
}

impl Settings {
    /// Checks what the page sent.
    pub fn new(options: StartOptions) -> Result<Self, HostError> {
        let chain_id = options.chain.id;
        let given = options.chain.genesis.as_deref().map(|text| parse_hash("chain.genesis", text)).transpose()?;
        let genesis = given.or_else(|| ChainSpec::by_id(chain_id).and_then(|chain| chain.genesis()));
        let target = match options.target.as_deref() {
            Some(text) => SyncTarget::Hash(parse_hash("target", text)?),
            None => SyncTarget::PeersTip,
        };
        if distinct_identities(options.peers.iter().take(ADDRESSES_MAX + 1).map(String::as_str)) > PEERS_MAX
            || options.peers.len() > ADDRESSES_MAX
        {
            return Err(HostError::TooManyPeers { limit: PEERS_MAX });
        }
        let mut listed_peers = options.listed_peers;
        listed_peers.truncate(ADDRESSES_MAX);
        let storage = match options.storage.name {
            Some(name) if name.is_empty() || name.len() > STORAGE_NAME_MAX => {
                let reason = format!("is empty or longer than {STORAGE_NAME_MAX} bytes");
                return Err(HostError::BadOption { name: "storage.name", reason });
            }
            Some(name) => name,
            None => storage_name(chain_id, genesis),
        };
        Ok(Self { chain_id, genesis, peers: options.peers, listed_peers, target, storage, tuning: options.tuning })
    }

    /// The chain, with the genesis that is known by now; `None` while a peer must name it first.
    pub fn chain(&self, genesis: Option<B256>) -> Option<ChainSpec> {
        match (ChainSpec::by_id(self.chain_id), genesis) {
            (Some(chain), _) if genesis.is_none() || chain.genesis() == genesis => Some(chain),
            (_, Some(genesis)) if self.chain_id == GENERATED_CHAIN_ID => Some(ChainSpec::generated(genesis)),
            (_, None) if self.chain_id == GENERATED_CHAIN_ID => None,
            _ => Some(ChainSpec::unknown(self.chain_id, genesis)),
        }
    }

    /// How many peers are configured: distinct identities, whatever the number of their addresses.
    pub fn identities(&self) -> usize {
        distinct_identities(self.peers.iter().chain(&self.listed_peers).map(String::as_str))
    }

    /// How the machine is tuned.
    pub fn config(&self, seed: u64) -> SyncConfig {
        let mut config = SyncConfig {
            seed,
            tip_quorum: match self.tuning.tip_quorum {
                Some(quorum) => (quorum as usize).max(1),
                None => self.identities().clamp(1, TIP_QUORUM),
            },
            floor: self.tuning.floor.unwrap_or(0),
            ..SyncConfig::default()
        };
        if let Some(millis) = self.tuning.request_timeout_ms {
            let deadline = Duration::from_millis(millis.max(1));
            config.deadline_start = deadline;
            config.deadline_min = config.deadline_min.min(deadline);
            config.deadline_max = config.deadline_max.min(deadline);
        }
        if let Some(bytes) = self.tuning.memory_bytes_max {
            config.staged_bytes_max = bytes;
        }
        if let Some(millis) = self.tuning.stall_ms {
            config.no_progress_after = Duration::from_millis(millis.max(1));
            config.stall_after = config.stall_after.min(config.no_progress_after);
        }
        config
    }

    /// Time that dialling a peer may take.
    pub fn dial_timeout(&self) -> Duration {
        self.tuning.dial_timeout_ms.map_or(DIAL_TIMEOUT, |millis| Duration::from_millis(millis.max(1)))
    }
}

/// `headlight-<id>`; with the first bytes of the genesis where the id alone does not name the chain.
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
        message::{ChainOption, StorageOption},
        network::peers::tests::{ONE, TWO, multiaddr, public},
    };

    fn settings(peers: &[String], listed_peers: &[String]) -> Settings {
        let options = StartOptions {
            chain: ChainOption { id: 1, genesis: None },
            peers: peers.to_vec(),
            listed_peers: listed_peers.to_vec(),
            target: None,
            storage: StorageOption::default(),
            tuning: Tuning::default(),
        };
        Settings::new(options).expect("good options")
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
        assert_eq!(settings(&[], &[addresses.clone(), addresses].concat()).listed_peers.len(), ADDRESSES_MAX);
    }
}
