//! The browser's clock and event loop.
//!
//! [`now`] is `performance.now()`: monotonic, from the start of the worker. [`Turns`] yields to the event loop.
//! `setTimeout(0)` is clamped to 4 ms once it nests, so a turn is a message that the worker posts to itself; it arrives
//! after all waiting tasks (some 20 us).

use std::{cell::RefCell, rc::Rc, time::Duration};

use futures::channel::oneshot;
use gloo_timers::future::TimeoutFuture;
use sync_core::time::Instant;
use wasm_bindgen::{JsCast, JsValue, prelude::*};
use web_sys::{MessageChannel, MessagePort};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
}

/// Longest single timer: `setTimeout` takes a signed 32-bit count of milliseconds. For a later time the caller sets the
/// timer again.
const TIMER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Time since the worker started.
pub fn now() -> Instant {
    Instant::from_micros((performance_now() * 1_000.0) as u64)
}

/// Milliseconds since the worker started, for measuring.
pub fn now_ms() -> f64 {
    performance_now()
}

/// Milliseconds since 1970, by the wall clock: for data that outlives the session. It may jump, also backwards.
pub fn wall_ms() -> u64 {
    js_sys::Date::now() as u64
}

/// A timer that fires at `when`, never earlier: a deadline has passed when it fires. Cleared when dropped.
pub fn timer(when: Instant) -> TimeoutFuture {
    let left = when.saturating_since(now()).min(TIMER_MAX);
    TimeoutFuture::new(left.as_micros().div_ceil(1_000) as u32)
}

/// A timer that fires after `span`. Cleared when dropped.
pub fn sleep(span: Duration) -> TimeoutFuture {
    TimeoutFuture::new(span.min(TIMER_MAX).as_millis() as u32)
}

/// Yields to the event loop. One for each worker; clones share it.
#[derive(Clone)]
pub struct Turns {
    port: MessagePort,
    /// Tasks that wait for the posted message: in practice only the driver.
    waiting: Rc<RefCell<Vec<oneshot::Sender<()>>>>,
}

impl Turns {
    /// Opens the channel. It lives as long as the worker: its closure is leaked to the browser.
    pub fn new() -> Result<Self, JsValue> {
        let channel = MessageChannel::new()?;
        let waiting = Rc::new(RefCell::new(Vec::<oneshot::Sender<()>>::new()));
        let woken = waiting.clone();
        let onmessage = Closure::<dyn FnMut()>::new(move || {
            for waiter in woken.take() {
                // The waiting task may be dropped already.
                let _ = waiter.send(());
            }
        });
        channel.port2().set_onmessage(Some(onmessage.as_ref().unchecked_ref()));
        onmessage.forget();
        Ok(Self { port: channel.port1(), waiting })
    }

    /// Returns after every task that already waits in the event loop.
    pub async fn turn(&self) {
        let (waiter, woken) = oneshot::channel();
        self.waiting.borrow_mut().push(waiter);
        if self.port.post_message(&JsValue::NULL).is_ok() {
            // The sender is only dropped with the worker.
            let _ = woken.await;
        }
    }
}

/// Lets the other futures of this worker run first, without a turn of the event loop.
pub async fn let_others_run() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
