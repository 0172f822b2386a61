//! What no compiler checks: that modules of the machine import downwards only, that nothing unfinished or foreign is in
//! the text, and (as advice) that files stay rooms and do not become halls.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    paths,
    shell::{Failure, Outcome},
};

/// Modules of `sync-core` by floor, the lowest first. A module imports from floors below its own, and from its siblings
/// everywhere but among the [`STRANGERS`].
const FLOORS: [(&str, &[&str]); 5] = [
    ("words", &["id", "time", "checkpoint", "config"]),
    ("truth", &["fault", "lineage"]),
    ("parts", &["headers", "peers", "etl", "follow"]),
    ("order", &["progress", "io"]),
    ("machine", &["sync", "lib"]),
];

/// The floor whose modules do not know each other: only the machine above joins them.
const STRANGERS: &str = "parts";

/// Lines above which a file is named as too long to be one idea.
const LINES_ADVISED_MAX: usize = 400;

/// Texts that no file may hold, with the reason.
const FORBIDDEN: [(&str, &str); 7] = [
    (concat!("TO", "DO"), "unfinished work is no comment"),
    (concat!("FIX", "ME"), "unfinished work is no comment"),
    (concat!("todo", "!("), "a stub that panics"),
    (concat!("unimpl", "emented!("), "a stub that panics"),
    (concat!("dbg", "!("), "left over from a search"),
    (concat!("/work", "/"), "a path of one machine"),
    (concat!("test", ".only("), "keeps the other tests from running"),
];

/// Folders that hold what others wrote or what a build made.
const SKIPPED: [&str; 8] = ["target", "node_modules", "dist", "dist-demo", ".git", "wasm", "corpus", "artifacts"];

const EXTENSIONS: [&str; 11] = ["rs", "ts", "mjs", "js", "css", "html", "md", "toml", "json", "yml", "sh"];

/// Fails on the first two kinds, prints the third.
pub fn run() -> Outcome {
    let mut found = Vec::new();
    let mut files = Vec::new();
    collect(paths::root(), &mut files)?;
    for file in &files {
        let text = read(file)?;
        let name = file.strip_prefix(paths::root()).unwrap_or(file).display();
        for (word, reason) in FORBIDDEN {
            for (at, _) in text.lines().enumerate().filter(|(_, line)| line.contains(word)) {
                found.push(format!("{name}:{}: `{word}`: {reason}", at + 1));
            }
        }
        let lines = text.lines().count();
        let is_code =
            file.extension().is_some_and(|extension| extension == "rs" || extension == "ts" || extension == "mjs");
        if is_code && lines > LINES_ADVISED_MAX {
            println!("advice: {name} has {lines} lines; {LINES_ADVISED_MAX} hold one idea");
        }
    }
    floors(&mut found)?;
    found.iter().for_each(|line| println!("{line}"));
    match found.len() {
        0 => Ok(()),
        count => Err(Failure::failed(format!("{count} things are untidy"))),
    }
}

/// Every `crate::module` in the code of `sync-core`, against [`FLOORS`].
fn floors(found: &mut Vec<String>) -> Outcome {
    let source = paths::root().join("crates/sync-core/src");
    let mut files = Vec::new();
    collect(&source, &mut files)?;
    for file in &files {
        let inside = file.strip_prefix(&source).unwrap_or(file);
        let module = module_of(inside);
        let Some(floor) = floor_of(&module) else {
            found.push(format!("sync-core/src/{}: module `{module}` stands on no floor", inside.display()));
            continue;
        };
        // The crate's root names them all; tests stand beside what they test and may use everything.
        if module == "lib"
            || inside.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
        {
            continue;
        }
        for import in imports(&read(file)?) {
            let Some(below) = floor_of(&import) else { continue };
            let allowed = import == module || below < floor || (below == floor && FLOORS[floor].0 != STRANGERS);
            if !allowed {
                found.push(format!(
                    "sync-core/src/{}: `{module}` ({}) imports `{import}` ({})",
                    inside.display(),
                    FLOORS[floor].0,
                    FLOORS[below].0
                ));
            }
        }
    }
    Ok(())
}

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|(_, modules)| modules.contains(&module))
}

/// `headers/plan.rs` and `headers.rs` both belong to `headers`.
fn module_of(file: &Path) -> String {
    let first =
        file.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned()).unwrap_or_default();
    first.trim_end_matches(".rs").to_owned()
}

/// Modules named after `crate::` in code: not in comments, and not in the tests at a file's end.
fn imports(text: &str) -> Vec<String> {
    let code: String = text
        .split("#[cfg(test)]")
        .next()
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut modules = Vec::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => modules.push(word(rest)),
            Some(list) => modules.extend(heads(list)),
        }
    }
    modules.retain(|module| !module.is_empty());
    modules.sort();
    modules.dedup();
    modules
}

/// The first word of each item of `a::B, c::{D, E}}`, up to the brace that closes the list.
fn heads(list: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut starts_item = true;
    let mut heads = Vec::new();
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => starts_item = true,
            _ if character.is_whitespace() => {}
            _ if starts_item => {
                heads.push(word(&list[at..]));
                starts_item = false;
            }
            _ => {}
        }
    }
    heads
}

fn word(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
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
    files.sort();
    Ok(())
}

fn read(file: &Path) -> Outcome<String> {
    fs::read_to_string(file).map_err(|error| Failure::failed(format!("{}: {error}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_found_in_code_only() {
        let text = "//! [`crate::sync`]\nuse crate::{\n    id::PeerId,\n    io::{Input, Output},\n    time,\n};\n\
            fn f() -> crate::range::BlockRange {}\n#[cfg(test)]\nmod tests { use crate::sync::X; }";
        assert_eq!(imports(text), ["id", "io", "range", "time"]);
    }

    #[test]
    fn a_file_and_a_folder_are_one_module() {
        assert_eq!(module_of(Path::new("headers/plan.rs")), "headers");
        assert_eq!(module_of(Path::new("headers.rs")), "headers");
    }
}
