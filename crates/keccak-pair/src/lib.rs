//! Keccak-256 of two messages in about the time of one.
//!
//! A sync hashes headers by the thousand, and the hash is most of the cost of verifying one. WebAssembly has vectors of
//! two 64-bit lanes, so there two states are permuted together. On every other target the same functions call
//! [`alloy_primitives::keccak256`] for one message after the other.
//!
//! ```
//! use alloy_primitives::keccak256;
//!
//! let headers = [&b"first"[..], b"second", b"third"];
//! assert!(keccak_pair::keccak256_each(headers).eq(headers.map(keccak256)));
//! ```
//!
//! No library does this: `keccak` permutes states in parallel only with nightly Rust (portable vectors); others have
//! vectors of other processors only.
//!
//! Bounds: two states of 200 bytes on the stack, no heap. An attacker who chooses the lengths could make one lane idle;
//! messages of very different length are hashed separately, so the loss is a constant.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(any(test, all(target_arch = "wasm32", target_feature = "simd128")))]
mod lanes;
#[cfg(any(test, all(target_arch = "wasm32", target_feature = "simd128")))]
mod permutation;
#[cfg(any(test, all(target_arch = "wasm32", target_feature = "simd128")))]
mod sponge;
/// The examples of the README compile and hold.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

#[cfg(test)]
mod tests;

use alloy_primitives::{B256, keccak256};

/// Keccak-256 (the hash of Ethereum, Yellow Paper appendix A) of both messages.
pub fn keccak256_pair(first: &[u8], second: &[u8]) -> (B256, B256) {
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    if sponge::is_pair(first.len(), second.len()) {
        return vectors(first, second);
    }
    (keccak256(first), keccak256(second))
}

/// Not inlined: the code is large, and one copy is enough.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline(never)]
fn vectors(first: &[u8], second: &[u8]) -> (B256, B256) {
    let [first, second] = sponge::hash_pair::<lanes::Vector>(first, second);
    (first.into(), second.into())
}

/// Keccak-256 of each message, in order. Lazy: hashes at most one message ahead.
pub fn keccak256_each<M: AsRef<[u8]>>(messages: impl IntoIterator<Item = M>) -> impl Iterator<Item = B256> {
    let mut messages = messages.into_iter();
    let mut second = None;
    core::iter::from_fn(move || {
        if let Some(hash) = second.take() {
            return Some(hash);
        }
        let message = messages.next()?;
        let Some(other) = messages.next() else { return Some(keccak256(message)) };
        let (first, other) = keccak256_pair(message.as_ref(), other.as_ref());
        second = Some(other);
        Some(first)
    })
}
