//! Era1 files and folders: valid ones, damaged ones, those of two networks, and other files in a folder.

use std::{fs, io::Write};

use alloy_primitives::B256;

use super::*;
use crate::source::{GeneratedSource, HeaderSource};

fn record(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut out = kind.to_le_bytes().to_vec();
    out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(value);
    out
}

fn snappy(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = snap::write::FrameEncoder::new(Vec::new());
    encoder.write_all(bytes).expect("in memory");
    encoder.into_inner().expect("in memory")
}

/// An era1 file of the generated headers `first..=last`.
fn era1(source: &GeneratedSource, first: u64, last: u64) -> Vec<u8> {
    let mut file = record(kind::VERSION, &[]);
    let mut offsets = Vec::new();
    for number in first..=last {
        offsets.push(file.len() as i64);
        file.extend(record(kind::COMPRESSED_HEADER, &snappy(&source.by_number(number).expect("inside"))));
        file.extend(record(kind::COMPRESSED_BODY, &snappy(&[0xc2, 0xc0, 0xc0])));
        file.extend(record(kind::COMPRESSED_RECEIPTS, &snappy(&[0xc0])));
        file.extend(record(kind::TOTAL_DIFFICULTY, &[0; 32]));
    }
    file.extend(record(0x07, &[0; 32])); // accumulator
    let at = file.len() as i64;
    let mut index = first.to_le_bytes().to_vec();
    index.extend(offsets.iter().flat_map(|offset| (offset - at).to_le_bytes()));
    index.extend((offsets.len() as u64).to_le_bytes());
    file.extend(record(kind::BLOCK_INDEX, &index));
    file
}

fn load_one(path: &Path) -> Result<PackedSource, SourceError> {
    load(&[path.to_owned()], None).map(|(source, _)| source)
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("header-peer-era1-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).expect("a file for the test");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("the test's own folder");
    }
}

#[test]
fn s13_files_of_a_folder_are_ordered_by_their_start() {
    let source = GeneratedSource::new(5, 60);
    let folder = Folder::new("order");
    folder.file("a.era1", &era1(&source, 40, 59));
    folder.file("b.era1", &era1(&source, 0, 19));
    folder.file("c.era1", &era1(&source, 20, 39));
    folder.file("notes.txt", b"not an era1 file");
    let loaded = load_one(&folder.0).expect("one chain");
    assert_eq!((loaded.earliest(), loaded.latest(), loaded.genesis()), (0, 59, source.genesis()));
    for number in 0..60 {
        assert_eq!(loaded.by_number(number), source.by_number(number));
    }
    assert_eq!(loaded.number_of(&source.hash_of(33).expect("inside")), Some(33));
    assert_eq!((loaded.by_number(60), loaded.number_of(&B256::ZERO)), (None, None));

    fs::remove_file(folder.0.join("c.era1")).expect("the middle");
    let gap = load_one(&folder.0).unwrap_err().to_string();
    assert!(gap.contains("a.era1: starts at block 40, but the file before it ends at 19"), "{gap}");
    folder.file("d.era1", &era1(&source, 40, 41));
    assert!(load_one(&folder.0).unwrap_err().to_string().contains("starts at block 40 like "));
}

#[test]
fn s13_a_folder_of_two_networks_needs_the_name_of_one() {
    let (ours, theirs) = (GeneratedSource::new(1, 4), GeneratedSource::new(2, 4));
    let folder = Folder::new("networks");
    folder.file("mainnet-00000.era1", &era1(&ours, 0, 1));
    folder.file("mainnet-00001.era1", &era1(&ours, 2, 3));
    let sepolia = folder.file("sepolia-00000.era1", &era1(&theirs, 0, 3));
    assert!(load_one(&folder.0).unwrap_err().to_string().contains("--chain"));
    let (loaded, network) = load(std::slice::from_ref(&folder.0), Some("mainnet")).expect("one network");
    assert_eq!((loaded.latest(), loaded.genesis(), network.as_deref()), (3, ours.genesis(), Some("mainnet")));
    let (loaded, network) = load(&[sepolia], Some("mainnet")).expect("named by itself");
    assert_eq!((loaded.genesis(), network.as_deref()), (theirs.genesis(), Some("sepolia")));
}

