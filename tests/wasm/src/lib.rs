//! Tests that need a browser: the store on IndexedDB, Web Locks, the worker's transport, and `sync-core` on wasm32.
//!
//! They run in a dedicated worker of a headless Chromium (`webdriver.json` says which):
//!
//! ```sh
//! WASM_BINDGEN_TEST_TIMEOUT=120 \
//! wasm-pack test --headless --chrome --chromedriver /usr/bin/chromedriver --mode no-install tests/wasm
//! ```
//!
//! with `wasm-bindgen-test-runner` of the workspace's wasm-bindgen version on `PATH`; one file: `... --test store_contract`.

/// `#[test]` for what was written as a native test and runs here too: imported with `#[macro_use]`, it takes the place of
/// the built-in attribute, which does nothing on wasm32.
#[cfg(target_arch = "wasm32")]
pub use wasm_bindgen_test::wasm_bindgen_test as test;
