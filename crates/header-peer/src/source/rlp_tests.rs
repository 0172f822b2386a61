//! Files of other programs: valid, cut off, and invalid ones.

use std::{fs, path::PathBuf};

use super::*;
use crate::source::{GeneratedSource, HeaderSource};

/// A file that is removed at the end of the test.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("header-peer-rlp-{}-{name}", std::process::id()));
        fs::write(&path, bytes).expect("a file for the test");
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        fs::remove_file(&self.0).expect("the test's own file");
    }
}

fn headers(source: &GeneratedSource, numbers: impl Iterator<Item = u64>) -> Vec<u8> {
    numbers.flat_map(|number| source.by_number(number).expect("inside")).collect()
}

/// A block with a body of `body` bytes.
fn block(header: &[u8], body: usize) -> Vec<u8> {
    let mut payload = header.to_vec();
    alloy_rlp::Header { list: true, payload_length: body }.encode(&mut payload);
    payload.resize(payload.len() + body, 0x80);
    payload.push(0xc0);
    let mut out = Vec::new();
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut out);
    out.extend(payload);
    out
}

fn error(bytes: &[u8], item: Item, name: &str) -> String {
    let file = Temporary::new(name, bytes);
    let text = load(&file.0, item).expect_err(name).to_string();
    assert!(text.contains(name) && !text.contains('\n'), "{text}");
    text
}

#[test]
fn headers_are_served_from_their_first_on() {
    let source = GeneratedSource::new(8, 50);
    let file = Temporary::new("from-20", &headers(&source, 20..50));
    let loaded = load(&file.0, Item::Header).expect("a chain");
    assert_eq!((loaded.earliest(), loaded.latest(), loaded.genesis()), (20, 49, None));
    assert_eq!(loaded.by_number(20), source.by_number(20));
    assert_eq!(loaded.by_number(19), None);
    assert_eq!(loaded.by_number(u64::MAX), None);
}

#[test]
fn blocks_of_any_size_are_stepped_over_and_block_1_names_the_genesis() {
    let source = GeneratedSource::new(8, 9);
    let bytes: Vec<u8> = (1..9)
        .flat_map(|number| {
            block(&source.by_number(number).expect("inside"), [0, 1, 60, 1_000_000][number as usize % 4])
        })
        .collect();
    let file = Temporary::new("export", &bytes);
    let loaded = load(&file.0, Item::Block).expect("a chain");
    assert_eq!((loaded.earliest(), loaded.latest(), loaded.genesis()), (1, 8, source.genesis()));
    for number in 1..9 {
        assert_eq!(loaded.by_number(number), source.by_number(number));
    }
}

#[test]
fn each_damage_has_its_line() {
    let source = GeneratedSource::new(8, 9);
    let good = headers(&source, 0..9);
    assert!(error(&[], Item::Header, "empty").contains("holds no header"));
    assert!(error(&good[..good.len() - 1], Item::Header, "cut").contains("is cut off"));
    assert!(error(&headers(&source, [0, 1, 3].into_iter()), Item::Header, "gap").contains("header 3 follows header 1"));
    assert!(
        error(&headers(&source, [2, 1].into_iter()), Item::Header, "falling").contains("header 1 follows header 2")
    );
    let two_chains = [headers(&source, 0..2), headers(&GeneratedSource::new(9, 9), 2..3)].concat();
    assert!(error(&two_chains, Item::Header, "chains").contains("broken hash link: header 2 names parent"));
    assert!(error(&[0x1f, 0x8b, 8, 0], Item::Block, "gzip").contains("gzip"));
    assert!(error(b"hello", Item::Header, "text").contains("no RLP list"));
    assert!(error(&[0xff; 20], Item::Header, "long").contains("bytes"));
    assert!(error(&[0xc1, 0x80], Item::Header, "short").contains("does not begin with a header"));
    assert!(error(&good, Item::Block, "headers").contains("--headers"));

    let blocks = block(&source.by_number(0).expect("inside"), 100);
    assert!(error(&blocks, Item::Header, "blocks").contains("--rlp"));
    for cut in 1..blocks.len() {
        assert!(error(&blocks[..cut], Item::Block, "cut-block").contains("is cut off"));
    }
}

#[test]
fn a_changed_byte_never_goes_unnoticed_below_the_last_header() {
    let source = GeneratedSource::new(8, 4);
    let good = headers(&source, 0..4);
    let last = good.len() - source.by_number(3).expect("inside").len();
    for at in (0..last).step_by(5) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x04;
        error(&bytes, Item::Header, "changed");
    }
}
