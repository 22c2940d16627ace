//! What the owner of a client tells it and hears from it.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use crate::chat::{
    AccountName, Answer, Arrangement, ContentHash, ConversationId, ConversationInfo, FileName, ListVersions, Message, NamedProfile, Notice,
    NoticeDraft, NoticeId, Password, Place, PostId, PresenceChange, Presentity, Progress, Receipt, Refusal, Request, Role, RoomName, Seq,
    Text, Timeline,
};
use crate::crypto::{KeyPair, PublicKey};

/// Which identity the server must prove.
#[derive(Clone, Debug)]
pub enum Trust {
    /// One of these keys and no other.
    Pinned(Vec<PublicKey>),
    /// Whatever key the server has; the owner remembers it ([`Update::ServerKey`]) and pins it the next time.
    FirstUse,
}

/// Who signs in.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// By the name that it was given, as it was spelled then.
    pub account: AccountName,
    /// How that is proven.
    pub proof: Proof,
}

/// What proves who signs in.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A password.
    Password {
        /// As it was typed; what is compared is its prepared form.
        password: Password,
        /// Make the account first.
        register: bool,
        /// From then on the device's key is proof enough: once signed in, the client forgets the password.
        remember: bool,
    },
    /// The device's key, which the account knows from an earlier signing in.
    Device,
}

/// From where messages are delivered.
#[derive(Clone, Debug)]
pub enum Start {
    /// Only what is said after signing in.
    Now,
    /// What was said and altered after this; of the conversations that are not in it, everything since one came into them.
    After(Knowledge),
}

/// What was heard in an earlier run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Knowledge {
    /// In which timeline ([`Update::Timeline`]); `None` for whoever has not kept it, and is believed as far as the numbers go.
    pub timeline: Option<Timeline>,
    /// Up to where.
    pub marks: BTreeMap<ConversationId, Mark>,
}

/// Up to where a conversation is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The last message.
    pub seq: Seq,
    /// The last alteration; with 0, every altered message is told again.
    pub alteration: u64,
}

impl From<Seq> for Mark {
    fn from(seq: Seq) -> Self {
        Self { seq, alteration: 0 }
    }
}

/// What a client is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// The server's addresses, tried in turn. At least one.
    pub servers: Vec<SocketAddr>,
    /// Which identity it must prove.
    pub trust: Trust,
    /// This device's own key.
    pub device: KeyPair,
    /// Who signs in.
    pub credentials: Credentials,
    /// From where messages are delivered.
    pub start: Start,
    /// This program shows notices to a person: only then has one that arrives reached anybody.
    pub shows_notices: bool,
}

