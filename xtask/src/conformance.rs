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

const LIST: &str = "crates/sync-core/tests/requirements.txt";

/// Crates whose tests show requirements; those of `header-peer` need libp2p.
const PACKAGES: [&str; 3] = ["header-wire", "sync-core", "sync-sim"];
const PEER: &str = "header-peer";

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It held.
    Held,
    /// It passed and said that the data for it is absent, or its crate was left out.
    Skipped,
    /// It was not run.
    Ignored,
    /// It failed.
    Failed,
}

/// One test that named an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its file and path, as far as the runner told them.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
}

/// What runners printed about tests.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// Every test, in the order in which they ended.
    pub tests: Vec<Shown>,
    /// The test whose own output is being printed.
    speaks: Option<String>,
    /// What follows was printed by tests that held.
    is_quiet: bool,
    binary: String,
}

impl Results {
    /// Reads a line of a runner (`cargo test -- --format pretty --show-output`). Is it worth showing to a reader who
    /// wants to know only what is unusual?
    pub fn read(&mut self, line: &str) -> bool {
        if let Some(binary) = line.trim_start().strip_prefix("Running ") {
            self.binary = binary.split(" (").next().unwrap_or_default().to_owned();
            return false;
        }
        if let Some((name, verdict)) = test_line(line) {
            self.tests.push(Shown { name: self.named(name), verdict });
            return verdict != Verdict::Held;
        }
        match line {
            "successes:" => self.is_quiet = true,
            "failures:" => self.is_quiet = false,
            _ => {}
        }
        if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) {
            self.speaks = Some(self.named(name));
        } else if let Some(outcome) = line.strip_prefix("test result: ") {
            (self.speaks, self.is_quiet) = (None, false);
            return !outcome.starts_with("ok");
        } else if let (true, Some(name)) = (line.starts_with("SKIPPED: "), &self.speaks) {
            let test = self.tests.iter_mut().rfind(|test| test.name == *name);
            if let Some(test) = test.filter(|test| test.verdict == Verdict::Held) {
                test.verdict = Verdict::Skipped;
            }
            return true;
        }
        !(self.is_quiet || line.is_empty() || is_routine(line))
    }

    fn named(&self, name: &str) -> String {
        if self.binary.is_empty() { name.to_owned() } else { format!("{} {name}", self.binary) }
    }
}

/// What cargo and the runner say in any case.
fn is_routine(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    matches!(first, "running" | "Compiling" | "Finished" | "Doc-tests" | "Downloaded" | "Downloading" | "Blocking")
        || (first == "test" && line.ends_with(" ... ok"))
}

/// `test a::b ... ok`; doc tests (`test src/lib.rs - (line 31) ... ok`) have no name of their own.
fn test_line(line: &str) -> Option<(&str, Verdict)> {
    let (name, rest) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let name = name.strip_suffix(" - should panic").unwrap_or(name);
    let verdict = match rest.split([',', ' ']).next()? {
        "ok" => Verdict::Held,
        "FAILED" => Verdict::Failed,
        "ignored" => Verdict::Ignored,
        _ => return None,
    };
    (!name.contains(' ')).then_some((name, verdict))
}

/// The ids that a test's name begins with.
pub fn ids_of(name: &str) -> Vec<String> {
    let function = name.rsplit([':', ' ']).next().unwrap_or_default();
    let words: Vec<&str> = function.split('_').collect();
    let mut ids = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let (id, used) = match words[at..] {
            ["sk", kind @ ("init" | "extend" | "retrieve" | "link"), number, ..] if is_number(number, 2) => {
                (format!("SK-{kind}-{number}"), 3)
            }
            [word, ..] => match plain_id(word) {
                Some(id) => (id, 1),
                None => break,
            },
            [] => break,
        };
        ids.push(id);
        at += used;
    }
    ids
}

/// `d05` is D-05, `db1` is D-B1.
fn plain_id(word: &str) -> Option<String> {
    let letter = word.chars().next().filter(|letter| "pdnslehfki".contains(*letter))?;
    let rest = &word[1..];
    let letter = letter.to_ascii_uppercase();
    match rest.strip_prefix('b') {
        Some(number) if letter == 'D' && is_number(number, 1) => Some(format!("D-B{number}")),
        _ => is_number(rest, 2).then(|| format!("{letter}-{rest}")),
    }
}

