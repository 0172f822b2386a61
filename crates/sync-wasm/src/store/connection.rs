//! One connection to the database, and how it ends.
//!
//! A connection is lost in three ways: another tab upgrades or deletes the database (`versionchange`; we close, or we would
//! block that tab for ever), the browser closes it (`close`: cleared site data, eviction, a defect of the disk), or it is
//! found closed when a transaction begins. It never comes back: whoever needs the store connects anew.

use std::{
    cell::{Cell, RefCell},
    ops::Deref,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use indexed_db_futures::{database::Database, internals::SystemRepr};
use sync_core::fault::StoreFailure;
use wasm_bindgen::{JsCast, closure::Closure};

use super::{IdbStore, error::OpenError, migrations};

/// An open connection; closed when it is dropped.
#[derive(Debug)]
pub(super) struct Connection {
    db: Database,
    watch: Rc<Watch>,
    _on_version_change: Closure<dyn FnMut()>,
    _on_close: Closure<dyn FnMut()>,
}

#[derive(Debug, Default)]
struct Watch {
    lost: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Watch {
    fn lose(&self) {
        self.lost.set(true);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

impl Connection {
    /// Connects to the database `name`, made or upgraded where needed.
    pub(super) async fn open(name: &str) -> Result<Self, OpenError> {
        let db = migrations::open(name).await?;
        let watch = Rc::new(Watch::default());
        let on_version_change = Closure::<dyn FnMut()>::new({
            let (db, watch) = (db.clone(), watch.clone());
            move || {
                db.clone().close();
                watch.lose();
            }
        });
        let on_close = Closure::<dyn FnMut()>::new({
            let watch = watch.clone();
            move || watch.lose()
        });
        let raw = db.as_sys();
        raw.set_onversionchange(Some(on_version_change.as_ref().unchecked_ref()));
        raw.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Ok(Self { db, watch, _on_version_change: on_version_change, _on_close: on_close })
    }

    /// Closed by another tab or by the browser.
    pub(super) fn is_lost(&self) -> bool {
        self.watch.lost.get()
    }

    /// It was found closed.
    pub(super) fn lose(&self) {
        self.watch.lose();
    }

    /// Ready when it is lost. Wakes the last caller only.
    pub(super) fn poll_lost(&self, context: &mut Context<'_>) -> Poll<()> {
        if self.is_lost() {
            return Poll::Ready(());
        }
        let mut waker = self.watch.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

impl IdbStore {
    /// Has another tab or the browser closed the connection? A store that reads only connects anew with its next call; a
    /// writer must be [reopened](crate::store_queue::SyncStore::reopen), because what it knew of the database is void.
    pub fn is_lost(&self) -> bool {
        self.connection().is_lost()
    }

    pub(super) fn connection(&self) -> Rc<Connection> {
        self.0.connection.borrow().clone()
    }

    /// The connection, for one call.
    pub(super) async fn live(&self) -> Result<Rc<Connection>, StoreFailure> {
        if self.is_lost() {
            if self.is_writer() {
                return Err(StoreFailure::Other("the database was closed and is being opened again".into()));
            }
            self.reconnect().await?;
        }
        Ok(self.connection())
    }

    pub(super) async fn reconnect(&self) -> Result<(), OpenError> {
        let connection = Connection::open(&self.0.name).await?;
        // Another call may have been quicker.
        if self.is_lost() {
            self.0.forget();
            self.0.connection.replace(Rc::new(connection));
        }
        Ok(())
    }
}

impl Deref for Connection {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.db
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Before the closures are dropped: an event on its way must not call what is gone.
        let raw = self.db.as_sys();
        raw.set_onversionchange(None);
        raw.set_onclose(None);
        self.db.clone().close();
    }
}
