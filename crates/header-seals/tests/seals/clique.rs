//! Seals of authorities: real chains, headers with one thing wrong, and signers recovered.

#![cfg(feature = "clique")]

use crate::support::{
    authorities::{self, Chain, PERIOD, addresses, extra_data, key, sign},
    changed, field, fields, header, number,
};
use alloy_primitives::{Address, B64, B256, U256, address, b256, hex, keccak256};
use bytes::Bytes;
use header_rules::{chain::CLIQUE_SIGNERS_MAX, header::Header};
use header_seals::clique::{Clique, CliqueViolation, SEAL_BYTES, Snapshot, recover_signer, seal_hash};
use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use proptest::prelude::*;

/// Blocks of a clique network with a base fee.
#[test]
fn a_real_network_of_one_signer() {
    let Some(path) = crate::data::file("clique/clique.blocks") else { return };
    let headers = crate::support::headers_of_blocks(&path);
    assert_eq!(headers.len(), 5);
    let mut snapshot = Snapshot::from_checkpoint(Clique::new(1, 30_000), &headers[0]).expect("a genesis");
    let signer = snapshot.signers().next().expect("one");
    for header in &headers[1..] {
        assert!(Header::decode(header).expect("decodes").base_fee_per_gas.is_some());
        assert_eq!(snapshot.apply(header), Ok(signer));
    }
    assert_eq!(snapshot.block().number, 4);
    assert_eq!((snapshot.signers().len(), snapshot.open_votes()), (1, 0));
}

/// Genesis and the first two headers of Goerli, as the network made them in January 2019.
#[test]
fn goerli_from_genesis() {
    const STATE: B256 = b256!("5d6cded585e73c4e322c30c2f782a336316f17dd85a4863b9d838d2d4b8b3008");
    let signer = address!("e0a2bd4258d2768837baa26a28fe71dc079f84c7");
    let make = |parent: B256, at: u64, difficulty: u64, gas_limit: u64, timestamp: u64, extra: &str| {
        let empty_trie = b256!("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421").to_vec();
        let no_ommers = b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347").to_vec();
        let extra = hex::decode(extra).expect("hex");
        let fields = [
            parent.to_vec(),
            no_ommers,
            vec![0; 20],
            STATE.to_vec(),
            empty_trie.clone(),
            empty_trie,
            vec![0; 256],
            number(difficulty),
            number(at),
            number(gas_limit),
            Vec::new(),
            number(timestamp),
            extra,
            vec![0; 32],
            vec![0; 8],
        ];
        header(&fields)
    };
    let seal = "00".repeat(65);
    let vanity = "22466c6578692069732061207468696e6722202d204166726900000000000000";
    let list = hex::encode(signer);
    let genesis = make(B256::ZERO, 0, 1, 10_485_760, 1_548_854_791, &format!("{vanity}{list}{seal}"));
    assert_eq!(keccak256(&genesis), b256!("bf7e331f7f7c1dd2e05159666b3bf8bc7a8a3a9eb1d518969eab529dd9b88c1a"));
    let first = make(
        keccak256(&genesis),
        1,
        2,
        10_475_521,
        1_548_947_453,
        "506172697479205465636820417574686f7269747900000000000000000000002bbf886181970654ed46e3fae0ded41ee53fec702c47431988a7ae80e6576f3552684f069af80ba11d36327aaf846d470526e4a1c461601b2fd4ebdcdc2b734a01",
    );
    assert_eq!(keccak256(&first), b256!("8f5bab218b6bb34476f51ca588e9f4553a3a7ce5e13a66c660a5283e97e9a85a"));
    let second = make(
        keccak256(&first),
        2,
        2,
        10_465_292,
        1_548_947_468,
        "506172697479205465636820417574686f726974790000000000000000000000fdd66d441eff7d4116fe987f0f10812fc68b06cc500ff71c492234b9a7b8b2f45597190d97cd85f6daa45ac9518bef9f715f4bd414504b1a21d8c681654055df00",
    );
    let mut snapshot = Snapshot::from_checkpoint(Clique::new(15, 0), &genesis).expect("a genesis");
    assert!(snapshot.signers().eq([signer]));
    assert_eq!(snapshot.apply(&first), Ok(signer));
    assert_eq!(snapshot.apply(&second), Ok(signer));
}

/// A chain of three with checkpoints at every fourth header, up to header 6.
fn chain() -> Chain {
    let mut chain = Chain::new(4, "ABC");
    "ABCABC".chars().for_each(|by| chain.grow(by));
    chain
}

