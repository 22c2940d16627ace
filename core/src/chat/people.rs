//! Accounts and who is here.

use serde::{Deserialize, Serialize};

use super::words::words;
use super::{AccountName, PersonProfile, RoomName};
use crate::time::UnixMillis;

/// The server's number for an account; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountId(pub u64);

/// What an account may do. The server decides it; a client's word counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Chats and answers notices.
    Member,
    /// Also sends notices and manages accounts.
    Admin,
}

words! {
    Role {
        Member => "member",
        Admin => "admin",
    }
}

/// Whether somebody is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Presence {
    /// At least one session is alive.
    Online,
    /// Sessions exist, but none is in use.
    Away,
    /// No session.
    Offline,
}

words! {
    Presence {
        Online => "online",
        Away => "away",
        Offline => "offline",
    }
}

/// One line of the list of people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// By the name that it was given, as it was spelled then.
    pub account: AccountName,
    /// Whether they are here.
    pub presence: Presence,
    /// When they were last here; `None` when they never were.
    pub last_seen: Option<UnixMillis>,
    /// What is said of them.
    pub profile: PersonProfile,
}

/// Somebody came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceChange {
    /// By the name that it was given, as it was spelled then.
    pub account: AccountName,
    /// What they are now.
    pub presence: Presence,
    /// When it changed.
    pub at: UnixMillis,
}

/// Whose coming and going a client shows to somebody (RFC 2778: a watcher and its presentities).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Presentity {
    /// Everybody's.
    Everyone,
    /// One person's.
    Account(AccountName),
    /// That of those who are in a room.
    Room(RoomName),
    /// Nobody's: what there is of accounts, rooms, groups and notices ([`ListVersions`](super::ListVersions)).
    Lists,
}

/// One line of the administrator's list of accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// As it was spelled when it was given; unique by [`AccountName::key`].
    pub name: AccountName,
    /// What it may do.
    pub role: Role,
    /// A disabled account keeps its history and cannot sign in.
    pub disabled: bool,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last signed in; `None` for never.
    pub last_seen: Option<UnixMillis>,
    /// What is said of the person.
    pub profile: PersonProfile,
}
