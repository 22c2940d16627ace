//! `belfry group`: groups of accounts, for addressing notices.

use belfry_core::chat::{AccountName, Audience, Group, GroupName, Person, Request};
use serde::Serialize;

use super::session::{self, Session};
use super::{stopping, which};
use crate::config::ConnectionArgs;
use crate::ending::Outcome;
use crate::{output, sentence};

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Add accounts to a group, which is made if it is not there
    Add {
        /// The group
        group: GroupName,
        /// The accounts
        #[arg(required = true)]
        members: Vec<AccountName>,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Take accounts out of a group; without any, remove the group
    Remove {
        /// The group
        group: GroupName,
        /// The accounts
        members: Vec<AccountName>,
        /// Also when scheduled notices are then not sent any more
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// List groups, or the accounts in one
    List {
        /// The group
        group: Option<GroupName>,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

/// Names in one request: the server takes a few more, and a request with the longest of names still fits.
const MEMBERS_AT_ONCE: usize = 200;

pub(crate) fn run(command: Command) -> Outcome {
    match command {
        Command::Add { group, members, connection } => session::with(&connection, |session| {
            for members in members.chunks(MEMBERS_AT_ONCE) {
                let outcome = session.ask_done(Request::AddToGroup { group: group.clone(), members: members.to_vec() });
                named(session, members, outcome)?;
            }
            Ok(())
        }),
        Command::Remove { group, members, yes, connection } => session::with(&connection, |session| {
            if members.is_empty() {
                return remove(session, &group, &members, yes);
            }
            members.chunks(MEMBERS_AT_ONCE).try_for_each(|members| remove(session, &group, members, yes))
        }),
        Command::List { group: Some(group), json, connection } => session::with(&connection, |session| list_members(session, &group, json)),
        Command::List { group: None, json, connection } => session::with(&connection, |session| list(session, json)),
    }
}

/// Who is not there is named.
fn named(session: &mut Session, members: &[AccountName], outcome: Outcome) -> Outcome {
    let members: Vec<_> = members.iter().cloned().map(Audience::Account).collect();
    which::named(session, &members, outcome)
}

fn remove(session: &mut Session, group: &GroupName, members: &[AccountName], yes: bool) -> Outcome {
    let request = |confirmed| Request::RemoveFromGroup { group: group.clone(), members: members.to_vec(), confirmed };
    let is_group = |audience: &Audience| matches!(audience, Audience::Group(named) if named.key() == group.key());
    let outcome = stopping::ask(session, yes, request, |scheduled| scheduled.draft.audience.iter().any(is_group));
    named(session, members, outcome)
}

fn list(session: &mut Session, json: bool) -> Outcome {
    let mut pages = session.pages(|page: &[Group]| Request::ListGroups { after: page.last().map(|group| group.name.clone()) });
    while let Some(groups) = pages.next()? {
        for group in &groups {
            if json {
                output::json(&GroupObject { group: group.name.as_str(), members: group.members })?;
            } else {
                output::line(line(group))?;
            }
        }
    }
    Ok(())
}

fn list_members(session: &mut Session, group: &GroupName, json: bool) -> Outcome {
    let after = |page: &[Person]| page.last().map(|person| person.account.clone());
    let mut pages = session.pages(|page| Request::GroupMembers { group: group.clone(), after: after(page) });
    while let Some(people) = pages.next()? {
        for person in &people {
            if json {
                output::json(&GroupMemberObject { account: person.account.as_str() })?
            } else {
                output::line(sentence::visible(person.account.as_str()))?
            }
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct GroupObject<'a> {
    group: &'a str,
    members: u64,
}

#[derive(Serialize)]
struct GroupMemberObject<'a> {
    account: &'a str,
}

/// `nurses (12)`.
fn line(group: &Group) -> String {
    format!("{} ({})", sentence::visible(group.name.as_str()), group.members)
}
