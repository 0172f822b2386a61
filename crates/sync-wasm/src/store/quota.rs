//! Storage quota of this site, and whether the browser may evict its data.
//!
//! A worker can query both. It cannot request persistence: `navigator.storage.persist()` exists on the page only, where
//! the browser may show a prompt, so the page must call it.

use js_sys::Reflect;
use sync_core::fault::StoreFailure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{StorageEstimate, StorageManager};

use super::error::js_text;

/// Storage figures of the browser for this origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StorageQuota {
    /// Bytes in use, over all databases and caches of the origin; browsers round it.
    pub usage_bytes: u64,
    /// Bytes that may be in use.
    pub quota_bytes: u64,
    /// The browser does not evict the data when the disk runs low.
    pub persisted: bool,
}

/// Queries the browser. `Ok(None)` where it has no such API (not a secure context).
pub async fn storage_quota() -> Result<Option<StorageQuota>, StoreFailure> {
    let Some(storage) = manager() else { return Ok(None) };
    let estimate = storage.estimate().map_err(other)?;
    let estimate: StorageEstimate = JsFuture::from(estimate).await.map_err(other)?.unchecked_into();
    let persisted = storage.persisted().map_err(other)?;
    let persisted = JsFuture::from(persisted).await.map_err(other)?.is_truthy();
    // `as` saturates: no figure of the browser can make this fail.
    let bytes = |figure: Option<f64>| figure.unwrap_or(0.0) as u64;
    Ok(Some(StorageQuota {
        usage_bytes: bytes(estimate.get_usage()),
        quota_bytes: bytes(estimate.get_quota()),
        persisted,
    }))
}

fn manager() -> Option<StorageManager> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    let storage = Reflect::get(&navigator, &"storage".into()).ok()?;
    storage.is_object().then(|| storage.unchecked_into())
}

fn other(error: JsValue) -> StoreFailure {
    StoreFailure::Other(js_text(&error))
}