/// The owner's number for something it asked; the answer carries the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What the owner tells the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Say something. Waits in the outbox while the server is unreachable; stored once, in order.
    /// Answered by [`Update::Posted`] or [`Update::Refused`].
    Post {
        /// The owner's number for it.
        ticket: Ticket,
        /// In a room, or to a person, from the point of view of this client.
        to: Place,
        /// As its author wrote it.
        text: Text,
        /// The message there that it replies to. After a backup was put back it may be another one's number: then nothing is replied to.
        reply_to: Option<Seq>,
    },
    /// The same for an owner that keeps what it has not sent over its own restarts, and numbers it itself: the server stores one `post`
    /// once, whoever of the owner's runs it came from. Its outbox number must be drawn at random, once.
    PostAs {
        /// The owner's number for it.
        ticket: Ticket,
        /// By what the server recognises it.
        post: PostId,
        /// In a room, or to a person, from the point of view of this client.
        to: Place,
        /// The room's number, where the owner knows it from an earlier run; else it is the room that the client knows by this name.
        room: Option<ConversationId>,
        /// As its author wrote it.
        text: Text,
        /// The message there that it replies to. After a backup was put back it may be another one's number: then nothing is replied to.
        reply_to: Option<Seq>,
    },
    /// Say something with a file whose content the server has: [`Request::OfferFile`] and [`Request::SendBlock`] come before. Waits and is
    /// stored as a post is. Answered by [`Update::Posted`] or [`Update::Refused`].
    PostFile {
        /// The owner's number for it.
        ticket: Ticket,
        /// In a room, or to a person, from the point of view of this client.
        to: Place,
        /// What its sender writes beside it; where that is nothing, the file's name.
        text: Text,
        /// What the file is called.
        name: FileName,
        /// What it holds.
        hash: ContentHash,
    },
    /// The same for an owner that keeps what it has not sent over its own restarts; as for [`Command::PostAs`].
    PostFileAs {
        /// The owner's number for it.
        ticket: Ticket,
        /// By what the server recognises it.
        post: PostId,
        /// In a room, or to a person, from the point of view of this client.
        to: Place,
        /// The room's number, where the owner knows it from an earlier run; else it is the room that the client knows by this name.
        room: Option<ConversationId>,
        /// What its sender writes beside it; where that is nothing, the file's name.
        text: Text,
        /// What the file is called.
        name: FileName,
        /// What it holds.
        hash: ContentHash,
    },
    /// Send a notice; like a post, it waits and is stored once. Answered by [`Update::Answered`] or [`Update::Refused`].
    SendNotice {
        /// The owner's number for it.
        ticket: Ticket,
        /// What is sent; the client draws its `post`.
        draft: NoticeDraft,
    },
    /// Report what became of a notice; kept until the server has it. `Reached` is reported by the client itself.
    Receipt {
        /// Which notice.
        notice: NoticeId,
        /// What happened.
        receipt: Receipt,
    },
    /// Ask anything else (not to sign in, post, send a notice or a receipt: those have commands of their own, and are refused
    /// here with [`Refusal::BadRequest`]). Asked again after a lost connection when repeating does no harm.
    /// Answered by [`Update::Answered`], [`Update::Refused`] or [`Update::Lost`].
    Ask {
        /// The owner's number for it.
        ticket: Ticket,
        /// Any that has no command of its own.
        request: Request,
    },
    /// The person is writing something. Told at once or not at all, and no more often than
    /// [`TYPING_INTERVAL`](crate::limits::TYPING_INTERVAL).
    Typing {
        /// In a room, or to a person, from the point of view of this client.
        to: Place,
    },
    /// Nobody is at this computer, or somebody is again; kept over lost connections.
    Away(bool),
    /// These are the people whose coming and going the owner shows, in place of those before: nobody at the beginning and while its window is
    /// hidden. Kept over lost connections. [`Update::Watching`] follows with each connection, then [`Update::Presence`].
    Watch(Vec<Presentity>),
    /// The computer woke or its addresses changed: check at once whether the server still hears us.
    Wake,
    /// Tell the server goodbye; [`Update::Closed`] follows.
    Close,
}

