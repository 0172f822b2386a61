//! Builds the response to a request, in one reused buffer.
//!
//! A response ends before its headers exceed the limit in bytes, but holds at least one header if the first one exists;
//! it also ends where the source ends or a number would exceed 64 bits. Any request costs at most
//! `HEADERS_PER_REQUEST_MAX` look-ups and at most [`HEADERS_MADE_PER_RESPONSE_MAX`] generated headers.

use std::ops::Range;

use header_wire::{GetBlockHeaders, HashOrNumber, ResponseBuilder, limits::HEADERS_PER_REQUEST_MAX};

use crate::{limits::HEADERS_MADE_PER_RESPONSE_MAX, source::HeaderSource};

/// Content of a response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Number of headers.
    pub headers: usize,
    /// Number of headers requested.
    pub asked: usize,
    /// Number of the last header.
    pub last: u64,
    /// Headers that the source generated.
    pub made: u64,
    /// Range of the middle header in the payload.
    pub middle: Range<usize>,
}

/// Writes the response to `request` into `builder`; it ends before its headers exceed `bytes_max`.
pub fn build(
    source: &dyn HeaderSource,
    request: &GetBlockHeaders,
    bytes_max: usize,
    builder: &mut ResponseBuilder,
) -> Response {
    builder.start(request.request_id);
    let asked = usize::try_from(request.limit).unwrap_or(usize::MAX).min(HEADERS_PER_REQUEST_MAX);
    let mut response = Response { asked, ..Response::default() };
    let mut next = match request.start {
        HashOrNumber::Number(number) => Some(number),
        HashOrNumber::Hash(hash) => source.number_of(&hash),
    };
    let step = request.skip.checked_add(1);
    while response.headers < asked
        && let Some(number) = next
    {
        let made = response.made + source.work(number);
        if response.headers > 0 && made > HEADERS_MADE_PER_RESPONSE_MAX {
            break;
        }
        let Some(header) = source.by_number(number) else { break };
        response.made = made;
        let start = builder.payload_len();
        if response.headers > 0 && start + header.len() > bytes_max {
            break;
        }
        builder.push(&header);
        // The middle header so far, or its neighbour.
        if response.headers == 0 || start <= bytes_max / 2 && response.headers < asked.div_ceil(2) {
            response.middle = start..builder.payload_len();
        }
        response.headers += 1;
        response.last = number;
        next = step.and_then(|step| if request.reverse { number.checked_sub(step) } else { number.checked_add(step) });
    }
    response
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use header_wire::{BlockHeaders, Decoder, Message, limits::MESSAGE_BYTES_MAX};

    use super::*;
    use crate::{header::HeaderFacts, source::GeneratedSource};

    fn numbers(source: &GeneratedSource, request: GetBlockHeaders, bytes_max: usize) -> Vec<u64> {
        let mut builder = ResponseBuilder::new();
        let response = build(source, &request, bytes_max, &mut builder);
        let mut decoder = Decoder::new(MESSAGE_BYTES_MAX);
        decoder.push(builder.finish());
        let Ok(Some(Message::BlockHeaders(BlockHeaders { request_id: 5, headers }))) = decoder.next() else {
            panic!("a response to request 5")
        };
        assert_eq!(response.headers, headers.len());
        headers.iter().map(|header| HeaderFacts::read(header).expect("a header").number).collect()
    }

    #[test]
    fn p03_a_start_that_does_not_exist_is_an_empty_answer() {
        let source = GeneratedSource::new(1, 30);
        for start in [30, 31, u64::MAX - 1, u64::MAX] {
            for reverse in [false, true] {
                assert_eq!(numbers(&source, request(start, 5, 0, reverse), usize::MAX), [0_u64; 0]);
                assert_eq!(numbers(&source, request(start, 1024, u64::MAX, reverse), usize::MAX), [0_u64; 0]);
            }
        }
    }

    #[test]
    fn p02_skips_leave_no_range_and_wrap_around_nothing() {
        let source = GeneratedSource::new(1, 30);
        for skip in [u64::MAX, u64::MAX - 1, u64::MAX - 20, u64::MAX / 2] {
            assert_eq!(numbers(&source, request(20, 9, skip, false), usize::MAX), [20]);
            assert_eq!(numbers(&source, request(20, 9, skip, true), usize::MAX), [20]);
        }
        assert_eq!(numbers(&source, request(20, 2000, 0, true), usize::MAX).len(), 21);
    }

    fn request(start: u64, limit: u64, skip: u64, reverse: bool) -> GetBlockHeaders {
        GetBlockHeaders { request_id: 5, start: HashOrNumber::Number(start), limit, skip, reverse }
    }

    #[test]
    fn p02_runs_rise_fall_and_skip_and_end_with_the_source() {
        let source = GeneratedSource::new(1, 30);
        let all = usize::MAX;
        assert_eq!(numbers(&source, request(3, 3, 0, true), all), [3, 2, 1]);
        assert_eq!(numbers(&source, request(3, 9, 0, true), all), [3, 2, 1, 0]);
        assert_eq!(numbers(&source, request(27, 9, 0, false), all), [27, 28, 29]);
        assert_eq!(numbers(&source, request(20, 9, 6, true), all), [20, 13, 6]);
        assert_eq!(numbers(&source, request(20, 9, u64::MAX, false), all), [20]);
        assert_eq!(numbers(&source, request(20, 0, 0, false), all), [0_u64; 0]);
        assert_eq!(numbers(&source, request(30, 5, 0, true), all), [0_u64; 0]);
        let by_hash = |hash| GetBlockHeaders { start: HashOrNumber::Hash(hash), ..request(0, 2, 0, true) };
        assert_eq!(numbers(&source, by_hash(source.hash_of(9).expect("inside")), all), [9, 8]);
        assert_eq!(numbers(&source, by_hash(B256::ZERO), all), [0_u64; 0]);
    }

    /// Other clients end a response after the header that crosses their limit of 2 MiB; this peer ends it before,
    /// because its limit is the size of a browser's UDP buffer. One header always fits, so no header is ever left out.
    #[test]
    fn an_answer_costs_what_it_makes_whatever_it_skips() {
        let mut builder = ResponseBuilder::new();
        let mut source = GeneratedSource::new(1, 1);
        for (skip, headers) in [(255, 5), (256, 5), (9_999, 5), (0, 1024)] {
            source = GeneratedSource::new(1, 100_000);
            let response = build(&source, &request(99_999, 1024, skip, true), usize::MAX, &mut builder);
            assert_eq!(response.headers, headers, "{skip}");
            assert!(response.made <= HEADERS_MADE_PER_RESPONSE_MAX, "{skip}: {}", response.made);
        }
        let again = build(&source, &request(99_999, 1024, 0, true), usize::MAX, &mut builder);
        assert_eq!((again.headers, again.made), (1024, 0), "nothing is made twice in a row");
    }

    #[test]
    fn p02_an_answer_stops_before_its_limit_but_never_before_its_first_header() {
        let source = GeneratedSource::new(1, 200);
        let len = |number| source.by_number(number).expect("inside").len();
        let two = len(199) + len(198);
        assert_eq!(numbers(&source, request(199, 50, 0, true), two), [199, 198]);
        assert_eq!(numbers(&source, request(199, 50, 0, true), two - 1), [199]);
        assert_eq!(numbers(&source, request(199, 50, 0, true), 1), [199]);
    }
}
