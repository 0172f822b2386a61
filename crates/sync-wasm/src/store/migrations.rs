//! Opens the database and brings its schema up to date.
//!
//! [`Version`] lists the schemas; each has a successor. An upgrade walks from the stored version to
//! [`Version::CURRENT`], one step per version, all inside the one upgrade transaction of IndexedDB. A failed step
//! leaves the old database unchanged. A newer database is refused with [`OpenError::Newer`] and never touched. An
//! upgrade must wait until every other tab has closed its connection. Our tabs close theirs on `versionchange`; a tab
//! that does not ends in [`OpenError::Blocked`]. Behind a deletion that waits for another tab the browser reports
//! nothing at all: after [`OPEN_WAIT_MAX`] that is [`OpenError::Held`].

use std::{pin::pin, time::Duration};

use futures::{
    channel::oneshot,
    future::{Either, pending, select},
};
use indexed_db_futures::{
    Build, BuildPrimitive,
    database::Database,
    error::{Error, JSError, OpenDbError},
    factory::OpenDbRequestBuilder,
};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::{
    connection::Connection,
    error::{OpenError, dom_name, failure},
    index::IndexState,
    rows::{META_INDEX, Table, to_js},
};
use crate::clock;

/// Longest wait for the browser to open the database. Opening takes some 10 ms, seconds after a crash of the browser.
pub const OPEN_WAIT_MAX: Duration = Duration::from_secs(10);

/// Every schema, oldest first. The number is the version of the IndexedDB database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// No database yet.
    Empty = 0,
    /// Packed segments and the checkpoint.
    Segments = 1,
    /// The hash index beside them.
    HashIndex = 2,
    /// A table for peer data.
    Peers = 3,
}

impl Version {
    /// The schema that this code writes.
    pub const CURRENT: Self = Self::Peers;

    /// The version after this one; `None` for the newest.
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Empty => Some(Self::Segments),
            Self::Segments => Some(Self::HashIndex),
            Self::HashIndex => Some(Self::Peers),
            Self::Peers => None,
        }
    }

    /// The version with this number; `None` for one that this code does not know.
    pub fn of(number: f64) -> Option<Self> {
        let all = [Self::Empty, Self::Segments, Self::HashIndex, Self::Peers];
        all.into_iter().find(|version| f64::from(version.number()) == number)
    }

    /// Version number of the IndexedDB database.
    pub const fn number(self) -> u32 {
        self as u32
    }
}

/// Connects to the database `name`; creates or upgrades it where needed.
pub(super) async fn connect(name: &str) -> Result<Connection, OpenError> {
    open(name).await.map(Connection::new)
}

async fn open(name: &str) -> Result<Database, OpenError> {
    let (tell_blocked, blocked) = oneshot::channel();
    let request = OpenDbRequestBuilder::new(name)
        .with_version(Version::CURRENT.number())
        .with_on_blocked(move |_| {
            // The receiver is gone when the request has already ended.
            let _ = tell_blocked.send(());
            Ok(())
        })
        .with_on_upgrade_needed(|event, db| upgrade(event.old_version(), &db))
        .build()
        .map_err(|error| refused(name, error))?;

    let held_back = async {
        // Cancelled: the request ended, and its callbacks were dropped.
        match select(blocked, clock::sleep(OPEN_WAIT_MAX)).await {
            Either::Left((Ok(()), _)) => OpenError::Blocked { name: name.into() },
            Either::Left((Err(oneshot::Canceled), _)) => pending().await,
            Either::Right(_) => OpenError::Held { name: name.into(), seconds: OPEN_WAIT_MAX.as_secs() },
        }
    };
    match select(request, pin!(held_back)).await {
        Either::Left((opened, _)) => opened.map_err(|error| refused(name, error)),
        Either::Right((error, request)) => {
            // The browser cannot withdraw the request. It completes when the other tab closes its connection; then our
            // new connection is closed again.
            spawn_local(async move {
                if let Ok(db) = request.await {
                    db.close();
                }
            });
            Err(error)
        }
    }
}

/// Upgrades from the stored version to the current one.
fn upgrade(found: f64, db: &Database) -> Result<(), Error> {
    let Some(mut version) = Version::of(found) else {
        return Err(Error::Unknown(JSError::from(JsValue::from(format!("no path from schema {found}")))));
    };
    let stored_before = version >= Version::Segments;
    while let Some(next) = version.next() {
        step(db, next, stored_before)?;
        version = next;
    }
    Ok(())
}

/// One upgrade step, to the version `to`.
fn step(db: &Database, to: Version, stored_before: bool) -> Result<(), Error> {
    match to {
        Version::Empty => {}
        Version::Segments => {
            db.create_object_store(Table::Segments.name()).build()?;
            db.create_object_store(Table::Meta.name()).build()?;
        }
        Version::HashIndex => {
            let index = db.create_object_store(Table::Index.name()).build()?;
            if stored_before {
                // Headers of the old schema have no index rows; the background audit writes them.
                let state = IndexState { rebuild: true, ..IndexState::default() };
                let meta = index.transaction().object_store(Table::Meta.name())?;
                meta.put(to_js(&state.encode())).with_key(META_INDEX).without_key_type().primitive()?;
            }
        }
        Version::Peers => {
            db.create_object_store(Table::Peers.name()).build()?;
        }
    }
    Ok(())
}

fn refused(name: &str, error: OpenDbError) -> OpenError {
    match error {
        OpenDbError::Base(error) if dom_name(&error).as_deref() == Some("VersionError") => {
            OpenError::Newer { name: name.into(), known: Version::CURRENT.number() }
        }
        OpenDbError::Base(error) => OpenError::Failed(failure(error)),
        // `VersionZero` stands for any error that `indexedDB.open` itself throws, for example where storage is switched
        // off.
        OpenDbError::VersionZero => OpenError::Unavailable("indexedDB.open was refused".into()),
        OpenDbError::UnsupportedEnvironment | OpenDbError::NullFactory => OpenError::Unavailable(error.to_string()),
    }
}
