//! The workspace's crates and what they depend on, from their `Cargo.toml`s.
//!
//! Read line by line, as these files are written: one key a line, no quoted keys.

use std::path::{Path, PathBuf};

use super::files;
use crate::shell::{Failure, Outcome};

/// A crate of the workspace.
#[derive(Debug)]
pub(super) struct Package {
    /// Its name.
    pub name: String,
    /// Where it is, below the project's root.
    pub folder: PathBuf,
    /// What it is built with, from the workspace or not. Not what its tests are built with: those may look up.
    pub dependencies: Vec<String>,
}

/// All members of the workspace.
pub(super) fn packages(root: &Path) -> Outcome<Vec<Package>> {
    let workspace = files::read(&root.join("Cargo.toml"))?;
    let members = members(&workspace);
    if members.is_empty() {
        return Err(Failure::failed("Cargo.toml: no `members = [`"));
    }
    let read = |folder: &String| {
        let text = files::read(&root.join(folder).join("Cargo.toml"))?;
        package(Path::new(folder), &text).ok_or_else(|| Failure::failed(format!("{folder}/Cargo.toml: no name")))
    };
    members.iter().map(read).collect()
}

fn package(folder: &Path, text: &str) -> Option<Package> {
    let name =
        lines(text).find(|(section, key, _)| section == "package" && *key == "name").map(|(_, _, value)| value)?;
    Some(Package { name: quoted(name)?.to_owned(), folder: folder.to_owned(), dependencies: dependencies(text) })
}

/// `members` of the workspace; not `default-members`.
fn members(text: &str) -> Vec<String> {
    let list =
        text.lines().skip_while(|line| !line.starts_with("members = [")).take_while(|line| !line.starts_with(']'));
    list.filter_map(|line| quoted(line.trim())).map(str::to_owned).collect()
}

fn dependencies(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    };
    for (section, key, value) in lines(text) {
        // `[dependencies]`, or `[dependencies.name]` with the keys of one dependency.
        let own = |kind: &str| {
            let inside =
                section.strip_prefix(kind).or_else(|| section.split_once(&format!(".{kind}")).map(|(_, rest)| rest));
            inside.map(str::to_owned)
        };
        let Some(rest) = own("dependencies").or_else(|| own("build-dependencies")) else { continue };
        match rest.strip_prefix('.') {
            Some(name) => {
                if key == "package" {
                    quoted(value).into_iter().for_each(&mut add);
                } else {
                    add(name);
                }
            }
            None => {
                let renamed = value.split_once("package = ").and_then(|(_, name)| quoted(name));
                add(renamed.unwrap_or_else(|| key.split('.').next().unwrap_or(key)));
            }
        }
    }
    found
}

/// Section, key and value of every line that has them.
fn lines(text: &str) -> impl Iterator<Item = (String, &str, &str)> {
    let mut section = String::new();
    text.lines().filter_map(move |line| {
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.split_once(']')) {
            section = header.0.trim_start_matches('[').to_owned();
            return None;
        }
        let (key, value) = line.split_once('=')?;
        let is_key = key.starts_with(|first: char| first.is_alphanumeric());
        is_key.then(|| (section.clone(), key.trim(), value.trim()))
    })
}

/// What stands between the first two quotes, when the first is at the beginning.
fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_of_the_build_are_read_and_those_of_tests_are_not() {
        let text = "[package]\nname = \"a\"\n\n[dependencies]\n# b = \"1\"\nc.workspace = true\nd = { workspace = true, features = [\n    \"x = y\",\n] }\n\
            e = { path = \"../f\", package = \"f\" }\n\n[dev-dependencies]\ng.workspace = true\n\n\
            [target.'cfg(target_arch = \"wasm32\")'.dependencies]\nh = \"1\"\n\n[dependencies.i]\nversion = \"1\"\n\n\
            [target.'cfg(unix)'.dev-dependencies]\nj = \"1\"\n\n[build-dependencies]\nk = \"1\"\n\n[features]\nl = [\"i/m\"]\n";
        let package = package(Path::new("crates/a"), text).expect("it has a name");
        assert_eq!(package.name, "a");
        assert_eq!(package.dependencies, ["c", "d", "f", "h", "i", "k"]);
    }

    #[test]
    fn members_are_those_of_the_workspace() {
        let text = "[workspace]\nmembers = [\n    \"crates/a\",\n    \"b\",\n]\ndefault-members = [\n    \"c\",\n]\n";
        assert_eq!(members(text), ["crates/a", "b"]);
    }

    #[test]
    fn this_workspace_is_read() {
        let packages = packages(crate::paths::root()).expect("it is read");
        let own = packages.iter().find(|package| package.name == "xtask").expect("it is a member");
        assert!(own.folder == Path::new("xtask") && own.dependencies.iter().any(|name| name == "flate2"));
    }
}
