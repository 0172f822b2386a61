//! Difficulty by hand: each formula on both sides of its steps, the minimum, the bomb and its delays.

use alloy_primitives::{B256, U256};
use header_rules::{
    chain::{ChainSpec, ForkSchedule},
    header::{EMPTY_OMMERS_HASH, Header},
    rules::{next_difficulty, total_difficulty},
};
use header_store::contract::TestChain;

/// A difficulty whose 2048th part is a million.
const PARENT: u64 = 2_048_000_000;
const STEP: u64 = 1_000_000;

/// The difficulty of block `number`, made `seconds` after its parent.
fn next(forks: &ForkSchedule, number: u64, seconds: u64, difficulty: u64, ommers_hash: B256) -> U256 {
    let template = TestChain::new(1, 1);
    let header = Header::decode(template.header(0)).expect("decodes");
    let parent = Header { timestamp: 1_000, difficulty: U256::from(difficulty), ommers_hash, ..header };
    next_difficulty(number, 1_000 + seconds, &parent, forks)
}

/// Steps up, or down, for a number of seconds.
fn steps(forks: &ForkSchedule, ommers_hash: B256, seconds: u64) -> i64 {
    let got: u64 = next(forks, 1, seconds, PARENT, ommers_hash).try_into().expect("64 bits");
    (got as i64 - PARENT as i64) / STEP as i64
}

fn homestead() -> ForkSchedule {
    ForkSchedule { homestead: Some(0), ..ForkSchedule::default() }
}

fn byzantium() -> ForkSchedule {
    ForkSchedule { byzantium: Some(0), ..homestead() }
}

#[test]
fn frontier_goes_up_or_down_by_one() {
    let frontier = ForkSchedule::default();
    let of = |seconds| steps(&frontier, EMPTY_OMMERS_HASH, seconds);
    assert_eq!([1, 12, 13, 1_000_000].map(of), [1, 1, -1, -1]);
}

#[test]
fn homestead_goes_down_with_the_time() {
    let of = |seconds| steps(&homestead(), EMPTY_OMMERS_HASH, seconds);
    assert_eq!(
        [1, 9, 10, 19, 20, 29, 30, 999, 1_000, 1_010, u64::MAX / 2].map(of),
        [1, 1, 0, 0, -1, -1, -2, -98, -99, -99, -99]
    );
}

#[test]
fn byzantium_knows_of_ommers() {
    let without = |seconds| steps(&byzantium(), EMPTY_OMMERS_HASH, seconds);
    assert_eq!([1, 8, 9, 17, 18, 899, 900, 909, u64::MAX / 2].map(without), [1, 1, 0, 0, -1, -98, -99, -99, -99]);
    let with = |seconds| steps(&byzantium(), B256::ZERO, seconds);
    assert_eq!([1, 8, 9, 18, 27, 908, 909, 918, u64::MAX / 2].map(with), [2, 2, 1, 0, -1, -98, -99, -99, -99]);
}

#[test]
fn difficulty_has_a_floor() {
    let floor = U256::from(131_072);
    for forks in [ForkSchedule::default(), homestead(), byzantium()] {
        assert_eq!(next(&forks, 1, 1_000_000, 131_072, EMPTY_OMMERS_HASH), floor);
        assert_eq!(next(&forks, 1, 1_000_000, 1, EMPTY_OMMERS_HASH), floor);
        // The bomb is added to the minimum.
        assert!(next(&forks, 5_000_000, 1_000_000, 1, EMPTY_OMMERS_HASH) > floor);
    }
}

/// The bomb is 1 in the third period, doubles with each, and each fork counts its periods from its own delay on.
#[test]
fn the_bomb_ticks_from_its_delay_on() {
    let at = |change: fn(&mut ForkSchedule)| {
        let mut forks = byzantium();
        change(&mut forks);
        forks
    };
    let rows = [
        (ForkSchedule::default(), 0),
        (homestead(), 0),
        (byzantium(), 3_000_000),
        (at(|forks| forks.constantinople = Some(0)), 5_000_000),
        (at(|forks| forks.muir_glacier = Some(0)), 9_000_000),
        (at(|forks| forks.london = Some(0)), 9_700_000),
        (at(|forks| forks.arrow_glacier = Some(0)), 10_700_000),
        (at(|forks| forks.gray_glacier = Some(0)), 11_400_000),
    ];
    for (forks, delay) in rows {
        let quiet = next(&forks, 1, 15, PARENT, EMPTY_OMMERS_HASH);
        let bomb = |number: u64| next(&forks, delay + number, 15, PARENT, EMPTY_OMMERS_HASH) - quiet;
        let got = [1, 199_999, 200_000, 299_999, 300_000, 1_200_000].map(bomb);
        assert_eq!(got, [0, 0, 1, 1, 2, 1_024].map(U256::from), "delay {delay}");
    }
}

/// Mainnet, at the blocks in which the bomb was delayed.
#[test]
fn mainnet_puts_the_bomb_off() {
    let mainnet = ChainSpec::mainnet();
    let forks = mainnet.forks().expect("a public network");
    let bomb = |number| {
        let calm = ForkSchedule { gray_glacier: Some(0), ..forks.clone() };
        // 15 seconds without ommers: no step by any formula that came after Frontier.
        next(forks, number, 15, PARENT, EMPTY_OMMERS_HASH) - next(&calm, 1, 15, PARENT, EMPTY_OMMERS_HASH)
    };
    for (number, before, since) in [
        (4_370_000, 41, 11),
        (7_280_000, 40, 20),
        (9_200_000, 39, 0),
        (12_965_000, 37, 30),
        (13_773_000, 38, 28),
        (15_050_000, 41, 34),
    ] {
        let expected = [U256::from(1) << before, U256::from(1) << since];
        assert_eq!([bomb(number - 1), bomb(number)], expected, "{number}");
    }
}

#[test]
fn absurd_parents_saturate() {
    let template = TestChain::new(1, 1);
    let header = Header::decode(template.header(0)).expect("decodes");
    let parent = Header { difficulty: U256::MAX, timestamp: 0, ..header };
    assert_eq!(next_difficulty(1, 1, &parent, &byzantium()), U256::MAX);
    assert_eq!(next_difficulty(u64::MAX, 100, &parent, &homestead()), U256::MAX);
    assert_eq!(next_difficulty(1, 0, &Header { timestamp: 9, ..parent }, &homestead()), U256::MAX, "time goes back");
    assert_eq!(total_difficulty(U256::MAX, &parent), U256::MAX);
    assert_eq!(total_difficulty(U256::from(5), &Header { difficulty: U256::from(7), ..header }), U256::from(12));
}
