//! Spills for tests: files in a folder of their own, and a spill that fails on demand.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::{
    cell::Cell,
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use stages::etl::{RunId, Spill};
use sync_core::fault::StoreFailure;

/// One file per run, in a folder that exists only while there are runs.
#[derive(Debug)]
pub(crate) struct FileSpill {
    folder: PathBuf,
    next: u64,
}

impl FileSpill {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("sync-core-{name}-{}", std::process::id()));
        // Files of an earlier process with the same id.
        let _ = fs::remove_dir_all(&folder);
        Self { folder, next: 0 }
    }

    /// The same folder in another session: ids continue above the existing ones.
    pub(crate) fn reopened(&self) -> Self {
        let files = fs::read_dir(&self.folder).into_iter().flatten().map_while(Result::ok);
        let ids = files.filter_map(|file| file.file_name().to_str()?.strip_suffix(".run")?.parse::<u64>().ok());
        Self { folder: self.folder.clone(), next: ids.max().map_or(0, |last| last + 1).max(self.next) }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn file(&self, run: RunId) -> PathBuf {
        self.folder.join(format!("{}.run", run.0))
    }
}

fn failed(error: std::io::Error) -> StoreFailure {
    StoreFailure::Other(error.to_string())
}

impl Spill for FileSpill {
    fn create(&mut self) -> Result<RunId, StoreFailure> {
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let id = RunId(self.next);
        self.next += 1;
        File::create_new(self.file(id)).map_err(failed)?;
        Ok(id)
    }

    fn append(&mut self, run: RunId, bytes: &[u8]) -> Result<(), StoreFailure> {
        let mut file = OpenOptions::new().append(true).open(self.file(run)).map_err(failed)?;
        file.write_all(bytes).map_err(failed)
    }

    fn read(&self, run: RunId, offset: u64, into: &mut [u8]) -> Result<(), StoreFailure> {
        File::open(self.file(run)).and_then(|file| file.read_exact_at(into, offset)).map_err(failed)
    }

    fn remove(&mut self, run: RunId) -> Result<(), StoreFailure> {
        match fs::remove_file(self.file(run)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        match fs::remove_dir(&self.folder) {
            // Other runs are left, or the folder was never created.
            Err(_) | Ok(()) => Ok(()),
        }
    }

    fn remove_others(&mut self, keep: &[RunId]) -> Result<(), StoreFailure> {
        let Ok(files) = fs::read_dir(&self.folder) else { return Ok(()) };
        for file in files.map_while(Result::ok) {
            let name = file.file_name().to_string_lossy().into_owned();
            let run = name.strip_suffix(".run").and_then(|id| id.parse().ok()).map(RunId);
            if let Some(run) = run.filter(|run| !keep.contains(run)) {
                self.remove(run)?;
            }
        }
        Ok(())
    }
}

/// Fails the call after this many, and then works again.
#[derive(Debug)]
pub(crate) struct FailingSpill<S> {
    pub inner: S,
    calls_left: Cell<Option<usize>>,
}

impl<S> FailingSpill<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner, calls_left: Cell::new(None) }
    }

    /// The call after `calls` more fails.
    pub(crate) fn fail_after(&self, calls: usize) {
        self.calls_left.set(Some(calls));
    }

    /// Ends the failures; returns whether the failure has happened.
    pub(crate) fn heal(&self) -> bool {
        self.calls_left.take().is_none()
    }

    fn call(&self) -> Result<(), StoreFailure> {
        match self.calls_left.get() {
            None => Ok(()),
            Some(0) => {
                self.calls_left.set(None);
                Err(StoreFailure::Full)
            }
            Some(left) => {
                self.calls_left.set(Some(left - 1));
                Ok(())
            }
        }
    }
}

impl<S: Spill> Spill for FailingSpill<S> {
    fn create(&mut self) -> Result<RunId, StoreFailure> {
        self.call()?;
        self.inner.create()
    }

    fn append(&mut self, run: RunId, bytes: &[u8]) -> Result<(), StoreFailure> {
        if let Err(failure) = self.call() {
            // Like a full disk: a part is written.
            self.inner.append(run, &bytes[..bytes.len() / 2])?;
            return Err(failure);
        }
        self.inner.append(run, bytes)
    }

    fn read(&self, run: RunId, offset: u64, into: &mut [u8]) -> Result<(), StoreFailure> {
        self.call()?;
        self.inner.read(run, offset, into)
    }

    fn remove(&mut self, run: RunId) -> Result<(), StoreFailure> {
        self.call()?;
        self.inner.remove(run)
    }

    fn remove_others(&mut self, keep: &[RunId]) -> Result<(), StoreFailure> {
        self.call()?;
        self.inner.remove_others(keep)
    }
}
