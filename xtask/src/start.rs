//! `npm start`: from a fresh clone to a page that syncs.

use crate::{
    build, paths, setup,
    shell::{self, Outcome},
};

/// Address of the page when the user names no other.
const HTTP_DEFAULT: &str = "127.0.0.1:8080";

/// Flags of `header-peer serve` that are followed by a path, the first by several.
const PATH_FLAGS: [&str; 4] = ["--era1", "--rlp", "--headers", "--data-dir"];

/// Sets up, builds, and becomes the peer, which prints its page's address; Ctrl-C is then its own.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    setup::run(false)?;
    build::run()?;
    let mut peer = shell::command(paths::header_peer());
    peer.arg("serve").args(resolved(arguments));
    let given =
        |flag: &str| arguments.iter().any(|argument| argument == flag || argument.starts_with(&format!("{flag}=")));
    if !given("--http") {
        peer.args(["--http", HTTP_DEFAULT]);
    }
    if !given("--web") {
        peer.arg("--web").arg(paths::root().join("dist-demo"));
    }
    shell::become_it(&mut peer)
}

/// The arguments with each path made absolute: the peer runs at the project's root, the user may stand elsewhere.
pub(crate) fn resolved(arguments: &[String]) -> Vec<String> {
    let (mut is_path, mut in_list) = (false, false);
    arguments
        .iter()
        .map(|argument| {
            let path = is_path;
            is_path = PATH_FLAGS.contains(&argument.as_str());
            in_list = argument == PATH_FLAGS[0] || in_list && !argument.starts_with("--");
            let inline =
                PATH_FLAGS.iter().find_map(|flag| Some((*flag, argument.strip_prefix(flag)?.strip_prefix('=')?)));
            match inline {
                Some((flag, value)) => format!("{flag}={}", paths::of_user(value).display()),
                None if path || in_list && argument != PATH_FLAGS[0] => paths::of_user(argument).display().to_string(),
                None => argument.clone(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_are_resolved() {
        let given = ["--era1", "xtask", "web", "--headers=Cargo.toml", "--generate", "5"].map(str::to_owned);
        let resolved = resolved(&given);
        assert!(resolved[1].ends_with("xtask") && resolved[1].starts_with('/'), "{resolved:?}");
        assert!(resolved[2].ends_with("web") && resolved[2].starts_with('/'), "{resolved:?}");
        assert!(resolved[3].starts_with("--headers=/"), "{resolved:?}");
        assert_eq!(resolved[4..], given[4..]);
    }
}
