//! Pre-merge history in era1 files: e2store with snappy-framed RLP, at most 8,192 blocks a file.
//!
//! ```text
//! version | (header, body, receipts, total difficulty)* | other records* | accumulator | block index
//! block index: start number | offset of each block's header, relative to the index record (i64) | count
//! ```
//!
//! Only headers are read. Checks: the order of the records, the index against the real offsets, its count and start
//! number against the headers, snappy's checksums, and the hash links between headers, inside a file and between files.
//! Bodies and receipts are skipped.

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
/// Longest compressed header: snappy's frames add little even to incompressible data.
const COMPRESSED_HEADER_BYTES_MAX: u64 = HEADER_BYTES_MAX as u64 + 4096;

/// Loads era1 files, and those in folders, in the order of their start numbers, and returns the network in their names.
/// A folder may hold several networks (file names begin with the network's name) if `wanted` selects one; other files
/// in a folder are ignored.
///
/// # Errors
///
/// A file cannot be read or is damaged, a folder holds no era1 file, or the files are of two networks or not
/// consecutive.
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

/// The file itself, or the era1 files in a folder: those of the wanted network, if there are any.
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

/// Some systems keep metadata beside a file, under its name with a leading dot.
fn is_hidden(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// The network in the file names; files without one are ignored. Two networks are an error.
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

/// Two files with the same start block are two networks, or the same file twice: an error.
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

/// The block index, the last record of a file.
#[derive(Debug)]
struct BlockIndex {
    /// Number of the first block.
    start: u64,
    /// Offset of each block's header record in the file.
    offsets: Vec<u64>,
}

impl BlockIndex {
    fn read(store: &mut E2Store) -> Result<Self, SourceError> {
        let size = store.size();
        // The smallest file: a version, and a block index without offsets.
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

/// Reads the records in the order of the file.
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
            // The accumulator, and other records between the blocks and the index.
            (Self::HeaderOrTail | Self::Tail, other) if !kind::OF_BLOCKS.contains(&other) => Some(Self::Tail),
            _ => None,
        }
    }
}

/// Decompresses one snappy-framed header and checks its checksums.
fn unpack(compressed: &[u8], header: &mut Vec<u8>) -> Result<(), String> {
    header.clear();
    let mut frames = snap::read::FrameDecoder::new(compressed).take(HEADER_BYTES_MAX as u64 + 1);
    frames.read_to_end(header).map_err(|error| format!("snappy: {error}"))?;
    Ok(())
}

#[cfg(test)]
#[path = "era1_tests.rs"]
mod tests;
