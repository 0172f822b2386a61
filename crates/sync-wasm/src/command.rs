//! Commands to the running sync, from the page, a look-up or another tab; and the result of a sync that ended.

use header_rules::range::BlockNumber;

use crate::{
    message::{Call, Hint, Progress, WorkerEvent},
    port::Port,
};

/// A command in the queue of the current phase.
#[derive(Debug)]
pub enum Command {
    /// A call of the page.
    Call {
        /// Id of the call; repeated in the reply.
        id: f64,
        /// Method and arguments.
        call: Call,
    },
    /// A hint from the page.
    Hint(Hint),
    /// A look-up found a damaged segment.
    Damaged(BlockNumber),
    /// A reader tab joined and requests the progress.
    FollowerJoined,
}

/// How a sync ended without an error.
pub enum Ended {
    /// The page stopped it, and everything is closed.
    Stopped(Stopped),
    /// Another tab took the lock of the store: the page starts a new worker and terminates this one.
    LockLost,
}

/// The result of a sync that the page stopped.
pub struct Stopped {
    /// The call to reply to; `None` if there was no call.
    pub id: Option<f64>,
    /// The final progress.
    pub progress: Box<Progress>,
}

/// Sends the page a state and its figures.
pub fn show_progress(port: &Port, progress: Progress) {
    let state = progress.state;
    port.event(&WorkerEvent::Progress { progress });
    port.event(&WorkerEvent::State { state, stall: None });
}
