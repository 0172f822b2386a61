//! How many headers a second one thread links from memory, and what bounds it: `linkage [HEADERS] [ROUNDS]`, by default
//! 1,000,000 generated headers of some 600 bytes, three rounds. One JSON line:
//!
//! | | |
//! |---|---|
//! | `headers`, `bytes_per_header` | the chain |
//! | `linked_per_second` | hash, decode, check by the rules, link, from the tip down, in responses of 80 headers, as a sync does |
//! | `keccak_per_second` | the same bytes hashed, and nothing else |
//! | `ratio` | the one divided by the other |
//! | `decoded_per_second`, `checked_per_second` | decoded alone; decoded and checked by the rules, alone |
//! | `peak_memory_mb` | most memory that the process ever held (`VmHWM` of Linux, else null), the chain included |
//!
//! Each figure is the median of the rounds; in each round all are measured in turn. The chain is larger than any cache.

#![expect(clippy::disallowed_types, reason = "a native program that measures; the machine itself has no clock")]

mod chain;

use std::{env, fs, process::ExitCode, time::Instant};

use chain::Chain;

/// What is measured, in turn: each reads the whole chain, and says whether it found it whole.
const PASSES: [fn(&Chain) -> bool; 4] = [Chain::link, Chain::keccak, Chain::decode, Chain::check];

fn main() -> ExitCode {
    // `cargo bench` adds its own word.
    let given = env::args().skip(1).filter(|argument| argument != "--bench");
    let mut arguments = given.map(|argument| argument.parse::<usize>());
    let (headers, rounds) = match (arguments.next().unwrap_or(Ok(1_000_000)), arguments.next().unwrap_or(Ok(3))) {
        (Ok(headers @ 1..), Ok(rounds @ 1..)) => (headers, rounds),
        _ => return fail("linkage [HEADERS] [ROUNDS], both at least 1"),
    };
    let chain = Chain::generate(headers);
    let mut rates = [const { Vec::new() }; PASSES.len()];
    for _ in 0..rounds {
        for (rates, pass) in rates.iter_mut().zip(PASSES) {
            let begin = Instant::now();
            if !pass(&chain) {
                return fail("the generated headers are no valid chain");
            }
            rates.push(headers as f64 / begin.elapsed().as_secs_f64());
        }
    }
    let ratio = median(rates[0].iter().zip(&rates[1]).map(|(linked, keccak)| linked / keccak).collect());
    let [linked, keccak, decoded, checked] = rates.map(median);
    let peak = peak_memory_mb().map_or("null".to_owned(), |megabytes| format!("{megabytes:.1}"));
    println!(
        "{{\"headers\":{headers},\"bytes_per_header\":{:.1},\"linked_per_second\":{linked:.0},\
         \"keccak_per_second\":{keccak:.0},\"ratio\":{ratio:.3},\"decoded_per_second\":{decoded:.0},\
         \"checked_per_second\":{checked:.0},\"peak_memory_mb\":{peak}}}",
        chain.bytes() as f64 / headers as f64,
    );
    ExitCode::SUCCESS
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// In megabytes of 1,000,000 bytes.
fn peak_memory_mb() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024.0 / 1_000_000.0)
}

fn fail(line: &str) -> ExitCode {
    eprintln!("{line}");
    ExitCode::from(2)
}
