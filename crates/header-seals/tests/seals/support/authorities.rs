//! Authorities of a made clique chain, named by letters, and the headers that they sign.

use alloy_primitives::{Address, keccak256};
use bytes::Bytes;
use header_rules::header::EMPTY_OMMERS_HASH;
use header_seals::clique::{Clique, Snapshot};
use k256::ecdsa::SigningKey;

use super::{field, fields, header, number};

/// Seconds between two headers.
pub(crate) const PERIOD: u64 = 15;

/// The key of the authority with this letter.
pub(crate) fn key(name: char) -> SigningKey {
    SigningKey::from_slice(keccak256([name as u8]).as_slice()).expect("a scalar")
}

/// Its address.
pub(crate) fn address(name: char) -> Address {
    let point = key(name).verifying_key().to_encoded_point(false);
    Address::from_raw_public_key(&point.as_bytes()[1..])
}

/// The addresses of these letters, rising.
pub(crate) fn addresses(names: &str) -> Vec<Address> {
    let mut addresses: Vec<Address> = names.chars().map(address).collect();
    addresses.sort();
    addresses
}

/// The extra data of a header: 32 free bytes, signers, room for the seal.
pub(crate) fn extra_data(signers: &[Address]) -> Vec<u8> {
    let mut extra = b"thirty-two bytes for one's vanity".to_vec();
    extra.truncate(32);
    signers.iter().for_each(|signer| extra.extend(signer.as_slice()));
    extra.extend([0; 65]);
    extra
}

/// The genesis that lists these signers.
pub(crate) fn genesis(signers: &str) -> Bytes {
    let mut draft = draft();
    draft[field::EXTRA_DATA] = extra_data(&addresses(signers));
    header(&draft)
}

/// The fields of a header after `parent` without vote and seal: difficulty 1, no list.
pub(crate) fn child_fields(parent: &[u8]) -> Vec<Vec<u8>> {
    let before = fields(parent);
    let value = |field: usize| before[field].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let mut draft = draft();
    draft[field::PARENT_HASH] = keccak256(parent).to_vec();
    draft[field::NUMBER] = number(value(field::NUMBER) + 1);
    draft[field::TIMESTAMP] = number(value(field::TIMESTAMP) + PERIOD);
    draft
}

/// Signs: the hash is that of all fields, the extra data without its last 65 bytes.
pub(crate) fn sign(fields: &mut [Vec<u8>], by: char) {
    let extra = fields[field::EXTRA_DATA].clone();
    let unsealed = extra.len() - 65;
    fields[field::EXTRA_DATA].truncate(unsealed);
    let hash = keccak256(header(fields));
    let (signature, recovery) = key(by).sign_prehash_recoverable(hash.as_slice()).expect("signs");
    fields[field::EXTRA_DATA].extend(signature.to_bytes());
    fields[field::EXTRA_DATA].push(recovery.to_byte());
}

/// A chain that grows by what its authorities sign, with the snapshot after its last header.
#[derive(Clone)]
pub(crate) struct Chain {
    pub clique: Clique,
    pub headers: Vec<Bytes>,
    pub snapshot: Snapshot,
}

impl Chain {
    pub(crate) fn new(epoch: u64, signers: &str) -> Self {
        let clique = Clique::new(PERIOD, epoch);
        let headers = vec![genesis(signers)];
        let snapshot = Snapshot::from_checkpoint(clique, &headers[0]).expect("a genesis");
        Self { clique, headers, snapshot }
    }

    pub(crate) fn tip(&self) -> &Bytes {
        &self.headers[self.headers.len() - 1]
    }

    /// The fields of the next header as `by` would sign it: with its turn's difficulty, and with the list in a
    /// checkpoint.
    pub(crate) fn next_fields(&self, by: char) -> Vec<Vec<u8>> {
        let mut draft = child_fields(self.tip());
        let signers: Vec<Address> = self.snapshot.signers().collect();
        let number = self.headers.len() as u64;
        let place = signers.iter().position(|signer| *signer == address(by));
        if place.is_some_and(|place| number % signers.len() as u64 == place as u64) {
            draft[field::DIFFICULTY] = vec![2];
        }
        if self.clique.is_checkpoint(number) {
            draft[field::EXTRA_DATA] = extra_data(&signers);
        }
        draft
    }

    /// The next header, signed by `by`, after `change`.
    pub(crate) fn next(&self, by: char, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Bytes {
        let mut draft = self.next_fields(by);
        change(&mut draft);
        sign(&mut draft, by);
        header(&draft)
    }

    /// Signs a header and takes it in.
    pub(crate) fn grow(&mut self, by: char) {
        self.push(self.next(by, |_| ())).expect("a good header");
    }

    /// The next header, by which `by` votes for (`true`) or against an account.
    pub(crate) fn next_vote(&self, by: char, about: char, authorize: bool) -> Bytes {
        self.next(by, |fields| vote(fields, about, authorize))
    }

    /// Signs a header with a vote and takes it in.
    pub(crate) fn grow_with_vote(&mut self, by: char, about: char, authorize: bool) {
        self.push(self.next_vote(by, about, authorize)).expect("a vote");
    }

    pub(crate) fn push(&mut self, header: Bytes) -> Result<Address, header_seals::clique::CliqueViolation> {
        let signer = self.snapshot.apply(&header)?;
        self.headers.push(header);
        Ok(signer)
    }
}

/// The fields of a header of a chain of authorities.
fn draft() -> Vec<Vec<u8>> {
    let hash = |byte: u8| vec![byte; 32];
    vec![
        hash(0),
        EMPTY_OMMERS_HASH.to_vec(),
        vec![0; 20],
        hash(1),
        hash(2),
        hash(3),
        vec![0; 256],
        vec![1],
        Vec::new(),
        number(8_000_000),
        Vec::new(),
        number(1_500_000_000),
        extra_data(&[]),
        hash(0),
        vec![0; 8],
    ]
}

/// A vote for (`true`) or against an account, written into the fields of a header.
pub(crate) fn vote(fields: &mut [Vec<u8>], about: char, authorize: bool) {
    fields[field::BENEFICIARY] = address(about).to_vec();
    fields[field::NONCE] = vec![if authorize { 0xff } else { 0 }; 8];
}
