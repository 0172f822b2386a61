//! Fork schedules as data: the `config` of go-ethereum's genesis.json.
//!
//! ```json
//! {
//!   "londonBlock": 12965000, "mergeBlock": 15537394, "shanghaiTime": 1681338455, "cancunTime": 1710338135,
//!   "pragueTime": 1746612311, "osakaTime": 1764798551, "amsterdamTime": null, "bpo1Time": 1765290071,
//!   "blobSchedule": { "cancun": { "target": 3, "max": 6, "baseFeeUpdateFraction": 3338477 } },
//!   "knownUntil": 1767747671
//! }
//! ```
//!
//! A host overrides a schedule with it ([`ForkSchedule::overridden`]): a number sets the start of a fork, `null`
//! cancels it, and all others stay. `blobSchedule` replaces all blob parameters, by the names of their forks (`cancun`,
//! `prague`, `osaka`, `amsterdam`, `bpo1` to `bpo5`). Two keys are our own: `mergeBlock`, the first block by proof of
//! stake, and `knownUntil`, seconds up to which the schedule is certain (`null`: for ever).
//!
//! The text is trusted as much as its source; it cannot make this code panic, and an invalid value is an error with its
//! key.

use alloc::{borrow::ToOwned, vec::Vec};

use super::{BlobParams, CLIQUE_EPOCH, ConfigError, Consensus, DaoFork, FORKS_BYTES_MAX, ForkSchedule, json::Object};
use sorted::sort_short_by;

/// Known keys with an object. Any other such key names an engine, or a family of chains, with other rules than
/// Ethereum's.
const OBJECTS: [&str; 3] = ["ethash", "clique", "blobSchedule"];

/// Keys of the start of a fork, or of its parameters.
const KEYS: [&str; 24] = [
    "homesteadBlock",
    "daoForkBlock",
    "daoForkSupport",
    "byzantiumBlock",
    "constantinopleBlock",
    "muirGlacierBlock",
    "londonBlock",
    "arrowGlacierBlock",
    "grayGlacierBlock",
    "mergeBlock",
    "terminalTotalDifficulty",
    "shanghaiTime",
    "cancunTime",
    "pragueTime",
    "osakaTime",
    "amsterdamTime",
    "bpo1Time",
    "bpo2Time",
    "bpo3Time",
    "bpo4Time",
    "bpo5Time",
    "blobSchedule",
    "clique",
    "knownUntil",
];

/// Keys of go-ethereum that do not change a header.
const PASSED_OVER: [&str; 12] = [
    "chainId",
    "eip150Block",
    "eip150Hash",
    "eip155Block",
    "eip158Block",
    "petersburgBlock",
    "istanbulBlock",
    "berlinBlock",
    "mergeNetsplitBlock",
    "terminalTotalDifficultyPassed",
    "depositContractAddress",
    "ethash",
];

/// The forks with blob parameters, in order: key of the time, and key of the parameters.
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

impl ForkSchedule {
    /// This schedule with the overrides of `json`: the `config` of a go-ethereum genesis.json, with `null` for a
    /// cancelled fork, and with `mergeBlock` and `knownUntil`. `blobSchedule` replaces all blob parameters.
    pub fn overridden(&self, json: &str) -> Result<Self, ConfigError> {
        if json.len() > FORKS_BYTES_MAX {
            return Err(ConfigError::TooLong(json.len()));
        }
        let config = Object::read(json, "forks")?;
        if let Some(unknown) = config.keys().find(|key| !KEYS.contains(key) && !PASSED_OVER.contains(key)) {
            return Err(ConfigError::UnknownKey(unknown.chars().take(80).collect()));
        }
        let forks = read(&config, self)?;
        check_order(&forks)?;
        Ok(forks)
    }
}

/// Reads the schedule of a genesis.json. Unknown forks are ignored.
#[cfg(feature = "genesis-json")]
pub(super) fn forks(config: &Object<'_>) -> Result<ForkSchedule, ConfigError> {
    read(config, &ForkSchedule::default())
}

fn read(config: &Object<'_>, base: &ForkSchedule) -> Result<ForkSchedule, ConfigError> {
    if let Some((engine, _)) = config.entries().find(|(key, raw)| raw.starts_with('{') && !OBJECTS.contains(key)) {
        return Err(ConfigError::Engine(engine.to_owned()));
    }
    let at = |key: &str, before: Option<u64>| match config.raw(key) {
        None => Ok(before),
        Some(_) => config.number(key),
    };
    let dao = at("daoForkBlock", base.dao.map(|dao| dao.block))?;
    let support = config.raw("daoForkSupport").map(|_| config.boolean("daoForkSupport"));
    let support = support.or(base.dao.map(|dao| dao.support)).unwrap_or(false);
    let mut forks = ForkSchedule {
        consensus: consensus(config, base.consensus)?,
        homestead: at("homesteadBlock", base.homestead)?,
        dao: dao.map(|block| DaoFork { block, support }),
        byzantium: at("byzantiumBlock", base.byzantium)?,
        constantinople: at("constantinopleBlock", base.constantinople)?,
        muir_glacier: at("muirGlacierBlock", base.muir_glacier)?,
        london: at("londonBlock", base.london)?,
        arrow_glacier: at("arrowGlacierBlock", base.arrow_glacier)?,
        gray_glacier: at("grayGlacierBlock", base.gray_glacier)?,
        // `mergeNetsplitBlock` matters only for fork ids: it is somewhere after the merge.
        merge: at("mergeBlock", base.merge)?,
        terminal_total_difficulty: match config.raw("terminalTotalDifficulty") {
            None => base.terminal_total_difficulty,
            Some(_) => config.wide("terminalTotalDifficulty")?,
        },
        shanghai: at("shanghaiTime", base.shanghai)?,
        cancun: at("cancunTime", base.cancun)?,
        prague: at("pragueTime", base.prague)?,
        osaka: at("osakaTime", base.osaka)?,
        amsterdam: at("amsterdamTime", base.amsterdam)?,
        blobs: Default::default(),
        known_until: at("knownUntil", base.known_until)?,
    };
    forks.blobs = blobs(config, base, &forks)?.into();
    Ok(forks)
}

