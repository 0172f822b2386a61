//! One connection to the database, and how it ends.
//!
//! A connection is lost in three ways: another tab upgrades or deletes the database (`versionchange`; we close, or we
//! would block that tab for ever), the browser closes it (`close`: cleared site data, eviction, a disk error), or it is
//! found closed when a transaction begins. A lost connection never recovers: the caller must connect again.

use std::{
    cell::{Cell, RefCell},
    ops::Deref,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use indexed_db_futures::{database::Database, internals::SystemRepr};
use wasm_bindgen::{JsCast, closure::Closure};

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
    /// Watches an open database.
    pub(super) fn new(db: Database) -> Self {
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
        Self { db, watch, _on_version_change: on_version_change, _on_close: on_close }
    }

    /// Closed by another tab or by the browser.
    pub(super) fn is_lost(&self) -> bool {
        self.watch.lost.get()
    }

    /// Marks a connection that was found closed.
    pub(super) fn lose(&self) {
        self.watch.lose();
    }

    /// Ready when the connection is lost. Wakes the last caller only.
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

impl Deref for Connection {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.db
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Before the closures are dropped: a late event must not call a dropped closure.
        let raw = self.db.as_sys();
        raw.set_onversionchange(None);
        raw.set_onclose(None);
        self.db.clone().close();
    }
}
