//! Floors: who may import from whom. Crates stand on floors of the workspace, modules on floors of their crate.

use std::collections::BTreeSet;

use super::{
    manifest::Package,
    tree::{Import, Tree},
};

/// Some crates, or some modules, that stand beside each other.
#[derive(Debug)]
pub(super) struct Floor {
    /// What it is called in messages.
    name: &'static str,
    members: &'static [&'static str],
    /// Its members do not know each other.
    are_strangers: bool,
}

/// The floors of one crate's modules.
#[derive(Debug)]
pub(super) struct House {
    /// The crate.
    pub package: &'static str,
    floors: &'static [Floor],
}

const fn floor(name: &'static str, members: &'static [&'static str]) -> Floor {
    Floor { name, members, are_strangers: false }
}

const fn strangers(name: &'static str, members: &'static [&'static str]) -> Floor {
    Floor { name, members, are_strangers: true }
}

/// All crates of the workspace, the lowest floor first. A crate depends on lower floors only.
pub(super) const CRATES: [Floor; 8] = [
    strangers("wire and tables", &["sorted", "keccak-pair", "header-wire", "header-maker", "webrtc-worker"]),
    strangers("rules", &["header-rules"]),
    strangers("machine", &["header-seals", "sync-core"]),
    strangers("order", &["header-store", "stages"]),
    strangers("sessions", &["recording"]),
    strangers("hosts", &["sync-wasm", "header-peer", "sync-sim", "link-relay"]),
    strangers("tests of the hosts", &["headlight-wasm-tests"]),
    strangers("tool", &["xtask"]),
];

/// Modules at the top of their crate, the lowest floor first; `lib` is the crate's root. A module imports from its own
/// floor and from those below. A crate that is not here is checked for circles alone.
pub(super) const HOUSES: [House; 10] = [
    House {
        package: "sync-core",
        floors: &[
            floor("words", &["id", "time", "checkpoint", "config"]),
            floor("verification", &["fault", "lineage"]),
            // Only the machine above joins them.
            strangers("parts", &["headers", "peers", "etl", "follow"]),
            floor("order", &["progress", "io"]),
            floor("machine", &["sync", "lib"]),
        ],
    },
    House {
        package: "recording",
        floors: &[strangers("parts", &["digest", "file"]), floor("directions", &["recorder", "replay", "lib"])],
    },
    House {
        package: "header-rules",
        floors: &[
            floor("numbers", &["range"]),
            strangers("headers", &["block", "header"]),
            floor("chains", &["chain"]),
            floor("rules", &["rules", "lib"]),
        ],
    },
    House {
        package: "header-seals",
        floors: &[
            floor("words", &["limits", "policy", "sections"]),
            strangers("engines", &["ethash", "clique"]),
            floor("seals", &["lib"]),
            floor("audit", &["audit"]),
        ],
    },
    House {
        package: "header-store",
        floors: &[
            floor("segments", &["segment"]),
            floor("contract", &["lib"]),
            strangers("stores", &["memory", "contract"]),
        ],
    },
    House {
        package: "stages",
        floors: &[floor("words", &["config"]), floor("parts", &["etl"]), floor("order", &["pipeline", "lib"])],
    },
    House {
        package: "header-wire",
        floors: &[
            strangers("words", &["limits", "error", "message"]),
            floor("numbers", &["varint"]),
            floor("messages", &["response", "codec"]),
            floor("streams", &["decoder", "lib"]),
        ],
    },
    House {
        package: "webrtc-worker",
        floors: &[
            floor("words", &["limits", "config", "inbox", "sdp", "address", "handlers"]),
            floor("messages", &["error", "message"]),
            floor("links", &["broker", "link", "data_channel"]),
            floor("transport", &["stream", "connection", "dial", "transport", "lib"]),
        ],
    },
    House {
        package: "sync-wasm",
        floors: &[
            strangers("tools", &["clock", "mailbox", "coverage", "feed", "liveness", "pace"]),
            floor("order", &["store_queue", "browser_store"]),
            floor("world", &["message", "error", "network", "store"]),
            floor("port", &["options", "port", "command", "relay", "view"]),
            floor("readers", &["reads", "bench"]),
            floor("machine", &["driver"]),
            floor("tabs", &["follower", "worker", "lib"]),
        ],
    },
    House {
        package: "header-peer",
        floors: &[
            strangers("words", &["limits", "header", "stats", "runtime"]),
            floor("chains", &["chain", "forks", "log", "budget"]),
            strangers("parts", &["source", "identity", "announce"]),
            strangers("network", &["response", "listener"]),
            floor("faults", &["fault"]),
            strangers("sessions", &["session", "args"]),
            floor("host", &["web", "serve", "lib"]),
        ],
    },
];

/// What is wrong with the crates of the workspace.
pub(super) fn crates(floors: &[Floor], packages: &[Package]) -> Vec<String> {
    let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut found = unknown("the workspace", floors, &names);
    for package in packages {
        for dependency in package.dependencies.iter().filter(|name| names.contains(&name.as_str())) {
            // A crate on no floor was named once.
            let (Some(own), Some(other)) = (place(floors, &package.name), place(floors, dependency)) else { continue };
            if other >= own {
                found.push(format!(
                    "{}/Cargo.toml: `{}` ({}) depends on `{dependency}` ({}): not on a lower floor",
                    package.folder.display(),
                    package.name,
                    floors[own].name,
                    floors[other].name
                ));
            }
        }
    }
    found
}

/// What is wrong with the modules of one crate. `root` is what its table calls the crate's root.
pub(super) fn modules(house: &House, root: &str, tree: &Tree, imports: &[Import]) -> Vec<String> {
    let floors = house.floors;
    // A module of tests alone stands above all: it has no place and may use everything.
    let top = |at: usize| tree.places()[at].path.first().map_or(root, String::as_str);
    let tops: BTreeSet<&str> = (0..tree.places().len())
        .filter(|at| !tree.places()[*at].is_test || tree.places()[*at].path.len() != 1)
        .filter(|at| tree.places()[*at].path.len() < 2)
        .map(top)
        .collect();
    let mut found = unknown(house.package, floors, &tops.into_iter().collect::<Vec<_>>());
    let mut wrong = BTreeSet::new();
    for import in imports {
        let Some(own) = place(floors, top(import.from)) else { continue };
        // Where the thing is defined, and the module that was asked for it.
        for to in [import.to, import.named] {
            let Some(other) = place(floors, top(to)) else { continue };
            let is_stranger =
                other == own && floors[own].are_strangers && !import.is_test && top(import.from) != top(to);
            // A path that begins with `super` or `crate` goes through what stands above; it does not ask for it.
            let is_way = to != import.to && is_above(tree, to, import.from);
            if (other > own || is_stranger) && !is_way {
                wrong.insert(format!(
                    "{}: `{}` ({}) imports from `{}` ({}): {}{}",
                    tree.places()[import.from].file.display(),
                    top(import.from),
                    floors[own].name,
                    top(to),
                    floors[other].name,
                    import.text,
                    if import.is_test { ", in tests" } else { "" }
                ));
            }
        }
    }
    found.extend(wrong);
    found
}

/// `above` holds `below`, or is it.
fn is_above(tree: &Tree, above: usize, below: usize) -> bool {
    tree.places()[below].path.starts_with(&tree.places()[above].path)
}

fn place(floors: &[Floor], name: &str) -> Option<usize> {
    floors.iter().position(|floor| floor.members.contains(&name))
}

/// What has no floor, and what has one and is not there.
fn unknown(house: &str, floors: &[Floor], names: &[&str]) -> Vec<String> {
    let homeless = names.iter().filter(|name| place(floors, name).is_none());
    let gone = floors.iter().flat_map(|floor| floor.members).filter(|name| !names.contains(name));
    homeless
        .map(|name| format!("{house}: `{name}` stands on no floor"))
        .chain(gone.map(|name| format!("{house}: `{name}` has a floor and is not there")))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const HOUSE: House = House {
        package: "house",
        floors: &[floor("words", &["word"]), strangers("parts", &["left", "right"]), floor("top", &["lib"])],
    };

    fn found(files: &'static [(&'static str, &'static str)]) -> Vec<String> {
        let read =
            |path: &Path| files.iter().find(|(name, _)| Path::new(name) == path).map(|(_, text)| (*text).to_owned());
        let tree = Tree::load(Path::new("src/lib.rs"), &read);
        assert_eq!(tree.missing, [""; 0]);
        modules(&HOUSE, "lib", &tree, &tree.imports())
    }

    #[test]
    fn imports_go_down() {
        let files: &[(&str, &str)] = &[
            ("src/lib.rs", "mod word; mod left; mod right; pub use left::Left; fn f(x: right::Right) {}"),
            ("src/word.rs", "pub struct Word;"),
            ("src/left.rs", "use crate::word::Word; pub struct Left; mod deep;"),
            ("src/left/deep.rs", "use super::super::word::Word; use super::Left;"),
            (
                "src/right.rs",
                "use super::word::{self, Word}; pub struct Right; #[cfg(test)] mod tests { use super::super::left::Left; }",
            ),
        ];
        assert_eq!(found(files), [""; 0]);
    }

    #[test]
    fn an_import_that_goes_up_is_named_in_tests_too() {
        let files: &[(&str, &str)] = &[
            ("src/lib.rs", "mod word; mod left; mod right; pub use left::Left; pub struct Own;"),
            (
                "src/word.rs",
                "pub struct Word; fn f(own: super::Own) {} #[cfg(test)] mod tests { use super::*; use super::super::left::Left; }",
            ),
            ("src/left.rs", "use crate::right::Right; pub struct Left;"),
            ("src/right.rs", "pub struct Right; pub use crate::word::Word; fn f(x: crate::left::Word) {}"),
        ];
        let expected = [
            "src/left.rs: `left` (parts) imports from `right` (parts): crate::right::Right",
            "src/right.rs: `right` (parts) imports from `left` (parts): crate::left::Word",
            "src/word.rs: `word` (words) imports from `left` (parts): super::super::left::Left, in tests",
            "src/word.rs: `word` (words) imports from `lib` (top): super::Own",
        ];
        assert_eq!(found(files), expected);
    }

    #[test]
    fn a_re_export_does_not_lift_a_thing_and_not_hide_it() {
        let files: &[(&str, &str)] = &[
            ("src/lib.rs", "mod word; mod left; mod right; pub use left::Left; pub use word::Word;"),
            ("src/word.rs", "pub struct Word; fn f(left: crate::Left) {}"),
            ("src/left.rs", "pub struct Left; pub use crate::word::Word as Again; use crate::Word;"),
            ("src/right.rs", "fn f(word: crate::left::Again) {}"),
        ];
        let expected = [
            "src/right.rs: `right` (parts) imports from `left` (parts): crate::left::Again",
            "src/word.rs: `word` (words) imports from `left` (parts): crate::Left",
        ];
        assert_eq!(found(files), expected);
    }

    #[test]
    fn every_module_has_a_floor() {
        let files: &[(&str, &str)] = &[
            ("src/lib.rs", "mod word; mod left; mod other; #[cfg(test)] mod tests { use super::other::X; }"),
            ("src/word.rs", ""),
            ("src/left.rs", ""),
            ("src/other.rs", "pub struct X;"),
        ];
        let expected = ["house: `other` stands on no floor", "house: `right` has a floor and is not there"];
        assert_eq!(found(files), expected);
    }

    #[test]
    fn crates_depend_on_lower_floors() {
        let package = |name: &str, dependencies: &[&str]| Package {
            name: name.to_owned(),
            folder: Path::new("crates").join(name),
            dependencies: dependencies.iter().map(|name| (*name).to_owned()).collect(),
        };
        let packages = [
            package("word", &["left", "another-project"]),
            package("left", &["word", "right"]),
            package("right", &[]),
            package("lib", &["left", "right"]),
            package("newcomer", &["lib"]),
        ];
        let expected = [
            "the workspace: `newcomer` stands on no floor",
            "crates/word/Cargo.toml: `word` (words) depends on `left` (parts): not on a lower floor",
            "crates/left/Cargo.toml: `left` (parts) depends on `right` (parts): not on a lower floor",
        ];
        assert_eq!(crates(HOUSE.floors, &packages), expected);
    }
}
