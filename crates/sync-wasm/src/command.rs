//! What the page, a look-up or another tab asks of the running sync, and how a sync says that it ended.

use header_rules::range::BlockNumber;

use crate::{
    message::{Call, Hint, Progress, WorkerEvent},
    port::Port,
};

/// What waits for the present phase.
#[derive(Debug)]
pub enum Command {
    /// The page calls.
    Call {
        /// Comes back in the reply.
        id: f64,
        /// What.
        call: Call,
    },
    /// The page saw something.
    Hint(Hint),
    /// A look-up met damage.
    Damaged(BlockNumber),
    /// A tab that follows wants to hear how far we are.
    FollowerJoined,
}

/// How a sync ended that did not fail.
pub enum Ended {
    /// The page stopped it, and everything is closed.
    Stopped(Stopped),
    /// Another tab has taken the lock of the store: the page starts a worker anew, and this one is ended.
    LockLost,
}

/// How a sync ended that the page stopped.
pub struct Stopped {
    /// The call to answer; `None` when nobody called.
    pub id: Option<f64>,
    /// The last word.
    pub progress: Box<Progress>,
}

/// Tells the page a state, and the figures in it.
pub fn show_progress(port: &Port, progress: Progress) {
    let state = progress.state;
    port.event(&WorkerEvent::Progress { progress });
    port.event(&WorkerEvent::State { state, stall: None });
}
