//! Event handlers of a JavaScript object.
//!
//! A Rust closure that JavaScript calls must not be freed while it runs, nor be called afterwards. So when the owner is
//! dropped, every handler is detached from its object first (queued events then do nothing), and the closures are freed
//! in a task of their own, when no callback can be on the stack.

use js_sys::Reflect;
use wasm_bindgen::{JsValue, prelude::Closure};
use wasm_bindgen_futures::spawn_local;

/// A handler, called with the event.
type Handler = Closure<dyn Fn(JsValue)>;

/// Handlers of one object; detached when dropped.
pub(crate) struct Handlers {
    target: JsValue,
    attached: Vec<(&'static str, Handler)>,
}

impl Handlers {
    /// For an object with handler properties (for example `onmessage`).
    pub(crate) fn new(target: &JsValue) -> Self {
        Self { target: target.clone(), attached: Vec::new() }
    }

    /// Sets the property `name` to a function that calls `handler` with the event.
    pub(crate) fn on(mut self, name: &'static str, handler: impl Fn(JsValue) + 'static) -> Self {
        let closure = Handler::new(handler);
        set(&self.target, name, closure.as_ref());
        self.attached.push((name, closure));
        self
    }
}

impl Drop for Handlers {
    fn drop(&mut self) {
        for (name, _) in &self.attached {
            set(&self.target, name, &JsValue::NULL);
        }
        let closures = std::mem::take(&mut self.attached);
        spawn_local(async move { drop(closures) });
    }
}

fn set(target: &JsValue, name: &str, value: &JsValue) {
    // Fails only for a non-object or a frozen object; ports and channels are neither.
    let set = Reflect::set(target, &name.into(), value);
    debug_assert!(set.is_ok(), "{name} cannot be set");
}
