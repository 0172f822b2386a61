//! Messages encoded by hand from eth/69, and every way to damage them.

use alloy_primitives::B256;
use header_wire::{
    BlockHeaders, BlockRangeUpdate, Decoder, ETH_VERSION, ForkId, GetBlockHeaders, HashOrNumber, Message,
    ResponseBuilder, Status, WireError, encode, limits,
};

/// All messages of one stream, or the first error.
fn decode_all(bytes: &[u8]) -> Result<Vec<Message>, WireError> {
    let mut decoder = Decoder::new(limits::MESSAGE_BYTES_MAX);
    decoder.push(bytes);
    let mut messages = Vec::new();
    while let Some(message) = decoder.next()? {
        messages.push(message);
    }
    Ok(messages)
}

/// A message whose body is `body`.
fn framed(body: &[u8]) -> Vec<u8> {
    assert!(body.len() < 128, "one byte of prefix");
    let mut bytes = vec![body.len() as u8];
    bytes.extend_from_slice(body);
    bytes
}

fn request(start: HashOrNumber, limit: u64) -> Message {
    Message::GetBlockHeaders(GetBlockHeaders { request_id: 1111, start, limit, skip: 5, reverse: false })
}

#[test]
fn p01_request_by_number_has_the_bytes_of_eth_69() {
    // The example of EIP-2481: request id 1111, start 9999, limit 5, skip 5, rising.
    let expected = framed(&[0x03, 0xca, 0x82, 0x04, 0x57, 0xc6, 0x82, 0x27, 0x0f, 0x05, 0x05, 0x80]);
    let message = request(HashOrNumber::Number(9999), 5);
    assert_eq!(encode(&message), expected);
    assert_eq!(decode_all(&expected), Ok(vec![message]));
}

#[test]
fn p01_request_by_hash_has_the_bytes_of_eth_69() {
    let mut body = vec![0x03, 0xe8, 0x82, 0x04, 0x57, 0xe4, 0xa0];
    body.extend_from_slice(&[0; 31]);
    body.extend_from_slice(&[0xb7, 0x05, 0x05, 0x80]);
    let message = request(HashOrNumber::Hash(B256::with_last_byte(0xb7)), 5);
    assert_eq!(encode(&message), framed(&body));
    assert_eq!(decode_all(&framed(&body)), Ok(vec![message]));
}

#[test]
fn p07_status_and_range_round_trip() {
    let status = Message::Status(Status {
        version: ETH_VERSION,
        network_id: 11_155_111,
        genesis: B256::repeat_byte(0x25),
        fork_id: ForkId { hash: [0xfe, 0x33, 0x66, 0xe7], next: u64::MAX },
        earliest: 0,
        latest: 40_959,
        latest_hash: B256::repeat_byte(1),
    });
    let update = Message::BlockRangeUpdate(BlockRangeUpdate { earliest: 7, latest: u64::MAX, latest_hash: B256::ZERO });
    let mut bytes = encode(&status);
    bytes.extend_from_slice(&encode(&update));
    assert_eq!(decode_all(&bytes), Ok(vec![status, update]));
}

#[test]
fn p07_an_unknown_genesis_travels_as_zero_bytes_and_is_told_from_a_known_one() {
    let mut status = Status {
        version: ETH_VERSION,
        network_id: 5,
        genesis: Status::GENESIS_UNKNOWN,
        fork_id: ForkId::default(),
        earliest: 9,
        latest: 9,
        latest_hash: B256::repeat_byte(1),
    };
    assert_eq!(status.known_genesis(), None);
    let bytes = encode(&Message::Status(status));
    assert!(bytes.windows(33).any(|field| field[0] == 0xa0 && field[1..] == [0; 32]), "{bytes:02x?}");
    assert_eq!(decode_all(&bytes), Ok(vec![Message::Status(status)]));
    status.genesis = B256::with_last_byte(1);
    assert_eq!(status.known_genesis(), Some(B256::with_last_byte(1)));
}

#[test]
fn p04_request_id_zero_and_two_of_the_same_id_are_messages_like_any_other() {
    let with_id = |request_id: u64| {
        let request = GetBlockHeaders { request_id, start: HashOrNumber::Number(9), limit: 1, skip: 0, reverse: true };
        Message::GetBlockHeaders(request)
    };
    let sent = [with_id(0), with_id(7), with_id(7), with_id(u64::MAX)];
    let bytes: Vec<u8> = sent.iter().flat_map(encode).collect();
    assert_eq!(decode_all(&bytes), Ok(sent.to_vec()));
    let empty = |request_id| Message::BlockHeaders(BlockHeaders { request_id, headers: Vec::new() });
    let responses = [empty(7), empty(0), empty(7)];
    let bytes: Vec<u8> = responses.iter().flat_map(encode).collect();
    assert_eq!(decode_all(&bytes), Ok(responses.to_vec()), "in any order");
}

