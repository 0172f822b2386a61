//! The queue between what arrives in the worker and the phase that takes it: calls of the page, and notices.
//!
//! A **call** is answered, so it waits until its turn: as many as a page may have unanswered ([`CALLS_MAX`]). A **notice**
//! (a hint, damage that a look-up met, a tab that joined) is one of many of its kind: the one that finds
//! [`NOTICES_MAX`] waiting is dropped, and takes no call's place. All come out in the order in which they went in.

use std::{
    cell::RefCell,
    collections::VecDeque,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use futures::Stream;

/// Calls that wait: as many as a page may have unanswered (`CALLS_PENDING_MAX` of the package). Each costs some 100 bytes.
pub const CALLS_MAX: usize = 1_024;

/// Notices that wait. The loop of a sync takes them within milliseconds.
pub const NOTICES_MAX: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Call,
    Notice,
}

struct Queue<T> {
    items: VecDeque<(Kind, T)>,
    waker: Option<Waker>,
    /// Nobody takes anything any more.
    closed: bool,
}

/// Why an item was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// As many wait as may.
    Full,
    /// The receiver is gone.
    Closed,
}

/// Takes items in. Clones share the queue.
pub struct Sender<T>(Rc<RefCell<Queue<T>>>);

/// Gives items out.
pub struct Receiver<T>(Rc<RefCell<Queue<T>>>);

/// A new queue.
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
    /// Takes in a call.
    pub fn call(&self, item: T) -> Result<(), Refused> {
        self.push(Kind::Call, CALLS_MAX, item)
    }

    /// Takes in a notice.
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

    /// The oldest item. The stream does not end: whoever reads it knows by a call when to stop.
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
    fn nothing_is_taken_in_once_nobody_reads() {
        let (sender, receiver) = mailbox();
        assert_eq!(sender.call(1), Ok(()));
        drop(receiver);
        assert_eq!((sender.call(2), sender.notify(3)), (Err(Refused::Closed), Err(Refused::Closed)));
    }

    #[test]
    fn whoever_waits_is_woken() {
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
