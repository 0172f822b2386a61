//! What the name of a network means: `London`, `BerlinToLondonAt5`, `ParisToShanghaiAtTime15k`,
//! `ArrowGlacierToParisAtDiffC0000`, `HomesteadToDaoAt5`, `Mainnet`, or `Custom` with its forks beside it.

use alloy_primitives::U256;
use header_rules::chain::{BlobParams, ChainSpec, DaoFork, ForkSchedule};
use serde_json::Value;

use super::format::{number, wide};

/// All forks, in order. A plain name means that it and all before it are active from genesis on.
const FORKS: [&str; 25] = [
    "Frontier",
    "Homestead",
    "EIP150",
    "EIP158",
    "Byzantium",
    "Constantinople",
    "ConstantinopleFix",
    "Istanbul",
    "MuirGlacier",
    "Berlin",
    "London",
    "ArrowGlacier",
    "GrayGlacier",
    "Paris",
    "Shanghai",
    "Cancun",
    "Prague",
    "Osaka",
    "BPO1",
    "BPO2",
    "BPO3",
    "BPO4",
    "BPO5",
    "Amsterdam",
    "Bogota",
];

/// Names that some sources use for the same forks.
const ALIASES: [(&str, &str); 5] = [
    ("TangerineWhistle", "EIP150"),
    ("SpuriousDragon", "EIP158"),
    ("Petersburg", "ConstantinopleFix"),
    ("Merge", "Paris"),
    ("Dao", "Homestead"),
];

/// Where a fork begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Genesis,
    Block(u64),
    Time(u64),
    TotalDifficulty(U256),
}

impl At {
    /// As the first block; a fork by time has none.
    fn block(self) -> Option<u64> {
        match self {
            Self::Genesis => Some(0),
            Self::Block(number) => Some(number),
            Self::Time(_) | Self::TotalDifficulty(_) => None,
        }
    }

    /// As the first timestamp; a fork by number has none.
    fn time(self) -> Option<u64> {
        match self {
            Self::Genesis => Some(0),
            Self::Time(time) => Some(time),
            Self::Block(_) | Self::TotalDifficulty(_) => None,
        }
    }
}

/// The chain of a case. The error names the unknown part, in one line.
pub(crate) fn chain(network: &str, config: &Value) -> Result<ChainSpec, String> {
    let forks = match network {
        "Mainnet" => return Ok(ChainSpec::mainnet()),
        "Custom" => {
            let forks = &config["forks"];
            let table = forks.as_object().ok_or("network Custom without config.forks is not known")?;
            if let Some(fork) = table.keys().find(|fork| index(fork).is_err()) {
                return Err(format!("network Custom with fork {fork} is not known"));
            }
            let dao = custom(&forks["Dao"]).and_then(At::block).map(|block| DaoFork { block, support: true });
            ForkSchedule { dao, ..schedule(&config["blobSchedule"], |fork| custom(&forks[fork])) }
        }
        _ => {
            let name = Name::parse(network)?;
            let mut forks = schedule(&config["blobSchedule"], |fork| name.at(fork));
            forks.dao = name.dao.map(|block| DaoFork { block, support: true });
            forks
        }
    };
    Ok(ChainSpec::custom(config["chainId"].as_u64().unwrap_or(1), None, forks))
}

/// The rules of one fork from genesis on, as the difficulty cases name it.
pub(crate) fn fork(name: &str) -> Result<ForkSchedule, String> {
    let name = Name::parse(name)?;
    Ok(schedule(&Value::Null, |fork| name.at(fork)))
}

/// The name, split into its parts.
struct Name {
    before: usize,
    after: usize,
    at: At,
    dao: Option<u64>,
}

impl Name {
    fn parse(network: &str) -> Result<Self, String> {
        let unknown = || format!("network {network} is not known");
        let Some((before, rest)) = network.split_once("To") else {
            let fork = index(network)?;
            return Ok(Self { before: fork, after: fork, at: At::Genesis, dao: None });
        };
        let (after, at) = rest.split_once("At").ok_or_else(unknown)?;
        let at = if let Some(digits) = at.strip_prefix("Diff") {
            At::TotalDifficulty(U256::from_str_radix(digits, 16).map_err(|_| unknown())?)
        } else if let Some(time) = at.strip_prefix("Time") {
            let thousands = time.strip_suffix('k').map(|time| time.parse::<u64>().map(|time| time * 1_000));
            At::Time(thousands.unwrap_or_else(|| time.parse()).map_err(|_| unknown())?)
        } else {
            At::Block(at.parse().map_err(|_| unknown())?)
        };
        let before = index(before)?;
        if after == "Dao" {
            return Ok(Self { before, after: before, at: At::Genesis, dao: at.block() });
        }
        let after = index(after)?;
        if after > before { Ok(Self { before, after, at, dao: None }) } else { Err(unknown()) }
    }

    fn at(&self, fork: &str) -> Option<At> {
        let fork = index(fork).expect("one of the forks");
        if fork <= self.before { Some(At::Genesis) } else { (fork <= self.after).then_some(self.at) }
    }
}

fn index(fork: &str) -> Result<usize, String> {
    let fork = ALIASES.iter().find(|(alias, _)| *alias == fork).map_or(fork, |(_, name)| name);
    FORKS.iter().position(|known| *known == fork).ok_or_else(|| format!("network or fork {fork} is not known"))
}

fn custom(entry: &Value) -> Option<At> {
    let key = |key: &str| Some(&entry[key]).filter(|value| !value.is_null());
    let block = key("block").map(|value| At::Block(number(value)));
    let time = key("time").map(|value| At::Time(number(value)));
    block.or(time).or_else(|| key("ttd").map(|value| At::TotalDifficulty(wide(value))))
}

fn schedule(blobs: &Value, at: impl Fn(&str) -> Option<At>) -> ForkSchedule {
    let block = |fork: &str| at(fork).and_then(At::block);
    let time = |fork: &str| at(fork).and_then(At::time);
    let params = |fork: &&str| {
        let from = time(fork)?;
        let own = [*fork, &fork.to_lowercase()].map(|key| &blobs[key]).into_iter().find(|own| !own.is_null());
        match (*fork, own) {
            (_, Some(own)) => Some(BlobParams {
                from,
                target: number(&own["target"]),
                max: number(&own["max"]),
                update_fraction: number(&own["baseFeeUpdateFraction"]),
            }),
            ("Cancun", None) => Some(BlobParams::cancun(from)),
            ("Prague", None) => Some(BlobParams::prague(from)),
            _ => None,
        }
    };
    ForkSchedule {
        homestead: block("Homestead"),
        byzantium: block("Byzantium"),
        constantinople: block("Constantinople"),
        muir_glacier: block("MuirGlacier"),
        london: block("London"),
        arrow_glacier: block("ArrowGlacier"),
        gray_glacier: block("GrayGlacier"),
        merge: block("Paris"),
        terminal_total_difficulty: match at("Paris") {
            Some(At::TotalDifficulty(terminal)) => Some(terminal),
            _ => None,
        },
        shanghai: time("Shanghai"),
        cancun: time("Cancun"),
        prague: time("Prague"),
        osaka: time("Osaka"),
        amsterdam: time("Amsterdam"),
        blobs: FORKS.iter().filter_map(params).collect::<Vec<_>>().into(),
        ..ForkSchedule::default()
    }
}
