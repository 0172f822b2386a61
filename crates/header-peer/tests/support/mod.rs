//! A header peer as a process, and its clients: signals, HTTP, WebRTC.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
};

use serde_json::Value;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_header-peer");

/// A running peer; dropping it ends it.
pub(crate) struct Peer {
    child: Child,
    pub ready: Value,
}

impl Peer {
    /// Starts a peer with these arguments, and waits for its start message.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_in(&folder("run"), args)
    }

    /// The same with a data folder of the caller.
    pub(crate) fn start_in(data_dir: &PathBuf, args: &[&str]) -> Self {
        Self::start_with(data_dir, args, Stdio::inherit())
    }

    /// The same with a closed standard error.
    pub(crate) fn start_unheard(args: &[&str]) -> Self {
        Self::start_with(&folder("run"), args, Stdio::piped())
    }

    fn start_with(data_dir: &PathBuf, args: &[&str], stderr: Stdio) -> Self {
        let mut child = Command::new(BINARY)
            .args(["serve", "--ready-json", "--http", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .args(args)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("the program starts");
        // Dropping the pipe closes it.
        drop(child.stderr.take());
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line of text");
        let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line:?}"));
        Self { child, ready }
    }

    pub(crate) fn text(&self, key: &str) -> &str {
        self.ready[key].as_str().unwrap_or_else(|| panic!("no text {key} in {}", self.ready))
    }

    /// `GET path`: status line and headers, then the body.
    pub(crate) fn get(&self, path: &str) -> (String, Vec<u8>) {
        let address = self.text("http").strip_prefix("http://").expect("an address");
        let mut stream = TcpStream::connect(address).expect("the web server listens");
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").expect("a request");
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("a response");
        let end = all.windows(4).position(|four| four == b"\r\n\r\n").expect("the end of the headers");
        (String::from_utf8_lossy(&all[..end]).to_lowercase(), all.split_off(end + 4))
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        let (head, body) = self.get(path);
        assert!(head.contains("200 ok") && head.contains("access-control-allow-origin: *"), "{head}");
        serde_json::from_slice(&body).expect("JSON")
    }

    /// Sends a signal by name and waits for the end.
    pub(crate) fn stop(mut self, signal: &str) -> ExitStatus {
        let sent = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
        self.child.wait().expect("our own child")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A data folder of one peer.
pub(crate) fn folder(name: &str) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!(
        "{name}-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    ));
    std::fs::create_dir_all(&path).expect("a folder for the test");
    path
}

/// The folder with real chains, if this machine has it; prints a line if not.
pub(crate) fn data() -> Option<PathBuf> {
    let path = match std::env::var_os("HEADLIGHT_DATA") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    };
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("SKIPPED: no real chains at {} (set HEADLIGHT_DATA)", path.display());
    None
}
