//! One writer for each store, over all tabs of an origin: a Web Lock.
//!
//! The tab that holds the [`WriteLock`] of a store writes it. Every other tab is a reader tab, and may
//! [wait](WriteLock::wait) for the lock. The browser releases a lock when its worker ends for any reason, so a crashed
//! tab never blocks the next one. Locks exist in workers and only in secure contexts (https, localhost).
//!
//! ```ignore
//! match WriteLock::try_acquire("headlight-1").await? {
//!     Acquired::Held(lock) => store.grant(lock),
//!     Acquired::Busy => store.grant(WriteLock::wait("headlight-1")?.await?), // and read meanwhile
//! }
//! ```
//!
//! A tab that the browser has suspended keeps its lock. So a waiting tab that receives nothing from the holder may
//! [steal](WriteLock::steal) it. The holder notices ([`WriteLock::lost`], [`WriteLock::is_held`]) and stops writing.
//! Writes before it notices are rejected in the database itself (`fence`). Any script of the origin can take a lock
//! with the same name, or steal ours; that is the page's own code, not an attacker's.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::{
    FutureExt,
    channel::oneshot,
    future::{Either, LocalBoxFuture, select},
};
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::AbortController;

use super::error::js_text;
use crate::clock;

/// Longest wait for the browser to report whether a lock is free. It responds in a millisecond, unless the browser
/// process hangs.
pub(super) const QUERY_WAIT_MAX: Duration = Duration::from_secs(10);

/// Prefix of our lock names, so that they match no other lock of the page.
const LOCK_PREFIX: &str = "headlight-write:";

// `web_sys::LockManager` needs `web_sys_unstable_apis`, a flag for the whole build; the API itself has been in every
// engine since 2022. One method is enough.
#[wasm_bindgen]
extern "C" {
    type LockManager;

    #[wasm_bindgen(method, catch)]
    fn request(this: &LockManager, name: &str, options: &Object, granted: &Function) -> Result<Promise, JsValue>;
}

/// Why a lock request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// `navigator.locks` is missing: an old browser, or a page that is not a secure context.
    #[error("this page has no Web Locks; it must be served over https or from localhost")]
    Unsupported,
    /// The browser refused the request.
    #[error("lock request failed: {0}")]
    Failed(String),
}

/// Ends when another tab has stolen our lock; see [`WriteLock::lost`].
pub type LockLost = LocalBoxFuture<'static, ()>;

/// Result of [`WriteLock::try_acquire`].
#[derive(Debug)]
pub enum Acquired {
    /// The lock is ours.
    Held(WriteLock),
    /// Another tab holds it.
    Busy,
}

/// The right to write one store. Released on drop.
#[derive(Debug)]
pub struct WriteLock {
    /// Settles the promise that holds the lock.
    release: Function,
    held: Rc<Cell<bool>>,
    /// Notified when the lock is stolen; moved out by [`WriteLock::lost`].
    lost: Option<oneshot::Receiver<()>>,
}

impl WriteLock {
    /// Takes the lock of the store `name` if it is free. Does not wait for another tab, and at most [`QUERY_WAIT_MAX`] for
    /// the browser.
    pub async fn try_acquire(name: &str) -> Result<Acquired, LockError> {
        let options = Object::new();
        set(&options, "ifAvailable", &JsValue::TRUE)?;
        // A lock that is granted later has no receiver and is released.
        let Either::Left((granted, _)) = select(request(name, &options)?, clock::sleep(QUERY_WAIT_MAX)).await else {
            let seconds = QUERY_WAIT_MAX.as_secs();
            return Err(LockError::Failed(format!("the browser did not answer within {seconds} seconds")));
        };
        match granted {
            Ok(Grant::Held(lock)) => Ok(Acquired::Held(lock)),
            Ok(Grant::Busy) => Ok(Acquired::Busy),
            Ok(Grant::Failed(reason)) => Err(LockError::Failed(reason)),
            Err(oneshot::Canceled) => Err(LockError::Failed("request was dropped".into())),
        }
    }

    /// A future that ends when the lock of the store `name` is ours. Dropping it withdraws the request.
    pub fn wait(name: &str) -> Result<LockWait, LockError> {
        let abort = AbortController::new().map_err(|error| LockError::Failed(js_text(&error)))?;
        let options = Object::new();
        set(&options, "signal", &abort.signal())?;
        Ok(LockWait { granted: request(name, &options)?, abort })
    }

    /// Takes the lock of the store `name` from its holder. For a holder that does not respond: a suspended tab keeps
    /// its lock. The holder notices when it wakes ([`lost`](Self::lost)), and the store rejects its writes from then
    /// on.
    pub async fn steal(name: &str) -> Result<Self, LockError> {
        let options = Object::new();
        set(&options, "steal", &JsValue::TRUE)?;
        match request(name, &options)?.await {
            Ok(Grant::Held(lock)) => Ok(lock),
            Ok(Grant::Busy) => Err(LockError::Failed("refused although we steal".into())),
            Ok(Grant::Failed(reason)) => Err(LockError::Failed(reason)),
            Err(oneshot::Canceled) => Err(LockError::Failed("request was dropped".into())),
        }
    }

