//! Position of the background audit, a value of the meta table: written under the headers' lock and removed with the
//! headers.

use std::task::{Context, Poll};

use header_store::{HeaderStore, StoreOpening};
use sync_core::fault::StoreFailure;

use super::{
    IdbStore, OpenError,
    index::IndexState,
    rows::{META_AUDIT, Table, bytes_of, to_js},
    transaction::Tx,
};
use crate::store_queue::{ReopenFailure, SyncStore, audit::AuditPlace};

impl SyncStore for IdbStore {
    fn poll_lost(&self, context: &mut Context<'_>) -> Poll<()> {
        self.connection().poll_lost(context)
    }

    async fn reopen(&mut self) -> Result<StoreOpening, ReopenFailure> {
        self.reconnect().await.map_err(|error| match error {
            OpenError::Newer { .. } | OpenError::Unavailable(_) => ReopenFailure::Final(error.to_string()),
            OpenError::Blocked { .. } | OpenError::Held { .. } | OpenError::Failed(_) => {
                ReopenFailure::Passing(error.into())
            }
        })?;
        self.open().await.map_err(ReopenFailure::Passing)
    }

    /// `None` also while the index needs a rebuild: that requires a walk from the top.
    async fn audit_place(&self) -> Result<Option<AuditPlace>, StoreFailure> {
        let connection = self.live().await?;
        let tx = Tx::read(&connection, &[Table::Meta])?;
        if IndexState::load(&tx).await?.is_none_or(|state| state.rebuild) {
            return Ok(None);
        }
        let value = tx.get(Table::Meta, META_AUDIT).await?;
        Ok(value.and_then(bytes_of).as_deref().and_then(AuditPlace::decode))
    }

    /// Not durable: a loss repeats a part of the audit.
    async fn keep_audit_place(&mut self, place: AuditPlace) -> Result<(), StoreFailure> {
        self.writable()?;
        let connection = self.live().await?;
        let tx = Tx::write_relaxed(&connection, &[Table::Meta])?;
        tx.put(Table::Meta, META_AUDIT, to_js(&place.encode())).await?;
        tx.commit().await
    }
}
