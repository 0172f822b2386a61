//! `npm test`: everything that must hold, the quick checks first. Each step is named with its time; the last line sums
//! up all runners. A step that fails does not keep the others from running, except those that need what it builds.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    build, builds, conformance,
    counts::Counts,
    crates::{FOR_TESTS, HOSTS, PORTABLE, WASM_CRATES, packages},
    pack, paths, setup,
    shell::{self, Failure, Outcome},
    size, tidy,
};

/// One step: its name on the command line, what it shows, and how it is run.
struct Step {
    name: &'static str,
    shows: &'static str,
    run: fn() -> Outcome<Counts>,
}

/// In this order, so that one release build of libp2p and one wasm build serve all steps after them.
const STEPS: [Step; 18] = [
    Step { name: "fmt", shows: "the Rust code is formatted", run: fmt },
    Step { name: "tidy", shows: "floors, words and lengths hold", run: || checked(tidy::run()) },
    Step { name: "lint", shows: "clippy has nothing to say on the portable crates", run: lint },
    Step { name: "deny", shows: "licences and sources of all dependencies are allowed", run: builds::deny },
    Step { name: "core", shows: "unit, scenario and property tests of the portable crates", run: core },
    Step { name: "bare-metal", shows: "the portable crates build for a target without an OS", run: bare_metal },
    Step { name: "hosts", shows: "what the browser's crates decide without a browser, natively", run: hosts },
    Step { name: "web", shows: "wasm, npm package and demo page build, within the size budget", run: web },
    Step { name: "types", shows: "TypeScript and JavaScript: types, lints and format hold", run: types },
    Step { name: "lint-wasm", shows: "clippy has nothing to say on the browser's crates", run: lint_wasm },
    Step { name: "peer", shows: "header-peer and link-relay build, and their tests hold", run: peer },
    Step { name: "doc", shows: "rustdoc has nothing to say", run: builds::doc },
    Step { name: "msrv", shows: "the oldest Rust that is promised builds it", run: builds::oldest_rust },
    Step {
        name: "fuzz",
        shows: "the fuzz targets build, and the one of the wire takes its first inputs",
        run: builds::fuzz,
    },
    Step { name: "conformance", shows: "every requirement has tests, and they hold", run: || conformance::table(true) },
    Step { name: "wasm", shows: "store, port, transport, core and simulator inside a headless browser", run: wasm },
    Step { name: "e2e", shows: "whole syncs in a headless browser", run: e2e },
    Step { name: "npm", shows: "the packed tarball in fresh Vite and webpack apps", run: npm },
];

/// Worlds of the simulator that are run in the browser too, and must leave the same traces.
const SIM_SEEDS: usize = 20;

/// Runs all steps, or those that are named.
pub(crate) fn run(names: &[String]) -> Outcome {
    if names.iter().any(|name| name == "--list") {
        STEPS.iter().for_each(|step| println!("{:12}{}", step.name, step.shows));
        return Ok(());
    }
    if let Some(unknown) = names.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        return Err(Failure::usage(format!("there is no step `{unknown}`; `npm test -- --list` names them")));
    }
    setup::run(true)?;

    let mut total = Counts::default();
    let mut table = Vec::new();
    for step in STEPS.iter().filter(|step| names.is_empty() || names.iter().any(|name| name == step.name)) {
        println!("\n== {}: {}", step.name, step.shows);
        let begin = Instant::now();
        let counts = (step.run)().unwrap_or_else(|failure| {
            println!("{}", failure.line);
            Counts::check(false)
        });
        table.push((step.name, counts, begin.elapsed()));
        total += counts;
    }
    report(&table);
    println!("{total}");
    if total.failed == 0 { Ok(()) } else { Err(Failure::failed("")) }
}

fn report(table: &[(&str, Counts, Duration)]) {
    println!();
    for (name, counts, time) in table {
        println!("{name:12}{:>7.1} s   {counts}", time.as_secs_f64());
    }
}

fn fmt() -> Outcome<Counts> {
    checked(shell::run(&mut shell::cargo(&["fmt", "--all", "--check"])))
}

fn lint() -> Outcome<Counts> {
    let mut arguments = packages(PORTABLE.into_iter().chain(FOR_TESTS).chain(["xtask"]));
    arguments.push("--all-targets");
    clippy(&arguments)
}

fn lint_wasm() -> Outcome<Counts> {
    let how = ["--all-targets", "--features", "sync-wasm/bench", "--target", setup::WASM_TARGET];
    clippy(&[&packages(WASM_CRATES)[..], &how].concat())
}

/// Lints differ from release to release: only the one that the project names in `rust-version` makes them errors.
fn clippy(arguments: &[&str]) -> Outcome<Counts> {
    let mut clippy = shell::cargo(&["clippy", "--quiet"]);
    clippy.args(arguments).args(["--", if builds::is_oldest_rust() { "-Dwarnings" } else { "-Wwarnings" }]);
    checked(shell::run(&mut clippy))
}

