//! `belfry user profile`: what is said of a person beside the name of their account.

use belfry_core::chat::{
    AccountName, DisplayName, InvalidName, InvalidText, PersonProfile, ProfileChange, ProfileLine, Request, StatusText,
};
use serde::Serialize;

use super::described::ProfileObject;
use super::{session, who};
use crate::config::ConnectionArgs;
use crate::ending::{Ending, Outcome};
use crate::{output, sentence};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The account
    name: AccountName,
    /// What people call them; empty for nothing but the account's name
    #[arg(long, value_name = "NAME", value_parser = display)]
    display: Option<Stated<DisplayName>>,
    /// Where in the house they belong; empty for nowhere
    #[arg(long, value_name = "TEXT", value_parser = line)]
    department: Option<Stated<ProfileLine>>,
    /// Where they are reached otherwise; empty for nowhere
    #[arg(long, value_name = "TEXT", value_parser = line)]
    telephone: Option<Stated<ProfileLine>>,
    /// What they are doing; empty for nothing
    #[arg(long, value_name = "TEXT", value_parser = status)]
    status: Option<Stated<StatusText>>,
    /// One JSON object
    #[arg(long, conflicts_with_all = ["display", "department", "telephone", "status"])]
    json: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(crate) fn run(args: Args) -> Outcome {
    let Args { name: account, display, department, telephone, status, json, connection } = args;
    let changes = [
        display.map(|Stated(display)| ProfileChange::Display(display)),
        department.map(|Stated(department)| ProfileChange::Department(department)),
        telephone.map(|Stated(telephone)| ProfileChange::Telephone(telephone)),
        status.map(|Stated(status)| ProfileChange::Status(status)),
    ];
    let changes: Vec<_> = changes.into_iter().flatten().collect();
    session::with(&connection, |session| {
        if !changes.is_empty() {
            return session.ask_done(Request::SetProfile { account, changes });
        }
        let people = who::fetch(session, |_| {})?;
        let person = people.iter().find(|person| person.account.key() == account.key());
        let person = person.ok_or_else(|| Ending::refused(belfry_core::chat::Refusal::UnknownAccount))?;
        if json {
            return output::json(&NamedObject { account: person.account.as_str(), profile: ProfileObject::from(&person.profile) });
        }
        lines(&person.profile).into_iter().try_for_each(output::line)
    })
}

/// What was typed behind a flag; `None` for nothing, which takes back what was said.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stated<T>(Option<T>);

fn said<'a, T, E>(typed: &'a str, read: impl FnOnce(&'a str) -> Result<T, E>) -> Result<Stated<T>, E> {
    if typed.trim().is_empty() { Ok(Stated(None)) } else { read(typed).map(|said| Stated(Some(said))) }
}

fn display(typed: &str) -> Result<Stated<DisplayName>, InvalidName> {
    said(typed, DisplayName::new)
}

fn line(typed: &str) -> Result<Stated<ProfileLine>, InvalidText> {
    said(typed, ProfileLine::new)
}

fn status(typed: &str) -> Result<Stated<StatusText>, InvalidText> {
    said(typed, StatusText::new)
}

#[derive(Serialize)]
struct NamedObject<'a> {
    account: &'a str,
    #[serde(flatten)]
    profile: ProfileObject<'a>,
}

fn lines(profile: &PersonProfile) -> Vec<String> {
    let ProfileObject { display_name, department, telephone, status } = profile.into();
    let line = |(what, said): (&str, Option<&str>)| said.map(|said| format!("{what:<11} {}", sentence::visible(said)));
    [("display", display_name), ("department", department), ("telephone", telephone), ("status", status)]
        .into_iter()
        .filter_map(line)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anna() -> PersonProfile {
        PersonProfile {
            display: Some(DisplayName::new("Anna Berg").unwrap()),
            department: Some(ProfileLine::new("Research").unwrap()),
            ..PersonProfile::default()
        }
    }

    #[test]
    fn only_what_is_said_is_printed() {
        assert_eq!(lines(&anna()), ["display     Anna Berg", "department  Research"]);
    }

    #[test]
    fn nothing_behind_a_flag_takes_back_what_was_said() {
        assert_eq!(status(" "), Ok(Stated(None)));
        assert_eq!(display(" Anna  Berg "), Ok(Stated(anna().display)));
        assert_eq!(line("1\u{202e}2"), Err(InvalidText::Hidden('\u{202e}')));
    }
}
