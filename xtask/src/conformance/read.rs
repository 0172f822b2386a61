//! What test runners print, read line by line: which tests there are, how each ended, and which ids its name begins with.

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
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
pub(crate) struct Shown {
    /// Its file and path, as far as the runner told them.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
}

/// What runners printed about tests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results {
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
    pub(crate) fn read(&mut self, line: &str) -> bool {
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
pub(crate) fn ids_of(name: &str) -> Vec<String> {
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
    let letter = word.chars().next().filter(|letter| "pdnslehfkiu".contains(*letter))?;
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn read(text: &str) -> Results {
        let mut results = Results::default();
        for line in text.lines() {
            results.read(line);
        }
        results
    }

    pub(crate) const OUTPUT: &str = "     Running tests/pipeline_order.rs (target/debug/deps/pipeline_order-80a380d8aa4945b9)\n\
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

    #[test]
    fn only_the_unusual_is_shown() {
        let mut results = Results::default();
        let shown: Vec<&str> = OUTPUT.lines().filter(|line| results.read(line)).collect();
        assert_eq!(shown.len(), 7, "{shown:#?}");
        assert!(shown[0].contains("FAILED") && shown[1].contains("ignored") && shown[2].contains("SKIPPED"));
        assert!(shown[3..].contains(&"left is not right"), "what a failed test says is shown");
    }
}
