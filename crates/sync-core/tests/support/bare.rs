//! The machine without a world: the test is its host, at one moment that does not pass, and sees each output.

use std::iter;

use sync_core::{
    HeaderSync, HeadersRequest, Input, Output, StartBlock, SyncConfig, SyncTarget, id::PeerId, time::Instant,
};

use super::{Chain, TestPeer};

/// Outputs until the machine is drained, at most: more than any one input can cause.
const OUTPUTS_MAX: usize = 10_000;

pub struct Bare<'a> {
    pub machine: HeaderSync,
    pub now: Instant,
    chain: &'a Chain,
}

impl<'a> Bare<'a> {
    /// A machine that wants the tip of `chain`, and `peers` peers that serve it, from 1 on.
    pub fn new(chain: &'a Chain, peers: u32) -> Self {
        let machine = HeaderSync::new(SyncConfig::default(), chain.spec(), None);
        let mut bare = Self { machine, now: Instant::from_millis(1), chain };
        bare.input(Input::TargetChanged(SyncTarget::Hash(chain.tip().hash)));
        for id in 1..=peers {
            bare.input(Input::PeerConnected { peer: PeerId(id), status: TestPeer::new(chain).status() });
        }
        bare
    }

    /// The same, after the response to the probe for the target; and the requests for headers that follow.
    pub fn with_requests(chain: &'a Chain, peers: u32) -> (Self, Vec<HeadersRequest>) {
        let mut bare = Self::new(chain, peers);
        let probe = bare.requests()[0];
        bare.respond(&probe);
        let open = bare.requests();
        (bare, open)
    }

    pub fn input(&mut self, input: Input) {
        self.machine.handle_input(self.now, input);
    }

    /// Everything the machine wants until it is drained.
    pub fn drain(&mut self) -> Vec<Output> {
        let poll = || Some(self.machine.poll_output(self.now)).filter(|output| !matches!(output, Output::Timeout(_)));
        let outputs: Vec<_> = iter::from_fn(poll).take(OUTPUTS_MAX).collect();
        assert!(outputs.len() < OUTPUTS_MAX, "it drains");
        outputs
    }

    /// The requests among it.
    pub fn requests(&mut self) -> Vec<HeadersRequest> {
        requests(&self.drain())
    }

    /// The chain's response to a request.
    pub fn response_to(&self, request: &HeadersRequest) -> Input {
        let top = match request.start {
            StartBlock::Number(number) => number,
            StartBlock::Hash(hash) => self.chain.number_of(hash).expect("a block of the chain"),
        };
        let falling = (0..=top).rev().take(usize::from(request.limit));
        let headers = falling.map(|number| self.chain.headers[number as usize].clone()).collect();
        Input::HeadersReceived { request: request.id, headers }
    }

    /// Responds to it.
    pub fn respond(&mut self, request: &HeadersRequest) {
        let response = self.response_to(request);
        self.input(response);
    }
}

pub fn requests(outputs: &[Output]) -> Vec<HeadersRequest> {
    let requests = outputs.iter().filter_map(|output| match output {
        Output::Request(request) => Some(*request),
        _ => None,
    });
    requests.collect()
}
