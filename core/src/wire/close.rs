//! Why a connection ends.

/// The reason of a CLOSE or REJECT, a number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(pub u16);

macro_rules! codes {
    ($($(#[$doc:meta])* $number:literal $name:ident)*) => {
        impl CloseCode {
            $($(#[$doc])* pub const $name: Self = Self($number);)*
        }
    };
}

codes! {
    /// Goodbye: nothing is wrong.
    0 NO_ERROR
    /// The server stops or restarts.
    1 GOING_AWAY
    /// Nothing was heard for too long.
    2 IDLE
    /// The same device has connected again.
    3 REPLACED
    /// No room for another connection.
    4 SERVER_FULL
    /// Too much at once.
    5 RATE_LIMITED
    /// Nobody signed in in time.
    6 AUTH_REQUIRED
    /// The device may not sign in to the account any more.
    7 DEVICE_REVOKED
    /// The account is disabled.
    8 USER_LOCKED
    /// No protocol version in common.
    9 VERSION
    /// The server has another key now.
    10 KEY_CHANGED
    /// More was sent than was granted.
    11 FLOW_CONTROL
    /// A frame could not be read.
    12 FRAME_ENCODING
    /// The rules were broken in another way.
    13 PROTOCOL_VIOLATION
    /// A bound was exceeded.
    14 LIMIT_EXCEEDED
    /// The key has protected all it may.
    15 AEAD_LIMIT
    /// A fault of our own.
    16 INTERNAL
    /// A reassembled message is not the one that was sent.
    17 MESSAGE_CRC
    /// The account has a new password.
    18 PASSWORD_CHANGED
}
