//! Properties of every message and every stream of bytes.

use alloy_primitives::B256;
use bytes::Bytes;
use header_wire::{
    BlockHeaders, BlockRangeUpdate, Decoder, ForkId, GetBlockHeaders, HashOrNumber, Message, Status, WireError,
    decode_body, encode, limits,
};
use proptest::{collection::vec, prelude::*};

fn hashes() -> impl Strategy<Value = B256> {
    any::<[u8; 32]>().prop_map(B256::from)
}

/// A list of arbitrary bytes: the wire checks only its outer length.
fn headers() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..700).prop_map(|payload| {
        let mut header = Vec::new();
        alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut header);
        header.extend_from_slice(&payload);
        header.into()
    })
}

fn messages() -> impl Strategy<Value = Message> {
    let status = (any::<u32>(), any::<u64>(), hashes(), any::<([u8; 4], u64)>(), any::<(u64, u64)>(), hashes())
        .prop_map(|(version, network_id, genesis, (hash, next), (earliest, latest), latest_hash)| {
            let fork_id = ForkId { hash, next };
            Message::Status(Status { version, network_id, genesis, fork_id, earliest, latest, latest_hash })
        });
    let start = prop_oneof![hashes().prop_map(HashOrNumber::Hash), any::<u64>().prop_map(HashOrNumber::Number)];
    let request = (any::<u64>(), start, 0..=1024_u64, any::<u64>(), any::<bool>()).prop_map(
        |(request_id, start, limit, skip, reverse)| {
            Message::GetBlockHeaders(GetBlockHeaders { request_id, start, limit, skip, reverse })
        },
    );
    let response = (any::<u64>(), vec(headers(), 0..20))
        .prop_map(|(request_id, headers)| Message::BlockHeaders(BlockHeaders { request_id, headers }));
    let update = (any::<(u64, u64)>(), hashes()).prop_map(|((earliest, latest), latest_hash)| {
        Message::BlockRangeUpdate(BlockRangeUpdate { earliest, latest, latest_hash })
    });
    prop_oneof![status, request, response, update]
}

/// Feeds `bytes` in pieces of at most these lengths, repeated, and reads messages after each piece. `feed` returns how many
/// bytes of a piece the decoder took.
fn decode(
    bytes: &[u8],
    pieces: &[usize],
    feed: impl Fn(&mut Decoder, &[u8]) -> usize,
) -> (Vec<Message>, Option<WireError>) {
    let mut decoder = Decoder::new(limits::MESSAGE_BYTES_MAX);
    let mut messages = Vec::new();
    let mut rest = bytes;
    for piece in pieces.iter().cycle() {
        let count = feed(&mut decoder, &rest[..(*piece).min(rest.len())]);
        rest = &rest[count..];
        loop {
            match decoder.next() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
        if rest.is_empty() {
            break;
        }
    }
    (messages, None)
}

/// Pushes each piece.
fn decode_in_pieces(bytes: &[u8], pieces: &[usize]) -> (Vec<Message>, Option<WireError>) {
    decode(bytes, pieces, |decoder, piece| {
        decoder.push(piece);
        piece.len()
    })
}

/// Reads each piece into the decoder's own space, as far as there is room.
fn decode_in_space(bytes: &[u8], pieces: &[usize]) -> (Vec<Message>, Option<WireError>) {
    decode(bytes, pieces, |decoder, piece| {
        let space = decoder.space();
        assert!(!space.is_empty());
        let count = piece.len().min(space.len());
        space[..count].copy_from_slice(&piece[..count]);
        decoder.filled(count);
        count
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Every encoded message decodes to itself, however the stream is split.
    #[test]
    fn round_trip_in_any_pieces(sent in vec(messages(), 1..6), pieces in vec(1_usize..3000, 1..8)) {
        let bytes: Vec<u8> = sent.iter().flat_map(encode).collect();
        prop_assert_eq!(decode_in_space(&bytes, &pieces), (sent.clone(), None));
        let (got, error) = decode_in_pieces(&bytes, &pieces);
        prop_assert_eq!(got, sent);
        prop_assert_eq!(error, None);
    }

    /// No bytes make the decoder panic, and the split does not change the result.
    #[test]
    fn any_bytes_in_any_pieces(bytes in vec(any::<u8>(), 0..400), pieces in vec(1_usize..40, 1..8)) {
        let whole = decode_in_pieces(&bytes, &[usize::MAX]);
        prop_assert_eq!(decode_in_pieces(&bytes, &pieces), whole.clone());
        prop_assert_eq!(decode_in_space(&bytes, &pieces), whole);
    }

    /// Any body behind a known id is rejected, or equals the encoding of the message that it decodes to.
    #[test]
    fn a_body_has_one_form(
        id in prop::sample::select(vec![0x00_u8, 0x03, 0x04, 0x11]),
        rest in vec(prop::sample::select(vec![0x00_u8, 0x01, 0x05, 0x80, 0x81, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc7]), 0..10),
    ) {
        let body = Bytes::from([&[id][..], &rest].concat());
        if let Ok(message) = decode_body(&body) {
            prop_assert_eq!(&encode(&message)[1..], &body[..]);
        }
    }

    /// Every truncation of a message, with the truncated length in the prefix, is an error.
    #[test]
    fn every_truncated_body_is_refused(message in messages(), at in any::<prop::sample::Index>()) {
        let bytes = encode(&message);
        let body = &bytes[prefix_len(&bytes)..];
        let cut = at.index(body.len());
        prop_assert!(decode_body(&Bytes::copy_from_slice(&body[..cut])).is_err());
    }

    /// A flipped bit gives an error, an incomplete message, or messages that encode to the changed bytes.
    #[test]
    fn a_flipped_bit_never_reads_as_something_else(message in messages(), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut bytes = encode(&message);
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        let (got, error) = decode_in_pieces(&bytes, &[usize::MAX]);
        let again: Vec<u8> = got.iter().flat_map(encode).collect();
        prop_assert!(bytes.starts_with(&again));
        if error.is_none() && !got.is_empty() && again.len() == bytes.len() {
            prop_assert_ne!(got, vec![message]);
        }
    }
}

fn prefix_len(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1
}
