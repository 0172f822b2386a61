//! The table of forks, compared with alloy's.

use alloy_hardforks::{EthereumChainHardforks, EthereumHardfork as Fork, EthereumHardforks, ForkCondition};
use header_rules::chain::{ChainSpec, ForkSchedule, RuleSet};

fn forks(chain: &ChainSpec) -> &ForkSchedule {
    match chain.rules() {
        RuleSet::Forks(forks) => forks,
        RuleSet::Structural => panic!("a public network has a schedule"),
    }
}

fn time(of: &EthereumChainHardforks, fork: Fork) -> Option<u64> {
    match of.ethereum_fork_activation(fork) {
        ForkCondition::Timestamp(time) if time != u64::MAX => Some(time),
        ForkCondition::Block(0) => Some(0),
        ForkCondition::Timestamp(_) | ForkCondition::Never => None,
        other => panic!("{fork:?} is no fork by time: {other:?}"),
    }
}

/// The start of a fork, if it starts at a number.
fn block(of: &EthereumChainHardforks, fork: Fork) -> Option<u64> {
    match of.ethereum_fork_activation(fork) {
        ForkCondition::Block(number) => Some(number),
        ForkCondition::Never => None,
        other => panic!("{fork:?} is no fork by number: {other:?}"),
    }
}

fn assert_same(chain: &ChainSpec, field: &EthereumChainHardforks) {
    let ours = forks(chain);
    for (fork, own) in [
        (Fork::Homestead, ours.homestead),
        (Fork::Byzantium, ours.byzantium),
        (Fork::Constantinople, ours.constantinople),
        (Fork::MuirGlacier, ours.muir_glacier),
        (Fork::London, ours.london),
        (Fork::ArrowGlacier, ours.arrow_glacier),
        (Fork::GrayGlacier, ours.gray_glacier),
    ] {
        assert_eq!(block(field, fork), own, "{fork:?} of {:?}", chain.name());
    }
    let ForkCondition::TTD { total_difficulty, .. } = field.ethereum_fork_activation(Fork::Paris) else {
        panic!("the merge is by total difficulty")
    };
    assert_eq!(ours.terminal_total_difficulty, Some(total_difficulty), "{:?}", chain.name());
    for (fork, own) in [
        (Fork::Shanghai, ours.shanghai),
        (Fork::Cancun, ours.cancun),
        (Fork::Prague, ours.prague),
        (Fork::Osaka, ours.osaka),
        (Fork::Amsterdam, ours.amsterdam),
    ] {
        assert_eq!(time(field, fork), own, "{fork:?} of {:?}", chain.name());
    }
    let blobs: Vec<_> = [Fork::Cancun, Fork::Prague, Fork::Bpo1, Fork::Bpo2].map(|fork| time(field, fork)).into();
    assert_eq!(blobs, ours.blobs.iter().map(|params| Some(params.from)).collect::<Vec<_>>());
}

#[test]
fn the_public_networks_fork_where_the_field_says() {
    assert_same(&ChainSpec::mainnet(), &EthereumChainHardforks::mainnet());
    assert_same(&ChainSpec::sepolia(), &EthereumChainHardforks::sepolia());
    assert_same(&ChainSpec::holesky(), &EthereumChainHardforks::holesky());
    assert_same(&ChainSpec::hoodi(), &EthereumChainHardforks::hoodi());
}

#[test]
fn the_merge_is_where_the_field_says() {
    assert_eq!(forks(&ChainSpec::mainnet()).merge, Some(alloy_hardforks::mainnet::MAINNET_PARIS_BLOCK));
    assert_eq!(forks(&ChainSpec::sepolia()).merge, Some(alloy_hardforks::sepolia::SEPOLIA_PARIS_BLOCK));
}

#[test]
fn a_network_is_found_by_id_and_by_name() {
    for (id, name) in [(1, "mainnet"), (11_155_111, "sepolia"), (17_000, "holesky"), (560_048, "hoodi")] {
        let chain = ChainSpec::by_id(id).expect("a public network");
        assert_eq!((chain.id(), chain.name()), (id, Some(name)));
        assert_eq!(ChainSpec::by_name(name), Some(chain));
    }
    assert_eq!((ChainSpec::by_id(5), ChainSpec::by_name("goerli")), (None, None));
}
