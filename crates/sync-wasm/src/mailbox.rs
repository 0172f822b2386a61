//! The queue of calls of the page and of notices, for the current phase of the worker.
//!
//! A **call** has a reply, so it is not dropped: as many wait as a page may have outstanding ([`CALLS_MAX`]). A
//! **notice** (a hint, damage that a look-up found, a tab that joined) is dropped when [`NOTICES_MAX`] wait already;
//! notices do not use the room of calls. The order is first in, first out.

use std::{
    cell::RefCell,
    collections::VecDeque,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use futures::Stream;

/// Queued calls: as many as a page may have outstanding (`CALLS_PENDING_MAX` of the package). Each takes some 100 B.
pub const CALLS_MAX: usize = 1_024;

/// Queued notices. The loop of a sync processes them within milliseconds.
pub const NOTICES_MAX: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Call,
    Notice,
}

struct Queue<T> {
    items: VecDeque<(Kind, T)>,
    waker: Option<Waker>,
    /// The receiver was dropped.
    closed: bool,
}

/// Why an item was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The queue has no room for this kind of item.
    Full,
    /// The receiver was dropped.
    Closed,
}

/// The sending half. Clones share the queue.
pub struct Sender<T>(Rc<RefCell<Queue<T>>>);

/// The receiving half.
pub struct Receiver<T>(Rc<RefCell<Queue<T>>>);

/// Creates a queue.
pub fn mailbox<T>() -> (Sender<T>, Receiver<T>) {
    let queue = Rc::new(RefCell::new(Queue { items: VecDeque::new(), waker: None, closed: false }));
    (Sender(queue.clone()), Receiver(queue))
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Sender<T> {
    /// Queues a call.
    pub fn call(&self, item: T) -> Result<(), Refused> {
        self.push(Kind::Call, CALLS_MAX, item)
    }

    /// Queues a notice.
    pub fn notify(&self, item: T) -> Result<(), Refused> {
        self.push(Kind::Notice, NOTICES_MAX, item)
    }

    fn push(&self, kind: Kind, limit: usize, item: T) -> Result<(), Refused> {
        let waker = {
            let mut queue = self.0.borrow_mut();
            if queue.closed {
                return Err(Refused::Closed);
            }
            if queue.items.iter().filter(|(waiting, _)| *waiting == kind).count() >= limit {
                return Err(Refused::Full);
            }
            queue.items.push_back((kind, item));
            queue.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }
}

impl<T> Stream for Receiver<T> {
    type Item = T;

    /// The oldest item. The stream does not end: the reader stops after a `stop` call.
    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut queue = self.0.borrow_mut();
        match queue.items.pop_front() {
            Some((_, item)) => Poll::Ready(Some(item)),
            None => {
                queue.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut queue = self.0.borrow_mut();
        queue.closed = true;
        queue.items.clear();
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, StreamExt};

    use super::*;

    fn drain<T>(receiver: &mut Receiver<T>) -> Vec<T> {
        std::iter::from_fn(|| receiver.next().now_or_never().flatten()).collect()
    }

    #[test]
    fn a_page_may_have_all_its_calls_here_and_notices_take_no_place_of_theirs() {
        let (sender, mut receiver) = mailbox();
        let notices = (0..10_000).filter(|item| sender.notify(*item).is_ok()).count();
        assert_eq!(notices, NOTICES_MAX);
        let calls = (0..CALLS_MAX).map(|item| sender.call(item)).collect::<Result<Vec<_>, _>>();
        assert!(calls.is_ok(), "the page's limit fits");
        assert_eq!(sender.call(0), Err(Refused::Full));
        let expected: Vec<_> = (0..NOTICES_MAX).chain(0..CALLS_MAX).collect();
        assert_eq!(drain(&mut receiver), expected, "in order, none is lost");
        assert_eq!(sender.call(1), Ok(()), "there is room again");
    }

    #[test]
    fn a_closed_mailbox_refuses_every_item() {
        let (sender, receiver) = mailbox();
        assert_eq!(sender.call(1), Ok(()));
        drop(receiver);
        assert_eq!((sender.call(2), sender.notify(3)), (Err(Refused::Closed), Err(Refused::Closed)));
    }

    #[test]
    fn a_waiting_receiver_is_woken() {
        let (sender, mut receiver) = mailbox();
        let (waker, woken) = futures_test_waker();
        let mut context = Context::from_waker(&waker);
        assert!(receiver.poll_next_unpin(&mut context).is_pending());
        assert_eq!(sender.clone().call(7), Ok(()));
        assert_eq!(woken.load(std::sync::atomic::Ordering::Relaxed), 1);
        assert_eq!(receiver.poll_next_unpin(&mut context), Poll::Ready(Some(7)));
    }

    fn futures_test_waker() -> (Waker, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
        struct Count(std::sync::Arc<std::sync::atomic::AtomicUsize>);
        impl futures::task::ArcWake for Count {
            fn wake_by_ref(count: &std::sync::Arc<Self>) {
                count.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
        let woken = std::sync::Arc::default();
        (futures::task::waker(std::sync::Arc::new(Count(std::sync::Arc::clone(&woken)))), woken)
    }
}
