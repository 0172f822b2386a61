//! Any bytes, cut anywhere: no panic, the cut changes nothing, and what decodes encodes to the same bytes.
#![no_main]

use header_wire::{Decoder, Message, WireError, encode, limits};
use libfuzzer_sys::fuzz_target;

/// Feeds `bytes` in pieces of at most this length. `feed` returns how many bytes of a piece the decoder took.
fn decode(
    mut bytes: &[u8],
    piece: usize,
    feed: impl Fn(&mut Decoder, &[u8]) -> usize,
) -> (Vec<Message>, Option<WireError>) {
    let mut decoder = Decoder::new(limits::MESSAGE_BYTES_MAX);
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let count = feed(&mut decoder, &bytes[..piece.min(bytes.len())]);
        bytes = &bytes[count..];
        loop {
            match decoder.next() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}

fn push(decoder: &mut Decoder, piece: &[u8]) -> usize {
    decoder.push(piece);
    piece.len()
}

/// Reads into the decoder's own space.
fn fill(decoder: &mut Decoder, piece: &[u8]) -> usize {
    let space = decoder.space();
    let count = piece.len().min(space.len());
    space[..count].copy_from_slice(&piece[..count]);
    decoder.filled(count);
    count
}

fuzz_target!(|input: &[u8]| {
    let Some((&piece, bytes)) = input.split_first() else { return };
    let (messages, error) = decode(bytes, usize::from(piece) + 1, push);
    assert_eq!((messages.clone(), error), decode(bytes, usize::MAX, push));
    assert_eq!((messages.clone(), error), decode(bytes, usize::from(piece) + 1, fill));
    let again: Vec<u8> = messages.iter().flat_map(encode).collect();
    assert!(bytes.starts_with(&again));
});
