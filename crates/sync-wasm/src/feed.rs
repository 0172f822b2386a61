//! The input queue of the machine. The machine is drained after each input.
//!
//! [`Feed::push`] appends an input; only [`Feed::poll`] passes an input to the machine, and only when the machine is
//! drained. So no caller can pass two inputs in a row. A step of the host that depends on the result of an input
//! ([`Step::Admit`]) waits in the same queue.
//!
//! Every call of the machine goes through this module, so the [`Recorder`] is here.
//!
//! Bounds: one event adds two steps for each connected peer when a machine is created, and one input for each output of
//! the machine.

use std::collections::VecDeque;

use recording::Recorder;
use sync_core::{HeaderSync, Input, Output, id::PeerId, time::Instant};

/// The part of the machine that the feed uses.
pub trait Machine {
    /// See [`HeaderSync::handle_input`].
    fn handle_input(&mut self, now: Instant, input: Input);

    /// See [`HeaderSync::poll_output`].
    fn poll_output(&mut self, now: Instant) -> Output;
}

impl Machine for HeaderSync {
    fn handle_input(&mut self, now: Instant, input: Input) {
        Self::handle_input(self, now, input);
    }

    fn poll_output(&mut self, now: Instant) -> Output {
        Self::poll_output(self, now)
    }
}

/// One queued step.
#[derive(Debug)]
enum Step {
    Input(Input),
    Admit(PeerId),
}

/// The next work of the host.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "one exists at a time; as in `Output`")]
pub enum Work {
    /// An output of the machine.
    Output(Output),
    /// The machine is drained after all earlier steps: decide whether to report this peer to it.
    Admit(PeerId),
}

/// The machine and its queue.
#[derive(Debug)]
pub struct Feed<M = HeaderSync> {
    /// `None` until the chain is known, and while the store is not open.
    machine: Option<M>,
    steps: VecDeque<Step>,
    drained: bool,
    /// When the machine needs [`Input::Timeout`].
    due: Option<Instant>,
    recorder: Recorder,
}

impl<M> Feed<M> {
    /// A feed without a machine. `recorder` records every later machine.
    pub fn new(recorder: Recorder) -> Self {
        Self { machine: None, steps: VecDeque::new(), drained: true, due: None, recorder }
    }
}

impl<M: Machine> Feed<M> {
    /// Read access to the machine; `None` if there is none.
    pub fn machine(&self) -> Option<&M> {
        self.machine.as_ref()
    }

    /// Replaces the machine and drops the queued steps of the old one. The caller registers a new machine with
    /// [`Feed::recorder_mut`].
    pub fn replace(&mut self, machine: Option<M>) {
        self.steps.clear();
        // A new machine has work before any input.
        self.drained = machine.is_none();
        self.due = None;
        self.machine = machine;
    }

    /// The recording so far.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// The recorder, to register a new machine.
    pub fn recorder_mut(&mut self) -> &mut Recorder {
        &mut self.recorder
    }

    /// Appends an input. Without a machine it is dropped: a new machine receives the current state.
    pub fn push(&mut self, input: Input) {
        if self.machine.is_some() {
            self.steps.push_back(Step::Input(input));
        }
    }

    /// Appends the decision whether to report a peer to the machine.
    pub fn push_admit(&mut self, peer: PeerId) {
        if self.machine.is_some() {
            self.steps.push_back(Step::Admit(peer));
        }
    }

    /// When the machine needs [`Input::Timeout`]; `None` while it has work.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The next work; `None` when the queue is empty and the machine is drained.
    pub fn poll(&mut self, now: Instant) -> Option<Work> {
        let machine = self.machine.as_mut()?;
        loop {
            if !self.drained {
                let output = machine.poll_output(now);
                self.recorder.output(now, &output);
                match output {
                    Output::Timeout(wakeup) => {
                        self.due = wakeup.map(|wakeup| wakeup.at);
                        self.drained = true;
                    }
                    output => return Some(Work::Output(output)),
                }
            }
            match self.steps.pop_front()? {
                Step::Admit(peer) => return Some(Work::Admit(peer)),
                Step::Input(input) => {
                    self.recorder.input(now, &input);
                    machine.handle_input(now, input);
                    self.drained = false;
                    self.due = None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use sync_core::{Timer, Wakeup};

    use super::*;

    fn feed() -> Feed<Counting> {
        Feed::new(Recorder::new(0))
    }

    /// Returns one output for each input, and records the order of calls.
    struct Counting {
        calls: Rc<RefCell<Vec<&'static str>>>,
        outputs: u32,
    }

    impl Machine for Counting {
        fn handle_input(&mut self, _: Instant, _: Input) {
            assert_eq!(self.outputs, 0, "an input before the machine was drained");
            self.outputs = 1;
            self.calls.borrow_mut().push("input");
        }

        fn poll_output(&mut self, _: Instant) -> Output {
            match std::mem::take(&mut self.outputs) {
                0 => Output::Timeout(Some(Wakeup { at: Instant::from_millis(9), timer: Timer::Progress })),
                _ => {
                    self.calls.borrow_mut().push("output");
                    Output::Cancel(sync_core::id::RequestId(0))
                }
            }
        }
    }

    #[test]
    fn the_machine_is_drained_between_any_two_inputs() {
        let calls = Rc::default();
        let mut feed = feed();
        feed.push(Input::Timeout);
        assert!(feed.poll(Instant::ZERO).is_none(), "no machine takes it");
        feed.replace(Some(Counting { calls: Rc::clone(&calls), outputs: 0 }));
        feed.push(Input::Paused(true));
        feed.push(Input::Timeout);
        feed.push_admit(PeerId(7));
        feed.push(Input::Paused(false));
        let mut admitted_after = None;
        while let Some(work) = feed.poll(Instant::ZERO) {
            if matches!(work, Work::Admit(PeerId(7))) {
                admitted_after = Some(calls.borrow().len());
                // Pushed during a poll: queued like every other input.
                feed.push(Input::Timeout);
            }
        }
        assert_eq!(*calls.borrow(), ["input", "output"].repeat(4));
        assert_eq!(admitted_after, Some(4), "after the outputs of what was pushed before it");
        assert_eq!(feed.due(), Some(Instant::from_millis(9)));
    }

    #[test]
    fn what_waited_for_a_machine_is_dropped_with_it() {
        let calls = Rc::default();
        let mut feed = feed();
        feed.replace(Some(Counting { calls: Rc::clone(&calls), outputs: 0 }));
        feed.push(Input::Timeout);
        feed.push_admit(PeerId(1));
        feed.replace(Some(Counting { calls: Rc::clone(&calls), outputs: 0 }));
        assert!(feed.poll(Instant::ZERO).is_none());
        assert!(calls.borrow().is_empty());
    }
}
