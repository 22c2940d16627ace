//! The numbers that both sides must have the same.

use belfry_core::limits;
use belfry_core::wire::Channel;
use serde_json::{Value, json};

use crate::publish;

#[test]
fn limits_are_as_published() {
    let millis = |duration: core::time::Duration| json!(duration.as_millis() as u64);
    let of_channels = |number: fn(Channel) -> u64| Value::from(Channel::ALL.map(number).to_vec());
    let limits = [
        ("DATAGRAM_BYTES", json!(limits::DATAGRAM_BYTES)),
        ("DATAGRAM_BYTES_MAX", json!(limits::DATAGRAM_BYTES_MAX)),
        ("DISCOVER_BYTES", json!(limits::DISCOVER_BYTES)),
        ("CLIENT_DATAGRAM_BYTES_MIN", json!(limits::CLIENT_DATAGRAM_BYTES_MIN)),
        ("FRAMES_PER_DATAGRAM_MAX", json!(limits::FRAMES_PER_DATAGRAM_MAX)),
        ("ACK_RANGES_SENT_MAX", json!(limits::ACK_RANGES_SENT_MAX)),
        ("ACK_DELAY_MAX_MILLIS", millis(limits::ACK_DELAY_MAX)),
        ("UNREACHABLE_AFTER_MILLIS", millis(limits::UNREACHABLE_AFTER)),
        ("HANDSHAKE_TIMEOUT_MILLIS", millis(limits::HANDSHAKE_TIMEOUT)),
        ("MESSAGE_BYTES_MAX", json!(limits::MESSAGE_BYTES_MAX)),
        ("MESSAGES_IN_FLIGHT_MAX", json!(limits::MESSAGES_IN_FLIGHT_MAX)),
        ("FRAGMENTED_MESSAGES_MAX", json!(limits::FRAGMENTED_MESSAGES_MAX)),
        ("FRAGMENT_BYTES_MIN", json!(limits::FRAGMENT_BYTES_MIN)),
        ("MESSAGE_BYTES_TO_CLIENT_MAX", of_channels(|channel| channel.message_bytes_to_client_max() as u64)),
        ("CREDIT_TO_SERVER", of_channels(Channel::credit_to_server)),
        ("CREDIT_TO_CLIENT", of_channels(Channel::credit_to_client)),
        ("FILE_WINDOW_BYTES", json!(limits::FILE_WINDOW_BYTES)),
    ];
    publish("limits.json", &limits.map(|(name, value)| json!({"name": name, "value": value})));
}
