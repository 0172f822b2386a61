//! Words that no file may hold, and files that are too long.

use std::path::Path;

use super::files;
use crate::{paths, shell::Outcome};

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

/// Adds every forbidden word to `found`; prints advice on files that are too long.
pub(super) fn check(found: &mut Vec<String>) -> Outcome {
    for file in files::below(paths::root())? {
        let text = files::read(&file)?;
        let name = file.strip_prefix(paths::root()).unwrap_or(&file);
        found.extend(forbidden(name, &text));
        let lines = text.lines().count();
        let is_code =
            name.extension().is_some_and(|extension| ["rs", "ts", "mjs"].iter().any(|code| extension == *code));
        if is_code && lines > LINES_ADVISED_MAX {
            println!("advice: {} has {lines} lines; {LINES_ADVISED_MAX} hold one idea", name.display());
        }
    }
    Ok(())
}

fn forbidden(name: &Path, text: &str) -> Vec<String> {
    let lines = text.lines().enumerate();
    let found = lines.flat_map(|(at, line)| {
        let words = FORBIDDEN.iter().filter(|(word, _)| line.contains(word));
        words.map(move |(word, reason)| format!("{}:{}: `{word}`: {reason}", name.display(), at + 1))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_word_is_named_with_its_line() {
        let text = format!("a\n// {}: b\n", FORBIDDEN[0].0);
        let expected = format!("a/b.rs:2: `{}`: {}", FORBIDDEN[0].0, FORBIDDEN[0].1);
        assert_eq!(forbidden(Path::new("a/b.rs"), &text), [expected]);
        assert_eq!(forbidden(Path::new("a/b.rs"), "all is done"), [""; 0]);
    }
}
