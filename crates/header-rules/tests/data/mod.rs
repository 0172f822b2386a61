//! The test data outside the project: its location, and readers of its files.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use alloy_primitives::{U256, hex};
use bytes::Bytes;

/// A file of the test data, if it exists. If not, prints so: the caller then passes without a test.
pub(crate) fn file(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("HEADLIGHT_DATA").map(PathBuf::from);
    let root = root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
    let file = root.join(path);
    if !file.exists() {
        eprintln!("SKIPPED: {} is absent; set HEADLIGHT_DATA to where the test data lies", file.display());
        return None;
    }
    Some(file)
}

/// Headers of a file of concatenated RLP, rising.
pub(crate) fn concatenated(path: &Path) -> Vec<Bytes> {
    let file = Bytes::from(fs::read(path).expect("the file is readable"));
    let mut headers = Vec::new();
    let mut at = 0;
    while at < file.len() {
        let mut rest = &file[at..];
        let before = rest.len();
        alloy_rlp::Header::decode_bytes(&mut rest, true).expect("a list");
        let len = before - rest.len();
        headers.push(file.slice(at..at + len));
        at += len;
    }
    headers
}

/// Headers of an era1 file, rising.
pub(crate) fn era1(path: &Path) -> Vec<Bytes> {
    const COMPRESSED_HEADER: u16 = 0x03;
    let decompress = |body: &[u8]| {
        let mut rlp = Vec::new();
        snap::read::FrameDecoder::new(body).read_to_end(&mut rlp).expect("framed snappy");
        rlp.into()
    };
    era1_entries(path, COMPRESSED_HEADER).iter().map(|body| decompress(body)).collect()
}

/// Total difficulty of each block of an era1 file, rising.
pub(crate) fn era1_total_difficulties(path: &Path) -> Vec<U256> {
    const TOTAL_DIFFICULTY: u16 = 0x06;
    era1_entries(path, TOTAL_DIFFICULTY).iter().map(|body| U256::from_le_slice(body)).collect()
}

/// The entries of one type of an e2store file (type u16, length u32, reserved u16, then the body).
fn era1_entries(path: &Path, wanted: u16) -> Vec<Vec<u8>> {
    let file = fs::read(path).expect("the file is readable");
    let mut rest = file.as_slice();
    let mut entries = Vec::new();
    while let Some((entry, body)) = rest.split_first_chunk::<8>() {
        let [t0, t1, l0, l1, l2, l3, ..] = *entry;
        let (body, next) = body.split_at(u32::from_le_bytes([l0, l1, l2, l3]) as usize);
        if u16::from_le_bytes([t0, t1]) == wanted {
            entries.push(body.to_vec());
        }
        rest = next;
    }
    entries
}

/// The objects of a gzipped file of JSON lines.
pub(crate) fn lines(path: &Path) -> Vec<serde_json::Value> {
    let file = flate2::read::GzDecoder::new(fs::File::open(path).expect("the file is readable"));
    let lines = BufReader::new(file).lines().map(|line| line.expect("text"));
    lines.map(|line| serde_json::from_str(&line).expect("a JSON object a line")).collect()
}

/// The bytes of a hex string.
pub(crate) fn rlp(value: &serde_json::Value) -> Bytes {
    hex::decode(value.as_str().expect("a hex string")).expect("hex").into()
}
