//! Bytes to meaning and back: the datagram's head, the frames inside, and the one codec module for what the conversation says.
//!
//! Heads and frames are written by hand because they are parsed before anything is proven and because every bit of them is the
//! protocol; only messages that arrived whole, in order and authenticated reach the codec.

mod channel;
mod close;
pub mod codec;
pub mod datagram;
pub mod discover;
pub mod frame;
pub mod parameters;
pub(crate) mod reader;
pub(crate) mod varint;

pub use channel::Channel;
pub use close::CloseCode;
