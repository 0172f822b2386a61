//! How many headers a second one native thread verifies: `verify FILE [ROUNDS]`, the file holding concatenated header
//! RLP, rising. Prints headers a second, the best of the rounds. `npm run bench` compares it with the same work in
//! wasm.

#![expect(clippy::disallowed_types, reason = "a native program that measures; the machine itself has no clock")]

mod work;

use std::{env, fs, process::ExitCode, time::Instant};

fn main() -> ExitCode {
    // `cargo bench` adds its own word.
    let mut arguments = env::args().skip(1).filter(|argument| argument != "--bench");
    let file = arguments.next().unwrap_or_default();
    let rounds: u32 = arguments.next().and_then(|rounds| rounds.parse().ok()).unwrap_or(5);
    let chain = match fs::read(&file).map(work::Chain::cut) {
        Ok(Some(chain)) => chain,
        Ok(None) => return fail(&format!("{file} is no concatenation of header RLP")),
        Err(error) => return fail(&format!("{file}: {error}")),
    };
    let mut best = f64::INFINITY;
    for _ in 0..rounds {
        let begin = Instant::now();
        if !chain.verify() {
            return fail("the headers are no chain");
        }
        best = best.min(begin.elapsed().as_secs_f64());
    }
    println!("{:.0}", chain.len() as f64 / best);
    ExitCode::SUCCESS
}

fn fail(line: &str) -> ExitCode {
    eprintln!("{line}");
    ExitCode::from(2)
}
