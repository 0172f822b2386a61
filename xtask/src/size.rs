//! The size budget: what a page downloads before the first header.

use std::{fs, io::Write};

use flate2::{Compression, write::GzEncoder};

use crate::{
    build,
    shell::{Failure, Outcome},
};

/// Most gzip kilobytes (1,000 bytes) that the wasm may have.
const WASM_GZ_KB_MAX: f64 = 600.0;

/// Prints the size and fails above the budget.
pub(crate) fn run() -> Outcome {
    let kilobytes = wasm_gz_kb()?;
    let line = format!("the wasm has {kilobytes:.1} KB (gzip), its budget is {WASM_GZ_KB_MAX:.0}");
    if kilobytes > WASM_GZ_KB_MAX {
        return Err(Failure::failed(line));
    }
    println!("{line}");
    Ok(())
}

/// Gzip kilobytes of the wasm that ships.
pub(crate) fn wasm_gz_kb() -> Outcome<f64> {
    let file = build::wasm_package(false).join("headlight_bg.wasm");
    let failure = |error: std::io::Error| Failure::failed(format!("{}: {error}; run the build first", file.display()));
    let bytes = fs::read(&file).map_err(failure)?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes).map_err(failure)?;
    Ok(encoder.finish().map_err(failure)?.len() as f64 / 1_000.0)
}
