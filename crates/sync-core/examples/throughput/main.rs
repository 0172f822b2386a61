//! How fast the machine itself is: headers a second through `HeaderSync` with peers and a store that answer at once.
//!
//! `cargo run --release -p sync-core --example throughput -- 100000 4` (headers, peers). The wire carries some 13 to 25
//! thousand headers of 600 bytes a second; what is measured here must lie far above.

#![allow(clippy::disallowed_types, reason = "a native measurement: here the clock is the point")]

use std::{collections::VecDeque, time::Instant as Clock};

use alloy_primitives::{Address, B64, B256, Bloom, U256, b256, keccak256};
use alloy_rlp::Encodable;
use bytes::Bytes;
use sync_core::{
    Event, HeaderSync, HeadersRequest, Input, Output, PeerStatus, ServedRange, StartBlock, SyncConfig, SyncTarget,
    chain::ChainSpec, id::PeerId, time::Instant,
};

/// A header with a full bloom and 32 bytes of extra data: 541 bytes.
fn encode(number: u64, parent: B256) -> Bytes {
    let ommers = b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
    let extra = [7u8; 32];
    let fields: [&dyn Encodable; 15] = [
        &parent,
        &ommers,
        &Address::repeat_byte(1),
        &keccak256(number.to_be_bytes()),
        &B256::repeat_byte(2),
        &B256::repeat_byte(3),
        &Bloom::repeat_byte(4),
        &U256::from(131_072),
        &number,
        &30_000_000u64,
        &0u64,
        &(1_600_000_000 + number * 12),
        &extra.as_slice(),
        &B256::repeat_byte(5),
        &B64::repeat_byte(6),
    ];
    let mut out = Vec::with_capacity(560);
    alloy_rlp::Header { list: true, payload_length: fields.iter().map(|field| field.length()).sum() }.encode(&mut out);
    for field in fields {
        field.encode(&mut out);
    }
    out.into()
}

fn answer(chain: &[Bytes], hash: B256, request: &HeadersRequest) -> Vec<Bytes> {
    let top = match request.start {
        StartBlock::Number(number) => number as usize,
        StartBlock::Hash(wanted) if wanted == hash => chain.len() - 1,
        StartBlock::Hash(_) => return Vec::new(),
    };
    chain[..=top].iter().rev().take(usize::from(request.limit)).cloned().collect()
}

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u64>().expect("a number"));
    let (len, peers) = (args.next().unwrap_or(100_000), args.next().unwrap_or(1));
    let mut chain = Vec::new();
    let mut hash = B256::ZERO;
    let mut genesis = B256::ZERO;
    for number in 0..len {
        let rlp = encode(number, hash);
        hash = keccak256(&rlp);
        if number == 0 {
            genesis = hash;
        }
        chain.push(rlp);
    }

    let mut machine = HeaderSync::new(SyncConfig::default(), ChainSpec::unknown(4_242, genesis), None);
    let status = PeerStatus {
        chain_id: 4_242,
        genesis,
        served: ServedRange { earliest: 0, latest: len - 1, latest_hash: hash },
    };
    let mut inputs = VecDeque::from([Input::TargetChanged(SyncTarget::Hash(hash))]);
    inputs.extend((0..peers).map(|id| Input::PeerConnected { peer: PeerId(id as u32), status }));

    let clock = Clock::now();
    let (mut polls, mut requests, mut memory_peak, mut synced) = (0u64, 0u64, 0, false);
    while let Some(input) = inputs.pop_front() {
        let now = Instant::from_micros(clock.elapsed().as_micros() as u64);
        machine.handle_input(now, input);
        loop {
            polls += 1;
            match machine.poll_output(now) {
                Output::Request(request) => {
                    requests += 1;
                    let headers = answer(&chain, hash, &request);
                    inputs.push_back(Input::HeadersReceived { request: request.id, headers });
                }
                Output::Persist(batch) => inputs.push_back(Input::BatchPersisted { batch: batch.id() }),
                Output::Event(Event::Synced { .. }) => synced = true,
                Output::Timeout(_) => break,
                // A fresh sync of one chain looks nothing up and removes nothing.
                Output::Lookup { .. } | Output::Unwind { .. } => unreachable!("nothing was stored before"),
                Output::Event(_) | Output::Cancel(_) | Output::Penalize { .. } => {}
            }
        }
        memory_peak = memory_peak.max(machine.memory_bytes());
    }
    let seconds = clock.elapsed().as_secs_f64();
    assert!(synced, "the chain is synced");

    // The floor under it: the same headers hashed and nothing else.
    let clock = Clock::now();
    let hashed = chain.iter().fold(0u8, |all, rlp| all ^ keccak256(rlp)[0]);
    let hash_seconds = clock.elapsed().as_secs_f64();
    println!(
        "{{\"headers\":{len},\"peers\":{peers},\"seconds\":{seconds:.3},\"headers_per_second\":{:.0},\
         \"keccak_per_second\":{:.0},\"requests\":{requests},\"polls\":{polls},\"memory_peak_bytes\":{memory_peak},\
         \"check\":{hashed}}}",
        len as f64 / seconds,
        len as f64 / hash_seconds,
    );
}
