//! Objects and numbers of JSON, kept as text until someone asks: a total difficulty has more digits than a JSON number
//! may lose.

use alloc::{
    borrow::ToOwned,
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};
use alloy_primitives::{B256, U256, hex};
use serde_json::value::RawValue;

use super::GenesisJsonError;

/// An object: what each key has, as it stands in the text. `null` is absent.
pub(super) struct Object<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Object<'a> {
    /// `what`: the name of the object, for errors.
    pub fn read(text: &'a str, what: &str) -> Result<Self, GenesisJsonError> {
        let mut entries: BTreeMap<String, &RawValue> = serde_json::from_str(text)
            .map_err(|error| GenesisJsonError::Json { what: what.to_owned(), error: error.to_string() })?;
        entries.retain(|_, value| value.get() != "null");
        Ok(Self(entries))
    }

    pub fn entries(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.get()))
    }

    /// The object under `key`.
    pub fn object(&self, key: &str) -> Result<Option<Self>, GenesisJsonError> {
        self.0.get(key).map(|value| Self::read(value.get(), key)).transpose()
    }

    pub fn boolean(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| value.get() == "true")
    }

    pub fn number(&self, key: &str) -> Result<Option<u64>, GenesisJsonError> {
        let Some(wide) = self.wide(key)? else { return Ok(None) };
        wide.try_into().map(Some).map_err(|_| bad(key, &wide.to_string()))
    }

    pub fn wide(&self, key: &str) -> Result<Option<U256>, GenesisJsonError> {
        self.0.get(key).map(|value| wide(value.get(), key)).transpose()
    }

    /// Bytes in hex, with or without `0x`.
    pub fn bytes(&self, key: &str) -> Result<Option<Vec<u8>>, GenesisJsonError> {
        let Some(value) = self.0.get(key) else { return Ok(None) };
        let text = string(value.get()).ok_or_else(|| bad(key, value.get()))?;
        hex::decode(&text).map(Some).map_err(|_| bad(key, &text))
    }

    /// Exactly `N` bytes in hex.
    pub fn fixed<const N: usize>(&self, key: &str) -> Result<Option<[u8; N]>, GenesisJsonError> {
        let Some(bytes) = self.bytes(key)? else { return Ok(None) };
        bytes.as_slice().try_into().map(Some).map_err(|_| bad(key, &hex::encode(&bytes)))
    }
}

/// A number: digits, or a string with digits or with `0x` and hex digits.
pub(super) fn wide(raw: &str, key: &str) -> Result<U256, GenesisJsonError> {
    let text = string(raw).unwrap_or_else(|| raw.to_owned());
    let (digits, radix) = match text.strip_prefix("0x") {
        Some("") => ("0", 16),
        Some(digits) => (digits, 16),
        None => (text.as_str(), 10),
    };
    let is_digits = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_alphanumeric());
    U256::from_str_radix(digits, radix).ok().filter(|_| is_digits).ok_or_else(|| bad(key, &text))
}

/// 32 bytes in hex; fewer are filled up on the left.
pub(super) fn word(text: &str, key: &str) -> Result<B256, GenesisJsonError> {
    let bytes = hex::decode(text).map_err(|_| bad(key, text))?;
    if bytes.len() > 32 { Err(bad(key, text)) } else { Ok(B256::left_padding_from(&bytes)) }
}

/// What a JSON string says; `None` when it is no string.
pub(super) fn string(raw: &str) -> Option<String> {
    serde_json::from_str(raw).ok()
}

pub(super) fn bad(key: &str, value: &str) -> GenesisJsonError {
    GenesisJsonError::Value { key: key.to_owned(), value: value.chars().take(80).collect() }
}
