//! The `alloc` of a genesis.json: the state root of the genesis.

use alloc::{collections::BTreeMap, vec::Vec};
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, KECCAK_EMPTY, Nibbles, TrieAccount};

use super::{
    super::json::{Object, bad, string, wide, word},
    ConfigError,
};

/// Root of the trie of all accounts. An empty account counts too.
pub(super) fn root(alloc: &Object<'_>) -> Result<B256, ConfigError> {
    let mut accounts = BTreeMap::new();
    for (address, account) in alloc.entries() {
        let key: Address = address.parse().map_err(|_| bad("alloc", address))?;
        accounts.insert(keccak256(key), alloy_rlp::encode(read(&Object::read(account, address)?)?));
    }
    Ok(trie(accounts))
}

fn read(account: &Object<'_>) -> Result<TrieAccount, ConfigError> {
    Ok(TrieAccount {
        nonce: account.number("nonce")?.unwrap_or(0),
        balance: account.wide("balance")?.unwrap_or(U256::ZERO),
        storage_root: account.object("storage")?.map_or(Ok(EMPTY_ROOT_HASH), |storage| storage_root(&storage))?,
        code_hash: account.bytes("code")?.map_or(KECCAK_EMPTY, keccak256),
    })
}

/// A slot with value zero is left out.
fn storage_root(storage: &Object<'_>) -> Result<B256, ConfigError> {
    let mut slots = BTreeMap::new();
    for (slot, value) in storage.entries() {
        let value = match string(value) {
            Some(text) => word(text, slot)?.into(),
            None => wide(value, slot)?,
        };
        if !value.is_zero() {
            slots.insert(keccak256(word(slot, "storage")?), alloy_rlp::encode(value));
        }
    }
    Ok(trie(slots))
}

/// Keys in the map rise, as the builder requires, and are unique.
fn trie(leaves: BTreeMap<B256, Vec<u8>>) -> B256 {
    let mut builder = HashBuilder::default();
    for (key, value) in &leaves {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    builder.root()
}
