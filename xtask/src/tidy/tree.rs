//! The modules of one build target, from its root file down, and what a path of one means.

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
};

use super::{
    imports,
    module::{Binds, Module},
};

/// A module in its place.
#[derive(Debug)]
pub(super) struct Place {
    /// The file that it stands in.
    pub file: PathBuf,
    /// Names from the root's child down; empty for the root.
    pub path: Vec<String>,
    /// Itself or one above it is for tests only.
    pub is_test: bool,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    module: Module,
}

/// All modules of one target. The root is the first.
#[derive(Debug)]
pub(super) struct Tree {
    places: Vec<Place>,
    /// `mod name;` without a file, in words.
    pub missing: Vec<String>,
}

/// One path or one `use` of a module that means something of the same crate.
#[derive(Debug)]
pub(super) struct Import {
    /// The module that says it.
    pub from: usize,
    /// The module that defines what is meant.
    pub to: usize,
    /// The last module that the path itself names.
    pub named: usize,
    /// Only tests say it.
    pub is_test: bool,
    /// As it is written, without braces.
    pub text: String,
}

/// What a path means: a module, or something that this module defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Module(usize),
    ItemOf(usize),
}

const ROOT: usize = 0;

impl Tree {
    /// Reads all files of a target. `read` gives the text of a file, or `None` when there is no such file.
    pub(super) fn load(root: &Path, read: &dyn Fn(&Path) -> Option<String>) -> Self {
        let mut tree = Self { places: Vec::new(), missing: Vec::new() };
        match read(root) {
            None => tree.missing.push(format!("{}: no such file", root.display())),
            Some(text) => {
                let folder = root.parent().unwrap_or(Path::new("")).to_owned();
                tree.add(imports::read(&text), root.to_owned(), folder, None, String::new(), read);
            }
        }
        tree
    }

    /// Adds a module and those below it. `folder` is where the files of its children are.
    fn add(
        &mut self,
        mut module: Module,
        file: PathBuf,
        folder: PathBuf,
        parent: Option<usize>,
        name: String,
        read: &dyn Fn(&Path) -> Option<String>,
    ) {
        let own = self.places.len();
        let (inline, files) = (std::mem::take(&mut module.inline), std::mem::take(&mut module.files));
        let mut path = parent.map(|parent| self.places[parent].path.clone()).unwrap_or_default();
        if let Some(parent) = parent {
            path.push(name.clone());
            self.places[parent].children.entry(name).or_insert(own);
        }
        let is_test = module.is_test || parent.is_some_and(|parent| self.places[parent].is_test);
        self.places.push(Place { file: file.clone(), path, is_test, parent, children: BTreeMap::new(), module });

        for inner in inline {
            let (folder, name) = (folder.join(&inner.name), inner.name.clone());
            self.add(inner, file.clone(), folder, Some(own), name, read);
        }
        for declared in files {
            // A file that `#[path]` names has its children beside itself, as a `mod.rs` has.
            let candidates = match &declared.path {
                Some(path) => {
                    let file = plain(&file.parent().unwrap_or(Path::new("")).join(path));
                    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
                    vec![(file, folder)]
                }
                None => {
                    let inside = folder.join(&declared.name);
                    vec![(inside.with_extension("rs"), inside.clone()), (inside.join("mod.rs"), inside)]
                }
            };
            match candidates.into_iter().find_map(|(file, folder)| Some((read(&file)?, file, folder))) {
                None => self.missing.push(format!("{}: `mod {};` has no file", file.display(), declared.name)),
                Some((text, file, folder)) => {
                    let mut child = imports::read(&text);
                    child.is_test |= declared.is_test;
                    self.add(child, file, folder, Some(own), declared.name, read);
                }
            }
        }
    }

    /// All modules, the root first.
    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// What every module takes from others of this crate.
    ///
    /// * Counted is where a thing is defined: a path that goes through a re-export is an import from the file behind it.
    /// * `mod child;` and `pub use child::Thing` are no imports. A parent that names `Thing` in its own code imports it.
    /// * `use module;` alone is no import; the paths that begin with `module::` are.
    pub(super) fn imports(&self) -> Vec<Import> {
        let mut found = Vec::new();
        for (from, place) in self.places.iter().enumerate() {
            for (at, used) in place.module.uses.iter().enumerate().filter(|(_, used)| !used.is_public) {
                for meaning in self.meaning(from, &used.path, &mut vec![(from, at)]) {
                    let to = match meaning {
                        Meaning::ItemOf(to) => to,
                        Meaning::Module(to) if used.binds == Binds::All => to,
                        Meaning::Module(_) => continue,
                    };
                    found.push(self.import(from, to, &used.path, place.is_test || used.is_test));
                }
            }
            for (path, is_test) in &place.module.paths {
                for meaning in self.meaning(from, path, &mut Vec::new()) {
                    if let Meaning::ItemOf(to) = meaning {
                        found.push(self.import(from, to, path, place.is_test || *is_test));
                    }
                }
            }
        }
        found.retain(|import| import.from != import.to);
        found
    }