/// Files above genesis: only their names give the network.
#[test]
fn s13_the_network_is_that_of_the_files_whatever_else_lies_in_the_folder() {
    let source = GeneratedSource::new(5, 60);
    let folder = Folder::new("others");
    let file = folder.file("sepolia-00002.era1", &era1(&source, 40, 59));
    folder.file("sepolia-00001.era1", &era1(&source, 20, 39));
    for other in ["checksums.txt", "mainnet-notes.txt", "hoodi-00000.era1.part", "._mainnet-00000.era1", "a-b"] {
        folder.file(other, b"whatever");
    }
    fs::create_dir(folder.0.join("mainnet-00000.era1")).expect("a folder named like a file");
    for wanted in [None, Some("sepolia"), Some("mainnet")] {
        let (loaded, network) = load(std::slice::from_ref(&folder.0), wanted).expect("one network");
        assert_eq!((loaded.earliest(), network.as_deref()), (20, Some("sepolia")));
    }

    // Two networks that do not even overlap, in a folder and in a list of files.
    let mainnet = folder.file("mainnet-00000.era1.moved", &era1(&source, 0, 19));
    fs::remove_dir(folder.0.join("mainnet-00000.era1")).expect("made above");
    fs::rename(mainnet, folder.0.join("mainnet-00000.era1")).expect("a file for the test");
    let two = "sepolia-00001.era1: is of network sepolia, but ";
    let error = load_one(&folder.0).unwrap_err().to_string();
    assert!(error.contains(two) && error.contains("mainnet-00000.era1 is of mainnet; say which"), "{error}");
    let error = load(&[file, folder.0.join("mainnet-00000.era1")], None).unwrap_err().to_string();
    assert!(error.contains("is of network sepolia, but ") && !error.contains('\n'), "{error}");
    assert_eq!(load(std::slice::from_ref(&folder.0), Some("sepolia")).expect("one of two").0.earliest(), 20);
}

#[test]
fn s13_every_cut_and_every_changed_byte_of_headers_and_index_is_noticed() {
    let source = GeneratedSource::new(5, 3);
    let good = era1(&source, 0, 2);
    let folder = Folder::new("damage");
    let whole = load_one(&folder.file("good.era1", &good)).expect("undamaged");
    assert_eq!(whole.count(), 3);
    for cut in (0..good.len()).step_by(7) {
        let path = folder.file("cut.era1", &good[..cut]);
        let error = load_one(&path).unwrap_err().to_string();
        assert!(error.contains("cut.era1: ") && !error.contains('\n'), "{error}");
    }
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        let path = folder.file("changed.era1", &bytes);
        match load_one(&path) {
            Err(error) => assert!(error.to_string().contains("changed.era1: "), "{error}"),
            // A byte of a body, of receipts, of a difficulty or of the accumulator changed; headers stay.
            Ok(loaded) => assert!((0..3).all(|number| loaded.by_number(number) == source.by_number(number))),
        }
    }
}

#[test]
fn s13_a_wrong_index_and_a_broken_link_are_named() {
    let source = GeneratedSource::new(5, 4);
    let folder = Folder::new("index");
    let mut bytes = era1(&source, 0, 3);
    let last_offset = bytes.len() - 16;
    bytes[last_offset] ^= 1;
    let error = load_one(&folder.file("index.era1", &bytes)).unwrap_err().to_string();
    assert!(error.contains("block index is wrong: block 3 lies at byte"), "{error}");

    let mut bytes = era1(&source, 0, 3);
    let start = bytes.len() - 8 * 6;
    bytes[start] = 9;
    let error = load_one(&folder.file("start.era1", &bytes)).unwrap_err().to_string();
    assert!(error.contains("block index starts at 9, but header 0 is there"), "{error}");

    let other = GeneratedSource::new(6, 4);
    folder.file("x0.era1", &era1(&source, 0, 1));
    folder.file("x1.era1", &era1(&other, 2, 3));
    fs::remove_file(folder.0.join("index.era1")).expect("ours");
    fs::remove_file(folder.0.join("start.era1")).expect("ours");
    let error = load_one(&folder.0).unwrap_err().to_string();
    assert!(error.contains("x1.era1: broken hash link: header 2 names parent"), "{error}");
}
