//! Command line: starts the relay, prints its addresses, and reads `counters` and `hold MS` from standard input.

#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

use std::{
    io::{self, BufRead, Write},
    net::SocketAddr,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use link_relay::{args::Args, relay::Relay};
use serde::Serialize;

/// Longest hold, in milliseconds: longer than a connection lives without a packet.
const HOLD_MS_MAX: u64 = 600_000;

#[derive(Serialize)]
struct Ready<'a> {
    ready: bool,
    /// In the order of the targets.
    addresses: &'a [SocketAddr],
}

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // An error means that standard output is closed.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let relay = match Relay::start(&args.relay()) {
        Ok(relay) => relay,
        Err(error) => {
            // Standard output may be closed.
            let _ = writeln!(io::stderr(), "link-relay: cannot start: {error}");
            return ExitCode::from(2);
        }
    };
    match serve(&relay) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "link-relay: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs until standard input ends, so that a relay does not outlive the program that started it.
fn serve(relay: &Relay) -> io::Result<()> {
    say(&Ready { ready: true, addresses: relay.addresses() })?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let hold = line.strip_prefix("hold ").and_then(held);
        match hold {
            Some(time) => relay.hold(time),
            None if line == "counters" => say(&relay.counters())?,
            None => {
                // Standard output may be closed.
                let _ = writeln!(io::stderr(), "link-relay: takes `counters` and `hold MS`, got `{line}`");
            }
        }
    }
    say(&relay.counters())
}

fn held(ms: &str) -> Option<Duration> {
    ms.parse().ok().filter(|ms| *ms <= HOLD_MS_MAX).map(Duration::from_millis)
}

fn say(line: &impl Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(line)?)?;
    out.flush()
}
