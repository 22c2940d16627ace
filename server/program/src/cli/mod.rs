//! The command line: what can be typed, and which file carries it out.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

mod alter;
mod audit;
mod backup;
mod chat;
mod core_dumps;
mod described;
mod devices;
mod discover;
mod export;
mod files;
mod group;
mod history;
mod listen;
mod notice;
mod outlet;
mod pages;
mod password;
mod pin;
mod profile;
mod question;
mod react;
mod register;
mod restore;
mod room;
mod rotate_key;
mod search;
mod send;
mod serve;
mod session;
mod signals;
mod status;
mod stopping;
mod text;
mod usage;
mod user;
mod which;
mod who;
mod zone;

use crate::ending::{Ending, Outcome};

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
    /// Files that came with messages: list, fetch and take them back
    #[command(subcommand)]
    Files(files::Command),
    /// Write a message of one's own anew
    Edit(alter::EditArgs),
    /// Take a message of one's own back
    Delete(alter::DeleteArgs),
    /// What a message said before it was altered (administrators)
    Originals(alter::OriginalsArgs),
    /// React to a message with an emoji, or take that back
    React(react::ReactArgs),
    /// Who has reacted to a message, and how
    Reactions(react::ReactionsArgs),
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
    /// Put a backup back into the data folder of a server that is stopped
    Restore(restore::Args),
    /// Give the server of this computer a new identity from its next start on
    RotateKey(rotate_key::Args),
}

/// All that can be typed, for those who look through it.
fn command() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}

/// Understands the command line, or has said why not (or what was asked for, such as the help) and returns the exit code.
pub(crate) fn parse(typed: impl IntoIterator<Item = OsString>) -> Result<Arguments, ExitCode> {
    let typed: Vec<_> = typed.into_iter().collect();
    understand(&typed).map_err(|wrong| match wrong {
        // A closed standard output is the reader's choice.
        Wrong::Asked(help) => match help.print() {
            Ok(()) | Err(_) => ExitCode::SUCCESS,
        },
        Wrong::Usage(ending) => ending.report(),
    })
}

/// Why a command line is not carried out.
#[derive(Debug)]
enum Wrong {
    /// It asks for the help or the version.
    Asked(clap::Error),
    /// It cannot be understood.
    Usage(Ending),
}

fn understand(typed: &[OsString]) -> Result<Arguments, Wrong> {
    Arguments::try_parse_from(typed).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Wrong::Asked(error),
        _ => Wrong::Usage(Ending::usage(usage::explain(&error, &Arguments::command(), typed))),
    })
}

/// Carries out the command.
pub(crate) fn run(arguments: Arguments) -> Outcome {
    if matches!(arguments.command, Command::Serve(_) | Command::Backup(_) | Command::Restore(_) | Command::RotateKey(_)) {
        core_dumps::forbid();
    }
    match arguments.command {
        Command::Serve(args) => serve::run(*args, &command()),
        Command::Register(args) => register::run(&args),
        Command::Send(args) => send::run(args),
        Command::History(args) => history::run(args),
        Command::Search(args) => search::run(args),
        Command::Files(command) => files::run(command),
        Command::Edit(args) => alter::edit(args),
        Command::Delete(args) => alter::delete(args),
        Command::Originals(args) => alter::originals(args),
        Command::React(args) => react::react(args),
        Command::Reactions(args) => react::reactions(args),
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
        Command::Restore(args) => restore::run(&args),
        Command::RotateKey(args) => rotate_key::run(&args),
    }
}

#[cfg(test)]
mod every_argument;
