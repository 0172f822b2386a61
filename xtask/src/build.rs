//! Builds what ships: the wasm, the npm package and the demo page around it, and the native peer.
//!
//! ```text
//! cargo (wasm-release) -> wasm-bindgen -> wasm-opt -> web/build.mjs -> dist/, dist-demo/
//! ```

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    paths, setup,
    shell::{self, Failure, Outcome},
};

/// `-O3`: `-Oz` and `-Os` save less than half a per cent of the compressed size; the hash and the decoder gain from this.
const WASM_OPT_LEVEL: &str = "-O3";

/// What every browser of the README runs: what rustc assumes for wasm32, and the vectors that `.cargo/config.toml` adds.
const WASM_OPT_FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
    "--enable-simd",
];

/// Everything.
pub(crate) fn run() -> Outcome {
    web()?;
    header_peer()
}

/// The wasm, the npm package in `dist/`, the demo page in `dist-demo/`.
pub(crate) fn web() -> Outcome {
    wasm(false)?;
    shell::run_aside(shell::node("web/build.mjs", &[]).arg("--wasm").arg(wasm_package(false)))
}

/// The native peer.
pub(crate) fn header_peer() -> Outcome {
    shell::run_aside(&mut shell::cargo(&["build", "--quiet", "--release", "--package", "header-peer"]))
}

/// The relay that stands for a network in tests.
pub(crate) fn link_relay() -> Outcome {
    shell::run_aside(&mut shell::cargo(&["build", "--quiet", "--release", "--package", "link-relay"]))
}

/// Folder of the wasm that ships, or of the one with the exports that only benchmarks call.
pub(crate) fn wasm_package(bench: bool) -> PathBuf {
    paths::target().join(if bench { "wasm-pkg-bench" } else { "wasm-pkg" })
}

/// The wasm and its JavaScript: `headlight_bg.wasm`, `headlight.js`, `headlight.d.ts` in [`wasm_package`].
pub(crate) fn wasm(bench: bool) -> Outcome {
    let mut build =
        shell::cargo(&["build", "--quiet", "--package", "sync-wasm", "--lib", "--target", setup::WASM_TARGET]);
    build.args(["--profile", "wasm-release"]);
    if bench {
        build.args(["--features", "bench"]);
    }
    shell::run_aside(&mut build)?;

    let built = paths::target().join(setup::WASM_TARGET).join("wasm-release/sync_wasm.wasm");
    let folder = wasm_package(bench);
    let shipped = folder.join("headlight_bg.wasm");
    if paths::is_fresh(&shipped, &built) {
        return Ok(());
    }
    let mut bindgen = shell::command(setup::wasm_bindgen()?.join("wasm-bindgen"));
    bindgen.args(["--target", "web", "--out-name", "headlight", "--out-dir"]).arg(&folder).arg(&built);
    shell::run_aside(&mut bindgen)?;
    optimise(&shipped)
}

fn optimise(wasm: &Path) -> Outcome {
    let smaller = wasm.with_extension("wasm.opt");
    let mut wasm_opt = shell::node("node_modules/binaryen/bin/wasm-opt", &[]);
    wasm_opt.arg(wasm).arg("-o").arg(&smaller).arg(WASM_OPT_LEVEL).args(WASM_OPT_FEATURES);
    // What is not optimised must not look fresh to the next build.
    let outcome = shell::run_aside(&mut wasm_opt).and_then(|()| {
        fs::rename(&smaller, wasm).map_err(|error| Failure::failed(format!("cannot write {}: {error}", wasm.display())))
    });
    if outcome.is_err() {
        fs::remove_file(wasm).map_err(|error| Failure::failed(format!("cannot remove {}: {error}", wasm.display())))?;
    }
    outcome
}
