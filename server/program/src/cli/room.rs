//! `belfry room`: rooms and who is in them.

use belfry_core::chat::{AccountName, Audience, Person, Request, Room, RoomName};
use serde::Serialize;

use super::session::{self, Session};
use super::{stopping, which};
use crate::config::ConnectionArgs;
use crate::ending::Outcome;
use crate::{output, sentence};

mod keep;

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Make a room and be its first member
    Create {
        /// The room
        #[arg(value_parser = RoomName::new)]
        room: RoomName,
        /// Only those who are invited may join, and only they see it
        #[arg(long)]
        private: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// List rooms
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Come into a room
    Join {
        /// The room
        room: RoomName,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Leave a room
    Leave {
        /// The room
        room: RoomName,
        /// Also when scheduled notices are then not sent any more (administrators)
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// List the people in a room
    Members {
        /// The room
        room: RoomName,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Put people out of a room one has made, or take their invitations back (administrators: every room)
    Remove {
        /// The room
        room: RoomName,
        /// Whom
        #[arg(required = true, value_name = "USER")]
        accounts: Vec<AccountName>,
        /// Also when scheduled notices are then not sent any more
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Give a room one has made another name (administrators: every room)
    Rename {
        /// The room
        room: RoomName,
        /// Its new name
        #[arg(value_parser = RoomName::new)]
        name: RoomName,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Close a room one has made for good (administrators: every room)
    Delete {
        /// The room
        room: RoomName,
        /// Also when scheduled notices are then not sent any more
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Say how long a room's messages are kept (administrators)
    Keep(keep::Args),
    /// Ask people to join a room one is in (administrators: every room)
    Invite {
        /// The room
        room: RoomName,
        /// Whom
        #[arg(required = true, value_name = "USER")]
        accounts: Vec<AccountName>,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

pub(crate) fn run(command: Command) -> Outcome {
    match command {
        Command::Create { room, private, connection } => {
            session::with(&connection, |session| session.ask_done(Request::CreateRoom { room, private }))
        }
        Command::List { json, connection } => session::with(&connection, |session| list(session, json)),
        Command::Join { room, connection } => session::with(&connection, |session| session.ask_done(Request::JoinRoom { room })),
        Command::Leave { room, yes, connection } => session::with(&connection, |session| {
            let request = |confirmed| Request::LeaveRoom { room: room.clone(), confirmed };
            stopping::ask(session, yes, request, |scheduled| Audience::names_room(&scheduled.draft.audience, &room))
        }),
        Command::Members { room, json, connection } => session::with(&connection, |session| members(session, &room, json)),
        Command::Remove { room, accounts, yes, connection } => session::with(&connection, |session| {
            which::each(session, accounts, |session, account| {
                let request = |confirmed| Request::RemoveFromRoom { room: room.clone(), account: account.clone(), confirmed };
                stopping::ask(session, yes, request, |scheduled| Audience::names_room(&scheduled.draft.audience, &room))
            })
        }),
        Command::Rename { room, name, connection } => {
            session::with(&connection, |session| session.ask_done(Request::RenameRoom { room, name }))
        }
        Command::Delete { room, yes, connection } => session::with(&connection, |session| {
            let request = |confirmed| Request::DeleteRoom { room: room.clone(), confirmed };
            stopping::ask(session, yes, request, |scheduled| Audience::names_room(&scheduled.draft.audience, &room))
        }),
        Command::Keep(args) => keep::run(args),
        Command::Invite { room, accounts, connection } => session::with(&connection, |session| {
            let invite = |session: &mut Session, account| session.ask_done(Request::Invite { room: room.clone(), account });
            which::each(session, accounts, invite)
        }),
    }
}

/// Asks for the rooms that follow those of a page.
fn following(page: &[Room]) -> Request {
    Request::ListRooms { after: page.last().map(|room| room.name.clone()) }
}

fn list(session: &mut Session, json: bool) -> Outcome {
    let mut pages = session.pages(following);
    while let Some(rooms) = pages.next()? {
        for room in &rooms {
            if json { output::json(&object(room))? } else { output::line(line(room))? }
        }
    }
    Ok(())
}

fn members(session: &mut Session, room: &RoomName, json: bool) -> Outcome {
    let after = |page: &[Person]| page.last().map(|person| person.account.clone());
    let mut pages = session.pages(|page| Request::RoomMembers { room: room.clone(), after: after(page) });
    while let Some(people) = pages.next()? {
        for person in &people {
            if json {
                output::json(&RoomMemberObject { account: person.account.as_str(), presence: person.presence.as_str() })?;
            } else {
                output::line(sentence::visible(person.account.as_str()))?;
            }
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct RoomObject<'a> {
    room: &'a str,
    private: bool,
    members: u64,
    standing: &'static str,
    owner: Option<&'a str>,
    message_age: Option<String>,
    messages_kept: Option<u64>,
}

#[derive(Serialize)]
struct RoomMemberObject<'a> {
    account: &'a str,
    presence: &'static str,
}

fn object(room: &Room) -> RoomObject<'_> {
    RoomObject {
        room: room.name.as_str(),
        private: room.private,
        members: room.members,
        standing: room.standing.as_str(),
        owner: room.owner.as_ref().map(AccountName::as_str),
        message_age: room.keep.age_ms.map(keep::age),
        messages_kept: room.keep.messages,
    }
}

/// `inside   board (private, 3)`.
fn line(room: &Room) -> String {
    let private = if room.private { "private, " } else { "" };
    format!("{:<8} {} ({private}{})", room.standing, sentence::visible(room.name.as_str()), room.members)
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Keep, Standing};

    use super::*;

    fn board() -> Room {
        Room {
            name: RoomName::new("board").unwrap(),
            private: true,
            members: 3,
            standing: Standing::Invited,
            owner: Some(AccountName::new("alice").unwrap()),
            keep: Keep { age_ms: Some(30 * 86_400_000), messages: None },
        }
    }

    #[test]
    fn a_person_sees_what_they_are_to_a_room_and_how_many_are_in_it() {
        assert_eq!(line(&board()), "invited  board (private, 3)");
    }

    #[test]
    fn a_script_reads_a_room_as_one_object() {
        assert_eq!(
            output::json_text(&object(&board())).unwrap(),
            concat!(
                r#"{"room":"board","private":true,"members":3,"standing":"invited","owner":"alice","#,
                r#""message_age":"30d","messages_kept":null}"#
            )
        );
    }
}
