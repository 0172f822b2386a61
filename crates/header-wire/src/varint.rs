//! Unsigned varints (multiformats): seven bits per byte, lowest first; the top bit marks that more bytes follow.

use crate::WireError;

/// Longest varint: ten bytes hold any 64-bit number.
pub(crate) const BYTES_MAX: usize = 10;

/// Reads one byte at a time, so that a varint may be split anywhere.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct VarintReader {
    value: u64,
    shift: u32,
}

impl VarintReader {
    /// Adds the next byte; returns the number once it is complete.
    pub(crate) fn push(&mut self, byte: u8) -> Result<Option<u64>, WireError> {
        let bits = u64::from(byte & 0x7f);
        // The tenth byte holds only the 64th bit and must be the last.
        if self.shift > 63 || (self.shift == 63 && byte > 1) {
            return Err(WireError::VarintOverflow);
        }
        if byte == 0 && self.shift > 0 {
            return Err(WireError::VarintNotMinimal);
        }
        self.value |= bits << self.shift;
        self.shift += 7;
        Ok((byte & 0x80 == 0).then_some(self.value))
    }

    /// Has the reader read part of a number?
    pub(crate) fn is_started(&self) -> bool {
        self.shift > 0
    }
}

/// Writes `value` to the end of `room` and returns the start index.
pub(crate) fn write_at_end(mut value: u64, room: &mut [u8; BYTES_MAX]) -> usize {
    let len = len(value);
    let start = BYTES_MAX - len;
    for byte in &mut room[start..] {
        *byte = (value & 0x7f) as u8 | 0x80;
        value >>= 7;
    }
    room[BYTES_MAX - 1] &= 0x7f;
    start
}

/// Length of `value` as a varint, 1 to 10.
pub(crate) const fn len(value: u64) -> usize {
    let bits = (u64::BITS - value.leading_zeros()) as usize;
    if bits == 0 { 1 } else { bits.div_ceil(7) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<u64>, WireError> {
        let mut reader = VarintReader::default();
        for (at, &byte) in bytes.iter().enumerate() {
            if let Some(value) = reader.push(byte)? {
                assert_eq!(at + 1, bytes.len());
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    #[test]
    fn known_values_round_trip() {
        for (value, expected) in [
            (0, &[0][..]),
            (1, &[1]),
            (127, &[0x7f]),
            (128, &[0x80, 1]),
            (300, &[0xac, 2]),
            (16_384, &[0x80, 0x80, 1]),
            (u64::MAX, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ] {
            let mut room = [0; BYTES_MAX];
            let start = write_at_end(value, &mut room);
            assert_eq!(&room[start..], expected);
            assert_eq!(read(expected), Ok(Some(value)));
        }
    }

    #[test]
    fn longer_forms_and_overflow_are_refused() {
        assert_eq!(read(&[0x80, 0]), Err(WireError::VarintNotMinimal));
        assert_eq!(read(&[0xff, 0x80, 0]), Err(WireError::VarintNotMinimal));
        assert_eq!(read(&[0xff; 10]), Err(WireError::VarintOverflow));
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]), Err(WireError::VarintOverflow));
        assert_eq!(read(&[0x80]), Ok(None));
    }
}
