//! Child processes: run one, read its output, or become it.
//!
//! A task ends at the first child that fails, with one line that names it; the child itself has said why.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use crate::paths;

pub(crate) use crate::outcome::{Failure, Outcome};

/// A command at the project's root, with the environment that a user's shell would give it.
///
/// `cargo run` describes this very program in `CARGO_PKG_*` and `CARGO_MANIFEST_*`. Build scripts watch these (ring's
/// does): handed on, they would rebuild libp2p each time that a build from here follows one from a shell.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(paths::root());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(&name);
        }
    }
    command
}

/// `cargo` with arguments, at the project's root.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = command("cargo");
    command.args(arguments);
    command
}

/// `node` with one script and its arguments.
pub(crate) fn node(script: impl AsRef<Path>, arguments: &[String]) -> Command {
    let mut command = command("node");
    command.arg(script.as_ref()).args(arguments);
    command
}

/// The command as one would type it, for messages.
pub(crate) fn line(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs to the end; the child writes straight to the terminal.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| not_started(command, &error))?;
    if status.success() { Ok(()) } else { Err(Failure::failed(format!("failed ({status}): {}", line(command)))) }
}

/// Runs to the end with the child's standard output sent to our standard error: what a task prints on standard output
/// (an address, a JSON line) is then all that a script reads there.
pub(crate) fn run_aside(command: &mut Command) -> Outcome {
    run(command.stdout(std::io::stderr()))
}

/// Runs to the end; each line of standard output is printed and given to `each`. Returns whether it succeeded.
pub(crate) fn run_lines(command: &mut Command, mut each: impl FnMut(&str)) -> Outcome<bool> {
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| not_started(command, &error))?;
    if let Some(stdout) = child.stdout.take() {
        let mut reader = BufReader::new(stdout);
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            match reader.read_until(b'\n', &mut bytes) {
                Ok(0) => break,
                Ok(_) => {
                    let text = String::from_utf8_lossy(&bytes);
                    print!("{text}");
                    each(text.trim_end());
                }
                Err(error) => return Err(Failure::failed(format!("cannot read from {}: {error}", line(command)))),
            }
        }
    }
    let status = child.wait().map_err(|error| not_started(command, &error))?;
    Ok(status.success())
}

/// Runs to the end; standard output and standard error come as one, in the order in which they are written. Each line is
/// given to `each`, and printed where that says so. Returns whether it succeeded.
pub(crate) fn run_lines_merged(command: &mut Command, mut each: impl FnMut(&str) -> bool) -> Outcome<bool> {
    let broken = |error: std::io::Error| Failure::failed(format!("cannot read a child's output: {error}"));
    let (reader, writer) = std::io::pipe().map_err(broken)?;
    command.stdout(writer.try_clone().map_err(broken)?).stderr(writer);
    let spawned = command.spawn();
    // The command holds its ends of the pipe, and the reader would wait for them.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = spawned.map_err(|error| not_started(command, &error))?;
    let mut reader = BufReader::new(reader);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).map_err(broken)? > 0 {
        let text = String::from_utf8_lossy(&bytes);
        let line = text.trim_end();
        if each(line) {
            println!("{line}");
        }
        bytes.clear();
    }
    let status = child.wait().map_err(|error| not_started(command, &error))?;
    Ok(status.success())
}

/// The child's standard output, trimmed; `None` when it is not there or fails.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Becomes the child: signals and the exit code are then its own. Returns only when it could not start.
#[cfg(unix)]
pub(crate) fn become_it(command: &mut Command) -> Outcome {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    Err(not_started(command, &error))
}

/// Runs the child and ends with its exit code.
#[cfg(not(unix))]
pub fn become_it(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| not_started(command, &error))?;
    std::process::exit(status.code().unwrap_or(1))
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    Failure::usage(format!("cannot start `{}`: {error}", command.get_program().to_string_lossy()))
}
