//! The `config` of a genesis.json: the forks.

use alloc::{borrow::ToOwned, vec::Vec};

use super::{GenesisJsonError, json::Object};
use crate::chain::{BlobParams, Consensus, DaoFork, ForkSchedule};

/// Blocks from one clique checkpoint to the next, where the file does not say (EIP-225).
const CLIQUE_EPOCH: u64 = 30_000;

/// Keys whose value is an object and that are known here. Any other names an engine, or a family of chains, whose rules
/// are not Ethereum's.
const OBJECTS: [&str; 3] = ["ethash", "clique", "blobSchedule"];

/// The forks that bring blob parameters, in order: what the time and the parameters are called.
const BLOB_FORKS: [(&str, &str); 9] = [
    ("cancunTime", "cancun"),
    ("pragueTime", "prague"),
    ("osakaTime", "osaka"),
    ("bpo1Time", "bpo1"),
    ("bpo2Time", "bpo2"),
    ("bpo3Time", "bpo3"),
    ("bpo4Time", "bpo4"),
    ("bpo5Time", "bpo5"),
    ("amsterdamTime", "amsterdam"),
];

/// Reads the schedule.
pub(super) fn forks(config: &Object<'_>) -> Result<ForkSchedule, GenesisJsonError> {
    if let Some((engine, _)) = config.entries().find(|(key, raw)| raw.starts_with('{') && !OBJECTS.contains(key)) {
        return Err(GenesisJsonError::Engine(engine.to_owned()));
    }
    let dao = config.number("daoForkBlock")?;
    Ok(ForkSchedule {
        consensus: consensus(config)?,
        homestead: config.number("homesteadBlock")?,
        dao: dao.map(|block| DaoFork { block, support: config.boolean("daoForkSupport") }),
        byzantium: config.number("byzantiumBlock")?,
        constantinople: config.number("constantinopleBlock")?,
        muir_glacier: config.number("muirGlacierBlock")?,
        london: config.number("londonBlock")?,
        arrow_glacier: config.number("arrowGlacierBlock")?,
        gray_glacier: config.number("grayGlacierBlock")?,
        // `mergeNetsplitBlock` is a matter of fork ids: it lies somewhere after the merge.
        merge: None,
        terminal_total_difficulty: config.wide("terminalTotalDifficulty")?,
        shanghai: config.number("shanghaiTime")?,
        cancun: config.number("cancunTime")?,
        prague: config.number("pragueTime")?,
        osaka: config.number("osakaTime")?,
        amsterdam: config.number("amsterdamTime")?,
        blobs: blobs(config)?.into(),
        known_until: None,
    })
}

fn consensus(config: &Object<'_>) -> Result<Consensus, GenesisJsonError> {
    let Some(clique) = config.object("clique")? else { return Ok(Consensus::Ethash) };
    let epoch = clique.number("epoch")?.filter(|epoch| *epoch > 0).unwrap_or(CLIQUE_EPOCH);
    Ok(Consensus::Clique { period: clique.number("period")?.unwrap_or(0), epoch })
}

/// The parameters by rising time. Cancun and Prague have their EIP's where the file gives none; another fork without
/// parameters keeps those before it.
fn blobs(config: &Object<'_>) -> Result<Vec<BlobParams>, GenesisJsonError> {
    let schedule = config.object("blobSchedule")?;
    let mut blobs = Vec::new();
    for (time, fork) in BLOB_FORKS {
        let Some(from) = config.number(time)? else { continue };
        let own = schedule.as_ref().map(|schedule| schedule.object(fork)).transpose()?.flatten();
        match (own, fork) {
            (Some(own), _) => blobs.push(params(&own, from, fork)?),
            (None, "cancun") => blobs.push(BlobParams::cancun(from)),
            (None, "prague") => blobs.push(BlobParams::prague(from)),
            (None, _) => {}
        }
    }
    blobs.sort_by_key(|params| params.from);
    Ok(blobs)
}

fn params(own: &Object<'_>, from: u64, fork: &str) -> Result<BlobParams, GenesisJsonError> {
    let required = |key: &'static str| own.number(key)?.ok_or(GenesisJsonError::Missing(key));
    let (target, max) = (required("target")?, required("max")?);
    let update_fraction = required("baseFeeUpdateFraction")?;
    if max == 0 || target > max || update_fraction == 0 {
        return Err(GenesisJsonError::Blobs { fork: fork.to_owned(), target, max, update_fraction });
    }
    Ok(BlobParams { from, target, max, update_fraction })
}
