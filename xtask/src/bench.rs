//! `npm run bench`: the figures of the README. Ratios are measured in one run on one machine.
//!
//! The package that ships is measured beside a second wasm, built with the feature `bench`, whose extra exports do one
//! part of the work alone: the raw channel, the verification, the store.

use crate::{
    build, pack, paths, setup,
    shell::{self, Outcome},
    size,
};

/// Builds both wasm files, the native measures, and becomes `scripts/bench.mjs`.
pub fn run(arguments: &[String]) -> Outcome {
    setup::run(false)?;
    let chromium = setup::chromium()?;
    // First the benchmark's wasm, then what ships: cargo writes both to one file, and what ships is measured last.
    build::wasm(true)?;
    build::run()?;
    let mut native = shell::cargo(&["build", "--quiet", "--release", "--package", "sync-core"]);
    shell::run_aside(native.args(["--example", "verify", "--example", "linkage"]))?;
    let tarball = pack::tarball(&paths::target().join("npm"))?;
    let mut script = shell::node("scripts/bench.mjs", arguments);
    script
        .env("CHROMIUM", chromium)
        .env("HEADLIGHT_PEER", paths::header_peer())
        .env("HEADLIGHT_TARBALL", tarball)
        .env("HEADLIGHT_BENCH_WASM", build::wasm_package(true))
        .env("HEADLIGHT_VERIFY", paths::target().join("release/examples/verify"))
        .env("HEADLIGHT_LINKAGE", paths::target().join("release/examples/linkage"))
        .env("HEADLIGHT_WASM_GZ_KB", format!("{:.1}", size::wasm_gz_kb()?));
    shell::become_it(&mut script)
}
