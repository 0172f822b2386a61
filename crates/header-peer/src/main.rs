//! Command line, signals and exit codes: 0 after a stop signal, 2 if it could not start as requested, 1 otherwise.

use std::{future::Future, io, process::ExitCode};

use clap::{Parser, error::ErrorKind};
use header_peer::{
    args::{Cli, Command},
    log, runtime, serve,
};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let Command::Serve(args) = cli.command;
    let runtime = match runtime::build(args.threads) {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error, 1),
    };
    let result = runtime.block_on(async {
        let stop = stop_signal()?;
        serve::run(args, stop).await
    });
    // The remaining sessions have nothing to finish: their connections are closed.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error, error.exit_code()),
    }
}

/// Completes at the first SIGINT or SIGTERM.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        // An error means that the system lacks these signals; the peer then runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

/// Prints help and version in full, and of an error its first line.
fn usage(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // An error means that the reader has closed the pipe (`header-peer help | head`).
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            failed(&"say what to do: `header-peer serve`, or `header-peer help`", 2)
        }
        _ => {
            // The error, and possible values, come before the first empty line.
            let text = error.to_string();
            let lines: Vec<_> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
            let line = lines.join(" ");
            failed(&line.strip_prefix("error: ").unwrap_or(&line), 2)
        }
    }
}

fn failed(error: &dyn std::fmt::Display, code: u8) -> ExitCode {
    log::line(error);
    ExitCode::from(code)
}
