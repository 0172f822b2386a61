//! Any bytes, cut anywhere: no panic, the cut changes nothing, and what decodes encodes to the same bytes.
#![no_main]

use header_wire::{Decoder, Message, WireError, encode, limits};
use libfuzzer_sys::fuzz_target;

fn decode(bytes: &[u8], piece: usize) -> (Vec<Message>, Option<WireError>) {
    let mut decoder = Decoder::new(limits::MESSAGE_BYTES_MAX);
    let mut messages = Vec::new();
    for chunk in bytes.chunks(piece) {
        decoder.push(chunk);
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

/// The same, read into the decoder's own space.
fn decode_in_space(mut bytes: &[u8], piece: usize) -> (Vec<Message>, Option<WireError>) {
    let mut decoder = Decoder::new(limits::MESSAGE_BYTES_MAX);
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let space = decoder.space();
        let count = piece.min(space.len()).min(bytes.len());
        space[..count].copy_from_slice(&bytes[..count]);
        bytes = &bytes[count..];
        decoder.filled(count);
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

fuzz_target!(|input: &[u8]| {
    let Some((&piece, bytes)) = input.split_first() else { return };
    let (messages, error) = decode(bytes, usize::from(piece) + 1);
    assert_eq!((messages.clone(), error), decode(bytes, usize::MAX));
    assert_eq!((messages.clone(), error), decode_in_space(bytes, usize::from(piece) + 1));
    let again: Vec<u8> = messages.iter().flat_map(encode).collect();
    assert!(bytes.starts_with(&again));
});
