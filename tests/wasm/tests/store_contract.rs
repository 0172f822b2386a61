//! The suite that every store passes, on IndexedDB. (`sync-core` runs the same on its in-memory twin.)
#![cfg(target_arch = "wasm32")]

mod support;

use support::IdbFactory;
use wasm_bindgen_test::*;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

macro_rules! case {
    ($name:ident) => {
        #[wasm_bindgen_test]
        async fn $name() {
            header_store::contract::$name(&mut IdbFactory::new(stringify!($name))).await;
        }
    };
}

header_store::store_contract_cases!(case);
