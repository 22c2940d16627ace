//! Variable-length integers of 1, 2, 4 or 8 bytes (RFC 9000 §16).

use alloc::vec::Vec;

/// The largest value that fits.
pub(crate) const MAX: u64 = (1 << 62) - 1;

/// The bytes that `value` takes.
pub(crate) const fn size(value: u64) -> usize {
    match value {
        0..=0x3f => 1,
        0x40..=0x3fff => 2,
        0x4000..=0x3fff_ffff => 4,
        _ => 8,
    }
}

/// Appends `value`; values beyond [`MAX`] do not occur (they would take centuries of counting) and are written as [`MAX`].
pub(crate) fn write(value: u64, out: &mut Vec<u8>) {
    let value = value.min(MAX);
    match size(value) {
        1 => out.push(value as u8),
        2 => out.extend_from_slice(&(value as u16 | 0x4000).to_be_bytes()),
        4 => out.extend_from_slice(&(value as u32 | 0x8000_0000).to_be_bytes()),
        _ => out.extend_from_slice(&(value | 0xc000_0000_0000_0000).to_be_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::super::reader::{Malformed, Reader};
    use super::*;

    #[test]
    fn the_examples_of_the_rfc_are_written_and_read() {
        for (value, bytes) in [
            (151_288_809_941_952_652, vec![0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c]),
            (494_878_333, vec![0x9d, 0x7f, 0x3e, 0x7d]),
            (15_293, vec![0x7b, 0xbd]),
            (37, vec![0x25]),
        ] {
            let mut out = Vec::new();
            write(value, &mut out);
            assert_eq!(out, bytes);
            assert_eq!(Reader::new(&bytes).varint(), Ok(value));
        }
    }

    #[test]
    fn a_longer_spelling_than_needed_is_refused() {
        assert_eq!(Reader::new(&[0x40, 0x25]).varint(), Err(Malformed));
    }

    #[test]
    fn sizes_change_exactly_at_the_borders() {
        for (value, bytes) in [(0x3f, 1), (0x40, 2), (0x3fff, 2), (0x4000, 4), (0x3fff_ffff, 4), (0x4000_0000, 8), (MAX, 8)] {
            let mut out = Vec::new();
            write(value, &mut out);
            assert_eq!((out.len(), size(value)), (bytes, bytes), "{value:#x}");
            assert_eq!(Reader::new(&out).varint(), Ok(value));
        }
    }
}
