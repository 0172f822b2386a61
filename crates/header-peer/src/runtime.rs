//! The threads that drive the connections.
//!
//! webrtc-rs passes every packet to a blocking thread and back, so a packet costs two wake-ups; if the two threads run
//! on different cores, waking costs more than the work on the packet. Measured on two cores, one browser in turn with
//! the peer on one core and on both: 16.5 and 18.2 MB/s against 12.4 and 12.4. So by default everything runs on one
//! core, and a peer with many clients gets more threads. More threads with many clients were not measured.
//!
//! Always tokio's multi-threaded scheduler, even with one thread: on its single-threaded one a busy connection starves
//! the handshakes of the others.

use std::{io, num::NonZeroUsize};

use tokio::runtime::{Builder, Runtime};

/// A runtime with this many threads for connections. A single thread, with its helpers, stays on one core if the system
/// allows it.
///
/// # Errors
///
/// The system grants no more threads.
pub fn build(threads: NonZeroUsize) -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(threads.get()).enable_all();
    if threads.get() == 1
        && let Some(core) = any_core()
    {
        builder.on_thread_start(move || {
            // If the call fails, the system places the thread: slower, not wrong.
            let _ = core_affinity::set_for_current(core);
        });
    }
    builder.build()
}

/// One of the cores that this process may use, chosen by process id, so that several peers spread over the cores.
fn any_core() -> Option<core_affinity::CoreId> {
    let cores = core_affinity::get_core_ids()?;
    let turn = std::process::id() as usize;
    cores.get(turn % cores.len().max(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_work_and_blocking_work() {
        for threads in [1, 2] {
            let runtime = build(NonZeroUsize::new(threads).expect("not zero")).expect("threads");
            let sum = runtime.block_on(async {
                let blocking = tokio::task::spawn_blocking(|| 1);
                let task = tokio::spawn(async { 2 });
                blocking.await.expect("ran") + task.await.expect("ran")
            });
            assert_eq!(sum, 3);
        }
    }
}
