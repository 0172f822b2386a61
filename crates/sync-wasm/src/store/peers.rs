//! Peer data, as one value of bytes that this module does not interpret ([`KeptPeers`](crate::network::kept::KeptPeers)
//! does). It has its own table, so that its transactions and those of the headers do not wait for each other. It is
//! written without waiting for the disk: its loss costs little.

use js_sys::Uint8Array;
use sync_core::fault::StoreFailure;
use wasm_bindgen::JsCast;

use super::{
    IdbStore,
    rows::{PEERS_BOOK, Table, to_js},
    transaction::Tx,
};
use crate::network::kept::KEPT_BYTES_MAX;

impl IdbStore {
    /// The last written value; `None` if there is none. A value that [`write_peers`](Self::write_peers) never writes
    /// (no byte array, or over [`KEPT_BYTES_MAX`]) is [`StoreFailure::Damaged`]; it is not copied.
    pub async fn read_peers(&self) -> Result<Option<Vec<u8>>, StoreFailure> {
        let connection = self.live().await?;
        let Some(value) = Tx::read(&connection, &[Table::Peers])?.get(Table::Peers, PEERS_BOOK).await? else {
            return Ok(None);
        };
        let bytes = value.dyn_ref::<Uint8Array>().filter(|bytes| bytes.length() as usize <= KEPT_BYTES_MAX);
        let damaged = || StoreFailure::Damaged("no bytes, or too many".into());
        bytes.map(|bytes| Some(bytes.to_vec())).ok_or_else(damaged)
    }

    /// Replaces the value. Only the writer may call this.
    pub async fn write_peers(&self, bytes: &[u8]) -> Result<(), StoreFailure> {
        self.writable()?;
        let connection = self.live().await?;
        let tx = Tx::write_relaxed(&connection, &[Table::Peers])?;
        tx.put(Table::Peers, PEERS_BOOK, to_js(bytes)).await?;
        tx.commit().await
    }
}
