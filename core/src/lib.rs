//! What both ends of Belfry agree on: the wire, the security, the delivery and the words of the conversation.
//!
//! Everything but [`net`] and [`disk`] is sans-IO and `no_std`: no socket, clock, thread, SQL or hidden randomness can be named here. Time
//! comes in as [`time::Instant`], randomness as [`rng::Rng`], datagrams as bytes; what is to be done comes out as values.
//! One seed replays a run.

#![no_std]

extern crate alloc;
#[cfg(any(test, feature = "net"))]
extern crate std;

pub mod chat;
pub mod client;
pub mod connection;
pub mod crypto;
#[cfg(feature = "disk")]
pub mod disk;
pub mod endpoint;
pub mod limits;
#[cfg(feature = "net")]
pub mod net;
pub mod rng;
pub mod source;
pub mod text_file;
pub mod time;
pub mod token_bucket;
pub mod wire;
