//! Fork schedules as data: the JSON of a host, and the resulting schedule.

use header_rules::chain::{BlobParams, ChainSpec, ConfigError as E, Consensus, FORKS_BYTES_MAX, ForkSchedule};
use proptest::prelude::*;

fn mainnet() -> ForkSchedule {
    ChainSpec::mainnet().forks().expect("a public network").clone()
}

fn error(json: &str) -> E {
    mainnet().overridden(json).expect_err(json)
}

#[test]
fn what_is_not_named_stays() {
    assert_eq!(mainnet().overridden("{}"), Ok(mainnet()));
    assert_eq!(mainnet().overridden(r#" { "chainId": 1, "berlinBlock": 12244000, "ethash": {} } "#), Ok(mainnet()));
}

#[test]
fn a_fork_is_scheduled_moved_or_cancelled() {
    let with = |json: &str| mainnet().overridden(json).unwrap_or_else(|error| panic!("{json}: {error}"));
    let scheduled = with(r#"{"amsterdamTime": 1793036568, "knownUntil": 1800000000}"#);
    let expected = ForkSchedule { amsterdam: Some(1_793_036_568), known_until: Some(1_800_000_000), ..mainnet() };
    assert_eq!(scheduled, expected);
    assert_eq!(scheduled.overridden(r#"{"amsterdamTime": null}"#).map(|forks| forks.amsterdam), Ok(None));
    assert_eq!(with(r#"{"knownUntil": null}"#).known_until, None);
    assert_eq!(with(r#"{"osakaTime": "0x692ec2d7"}"#).osaka, Some(0x692e_c2d7));
    // Blob parameters move with the fork that brings them.
    assert_eq!(with(r#"{"pragueTime": 1746612322}"#).blobs[1], BlobParams::prague(1_746_612_322));
}

#[test]
fn a_blob_schedule_replaces_all_parameters() {
    let one =
        |fork: &str, target: u64| format!(r#""{fork}": {{"target": {target}, "max": 72, "baseFeeUpdateFraction": 9}}"#);
    let json = format!(r#"{{"bpo3Time": 1800000000, "blobSchedule": {{{}, {}}}}}"#, one("bpo3", 48), one("osaka", 6));
    let blobs = mainnet().overridden(&json).expect("a schedule").blobs;
    let params = |from, target| BlobParams { from, target, max: 72, update_fraction: 9 };
    let expected = [
        BlobParams::cancun(1_710_338_135),
        BlobParams::prague(1_746_612_311),
        params(1_764_798_551, 6),
        params(1_800_000_000, 48),
    ];
    assert_eq!(blobs, expected.to_vec());
}

/// A complete schedule of a chain that the package does not know.
#[test]
fn a_chain_of_its_own() {
    let json = r#"{
        "homesteadBlock": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "muirGlacierBlock": 0, "londonBlock": 0,
        "mergeBlock": 100, "clique": {"period": 5, "epoch": 30000}, "shanghaiTime": 7, "cancunTime": 7, "pragueTime": 9
    }"#;
    let forks = ForkSchedule::default().overridden(json).expect("a schedule");
    assert_eq!(forks.consensus, Consensus::Clique { period: 5, epoch: 30_000 });
    assert_eq!((forks.london, forks.merge, forks.prague, forks.osaka), (Some(0), Some(100), Some(9), None));
    assert_eq!(forks.blobs, vec![BlobParams::cancun(7), BlobParams::prague(9)]);
    assert!(forks.is_certain_at(u64::MAX));
}

#[test]
fn what_cannot_be_is_an_error_with_its_key() {
    assert_eq!(error(r#"{"amsterdmTime": 1}"#), E::UnknownKey("amsterdmTime".into()));
    assert!(matches!(error(r#"{"pragueTime": "soon"}"#), E::Value { key, .. } if key == "pragueTime"));
    assert!(matches!(error(r#"{"pragueTime": 1.5}"#), E::Value { .. }));
    assert!(matches!(error(r#"{"pragueTime": -1}"#), E::Value { .. }));
    assert!(matches!(error(r#"{"pragueTime": [1]}"#), E::Value { .. }));
    assert_eq!(error(r#"{"cancunTime": null}"#), E::Order { earlier: "cancunTime", later: "pragueTime" });
    assert_eq!(error(r#"{"amsterdamTime": 7}"#), E::Order { earlier: "osakaTime", later: "amsterdamTime" });
    assert_eq!(error(r#"{"londonBlock": null}"#), E::Order { earlier: "londonBlock", later: "shanghaiTime" });
    assert_eq!(error(r#"{"bpo3Time": 1800000000}"#), E::Missing("blobSchedule"));
    assert!(matches!(error(r#"{"blobSchedule": {"cancun": {"target": 9, "max": 6}}}"#), E::Missing(_)));
    let blobs = r#"{"blobSchedule": {"cancun": {"target": 9, "max": 6, "baseFeeUpdateFraction": 1}}}"#;
    assert!(matches!(error(blobs), E::Blobs { target: 9, max: 6, .. }));
    assert_eq!(error(&" ".repeat(FORKS_BYTES_MAX + 1)), E::TooLong(FORKS_BYTES_MAX + 1));
    let broken = ["", "[]", "{", "{}}", r#"{"a"}"#, r#"{"a":}"#, r#"{"a":1,}"#, "nul", r#"{"clique": 7}"#, "{'a': 1}"];
    let deep = format!(r#"{{"blobSchedule": {}1{}}}"#, "[".repeat(9_000), "]".repeat(7_000));
    for json in broken.into_iter().chain([deep.as_str()]) {
        assert!(matches!(error(json), E::Json { .. } | E::UnknownKey(_)), "{json:?}");
    }
}

proptest! {
    /// Any damage is an error or another schedule, never a panic.
    #[test]
    fn any_text_is_answered(at in 0..300usize, len in 0..9usize, with in "[0-9a-fxA-Z\"{}:,\\[\\] \\\\é.-]{0,9}") {
        let text = r#"{"londonBlock": 1, "clique": {"period": 1}, "cancunTime": 1710338135, "bpo1Time": 1765290071,
            "blobSchedule": {"bpo1": {"target": 1, "max": 2, "baseFeeUpdateFraction": 3}}, "knownUntil": null}"#;
        let start = at % text.len();
        let damaged = [&text[..start], &with, &text[(start + len).min(text.len())..]].concat();
        let _ = mainnet().overridden(&damaged);
    }
}
