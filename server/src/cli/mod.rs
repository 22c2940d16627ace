//! The command line: what can be typed, and which file carries it out.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

mod alter;
mod audit;
mod backup;
mod chat;
mod devices;
mod discover;
mod ending;
mod export;
mod group;
mod history;
mod listen;
pub(crate) mod log;
mod notice;
mod output;
mod password;
mod pin;
mod register;
mod room;
mod rotate_key;
mod search;
mod send;
mod serve;
mod session;
mod signals;
mod status;
mod user;
mod who;

#[cfg(windows)]
pub(crate) use ending::Exit;
pub(crate) use ending::{Ending, Outcome};
#[cfg(windows)]
pub(crate) use serve::{Configuration, announcement};

/// Chat and notices for one local network.
#[derive(Debug, Parser)]
#[command(name = "belfry", version, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(Box<crate::config::ServeArgs>),
    /// Create the account that --user names
    Register(register::Args),
    /// Say something; exits 0 once the server has stored it
    Send(send::Args),
    /// Print what was said, oldest first
    History(history::Args),
    /// Find messages by what they say
    Search(search::Args),
    /// Write a message of one's own anew
    Edit(alter::EditArgs),
    /// Take a message of one's own back
    Delete(alter::DeleteArgs),
    /// What a message said before it was altered (administrators)
    Originals(alter::OriginalsArgs),
    /// Rooms: make, find, join and leave them
    #[command(subcommand)]
    Room(room::Command),
    /// Chat in the terminal; from a pipe or a file, each line is one message
    Chat(chat::Args),
    /// Print everything that happens until stopped
    Listen(listen::Args),
    /// List people
    Who(who::Args),
    /// Send notices and follow who has had them (administrators)
    #[command(subcommand)]
    Notice(notice::Command),
    /// Manage accounts (administrators)
    #[command(subcommand)]
    User(user::Command),
    /// Groups of accounts, for addressing notices (administrators)
    #[command(subcommand)]
    Group(group::Command),
    /// How the server is doing (administrators)
    Status(status::Args),
    /// Look for servers on the local network
    Discover(discover::Args),
    /// Who did what on whom (administrators)
    Audit(audit::Args),
    /// Print whole conversations
    Export(export::Args),
    /// Copy the database of the server on this computer, while it runs
    Backup(backup::Args),
    /// Give the server of this computer a new identity from its next start on
    RotateKey(rotate_key::Args),
}

/// Understands the command line, or has said why not (or what was asked for, such as the help) and returns the exit code.
pub(crate) fn parse(typed: impl IntoIterator<Item = OsString>) -> Result<Arguments, ExitCode> {
    Arguments::try_parse_from(typed).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // A closed standard output is the reader's choice.
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
        }
        _ => Ending::usage(explanation(&error)).report(),
    })
}

/// What is wrong with the command line, as one sentence and the way to the help.
fn explanation(error: &clap::Error) -> String {
    let rendered = error.render().to_string();
    let before_usage = rendered.split("\n\nUsage:").next().unwrap_or(&rendered);
    let before_usage = before_usage.split("\n\nFor more information").next().unwrap_or(before_usage);
    let words: Vec<_> = before_usage.trim_start_matches("error:").split_whitespace().collect();
    format!("{} (--help explains)", words.join(" "))
}

/// The server answered something else than what was asked for.
fn unexpected() -> Ending {
    belfry_core::chat::Refusal::BadRequest.into()
}

/// Carries out the command.
pub(crate) fn run(arguments: Arguments) -> Outcome {
    match arguments.command {
        Command::Serve(args) => serve::run(*args),
        Command::Register(args) => register::run(&args),
        Command::Send(args) => send::run(args),
        Command::History(args) => history::run(args),
        Command::Search(args) => search::run(args),
        Command::Edit(args) => alter::edit(args),
        Command::Delete(args) => alter::delete(args),
        Command::Originals(args) => alter::originals(args),
        Command::Room(command) => room::run(command),
        Command::Chat(args) => chat::run(args),
        Command::Listen(args) => listen::run(&args),
        Command::Who(args) => who::run(&args),
        Command::Notice(command) => notice::run(command),
        Command::User(command) => user::run(command),
        Command::Group(command) => group::run(command),
        Command::Status(args) => status::run(&args),
        Command::Discover(args) => discover::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Export(args) => export::run(args),
        Command::Backup(args) => backup::run(&args),
        Command::RotateKey(args) => rotate_key::run(&args),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn wrong(typed: &str) -> String {
        explanation(&Arguments::try_parse_from(typed.split(' ')).unwrap_err())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn wrong_usage_is_explained_in_one_line() {
        let said = wrong("belfry histroy --room lobby");
        assert!(said.contains("unrecognized subcommand 'histroy'") && said.contains("'history'") && !said.contains('\n'), "{said}");
        let said = wrong("belfry send --room lobby");
        assert!(said.contains("<TEXT>") && !said.contains('\n'), "{said}");
    }

    #[test]
    fn a_room_and_a_person_at_once_is_wrong_usage() {
        assert!(wrong("belfry send --room lobby --to bob hi").contains("--to"));
    }

    #[test]
    fn a_timeout_without_something_to_wait_for_is_wrong_usage() {
        assert!(wrong("belfry notice send --timeout 10m hi").contains("--wait"));
    }

    #[test]
    fn a_name_that_cannot_be_one_is_explained() {
        assert!(wrong("belfry send --to a/b hi").contains("A name cannot contain '/'."));
    }
}
