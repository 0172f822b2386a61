//! The parts of the extra data, and the signer of a header.

use alloy_primitives::{Address, B256};
use k256::{
    AffinePoint, FieldBytes, ProjectivePoint, Scalar, U256,
    elliptic_curve::{
        PrimeField,
        ops::{LinearCombination, Reduce},
        point::DecompressPoint,
        sec1::ToEncodedPoint,
    },
};

use super::CliqueViolation;
use crate::sections::Sections;
use header_rules::header::HeaderError;

/// Free bytes at the start of the extra data (EIP-225, `EXTRA_VANITY`).
pub const VANITY_BYTES: usize = 32;
/// Bytes of the seal at its end (EIP-225, `EXTRA_SEAL`): `r`, `s` and one bit.
pub const SEAL_BYTES: usize = 65;
/// Bytes of a signer's address.
const ADDRESS_BYTES: usize = 20;

/// The extra data of a header, split.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extra<'a> {
    /// All but the seal: the signed part.
    pub(super) unsealed: &'a [u8],
    /// The part between the free bytes and the seal.
    signers: &'a [u8],
    /// The seal.
    pub(super) seal: &'a [u8; SEAL_BYTES],
}

impl<'a> Extra<'a> {
    pub(super) fn of(extra_data: &'a [u8]) -> Result<Self, CliqueViolation> {
        let short = CliqueViolation::ExtraTooShort { got: extra_data.len(), min: VANITY_BYTES + SEAL_BYTES };
        let Some((unsealed, seal)) = extra_data.split_last_chunk() else { return Err(short) };
        let Some(signers) = unsealed.get(VANITY_BYTES..) else { return Err(short) };
        Ok(Self { unsealed, signers, seal })
    }

    /// Length of the list of signers, in bytes.
    pub(super) fn signer_bytes(&self) -> usize {
        self.signers.len()
    }

    /// The listed signers, in their order.
    pub(super) fn signers(&self) -> Result<impl ExactSizeIterator<Item = Address> + use<'a>, CliqueViolation> {
        let (addresses, rest) = self.signers.as_chunks::<ADDRESS_BYTES>();
        if !rest.is_empty() {
            return Err(CliqueViolation::SignerListBytes { got: self.signers.len() });
        }
        Ok(addresses.iter().map(Address::from))
    }
}

/// The hash that a header's seal signs: the header with the seal cut from its extra data (EIP-225, "Authorizing a
/// block"). `unsealed` is that extra data.
fn signed_hash(rlp: &[u8], unsealed: &[u8]) -> Result<B256, HeaderError> {
    Sections::cut(rlp).map(|sections| sections.clique_seal_hash(unsealed))
}

/// The hash that the seal of a header signs.
pub fn seal_hash(rlp: &[u8]) -> Result<B256, CliqueViolation> {
    let header = header_rules::header::Header::decode(rlp).map_err(CliqueViolation::Undecodable)?;
    let extra = Extra::of(header.extra_data)?;
    signed_hash(rlp, extra.unsealed).map_err(CliqueViolation::Undecodable)
}

/// The signer of the header with these bytes and this extra data.
pub(super) fn signer_of(rlp: &[u8], extra: &Extra<'_>) -> Result<Address, CliqueViolation> {
    let hash = signed_hash(rlp, extra.unsealed).map_err(CliqueViolation::Undecodable)?;
    recover_signer(hash, extra.seal).ok_or(CliqueViolation::Seal)
}

/// Recovers the signer of a signature (`r`, `s`, and 0 or 1 for the parity of `R`) over `hash`: SEC 1, 4.1.6; the
/// address is the last 20 bytes of the key's keccak-256. `None` for an invalid signature.
///
/// An `s` in the upper half of its range is valid, as in the EIP and its first implementation: the rule against it
/// (EIP-2) is only for transactions.
pub fn recover_signer(hash: B256, seal: &[u8; SEAL_BYTES]) -> Option<Address> {
    let (scalars, [parity]) = seal.split_last_chunk::<1>().map(|(scalars, parity)| (scalars, *parity))?;
    let (r_bytes, s_bytes) = scalars.split_at(32);
    let r_bytes = FieldBytes::clone_from_slice(r_bytes);
    let r = nonzero(&r_bytes)?;
    let s = nonzero(FieldBytes::from_slice(s_bytes))?;
    if parity > 1 {
        return None;
    }
    // R is the point with x = r; r + n, the only other x, is below the field's prime for one r in 2^128 and has no
    // parity of 0 or 1.
    let point = Option::<AffinePoint>::from(AffinePoint::decompress(&r_bytes, parity.into()))?;
    let z = <Scalar as Reduce<U256>>::reduce_bytes(FieldBytes::from_slice(hash.as_slice()));
    // Q = r^-1 (s R - z G)
    let inverse = Option::<Scalar>::from(r.invert())?;
    let key = ProjectivePoint::lincomb(
        &ProjectivePoint::GENERATOR,
        &-(inverse * z),
        &ProjectivePoint::from(point),
        &(inverse * s),
    )
    .to_affine();
    let encoded = key.to_encoded_point(false);
    // 65 bytes: 4 and the coordinates; the point at infinity has one.
    encoded.as_bytes().get(1..65).map(Address::from_raw_public_key)
}

fn nonzero(bytes: &FieldBytes) -> Option<Scalar> {
    Option::<Scalar>::from(Scalar::from_repr(*bytes)).filter(|scalar| !bool::from(scalar.is_zero()))
}
