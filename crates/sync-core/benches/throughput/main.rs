//! How fast the machine itself is: headers a second through `HeaderSync` with peers and a store that respond at once.
//!
//! `cargo bench -p sync-core --bench throughput -- 100000 4` (headers, peers). The wire carries some 13 to 25
//! thousand headers of 600 bytes a second; the figure measured here must be far above.

#![allow(clippy::disallowed_types, reason = "a native measurement: here the clock is the point")]

use std::{collections::VecDeque, time::Instant as Clock};

use alloy_primitives::{Address, B64, B256, U256, keccak256};
use bytes::Bytes;
use header_rules::{
    chain::ChainSpec,
    header::{EMPTY_OMMERS_HASH, Header, encode},
};
use sync_core::{
    Event, HeaderSync, HeadersRequest, Input, Output, PeerStatus, ServedRange, StartBlock, SyncConfig, SyncTarget,
    id::PeerId, time::Instant,
};

/// A header with a full bloom and 32 bytes of extra data: 541 bytes.
fn made(number: u64, parent_hash: B256) -> Bytes {
    encode(&Header {
        parent_hash,
        ommers_hash: EMPTY_OMMERS_HASH,
        beneficiary: Address::repeat_byte(1),
        state_root: keccak256(number.to_be_bytes()),
        transactions_root: B256::repeat_byte(2),
        receipts_root: B256::repeat_byte(3),
        logs_bloom: &[4; 256],
        difficulty: U256::from(131_072),
        number,
        gas_limit: 30_000_000,
        gas_used: 0,
        timestamp: 1_600_000_000 + number * 12,
        extra_data: &[7; 32],
        mix_hash: B256::repeat_byte(5),
        nonce: B64::repeat_byte(6),
        base_fee_per_gas: None,
        withdrawals_root: None,
        blob_gas_used: None,
        excess_blob_gas: None,
        parent_beacon_block_root: None,
        requests_hash: None,
        block_access_list_hash: None,
        slot_number: None,
    })
}

fn response(chain: &[Bytes], hash: B256, request: &HeadersRequest) -> Vec<Bytes> {
    let top = match request.start {
        StartBlock::Number(number) => number as usize,
        StartBlock::Hash(wanted) if wanted == hash => chain.len() - 1,
        StartBlock::Hash(_) => return Vec::new(),
    };
    chain[..=top].iter().rev().take(usize::from(request.limit)).cloned().collect()
}

fn main() {
    // `cargo bench` adds its own word.
    let given = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let mut args = given.map(|arg| arg.parse::<u64>().expect("a number"));
    let (len, peers) = (args.next().unwrap_or(100_000), args.next().unwrap_or(1));
    let mut chain = Vec::new();
    let mut hash = B256::ZERO;
    let mut genesis = B256::ZERO;
    for number in 0..len {
        let rlp = made(number, hash);
        hash = keccak256(&rlp);
        if number == 0 {
            genesis = hash;
        }
        chain.push(rlp);
    }

    let mut machine = HeaderSync::new(SyncConfig::default(), ChainSpec::unknown(4_242, genesis), None);
    let status = PeerStatus {
        chain_id: 4_242,
        genesis: Some(genesis),
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
                    let headers = response(&chain, hash, &request);
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
