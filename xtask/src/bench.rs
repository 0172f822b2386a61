//! `npm run bench`: the figures of the README. Ratios are measured in one run on one machine.
//!
//! The package that ships is measured beside a second wasm, built with the feature `bench`, whose extra exports do one
//! part of the work alone: the raw channel, the verification, the store.

use crate::{
    build, pack, paths, setup,
    shell::{self, Failure, Outcome},
    size,
};

/// Builds both wasm files, the native measures, and becomes `scripts/bench.mjs`.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    setup::run(false)?;
    let chromium = setup::chromium()?;
    // First the benchmark's wasm, then what ships: cargo writes both to one file, and what ships is measured last.
    build::wasm(true)?;
    build::run()?;
    let (verify, linkage) = (native("verify")?, native("linkage")?);
    let tarball = pack::tarball(&paths::target().join("npm"))?;
    let mut script = shell::node("scripts/bench.mjs", arguments);
    script
        .env("CHROMIUM", chromium)
        .env("HEADLIGHT_PEER", paths::header_peer())
        .env("HEADLIGHT_TARBALL", tarball)
        .env("HEADLIGHT_BENCH_WASM", build::wasm_package(true))
        .env("HEADLIGHT_VERIFY", verify)
        .env("HEADLIGHT_LINKAGE", linkage)
        .env("HEADLIGHT_WASM_GZ_KB", format!("{:.1}", size::wasm_gz_kb()?));
    shell::become_it(&mut script)
}

/// Builds a measuring program of `sync-core`. Returns where it is: cargo puts a hash into the name, and says the name in
/// its messages alone.
fn native(name: &str) -> Outcome<String> {
    let mut build = shell::cargo(&["build", "--quiet", "--release", "--package", "sync-core", "--bench", name]);
    let messages = shell::output(build.arg("--message-format=json"));
    let lines = messages.as_deref().unwrap_or_default().lines();
    let found = lines.filter(|line| line.contains(r#""kind":["bench"]"#)).find_map(executable);
    found.map(str::to_owned).ok_or_else(|| Failure::failed(format!("failed: {}", shell::line(&build))))
}

/// The path in a message of cargo about something that it built.
fn executable(message: &str) -> Option<&str> {
    message.split_once(r#""executable":""#)?.1.split_once('"').map(|(path, _)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_of_a_message_is_found() {
        let built =
            r#"{"reason":"compiler-artifact","target":{"kind":["bench"]},"executable":"/t/verify-1f","fresh":true}"#;
        assert_eq!(executable(built), Some("/t/verify-1f"));
        assert_eq!(executable(r#"{"executable":null}"#), None);
    }
}
