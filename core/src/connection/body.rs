//! A message's bytes on their way out: in memory once for however many get them, and counted for as long as anybody holds them.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Deref;
use core::sync::atomic::{AtomicU64, Ordering};

/// Bytes of messages that are held somewhere, whoever holds them.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<AtomicU64>);

impl Tally {
    /// How many there are now.
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// A message that counts until nobody holds it any more.
    pub fn body(&self, bytes: Vec<u8>) -> Body {
        self.tagged(bytes, None)
    }

    /// The same; of one with a tag, its sender is told when it was delivered.
    pub fn tagged(&self, bytes: Vec<u8>, tag: Option<DeliveryTag>) -> Body {
        self.counted(bytes, tag, false)
    }

    /// A message that many get in the same moment and nobody waits to be acknowledged.
    pub fn unhurried(&self, bytes: Vec<u8>) -> Body {
        self.counted(bytes, None, true)
    }

    fn counted(&self, bytes: Vec<u8>, tag: Option<DeliveryTag>, unhurried: bool) -> Body {
        self.0.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Body(Arc::new(BodyBytes { bytes: bytes.into_boxed_slice(), tag, unhurried, tally: Some(self.clone()) }))
    }
}

/// What the sender of a message knows it by. It does not travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeliveryTag {
    /// What it is about.
    pub id: u64,
    /// Which wording of that, if there are several.
    pub version: u32,
}

/// A message's bytes.
#[derive(Clone, Debug)]
pub struct Body(Arc<BodyBytes>);

#[derive(Debug)]
struct BodyBytes {
    bytes: Box<[u8]>,
    tag: Option<DeliveryTag>,
    unhurried: bool,
    tally: Option<Tally>,
}

impl Drop for BodyBytes {
    fn drop(&mut self) {
        if let Some(Tally(bytes)) = &self.tally {
            bytes.fetch_sub(self.bytes.len() as u64, Ordering::Relaxed);
        }
    }
}

impl Body {
    pub(super) fn tag(&self) -> Option<DeliveryTag> {
        self.0.tag
    }

    /// Its receivers may take their time to acknowledge it.
    pub fn is_unhurried(&self) -> bool {
        self.0.unhurried
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.bytes
    }
}

/// Without counting.
impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(BodyBytes { bytes: bytes.into_boxed_slice(), tag: None, unhurried: false, tally: None }))
    }
}

/// Without counting.
impl From<&[u8]> for Body {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

/// Without counting.
impl<const N: usize> From<[u8; N]> for Body {
    fn from(bytes: [u8; N]) -> Self {
        bytes.to_vec().into()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn a_message_to_many_counts_once_and_until_the_last_has_let_go_of_it() {
        let tally = Tally::default();
        let one = tally.body(vec![7; 100]);
        let others = vec![one.clone(); 50];
        assert_eq!(tally.bytes(), 100);
        drop(one);
        assert_eq!((tally.bytes(), others.first().map(|body| body.len())), (100, Some(100)));
        drop(others);
        assert_eq!(tally.bytes(), 0);
    }
}
