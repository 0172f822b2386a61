//! `sync-sim [--seeds FIRST..END] [--jobs N] [--hashes]`, `sync-sim --replay SEED [--trace]`: the simulator natively, on
//! as many threads as there are cores. Exit code 1 when a world violated anything.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use recording::Replayed;
use sync_sim::{
    Options, Outcome, Pool, Violation,
    session::replay_file,
    table::{Row, Table},
    trace::LINES_KEPT,
    world::World,
};

/// Violations that are printed whole; of the others only the seeds.
const REPORTS_MAX: usize = 5;
/// Between two lines of progress.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// Most bytes of the recording of a world: the longest worlds have some 20 MB.
const RECORDING_BYTES_MAX: usize = 1 << 30;

const USAGE: &str = "\
usage: sync-sim [--seeds FIRST..END] [--jobs N] [--hashes] [--until-violation]
       sync-sim --replay SEED [--trace] [--peace] [--record FILE]
       sync-sim --replay FILE [--trace]
       sync-sim attack [--jobs N]

  --seeds FIRST..END  run these worlds (default 0..500); exit code 1 when one violates anything
  --jobs N            threads (default: as many as there are cores)
  --replay SEED       run one world, print its options, its outcome and its last lines
  --replay FILE       replay a recording: one of --record, or one that a page saved (`sync.recording()`); exit code 1
                      when the machine gives other outputs than the recorded one
  --trace             with --replay: print every line
  --record FILE       with --replay SEED: write the recording of the world's machines
  --peace             with --replay: a world under attack without its malicious peers
  --until-violation   with --seeds: stop at the first seed that violates anything, and say how many were run
  attack              print the attack table: how much longer a sync takes under attack; exit code 1 over a limit
  --hashes            print each seed with the hash of its trace, to be compared with another platform's";

/// What `--replay` names.
enum Replay {
    Seed(u64),
    File(PathBuf),
}

struct Args {
    seeds: core::ops::Range<u64>,
    jobs: usize,
    replay: Option<Replay>,
    record: Option<PathBuf>,
    trace: bool,
    hashes: bool,
    peace: bool,
    until_violation: bool,
    attack: bool,
}

fn parse(args: impl Iterator<Item = String>) -> Result<Args, String> {
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    let mut parsed = Args {
        seeds: 0..500,
        jobs,
        replay: None,
        record: None,
        trace: false,
        hashes: false,
        peace: false,
        until_violation: false,
        attack: false,
    };
    let mut args = args;
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--seeds" => parsed.seeds = range(&value()?)?,
            "--jobs" => parsed.jobs = number(&value()?)?.clamp(1, 256) as usize,
            "--replay" => {
                let value = value()?;
                parsed.replay = Some(number(&value).map_or_else(|_| Replay::File(value.into()), Replay::Seed));
            }
            "--record" => parsed.record = Some(value()?.into()),
            "--trace" => parsed.trace = true,
            "--hashes" => parsed.hashes = true,
            "attack" => parsed.attack = true,
            "--peace" => parsed.peace = true,
            "--until-violation" => parsed.until_violation = true,
            _ => return Err(USAGE.into()),
        }
    }
    Ok(parsed)
}

fn number(text: &str) -> Result<u64, String> {
    text.replace('_', "").parse().map_err(|_| format!("{text} is no number"))
}

fn range(text: &str) -> Result<core::ops::Range<u64>, String> {
    let (first, end) = text.split_once("..").ok_or(format!("{text} is no range: write 0..500"))?;
    Ok(number(first)?..number(end)?)
}

fn main() -> ExitCode {
    let args = match parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    let clean = match &args.replay {
        Some(Replay::Seed(seed)) => replay(*seed, &args),
        Some(Replay::File(file)) => replay_session(file, args.trace),
        None if args.attack => attack(args.jobs),
        None => sweep(&args),
    };
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the attack table.
fn attack(jobs: usize) -> bool {
    let table = Table::default();
    let cases = table.cases();
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                let pool = table.pool();
                while let Some((at, case)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    cases.get(at).map(|case| (at, case))
                } {
                    let row = case.run(&pool);
                    rows.lock().unwrap_or_else(PoisonError::into_inner).insert(at, row);
                }
            });
        }
    });
    let rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{}", Row::HEAD);
    rows.values().for_each(|row| println!("{}", row.line()));
    let over = rows.values().filter(|row| !row.holds()).count();
    println!("\n{} of {} rows keep their limit", rows.len() - over, rows.len());
    over == 0
}

fn replay(seed: u64, args: &Args) -> bool {
    let pool = Pool::new();
    let lines = if args.trace { usize::MAX } else { LINES_KEPT };
    let options = match args.peace {
        true => Ok(Options::draw(seed, &pool).without_attackers()),
        false => sync_sim::draw(&pool, seed),
    };
    let outcome = match options {
        Ok(options) => {
            println!("{options}");
            let recorded_bytes_max = if args.record.is_some() { RECORDING_BYTES_MAX } else { 0 };
            World::new(&pool, options, None, lines).recorded(recorded_bytes_max).run()
        }
        Err(outcome) => {
            println!("{}", Options::draw(seed, &pool));
            *outcome
        }
    };
    for line in &outcome.lines {
        println!("{line}");
    }
    println!(
        "{} headers, {} linked, {} processes, {:.3} s, trace {:016x}",
        outcome.headers,
        outcome.linked,
        outcome.sessions + 1,
        outcome.ended_at as f64 / 1e6,
        outcome.trace_hash
    );
    if let Some(violation) = &outcome.violation {
        println!("{}", describe(seed, violation));
    }
    let is_written = match (&args.record, &outcome.recording) {
        (Some(file), Some(recording)) => write_recording(file, recording),
        (Some(_), None) => {
            eprintln!("nothing was recorded: the violation is in the same world without malicious peers, add --peace");
            false
        }
        (None, _) => true,
    };
    outcome.violation.is_none() && is_written
}

