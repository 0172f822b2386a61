//! What seals cost here: `cargo bench --package header-seals`.
//!
//! Builds the ethash caches of the first epoch and of mainnet's last, checks headers against both, and recovers
//! signers. The headers are made up: a wrong nonce costs what a right one does. Each figure is the best of some runs.

#![expect(clippy::disallowed_types, reason = "a native program that measures; the machine itself has no clock")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, b256, keccak256};
use header_seals::{
    clique::recover_signer,
    ethash::{Cache, Epoch, hashimoto_light},
};

const RUNS: usize = 3;
const SEALS: u64 = 200;

fn main() {
    for number in [0, 15_537_393] {
        let epoch = Epoch::of(number).expect("an epoch of mainnet");
        let mut built = None;
        let took = best(|| built = Some(Cache::build(epoch).expect("memory")));
        let cache = built.expect("just built");
        println!(
            "ethash epoch {:>3}: cache of {:.1} MB in {:.2} s",
            epoch.index(),
            cache.bytes() as f64 / 1e6,
            took.as_secs_f64()
        );
        let took = best(|| {
            for nonce in 0..SEALS {
                black_box(hashimoto_light(&cache, keccak256(nonce.to_le_bytes()), nonce));
            }
        });
        println!("ethash epoch {:>3}: {:.0} seals a second", epoch.index(), SEALS as f64 / took.as_secs_f64());
    }
    // A seal of Goerli's first header; over another hash it is another account's, and as costly.
    let mut seal = [0; 65];
    seal[..32].copy_from_slice(b256!("2bbf886181970654ed46e3fae0ded41ee53fec702c47431988a7ae80e6576f35").as_slice());
    seal[32..64].copy_from_slice(b256!("52684f069af80ba11d36327aaf846d470526e4a1c461601b2fd4ebdcdc2b734a").as_slice());
    seal[64] = 1;
    let took = best(|| {
        for number in 0..SEALS {
            black_box(recover_signer(B256::with_last_byte(number as u8), &seal).expect("an account"));
        }
    });
    println!("clique: {:.0} signers a second", SEALS as f64 / took.as_secs_f64());
}

fn best(mut work: impl FnMut()) -> Duration {
    let run = |_| {
        let began = Instant::now();
        work();
        began.elapsed()
    };
    (0..RUNS).map(run).min().expect("at least one run")
}
