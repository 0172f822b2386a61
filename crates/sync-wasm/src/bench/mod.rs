//! Exports that only `npm run bench` calls, behind the feature `bench`; never in what ships.
//!
//! Each does one part of a sync's work alone, so that the whole can be divided by it: [`bench_channel`] carries answers
//! over the same kind of stream and throws them away, [`bench_verify`] verifies headers that are in memory already,
//! [`bench_linkage`] as many generated ones as the native `linkage`.

#[expect(dead_code, reason = "of the native program `linkage` only the generator and the linking are measured here")]
#[path = "../../../sync-core/benches/linkage/chain.rs"]
mod chain;
mod channel;
#[path = "../../../sync-core/benches/verify/work.rs"]
mod work;

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use web_sys::MessagePort;

use crate::clock;

/// Dials the peer, asks for `headers` headers with `in_flight` requests always on their way, and throws the responses
/// away. Resolves with `[bytes of headers, milliseconds]`, from the first request to the last answer.
#[wasm_bindgen]
pub async fn bench_channel(
    rtc_port: MessagePort,
    multiaddr: String,
    headers: u32,
    in_flight: u32,
) -> Result<Vec<f64>, JsError> {
    let (bytes, milliseconds) =
        channel::carry(rtc_port, &multiaddr, headers, in_flight).await.map_err(|error| JsError::new(&error))?;
    Ok(vec![bytes, milliseconds])
}

/// Proves concatenated, rising header RLP so many times; headers a second, the best of the rounds.
#[wasm_bindgen]
pub fn bench_verify(rlp: &Uint8Array, rounds: u32) -> Result<f64, JsError> {
    let chain = work::Chain::cut(rlp.to_vec()).ok_or_else(|| JsError::new("no concatenation of header RLP"))?;
    let mut best = f64::INFINITY;
    for _ in 0..rounds {
        let begin = clock::now_ms();
        if !chain.verify() {
            return Err(JsError::new("the headers are no chain"));
        }
        best = best.min(clock::now_ms() - begin);
    }
    Ok(chain.len() as f64 / best * 1_000.0)
}

/// Generates so many headers in memory, as the native program `linkage` does, and links them so many times from the tip
/// down; headers a second, the median of the rounds. The generated headers take some 600 bytes each.
#[wasm_bindgen]
pub fn bench_linkage(headers: u32, rounds: u32) -> Result<f64, JsError> {
    if headers == 0 || rounds == 0 {
        return Err(JsError::new("no headers, or no rounds"));
    }
    let chain = chain::Chain::generate(headers as usize);
    let mut rates = Vec::new();
    for _ in 0..rounds {
        let begin = clock::now_ms();
        if !chain.link() {
            return Err(JsError::new("the generated headers are no valid chain"));
        }
        rates.push(f64::from(headers) / (clock::now_ms() - begin) * 1_000.0);
    }
    rates.sort_by(f64::total_cmp);
    Ok(rates[rates.len() / 2])
}
