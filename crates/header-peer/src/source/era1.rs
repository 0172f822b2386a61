//! Pre-merge history in era1 files: e2store with snappy-framed RLP, at most 8,192 blocks a file.
//!
//! ```text
//! version | (header, body, receipts, total difficulty)* | other records* | accumulator | block index
//! block index: start number | offset of each block's header, relative to the index record (i64) | count
//! ```
//!
//! Only headers are read. What is checked: the order of the records, the index against where each block really lies,
//! its count and start number against the headers, snappy's own checksums, and the hash link between headers, inside a
//! file and from file to file. Bodies and receipts are stepped over.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use header_wire::limits::HEADER_BYTES_MAX;

use super::{
    PackedBuilder, PackedSource, SourceError,
    e2store::{E2Store, RECORD_HEADER_BYTES, Record, kind},
};
use crate::chain::network_of_file;

/// Most blocks in one file.
const BLOCKS_MAX: u64 = 8192;
/// Longest compressed header: snappy's frames add little even to what does not compress.
const COMPRESSED_HEADER_BYTES_MAX: u64 = HEADER_BYTES_MAX as u64 + 4096;

/// Loads era1 files, and those in folders, in the order of their start numbers, and says which network they are named
/// after. A folder may hold several networks (file names begin with the network's name) when `wanted` says which one is
/// meant; whatever else lies in a folder is not looked at.
///
/// # Errors
///
/// A file cannot be read or is damaged, a folder holds none, the files are of two networks or do not follow each other.
pub fn load(paths: &[PathBuf], wanted: Option<&str>) -> Result<(PackedSource, Option<String>), SourceError> {
    let mut files = Vec::new();
    for path in paths {
        for file in list(path, wanted)? {
            files.push((BlockIndex::read(&mut E2Store::open(&file)?)?, file));
        }
    }
    files.sort_by_key(|(index, _)| index.start);
    let network = one_network(&files)?;
    check_starts(&files)?;

    let mut builder = PackedBuilder::default();
    for (index, file) in &files {
        if let Some(last) = builder.last()
            && last.number.checked_add(1) != Some(index.start)
        {
            return Err(SourceError::damaged(
                file,
                format!("starts at block {}, but the file before it ends at {}", index.start, last.number),
            ));
        }
        read_file(file, index, &mut builder)?;
    }
    let first = paths.first().map(PathBuf::as_path).unwrap_or(Path::new("--era1"));
    let source = builder.finish().ok_or_else(|| SourceError::damaged(first, "holds no header"))?;
    Ok((source, network))
}

