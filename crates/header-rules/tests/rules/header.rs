//! Decoding: every field is read, only the canonical form is accepted, and no bytes cause a panic.

use alloy_primitives::{B256, U256};
use header_rules::header::{Header, HeaderError, SealedHeader};
use header_store::contract::{TestChain, encode};
use proptest::prelude::*;

/// A header with the fields of Amsterdam.
fn amsterdam(rlp: &[u8]) -> Header<'_> {
    let mut header = Header::decode(rlp).expect("a test chain's header");
    header.block_access_list_hash = Some(B256::repeat_byte(7));
    header.slot_number = Some(11_000_000);
    header
}

/// The same header with the fields up to `count`.
fn cut(mut header: Header<'_>, count: usize) -> Header<'_> {
    let clear = |from: usize, field: &mut dyn FnMut()| {
        if count < from {
            field();
        }
    };
    clear(16, &mut || header.base_fee_per_gas = None);
    clear(17, &mut || header.withdrawals_root = None);
    clear(18, &mut || header.blob_gas_used = None);
    clear(19, &mut || header.excess_blob_gas = None);
    clear(20, &mut || header.parent_beacon_block_root = None);
    clear(21, &mut || header.requests_hash = None);
    clear(22, &mut || header.block_access_list_hash = None);
    clear(23, &mut || header.slot_number = None);
    header
}

#[test]
fn every_fork_comes_back() {
    let chain = TestChain::new(3, 1);
    let full = amsterdam(chain.header(2));
    for count in 15..=23 {
        let header = cut(full, count);
        let rlp = encode(&header);
        assert_eq!(Header::decode(&rlp), Ok(header), "{count} fields");
        assert_eq!(header.field_count(), count);
    }
}

#[test]
fn the_hash_is_that_of_the_bytes() {
    let chain = TestChain::new(3, 1);
    let sealed = SealedHeader::new(chain.header(2).clone()).expect("decodes");
    assert_eq!((sealed.hash(), sealed.number(), sealed.parent_hash()), (chain.hash(2), 2, chain.hash(1)));
    assert_eq!(sealed.header().number, 2);
}

#[test]
fn a_field_more_or_less_is_refused() {
    let chain = TestChain::new(2, 1);
    let rlp = encode(&amsterdam(chain.header(1)));
    // A 24th field, and a list that is one byte longer. The prefix is f9 and two bytes of length.
    let mut more = rlp.to_vec();
    more.push(0x05);
    let len = u16::from_be_bytes([more[1], more[2]]) + 1;
    more[1..3].copy_from_slice(&len.to_be_bytes());
    assert_eq!(Header::decode(&more), Err(HeaderError::TooManyFields));
    // One field fewer than the first headers: without the nonce, which is the last nine bytes.
    let first = encode(&cut(amsterdam(chain.header(1)), 15));
    let mut less = first[..first.len() - 9].to_vec();
    let len = u16::from_be_bytes([less[1], less[2]]) - 9;
    less[1..3].copy_from_slice(&len.to_be_bytes());
    let error = alloy_rlp::Error::InputTooShort;
    assert_eq!(Header::decode(&less), Err(HeaderError::Field { field: "nonce", error }));
}

#[test]
fn nothing_follows_the_list() {
    let chain = TestChain::new(2, 1);
    let mut rlp = chain.header(1).to_vec();
    rlp.push(0);
    assert_eq!(Header::decode(&rlp), Err(HeaderError::TrailingBytes(1)));
}

#[test]
fn numbers_have_one_form() {
    let chain = TestChain::new(2, 1);
    let header = Header { difficulty: U256::from(300), ..Header::decode(chain.header(1)).expect("decodes") };
    let rlp = encode(&header);
    // 300 is 82 01 2c; with a leading zero it is 82 00 2c, another number, and not canonical.
    let at = rlp.windows(3).position(|bytes| bytes == [0x82, 0x01, 0x2c]).expect("the difficulty is there");
    let mut zero = rlp.to_vec();
    zero[at + 1] = 0;
    let error = alloy_rlp::Error::LeadingZero;
    assert_eq!(Header::decode(&zero), Err(HeaderError::Field { field: "difficulty", error }));
}

#[test]
fn no_list_is_no_header() {
    for bytes in [b"".as_slice(), b"\x80", b"\xc0", b"\xf8", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\xbf\x00"] {
        assert!(Header::decode(bytes).is_err(), "{bytes:x?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_end_in_a_value(bytes in prop::collection::vec(any::<u8>(), 0..700)) {
        let _ = Header::decode(&bytes);
    }

    /// One changed byte: an error, or a header that encodes to the changed bytes. A header has one form.
    #[test]
    fn a_changed_byte_is_seen(at in 0usize..560, byte in any::<u8>()) {
        let chain = TestChain::new(2, 1);
        let mut bytes = chain.header(1).to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(header) = Header::decode(&bytes) {
            let again = encode(&header);
            prop_assert_eq!(again.as_ref(), bytes.as_slice());
        }
    }

    #[test]
    fn a_cut_header_is_refused(len in 0usize..560) {
        let chain = TestChain::new(2, 1);
        let rlp = chain.header(1);
        prop_assert!(Header::decode(&rlp[..len.min(rlp.len() - 1)]).is_err());
    }
}
