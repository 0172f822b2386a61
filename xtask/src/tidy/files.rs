//! The project's own files: not what others wrote, and not what a build made.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::shell::{Failure, Outcome};

const SKIPPED: [&str; 8] = ["target", "node_modules", "dist", "dist-demo", ".git", "wasm", "corpus", "artifacts"];

const EXTENSIONS: [&str; 11] = ["rs", "ts", "mjs", "js", "css", "html", "md", "toml", "json", "yml", "sh"];

/// All text files below a folder, in order.
pub(super) fn below(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    let failure = |error: std::io::Error| Failure::failed(format!("{}: {error}", folder.display()));
    for entry in fs::read_dir(folder).map_err(failure)? {
        let path = entry.map_err(failure)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() {
            // `wasm` is skipped where a build puts it, not where the tests of the wasm are.
            if !SKIPPED.contains(&name.as_str()) || path.ends_with("tests/wasm") {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known))
            && name != "package-lock.json"
        {
            files.push(path);
        }
    }
    Ok(())
}

/// The text of one file.
pub(super) fn read(file: &Path) -> Outcome<String> {
    fs::read_to_string(file).map_err(|error| Failure::failed(format!("{}: {error}", file.display())))
}
