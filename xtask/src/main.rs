//! One tool for set-up, build, tests, figures and checks. A laptop and the continuous integration run the same.
//!
//! `npm start`, `npm test` and their siblings come here through `scripts/run.mjs`; `cargo xtask <task>` does too. Each
//! task is one module. Nothing runs that is not named in [`HELP`].

mod bench;
mod build;
mod builds;
mod conformance;
mod counts;
mod crates;
mod outcome;
mod pack;
mod paths;
mod setup;
mod shell;
mod size;
mod start;
mod sync;
mod test;
mod tidy;

use std::process::ExitCode;

const HELP: &str = "\
Usage: npm start | npm test | npm run <task> [-- arguments]      (or: cargo xtask <task> [arguments])

  start [source flags]     set up, build, serve a chain and the demo page (all flags of `header-peer serve`)
  test [step ...]          everything that must hold; with names, only these steps (`test --list` names them)
  sync [source flags] [--peers N] [--fault NAME]
                           one sync in a headless browser, compared with its source; one JSON line
  bench [figure ...]       the figures of the README; one JSON line
  conformance [--without-peer]
                           which test shows which requirement; without libp2p, those of header-peer are missing
  build                    wasm, npm package, demo page and header-peer
  setup [--browser]        check and install what the others need
  size                     gzip kilobytes of the wasm against its budget
  pack [DIR]               the npm tarball, as it would be published
  tidy                     floors, circles of files, file lengths and words";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let outcome = match task.as_str() {
        "setup" => setup::run(rest.iter().any(|argument| argument == "--browser")),
        "build" => setup::run(false).and_then(|()| build::run()),
        "size" => size::run(),
        "start" => start::run(&rest),
        "test" => test::run(&rest),
        "sync" => sync::run(&rest),
        "bench" => bench::run(&rest),
        "conformance" => conformance::run(&rest),
        "pack" => pack::run(rest.first().map(String::as_str)),
        "tidy" => tidy::run(),
        _ => {
            println!("{HELP}");
            return ExitCode::from(if matches!(task.as_str(), "" | "help" | "--help" | "-h") { 0 } else { 2 });
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.line.is_empty() {
                eprintln!("headlight: {}", failure.line);
            }
            ExitCode::from(failure.code)
        }
    }
}
