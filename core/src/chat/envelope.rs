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

/// How many bytes something takes in a message.
///
/// # Errors
/// [`CodecError`] for what cannot be written.
pub fn encoded_bytes(part: &impl Serialize) -> Result<usize, CodecError> {
    codec::length(part)
}

/// How long a client's message is with this request in it, whatever its number.
///
/// # Errors
/// [`CodecError`] for a request that cannot be written.
pub fn request_bytes_max(request: &Request) -> Result<usize, CodecError> {
    #[derive(Serialize)]
    struct Borrowed<'a> {
        id: u32,
        request: &'a Request,
    }
    codec::length(&Borrowed { id: u32::MAX, request })
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

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::chat::{AccountName, Audience, Page, Severity, Template, TemplateName, Text};
    use crate::limits::{AUDIENCES_MAX, PAGE_BYTES_MAX, PAGE_ENTRIES_MAX};

    #[test]
    fn the_length_of_a_request_is_that_of_the_longest_message_with_it() {
        let request = Request::Who { after: Some(AccountName::new("anna").unwrap()) };
        let message = FromClient { id: u32::MAX, request };
        assert_eq!(request_bytes_max(&message.request), encode(&message).map(|bytes| bytes.len()));
    }

    #[test]
    fn a_full_page_is_read_however_short_its_many_words_are() {
        // Each of the names is two bytes, its length and a letter, and stands behind one that says that it is an account's.
        let audience = vec![Audience::Account(AccountName::new("a").unwrap()); AUDIENCES_MAX];
        let template = Template {
            name: TemplateName::new("fire drill").unwrap(),
            severity: Severity::Info,
            title: None,
            body: Text::new("Leave by the stairs.").unwrap(),
            audience,
            answers: Vec::new(),
            expires_after_ms: None,
            remind: None,
        };
        let fitting = PAGE_BYTES_MAX / encoded_bytes(&template).unwrap();
        assert!(fitting < PAGE_ENTRIES_MAX as usize);
        let page = Page { entries: vec![template; fitting], more: true };
        let message = FromServer::Reply { id: 1, result: Ok(Answer::Templates(page)) };
        assert_eq!(decode_from_server(&encode(&message).unwrap()), Ok(message));
    }

    #[test]
    fn the_length_of_something_is_told_without_writing_it() {
        let name = AccountName::new("anna").unwrap();
        for names in [Vec::new(), Vec::from([&name]), Vec::from([&name; 300])] {
            assert_eq!(encoded_bytes(&names), encode(&names).map(|bytes| bytes.len()));
        }
    }
}
