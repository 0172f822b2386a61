//! The scenarios of `sync-core` and of the hash under it, the same files that run natively, on wasm32: here `usize` has 32
//! bits and there are vectors, as in every tab.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::duplicate_mod, reason = "each scenario brings its helpers, as it does natively")]

// Its `test` makes a browser test of each `#[test]` in the files below.
#[macro_use]
extern crate headlight_wasm_tests;

use wasm_bindgen_test::wasm_bindgen_test_configure;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

macro_rules! scenarios {
    ($($name:ident $path:literal)*) => {
        $(
            #[path = $path]
            mod $name;
        )*
    };
}

// Not here: what reads files, what uses proptest (a native tool).
scenarios! {
    chain "../../../crates/sync-core/tests/chain.rs"
    culprit "../../../crates/sync-core/tests/culprit.rs"
    difficulty "../../../crates/sync-core/tests/difficulty.rs"
    happy "../../../crates/sync-core/tests/happy.rs"
    keccak_pair "../../../crates/keccak-pair/tests/keccak_pair.rs"
    lineage "../../../crates/sync-core/tests/lineage.rs"
    lying_peer "../../../crates/sync-core/tests/lying_peer.rs"
    memory "../../../crates/sync-core/tests/memory.rs"
    memory_store "../../../crates/sync-core/tests/memory_store.rs"
    pause "../../../crates/sync-core/tests/pause.rs"
    ranges "../../../crates/sync-core/tests/ranges.rs"
    reorg "../../../crates/sync-core/tests/reorg.rs"
    resume "../../../crates/sync-core/tests/resume.rs"
    rules "../../../crates/sync-core/tests/rules.rs"
    short_answers "../../../crates/sync-core/tests/short_answers.rs"
    silence "../../../crates/sync-core/tests/silence.rs"
    store_full "../../../crates/sync-core/tests/store_full.rs"
    target "../../../crates/sync-core/tests/target.rs"
    unknown_chain "../../../crates/sync-core/tests/unknown_chain.rs"
    wrong_chain "../../../crates/sync-core/tests/wrong_chain.rs"
}