fn write_recording(file: &Path, recording: &[u8]) -> bool {
    let written = fs::write(file, recording);
    match &written {
        Ok(()) => println!("{} bytes in {}", recording.len(), file.display()),
        Err(error) => eprintln!("cannot write {}: {error}", file.display()),
    }
    written.is_ok()
}

/// Replays a recording.
fn replay_session(file: &Path, trace: bool) -> bool {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("cannot read {}: {error}; --replay takes the number of a world or a file", file.display());
            return false;
        }
    };
    let (lines, replayed) = replay_file(&bytes, if trace { usize::MAX } else { LINES_KEPT });
    for line in &lines {
        println!("{line}");
    }
    match replayed {
        Ok(Replayed { machines, inputs, outputs, is_cut }) => {
            let cut = if is_cut { "; the session went on after the recording's limit" } else { "" };
            println!("{machines} machines, {inputs} inputs, {outputs} outputs, all as recorded{cut}");
            true
        }
        Err(error) => {
            eprintln!("{}: {error}", file.display());
            false
        }
    }
}

fn describe(seed: u64, violation: &Violation) -> String {
    let Violation { checker, what, at } = violation;
    format!("seed {seed}: {checker} at {:.3} s: {what}", *at as f64 / 1e6)
}

/// What all threads know.
#[derive(Default)]
struct Tally {
    worlds: u64,
    headers: u64,
    linked: u64,
    sessions: u64,
    /// The longest time from quiescent to synced in virtual microseconds, and the largest share of its limit in percent; each
    /// with its seed.
    took_max: (u64, u64),
    share_max: (u64, u64),
    reached: BTreeMap<&'static str, u64>,
    violations: BTreeMap<u64, Violation>,
}

impl Tally {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.worlds += 1;
        self.headers += outcome.headers;
        self.linked += outcome.linked;
        self.sessions += u64::from(outcome.sessions) + 1;
        self.took_max = self.took_max.max((outcome.took, seed));
        self.share_max = self.share_max.max((outcome.took * 100 / outcome.might_take.max(1), seed));
        for (what, count) in outcome.reached {
            *self.reached.entry(what).or_default() += count;
        }
        self.violations.extend(outcome.violation.map(|violation| (seed, violation)));
    }

    fn line(&self, spent: Duration) -> String {
        let minutes = spent.as_secs_f64() / 60.0;
        let mut line = String::new();
        let _ = write!(
            line,
            "{} virtual syncs in {:.1} s: {:.0} a minute; {} headers stored, {} linked, {} processes; {} violations",
            self.worlds,
            spent.as_secs_f64(),
            self.worlds as f64 / minutes,
            self.headers,
            self.linked,
            self.sessions,
            self.violations.len()
        );
        line
    }
}

fn sweep(args: &Args) -> bool {
    let next = AtomicU64::new(args.seeds.start);
    let tally = Mutex::new(Tally::default());
    let started = Instant::now();
    let said = Mutex::new(started);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..args.jobs {
            scope.spawn(|| {
                // Each thread has its own chains: sharing them would share the counts of their references.
                let pool = Pool::new();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= args.seeds.end || stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let outcome = sync_sim::run(&pool, seed);
                    if args.hashes {
                        println!("{seed} {:016x}", outcome.trace_hash);
                    }
                    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                    // Lower seeds that are running are still counted.
                    stop.fetch_or(args.until_violation && outcome.violation.is_some(), Ordering::Relaxed);
                    if let Some(violation) = &outcome.violation
                        && tally.violations.len() < REPORTS_MAX
                    {
                        let whole = describe(seed, violation);
                        eprintln!("{}", whole.lines().next().unwrap_or_default());
                        eprintln!("  replay: cargo run -p sync-sim --profile sim -- --replay {seed} --trace");
                    }
                    tally.add(seed, outcome);
                    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                    if said.elapsed() >= REPORT_EVERY {
                        *said = Instant::now();
                        eprintln!("{}", tally.line(started.elapsed()));
                    }
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{}", tally.line(started.elapsed()));
    if args.until_violation {
        match tally.violations.first_key_value() {
            Some((seed, violation)) => {
                println!(
                    "found with seed {seed}, number {} of the sweep: {}",
                    seed - args.seeds.start + 1,
                    violation.checker
                );
            }
            None => println!("nothing found in {} seeds", tally.worlds),
        }
        return tally.violations.is_empty();
    }
    let (took, seed) = tally.took_max;
    println!("longest from quiescent to synced: {:.1} virtual s (seed {seed})", took as f64 / 1e6);
    let (share, seed) = tally.share_max;
    println!("largest share of the time that it might take: {share} % (seed {seed})");
    for (what, count) in &tally.reached {
        println!("  {count:>9}  {what}");
    }
    let mut kinds: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (seed, violation) in &tally.violations {
        kinds.entry(violation.checker).or_default().push(*seed);
    }
    for (checker, seeds) in kinds {
        let some: Vec<_> = seeds.iter().take(40).collect();
        println!("{checker}: {} seeds: {some:?}", seeds.len());
    }
    tally.violations.is_empty()
}
