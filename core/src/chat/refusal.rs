//! The server's noes. Each has a number that never changes and a sentence that says what to do.

use core::fmt;

use serde::{Deserialize, Serialize};

macro_rules! refusals {
    ($($(#[$doc:meta])* $number:literal $name:ident $sentence:literal)*) => {
        /// Why the server did not do what it was asked. Sent as its number; an unknown number from a newer server is [`Refusal::Other`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "u16", into = "u16")]
        pub enum Refusal {
            $($(#[$doc])* $name,)*
            /// A refusal that this program is too old to know.
            Other(u16),
        }

        impl From<u16> for Refusal {
            fn from(number: u16) -> Self {
                match number {
                    $($number => Self::$name,)*
                    other => Self::Other(other),
                }
            }
        }

        impl From<Refusal> for u16 {
            fn from(refusal: Refusal) -> Self {
                match refusal {
                    $(Refusal::$name => $number,)*
                    Refusal::Other(other) => other,
                }
            }
        }

        impl fmt::Display for Refusal {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.write_str($sentence),)*
                    Self::Other(number) => write!(f, "The server refused (reason {number}); a newer version of this program can say why."),
                }
            }
        }

        #[cfg(test)]
        const ALL: &[Refusal] = &[$(Refusal::$name),*];
    };
}

refusals! {
    /// Nothing but signing in and registering is possible before signing in.
    1 SignInFirst "Sign in first."
    /// Unknown account or wrong password: which of the two is nobody's business.
    2 WrongCredentials "The account name or the password is wrong."
    /// The account exists but may not sign in.
    3 AccountDisabled "This account is disabled; ask your administrator."
    /// Only the administrator makes accounts here.
    4 RegistrationClosed "Registration is closed on this server; ask your administrator for an account."
    /// Somebody has this name, or one that looks the same.
    5 NameTaken "That name is taken; choose another."
    /// No such account.
    6 UnknownAccount "There is no account of that name."
    /// No such room.
    7 UnknownRoom "There is no room of that name."
    /// The request is for administrators.
    8 AdminOnly "Only an administrator may do that."
    /// Too many tries in a short time.
    9 TooManyRequests "Too many tries; wait a minute and try again."
    /// A queue of the server is full.
    10 Busy "The server is busy; try again in a moment."
    /// No such notice.
    11 UnknownNotice "There is no notice of that number."
    /// Nobody would get it.
    12 EmptyAudience "That audience is empty: nobody would get the notice."
    /// It would be over before it began, or never.
    13 ExpiryOutOfBounds "A notice stops mattering after a second at least and after ten years at most."
    /// The notice does not offer that answer.
    14 UnknownAnswer "The notice does not offer that answer."
    /// The notice is withdrawn or expired.
    15 NoticeClosed "That notice is no longer open."
    /// No such group.
    16 UnknownGroup "There is no group of that name."
    /// The server would be left without an administrator.
    17 LastAdmin "That is the last administrator; make somebody else an administrator first."
    /// The database could not take it.
    18 StoreFailed "The server's database did not work; the server's log says why."
    /// A request on a channel that is not its own, or an answer to another question: a fault of a program. Whatever a person can write is
    /// refused by a sentence of its own.
    19 BadRequest "The server did not understand the request; this program and the server may be of different versions."
    /// No such conversation, or the asker is not in it.
    20 UnknownConversation "There is no such conversation."
    /// Too many answers, audiences or the like.
    21 TooMany "That is more than one request may carry."
    /// Talking to oneself.
    22 DirectToSelf "A direct conversation needs somebody else."
    /// Somebody has made a room of this name, or of one that looks the same.
    23 RoomExists "There is a room of that name, or of one that looks the same; choose another."
    /// A private room, and nobody has asked the person to join.
    24 InvitationNeeded "That room is private; one of its members has to invite you."
    /// What only a room's members may do.
    25 NotInRoom "You are not in that room; join it first."
    /// Nobody comes into the lobby or leaves it.
    26 LobbyIsEverybodys "Everybody is in the lobby, always."
    /// No such message, or it is kept no longer.
    27 UnknownMessage "There is no such message."
    /// Somebody else wrote it.
    28 NotYourMessage "Only the person who wrote a message may change it."
    /// Looking after a room is for its owner and administrators.
    29 NotYourRoom "Only the person who made a room, while they are in it, or an administrator may do that."
    /// The lobby is neither renamed nor closed, and nobody is put out of it.
    30 LobbyStays "The lobby stays as it is; only how long its messages are kept can be changed."
    /// Who is to be put out of a room is not in it.
    31 NobodyThere "That person is not in the room, and not invited to it."
    /// A critical notice to everyone, unconfirmed.
    40 ConfirmationNeeded "A critical notice to everyone has to be confirmed: look at whom it reaches, then confirm."
    /// One author's notices come too fast.
    41 TooManyNotices "You have sent too many notices within a minute; wait a minute and try again."
    /// Signing in without a password, from a device that may not.
    42 UnknownDevice "The server does not know this device; sign in with the password."
    /// It would have to be sent before it was written.
    43 ScheduleInThePast "The time to send it lies in the past."
    /// The rule of a repetition is out of bounds.
    44 ScheduleOutOfBounds "A notice repeats every minute at most, every year at least, and not beyond the year 9999."
    /// Reminders come too often or never end.
    45 RemindersOutOfBounds "Reminders come every 10 seconds at most, every 49 days at least, and at most 100 times."
    /// No such template.
    46 UnknownTemplate "There is no template of that name."
    /// No such scheduled notice.
    47 UnknownSchedule "There is no scheduled notice of that number."
    /// The account has no such device.
    48 NoSuchDevice "That account has no such device."
    /// A new name that shows nothing or hides something. Programs of this version refuse it before they ask.
    60 NameNotGiven "That name cannot be given: it shows nothing, hides a character, or carries too many marks."
    /// A text that shows nothing, has foreign line breaks or too many marks. Programs of this version do not send one.
    61 TextNotTaken "That text cannot be taken: it shows nothing, or carries too many marks on a letter."
    /// A search for what is in no message or in all. Programs of this version refuse it before they ask.
    62 NothingToFind "There is nothing in that to search for; type a letter, a digit or a sign."
    /// A reaction that is no single emoji. Programs of this version refuse it before they ask.
    63 NotAnEmoji "A reaction is one emoji, and nothing else."
    /// A message has as many different reactions as it may have, or as one person may give it.
    64 TooManyReactions "That message has as many different reactions as it can have: 20 of all, and 5 of one person."
    /// The server has no rules for a zone.
    74 UnknownTimeZone "The server does not know that time zone; name one like Europe/Berlin."
    /// A scheduled notice would not be sent any more.
    75 StopsSchedules "Scheduled notices would not be sent any more; look at them, then confirm."
    /// Signing in where somebody has.
    70 AlreadySignedIn "This connection is signed in already."
    /// Answers that look the same.
    71 AnswerTwice "Two of the answers are the same to whoever reads them; change one."
    /// More answers than fit.
    72 TooManyAnswers "A notice offers at most 8 answers."
    /// More audiences than fit.
    73 TooManyAudiences "A notice names at most 64 audiences; make a group of them."
    /// An account has as many sessions as one may have.
    90 TooManySessions "This account is signed in too many times at once; end some of its sessions first."
    /// A member has made as many rooms as one may make.
    91 TooManyRooms "You have made as many rooms as one person may, for now or at all; close some, wait an hour, or ask an administrator."
    /// The server has as many rooms as it may have.
    92 NoMoreRooms "This server has as many rooms as it can have; close some that nobody needs."
    /// Too many accounts were made from one address, or by all together.
    93 TooManyRegistrations "Too many accounts were made in a short time; wait an hour, or ask your administrator for one."
    /// A person has written as much as one may in a day.
    94 QuotaUsedUp "You have written as much as one person may in a day; go on tomorrow, or ask your administrator for more."
    /// What is left of the disk is kept for notices and for whoever looks after the server.
    95 DiskAlmostFull "The server's disk is almost full, so new messages, rooms and accounts are not taken; ask whoever looks after the server to free some space on it."
    /// A file that is longer than the server takes.
    100 FileTooLarge "That file is larger than this server takes; ask whoever looks after it, or send it in parts."
    /// A file of no bytes.
    101 FileEmpty "That file is empty; there is nothing to send."
    /// A person has sent as much of files as one may in a day.
    102 FileQuotaUsedUp "You have sent as many bytes of files as one person may in a day; go on tomorrow, or ask your administrator for more."
    /// All files together are as much as the server keeps.
    103 FilesFull "This server keeps as many files as it may; ask whoever looks after it to make room, or to let it keep more."
    /// What has come is not what was announced.
    104 ContentDiffers "What has arrived is not what was announced: the file has changed while it was sent, or its hash is wrong. Send it again."
    /// A content that the server does not have from this person and has not shown them.
    105 NotUploaded "The server does not have that file from you; send it again."
    /// No such file, or its message is not there for who asks.
    106 UnknownFile "There is no such file, or its message is not there for you any more."
    /// The database knows of the file, and its content is not there.
    107 FileGone "The server does not have the content of that file any more; ask its sender for it."
    /// A part of the file that there is not.
    108 BeyondTheEnd "The file ends before that."
    /// The disk does not do what it should.
    109 FilesFailed "The server could not keep or read the file; the server's log says why."
    /// More files on their way from one person than one may have.
    110 TooManyUploads "You are sending as many files at once as one person may; wait until one is done."
    /// The command that an administrator has set looks at files, and does not let this one pass.
    111 FileForbidden "The server has looked into that file and does not take it; ask whoever looks after it."
    /// That command could not look at it.
    112 FileUnscanned "The server could not look into that file, so it does not take it; try again later, or ask whoever looks after it."
    /// No space is left for the database.
    80 DiskFull "The server's disk is full; ask whoever looks after the server to free some space on it."
}

impl core::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn every_number_leads_back_to_its_refusal() {
        for &refusal in ALL {
            assert_eq!(Refusal::from(u16::from(refusal)), refusal);
        }
    }

    #[test]
    fn every_refusal_is_a_sentence() {
        for &refusal in ALL {
            assert!(refusal.to_string().ends_with('.'), "{refusal:?}");
        }
    }

    #[test]
    fn a_newer_servers_refusal_is_kept() {
        assert_eq!(Refusal::from(9999), Refusal::Other(9999));
    }
}