#[test]
fn p03_an_empty_answer_is_a_message() {
    let message = Message::BlockHeaders(BlockHeaders { request_id: 5, headers: Vec::new() });
    let bytes = encode(&message);
    assert_eq!(bytes, [4, 0x04, 0xc2, 0x05, 0xc0]);
    assert_eq!(decode_all(&bytes), Ok(vec![message]));
}

#[test]
fn headers_are_slices_of_one_buffer() {
    let headers: Vec<_> = [&[0xc0][..], &[0xc2, 1, 2], &[0xc1, 0x80]].iter().map(|h| h.to_vec().into()).collect();
    let message = Message::BlockHeaders(BlockHeaders { request_id: 0, headers });
    let bytes = encode(&message);
    assert_eq!(bytes, [10, 0x04, 0xc8, 0x80, 0xc6, 0xc0, 0xc2, 1, 2, 0xc1, 0x80]);
    let got = decode_all(&bytes).expect("a valid message");
    let [Message::BlockHeaders(response)] = &got[..] else { panic!("one response, not {got:?}") };
    assert_eq!(got[0], message);
    let start = response.headers[0].as_ptr();
    assert_eq!(response.headers[1].as_ptr(), start.wrapping_add(1));
    assert_eq!(response.headers[2].as_ptr(), start.wrapping_add(4));
}

#[test]
fn a_reused_builder_forgets_the_answer_before() {
    let mut builder = ResponseBuilder::new();
    builder.start(u64::MAX);
    builder.push(&[0xc0; 300]);
    assert_eq!(builder.payload_len(), 300);
    let long = builder.finish().to_vec();
    builder.start(3);
    builder.push(&[0xc0]);
    assert_eq!(builder.finish(), [5, 0x04, 0xc3, 0x03, 0xc1, 0xc0]);
    let headers = vec![vec![0xc0].into(); 300];
    assert_eq!(long, encode(&Message::BlockHeaders(BlockHeaders { request_id: u64::MAX, headers })));
}

