//! The simulator's worlds in a browser: a seed is the same world on wasm32 as it is natively, input for input and output
//! for output. So what 100,000 worlds show natively holds in a tab too.
//!
//! `cargo xtask test wasm` runs the worlds natively first, and builds this test with their trace hashes. Nobody else has
//! them: without them the comparison is ignored, and only what needs nothing to compare with is tested.
#![cfg(target_arch = "wasm32")]

use sync_sim::Pool;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// `seed hash seed hash ...`, the hashes in hexadecimal; handed over by `cargo xtask test wasm`.
const NATIVE: Option<&str> = option_env!("HEADLIGHT_SIM_TRACES");

/// Fewer would be no comparison.
const SEEDS_MIN: usize = 20;

/// Seeds with the hashes of their native traces.
fn native() -> Vec<(u64, u64)> {
    let words: Vec<&str> = NATIVE.expect("ignored without them").split(' ').collect();
    let (pairs, rest) = words.as_chunks::<2>();
    assert!(rest.is_empty(), "a seed without a hash: {words:?}");
    let pair = |[seed, hash]: &[&str; 2]| -> (u64, u64) {
        (seed.parse().expect("a seed"), u64::from_str_radix(hash, 16).expect("a hash"))
    };
    pairs.iter().map(pair).collect()
}

#[cfg_attr(not(native_traces), ignore = "nothing to compare with: run `cargo xtask test wasm`")]
#[wasm_bindgen_test]
fn a_seed_is_the_same_world_as_natively() {
    let native = native();
    assert!(native.len() >= SEEDS_MIN, "only {} worlds to compare", native.len());
    let pool = Pool::new();
    let differ: Vec<String> = native
        .iter()
        .map(|(seed, expected)| (seed, sync_sim::run(&pool, *seed).trace_hash, *expected))
        .filter(|(_, got, expected)| got != expected)
        .map(|(seed, got, expected)| format!("seed {seed}: {got:016x} here, {expected:016x} natively"))
        .collect();
    assert!(differ.is_empty(), "{} of {} worlds differ: {differ:#?}", differ.len(), native.len());
    console_log!("{} worlds, the same traces as natively", native.len());
}

#[wasm_bindgen_test]
fn no_world_violates_anything() {
    let pool = Pool::new();
    for seed in 0..SEEDS_MIN as u64 {
        assert_eq!(sync_sim::run(&pool, seed).violation, None, "seed {seed}");
    }
}