fn core() -> Outcome<Counts> {
    let mut packages = conformance::portable();
    packages.extend(["header-maker", "keccak-pair", "sorted", "xtask"]);
    conformance::tests("core", &packages, false)
}

fn bare_metal() -> Outcome<Counts> {
    let mut build = shell::cargo(&["build", "--quiet", "--target", setup::BARE_METAL_TARGET]);
    checked(shell::run(build.args(packages(PORTABLE))))
}

/// Address book, frames, options: pure code whose tests need no browser. A minute of building libp2p's types.
fn hosts() -> Outcome<Counts> {
    counted(&mut shell::cargo(&["test", "--quiet", "--package", "sync-wasm", "--package", "webrtc-worker"]))
}

fn web() -> Outcome<Counts> {
    build::web()?;
    checked(size::run())
}

fn types() -> Outcome<Counts> {
    let mut counts = Counts::default();
    for project in ["web", "web/demo", "web/message-types"] {
        let arguments = ["--noEmit", "--project", project].map(str::to_owned);
        counts += checked(shell::run(&mut shell::node("node_modules/typescript/bin/tsc", &arguments)))?;
    }
    let arguments = ["check", "--error-on-warnings"].map(str::to_owned);
    counts += checked(shell::run(&mut shell::node("node_modules/@biomejs/biome/bin/biome", &arguments)))?;
    Ok(counts)
}

/// In the release profile: it is the one that is run, and libp2p is built once.
fn peer() -> Outcome<Counts> {
    build::header_peer()?;
    build::link_relay()?;
    let mut counts = clippy(&[&["--release"], &packages(HOSTS)[..], &["--all-targets"]].concat())?;
    counts += conformance::tests("peer", &HOSTS, true)?;
    Ok(counts)
}

fn wasm() -> Outcome<Counts> {
    let traces = native_traces()?;
    let wasm_bindgen = setup::wasm_bindgen()?;
    let mut path = vec![wasm_bindgen];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let path = std::env::join_paths(path).map_err(|error| Failure::failed(format!("PATH: {error}")))?;

    let mut test = shell::command(setup::wasm_pack()?.join("wasm-pack"));
    test.args(["test", "--headless", "--chrome", "--mode", "no-install", "--chromedriver"])
        .arg(setup::chromedriver()?)
        .arg("tests/wasm")
        .env("PATH", path)
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", setup::webdriver_json()?)
        .env("WASM_BINDGEN_TEST_TIMEOUT", "120")
        .env("HEADLIGHT_SIM_TRACES", traces);
    counted(&mut test)
}

/// Runs the worlds of [`SIM_SEEDS`] natively: `seed hash`, one after the other, for `tests/wasm` to be built with.
fn native_traces() -> Outcome<String> {
    let mut run =
        shell::cargo(&["run", "--quiet", "--package", "sync-sim", "--", "--hashes", "--jobs", "1", "--seeds"]);
    run.arg(format!("0..{SIM_SEEDS}"));
    let printed = shell::output(&mut run).ok_or_else(|| Failure::failed(format!("failed: {}", shell::line(&run))))?;
    // The lines of the worlds come first; what follows sums them up.
    let traces: Vec<&str> = printed.lines().take(SIM_SEEDS).collect();
    println!("native: {}", traces.join(", "));
    Ok(traces.join(" "))
}

fn e2e() -> Outcome<Counts> {
    node_tests("tests/e2e")
}

fn npm() -> Outcome<Counts> {
    node_tests("tests/npm")
}

/// Every `*.test.mjs` of a folder, one after the other: each has deadlines, and a browser takes all cores.
fn node_tests(folder: &str) -> Outcome<Counts> {
    let mut files: Vec<_> = std::fs::read_dir(paths::root().join(folder))
        .map_err(|error| Failure::failed(format!("{folder}: {error}")))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|file| file.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    files.sort();
    let mut test = shell::command("node");
    test.args(["--test", "--test-concurrency=1", "--test-reporter=spec"])
        .args(files)
        .env("CHROMIUM", setup::chromium()?)
        .env("HEADLIGHT_PEER", paths::header_peer())
        .env("HEADLIGHT_RELAY", paths::link_relay())
        .env("HEADLIGHT_TARBALL", pack::tarball(&paths::target().join("npm"))?);
    counted(&mut test)
}

fn checked(outcome: Outcome) -> Outcome<Counts> {
    outcome.map(|()| Counts::check(true))
}

/// A test runner: what its summaries say. One that fails without naming a test, or names none at all, has failed.
fn counted(command: &mut Command) -> Outcome<Counts> {
    let mut counts = Counts::default();
    let succeeded = shell::run_lines(command, |line| counts.read(line))?;
    if succeeded == (counts.failed == 0) && counts.passed + counts.failed + counts.skipped > 0 {
        return Ok(counts);
    }
    println!("{} ended without a whole summary", shell::line(command));
    counts.failed += 1;
    Ok(counts)
}
