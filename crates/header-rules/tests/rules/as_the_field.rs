//! Fees and blobs compared with alloy's crates: the same results from both.

use alloy_eips::{
    eip1559::{BaseFeeParams, calc_next_block_base_fee},
    eip7840::BlobParams as FieldParams,
};
use header_rules::{
    chain::BlobParams,
    header::Header,
    rules::{GAS_PER_BLOB, next_base_fee, next_excess_blob_gas},
};
use header_store::contract::TestChain;
use proptest::prelude::*;

/// The parameters of the public networks, theirs and ours.
fn params() -> [(FieldParams, BlobParams); 5] {
    [
        (FieldParams::cancun(), BlobParams::cancun(0)),
        (FieldParams::prague(), BlobParams::prague(0)),
        (FieldParams::osaka(), BlobParams::prague(0)),
        (FieldParams::bpo1(), BlobParams::bpo1(0)),
        (FieldParams::bpo2(), BlobParams::bpo2(0)),
    ]
}

#[test]
fn blob_parameters_are_the_fields() {
    for (field, ours) in params() {
        let field = (field.target_blob_count, field.max_blob_count, field.update_fraction);
        assert_eq!(field, (ours.target, ours.max, u128::from(ours.update_fraction)));
    }
}

proptest! {
    #[test]
    fn base_fee_is_the_fields(limit in 5_000..1u64 << 40, used in any::<u64>(), fee in 0..1u64 << 50) {
        let template = TestChain::new(2, 1);
        let header = Header::decode(template.header(1)).expect("decodes");
        let used = used % (limit + 1);
        let parent = Header { gas_limit: limit, gas_used: used, base_fee_per_gas: Some(fee), ..header };
        let field = calc_next_block_base_fee(used, limit, fee, BaseFeeParams::ethereum());
        prop_assert_eq!(next_base_fee(&parent), u128::from(field));
    }

    #[test]
    fn excess_blob_gas_is_the_fields(excess in 0..200_000_000u64, blobs in 0..22u64, fee in 0..100_000_000_000u64) {
        let template = TestChain::new(2, 1);
        let header = Header::decode(template.header(1)).expect("decodes");
        let used = blobs * GAS_PER_BLOB;
        let (blob_gas_used, excess_blob_gas, base_fee_per_gas) = (Some(used), Some(excess), Some(fee));
        let parent = Header { blob_gas_used, excess_blob_gas, base_fee_per_gas, ..header };
        // Cancun and Prague have no lower bound of the blob price; Osaka has (EIP-7918).
        for (at, (field, ours)) in params().into_iter().enumerate() {
            let expected = field.next_block_excess_blob_gas_osaka(excess, used, fee);
            prop_assert_eq!(next_excess_blob_gas(&parent, &ours, at >= 2), u128::from(expected));
        }
    }
}
