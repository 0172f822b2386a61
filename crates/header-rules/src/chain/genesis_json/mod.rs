//! A chain from the `genesis.json` of go-ethereum, which other clients read too.
//!
//! The file holds the forks (`config`), the fields of block 0, and the first accounts (`alloc`). The accounts give the
//! state root, hence the genesis header and its hash. A file without accounts may give the root as `stateRoot`; without
//! either, the caller must know the hash of the genesis.
//!
//! The file is trusted as much as its source: it decides which chain is the right one. It cannot make this code panic,
//! and an invalid value (a number of 300 bits, a blob target over the maximum) is an error with its key. Unknown forks
//! are ignored; an unknown engine is an error, because its headers follow other rules: such a chain is
//! [`ChainSpec::unknown`].

mod state;

use alloy_primitives::{Address, B64, B256, U256, b256, keccak256};
use bytes::Bytes;

use super::{ChainSpec, ConfigError, ForkSchedule, begun, config, json::Object};
use crate::header::{EMPTY_OMMERS_HASH, Header, encode};

/// Root of the empty trie.
const EMPTY_ROOT: B256 = b256!("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
/// SHA-256 of no bytes (EIP-7685).
const EMPTY_REQUESTS_HASH: B256 = b256!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
/// Keccak-256 of the RLP of the empty list (EIP-7928).
const EMPTY_ACCESS_LIST_HASH: B256 = EMPTY_OMMERS_HASH;
/// Gas limit if the file has none, or 0.
const GAS_LIMIT: u64 = 4_712_388;
/// Wei per gas if the file has no base fee and London is active from genesis on (EIP-1559).
const BASE_FEE: u64 = 1_000_000_000;
/// Difficulty if the file has none.
const DIFFICULTY: U256 = U256::from_limbs([131_072, 0, 0, 0]);

/// Content of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenesisJson {
    chain_id: u64,
    forks: ForkSchedule,
    header: Option<Bytes>,
}

impl GenesisJson {
    /// Reads a file.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let file = Object::read(text, "the file")?;
        let config = file.object("config")?.ok_or(ConfigError::Missing("config"))?;
        let chain_id = config.number("chainId")?.ok_or(ConfigError::Missing("chainId"))?;
        let forks = config::forks(&config)?;
        let header = header(&file, &forks)?;
        Ok(Self { chain_id, forks, header })
    }

    /// Chain id.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The forks.
    pub fn forks(&self) -> &ForkSchedule {
        &self.forks
    }

    /// RLP of the genesis header; `None` if the file has neither accounts nor a state root.
    pub fn header(&self) -> Option<&Bytes> {
        self.header.as_ref()
    }

    /// The chain. Its genesis hash is unknown if the header is ([`ChainSpec::with_genesis`]).
    pub fn chain(&self) -> ChainSpec {
        ChainSpec::custom(self.chain_id, self.header.as_ref().map(keccak256), self.forks.clone())
    }
}

/// Block 0: its own fields, and the fields of its forks with their empty values.
fn header(file: &Object<'_>, forks: &ForkSchedule) -> Result<Option<Bytes>, ConfigError> {
    let state_root = match file.object("alloc")? {
        Some(alloc) => Some(state::root(&alloc)?),
        None => file.fixed("stateRoot")?.map(B256::from),
    };
    let Some(state_root) = state_root else { return Ok(None) };
    let timestamp = file.number("timestamp")?.unwrap_or(0);
    let extra_data = file.bytes("extraData")?.unwrap_or_default();
    let base_fee = file.number("baseFeePerGas")?.unwrap_or(BASE_FEE);
    let (excess, used) = (file.number("excessBlobGas")?.unwrap_or(0), file.number("blobGasUsed")?.unwrap_or(0));
    let at = |fork| begun(fork, timestamp);
    let header = Header {
        parent_hash: file.fixed("parentHash")?.unwrap_or_default().into(),
        ommers_hash: EMPTY_OMMERS_HASH,
        beneficiary: Address::from(file.fixed("coinbase")?.unwrap_or_default()),
        state_root,
        transactions_root: EMPTY_ROOT,
        receipts_root: EMPTY_ROOT,
        logs_bloom: &[0; 256],
        difficulty: file.wide("difficulty")?.unwrap_or(DIFFICULTY),
        number: 0,
        gas_limit: file.number("gasLimit")?.filter(|limit| *limit > 0).unwrap_or(GAS_LIMIT),
        gas_used: file.number("gasUsed")?.unwrap_or(0),
        timestamp,
        extra_data: &extra_data,
        mix_hash: file.fixed("mixHash")?.unwrap_or_default().into(),
        nonce: B64::from(file.number("nonce")?.unwrap_or(0).to_be_bytes()),
        base_fee_per_gas: forks.is_london(0).then_some(base_fee),
        withdrawals_root: at(forks.shanghai).then_some(EMPTY_ROOT),
        blob_gas_used: at(forks.cancun).then_some(used),
        excess_blob_gas: at(forks.cancun).then_some(excess),
        parent_beacon_block_root: at(forks.cancun).then_some(B256::ZERO),
        requests_hash: at(forks.prague).then_some(EMPTY_REQUESTS_HASH),
        block_access_list_hash: at(forks.amsterdam).then_some(EMPTY_ACCESS_LIST_HASH),
        slot_number: at(forks.amsterdam).then_some(0),
    };
    Ok(Some(encode(&header)))
}