fn consensus(config: &Object<'_>, base: Consensus) -> Result<Consensus, ConfigError> {
    let Some(clique) = config.object("clique")? else { return Ok(base) };
    let epoch = clique.number("epoch")?.filter(|epoch| *epoch > 0).unwrap_or(CLIQUE_EPOCH);
    Ok(Consensus::Clique { period: clique.number("period")?.unwrap_or(0), epoch })
}

/// The parameters by rising time. Without parameters, Cancun and Prague use those of their EIPs, and another fork keeps
/// the previous ones.
fn blobs(config: &Object<'_>, base: &ForkSchedule, forks: &ForkSchedule) -> Result<Vec<BlobParams>, ConfigError> {
    let schedule = config.object("blobSchedule")?;
    if schedule.is_none() && !base.blobs.is_empty() {
        return moved(config, base, forks);
    }
    let mut blobs = Vec::new();
    for (time, fork) in BLOB_FORKS {
        let from = match fork {
            "cancun" => forks.cancun,
            "prague" => forks.prague,
            "osaka" => forks.osaka,
            "amsterdam" => forks.amsterdam,
            _ => config.number(time)?,
        };
        let Some(from) = from else { continue };
        let own = schedule.as_ref().map(|schedule| schedule.object(fork)).transpose()?.flatten();
        match (own, fork) {
            (Some(own), _) => blobs.push(params(&own, from, fork)?),
            (None, "cancun") => blobs.push(BlobParams::cancun(from)),
            (None, "prague") => blobs.push(BlobParams::prague(from)),
            (None, _) => {}
        }
    }
    sort_short_by(&mut blobs, |a, b| a.from.cmp(&b.from));
    Ok(blobs)
}

/// The parameters of `base`, moved to the new times of Cancun and Prague.
fn moved(config: &Object<'_>, base: &ForkSchedule, forks: &ForkSchedule) -> Result<Vec<BlobParams>, ConfigError> {
    if BLOB_FORKS.iter().any(|(time, fork)| fork.starts_with("bpo") && config.raw(time).is_some()) {
        return Err(ConfigError::Missing("blobSchedule"));
    }
    let forks = [(base.cancun, forks.cancun), (base.prague, forks.prague)];
    let now = |params: &BlobParams| match forks.iter().find(|(before, _)| *before == Some(params.from)) {
        Some((_, now)) => now.map(|from| BlobParams { from, ..*params }),
        None => Some(*params),
    };
    let mut blobs: Vec<_> = base.blobs.iter().filter_map(now).collect();
    sort_short_by(&mut blobs, |a, b| a.from.cmp(&b.from));
    Ok(blobs)
}

fn params(own: &Object<'_>, from: u64, fork: &str) -> Result<BlobParams, ConfigError> {
    let required = |key: &'static str| own.number(key)?.ok_or(ConfigError::Missing(key));
    let (target, max) = (required("target")?, required("max")?);
    let update_fraction = required("baseFeeUpdateFraction")?;
    if max == 0 || target > max || update_fraction == 0 {
        return Err(ConfigError::Blobs { fork: fork.to_owned(), target, max, update_fraction });
    }
    Ok(BlobParams { from, target, max, update_fraction })
}

/// Fields are positional: a fork needs all earlier ones.
fn check_order(forks: &ForkSchedule) -> Result<(), ConfigError> {
    let times = [
        ("shanghaiTime", forks.shanghai),
        ("cancunTime", forks.cancun),
        ("pragueTime", forks.prague),
        ("osakaTime", forks.osaka),
        ("amsterdamTime", forks.amsterdam),
    ];
    if forks.shanghai.is_some() && forks.london.is_none() {
        return Err(ConfigError::Order { earlier: "londonBlock", later: "shanghaiTime" });
    }
    for ((earlier, first), (later, second)) in times.into_iter().zip(times.into_iter().skip(1)) {
        if second.is_some_and(|second| first.is_none_or(|first| second < first)) {
            return Err(ConfigError::Order { earlier, later });
        }
    }
    Ok(())
}
