//! The crates of the workspace, by where they run.

/// Portable crates: no libp2p, no browser, no operating system.
pub(crate) const PORTABLE: [&str; 9] = [
    "header-wire",
    "keccak-pair",
    "sorted",
    "header-rules",
    "header-seals",
    "sync-core",
    "header-store",
    "stages",
    "recording",
];
/// Crates of the browser.
pub(crate) const WASM_CRATES: [&str; 3] = ["webrtc-worker", "sync-wasm", "headlight-wasm-tests"];
/// Native programs with libp2p.
pub(crate) const HOSTS: [&str; 2] = ["header-peer", "link-relay"];
/// What is made for tests: portable too, but nothing of it ships.
pub(crate) const FOR_TESTS: [&str; 2] = ["header-maker", "sync-sim"];

/// `--package NAME` for each of them.
pub(crate) fn packages(names: impl IntoIterator<Item = &'static str>) -> Vec<&'static str> {
    names.into_iter().flat_map(|name| ["--package", name]).collect()
}