    /// A future that ends only when the lock is stolen. Only the first call returns one that ends.
    pub fn lost(&mut self) -> LockLost {
        let lost = self.lost.take();
        async move {
            let stolen = match lost {
                Some(lost) => lost.await.is_ok(),
                None => false,
            };
            if !stolen {
                // Released by this tab.
                std::future::pending().await
            }
        }
        .boxed_local()
    }

    /// Is the lock still ours? It is held until dropped, unless a script of the page steals it.
    pub fn is_held(&self) -> bool {
        self.held.get()
    }
}

impl Drop for WriteLock {
    fn drop(&mut self) {
        // Resolving a promise cannot fail, and no caller could handle a failure.
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

/// Waits for a lock; see [`WriteLock::wait`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct LockWait {
    granted: oneshot::Receiver<Grant>,
    abort: AbortController,
}

impl Future for LockWait {
    type Output = Result<WriteLock, LockError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.granted).poll(cx)) {
            Ok(Grant::Held(lock)) => Ok(lock),
            Ok(Grant::Busy) => Err(LockError::Failed("refused although we wait".into())),
            Ok(Grant::Failed(reason)) => Err(LockError::Failed(reason)),
            Err(oneshot::Canceled) => Err(LockError::Failed("request was dropped".into())),
        })
    }
}

impl Drop for LockWait {
    fn drop(&mut self) {
        // No effect once the lock is granted: then the `WriteLock` releases it.
        self.abort.abort();
    }
}

/// The browser's response to a request.
#[derive(Debug)]
enum Grant {
    Held(WriteLock),
    Busy,
    Failed(String),
}

/// Sends one request. Its task owns the callback until the browser is done with it, so that a dropped callback is never
/// called. The task ends when the lock is released, or the request refused or withdrawn.
fn request(name: &str, options: &Object) -> Result<oneshot::Receiver<Grant>, LockError> {
    let (answer, granted) = oneshot::channel();
    let answer = Rc::new(RefCell::new(Some(answer)));
    let held = Rc::new(Cell::new(true));
    let (lose, lost) = oneshot::channel();
    let mut lost = Some(lost);

    let callback = Closure::<dyn FnMut(JsValue) -> JsValue>::new({
        let (answer, held) = (answer.clone(), held.clone());
        move |lock: JsValue| {
            let Some(answer) = answer.borrow_mut().take() else { return JsValue::UNDEFINED };
            if lock.is_null() || lock.is_undefined() {
                // The receiver may be gone: nothing to undo.
                let _ = answer.send(Grant::Busy);
                return JsValue::UNDEFINED;
            }
            let mut release = None;
            let keep = Promise::new(&mut |resolve, _| release = Some(resolve));
            // The executor of a promise runs before its constructor returns.
            let Some(release) = release else { return JsValue::UNDEFINED };
            // If the receiver is gone, the lock is returned here and dropped, which releases it.
            let _ = answer.send(Grant::Held(WriteLock { release, held: held.clone(), lost: lost.take() }));
            keep.into()
        }
    });

    let promise = manager()?
        .request(&format!("{LOCK_PREFIX}{name}"), options, callback.as_ref().unchecked_ref())
        .map_err(|error| LockError::Failed(js_text(&error)))?;
    spawn_local(async move {
        let outcome = JsFuture::from(promise).await;
        drop(callback);
        held.set(false);
        let Err(error) = outcome else { return };
        match answer.borrow_mut().take() {
            // A withdrawn request ends here too; then the receiver is gone.
            Some(answer) => drop(answer.send(Grant::Failed(js_text(&error)))),
            // It was ours. The `WriteLock` may be gone by now.
            None => drop(lose.send(())),
        }
    });
    Ok(granted)
}

/// `navigator.locks` of this page or worker.
fn manager() -> Result<LockManager, LockError> {
    let navigator = get(&js_sys::global(), "navigator")?;
    let locks = get(&navigator, "locks")?;
    Ok(locks.unchecked_into())
}

fn get(from: &JsValue, name: &str) -> Result<JsValue, LockError> {
    match Reflect::get(from, &name.into()) {
        Ok(value) if value.is_object() => Ok(value),
        Ok(_) | Err(_) => Err(LockError::Unsupported),
    }
}

fn set(object: &Object, name: &str, value: &JsValue) -> Result<(), LockError> {
    Reflect::set(object, &name.into(), value).map(drop).map_err(|error| LockError::Failed(js_text(&error)))
}
