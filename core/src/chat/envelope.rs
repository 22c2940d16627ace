//! What a message of either side holds, and its bytes.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Answer, Event, Refusal, Request};
use crate::limits::MESSAGE_BYTES_MAX;
use crate::wire::codec::{self, CodecError};

/// One message of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FromClient {
    /// The client's number for the request; its answer carries the same.
    pub id: u32,
    /// What is asked.
    pub request: Request,
}

/// One message of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromServer {
    /// The answer to a request.
    Reply {
        /// The request's number.
        id: u32,
        /// What came of it.
        result: Result<Answer, Refusal>,
    },
    /// Something unasked.
    Event(Event),
}

/// The bytes of a message for the transport.
///
/// # Errors
/// [`CodecError::TooLarge`] beyond [`MESSAGE_BYTES_MAX`].
pub fn encode(message: &impl Serialize) -> Result<Vec<u8>, CodecError> {
    codec::encode::<MESSAGE_BYTES_MAX>(message)
}

/// Reads what a client sent.
///
/// # Errors
/// [`CodecError`] for anything that is not exactly one message.
pub fn decode_from_client(bytes: &[u8]) -> Result<FromClient, CodecError> {
    codec::decode::<MESSAGE_BYTES_MAX, _>(bytes)
}

/// Reads what the server sent.
///
/// # Errors
/// [`CodecError`] for anything that is not exactly one message.
pub fn decode_from_server(bytes: &[u8]) -> Result<FromServer, CodecError> {
    codec::decode::<MESSAGE_BYTES_MAX, _>(bytes)
}
