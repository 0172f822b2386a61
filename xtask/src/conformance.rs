//! `cargo xtask conformance`: which test shows which requirement, and did it hold.
//!
//! The requirements are a list in the project (`crates/sync-core/tests/requirements.txt`), an id and a few words a line. A
//! test names what it shows at the beginning of its name: `d05_n02_...` shows D-05 and N-02, `db1_...` D-B1,
//! `sk_init_03_...` SK-init-03. What the test runners print is read, not the source: a test that is not run shows nothing.
//!
//! Fails when a requirement has no test, when one of its tests fails or is ignored, and when a test names an id that the
//! list does not hold. A requirement all of whose tests were skipped, for want of data (they say `SKIPPED:`) or of libp2p
//! (`--without-peer`), is shown as skipped.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    counts::Counts,
    paths,
    shell::{self, Failure, Outcome},
};

mod read;

pub(crate) use read::{Results, Shown, Verdict, ids_of};

const LIST: &str = "crates/sync-core/tests/requirements.txt";

/// Crates whose tests show requirements; those of `header-peer` need libp2p.
const PACKAGES: [&str; 7] =
    ["header-wire", "header-rules", "header-seals", "sync-core", "header-store", "stages", "sync-sim"];
const PEER: &str = "header-peer";

/// Ids and words of the list, in its order.
pub(crate) fn requirements(text: &str) -> Outcome<Vec<(String, String)>> {
    let mut list: Vec<(String, String)> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some((id, words)) = line.split_once(' ') else {
            return Err(Failure::failed(format!("{LIST}: `{line}` says nothing")));
        };
        if list.iter().any(|(known, _)| known == id) {
            return Err(Failure::failed(format!("{LIST}: {id} is listed twice")));
        }
        list.push((id.to_owned(), words.trim().to_owned()));
    }
    Ok(list)
}

/// The table, and what is wrong with it.
pub(crate) struct Table {
    rows: Vec<(String, String, Vec<Shown>)>,
    unknown: Vec<(String, String)>,
}

impl Table {
    /// Puts requirements and tests together.
    pub(crate) fn new(requirements: Vec<(String, String)>, tests: &[Shown]) -> Self {
        let mut by_id: BTreeMap<String, Vec<Shown>> = BTreeMap::new();
        for test in tests {
            for id in ids_of(&test.name) {
                by_id.entry(id).or_default().push(test.clone());
            }
        }
        let known: BTreeSet<String> = requirements.iter().map(|(id, _)| id.clone()).collect();
        let unknown = by_id.iter().filter(|(id, _)| !known.contains(*id));
        let unknown =
            unknown.flat_map(|(id, shown)| shown.iter().map(|test| (id.clone(), test.name.clone()))).collect();
        let rows = requirements.into_iter().map(|(id, words)| {
            let shown = by_id.remove(&id).unwrap_or_default();
            (id, words, shown)
        });
        Self { rows: rows.collect(), unknown }
    }

    /// What keeps a requirement from being shown; `None` when it is.
    fn complaint(shown: &[Shown]) -> Option<&'static str> {
        let worst = shown.iter().map(|test| test.verdict).max();
        match worst {
            None => Some("MISSING"),
            Some(Verdict::Failed) => Some("FAILED"),
            Some(Verdict::Ignored) => Some("IGNORED"),
            Some(Verdict::Skipped) if shown.iter().all(|test| test.verdict == Verdict::Skipped) => Some("skipped"),
            Some(Verdict::Skipped | Verdict::Held) => None,
        }
    }

    /// Prints it: id, how it stands, words; under it its tests.
    pub(crate) fn print(&self) {
        for (id, words, shown) in &self.rows {
            println!("{id:15}{:9}{words}", Self::complaint(shown).unwrap_or("ok"));
            for test in shown {
                let remark = match test.verdict {
                    Verdict::Held => "",
                    Verdict::Skipped => "  (skipped)",
                    Verdict::Ignored => "  (IGNORED)",
                    Verdict::Failed => "  (FAILED)",
                };
                println!("{:24}{}{remark}", "", test.name);
            }
        }
        for (id, test) in &self.unknown {
            println!("{id:15}UNKNOWN  {test}");
        }
    }

    /// One requirement, one count; a test with an unknown id is a failure of its own.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts { failed: self.unknown.len() as u64, ..Counts::default() };
        for (_, _, shown) in &self.rows {
            match Self::complaint(shown) {
                None => counts.passed += 1,
                Some("skipped") => counts.skipped += 1,
                Some(_) => counts.failed += 1,
            }
        }
        counts
    }

    /// Ids without any test.
    pub(crate) fn missing(&self) -> Vec<&str> {
        self.rows.iter().filter(|(_, _, shown)| shown.is_empty()).map(|(id, ..)| id.as_str()).collect()
    }
}

/// What the steps of one `npm test` have read, by step, so that no test runs twice for the table.
static READ: Mutex<BTreeMap<&str, Vec<Shown>>> = Mutex::new(BTreeMap::new());

/// The runs that the table is made of: a name, the packages, and whether they are built for release.
fn runs() -> [(&'static str, Vec<&'static str>, bool); 2] {
    [("core", portable(), false), ("peer", vec![PEER], true)]
}

/// Portable packages that are there.
pub(crate) fn portable() -> Vec<&'static str> {
    PACKAGES.into_iter().filter(|name| paths::root().join("crates").join(name).join("Cargo.toml").is_file()).collect()
}

