//! JSON objects and numbers, kept as text until they are read: a total difficulty has more digits than a JSON number
//! can hold. No tree is built; only the positions of keys are stored.
//!
//! Stricter than JSON where this is simpler: no escapes in a string that is read, at most [`DEPTH_MAX`] levels.

use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec::Vec,
};
use alloy_primitives::U256;
#[cfg(feature = "genesis-json")]
use alloy_primitives::{B256, hex};

use super::ConfigError;

/// Most levels of nested objects and lists, so that a text cannot exhaust the stack.
const DEPTH_MAX: usize = 16;
/// Most characters of an invalid value that an error shows.
const SHOWN_CHARACTERS_MAX: usize = 80;

/// An object: each key with the text of its value. The last of two equal keys counts, as in JavaScript.
pub(super) struct Object<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Object<'a> {
    /// `what`: the name of the object, for errors.
    pub(super) fn read(text: &'a str, what: &str) -> Result<Self, ConfigError> {
        let mut entries = Vec::new();
        let mut scan = Scan { text, at: 0 };
        let read = scan.members(0, |key, value| entries.push((key, value))).and_then(|()| scan.end());
        let error = |error: &str| ConfigError::Json { what: what.to_owned(), error: error.to_owned() };
        read.map(|()| Self(entries)).map_err(error)
    }

    /// Keys whose value is not `null`, and the values.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().copied().filter(|(_, value)| *value != "null")
    }

    /// All keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().map(|(key, _)| *key)
    }

    /// The text of a value, including `null`.
    pub(super) fn raw(&self, key: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }

    /// The text of a value; `None` for `null`.
    fn get(&self, key: &str) -> Option<&'a str> {
        self.raw(key).filter(|value| *value != "null")
    }

    /// The object under `key`.
    pub(super) fn object(&self, key: &str) -> Result<Option<Self>, ConfigError> {
        self.get(key).map(|value| Self::read(value, key)).transpose()
    }

    pub(super) fn boolean(&self, key: &str) -> bool {
        self.get(key) == Some("true")
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<u64>, ConfigError> {
        let Some(wide) = self.wide(key)? else { return Ok(None) };
        wide.try_into().map(Some).map_err(|_| bad(key, &wide.to_string()))
    }

    pub(super) fn wide(&self, key: &str) -> Result<Option<U256>, ConfigError> {
        self.get(key).map(|value| wide(value, key)).transpose()
    }

    /// Bytes in hex, with or without `0x`.
    #[cfg(feature = "genesis-json")]
    pub(super) fn bytes(&self, key: &str) -> Result<Option<Vec<u8>>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let text = string(value).ok_or_else(|| bad(key, value))?;
        hex::decode(text).map(Some).map_err(|_| bad(key, text))
    }

    /// Exactly `N` bytes in hex.
    #[cfg(feature = "genesis-json")]
    pub(super) fn fixed<const N: usize>(&self, key: &str) -> Result<Option<[u8; N]>, ConfigError> {
        let Some(bytes) = self.bytes(key)? else { return Ok(None) };
        bytes.as_slice().try_into().map(Some).map_err(|_| bad(key, &hex::encode(&bytes)))
    }
}

/// A number: digits, or a string with digits or with `0x` and hex digits.
pub(super) fn wide(raw: &str, key: &str) -> Result<U256, ConfigError> {
    let text = string(raw).unwrap_or(raw);
    let (digits, radix) = match text.strip_prefix("0x") {
        Some("") => ("0", 16),
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    let is_digits = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_alphanumeric());
    U256::from_str_radix(digits, radix).ok().filter(|_| is_digits).ok_or_else(|| bad(key, text))
}

/// 32 bytes in hex; fewer are padded on the left.
#[cfg(feature = "genesis-json")]
pub(super) fn word(text: &str, key: &str) -> Result<B256, ConfigError> {
    let bytes = hex::decode(text).map_err(|_| bad(key, text))?;
    if bytes.len() > 32 { Err(bad(key, text)) } else { Ok(B256::left_padding_from(&bytes)) }
}

/// The content of a JSON string; `None` if it is not a string, or has an escape.
pub(super) fn string(raw: &str) -> Option<&str> {
    raw.strip_prefix('"')?.strip_suffix('"').filter(|text| !text.contains('\\'))
}

pub(super) fn bad(key: &str, value: &str) -> ConfigError {
    let value: String = value.chars().take(SHOWN_CHARACTERS_MAX).collect();
    ConfigError::Value { key: key.to_owned(), value }
}

/// A position in a text.
struct Scan<'a> {
    text: &'a str,
    at: usize,
}

/// The error at this position.
type Wrong = &'static str;

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Skips `byte`, and white space around it, if it is next.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.at += 1;
            self.skip_space();
        }
        is_next
    }

    fn end(&mut self) -> Result<(), Wrong> {
        self.skip_space();
        if self.peek().is_none() { Ok(()) } else { Err("something follows it") }
    }

    /// Reads an object; passes each key and the text of its value to `found`.
    fn members(&mut self, depth: usize, mut found: impl FnMut(&'a str, &'a str)) -> Result<(), Wrong> {
        if !self.take(b'{') {
            return Err("it does not begin with a brace");
        }
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let key = string(self.string()?).ok_or("a key with an escape")?;
            if !self.take(b':') {
                return Err("a key without a value");
            }
            found(key, self.value(depth + 1)?);
            if !self.take(b',') {
                return if self.take(b'}') { Ok(()) } else { Err("an object without its end") };
            }
        }
    }

    fn elements(&mut self, depth: usize) -> Result<(), Wrong> {
        if !self.take(b'[') {
            return Err("it does not begin with a bracket");
        }
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            if !self.take(b',') {
                return if self.take(b']') { Ok(()) } else { Err("a list without its end") };
            }
        }
    }

    /// The text of any value.
    fn value(&mut self, depth: usize) -> Result<&'a str, Wrong> {
        if depth > DEPTH_MAX {
            return Err("too many levels");
        }
        self.skip_space();
        let start = self.at;
        match self.peek() {
            Some(b'{') => self.members(depth, |_, _| {})?,
            Some(b'[') => self.elements(depth)?,
            Some(b'"') => return self.string(),
            _ => {
                while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
                    self.at += 1;
                }
            }
        }
        // White space after an object or list is skipped with it.
        let text = self.text[start..self.at].trim_ascii_end();
        let is_word = matches!(text, "true" | "false" | "null");
        let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        if is_word || is_number || text.starts_with(['{', '[']) { Ok(text) } else { Err("a value that is none") }
    }

    /// A string, including its quotes.
    fn string(&mut self) -> Result<&'a str, Wrong> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err("no string where one must be");
        }
        loop {
            self.at += 1;
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.at += 1,
                Some(0..0x20) | None => return Err("a string without its end"),
                Some(_) => {}
            }
        }
        self.at += 1;
        Ok(&self.text[start..self.at])
    }
}
