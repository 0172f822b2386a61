//! Where things are: the project, what it builds, tools of the user's cache, programs on `PATH`.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::outcome::{Failure, Outcome};

/// The project's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask/ lies directly under the root")
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// The peer, built for release.
pub(crate) fn header_peer() -> PathBuf {
    target().join("release").join(format!("header-peer{}", env::consts::EXE_SUFFIX))
}

/// The relay that stands for a network in tests, built for release.
pub(crate) fn link_relay() -> PathBuf {
    target().join("release").join(format!("link-relay{}", env::consts::EXE_SUFFIX))
}

/// Where a pinned tool is installed: one folder for each version, shared by all clones of this user.
pub(crate) fn tool(name: &str, version: &str) -> Outcome<PathBuf> {
    let cache = match (env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()), env::home_dir()) {
        (Some(dir), _) => PathBuf::from(dir),
        (None, Some(home)) => home.join(".cache"),
        (None, None) => {
            return Err(Failure::usage("No home directory: set XDG_CACHE_HOME to where tools may be installed."));
        }
    };
    Ok(cache.join("headlight").join("tools").join(format!("{name}-{version}")))
}

/// The first of these programs that is on `PATH`.
pub(crate) fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    names.iter().find_map(|name| env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file()))
}

/// The version of a crate in `Cargo.lock`; a tool that must fit a crate is pinned by it.
pub(crate) fn locked_version(name: &str) -> Outcome<String> {
    let file = root().join("Cargo.lock");
    let text = fs::read_to_string(&file)
        .map_err(|error| Failure::failed(format!("cannot read {}: {error}", file.display())))?;
    let header = format!("name = \"{name}\"");
    text.split("[[package]]")
        .filter(|package| package.lines().any(|line| line == header))
        .find_map(|package| package.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"')))
        .map(str::to_owned)
        .ok_or_else(|| Failure::failed(format!("{name} is not in Cargo.lock")))
}

/// Is `output` there, and not older than `input`?
pub(crate) fn is_fresh(output: &Path, input: &Path) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    matches!((modified(output), modified(input)), (Some(output), Some(input)) if output >= input)
}

/// A path as the user typed it: relative to where the user stands, or else to the project.
pub(crate) fn of_user(path: &str) -> PathBuf {
    let here = env::var_os("HEADLIGHT_CWD").map(PathBuf::from).or_else(|| env::current_dir().ok());
    match here.map(|here| here.join(path)) {
        Some(file) if file.exists() => file,
        _ => root().join(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_version_that_is_locked() {
        let version = locked_version("wasm-bindgen").unwrap();
        assert_eq!(version.split('.').count(), 3, "{version}");
        assert!(locked_version("wasm-bindge").is_err());
    }
}
