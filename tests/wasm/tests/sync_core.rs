//! The scenarios of `sync-core` and of the hash under it, the same files that run natively, on wasm32: here `usize` has 32
//! bits and there are vectors, as in every tab.
#![cfg(target_arch = "wasm32")]

// Its `test` makes a browser test of each `#[test]` in the files below.
#[macro_use]
extern crate headlight_wasm_tests;

use wasm_bindgen_test::wasm_bindgen_test_configure;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

#[path = "../../../crates/sync-core/tests/support/mod.rs"]
mod support;

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
    chain "../../../crates/header-rules/tests/rules/chain.rs"
    culprit "../../../crates/sync-core/tests/machine/culprit.rs"
    difficulty "../../../crates/header-rules/tests/rules/difficulty.rs"
    each_rule "../../../crates/header-rules/tests/rules/each_rule.rs"
    happy "../../../crates/sync-core/tests/machine/happy.rs"
    keccak_pair "../../../crates/keccak-pair/tests/keccak_pair.rs"
    lineage "../../../crates/sync-core/tests/machine/lineage.rs"
    malicious_peer "../../../crates/sync-core/tests/machine/malicious_peer.rs"
    memory "../../../crates/sync-core/tests/machine/memory.rs"
    memory_store "../../../crates/header-store/tests/memory_store.rs"
    pause "../../../crates/sync-core/tests/machine/pause.rs"
    ranges "../../../crates/sync-core/tests/machine/ranges.rs"
    reorg "../../../crates/sync-core/tests/machine/reorg.rs"
    resume "../../../crates/sync-core/tests/machine/resume.rs"
    short_responses "../../../crates/sync-core/tests/machine/short_responses.rs"
    silence "../../../crates/sync-core/tests/machine/silence.rs"
    store_full "../../../crates/sync-core/tests/machine/store_full.rs"
    target "../../../crates/sync-core/tests/machine/target.rs"
    unknown_chain "../../../crates/header-rules/tests/rules/unknown_chain.rs"
    wrong_chain "../../../crates/sync-core/tests/machine/wrong_chain.rs"
}