/// The violation of the next header, signed by A as it is after `change`.
fn broken(chain: &Chain, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> CliqueViolation {
    let header = chain.next('A', change);
    let mut snapshot = chain.snapshot.clone();
    let violation = snapshot.apply(&header).expect_err("something is wrong with it");
    assert_eq!(snapshot, chain.snapshot, "a refused header changes nothing");
    violation
}

#[test]
fn a_header_with_one_thing_wrong() {
    let chain = chain();
    chain.clone().push(chain.next('A', |_| ())).expect("right as it is");
    let with = |change: &dyn Fn(&mut Vec<Vec<u8>>)| broken(&chain, |fields| change(fields));
    let set = |at: usize, value: Vec<u8>| with(&move |fields| fields[at] = value.clone());

    assert_eq!(set(field::NUMBER, vec![8]), CliqueViolation::Number { got: 8, expected: 7 });
    let (got, expected) = (B256::repeat_byte(5), keccak256(chain.tip()));
    assert_eq!(set(field::PARENT_HASH, got.to_vec()), CliqueViolation::Parent { got, expected });
    assert_eq!(set(field::MIX_HASH, got.to_vec()), CliqueViolation::MixHash { got });
    assert_eq!(set(field::OMMERS_HASH, got.to_vec()), CliqueViolation::Ommers { got });
    for nonce in [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe], [0, 0, 0, 0, 0, 0, 0, 1]] {
        assert_eq!(set(field::NONCE, nonce.to_vec()), CliqueViolation::Nonce { got: B64::from(nonce) });
    }
    let earliest = Header::decode(chain.tip()).expect("decodes").timestamp + PERIOD;
    let early = CliqueViolation::Timestamp { got: earliest - 1, earliest };
    assert_eq!(set(field::TIMESTAMP, number(earliest - 1)), early);
    assert_eq!(with(&|fields| fields.extend([vec![7], vec![1; 32]])), CliqueViolation::Fields { got: 17, max: 16 });
    assert_eq!(set(field::EXTRA_DATA, extra_data(&addresses("A"))), CliqueViolation::ExtraSigners { got: 20 });
}

#[test]
fn extra_data_without_room_for_its_parts() {
    let chain = chain();
    for got in [0, 31, 32, 65, 96] {
        let mut fields = chain.next_fields('A');
        fields[field::EXTRA_DATA] = vec![0; got];
        let mut snapshot = chain.snapshot.clone();
        assert_eq!(snapshot.apply(&header(&fields)), Err(CliqueViolation::ExtraTooShort { got, min: 97 }));
    }
}

#[test]
fn difficulty_is_that_of_the_turn() {
    let signers = addresses("ABC");
    let mut chain = chain();
    let mut turns = [0, 0];
    for at in 7..13 {
        // Two of three may sign; the turn is at most one's.
        let allowed: Vec<char> =
            "ABC".chars().filter(|by| chain.clone().push(chain.next(*by, |_| ())).is_ok()).collect();
        assert_eq!(allowed.len(), 2);
        for by in &allowed {
            let in_turn = signers[at % 3] == authorities::address(*by);
            let expected = if in_turn { 2 } else { 1 };
            turns[usize::from(in_turn)] += 1;
            for got in [0_u64, 1, 2, 3, u64::MAX].into_iter().filter(|difficulty| *difficulty != expected) {
                let header = chain.next(*by, |fields| fields[field::DIFFICULTY] = number(got));
                let violation = CliqueViolation::Difficulty { got: U256::from(got), expected };
                assert_eq!(chain.snapshot.clone().apply(&header), Err(violation));
            }
        }
        chain.grow(allowed[at % 2]);
    }
    assert!(turns[0] >= 3 && turns[1] >= 3, "{turns:?}");
}

