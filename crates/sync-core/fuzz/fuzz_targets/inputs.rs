//! Any inputs in any order, read from bytes: no panic, every bound holds, and one honest peer ends the sync. What an input
//! is and what must hold stands in `tests/inputs`, which the property test `any_input` shares.
//!
//! ```sh
//! cargo fuzz run inputs -- -max_len=400 -len_control=0      # on a stable toolchain with RUSTC_BOOTSTRAP=1
//! ```
//!
//! An op takes 1 to 22 bytes. A corpus that begins with some random files of a few hundred bytes reaches the deep states at
//! once, in which writes, lookups and reorgs are under way.
#![no_main]

#[path = "../../tests/inputs/mod.rs"]
mod inputs;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::sync::OnceLock;

use inputs::{Ground, Op, Session, Spoil};
use libfuzzer_sys::fuzz_target;

/// Longer inputs say nothing that two shorter ones do not.
const OPS_MAX: usize = 160;

/// What is left to read; nothing is all zeros.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    fn bit(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    fn spoil(&mut self) -> Spoil {
        match self.byte() % 8 {
            0 => Spoil::Other,
            1 => Spoil::Bit { place: self.word(), bit: self.word() },
            2 => Spoil::Short { place: self.word(), bytes: self.word() },
            3 => Spoil::Twice { place: self.word() },
            4 => Spoil::Rising,
            _ => Spoil::Right,
        }
    }

    /// Any number in three bytes: shifted, or as far from the end.
    fn edge(&mut self) -> u64 {
        let (figure, how) = (u64::from(self.word()), self.byte());
        if how >= 128 { u64::MAX - figure } else { figure << (how % 49) }
    }

    fn session(&mut self) -> Session {
        Session {
            floor: self.edge(),
            head: self.edge(),
            tail: self.edge(),
            earliest: self.edge(),
            latest: self.edge(),
            target: self.edge(),
            tuned: self.edge(),
        }
    }

    fn op(&mut self) -> Op {
        match self.byte() % 32 {
            0..=2 => Op::Connect { peer: self.byte(), behavior: self.byte(), latest: self.word() },
            3 => Op::Stranger { peer: self.byte() },
            4 => Op::Address { peer: self.byte(), address: self.byte() },
            5 => Op::Disconnect { peer: self.byte() },
            6 => Op::Update {
                peer: self.byte(),
                earliest: self.word().into(),
                latest: self.edge(),
            },
            7 | 8 => Op::Target { which: self.byte() },
            9 => Op::Pause { paused: self.bit() },
            10 => Op::Headers { request: self.byte(), from: self.word(), count: self.byte() },
            11..=13 => Op::Response { back: self.byte(), shift: self.byte(), count: self.word(), spoil: self.spoil() },
            14 => Op::Fail { request: self.byte(), protocol: self.bit() },
            15 => Op::FailAsked { back: self.byte(), protocol: self.bit() },
            16 => Op::Persisted { batch: self.byte(), failed: self.bit() },
            17 => Op::Unwound { to: self.word() },
            18 => Op::Stored { id: self.byte(), number: self.word(), absent: self.bit() },
            19 => Op::StoreFails { failing: self.bit() },
            20 => Op::StoreMisreports { nth: self.byte(), report: self.byte() },
            21 | 22 => Op::Hasten { nth: self.byte() },
            23 => Op::Lose { nth: self.byte() },
            24 => Op::Restart,
            25 => Op::Timeout,
            26 => Op::Progress { peer: self.byte() },
            27 => Op::Session(self.session()),
            28 | 29 => Op::Steps { count: self.byte() },
            _ => Op::Sleep { millis: self.word() },
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    static GROUND: OnceLock<Ground> = OnceLock::new();
    let ground = GROUND.get_or_init(|| Ground::new(400, 64, 512 * 1024));
    let mut reader = Reader(bytes);
    let mut ops = Vec::new();
    while !reader.0.is_empty() && ops.len() < OPS_MAX {
        ops.push(reader.op());
    }
    ground.play(&ops);
});
