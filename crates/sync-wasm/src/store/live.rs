//! The store's connection: the current one, its replacement when it is lost, and the write permission.

use std::rc::Rc;

use sync_core::fault::StoreFailure;

use super::{IdbStore, connection::Connection, error::OpenError, migrations};

impl IdbStore {
    /// Has another tab or the browser closed the connection? A read-only store reconnects with its next call; a writer
    /// must be [reopened](crate::store_queue::SyncStore::reopen), because its view of the database is void.
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
        let connection = migrations::connect(&self.0.name).await?;
        // Another call may have reconnected first.
        if self.is_lost() {
            self.0.forget();
            self.0.connection.replace(Rc::new(connection));
        }
        Ok(())
    }

    pub(super) fn writable(&self) -> Result<(), StoreFailure> {
        if self.is_writer() { Ok(()) } else { Err(StoreFailure::Locked) }
    }
}
