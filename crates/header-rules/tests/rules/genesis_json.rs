//! Chains from a genesis.json: real ones with known hashes, and invalid files.

use crate::conformance_data::{Kind, files, format, lines, network};
use alloy_primitives::{U256, b256};
use header_rules::{
    chain::{BlobParams, ChainSpec, ConfigError, Consensus, DaoFork, GenesisJson, Seal},
    header::Header,
};
use proptest::prelude::*;

/// The accounts of Sepolia: those with 1,000,000 ether, and five with other amounts.
const SEPOLIA_MILLION: [&str; 10] = [
    "0xa2A6d93439144FFE4D27c9E088dCD8b783946263",
    "0xBc11295936Aa79d594139de1B2e12629414F3BDB",
    "0x7cF5b79bfe291A67AB02b393E456cCc4c266F753",
    "0xaaec86394441f915bce3e6ab399977e9906f3b69",
    "0xF47CaE1CF79ca6758Bfc787dbD21E6bdBe7112B8",
    "0xd7eDDB78ED295B3C9629240E8924fb8D8874ddD8",
    "0x8b7F0977Bb4f0fBE7076FA22bC24acA043583F5e",
    "0xe2e2659028143784d557bcec6ff3a0721048880a",
    "0xd9a5179f091d85051d3c982785efd1455cec8699",
    "0xbeef32ca5b9a198d27B4e02F4c70439fE60356Cf",
];
const SEPOLIA_OTHER: [(&str, &str); 5] = [
    ("0x0000006916a87b82333f4245046623b23794c65c", "0x84595161401484A000000"),
    ("0xb21c33de1fab3fa15499c62b59fe0cc3250020d1", "0x52B7D2DCC80CD2E4000000"),
    ("0x10F5d45854e038071485AC9e402308cF80D2d2fE", "0x52B7D2DCC80CD2E4000000"),
    ("0xd7d76c58b3a519e9fA6Cc4D22dC017259BC49F1E", "0x52B7D2DCC80CD2E4000000"),
    ("0x799D329e5f583419167cD722962485926E338F4a", "0xDE0B6B3A7640000"),
];

fn sepolia() -> String {
    let millions = SEPOLIA_MILLION.iter().map(|address| (*address, "0xD3C21BCECCEDA1000000"));
    let accounts: Vec<String> =
        millions.chain(SEPOLIA_OTHER).map(|(of, wei)| format!(r#""{of}": {{"balance": "{wei}"}}"#)).collect();
    let config = r#""chainId": 11155111, "homesteadBlock": 0, "byzantiumBlock": 0, "constantinopleBlock": 0,
        "muirGlacierBlock": 0, "londonBlock": 0, "mergeNetsplitBlock": 1735371, "shanghaiTime": 1677557088,
        "cancunTime": 1706655072, "pragueTime": 1741159776, "osakaTime": 1760427360, "bpo1Time": 1761017184,
        "bpo2Time": 1761607008, "amsterdamTime": 1791294816, "terminalTotalDifficulty": 17000000000000000,
        "ethash": {}, "blobSchedule": {
            "osaka": {"target": 6, "max": 9, "baseFeeUpdateFraction": 5007716},
            "bpo1": {"target": 10, "max": 15, "baseFeeUpdateFraction": 8346193},
            "bpo2": {"target": 14, "max": 21, "baseFeeUpdateFraction": 11684671}}"#;
    format!(
        r#"{{"config": {{{config}}}, "nonce": "0x0", "timestamp": "0x6159af19", "gasLimit": "0x1c9c380",
        "extraData": "0x5365706f6c69612c20417468656e732c204174746963612c2047726565636521", "difficulty": "0x20000",
        "alloc": {{{}}}}}"#,
        accounts.join(", ")
    )
}

