//! The channels of a connection.

use crate::limits::QUEUED_BYTES_LOW;

/// Ordered, exactly-once streams of messages; independent of each other. A smaller number goes first, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Channel {
    /// Signing in and short acts.
    Control = 0,
    /// Administrators' notices, server to client only.
    Notice = 1,
    /// Messages, receipts, presence.
    Chat = 2,
    /// Pages that somebody asked for.
    History = 3,
}

const _: () = assert!(QUEUED_BYTES_LOW * 2 == Channel::History.queue_bytes_max());
const _: () = {
    let mut channels: &[Channel] = &Channel::ALL;
    while let [channel, others @ ..] = channels {
        assert!(channel.message_bytes_to_server_max() as u64 * 2 <= channel.credit_to_server(), "half a grant holds any message");
        assert!(channel.message_bytes_to_client_max() as u64 * 2 <= channel.credit_to_client(), "half a grant holds any message");
        channels = others;
    }
};

impl Channel {
    /// How many there are.
    pub const COUNT: usize = 4;

    /// All of them, most urgent first.
    pub const ALL: [Self; Self::COUNT] = [Self::Control, Self::Notice, Self::Chat, Self::History];

    /// The channel of a number from the wire.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Control),
            1 => Some(Self::Notice),
            2 => Some(Self::Chat),
            3 => Some(Self::History),
            _ => None,
        }
    }

    /// Its number on the wire.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The largest message it carries to the server, in bytes. A grant is renewed when half of it is used up, so a longer one than
    /// the other half might never get the rest.
    pub const fn message_bytes_to_server_max(self) -> usize {
        match self {
            Self::Control => 4 * 1024,
            Self::Notice => 0,
            Self::Chat => crate::limits::MESSAGE_BYTES_MAX,
            Self::History => 8 * 1024,
        }
    }

    /// The largest message it carries to the client, in bytes.
    pub const fn message_bytes_to_client_max(self) -> usize {
        match self {
            Self::Control => 4 * 1024,
            Self::Notice | Self::Chat | Self::History => crate::limits::MESSAGE_BYTES_MAX,
        }
    }

    /// Unacknowledged bytes a client may send before the server grants more.
    pub const fn credit_to_server(self) -> u64 {
        match self {
            Self::Control => 16 * 1024,
            Self::Notice => 0,
            Self::Chat => 128 * 1024,
            Self::History => 16 * 1024,
        }
    }

    /// Unacknowledged bytes the server may send before the client grants more.
    pub const fn credit_to_client(self) -> u64 {
        match self {
            Self::Control => 16 * 1024,
            Self::Notice => 128 * 1024,
            Self::Chat | Self::History => 256 * 1024,
        }
    }

    /// Bytes a sender queues before it gives up on order by retransmission and resynchronises from the log.
    pub const fn queue_bytes_max(self) -> u64 {
        match self {
            Self::Control => 32 * 1024,
            Self::Notice => 4 * 1024 * 1024,
            Self::Chat | Self::History => 256 * 1024,
        }
    }
}
