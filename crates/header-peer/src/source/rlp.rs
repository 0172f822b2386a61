//! Files of concatenated RLP items: headers (`--headers`), or whole blocks as geth exports them (`--rlp`).
//!
//! A block is a list `[header, transactions, ommers, ...]`; only its header is read and the rest is skipped, so memory
//! depends only on the headers. The first block may be 0, 1 (geth's export leaves the genesis out) or any other. Every
//! header must be the child of the previous one.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use header_wire::limits::HEADER_BYTES_MAX;

use super::{PackedBuilder, PackedSource, SourceError};

/// Longest block that is skipped, in bytes. Blocks are limited to 8 MiB (EIP-7934); a longer length is damage.
const BLOCK_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Longest RLP prefix: one byte and a length of eight.
const PREFIX_BYTES_MAX: usize = 9;
/// Read-ahead buffer, in bytes; most block bodies are skipped inside it.
const BUFFER_BYTES: usize = 256 * 1024;
/// First bytes of a gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Content of each item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A header.
    Header,
    /// A block; its first item is the header.
    Block,
}

/// Loads a file of concatenated items.
///
/// # Errors
///
/// The file cannot be read, is cut off, or is not one chain of these items.
pub fn load(path: &Path, item: Item) -> Result<PackedSource, SourceError> {
    let file = File::open(path).map_err(SourceError::io(path))?;
    if !file.metadata().map_err(SourceError::io(path))?.is_file() {
        return Err(SourceError::damaged(path, "is not a file"));
    }
    let mut items = Items { reader: BufReader::with_capacity(BUFFER_BYTES, file), path, at: 0 };
    let mut builder = PackedBuilder::default();
    let mut header = Vec::with_capacity(1024);
    while items.next_header(item, &mut header)? {
        builder.push(&header).map_err(|what| SourceError::damaged(path, what))?;
    }
    builder.finish().ok_or_else(|| SourceError::damaged(path, "holds no header"))
}

/// The items of one file, and the current position.
struct Items<'a> {
    reader: BufReader<File>,
    path: &'a Path,
    at: u64,
}

/// The prefix of an RLP item.
struct Prefix {
    bytes: [u8; PREFIX_BYTES_MAX],
    len: usize,
    list: bool,
    payload_len: u64,
}

impl Prefix {
    fn total_len(&self) -> u64 {
        self.payload_len.saturating_add(self.len as u64)
    }
}

impl Items<'_> {
    /// Reads the next header into `header`; false at the end of the file.
    fn next_header(&mut self, item: Item, header: &mut Vec<u8>) -> Result<bool, SourceError> {
        let ahead = self.reader.fill_buf().map_err(SourceError::io(self.path))?;
        if ahead.is_empty() {
            return Ok(false);
        }
        if self.at == 0 && ahead.starts_with(&GZIP_MAGIC) {
            return Err(SourceError::damaged(self.path, "is compressed with gzip; unpack it first"));
        }
        let start = self.at;
        let outer = self.list_prefix()?;
        match item {
            Item::Header => {
                if matches!(self.peek()?, Some(0xc0..)) {
                    return Err(self.broken(start, "this is a block, not a header; serve the file with --rlp"));
                }
                self.read_whole(&outer, header)?;
            }
            Item::Block => {
                if matches!(self.peek()?, Some(..0xc0)) {
                    return Err(self.broken(start, "this is a header, not a block; serve the file with --headers"));
                }
                let inner = self.list_prefix()?;
                let Some(rest) = outer.payload_len.checked_sub(inner.total_len()) else {
                    return Err(self.broken(start, "the header is longer than its block"));
                };
                self.read_whole(&inner, header)?;
                self.skip(rest)?;
            }
        }
        Ok(true)
    }

    /// The prefix of a list, whose length must be possible for a block.
    fn list_prefix(&mut self) -> Result<Prefix, SourceError> {
        let start = self.at;
        let prefix = self.prefix()?;
        if !prefix.list {
            return Err(self.broken(start, "no RLP list, so neither a header nor a block"));
        }
        if prefix.payload_len > BLOCK_BYTES_MAX {
            return Err(self.broken(start, &format!("an RLP list of {} bytes", prefix.payload_len)));
        }
        Ok(prefix)
    }

    fn prefix(&mut self) -> Result<Prefix, SourceError> {
        let mut bytes = [0; PREFIX_BYTES_MAX];
        self.read(&mut bytes[..1])?;
        let first = bytes[0];
        let (list, base) = (first >= 0xc0, if first >= 0xc0 { 0xc0 } else { 0x80 });
        let short = u64::from(first.saturating_sub(base));
        if short <= 55 {
            return Ok(Prefix { bytes, len: 1, list, payload_len: short });
        }
        let len_of_len = (short - 55) as usize;
        self.read(&mut bytes[1..=len_of_len])?;
        let payload_len = bytes[1..=len_of_len].iter().fold(0_u64, |len, byte| len << 8 | u64::from(*byte));
        Ok(Prefix { bytes, len: 1 + len_of_len, list, payload_len })
    }

    /// Reads a header into `header`, after its prefix.
    fn read_whole(&mut self, prefix: &Prefix, header: &mut Vec<u8>) -> Result<(), SourceError> {
        let len = usize::try_from(prefix.total_len()).unwrap_or(usize::MAX);
        if len > HEADER_BYTES_MAX {
            let what = format!("a header of {len} bytes, at most {HEADER_BYTES_MAX} can be served");
            return Err(self.broken(self.at - prefix.len as u64, &what));
        }
        header.clear();
        header.resize(len, 0);
        header[..prefix.len].copy_from_slice(&prefix.bytes[..prefix.len]);
        self.read(&mut header[prefix.len..])
    }

    fn peek(&mut self) -> Result<Option<u8>, SourceError> {
        Ok(self.reader.fill_buf().map_err(SourceError::io(self.path))?.first().copied())
    }

    fn read(&mut self, out: &mut [u8]) -> Result<(), SourceError> {
        self.reader.read_exact(out).map_err(|error| self.cut_off(error))?;
        self.at += out.len() as u64;
        Ok(())
    }

    /// Skips `len` bytes, which must all exist.
    fn skip(&mut self, len: u64) -> Result<(), SourceError> {
        let Some(before_last) = len.checked_sub(1) else { return Ok(()) };
        // `BLOCK_BYTES_MAX` fits `i64`. A seek can pass the end, so the last byte is read.
        self.reader.seek_relative(before_last as i64).map_err(SourceError::io(self.path))?;
        self.at += before_last;
        self.read(&mut [0])
    }

    fn cut_off(&self, error: std::io::Error) -> SourceError {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                SourceError::damaged(self.path, format!("is cut off: ends inside the item around byte {}", self.at))
            }
            _ => SourceError::Io { path: self.path.into(), error },
        }
    }

    fn broken(&self, at: u64, what: &str) -> SourceError {
        SourceError::damaged(self.path, format!("at byte {at}: {what}"))
    }
}

#[cfg(test)]
#[path = "rlp_tests.rs"]
mod tests;
