//! The machine driven from a file of headers: `cargo run -p sync-core --example from_file -- FILE`.
//!
//! The file holds the RLP of headers one after the other, rising from block 0. One peer serves all of them, and the store
//! is a set of numbers: what is left is the loop that every host has. `header-maker` makes such a file:
//! `cargo run -p header-maker --example to_file -- 10000 FILE`.

use std::{collections::VecDeque, error::Error};

use alloy_primitives::{B256, keccak256};
use alloy_rlp::Header as RlpHeader;
use bytes::Bytes;
use header_rules::chain::ChainSpec;
use sync_core::{
    Event, HeaderSync, HeadersRequest, Input, Output, PeerStatus, ServedRange, StartBlock, SyncConfig, SyncTarget,
    id::PeerId, time::Instant,
};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("from_file FILE")?;
    let headers = cut(&std::fs::read(path)?.into())?;
    let (Some(genesis), Some(tip)) = (headers.first(), headers.last()) else { return Err("an empty file".into()) };
    let (genesis, tip, latest) = (keccak256(genesis), keccak256(tip), headers.len() as u64 - 1);

    let mut machine = HeaderSync::new(SyncConfig::default(), ChainSpec::generated(genesis), None);
    let chain_id = ChainSpec::generated(genesis).id();
    let served = ServedRange { earliest: 0, latest, latest_hash: tip };
    let status = PeerStatus { chain_id, genesis: Some(genesis), served };
    let mut inputs =
        VecDeque::from([Input::TargetChanged(SyncTarget::Hash(tip)), Input::PeerConnected { peer: PeerId(0), status }]);
    // Everything here takes no time. A host with a clock and a network hands in the time of each input.
    let now = Instant::ZERO;
    while let Some(input) = inputs.pop_front() {
        machine.handle_input(now, input);
        loop {
            match machine.poll_output(now) {
                Output::Request(request) => {
                    let headers = respond(&headers, tip, &request);
                    inputs.push_back(Input::HeadersReceived { request: request.id, headers });
                }
                Output::Persist(batch) => {
                    println!("store {} headers", batch.headers().len());
                    inputs.push_back(Input::BatchPersisted { batch: batch.id() });
                }
                Output::Event(Event::Synced { .. }) => println!("synced: blocks 0 to {latest}, tip {tip}"),
                Output::Event(event) => println!("{event:?}"),
                Output::Penalize { .. } => println!("the headers of the file are invalid"),
                // Drained. With a clock: wait for the next input, at most until this time.
                Output::Timeout(_) => break,
                other => println!("{other:?}"),
            }
        }
    }
    let progress = machine.progress(now);
    println!("{} of {} headers stored, {:?}", progress.stored, progress.total, progress.stage);
    Ok(())
}

/// Falling headers from the one that is asked for, as a peer sends them.
fn respond(headers: &[Bytes], tip: B256, request: &HeadersRequest) -> Vec<Bytes> {
    let first = match request.start {
        StartBlock::Number(number) => number as usize,
        StartBlock::Hash(hash) if hash == tip => headers.len() - 1,
        StartBlock::Hash(_) => return Vec::new(),
    };
    headers[..=first].iter().rev().take(usize::from(request.limit)).cloned().collect()
}

/// Slices of one buffer, one for each header.
fn cut(file: &Bytes) -> Result<Vec<Bytes>, alloy_rlp::Error> {
    let (mut headers, mut rest) = (Vec::new(), &file[..]);
    while !rest.is_empty() {
        let header = rest;
        RlpHeader::decode_bytes(&mut rest, true)?;
        headers.push(file.slice_ref(&header[..header.len() - rest.len()]));
    }
    Ok(headers)
}