/// What the owner hears, in the order it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// The server has proven this key. Comes once a connection, before anything is sent that it could misuse.
    ServerKey {
        /// What it has proven to be.
        key: PublicKey,
        /// It is trusted only because it is the first one seen.
        first_use: bool,
    },
    /// The server, whose identity is proven, says that it has this key from now on: remember it in place of the old one.
    NewServerKey {
        /// The new key.
        key: PublicKey,
    },
    /// The server counts in this timeline; comes before [`Update::SignedIn`] when nothing or another one was known. What has a number and was
    /// told in another timeline may be something else now: notices are told anew, and what was asked of such a number is
    /// [`Update::Lost`]. Of each conversation comes what is not the same as it was.
    Timeline(Timeline),
    /// Signed in.
    SignedIn {
        /// The account as the server writes its name.
        account: AccountName,
        /// What it may do.
        role: Role,
    },
    /// Everything that was said before now has been delivered; what follows is new. Once a connection.
    CaughtUp,
    /// A message: each once, in the order of its conversation.
    Message {
        /// Where it was said.
        place: Place,
        /// As it is now: what was altered or taken back since says so.
        message: Message,
    },
    /// A conversation one is in, as the server has it: with each connection, and when one comes into it.
    Conversation(ConversationInfo),
    /// One is not in a conversation any more.
    Left {
        /// Where that was.
        place: Place,
    },
    /// A room one is in has another name.
    Renamed {
        /// What it was called.
        from: Place,
        /// What it is called now.
        to: Place,
    },
    /// A message was altered. Nothing is wrong if it was told already.
    Altered {
        /// Where it was said.
        place: Place,
        /// As it is now.
        message: Message,
    },
    /// One has read so far, here or on another device.
    Read {
        /// In a room, or to a person, from the point of view of this client.
        place: Place,
        /// The last message that was read.
        read: Seq,
        /// How many were newer when the server counted.
        unread: u64,
    },
    /// One has arranged a conversation, here or on another device.
    Arranged {
        /// In a room, or to a person, from the point of view of this client.
        place: Place,
        /// As it is from now on.
        arrangement: Arrangement,
    },
    /// Somebody asks one to join a room.
    Invited {
        /// By the name that it has now.
        room: RoomName,
        /// The account that did it.
        by: AccountName,
    },
    /// Somebody is writing something just now.
    Typing {
        /// In a room, or to a person, from the point of view of this client.
        place: Place,
        /// By the name that it was given, as it was spelled then.
        account: AccountName,
    },
    /// A notice in its current state: each state once, also over several connections. One that is no longer open, or that the person
    /// has answered on another device, comes only if it was told before.
    Notice(Notice),
    /// The server tells from now on of those whom the owner shows.
    Watching {
        /// Whom.
        whom: Vec<Presentity>,
        /// Of who is in a list nothing is known any more: everybody ([`Request::Who`]), or the people of a room
        /// ([`Request::RoomMembers`]), are to be asked for. What is told since goes before what these say.
        anew: bool,
        /// Who of the accounts that were named is here; the others are not.
        here: Vec<PresenceChange>,
        /// What there is to be listed, where the owner shows that: what was listed at other numbers is to be asked for again. Only numbers of one
        /// connection can be compared.
        lists: ListVersions,
    },
    /// What is to be listed has changed: what the owner shows of it is to be asked for again, now. Some time after the server has said so, another
    /// time on each computer.
    Lists(ListVersions),
    /// What is said of some people has changed.
    Profiles {
        /// Whoever has listed [`ListVersions::accounts`] of this number …
        since: u64,
        /// … and puts these into their list …
        changes: Vec<NamedProfile>,
        /// … has it of that number; whoever has not asks for the list.
        upto: u64,
    },
    /// People whom the owner shows came or went.
    Presence(Vec<PresenceChange>),
    /// A notice one has sent has come further.
    Progress {
        /// Which notice.
        notice: NoticeId,
        /// How far.
        progress: Progress,
    },
    /// A post is stored on the server's disk.
    Posted {
        /// The owner's number for it.
        ticket: Ticket,
        /// Where it went.
        conversation: ConversationId,
        /// Its place there.
        seq: Seq,
    },
    /// A request is answered.
    Answered {
        /// The owner's number for it.
        ticket: Ticket,
        /// Of the kind that the request names.
        answer: Answer,
    },
    /// The server, or for a full outbox or a misplaced request the client, refused.
    Refused {
        /// The owner's number for it.
        ticket: Ticket,
        /// Displays as a sentence for the person.
        refusal: Refusal,
    },
    /// The connection was lost before the answer came, and asking again could do harm: it may or may not be done.
    Lost {
        /// The owner's number for it.
        ticket: Ticket,
    },
    /// No connection for now; the client tries again by itself.
    Disconnected {
        /// What happened.
        why: Interruption,
        /// When it tries again.
        retry_in: Duration,
    },
    /// It makes no sense to go on without the owner doing something; the client has stopped.
    Failed(Failure),
    /// The goodbye is said; the client has stopped.
    Closed,
}

