//! The fork schedule of the served chain: from the network's table, from `--forks FILE`, or of a generated chain.
//!
//! The peer validates no header by it. The schedule gives the fork id in the status and is part of `/peers.json`, in
//! the format of `startSync({ forks })`, which is that of `config` in a go-ethereum genesis.json.

use std::{collections::BTreeSet, fs, path::Path};

use alloy_hardforks::ForkFilterKey;
use header_rules::chain::{ChainSpec, FORKS_BYTES_MAX, ForkSchedule, GENERATED_CHAIN_ID};
use serde_json::{Map, Value};

/// Every fork up to Prague, from genesis on: the forks of a generated chain.
const GENERATED: &str = r#"{"homesteadBlock":0,"byzantiumBlock":0,"constantinopleBlock":0,"muirGlacierBlock":0,
    "londonBlock":0,"mergeBlock":0,"terminalTotalDifficulty":0,"shanghaiTime":0,"cancunTime":0,"pragueTime":0}"#;

/// Forks that override the network's own table.
#[derive(Clone, Debug)]
pub struct Forks {
    json: Map<String, Value>,
    /// Forks of the network's table; empty for a chain without one.
    table: ForkSchedule,
    schedule: ForkSchedule,
}

impl Forks {
    /// The forks of a generated chain.
    pub fn generated() -> Self {
        let json = serde_json::from_str(GENERATED).expect("a constant of this module");
        Self::of(GENERATED_CHAIN_ID, json).expect("a constant of this module")
    }

    /// Reads `--forks FILE`. Forks that it does not name keep their value from `before`, or from the network's table.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is invalid; one line.
    pub fn load(path: &Path, chain_id: u64, before: Option<Self>) -> Result<Self, String> {
        let failed = |error: String| format!("{}: {error}", path.display());
        let len = fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
        if len > FORKS_BYTES_MAX as u64 {
            return Err(failed(format!("{len} bytes, at most {FORKS_BYTES_MAX}")));
        }
        let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let own: Map<String, Value> =
            serde_json::from_str(&text).map_err(|error| failed(format!("not a JSON object: {error}")))?;
        let mut json = before.map(|before| before.json).unwrap_or_default();
        json.extend(own);
        Self::of(chain_id, json).map_err(failed)
    }

    fn of(chain_id: u64, json: Map<String, Value>) -> Result<Self, String> {
        let table = ChainSpec::by_id(chain_id).and_then(|spec| spec.forks().cloned()).unwrap_or_default();
        let text = Value::Object(json.clone()).to_string();
        let schedule = table.overridden(&text).map_err(|error| error.to_string())?;
        Ok(Self { json, table, schedule })
    }

    /// The format for a page.
    pub fn json(&self) -> &Map<String, Value> {
        &self.json
    }

    /// Blocks and times at which the fork id changes. `keys` are those of the network's table, which also has forks
    /// that do not change a header.
    pub fn apply(&self, keys: Vec<ForkFilterKey>) -> Vec<ForkFilterKey> {
        let (before, after) = (keys_of(&self.table), keys_of(&self.schedule));
        let mut all: BTreeSet<_> =
            keys.into_iter().filter(|key| !before.contains(key) || after.contains(key)).collect();
        all.extend(after);
        all.into_iter().collect()
    }
}

fn keys_of(forks: &ForkSchedule) -> BTreeSet<ForkFilterKey> {
    let blocks = [
        forks.homestead,
        forks.dao.map(|dao| dao.block),
        forks.byzantium,
        forks.constantinople,
        forks.muir_glacier,
        forks.london,
        forks.arrow_glacier,
        forks.gray_glacier,
    ];
    let times = [forks.shanghai, forks.cancun, forks.prague, forks.osaka, forks.amsterdam];
    let times = times.into_iter().flatten().chain(forks.blobs.iter().map(|params| params.from));
    let keys = blocks.into_iter().flatten().map(ForkFilterKey::Block).chain(times.map(ForkFilterKey::Time));
    // Forks at genesis are part of the genesis checksum (EIP-2124).
    keys.filter(|key| !matches!(key, ForkFilterKey::Block(0) | ForkFilterKey::Time(0))).collect()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;
    use crate::chain::Chain;

    fn hoodi(json: &str) -> Forks {
        Forks::of(560_048, serde_json::from_str(json).expect("an object")).expect("a schedule")
    }

    #[test]
    fn a_generated_chain_has_the_forks_that_the_package_knows_for_it() {
        let known = ChainSpec::generated(B256::ZERO).forks().expect("a schedule").clone();
        let ours = Forks::generated().schedule;
        assert_eq!(ours.blob_params(1_750_000_000), known.blob_params(1_750_000_000));
        assert_eq!(ForkSchedule { blobs: known.blobs.clone(), ..ours }, known);
        let (chain, genesis) = (Chain { id: GENERATED_CHAIN_ID }, Some(B256::ZERO));
        let id = chain.fork_id(genesis, 7, 1_750_000_000, Some(&Forks::generated()));
        assert_eq!(id, chain.fork_id(genesis, 7, 1_750_000_000, None));
    }

    /// The fork id by the network's own table, with the fork in the file; the checksum is from EIP-2124.
    #[test]
    fn a_scheduled_fork_changes_the_fork_id() {
        let chain = Chain { id: 560_048 };
        let genesis = chain.network().map(|network| network.genesis);
        let time = 1_793_036_568;
        let without = chain.fork_id(genesis, 3_000_000, time, None);
        assert_eq!((without.hash, without.next), ([0x23, 0xaa, 0x13, 0x51], 0));
        let forks = hoodi(r#"{"amsterdamTime": 1793036568}"#);
        assert_eq!(chain.fork_id(genesis, 3_000_000, time, Some(&forks)).hash, [0x3d, 0x06, 0x8b, 0x59]);
        assert_eq!(chain.fork_id(genesis, 3_000_000, time - 1, Some(&forks)).next, time);
        let cancelled = hoodi(r#"{"amsterdamTime": null}"#);
        assert_eq!(chain.fork_id(genesis, 3_000_000, time, Some(&cancelled)), without);
    }
}
