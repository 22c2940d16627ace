//! The channels of a connection.

use crate::limits::{FILE_WINDOW_BYTES, MESSAGE_BYTES_MAX, QUEUED_BYTES_LOW};

/// Ordered, exactly-once streams of messages; independent of each other. A smaller number goes first, always, but that history and files
/// share what the others leave.
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
    /// Blocks of files. Nothing may be sent on it until the other end has accepted a transfer.
    File = 4,
}

const _: () = assert!(QUEUED_BYTES_LOW * 2 == Channel::History.queue_bytes_max());
const _: () = assert!(Channel::File.message_bytes_to_server_max() as u64 * 2 <= FILE_WINDOW_BYTES, "half a grant holds any block");
const _: () = {
    let mut channels: &[Channel] = &Channel::ALL;
    while let [channel, others @ ..] = channels
        && !matches!(channel, Channel::File)
    {
        assert!(channel.message_bytes_to_server_max() as u64 * 2 <= channel.credit_to_server(), "half a grant holds any message");
        assert!(channel.message_bytes_to_client_max() as u64 * 2 <= channel.credit_to_client(), "half a grant holds any message");
        channels = others;
    }
};

impl Channel {
    /// How many there are.
    pub const COUNT: usize = 5;

    /// All of them, most urgent first.
    pub const ALL: [Self; Self::COUNT] = [Self::Control, Self::Notice, Self::Chat, Self::History, Self::File];

    /// The channel of a number from the wire.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Control),
            1 => Some(Self::Notice),
            2 => Some(Self::Chat),
            3 => Some(Self::History),
            4 => Some(Self::File),
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
            Self::Chat | Self::File => MESSAGE_BYTES_MAX,
            Self::History => 8 * 1024,
        }
    }

    /// The largest message it carries to the client, in bytes.
    pub const fn message_bytes_to_client_max(self) -> usize {
        match self {
            Self::Control => 4 * 1024,
            Self::Notice | Self::Chat | Self::History | Self::File => MESSAGE_BYTES_MAX,
        }
    }

    /// Unacknowledged bytes a client may send before the server grants more. Of files none, until the server [lets them
    /// come](crate::connection::Connection::set_file_window).
    pub const fn credit_to_server(self) -> u64 {
        match self {
            Self::Control => 16 * 1024,
            Self::Notice | Self::File => 0,
            Self::Chat => 128 * 1024,
            Self::History => 16 * 1024,
        }
    }

    /// Unacknowledged bytes the server may send before the client grants more; of files as above.
    pub const fn credit_to_client(self) -> u64 {
        match self {
            Self::Control => 16 * 1024,
            Self::Notice => 128 * 1024,
            Self::Chat => 256 * 1024,
            // Where a fifth is lost at 200 ms of round trip a page needs most of a second until its last piece is there.
            Self::History => 1024 * 1024,
            Self::File => 0,
        }
    }

    /// Bytes a sender queues before it gives up on order by retransmission and resynchronises from the log.
    pub const fn queue_bytes_max(self) -> u64 {
        match self {
            Self::Control => 32 * 1024,
            Self::Notice => 4 * 1024 * 1024,
            Self::Chat => 256 * 1024,
            Self::History => 1024 * 1024,
            Self::File => 8 * 1024 * 1024,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1024;

    #[test]
    fn what_a_channel_carries_and_keeps_is_as_it_was_agreed() {
        let of_all = |number: fn(Channel) -> u64| Channel::ALL.map(number);
        assert_eq!(of_all(|channel| channel.message_bytes_to_server_max() as u64), [4 * KIB, 0, 64 * KIB, 8 * KIB, 64 * KIB]);
        assert_eq!(of_all(|channel| channel.message_bytes_to_client_max() as u64), [4 * KIB, 64 * KIB, 64 * KIB, 64 * KIB, 64 * KIB]);
        assert_eq!(of_all(Channel::credit_to_server), [16 * KIB, 0, 128 * KIB, 16 * KIB, 0]);
        assert_eq!(of_all(Channel::credit_to_client), [16 * KIB, 128 * KIB, 256 * KIB, KIB * KIB, 0]);
    }

    #[test]
    fn a_queue_holds_more_than_may_be_on_its_way() {
        // What is granted is sent at once, and then something has to wait for it to be acknowledged.
        for channel in Channel::ALL {
            assert!(channel.queue_bytes_max() >= channel.credit_to_client().max(channel.credit_to_server()), "{channel:?}");
        }
        assert_eq!(Channel::ALL.map(Channel::queue_bytes_max), [32 * KIB, 4 * KIB * KIB, 256 * KIB, KIB * KIB, 8 * KIB * KIB]);
    }
}
