//! Public cases of header rules: a folder of gzipped JSON lines, one case a line.
//!
//! The folder is `HEADLIGHT_CONFORMANCE`, else `conformance` in the test data. Its `INDEX.md` describes the format. Any
//! `*.jsonl.gz` is read, and its first line gives its kind:
//!
//! * `blocks`: cases to replay ([`replay`]), each on a chain that [`network`] knows by name;
//! * `currentDifficulty`: difficulty cases ([`difficulty`]);
//! * `rlp` and `number`: headers of mainnet in rising order, whose neighbours form pairs.

#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod difficulty;
pub(crate) mod format;
pub(crate) mod network;
pub(crate) mod replay;

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use serde_json::Value;

/// The folder, and whether it is the one with known counts. `None`: there is none, and this was printed.
pub(crate) fn folder() -> Option<(PathBuf, bool)> {
    match std::env::var_os("HEADLIGHT_CONFORMANCE").map(PathBuf::from) {
        Some(folder) => {
            assert!(folder.is_dir(), "HEADLIGHT_CONFORMANCE: {} is no folder", folder.display());
            Some((folder, false))
        }
        None => crate::data::file("conformance").map(|folder| (folder, true)),
    }
}

/// Kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Cases,
    Difficulty,
    Headers,
}

/// The files of this kind in the folder and its subfolders, by name.
pub(crate) fn files(folder: &Path, kind: Kind) -> Vec<PathBuf> {
    let entries = folder.read_dir().unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            files.extend(self::files(&path, kind));
        } else if path.to_string_lossy().ends_with(".jsonl.gz") && kind_of(&path) == Some(kind) {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn kind_of(path: &Path) -> Option<Kind> {
    let first = lines(path).next()?;
    let has = |key: &str| !first[key].is_null();
    if has("blocks") {
        Some(Kind::Cases)
    } else if has("currentDifficulty") {
        Some(Kind::Difficulty)
    } else if has("rlp") && has("number") {
        Some(Kind::Headers)
    } else {
        eprintln!("LEFT OUT: {} holds nothing that is known here", path.display());
        None
    }
}

/// The objects of a file, one by one: a file may be larger than memory.
pub(crate) fn lines(path: &Path) -> impl Iterator<Item = Value> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let path = path.to_owned();
    BufReader::new(flate2::read::MultiGzDecoder::new(file)).lines().enumerate().filter_map(move |(at, line)| {
        let fail = |error: &dyn std::fmt::Display| -> ! { panic!("{}, line {}: {error}", path.display(), at + 1) };
        let line = line.unwrap_or_else(|error| fail(&error));
        let object = || serde_json::from_str(&line).unwrap_or_else(|error| fail(&error));
        (!line.trim().is_empty()).then(object)
    })
}

/// The last part of a path, to print.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