/// Why there is no connection for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// Nothing answers at any of its addresses.
    Unreachable,
    /// It answered before and has fallen silent.
    Silent,
    /// It said that it stops or restarts.
    GoingAway,
    /// It does not know the connection any more: it was restarted.
    Restarted,
    /// It ended the connection; the number is the close code of `docs/PROTOCOL.md`.
    ClosedByServer(u16),
    /// It speaks none of our protocol versions. It may be updated while we wait.
    Version(Outdated),
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str("the server cannot be reached"),
            Self::Silent => f.write_str("the server does not answer any more"),
            Self::GoingAway => f.write_str("the server is stopping"),
            Self::Restarted => f.write_str("the server was restarted"),
            Self::ClosedByServer(code) => write!(f, "the server ended the connection (code {code})"),
            Self::Version(_) => f.write_str("the server speaks another version of the protocol"),
        }
    }
}

/// Why the client has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server has another identity than the pinned one.
    KeyChanged {
        /// The key that it showed, where it showed one.
        offered: Option<PublicKey>,
    },
    /// Signing in or registering was refused.
    SignIn(Refusal),
    /// This device signed in elsewhere and this connection was replaced.
    Replaced,
    /// The account was disabled or the session ended by an administrator.
    Expelled,
    /// This device may not sign in to the account any more.
    Revoked,
    /// The account has a new password.
    PasswordChanged,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyChanged { .. } => f.write_str(
                "The server's identity has changed since last time. If your administrator did not announce this, do not continue.",
            ),
            Self::SignIn(refusal) => write!(f, "{refusal}"),
            Self::Replaced => f.write_str("This device has connected a second time, and this connection was ended."),
            Self::Expelled => f.write_str("An administrator has disabled this account."),
            Self::Revoked => f.write_str(
                "This device may not sign in to the account any more; sign in anew with the password, or ask your administrator.",
            ),
            Self::PasswordChanged => f.write_str("The password of this account was changed; sign in with the new one."),
        }
    }
}

/// Which of two programs that have no protocol version in common is to be updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outdated {
    /// The server speaks older versions only.
    Server,
    /// The server speaks newer versions only.
    Client,
    /// The server did not say which versions it speaks.
    Unknown,
}

impl Outdated {
    /// What follows from the versions that a server offers, none of which is `own`.
    pub(super) fn among(offered: &[u16], own: u16) -> Self {
        match offered.iter().max() {
            Some(&newest) if newest < own => Self::Server,
            Some(_) => Self::Client,
            None => Self::Unknown,
        }
    }
}

impl fmt::Display for Outdated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "The server is older than this program, and the two do not understand each other: update the server.",
            Self::Client => "The server is newer than this program, and the two do not understand each other: update this program.",
            Self::Unknown => "The server speaks another version of the protocol; update the older of the two.",
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::string::{String, ToString};

    use super::*;

    /// Everything is told in words, and no two things in the same.
    #[track_caller]
    fn are_told_apart<T: ToString>(told: &[T]) {
        let words: BTreeSet<String> = told.iter().map(T::to_string).collect();
        assert_eq!(words.len(), told.len(), "{words:?}");
        assert!(words.iter().all(|words| words.contains(' ')), "{words:?}");
    }

    #[test]
    fn a_person_is_told_what_happened() {
        use Interruption::{ClosedByServer, GoingAway, Restarted, Silent, Unreachable, Version};
        let version = Version(Outdated::Server);
        are_told_apart(&[Unreachable, Silent, GoingAway, Restarted, ClosedByServer(3), ClosedByServer(4), version]);
        are_told_apart(&[Outdated::Server, Outdated::Client, Outdated::Unknown]);
        are_told_apart(&[
            Failure::KeyChanged { offered: None },
            Failure::SignIn(Refusal::WrongCredentials),
            Failure::SignIn(Refusal::AccountDisabled),
            Failure::Replaced,
            Failure::Expelled,
            Failure::Revoked,
            Failure::PasswordChanged,
        ]);
    }

    #[test]
    fn who_has_to_be_updated_shows_in_the_versions() {
        for (offered, outdated) in [
            (&[1][..], Outdated::Server),
            (&[4, 1], Outdated::Server),
            (&[6], Outdated::Client),
            (&[1, 6], Outdated::Client),
            (&[], Outdated::Unknown),
        ] {
            assert_eq!(Outdated::among(offered, 5), outdated, "{offered:?}");
        }
    }
}
