//! The e2store container: records of `type (u16) | length (u32) | reserved (u16, 0) | value`, all little-endian.
//!
//! Reads records one by one, and values only where they are needed; every length is checked against the size of the
//! file first.

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::SourceError;

/// Bytes before each value: type, length, reserved.
pub(super) const RECORD_HEADER_BYTES: u64 = 8;
const BUFFER_BYTES: usize = 256 * 1024;

/// Record types of era1 files.
pub(super) mod kind {
    pub(crate) const VERSION: u16 = 0x3265;
    pub(crate) const COMPRESSED_HEADER: u16 = 0x03;
    pub(crate) const COMPRESSED_BODY: u16 = 0x04;
    pub(crate) const COMPRESSED_RECEIPTS: u16 = 0x05;
    pub(crate) const TOTAL_DIFFICULTY: u16 = 0x06;
    pub(crate) const BLOCK_INDEX: u16 = 0x3266;
    /// Types at the start of the file, or of one block.
    pub(crate) const OF_BLOCKS: [u16; 5] =
        [VERSION, COMPRESSED_HEADER, COMPRESSED_BODY, COMPRESSED_RECEIPTS, TOTAL_DIFFICULTY];
}

/// One record: its type and the position of its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub kind: u16,
    /// Offset of the record in the file.
    pub at: u64,
    /// Length of its value, in bytes.
    pub len: u64,
}

/// A file and the current position.
pub(super) struct E2Store {
    reader: BufReader<File>,
    path: PathBuf,
    at: u64,
    size: u64,
}

impl E2Store {
    pub(super) fn open(path: &Path) -> Result<Self, SourceError> {
        let file = File::open(path).map_err(SourceError::io(path))?;
        let size = file.metadata().map_err(SourceError::io(path))?.len();
        Ok(Self { reader: BufReader::with_capacity(BUFFER_BYTES, file), path: path.into(), at: 0, size })
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The next record; `None` at the end of the file. The caller must then read or skip its value.
    pub(super) fn next_record(&mut self) -> Result<Option<Record>, SourceError> {
        if self.at == self.size {
            return Ok(None);
        }
        let at = self.at;
        let [k0, k1, l0, l1, l2, l3, r0, r1] = self.array()?;
        let record =
            Record { kind: u16::from_le_bytes([k0, k1]), at, len: u64::from(u32::from_le_bytes([l0, l1, l2, l3])) };
        if [r0, r1] != [0, 0] {
            return Err(self.damaged(format!("at byte {at}: not an e2store record")));
        }
        if record.len > self.size - self.at {
            return Err(self.damaged(format!(
                "is cut off: the record at byte {at} has {} bytes, {} are left",
                record.len,
                self.size - self.at
            )));
        }
        Ok(Some(record))
    }

    /// Reads a value of at most `limit` bytes.
    pub(super) fn read(&mut self, record: &Record, limit: u64, out: &mut Vec<u8>) -> Result<(), SourceError> {
        if record.len > limit {
            return Err(self.damaged(format!(
                "the record at byte {} has {} bytes, at most {limit} are allowed",
                record.at, record.len
            )));
        }
        out.clear();
        out.resize(record.len as usize, 0);
        self.fill(out)
    }

    /// Skips a value.
    pub(super) fn skip(&mut self, record: &Record) -> Result<(), SourceError> {
        // `next_record` has checked that the value is inside the file, and its length is a `u32`.
        self.reader.seek_relative(record.len as i64).map_err(SourceError::io(&self.path))?;
        self.at += record.len;
        Ok(())
    }

    /// Seeks to an offset, which must not be beyond the end.
    pub(super) fn seek(&mut self, at: u64) -> Result<(), SourceError> {
        self.reader.seek(SeekFrom::Start(at)).map_err(SourceError::io(&self.path))?;
        self.at = at;
        Ok(())
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], SourceError> {
        let mut out = [0; N];
        self.fill(&mut out)?;
        Ok(out)
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), SourceError> {
        self.reader.read_exact(out).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => self.damaged(format!("is cut off at byte {}", self.size)),
            _ => SourceError::Io { path: self.path.clone(), error },
        })?;
        self.at += out.len() as u64;
        Ok(())
    }

    pub(super) fn damaged(&self, what: impl Into<String>) -> SourceError {
        SourceError::damaged(&self.path, what)
    }
}