    fn import(&self, from: usize, to: usize, path: &[String], is_test: bool) -> Import {
        let named = self.named(from, path).unwrap_or(to);
        Import { from, to, named, is_test, text: path.join("::") }
    }

    /// The last module on the way of a path that begins with `crate`, `self` or `super`.
    fn named(&self, from: usize, path: &[String]) -> Option<usize> {
        let mut at = match path.first()?.as_str() {
            "crate" => ROOT,
            "self" => from,
            "super" => self.places[from].parent?,
            _ => return None,
        };
        for name in &path[1..] {
            match self.step(at, name) {
                Some(next) => at = next,
                None => break,
            }
        }
        Some(at)
    }

    fn step(&self, at: usize, name: &str) -> Option<usize> {
        match name {
            "super" => self.places[at].parent,
            "self" => Some(at),
            _ => self.places[at].children.get(name).copied(),
        }
    }

    /// What `path` means in the module `at`: nothing when it is of another crate, two things when a module and an item
    /// share the name. `seen` holds the `use`s on the way, against those that mean each other.
    fn meaning(&self, at: usize, path: &[String], seen: &mut Vec<(usize, usize)>) -> Vec<Meaning> {
        match path.split_first() {
            None => Vec::new(),
            // `self` alone is a value.
            Some((first, rest)) if first == "self" && rest.is_empty() => Vec::new(),
            Some((first, rest)) if first == "crate" => self.walk(ROOT, rest, seen),
            Some((first, _)) if first == "self" || first == "super" => self.walk(at, path, seen),
            Some((first, rest)) => self.name(at, first, rest, seen),
        }
    }

    /// Follows `path` from the module `at`, which holds what it names.
    fn walk(&self, at: usize, path: &[String], seen: &mut Vec<(usize, usize)>) -> Vec<Meaning> {
        let Some((first, rest)) = path.split_first() else { return vec![Meaning::Module(at)] };
        if first == "super" || first == "self" {
            return self.step(at, first).map(|next| self.walk(next, rest, seen)).unwrap_or_default();
        }
        let found = self.name(at, first, rest, seen);
        // Made by a macro, or behind a glob of another crate: it stands here all the same.
        if found.is_empty() { vec![Meaning::ItemOf(at)] } else { found }
    }

    /// What `name`, followed by `rest`, means among the names of the module `at`.
    fn name(&self, at: usize, name: &str, rest: &[String], seen: &mut Vec<(usize, usize)>) -> Vec<Meaning> {
        let mut found = Vec::new();
        if let Some(child) = self.step(at, name) {
            found = self.walk(child, rest, seen);
            if !rest.is_empty() {
                return found;
            }
        }
        let module = &self.places[at].module;
        for (index, used) in module.uses.iter().enumerate() {
            if matches!(&used.binds, Binds::Name(bound) if bound == name) && !seen.contains(&(at, index)) {
                seen.push((at, index));
                for meaning in self.meaning(at, &used.path, seen) {
                    match meaning {
                        Meaning::Module(module) => found.extend(self.walk(module, rest, seen)),
                        Meaning::ItemOf(_) => found.push(meaning),
                    }
                }
                seen.pop();
            }
        }
        if module.defines.contains(name) {
            found.push(Meaning::ItemOf(at));
        }
        if found.is_empty() {
            for (index, used) in module.uses.iter().enumerate() {
                if used.binds == Binds::All && !seen.contains(&(at, index)) {
                    seen.push((at, index));
                    for meaning in self.meaning(at, &used.path, seen) {
                        if let Meaning::Module(module) = meaning {
                            found.extend(self.name(module, name, rest, seen));
                        }
                    }
                    seen.pop();
                }
            }
        }
        found
    }
}