/// A file with this config and with one account that has one slot, key and value a 1 in the highest byte: a case of
/// go-ethereum's own tests.
fn small(config: &str) -> String {
    let word = format!("0x01{}", "0".repeat(62));
    let storage = format!(r#"{{"{word}": "{word}", "0x02": "0x00"}}"#);
    let account = format!(r#""0100000000000000000000000000000000000000": {{"balance": "1", "storage": {storage}}}"#);
    format!(r#"{{"config": {{"chainId": 1, {config}}}, "alloc": {{{account}}}}}"#)
}

fn parse(text: &str) -> GenesisJson {
    GenesisJson::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn sepolia_from_its_file_is_sepolia() {
    let file = parse(&sepolia());
    let (ours, known) = (file.chain(), ChainSpec::sepolia());
    assert_eq!((ours.id(), ours.genesis()), (known.id(), known.genesis()));
    let (mut ours, mut known) = (file.forks().clone(), known.forks().expect("a public network").clone());
    // The file has only the total difficulty, and repeats the blobs of Prague at Osaka.
    assert_eq!((ours.merge.take(), known.merge.take()), (None, Some(1_450_409)));
    // Nor does it have a time up to which it is certain.
    assert!(ours.known_until.is_none() && known.known_until.take().is_some());
    let osaka = ours.blobs.to_mut().remove(2);
    assert_eq!(osaka, BlobParams::prague(1_760_427_360));
    assert_eq!(ours, known);
}

#[test]
fn a_genesis_with_storage_and_defaults_has_the_known_hash() {
    let file = parse(&small(r#""homesteadBlock": 3, "ethash": {}"#));
    let expected = b256!("89c99d90b79719238d2645c7642f2c9295246e80775b38cfd162b696817fbd50");
    assert_eq!(file.chain().genesis(), Some(expected));
    assert_eq!(file.forks().homestead, Some(3));
}

/// Block 0 has the fields of the forks that are active at its time, at their empty values.
#[test]
fn genesis_has_the_fields_of_its_forks() {
    let times = ["shanghaiTime", "cancunTime", "pragueTime", "amsterdamTime"];
    for (forks, fields) in [16, 17, 20, 21, 23].into_iter().enumerate() {
        let times: String = times[..forks].iter().map(|time| format!(r#", "{time}": 0"#)).collect();
        let file = parse(&small(&format!(r#""londonBlock": 0, "terminalTotalDifficulty": 0{times}"#)));
        let header = Header::decode(file.header().expect("the accounts are known")).expect("decodes");
        assert_eq!(header.field_count(), fields);
        assert_eq!((header.base_fee_per_gas, header.gas_limit), (Some(1_000_000_000), 4_712_388));
    }
}

#[test]
fn the_merge_is_at_its_total_difficulty() {
    let file = parse(&small(r#""terminalTotalDifficulty": 58750000000000000000000"#));
    let terminal: U256 = "58750000000000000000000".parse().expect("a number");
    let forks = file.forks();
    assert_eq!(forks.terminal_total_difficulty, Some(terminal));
    assert_eq!(forks.seal_at(9, Some(terminal - U256::from(1))), Some(Seal::Work));
    assert_eq!(forks.seal_at(9, Some(terminal)), Some(Seal::Stake));
    assert_eq!(forks.seal_at(9, None), None);
    assert_eq!(ChainSpec::mainnet().forks().and_then(|forks| forks.terminal_total_difficulty), Some(terminal));
}

#[test]
fn clique_and_the_dao_are_read() {
    let file = parse(&small(r#""clique": {"period": 15, "epoch": 30000}, "daoForkBlock": 7, "daoForkSupport": true"#));
    assert_eq!(file.chain().consensus(), Some(Consensus::Clique { period: 15, epoch: 30_000 }));
    assert_eq!(file.forks().dao, Some(DaoFork { block: 7, support: true }));
    let file = parse(&small(r#""clique": {"period": 0, "epoch": 0}, "daoForkBlock": null"#));
    assert_eq!(file.chain().consensus(), Some(Consensus::Clique { period: 0, epoch: 30_000 }));
    assert_eq!(file.forks().dao, None);
}

/// Without accounts the state root may be given; without both the hash is not known.
#[test]
fn the_state_root_may_be_given_or_absent() {
    let given = parse(&small(r#""homesteadBlock": 3"#));
    let root = Header::decode(given.header().expect("the accounts are known")).expect("decodes").state_root;
    let text = format!(r#"{{"config": {{"chainId": 1, "homesteadBlock": 3}}, "stateRoot": "{root}"}}"#);
    assert_eq!(parse(&text).header(), given.header());
    let neither = parse(r#"{"config": {"chainId": 77}}"#);
    assert_eq!((neither.header(), neither.chain().genesis()), (None, None));
    assert_eq!(neither.chain().with_genesis(root).genesis(), Some(root));
}

#[test]
fn a_file_that_cannot_be_is_an_error_with_its_key() {
    use ConfigError as E;
    let error = |text: &str| GenesisJson::parse(text).expect_err(text);
    assert!(matches!(error("[]"), E::Json { .. }));
    assert_eq!(error("{}"), E::Missing("config"));
    assert_eq!(error(r#"{"config": {}}"#), E::Missing("chainId"));
    assert!(matches!(error(r#"{"config": {"chainId": -1}}"#), E::Value { key, .. } if key == "chainId"));
    assert!(matches!(error(r#"{"config": {"chainId": 1e3}}"#), E::Value { key, .. } if key == "chainId"));
    assert!(matches!(error(r#"{"config": {"chainId": 18446744073709551616}}"#), E::Value { .. }));
    assert_eq!(error(&small(r#""optimism": {"eip1559Elasticity": 6}"#)), E::Engine("optimism".into()));
    let blobs = |target, max| {
        format!(
            r#""cancunTime": 0, "blobSchedule": {{"cancun":
            {{"target": {target}, "max": {max}, "baseFeeUpdateFraction": 9}}}}"#
        )
    };
    assert!(GenesisJson::parse(&small(&blobs(3, 6))).is_ok());
    assert!(matches!(error(&small(&blobs(7, 6))), E::Blobs { target: 7, max: 6, .. }));
    assert!(matches!(error(&small(&blobs(0, 0))), E::Blobs { .. }));
    assert!(matches!(error(r#"{"config": {"chainId": 1}, "alloc": {"0x12": {}}}"#), E::Value { .. }));
    assert!(matches!(error(r#"{"config": {"chainId": 1}, "stateRoot": "0x12"}"#), E::Value { .. }));
}

proptest! {
    /// Any damage of a file is an error or another chain, never a panic.
    #[test]
    fn any_text_is_answered(at in 0..2_000usize, len in 0..9usize, with in "[0-9a-fxA-Z\"{}:,\\[\\] e.-]{0,9}") {
        for text in [sepolia(), small(r#""londonBlock": 0, "cancunTime": 0, "clique": {"period": 1}"#)] {
            let start = at % text.len();
            let end = (start + len).min(text.len());
            let damaged = [&text[..start], &with, &text[end..]].concat();
            if let Ok(file) = GenesisJson::parse(&damaged) {
                prop_assert_eq!(file.chain().genesis().is_some(), file.header().is_some());
            }
        }
    }
}

/// The chains of the public cases, by the configuration that comes with them.
#[test]
fn the_configurations_of_the_public_cases_mean_what_the_cases_say() {
    let Some((folder, is_known)) = crate::conformance_data::folder() else { return };
    let mut compared = 0;
    for line in files(&folder, Kind::Cases).iter().flat_map(|path| lines(path)) {
        let config = &line["config"];
        if config["chainConfig"].is_null() {
            continue;
        }
        let genesis = format::bytes(&line["genesis"]);
        let root = Header::decode(&genesis).expect("decodes").state_root;
        let file = parse(&format!(r#"{{"config": {}, "stateRoot": "{root}"}}"#, config["chainConfig"]));
        let chain = network::chain("Custom", config).expect("a known network");
        assert_eq!(Some(file.forks()), chain.forks(), "{}", line["case"]);
        compared += 1;
    }
    assert!(!is_known || compared == 3, "{compared}");
}