/// `cargo xtask conformance [--without-peer]`: runs the tests and prints the table.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    if let Some(unknown) = arguments.iter().find(|argument| *argument != "--without-peer") {
        return Err(Failure::usage(format!("conformance knows no `{unknown}`, only --without-peer")));
    }
    let counts = table(arguments.is_empty())?;
    println!("{counts}");
    if counts.failed == 0 { Ok(()) } else { Err(Failure::failed("")) }
}

/// Prints the table, of tests that were read by earlier steps or are run now.
pub(crate) fn table(with_peer: bool) -> Outcome<Counts> {
    let mut failed = 0;
    for (step, packages, release) in runs().into_iter().filter(|(step, ..)| with_peer || *step != "peer") {
        if !read_so_far().contains_key(step) {
            failed += tests(step, &packages, release)?.failed;
        }
    }
    let mut tests: Vec<Shown> = read_so_far().values().flatten().cloned().collect();
    if !with_peer {
        tests.extend(not_run(&paths::root().join("crates").join(PEER))?);
    }
    let file = paths::root().join(LIST);
    let text = fs::read_to_string(&file).map_err(|error| Failure::failed(format!("{}: {error}", file.display())))?;
    let table = Table::new(requirements(&text)?, &tests);
    println!();
    table.print();
    let missing = table.missing();
    if !missing.is_empty() {
        println!("\nwithout a test: {}", missing.join(" "));
    }
    let mut counts = table.counts();
    if counts.failed == 0 && failed > 0 {
        println!("\n{failed} tests failed that show none of these");
        counts.failed = failed;
    }
    Ok(counts)
}

/// Runs the tests of these packages, prints what is unusual, and remembers the rest for the table.
pub(crate) fn tests(step: &'static str, packages: &[&str], release: bool) -> Outcome<Counts> {
    let mut command = shell::cargo(&["test", "--no-fail-fast"]);
    if release {
        command.arg("--release");
    }
    for name in packages {
        command.args(["--package", name]);
    }
    command.args(["--", "--format", "pretty", "--show-output"]);
    let (mut counts, mut results) = (Counts::default(), Results::default());
    let succeeded = shell::run_lines_merged(&mut command, |line| {
        counts.read(line);
        results.read(line)
    })?;
    if succeeded != (counts.failed == 0) || results.tests.is_empty() {
        println!("{} ended without a whole summary", shell::line(&command));
        counts.failed += 1;
    }
    read_so_far().insert(step, results.tests);
    Ok(counts)
}

/// The tests of a crate that is left out, from its source: they are skipped, not missing.
fn not_run(folder: &Path) -> Outcome<Vec<Shown>> {
    let failure = |error: std::io::Error| Failure::failed(format!("{}: {error}", folder.display()));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failure)? {
        let path = entry.map_err(failure)?.path();
        if path.is_dir() {
            found.extend(not_run(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).map_err(failure)?;
            let names = text.lines().filter_map(|line| line.split_once("fn ")?.1.split(['(', '<']).next());
            let names = names.filter(|name| !ids_of(name).is_empty());
            found.extend(names.map(|name| Shown { name: format!("{PEER} {name}"), verdict: Verdict::Skipped }));
        }
    }
    Ok(found)
}

fn read_so_far() -> MutexGuard<'static, BTreeMap<&'static str, Vec<Shown>>> {
    // A panic while it was held would have ended the program.
    READ.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{
        read::tests::{OUTPUT, read},
        *,
    };

    fn table(list: &str, output: &str) -> Table {
        Table::new(requirements(list).expect("a list"), &read(output).tests)
    }

    #[test]
    fn what_is_missing_failed_ignored_or_unknown_fails() {
        let list = "# words\nL-01 order\n\nD-05 falling\nD-B1 one block\nSK-init-03 older\nS-04 data\nE-01 nobody\n";
        let table = table(list, OUTPUT);
        assert_eq!(table.missing(), ["E-01"]);
        // D-05 failed, D-B1 is ignored, E-01 is missing, N-02 is not in the list.
        assert_eq!(table.counts(), Counts { passed: 2, failed: 4, skipped: 1 });
        assert_eq!(table.unknown.len(), 1);
        assert_eq!(table.unknown[0].0, "N-02");
    }

    #[test]
    fn a_skipped_test_beside_one_that_held_is_enough() {
        let output = format!("{OUTPUT}\n     Running tests/b.rs (x)\ntest s04_without_data ... ok");
        let table = table("S-04 data\nL-01 order\nN-02 a\nD-05 b\nD-B1 c\nSK-init-03 d", &output);
        assert_eq!(table.counts().skipped, 0);
    }

    #[test]
    fn a_list_with_an_id_twice_is_no_list() {
        assert!(requirements("A-01 a\nA-01 b").is_err());
        assert!(requirements("A-01").is_err());
    }

    #[test]
    fn the_projects_list_holds_every_group() {
        let text = fs::read_to_string(paths::root().join(LIST)).expect("it is part of the project");
        let list = requirements(&text).expect("a list");
        let count = |prefix: &str| list.iter().filter(|(id, _)| id.starts_with(prefix)).count();
        let groups = ["P-", "D-", "N-", "S-", "L-", "E-", "H-", "F-", "K-", "I-", "SK-"].map(count);
        assert_eq!(groups, [8, 18 + 8, 10, 13, 11, 5, 10, 10, 9, 21, 12 + 7 + 11 + 1]);
        // Each is an id that a test can name.
        for (id, _) in &list {
            let name = id.to_lowercase();
            let name = if name.starts_with("sk") { name.replace('-', "_") } else { name.replace('-', "") };
            assert_eq!(ids_of(&format!("{name}_shown")), std::slice::from_ref(id));
        }
    }
}
