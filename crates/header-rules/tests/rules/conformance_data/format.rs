//! The format of a line with `blocks`.

use alloy_primitives::{B256, U256, hex};
use bytes::Bytes;
use serde_json::Value;

/// One case: a trusted genesis and blocks, which may form several branches.
pub(crate) struct Case {
    pub name: String,
    pub network: String,
    /// `blobSchedule`, `forks`, `chainConfig`; an empty object mostly.
    pub config: Value,
    /// Are the seals real proof of work?
    pub is_ethash: bool,
    pub genesis: Bytes,
    pub blocks: Vec<Block>,
}

/// One header of a case, and its expected result.
pub(crate) struct Block {
    pub rlp: Bytes,
    /// `None`: the bytes are not a header.
    pub hash: Option<B256>,
    /// Do the header rules accept it?
    pub is_valid: bool,
    /// Every rule that the header breaks; the first is the reason.
    pub violated: Vec<String>,
    /// Is the block rejected for another reason than its header?
    pub is_body_invalid: bool,
}

impl Case {
    pub(crate) fn read(line: &Value) -> Self {
        let name = format!("{} in {}", text(&line["case"]), text(&line["file"]));
        let blocks = line["blocks"].as_array().unwrap_or_else(|| panic!("{name}: no blocks"));
        Self {
            network: text(&line["network"]).to_owned(),
            config: line["config"].clone(),
            is_ethash: line["sealEngine"] == "Ethash",
            genesis: bytes(&line["genesis"]),
            blocks: blocks.iter().map(Block::read).collect(),
            name,
        }
    }
}

impl Block {
    fn read(block: &Value) -> Self {
        let also = block["also"].as_array().into_iter().flatten();
        let violated = [&block["reason"]].into_iter().chain(also).filter_map(Value::as_str);
        Self {
            rlp: bytes(&block["rlp"]),
            hash: block["hash"].as_str().map(|hash| hash.parse().expect("32 bytes")),
            is_valid: block["valid"].as_bool().expect("valid or not"),
            violated: violated.map(str::to_owned).collect(),
            is_body_invalid: block["note"] == "body-invalid",
        }
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string"))
}

pub(crate) fn bytes(value: &Value) -> Bytes {
    hex::decode(text(value)).unwrap_or_else(|error| panic!("{value}: {error}")).into()
}

/// A number, plain or as a hex quantity.
pub(crate) fn number(value: &Value) -> u64 {
    wide(value).try_into().unwrap_or_else(|_| panic!("{value} has more than 64 bits"))
}

/// A number of up to 256 bits, plain or as a hex quantity.
pub(crate) fn wide(value: &Value) -> U256 {
    let parsed = match value {
        Value::Number(number) => number.as_u64().map(U256::from),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    parsed.unwrap_or_else(|| panic!("{value} is no number"))
}