#[test]
fn each_breach_has_its_own_error() {
    use alloy_rlp::Error as Rlp;
    let cases: &[(&[u8], WireError)] = &[
        (&[0], WireError::Empty),
        (&framed(&[0x02, 0xc0]), WireError::UnknownMessage(0x02)),
        (&framed(&[0x10]), WireError::UnknownMessage(0x10)),
        // A length prefix that is not minimal, and one over every limit.
        (&[0x81, 0x00], WireError::VarintNotMinimal),
        (&[0xff; 11], WireError::VarintOverflow),
        (&[0x81, 0x80, 0x80, 0x01], WireError::TooLong { got: 2 * 1024 * 1024 + 1, limit: 2 * 1024 * 1024 }),
        // Bytes after the message; an item after the last one of a list.
        (&framed(&[0x04, 0xc2, 0x80, 0xc0, 0x00]), WireError::TrailingBytes(1)),
        (&framed(&[0x04, 0xc3, 0x80, 0xc0, 0x01]), WireError::TrailingBytes(1)),
        (&framed(&[0x03, 0xc6, 0x01, 0xc5, 0x01, 0x01, 0x80, 0x80]), WireError::Rlp(Rlp::InputTooShort)),
        (&framed(&[0x03, 0xc7, 0x01, 0xc5, 0x01, 0x01, 0x80, 0x80, 0x01]), WireError::TrailingBytes(1)),
        // A number with a leading zero; a small number in two bytes; a list length that is not minimal.
        (&framed(&[0x04, 0xc3, 0x00, 0xc0]), WireError::Rlp(Rlp::InputTooShort)),
        (&framed(&[0x04, 0xc2, 0x00, 0xc0]), WireError::Rlp(Rlp::LeadingZero)),
        (&framed(&[0x04, 0xc3, 0x81, 0x01, 0xc0]), WireError::Rlp(Rlp::NonCanonicalSingleByte)),
        (&framed(&[0x04, 0xf8, 0x02, 0x80, 0xc0]), WireError::Rlp(Rlp::NonCanonicalSize)),
        // A header that is a string; a flag that is neither 0 nor 1; a hash of 31 bytes.
        (&framed(&[0x04, 0xc3, 0x80, 0xc1, 0x05]), WireError::Rlp(Rlp::UnexpectedString)),
        (
            &framed(&[0x03, 0xc6, 0x01, 0xc4, 0x01, 0x01, 0x80, 0x02]),
            WireError::Rlp(Rlp::Custom("invalid bool value, must be 0 or 1")),
        ),
        (
            &framed(&[&[0x03, 0xe4, 0x01, 0xe2, 0x9f][..], &[1; 31], &[1, 0x80, 1]].concat()),
            WireError::Rlp(Rlp::Overflow),
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(decode_all(bytes), Err(*expected), "{bytes:02x?}");
    }
}

#[test]
fn p06_limits_are_checked_before_anything_is_kept() {
    let over = request(HashOrNumber::Number(1), 1025);
    assert_eq!(decode_all(&encode(&over)), Err(WireError::TooManyHeaders { got: 1025, limit: 1024 }));
    assert!(decode_all(&encode(&request(HashOrNumber::Number(1), 1024))).is_ok());

    let response = |count: usize, header: Vec<u8>| {
        encode(&Message::BlockHeaders(BlockHeaders { request_id: 1, headers: vec![header.into(); count] }))
    };
    assert!(decode_all(&response(1024, vec![0xc0])).is_ok());
    assert_eq!(decode_all(&response(1025, vec![0xc0])), Err(WireError::TooManyHeaders { got: 1025, limit: 1024 }));

    let mut header = vec![0xfa, 0x01, 0x00, 0x00];
    header.resize(4 + 0x10000, 0);
    let expected = WireError::HeaderTooLong { got: 0x10004, limit: limits::HEADER_BYTES_MAX };
    assert_eq!(decode_all(&response(1, header)), Err(expected));

    let mut decoder = Decoder::new(4);
    decoder.push(&[5]);
    assert_eq!(decoder.next(), Err(WireError::TooLong { got: 5, limit: 4 }));
}

#[test]
fn messages_before_a_breach_are_delivered_and_the_breach_stays() {
    let good = request(HashOrNumber::Number(1), 1);
    let mut bytes = encode(&good);
    bytes.extend_from_slice(&[0]);
    bytes.extend_from_slice(&encode(&good));
    let mut decoder = Decoder::new(limits::MESSAGE_BYTES_MAX);
    decoder.push(&bytes);
    assert_eq!(decoder.next(), Ok(Some(good.clone())));
    assert_eq!(decoder.next(), Err(WireError::Empty));
    decoder.push(&encode(&good));
    assert_eq!(decoder.next(), Err(WireError::Empty));

    // The same, with the error inside a complete message.
    let mut decoder = Decoder::new(limits::MESSAGE_BYTES_MAX);
    decoder.push(&[1, 0x77]);
    decoder.push(&encode(&good));
    assert_eq!(decoder.next(), Err(WireError::UnknownMessage(0x77)));
    assert_eq!(decoder.next(), Err(WireError::UnknownMessage(0x77)));
}

#[test]
fn a_flood_of_short_messages_is_bounded() {
    let mut decoder = Decoder::new(limits::MESSAGE_BYTES_MAX);
    let one = [1, 0x77];
    decoder.push(&one.repeat(limits::MESSAGES_QUEUED_MAX + 1));
    assert!(!decoder.is_mid_message());
    // The queued messages come first; here the first of them is an error.
    assert_eq!(decoder.next(), Err(WireError::UnknownMessage(0x77)));

    let mut decoder = Decoder::new(limits::MESSAGE_BYTES_MAX);
    let good = encode(&request(HashOrNumber::Number(1), 1));
    decoder.push(&good.repeat(limits::MESSAGES_QUEUED_MAX + 1));
    for _ in 0..limits::MESSAGES_QUEUED_MAX {
        assert!(decoder.next().unwrap().is_some());
    }
    assert_eq!(decoder.next(), Err(WireError::TooManyMessages { limit: limits::MESSAGES_QUEUED_MAX }));
}

#[test]
fn a_long_message_grows_with_what_came() {
    let header = [&[0xf9, 0xff, 0xfc][..], &[7; 0xfffc]].concat();
    let sent = Message::BlockHeaders(BlockHeaders { request_id: 1, headers: vec![header.into(); 20] });
    let bytes = encode(&sent);
    let mut decoder = Decoder::new(limits::MESSAGE_BYTES_MAX);
    let mut came = 0;
    while came < bytes.len() {
        let space = decoder.space();
        assert!(space.len() <= limits::RESERVED_BYTES_MAX.max(came), "{} bytes for {came}", space.len());
        let count = space.len().min(10_000).min(bytes.len() - came);
        space[..count].copy_from_slice(&bytes[came..came + count]);
        decoder.filled(count);
        came += count;
    }
    assert_eq!(decoder.next(), Ok(Some(sent)));
}

#[test]
#[should_panic(expected = "bytes came into less space")]
fn more_bytes_than_there_was_space_for_are_a_bug_of_the_host() {
    let mut decoder = Decoder::new(limits::MESSAGE_BYTES_MAX);
    decoder.push(&[9, 0x04]);
    decoder.filled(9);
}

#[test]
fn a_cut_stream_is_noticed() {
    let bytes = encode(&request(HashOrNumber::Number(1), 1));
    for cut in 0..=bytes.len() {
        let mut decoder = Decoder::new(limits::MESSAGE_BYTES_MAX);
        decoder.push(&bytes[..cut]);
        assert_eq!(decoder.is_mid_message(), cut != 0 && cut != bytes.len());
        assert_eq!(decoder.next().unwrap().is_some(), cut == bytes.len());
    }
    let mut decoder = Decoder::new(limits::MESSAGE_BYTES_MAX);
    decoder.push(&[0x80]);
    assert!(decoder.is_mid_message());
}