fn is_number(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Ids and words of the list, in its order.
pub fn requirements(text: &str) -> Outcome<Vec<(String, String)>> {
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
pub struct Table {
    rows: Vec<(String, String, Vec<Shown>)>,
    unknown: Vec<(String, String)>,
}

impl Table {
    /// Puts requirements and tests together.
    pub fn new(requirements: Vec<(String, String)>, tests: &[Shown]) -> Self {
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
    pub fn print(&self) {
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
    pub fn counts(&self) -> Counts {
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
    pub fn missing(&self) -> Vec<&str> {
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
pub fn portable() -> Vec<&'static str> {
    PACKAGES.into_iter().filter(|name| paths::root().join("crates").join(name).join("Cargo.toml").is_file()).collect()
}

/// `cargo xtask conformance [--without-peer]`: runs the tests and prints the table.
pub fn run(arguments: &[String]) -> Outcome {
    if let Some(unknown) = arguments.iter().find(|argument| *argument != "--without-peer") {
        return Err(Failure::usage(format!("conformance knows no `{unknown}`, only --without-peer")));
    }
    let counts = table(arguments.is_empty())?;
    println!("{counts}");
    if counts.failed == 0 { Ok(()) } else { Err(Failure::failed("")) }
}

/// Prints the table, of tests that were read by earlier steps or are run now.
pub fn table(with_peer: bool) -> Outcome<Counts> {
    for (step, packages, release) in runs().into_iter().filter(|(step, ..)| with_peer || *step != "peer") {
        if !read_so_far().contains_key(step) {
            tests(step, &packages, release)?;
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
    Ok(table.counts())
}

/// Runs the tests of these packages, prints what is unusual, and remembers the rest for the table.
pub fn tests(step: &'static str, packages: &[&str], release: bool) -> Outcome<Counts> {
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
    use super::*;

    fn read(text: &str) -> Results {
        let mut results = Results::default();
        for line in text.lines() {
            results.read(line);
        }
        results
    }

    const OUTPUT: &str = "     Running tests/pipeline_order.rs (target/debug/deps/pipeline_order-80a380d8aa4945b9)\n\
        \n\
        running 5 tests\n\
        test l01_stages_run ... ok\n\
        test module::d05_n02_two ... FAILED\n\
        test db1_one ... ignored, takes a day\n\
        test sk_init_03_older - should panic ... ok\n\
        test s04_needs_data ... ok\n\
        \n\
        successes:\n\
        \n\
        ---- s04_needs_data stdout ----\n\
        SKIPPED: /data is absent\n\
        \n\
        successes:\n\
        \x20   l01_stages_run\n\
        \n\
        failures:\n\
        \n\
        ---- module::d05_n02_two stdout ----\n\
        left is not right\n\
        test result: FAILED. 3 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
        test crates/sync-core/src/lib.rs - (line 31) ... ok";

    #[test]
    fn results_are_read_with_the_file_that_they_come_from() {
        let results = read(OUTPUT);
        let got: Vec<_> = results.tests.iter().map(|test| (test.name.as_str(), test.verdict)).collect();
        let expected = [
            ("tests/pipeline_order.rs l01_stages_run", Verdict::Held),
            ("tests/pipeline_order.rs module::d05_n02_two", Verdict::Failed),
            ("tests/pipeline_order.rs db1_one", Verdict::Ignored),
            ("tests/pipeline_order.rs sk_init_03_older", Verdict::Held),
            ("tests/pipeline_order.rs s04_needs_data", Verdict::Skipped),
        ];
        assert_eq!(got, expected);
    }

    #[test]
    fn ids_stand_at_the_beginning_of_a_name() {
        let ids = |name: &str| ids_of(name).join(" ");
        assert_eq!(ids("tests/a.rs module::d05_n02_requests_fall"), "D-05 N-02");
        assert_eq!(ids("db1_one_block"), "D-B1");
        assert_eq!(ids("i03_k02_db8_three"), "I-03 K-02 D-B8");
        assert_eq!(ids("sk_init_01_empty"), "SK-init-01");
        assert_eq!(ids("sk_retrieve_11_k05_side_chain"), "SK-retrieve-11 K-05");
        for plain in
            ["goes_on_where_it_stopped", "requests_d05_fall", "d5_x", "d005_x", "z01_x", "nb1_x", "sk_other_01"]
        {
            assert_eq!(ids(plain), "", "{plain}");
        }
        assert_eq!(ids("d99_unknown"), "D-99");
    }

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

    #[test]
    fn only_the_unusual_is_shown() {
        let mut results = Results::default();
        let shown: Vec<&str> = OUTPUT.lines().filter(|line| results.read(line)).collect();
        assert_eq!(shown.len(), 7, "{shown:#?}");
        assert!(shown[0].contains("FAILED") && shown[1].contains("ignored") && shown[2].contains("SKIPPED"));
        assert!(shown[3..].contains(&"left is not right"), "what a failed test says is shown");
    }
}