/// `a/../b` is `b`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            Component::CurDir => {}
            _ => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    type Files = &'static [(&'static str, &'static str)];

    fn load(files: Files) -> Tree {
        let text = |path: &Path| files.iter().find(|(name, _)| Path::new(name) == path).map(|(_, text)| *text);
        Tree::load(Path::new("src/lib.rs"), &|path| text(path).map(str::to_owned))
    }

    /// Each import between two modules once.
    fn imports(files: Files) -> Vec<String> {
        let tree = load(files);
        let name = |at: usize| match tree.places[at].path.join("::") {
            root if root.is_empty() => "lib".to_owned(),
            name => name,
        };
        let tests = |is_test: bool| if is_test { " (tests)" } else { "" };
        let shown = tree.imports().into_iter();
        let mut shown: Vec<String> = shown
            .map(|import| format!("{}{} > {}", name(import.from), tests(import.is_test), name(import.to)))
            .collect();
        shown.sort();
        shown.dedup();
        shown
    }

    #[test]
    fn a_re_export_leads_to_what_is_behind_it() {
        let files: Files = &[
            ("src/lib.rs", "mod a; mod b; pub use a::Deep as Top;"),
            ("src/a/mod.rs", "mod deep; mod other; pub use self::deep::Deep; pub use other::*;"),
            ("src/a/deep.rs", "pub struct Deep;"),
            ("src/a/other.rs", "use super::Deep; pub struct Other; pub fn f(x: super::deep::Deep) {}"),
            ("src/b.rs", "use crate::{Top, a}; fn f(x: a::Other) {}"),
        ];
        assert_eq!(imports(files), ["a::other > a::deep", "b > a::deep", "b > a::other"]);
    }

    #[test]
    fn a_parent_and_its_child_import_from_each_other_only_by_what_they_name() {
        let one_way: Files = &[
            ("src/lib.rs", "mod child; pub use child::Child; pub struct Parent;"),
            ("src/child.rs", "use super::Parent; pub struct Child(Parent);"),
        ];
        assert_eq!(imports(one_way), ["child > lib"]);
        let circle: Files = &[
            ("src/lib.rs", "mod child; pub use child::Child; pub struct Parent(Child);"),
            ("src/child.rs", "use super::Parent; pub struct Child;"),
        ];
        assert_eq!(imports(circle), ["child > lib", "lib > child"]);
    }

    #[test]
    fn names_of_modules_and_of_items_are_told_apart() {
        let files: Files = &[
            ("src/lib.rs", "mod header; mod user; pub use header::header;"),
            ("src/header.rs", "pub fn header() {}"),
            ("src/user.rs", "use crate::header; fn f(header: u8) { header(); }"),
        ];
        assert_eq!(imports(files), ["user > header"]);
        let bare: Files = &[
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", "pub struct A;"),
            ("src/b.rs", "use crate::a; fn f(a: u8) -> u8 { a }"),
        ];
        assert_eq!(imports(bare), [""; 0], "a variable is no module");
    }

    #[test]
    fn paths_of_other_crates_and_uses_that_mean_each_other_end() {
        let files: Files = &[
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", "use ::b::X; use bytes::Bytes; pub use super::b::Y; pub use super::b::*; fn f(b: Bytes) {}"),
            ("src/b.rs", "pub use super::a::Y; pub use crate::a::*; fn f(y: Z) {}"),
        ];
        assert_eq!(imports(files), [""; 0]);
    }

    #[test]
    fn tests_are_told_from_what_they_test() {
        let files: Files = &[
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", "#[cfg(test)] #[path = \"a_tests.rs\"] mod tests; pub struct A;"),
            ("src/a_tests.rs", "use super::*; use super::super::b::B;"),
            ("src/b.rs", "pub struct B; #[cfg(test)] mod tests { use super::{super::a::A, B}; }"),
        ];
        let expected = ["a::tests (tests) > a", "a::tests (tests) > b", "b::tests (tests) > a", "b::tests (tests) > b"];
        assert_eq!(imports(files), expected);
    }

    #[test]
    fn files_are_where_the_compiler_looks() {
        let files: Files = &[
            ("src/lib.rs", "mod a; mod inline { mod c; } #[path = \"../shared/d.rs\"] mod d; mod gone;"),
            ("src/a.rs", "mod b;"),
            ("src/a/b/mod.rs", ""),
            ("src/inline/c.rs", ""),
            ("shared/d.rs", "mod e;"),
            ("shared/e.rs", ""),
        ];
        let tree = load(files);
        let mut found: Vec<_> = tree.places.iter().map(|place| (place.path.join("::"), place.file.as_path())).collect();
        found.sort();
        let expected = [
            ("", "src/lib.rs"),
            ("a", "src/a.rs"),
            ("a::b", "src/a/b/mod.rs"),
            ("d", "shared/d.rs"),
            ("d::e", "shared/e.rs"),
            ("inline", "src/lib.rs"),
            ("inline::c", "src/inline/c.rs"),
        ];
        let expected: Vec<_> = expected.iter().map(|(name, file)| ((*name).to_owned(), Path::new(file))).collect();
        assert_eq!(found, expected);
        assert_eq!(tree.missing, ["src/lib.rs: `mod gone;` has no file"]);
    }
}
