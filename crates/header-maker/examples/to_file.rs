//! Writes headers that obey every rule, one after the other, from block 0 on:
//! `cargo run -p header-maker --example to_file -- COUNT FILE`. The example `from_file` of `sync-core` reads such a file.

use std::{env, error::Error, fs};

use alloy_primitives::{B256, keccak256};
use header_maker::{Figures, SplitMix64, append_header};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(count), Some(path)) = (arguments.next(), arguments.next()) else {
        return Err("to_file COUNT FILE".into());
    };
    let mut chance = SplitMix64(1);
    let (mut parent, mut figures, mut file) = (B256::ZERO, Figures::START, Vec::new());
    for number in 0..count.parse()? {
        let begin = file.len();
        figures = figures.child(&mut chance);
        append_header(&mut chance, number, parent, &figures, 0, &mut file);
        parent = keccak256(&file[begin..]);
    }
    Ok(fs::write(path, file)?)
}
