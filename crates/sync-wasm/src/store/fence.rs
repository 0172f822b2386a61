//! Rejects a writer whose lock was stolen and that has not noticed yet.
//!
//! A suspended tab may wake in the middle of its work: its next write may run before the loss of its lock is reported.
//! So each writer draws a token when it is granted the lock, stores it in the database when it opens the store, and
//! compares it in each transaction that writes headers. Another token means that the store has a newer writer: nothing
//! is written ([`StoreFailure::Locked`]).
//!
//! Peer data is written without this check: only the lock guards it, and its loss costs little.

use std::cell::Cell;

use sync_core::fault::StoreFailure;

use super::{
    connection::Connection,
    rows::{META_WRITER, Table, bytes_of, to_js},
    transaction::Tx,
};

/// Bytes of a token, as they are stored.
type Token = [u8; 8];

/// Number of values of JavaScript's random numbers: 2^53.
const TOKEN_VALUES: f64 = 9_007_199_254_740_992.0;

/// The token of this writer.
#[derive(Debug, Default)]
pub(super) struct Fence {
    token: Cell<Token>,
    /// Our token was seen in the database. Before that, a token there is an earlier writer's.
    claimed: Cell<bool>,
}

impl Fence {
    /// Draws a new token: the lock was granted.
    pub(super) fn grant(&self) {
        self.token.set(((js_sys::Math::random() * TOKEN_VALUES) as u64).to_be_bytes());
        self.claimed.set(false);
    }

    /// Stores the token. A full disk does not prevent opening the store: then the first write stores it.
    pub(super) async fn claim(&self, db: &Connection) -> Result<(), StoreFailure> {
        let tx = Tx::write_relaxed(db, &[Table::Meta])?;
        self.check(&tx).await?;
        match tx.commit().await {
            Ok(()) => self.claimed.set(true),
            Err(StoreFailure::Full) => {}
            Err(failure) => return Err(failure),
        }
        Ok(())
    }

    /// Begins a transaction that writes headers; `tables` contain [`Table::Meta`].
    pub(super) async fn write<'db>(&self, db: &'db Connection, tables: &[Table]) -> Result<Tx<'db>, StoreFailure> {
        let tx = Tx::write(db, tables)?;
        self.check(&tx).await?;
        Ok(tx)
    }

    async fn check(&self, tx: &Tx<'_>) -> Result<(), StoreFailure> {
        let stored = tx.get(Table::Meta, META_WRITER).await?.and_then(bytes_of);
        let token = self.token.get();
        match stored {
            Some(stored) if stored == token => self.claimed.set(true),
            Some(_) if self.claimed.get() => return Err(StoreFailure::Locked),
            Some(_) | None => self.put(tx).await?,
        }
        Ok(())
    }

    /// Writes the token, also after the table was emptied.
    pub(super) async fn put(&self, tx: &Tx<'_>) -> Result<(), StoreFailure> {
        tx.put(Table::Meta, META_WRITER, to_js(&self.token.get())).await
    }
}
