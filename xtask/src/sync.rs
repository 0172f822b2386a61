//! `npm run sync`: one sync from the command line, through the packed package, in a headless browser.
//!
//! Building and packing happen here; `scripts/sync.mjs` then starts the peers and the browser, compares, and prints
//! the one JSON line. Its exit code is ours.

use crate::{
    build, pack, paths, setup,
    shell::{self, Outcome},
    start,
};

/// Builds, packs, and becomes `scripts/sync.mjs`.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    setup::run(false)?;
    let chromium = setup::chromium()?;
    build::run()?;
    let tarball = pack::tarball(&paths::target().join("npm"))?;
    let mut script = shell::node("scripts/sync.mjs", &start::resolved(arguments));
    script.env("CHROMIUM", chromium).env("HEADLIGHT_PEER", paths::header_peer()).env("HEADLIGHT_TARBALL", tarball);
    shell::become_it(&mut script)
}