/// The file itself, or the era1 files in a folder: of the wanted network, when the folder has any of it.
fn list(path: &Path, wanted: Option<&str>) -> Result<Vec<PathBuf>, SourceError> {
    if !std::fs::metadata(path).map_err(SourceError::io(path))?.is_dir() {
        return Ok(vec![path.into()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(SourceError::io(path))? {
        let file = entry.map_err(SourceError::io(path))?.path();
        if file.extension().is_some_and(|extension| extension == "era1") && !is_hidden(&file) && file.is_file() {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(SourceError::damaged(path, "holds no .era1 file"));
    }
    let is_wanted = |file: &PathBuf| wanted.is_some() && network_of_file(file).as_deref() == wanted;
    if files.iter().any(is_wanted) {
        files.retain(is_wanted);
    }
    Ok(files)
}

/// Systems keep their own notes beside a file, under its name with a dot before it.
fn is_hidden(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// The network that the files are named after, those without a name left aside. Files of two networks are no chain.
fn one_network(files: &[(BlockIndex, PathBuf)]) -> Result<Option<String>, SourceError> {
    let mut named = files.iter().filter_map(|(_, file)| Some((network_of_file(file)?, file)));
    let Some((network, first)) = named.next() else { return Ok(None) };
    match named.find(|(other, _)| *other != network) {
        None => Ok(Some(network)),
        Some((other, file)) => {
            let what = format!(
                "is of network {other}, but {} is of {network}; say which with --chain, or name the files of one",
                first.display()
            );
            Err(SourceError::damaged(file, what))
        }
    }
}

/// Two files that start at the same block are two networks, or one twice: neither can be served as one chain.
fn check_starts(files: &[(BlockIndex, PathBuf)]) -> Result<(), SourceError> {
    for pair in files.windows(2) {
        if let [(a, first), (b, second)] = pair
            && a.start == b.start
        {
            let what = format!(
                "starts at block {} like {}; say which network with --chain, or name the files of one chain",
                a.start,
                first.display()
            );
            return Err(SourceError::damaged(second, what));
        }
    }
    Ok(())
}

/// The last record of a file.
#[derive(Debug)]
struct BlockIndex {
    /// Number of the first block.
    start: u64,
    /// Where each block's header record begins in the file.
    offsets: Vec<u64>,
}

impl BlockIndex {
    fn read(store: &mut E2Store) -> Result<Self, SourceError> {
        let size = store.size();
        // The smallest file: a version, a block index without offsets.
        if size < 2 * RECORD_HEADER_BYTES + 16 {
            return Err(store.damaged("is no era1 file: too short"));
        }
        store.seek(0)?;
        if !matches!(store.next_record()?, Some(Record { kind: kind::VERSION, len: 0, .. })) {
            return Err(store.damaged("is no era1 file: does not begin with an e2store version"));
        }
        store.seek(size - 8)?;
        let count = u64::from_le_bytes(store.array()?);
        let value_len = count.saturating_mul(8).saturating_add(16);
        let at = size.checked_sub(value_len.saturating_add(RECORD_HEADER_BYTES)).filter(|_| count <= BLOCKS_MAX);
        let Some(at) = at else {
            return Err(store.damaged("has no block index at its end: cut off, or no era1 file"));
        };
        store.seek(at)?;
        match store.next_record() {
            Ok(Some(Record { kind: kind::BLOCK_INDEX, len, .. })) if len == value_len => {}
            _ => return Err(store.damaged("has no block index at its end: cut off, or no era1 file")),
        }
        let start = u64::from_le_bytes(store.array()?);
        let mut offsets = Vec::with_capacity(count as usize);
        for block in 0..count {
            let relative = i64::from_le_bytes(store.array()?);
            match at.checked_add_signed(relative).filter(|offset| *offset < at) {
                Some(offset) => offsets.push(offset),
                None => return Err(store.damaged(format!("block index points outside the file for block {block}"))),
            }
        }
        Ok(Self { start, offsets })
    }
}

/// Reads the headers of one file and checks them against its index.
fn read_file(path: &Path, index: &BlockIndex, builder: &mut PackedBuilder) -> Result<(), SourceError> {
    let mut store = E2Store::open(path)?;
    let mut blocks = 0;
    let mut compressed = Vec::new();
    let mut header = Vec::new();
    let mut expected = Expected::Version;
    while let Some(record) = store.next_record()? {
        expected = expected.after(&record).ok_or_else(|| {
            store.damaged(format!("record of type {:#06x} out of order at byte {}", record.kind, record.at))
        })?;
        if record.kind != kind::COMPRESSED_HEADER {
            store.skip(&record)?;
            continue;
        }
        if index.offsets.get(blocks) != Some(&record.at) {
            return Err(store.damaged(format!(
                "block index is wrong: block {} lies at byte {}",
                index.start.saturating_add(blocks as u64),
                record.at
            )));
        }
        store.read(&record, COMPRESSED_HEADER_BYTES_MAX, &mut compressed)?;
        unpack(&compressed, &mut header)
            .map_err(|what| store.damaged(format!("header {}: {what}", index.start.saturating_add(blocks as u64))))?;
        let facts = builder.push(&header).map_err(|what| store.damaged(what))?;
        if index.start.checked_add(blocks as u64) != Some(facts.number) {
            return Err(
                store.damaged(format!("block index starts at {}, but header {} is there", index.start, facts.number))
            );
        }
        blocks += 1;
    }
    if expected != Expected::End || blocks != index.offsets.len() {
        return Err(store.damaged(format!("holds {blocks} blocks, its index says {}", index.offsets.len())));
    }
    Ok(())
}

/// The records in the order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Version,
    HeaderOrTail,
    Body,
    Receipts,
    TotalDifficulty,
    Tail,
    End,
}

impl Expected {
    fn after(self, record: &Record) -> Option<Self> {
        match (self, record.kind) {
            (Self::Version, kind::VERSION) => Some(Self::HeaderOrTail),
            (Self::HeaderOrTail, kind::COMPRESSED_HEADER) => Some(Self::Body),
            (Self::Body, kind::COMPRESSED_BODY) => Some(Self::Receipts),
            (Self::Receipts, kind::COMPRESSED_RECEIPTS) => Some(Self::TotalDifficulty),
            (Self::TotalDifficulty, kind::TOTAL_DIFFICULTY) => Some(Self::HeaderOrTail),
            (Self::HeaderOrTail | Self::Tail, kind::BLOCK_INDEX) => Some(Self::End),
            // The accumulator, and whatever else a writer put between the blocks and the index.
            (Self::HeaderOrTail | Self::Tail, other) if !kind::OF_BLOCKS.contains(&other) => Some(Self::Tail),
            _ => None,
        }
    }
}

/// Unpacks one snappy-framed header, whose checksums are checked on the way.
fn unpack(compressed: &[u8], header: &mut Vec<u8>) -> Result<(), String> {
    header.clear();
    let mut frames = snap::read::FrameDecoder::new(compressed).take(HEADER_BYTES_MAX as u64 + 1);
    frames.read_to_end(header).map_err(|error| format!("snappy: {error}"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
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

    /// Files above genesis: only their names say which network they are of.
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
                // A byte of a body, of receipts, of a difficulty or of the accumulator; headers are never changed.
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
}
