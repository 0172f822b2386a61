//! A module as its text has it: what it declares, imports and names.

use std::collections::BTreeSet;

/// One module: a file, or a `mod name { .. }` inside one.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// Empty for a file.
    pub name: String,
    /// Under `#[cfg(test)]`.
    pub is_test: bool,
    /// Every name that a `use` binds.
    pub uses: Vec<Use>,
    /// Every path in the code outside of `use`, and whether only tests have it. A name alone is a path of one.
    pub paths: BTreeSet<(Vec<String>, bool)>,
    /// Items of the module's own.
    pub defines: BTreeSet<String>,
    /// `mod name { .. }`.
    pub inline: Vec<Self>,
    /// `mod name;`.
    pub files: Vec<FileModule>,
}

/// `mod name;`.
#[derive(Debug)]
pub(super) struct FileModule {
    /// Its name.
    pub name: String,
    /// What `#[path = ".."]` says.
    pub path: Option<String>,
    /// Under `#[cfg(test)]`.
    pub is_test: bool,
}

/// One name of a `use`.
#[derive(Debug)]
pub(super) struct Use {
    /// From its first word; the first is empty for a path that begins with `::`.
    pub path: Vec<String>,
    /// What it is called here.
    pub binds: Binds,
    /// A re-export, to whomever.
    pub is_public: bool,
    /// Under `#[cfg(test)]`.
    pub is_test: bool,
}

/// What a `use` adds to the names of its module.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Binds {
    /// One name.
    Name(String),
    /// Nothing that can be named: `as _`.
    Nothing,
    /// All names of a module.
    All,
}
