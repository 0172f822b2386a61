//! Steps of `npm test` that build in another way: the documentation, the oldest Rust, the fuzz targets. And the licences.

use crate::{
    counts::Counts,
    crates::{FOR_TESTS, HOSTS, PORTABLE, WASM_CRATES, packages},
    paths, setup,
    shell::{self, Failure, Outcome},
};

/// The oldest Rust that builds the project, `rust-version` of Cargo.toml. Lints are errors with this release alone.
const OLDEST_RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// What rustc needs to count the branches that an input takes: the options of cargo-fuzz but for the sanitizer, which
/// needs a nightly compiler.
const FUZZ_FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// The crate whose `fuzz` folder holds a target, the target, and inputs that it gets here: that it runs is shown, not that
/// nothing can be found. A sync of thousands of headers for each input, without optimisation, takes too long.
const FUZZ_TARGETS: [(&str, &str, u32); 2] = [("header-wire", "decode", 1_000), ("sync-core", "inputs", 0)];

/// rustdoc has no complaint: links lead somewhere.
pub(crate) fn doc() -> Outcome<Counts> {
    let mut counts = Counts::default();
    let wasm = ["--target", setup::WASM_TARGET];
    // The peer in the profile in which it was checked before.
    let native: Vec<_> = PORTABLE.into_iter().chain(FOR_TESTS).chain(["xtask"]).collect();
    for (crates, how) in [(&native[..], &[][..]), (&HOSTS[..], &["--release"][..]), (&WASM_CRATES[..], &wasm[..])] {
        let mut doc = shell::cargo(&["doc", "--quiet", "--no-deps", "--keep-going"]);
        doc.args(packages(crates.iter().copied())).args(how).env("RUSTDOCFLAGS", "-Dwarnings");
        shell::run(&mut doc)?;
        counts += Counts::check(true);
    }
    Ok(counts)
}

/// Is the toolchain in use the one that the project names?
pub(crate) fn is_oldest_rust() -> bool {
    let ours = format!("rustc {OLDEST_RUST}.");
    shell::output(shell::command("rustc").arg("--version")).is_some_and(|it| it.starts_with(&ours))
}

/// Everything compiles with the oldest Rust that is promised.
pub(crate) fn oldest_rust() -> Outcome<Counts> {
    if is_oldest_rust() {
        println!("Rust {OLDEST_RUST} is the toolchain in use: all other steps show it");
        return Ok(Counts::check(true));
    }
    setup::toolchain(OLDEST_RUST)?;
    let mut check = shell::command("rustup");
    check.args(["run", OLDEST_RUST, "cargo", "check", "--quiet", "--workspace", "--exclude", "headlight-wasm-tests"]);
    // A folder of its own: the builds of two compilers would take turns in one.
    shell::run(check.env("CARGO_TARGET_DIR", paths::target().join("oldest-rust")))?;
    Ok(Counts::check(true))
}

/// The fuzz targets build, and take their first inputs.
pub(crate) fn fuzz() -> Outcome<Counts> {
    // The fuzzer itself is C++.
    if paths::on_path(&["c++", "g++", "clang++"]).is_none() {
        println!("skipped: no C++ compiler (Debian: apt-get install g++)");
        return Ok(Counts::skip());
    }
    let folder = paths::target().join("fuzz");
    // Named, so that build scripts and macros are built without the options.
    let host = shell::output(shell::command("rustc").args(["--print", "host-tuple"]))
        .ok_or_else(|| Failure::failed("rustc does not name its own target"))?;
    let mut counts = Counts::default();
    for (package, target, runs) in FUZZ_TARGETS {
        let mut fuzz = shell::cargo(&[if runs == 0 { "build" } else { "run" }, "--quiet", "--bin", target]);
        fuzz.args(["--target", &host, "--manifest-path"]);
        fuzz.arg(paths::root().join("crates").join(package).join("fuzz/Cargo.toml"));
        if runs > 0 {
            // The seed makes each run the same; an input that fails is written beside what was built.
            fuzz.args(["--", "-seed=1", "-verbosity=0"]).arg(format!("-runs={runs}"));
            fuzz.arg(format!("-artifact_prefix={}/", folder.display()));
        }
        fuzz.env("CARGO_TARGET_DIR", &folder).env("RUSTFLAGS", FUZZ_FLAGS);
        shell::run(&mut fuzz)?;
        counts += Counts::check(true);
    }
    Ok(counts)
}

/// Licences, sources and bans of `deny.toml`. CI asks for advisories too, which come over the network and change by the
/// day.
pub(crate) fn deny() -> Outcome<Counts> {
    if paths::on_path(&["cargo-deny"]).is_none() {
        println!("skipped: cargo-deny is not installed (cargo install --locked cargo-deny); CI runs it");
        return Ok(Counts::skip());
    }
    let mut deny = shell::cargo(&["deny", "--workspace", "check", "bans", "licenses", "sources"]);
    shell::run(&mut deny).map_err(|_| Failure::failed("deny.toml does not allow what the lock file holds"))?;
    Ok(Counts::check(true))
}
