//! What no compiler checks: that crates and modules import downwards only, that files do not import in circles, that
//! nothing unfinished or foreign is in the text, and (as advice) that files stay rooms and do not become halls.

mod circles;
mod files;
mod floors;
mod imports;
mod known;
mod manifest;
mod module;
mod tokens;
mod tree;
mod words;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use self::{circles::Graph, floors::HOUSES, known::KNOWN_CIRCLES, manifest::Package, tree::Tree};
use crate::{
    paths,
    shell::{Failure, Outcome},
};

/// Names all that is wrong, and fails if there is any.
pub(crate) fn run() -> Outcome {
    let mut found = Vec::new();
    words::check(&mut found)?;
    let packages = manifest::packages(paths::root())?;
    found.extend(floors::crates(&floors::CRATES, &packages));
    for package in &packages {
        found.extend(modules(package)?);
    }
    let tables = HOUSES.iter().map(|house| house.package).chain(KNOWN_CIRCLES.iter().map(|known| known.package));
    for table in tables.filter(|table| packages.iter().all(|package| package.name != *table)) {
        found.push(format!("`{table}` has a table in `tidy` and is no crate of the workspace"));
    }
    for known in KNOWN_CIRCLES {
        println!("known: {} circles of files in {}: {}", known.circles.len(), known.package, known.reason);
    }
    found.iter().for_each(|line| println!("{line}"));
    match found.len() {
        0 => Ok(()),
        count => Err(Failure::failed(format!("{count} things are untidy"))),
    }
}

/// Floors and circles inside one crate: its library or program, its tests and its examples.
fn modules(package: &Package) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    let mut graph = Graph::new();
    let mut circles = BTreeSet::new();
    let mut read = BTreeSet::new();
    let read_file = |path: &Path| fs::read_to_string(paths::root().join(path)).ok();
    let (sources, roots) = sources(&package.folder)?;
    for (at, root) in roots.iter().enumerate() {
        let tree = Tree::load(root, &read_file);
        let imports = tree.imports();
        read.extend(tree.places().iter().map(|place| place.file.clone()));
        // The library, or the program of a crate without one; what is built on it sees it from outside.
        if let (0, Some(house)) = (at, HOUSES.iter().find(|house| house.package == package.name)) {
            found.extend(floors::modules(house, &name(root), &tree, &imports));
        }
        let own = graph_of(&tree, &imports, &package.folder);
        circles.extend(circles::circles(&own));
        own.into_iter().for_each(|(from, all)| graph.entry(from).or_default().extend(all));
        found.extend(tree.missing);
    }
    found.extend(circles::check(&package.name, &graph, &circles, KNOWN_CIRCLES));
    let unread = sources.iter().filter(|file| !read.contains(*file));
    found.extend(unread.map(|file| format!("{}: no `mod` leads to this file", file.display())));
    Ok(found)
}

/// Rust files of a crate, and those of them that are roots of a target; the library comes first.
fn sources(folder: &Path) -> Outcome<(Vec<PathBuf>, Vec<PathBuf>)> {
    let mut sources = Vec::new();
    for kind in ["src", "tests", "examples", "benches"] {
        let below = paths::root().join(folder).join(kind);
        if below.is_dir() {
            let files =
                files::below(&below)?.into_iter().filter(|file| file.extension().is_some_and(|end| end == "rs"));
            sources.extend(files.map(|file| file.strip_prefix(paths::root()).unwrap_or(&file).to_owned()));
        }
    }
    let is_root = |file: &&PathBuf| {
        let inside: Vec<_> =
            file.strip_prefix(folder).unwrap_or(file).iter().filter_map(|part| part.to_str()).collect();
        matches!(inside[..], ["src", "lib.rs" | "main.rs"] | ["src", "bin", _] | ["tests" | "examples" | "benches", _])
            || matches!(inside[..], ["tests" | "examples" | "benches", _, "main.rs"])
    };
    let roots = sources.iter().filter(is_root).cloned().collect();
    Ok((sources, roots))
}

/// The imports between files. What only tests import counts for a file of its own: tests may use all that is below
/// them, and no circle comes of it.
fn graph_of(tree: &Tree, imports: &[tree::Import], folder: &Path) -> Graph {
    let node = |at: usize, is_test: bool| {
        let place = &tree.places()[at];
        let file = place.file.strip_prefix(folder).unwrap_or(&place.file).display();
        format!("{file}{}", if is_test || place.is_test { " (tests)" } else { "" })
    };
    let mut graph = Graph::new();
    for import in imports {
        let (from, to) = (node(import.from, import.is_test), node(import.to, false));
        if from != to {
            graph.entry(from).or_default().insert(to);
        }
    }
    graph
}

fn name(file: &Path) -> String {
    file.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(files: &[(&str, &str)]) -> Graph {
        let text = |path: &Path| files.iter().find(|(name, _)| Path::new(name) == path).map(|(_, text)| *text);
        let tree = Tree::load(Path::new("crates/a/src/lib.rs"), &|path| text(path).map(str::to_owned));
        graph_of(&tree, &tree.imports(), Path::new("crates/a"))
    }

    #[test]
    fn a_circle_of_files_is_found_and_tests_close_none() {
        let root = ("crates/a/src/lib.rs", "mod b; mod c; mod d;");
        let third = ("crates/a/src/d.rs", "pub struct D; use super::b::B;");
        let second = ("crates/a/src/c.rs", "pub struct C(super::d::D);");
        let circle = graph(&[root, third, second, ("crates/a/src/b.rs", "pub struct B(crate::c::C);")]);
        let found: Vec<String> = circles::circles(&circle).iter().map(|circle| circle.join(" ")).collect();
        assert_eq!(found, ["src/b.rs src/c.rs src/d.rs"]);

        let tested = "pub struct B; #[cfg(test)] mod tests { use super::B; use crate::c::C; }";
        let without = graph(&[root, third, second, ("crates/a/src/b.rs", tested)]);
        assert!(circles::circles(&without).is_empty());
        assert!(without["src/b.rs (tests)"].contains("src/c.rs"));
    }

    #[test]
    fn the_library_is_the_first_root() {
        let (sources, roots) = sources(Path::new("crates/header-peer")).expect("it is there");
        assert_eq!(roots[0], Path::new("crates/header-peer/src/lib.rs"));
        assert!(sources.len() > roots.len() && roots.iter().any(|root| root.ends_with("tests/cli.rs")));
    }
}