#[test]
fn the_seal_is_that_of_a_signer_over_this_header() {
    let chain = chain();
    let good = chain.next('A', |_| ());
    let apply = |header: Bytes| chain.snapshot.clone().apply(&header);

    // Anything changed after signing: the seal is another account's.
    for (at, byte) in [(field::BENEFICIARY, 3), (3, 0), (4, 9), (field::EXTRA_DATA, 1), (field::EXTRA_DATA, 40)] {
        let result = apply(changed(&good, at, |value| value[byte] ^= 1));
        assert!(matches!(result, Err(CliqueViolation::Unauthorized { .. } | CliqueViolation::Seal)), "{result:?}");
    }
    // A stranger's.
    let mut fields = chain.next_fields('A');
    sign(&mut fields, 'Z');
    let stranger = CliqueViolation::Unauthorized { signer: authorities::address('Z') };
    assert_eq!(apply(header(&fields)), Err(stranger));
    // One who signed the header before.
    let mut fields = chain.next_fields('A');
    sign(&mut fields, 'C');
    let recent = CliqueViolation::SignedRecently { signer: authorities::address('C'), at: 6, limit: 2 };
    assert_eq!(apply(header(&fields)), Err(recent));
    // No signature at all: no such parity, r or s zero or not under the order.
    let seal = |from: usize, len: usize, value: u8| {
        changed(&good, field::EXTRA_DATA, |extra| extra[32 + from..32 + from + len].fill(value))
    };
    for header in [seal(64, 1, 2), seal(64, 1, 27), seal(0, 32, 0), seal(32, 32, 0), seal(0, 32, 0xff), seal(0, 65, 0)]
    {
        assert_eq!(apply(header), Err(CliqueViolation::Seal));
    }
}

#[test]
fn a_checkpoint_lists_the_signers_and_votes_for_nobody() {
    let mut chain = chain();
    chain.grow('A');
    assert!(chain.clique.is_checkpoint(8));
    let broken = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let header = chain.next('B', |fields| change(fields));
        chain.snapshot.clone().apply(&header).expect_err("something is wrong with it")
    };
    let listing = |list: Vec<Address>| {
        let got = list.clone();
        assert_eq!(
            broken(&move |fields| fields[field::EXTRA_DATA] = extra_data(&list)),
            CliqueViolation::SignerList { got, expected: addresses("ABC") }
        );
    };
    listing(Vec::new());
    listing(addresses("AB"));
    listing(addresses("ABCD"));
    listing(addresses("ABD"));
    listing(addresses("ABC").into_iter().rev().collect());

    let ragged = broken(&|fields| {
        fields[field::EXTRA_DATA].insert(40, 0);
    });
    assert_eq!(ragged, CliqueViolation::SignerListBytes { got: 61 });
    let got = authorities::address('D');
    let voting = broken(&|fields| fields[field::BENEFICIARY] = got.to_vec());
    assert_eq!(voting, CliqueViolation::CheckpointBeneficiary { got });
    let voting = broken(&|fields| fields[field::NONCE] = vec![0xff; 8]);
    assert_eq!(voting, CliqueViolation::CheckpointNonce { got: B64::repeat_byte(0xff) });
    chain.grow('B');
}

#[test]
fn a_snapshot_begins_at_any_checkpoint() {
    let mut chain = chain();
    let mut later = Snapshot::from_checkpoint(chain.clique, &chain.headers[4]).expect("a checkpoint");
    assert_eq!(later.block().number, 4);
    for header in &chain.headers[5..] {
        later.apply(header).expect("the same chain");
    }
    // It knows what the snapshot from genesis knows.
    assert_eq!(later, chain.snapshot);
    chain.grow('A');
    assert_eq!(later.apply(chain.tip()), Ok(authorities::address('A')));

    let begin =
        |header: &[u8]| Snapshot::from_checkpoint(chain.clique, header).map(|snapshot| snapshot.signers().len());
    assert_eq!(begin(&chain.headers[5]), Err(CliqueViolation::NotACheckpoint { number: 5, epoch: 4 }));
    let genesis = |list: &[Address]| changed(&chain.headers[0], field::EXTRA_DATA, |extra| *extra = extra_data(list));
    assert_eq!(begin(&genesis(&[])), Err(CliqueViolation::NoSigners));
    let twice = authorities::address('B');
    assert_eq!(begin(&genesis(&[twice, twice])), Err(CliqueViolation::SignerTwice { signer: twice }));
    let many: Vec<Address> =
        (0..=CLIQUE_SIGNERS_MAX as u64).map(|at| Address::left_padding_from(&at.to_be_bytes())).collect();
    assert_eq!(begin(&genesis(&many)), Err(CliqueViolation::TooManySigners { max: CLIQUE_SIGNERS_MAX }));
    assert_eq!(begin(&genesis(&many[1..])), Ok(CLIQUE_SIGNERS_MAX));
    // A checkpoint that none of its signers signed.
    let mut fields = fields(&chain.headers[4]);
    sign(&mut fields, 'Z');
    assert_eq!(begin(&header(&fields)), Err(CliqueViolation::Unauthorized { signer: authorities::address('Z') }));
}

