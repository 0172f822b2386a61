//! What the page, a look-up or another tab asks of the running sync, and how a sync says that it ended.

use futures::{StreamExt, channel::mpsc};
use sync_core::range::BlockNumber;

use crate::{
    message::{Call, Hint, Progress, WorkerEvent},
    port::Port,
};

/// Calls that wait; a page that awaits its calls has a handful.
pub const CALLS_MAX: usize = 256;

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

/// How a sync ended that the page stopped.
pub struct Stopped {
    /// The call to answer; `None` when nobody called.
    pub id: Option<f64>,
    /// The last word.
    pub progress: Progress,
}

/// The next command of the page; never, once the page's end is gone.
pub async fn next_command(commands: &mut mpsc::Receiver<Command>) -> Command {
    match commands.next().await {
        Some(command) => command,
        None => std::future::pending().await,
    }
}

/// Tells the page a state, and the figures in it.
pub fn show_progress(port: &Port, progress: Progress) {
    let state = progress.state;
    port.event(&WorkerEvent::Progress { progress });
    port.event(&WorkerEvent::State { state, stall: None });
}
