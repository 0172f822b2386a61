//! The program as a process: one line and exit code 2 for invalid arguments, 0 for a stop signal, the same address
//! after a restart.

mod support;

use std::{fs, process::Command};

use support::{BINARY, Peer, data, folder};

/// Runs to the end; returns exit code and standard error.
fn run(args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(BINARY)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(args)
        .arg("--data-dir")
        .arg(folder("cli"))
        .output()
        .expect("the program starts");
    assert!(output.stdout.is_empty(), "nothing on standard output");
    (output.status.code(), String::from_utf8(output.stderr).expect("text"))
}

#[test]
fn what_cannot_be_gives_one_line_and_code_2() {
    let damaged = folder("files").join("damaged.era1");
    fs::write(&damaged, [0x65, 0x32, 0, 0, 0, 0, 0, 0, 1, 2, 3]).expect("a file for the test");
    let damaged = damaged.to_str().expect("text");
    let typo = folder("typo").join("forks.json");
    fs::write(&typo, r#"{"amsterdmTime": 7}"#).expect("a file for the test");
    let typo = typo.to_str().expect("text");
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let tcp = tcp.local_addr().expect("bound").to_string();
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let udp_address = udp.local_addr().expect("bound").to_string();
    let free = ["--http", "127.0.0.1:0"];
    let cases: &[(&[&str], &str)] = &[
        (&["--bogus"], "--bogus"),
        (&["--generate", "0"], "'0'"),
        (&["--generate", "many"], "'many'"),
        (&["--generate", "5", "--rlp", "x"], "--rlp"),
        (&["--chain", "moonnet"], "moonnet"),
        (&["--generate", "5", "--forks", "/does/not/exist"], "/does/not/exist"),
        (&["--generate", "5", "--forks", damaged], "not a JSON object"),
        (&["--generate", "5", "--forks", typo], "amsterdmTime is not a known fork"),
        (&["--fault", "rude"], "flip-byte"),
        (&["--max-connections", "0"], "'0'"),
        (&["--response-bytes", "9999999"], "9999999"),
        (&["--http", "nowhere"], "such as 0.0.0.0:4001"),
        (&["--headers", "/does/not/exist"], "/does/not/exist"),
        (&["--era1", damaged], "damaged.era1"),
        (&["--era1", "/does/not/exist"], "/does/not/exist"),
        (&["--web", "/does/not/exist"], "/does/not/exist"),
        (&["--http", &tcp], &tcp),
        (&["--http", &tcp], "; give another port"),
        (&["--http", "192.0.2.1:8080"], "give an address of this machine"),
        (&["--listen", &udp_address], "cannot be used multiple times"),
    ];
    for (args, part) in cases {
        let with_http = [*args, if args.contains(&"--http") { &[] } else { &free }].concat();
        let (code, text) = run(&with_http);
        assert_eq!(code, Some(2), "{args:?}: {text}");
        assert_eq!(text.lines().count(), 1, "{args:?}: {text}");
        assert!(text.starts_with("header-peer: ") && text.contains(part), "{args:?}: {text}");
    }

    let output = Command::new(BINARY)
        .args(["serve", "--listen", &udp_address, "--http", "127.0.0.1:0", "--generate", "1", "--data-dir"])
        .arg(folder("udp"))
        .output()
        .expect("the program starts");
    let text = String::from_utf8(output.stderr).expect("text");
    assert_eq!((output.status.code(), text.lines().count()), (Some(2), 1), "{text}");
    assert!(text.contains(&udp_address) && text.contains("in use") && text.contains("; give another port"), "{text}");
}

#[test]
fn nobody_needs_to_read_what_it_writes() {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::{TcpListener, TcpStream},
        process::Stdio,
    };
    // Invalid arguments have exit code 2 even without a standard output.
    let mut child =
        Command::new(BINARY).args(["serve", "--bogus"]).stderr(Stdio::piped()).spawn().expect("the program starts");
    drop(child.stderr.take());
    assert_eq!(child.wait().expect("our own child").code(), Some(2));

    let http = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound").to_string();
    let mut child = Command::new(BINARY)
        .args(["serve", "--generate", "3", "--http", &http, "--data-dir"])
        .arg(folder("unread"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let mut errors = BufReader::new(child.stderr.take().expect("piped")).lines();
    let told = errors.find(|line| line.as_ref().is_ok_and(|line| line.contains("standard output")));
    assert!(told.is_some(), "the address could not be told");
    let mut stream = TcpStream::connect(&http).expect("it still serves");
    stream.write_all(b"GET /peers.json HTTP/1.0\r\n\r\n").expect("a request");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("a response");
    assert!(text.contains("/webrtc-direct/"), "{text}");
    child.kill().expect("our own child, still running");
    child.wait().expect("our own child");
}

/// A file above genesis: only its name gives the network, whatever other files are in the folder.
#[test]
fn a_folder_is_named_after_the_files_that_are_served() {
    let Some(data) = data() else { return };
    let files = folder("era1");
    for other in ["checksums.txt", "mainnet-notes.txt", "hoodi-00000.era1.part"] {
        fs::write(files.join(other), "whatever").expect("a file for the test");
    }
    let mut found = fs::read_dir(data.join("era1")).expect("real chains").filter_map(|entry| Some(entry.ok()?.path()));
    let second = found.find(|path| path.to_string_lossy().contains("sepolia-00001-")).expect("a second file");
    fs::copy(&second, files.join(second.file_name().expect("a name"))).expect("a copy");
    let peer = Peer::start(&["--era1", files.to_str().expect("text")]);
    let number = |key: &str| peer.ready[key].as_u64();
    assert_eq!((number("chainId"), number("earliest")), (Some(11_155_111), Some(8_192)));
}

#[test]
fn on_an_unspecified_address_every_interface_is_named() {
    let peer = Peer::start(&["--generate", "5", "--listen", "0.0.0.0:0"]);
    let all = peer.ready["multiaddrs"].as_array().expect("a list");
    assert_eq!(
        (all[0].as_str(), &peer.json("/peers.json")["peers"]),
        (Some(peer.text("multiaddr")), &peer.ready["multiaddrs"])
    );
    let texts: Vec<_> = all.iter().map(|address| address.as_str().expect("text")).collect();
    assert!(texts.iter().any(|text| text.starts_with("/ip4/127.0.0.1/udp/")), "{texts:?}");
    assert!(texts.iter().all(|text| !text.contains("/ip4/0.0.0.0/") && text.contains("/p2p/")), "{texts:?}");
}

#[test]
fn help_names_every_flag_but_those_for_tests() {
    let output = Command::new(BINARY).args(["serve", "--help"]).output().expect("the program starts");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success());
    for flag in ["--generate", "--era1", "--rlp", "--headers", "--listen", "--http", "--max-connections"] {
        assert!(text.contains(flag), "{flag}");
    }
    assert!(!text.contains("--fault") && !text.contains("--ready-json"));
}

#[test]
fn signals_end_it_cleanly_and_its_address_survives() {
    let data_dir = folder("identity");
    let first = Peer::start_in(&data_dir, &["--generate", "10"]);
    let address = first.text("multiaddr").to_owned();
    assert!(address.starts_with("/ip4/127.0.0.1/udp/") && address.contains("/webrtc-direct/certhash/"), "{address}");

    let (code, text) = {
        let output = Command::new(BINARY)
            .args(["serve", "--http", "127.0.0.1:0", "--data-dir"])
            .arg(&data_dir)
            .output()
            .expect("the program starts");
        (output.status.code(), String::from_utf8(output.stderr).expect("text"))
    };
    assert_eq!(code, Some(2));
    assert!(text.contains("in use by another header-peer"), "{text}");

    assert_eq!(first.stop("INT").code(), Some(0));
    let second = Peer::start_in(&data_dir, &["--generate", "10"]);
    assert_eq!(second.text("multiaddr"), address);
    assert_eq!(second.stop("TERM").code(), Some(0));
    assert_ne!(Peer::start(&["--generate", "10"]).text("multiaddr"), address);
}

#[test]
fn without_json_it_prints_lines_for_people() {
    use std::{
        io::{BufRead, BufReader},
        process::Stdio,
    };
    let mut child = Command::new(BINARY)
        .args(["serve", "--generate", "3", "--http", "127.0.0.1:0", "--data-dir"])
        .arg(folder("lines"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let lines: Vec<_> = BufReader::new(child.stdout.take().expect("piped")).lines().take(2).collect();
    child.kill().expect("our own child");
    child.wait().expect("our own child");
    let [Ok(peer), Ok(page)] = &lines[..] else { panic!("two lines, not {lines:?}") };
    assert!(peer.starts_with("peer /ip4/127.0.0.1/udp/") && peer.contains("/p2p/12D3"), "{peer}");
    assert!(page.starts_with("page http://127.0.0.1:") && page.ends_with('/'), "{page}");
}

#[test]
fn the_web_server_serves_page_ranges_and_headers() {
    let web = folder("web");
    fs::write(web.join("index.html"), "<title>page</title>").expect("a page");
    fs::write(web.join("core.wasm"), b"\0asm").expect("a module");
    let peer = Peer::start(&["--generate", "2000", "--web", web.to_str().expect("text")]);
    let (head, body) = peer.get("/");
    assert!(head.contains("text/html") && head.contains("cache-control: no-store"), "{head}");
    assert_eq!(body, b"<title>page</title>");
    assert!(peer.get("/core.wasm").0.contains("content-type: application/wasm"));
    assert!(peer.get("/nothing").0.contains("404"));
    assert!(peer.get("/../Cargo.toml").0.contains(" 40"));

    let peers = peer.json("/peers.json");
    assert_eq!(peers["peers"][0], peer.ready["multiaddr"]);
    assert_eq!((peers["earliest"].as_u64(), peers["latest"].as_u64()), (Some(0), Some(1999)));
    for key in ["chainId", "genesis", "latestHash"] {
        assert_eq!(peers[key], peer.ready[key], "{key}");
    }
    assert_eq!((peers["chainId"].as_u64(), peers["chain"].as_str()), (Some(1337), Some("1337")));

    let all = peer.get("/headers.bin").1;
    let one = peer.get("/headers.bin?from=1999&to=1999").1;
    assert!(all.len() > 2000 * 600 && all.ends_with(&one));
    let hash = alloy_primitives::keccak256(&one).to_string();
    assert_eq!(peers["latestHash"].as_str(), Some(&*hash));
    assert!(peer.get("/headers.bin?from=5&to=4").0.contains("400"));
    assert!(peer.get("/headers.bin?to=2000").0.contains("400"));
    // Requests of the page are not counted as served to peers.
    assert_eq!(peer.json("/stats.json")["bytesServed"], 0);
}

/// The fork schedule for pages: that of a generated chain, and the overrides of a file.
#[test]
fn forks_of_a_file_are_what_the_peer_says() {
    let file = folder("forks").join("forks.json");
    fs::write(&file, r#"{"osakaTime": "0x9", "knownUntil": 1750000000}"#).expect("a file for the test");
    let peer = Peer::start(&["--generate", "5", "--forks", file.to_str().expect("text")]);
    let forks = &peer.json("/peers.json")["forks"];
    assert_eq!((&forks["osakaTime"], &forks["knownUntil"]), (&"0x9".into(), &1_750_000_000_u64.into()));
    assert_eq!((&forks["pragueTime"], &forks["londonBlock"]), (&0.into(), &0.into()));
    assert_eq!(&peer.ready["forks"], forks);
}

#[test]
fn real_chains_are_recognised_and_served_whole() {
    let Some(data) = data() else { return };
    let path = |name: &str| data.join(name).to_str().expect("text").to_owned();
    let era1 = path("era1");
    let cases: &[(&[&str], u64, u64, u64)] = &[
        (&["--era1", &era1, "--chain", "mainnet"], 1, 0, 16_383),
        (&["--era1", &era1, "--chain", "sepolia"], 11_155_111, 0, 40_959),
        (&["--headers", &path("headers/mainnet-22431080-22431090.headers.rlp")], 1, 22_431_080, 22_431_090),
        (&["--headers", &path("headers/goerli-8661555-8663844.headers.rlp")], 0, 8_661_555, 8_663_844),
        (&["--rlp", &path("clique/clique.blocks"), "--chain", "1337"], 1337, 0, 4),
    ];
    for (args, chain, earliest, latest) in cases {
        let peer = Peer::start(args);
        let number = |key: &str| peer.ready[key].as_u64();
        assert_eq!(
            (number("chainId"), number("earliest"), number("latest")),
            (Some(*chain), Some(*earliest), Some(*latest))
        );
        let tip = peer.get(&format!("/headers.bin?from={latest}")).1;
        assert_eq!(alloy_primitives::keccak256(tip).to_string(), peer.text("latestHash"));
    }
    let (code, text) = run(&["--era1", &era1, "--http", "127.0.0.1:0"]);
    assert!(code == Some(2) && text.contains("--chain"), "{text}");
}
