//! The fields of a header: exactly those of its fork.

use super::{Field, RuleViolation};
use crate::{
    chain::{ForkSchedule, begun},
    header::Header,
};

/// On a known chain a field is present if, and only if, its fork has started.
pub(super) fn check(header: &Header<'_>, forks: &ForkSchedule) -> Result<(), RuleViolation> {
    let time = header.timestamp;
    let (cancun, amsterdam) = (begun(forks.cancun, time), begun(forks.amsterdam, time));
    let rows = [
        (Field::BaseFeePerGas, header.base_fee_per_gas.is_some(), forks.is_london(header.number)),
        (Field::WithdrawalsRoot, header.withdrawals_root.is_some(), begun(forks.shanghai, time)),
        (Field::BlobGasUsed, header.blob_gas_used.is_some(), cancun),
        (Field::ExcessBlobGas, header.excess_blob_gas.is_some(), cancun),
        (Field::ParentBeaconBlockRoot, header.parent_beacon_block_root.is_some(), cancun),
        (Field::RequestsHash, header.requests_hash.is_some(), begun(forks.prague, time)),
        (Field::BlockAccessListHash, header.block_access_list_hash.is_some(), amsterdam),
        (Field::SlotNumber, header.slot_number.is_some(), amsterdam),
    ];
    for (field, present, active) in rows {
        match (present, active) {
            (false, true) => return Err(RuleViolation::FieldMissing(field)),
            (true, false) => return Err(RuleViolation::FieldUnexpected(field)),
            _ => {}
        }
    }
    Ok(())
}