#[test]
fn only_a_snapshots_own_bytes_are_read_back() {
    let mut chain = chain();
    chain.grow_with_vote('A', 'D', true);
    let bytes = chain.snapshot.encode();
    let read = |bytes: &[u8]| Snapshot::decode(chain.clique, bytes);
    assert_eq!(read(&bytes).as_ref(), Some(&chain.snapshot));
    for cut in 0..bytes.len() {
        assert_eq!(read(&bytes[..cut]), None);
    }
    assert_eq!(read(&[&bytes[..], &[0]].concat()), None);
    // Whatever is changed in it, it is read as a snapshot that would be written so, or not at all.
    for at in 0..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 1;
        assert!(read(&other).is_none_or(|snapshot| snapshot.encode() == other));
    }
}

#[test]
fn the_signed_hash_is_that_of_the_fields_without_the_seal() {
    let chain = chain();
    for good in &chain.headers {
        let mut fields = fields(good);
        // London's sixteenth field is signed with the others.
        for base_fee in [None, Some(number(7)), Some(number(1_000_000_000))] {
            fields.truncate(15);
            fields.extend(base_fee);
            let whole = header(&fields);
            let mut unsealed = fields.clone();
            let len = unsealed[field::EXTRA_DATA].len();
            unsealed[field::EXTRA_DATA].truncate(len - SEAL_BYTES);
            assert_eq!(seal_hash(&whole), Ok(keccak256(header(&unsealed))));
        }
    }
}

#[test]
fn what_is_no_header_has_no_seal() {
    let chain = chain();
    for cut in 0..chain.tip().len() {
        assert!(matches!(chain.snapshot.clone().apply(&chain.tip()[..cut]), Err(CliqueViolation::Undecodable(_))));
        assert!(
            Snapshot::from_checkpoint(chain.clique, &chain.headers[0][..cut.min(chain.headers[0].len() - 1)]).is_err()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A signature made by the curve's own crate gives its signer, with either of the two forms of `s`.
    #[test]
    fn the_signer_is_recovered(hash in any::<[u8; 32]>(), name in proptest::char::range('A', 'Z')) {
        let (signature, recovery) = key(name).sign_prehash_recoverable(&hash).expect("signs");
        let mut seal = [0; SEAL_BYTES];
        seal[..64].copy_from_slice(&signature.to_bytes());
        seal[64] = recovery.to_byte();
        prop_assert_eq!(recover_signer(hash.into(), &seal), Some(authorities::address(name)));
        let other = Signature::from_scalars(*signature.r(), -*signature.s()).expect("in range");
        seal[..64].copy_from_slice(&other.to_bytes());
        seal[64] ^= 1;
        prop_assert_eq!(recover_signer(hash.into(), &seal), Some(authorities::address(name)));
    }

    /// Of any bytes, what is recovered is what the curve's own crate recovers.
    #[test]
    fn any_seal_is_read_as_the_curve_reads_it(hash in any::<[u8; 32]>(), r in any::<[u8; 32]>(), s in any::<[u8; 32]>(), v in 0_u8..2) {
        let mut seal = [0; SEAL_BYTES];
        seal[..32].copy_from_slice(&r);
        seal[32..64].copy_from_slice(&s);
        seal[64] = v;
        // It takes the lower form of `s` only, whose parity is the other one.
        let expected = Signature::from_slice(&seal[..64]).ok().and_then(|signature| {
            let (signature, v) = signature.normalize_s().map_or((signature, v), |low| (low, v ^ 1));
            let recovery = RecoveryId::from_byte(v).expect("0 or 1");
            let key = VerifyingKey::recover_from_prehash(&hash, &signature, recovery).ok()?;
            Some(Address::from_raw_public_key(&key.to_encoded_point(false).as_bytes()[1..]))
        });
        prop_assert_eq!(recover_signer(hash.into(), &seal), expected);
    }

    #[test]
    fn no_bytes_make_a_snapshot_fail(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
        let chain = Chain::new(4, "AB");
        prop_assert!(chain.snapshot.clone().apply(&bytes).is_err());
        prop_assert!(Snapshot::from_checkpoint(chain.clique, &bytes).is_err());
        prop_assert!(Snapshot::decode(chain.clique, &bytes).is_none());
    }
}
