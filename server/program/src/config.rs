//! What was typed, and what it means: flags over environment over file over defaults.

mod layers;
mod reload;
mod serve;
mod typed;
mod variables;

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use belfry_core::chat::{AccountName, Password, Place, RoomName};
use belfry_core::crypto::PublicKey;
use belfry_core::net::ServerAddress;
use clap::Args;
use directories::ProjectDirs;

pub(crate) use self::layers::DEFAULTS;
pub(crate) use self::reload::Configuration;
pub(crate) use self::serve::{ServeArgs, admin_password, data_folder};
pub(crate) use self::typed::{Given, between, count, file, id, label, path, patience, role, seq, severity};
pub(crate) use self::variables::check_variables;

use crate::ending::{Ending, Outcome};

/// Which server, and who one is there. Part of every command that talks to a server.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConnectionArgs {
    /// The server: HOST, HOST:PORT or a belfry:// link
    #[arg(long, env = "BELFRY_SERVER", value_name = "SERVER")]
    pub(crate) server: Option<Given<ServerAddress>>,
    /// The account
    #[arg(long, env = "BELFRY_USER", value_name = "NAME")]
    pub(crate) user: Option<Given<AccountName>>,
    /// The key that the server must prove; without it the remembered one, or the first one seen
    #[arg(long, value_name = "KEY")]
    pub(crate) server_key: Option<Given<PublicKey>>,
    /// Read the password from the first line of standard input instead of BELFRY_PASSWORD or a prompt
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Give up when there is no connection for this long, from 1s to 1h
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = patience, allow_negative_numbers = true)]
    pub(crate) connect_timeout: Duration,
}

/// [`ConnectionArgs`], understood.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    /// Where the server is.
    pub(crate) server: ServerAddress,
    /// The key it must prove, if one was given.
    pub(crate) key: Option<PublicKey>,
    /// Who signs in.
    pub(crate) user: AccountName,
    /// Where the password comes from.
    pub(crate) password: PasswordSource,
    /// How long to go without a connection.
    pub(crate) patience: Duration,
}

/// Where a password comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PasswordSource {
    /// The environment had it.
    Given(Password),
    /// The next line of standard input.
    Stdin,
    /// A person types it.
    Prompt,
}

/// What of the process' surroundings decides where a password comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct PasswordSurroundings {
    /// The environment variable, if it is set and not empty.
    pub(crate) variable: Option<OsString>,
    /// Standard input is a terminal.
    pub(crate) terminal: bool,
}

impl PasswordSurroundings {
    /// Reads them, with the password in this environment variable.
    pub(crate) fn read(variable: &str) -> Self {
        use std::io::IsTerminal as _;
        Self { variable: std::env::var_os(variable).filter(|value| !value.is_empty()), terminal: std::io::stdin().is_terminal() }
    }
}

impl ConnectionArgs {
    /// What they mean.
    ///
    /// # Errors
    /// Wrong usage, with a sentence that says what is missing.
    pub(crate) fn understand(&self, surroundings: &PasswordSurroundings) -> Outcome<Login> {
        let server = given(&self.server)
            .ok_or_else(|| Ending::usage("No server is named: give --server HOST[:PORT], a belfry:// link, or set BELFRY_SERVER."))?;
        let user = given(&self.user).ok_or_else(|| Ending::usage("No account is named: give --user NAME or set BELFRY_USER."))?;
        let key = given(&self.server_key).or(server.key);
        let password = password_source(self.password_stdin, surroundings, "BELFRY_PASSWORD")?;
        Ok(Login { server, key, user, password, patience: self.connect_timeout })
    }
}

/// Decides where a password comes from: standard input when asked for, the environment, or a person at a terminal.
///
/// # Errors
/// Wrong usage where there is none of the three.
pub(crate) fn password_source(stdin: bool, surroundings: &PasswordSurroundings, variable: &str) -> Outcome<PasswordSource> {
    match &surroundings.variable {
        _ if stdin => Ok(PasswordSource::Stdin),
        Some(value) => password_in(variable, value).map(PasswordSource::Given),
        None if surroundings.terminal => Ok(PasswordSource::Prompt),
        None => Err(Ending::usage(format_args!(
            "There is no password and no terminal to ask on: set {variable}, give --password-stdin, or run this in a terminal."
        ))),
    }
}

/// The password that a variable holds.
///
/// # Errors
/// It cannot be one.
fn password_in(variable: &str, value: &OsStr) -> Outcome<Password> {
    let cannot = |why: &dyn Display| Ending::usage(format_args!("{variable} cannot be used as a password. {why}"));
    let typed = value.to_str().ok_or_else(|| cannot(&"It is not UTF-8; set this terminal to UTF-8, or write it anew."))?;
    Password::new(typed).map_err(|error| cannot(&error))
}

/// An empty variable or argument is none.
fn given<T: Clone>(typed: &Option<Given<T>>) -> Option<T> {
    typed.as_ref().and_then(|typed| typed.0.clone())
}

/// Where to say something or to read; one of the two.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct PlaceArgs {
    /// A room, such as lobby
    #[arg(long)]
    room: Option<RoomName>,
    /// The direct conversation with this person
    #[arg(long, value_name = "USER")]
    to: Option<AccountName>,
}

impl PlaceArgs {
    /// The place they name.
    pub(crate) fn place(self) -> Place {
        place(self.room, self.to)
    }
}

/// The named place; the lobby when none is.
pub(crate) fn place(room: Option<RoomName>, to: Option<AccountName>) -> Place {
    match (to, room) {
        (Some(account), _) => Place::Direct(account),
        (None, Some(room)) => Place::Room(room),
        (None, None) => Place::lobby(),
    }
}

/// The platform's folders for this program.
fn platform() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "belfry")
}

/// The folder that remembers servers: `BELFRY_PROFILE` or the platform's own.
///
/// # Errors
/// Wrong usage where there is neither.
pub(crate) fn profile_dir() -> Outcome<PathBuf> {
    std::env::var_os("BELFRY_PROFILE")
        .filter(|dir| !dir.is_empty())
        .map(PathBuf::from)
        .or_else(|| platform().map(|dirs| dirs.config_dir().to_owned()))
        .ok_or_else(|| Ending::usage("There is no home folder to remember servers in: set BELFRY_PROFILE."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> ConnectionArgs {
        ConnectionArgs {
            server: Some("example:7411".parse().unwrap()),
            user: Some("alice".parse().unwrap()),
            server_key: None,
            password_stdin: false,
            connect_timeout: Duration::from_secs(10),
        }
    }

    fn terminal() -> PasswordSurroundings {
        PasswordSurroundings { variable: None, terminal: true }
    }

    fn sentence(outcome: Outcome<impl std::fmt::Debug>) -> String {
        outcome.unwrap_err().sentence.unwrap()
    }

    #[test]
    fn an_empty_server_or_user_is_a_missing_one() {
        let without_server = ConnectionArgs { server: Some(" ".parse().unwrap()), ..args() };
        assert!(sentence(without_server.understand(&terminal())).contains("BELFRY_SERVER"));
        let without_user = ConnectionArgs { user: None, ..args() };
        assert!(sentence(without_user.understand(&terminal())).contains("BELFRY_USER"));
    }

    #[test]
    fn a_password_that_cannot_come_from_anywhere_names_the_three_ways() {
        let said = sentence(args().understand(&PasswordSurroundings::default()));
        assert!(said.contains("BELFRY_PASSWORD") && said.contains("--password-stdin") && said.contains("terminal"), "{said}");
    }

    #[test]
    fn a_flag_for_the_password_goes_over_the_environment_and_that_over_a_prompt() {
        let both = PasswordSurroundings { variable: Some("secret".into()), terminal: true };
        assert_eq!(password_source(true, &both, "X"), Ok(PasswordSource::Stdin));
        assert_eq!(password_source(false, &both, "X"), Ok(PasswordSource::Given(Password::new("secret").unwrap())));
        assert_eq!(password_source(false, &terminal(), "X"), Ok(PasswordSource::Prompt));
    }

    #[cfg(unix)]
    #[test]
    fn a_password_that_is_not_utf_8_is_not_one_that_is_missing() {
        use std::os::unix::ffi::OsStringExt as _;
        let variable = || Some(OsString::from_vec(b"\xffabc".to_vec()));
        let surroundings = PasswordSurroundings { variable: variable(), terminal: true };
        let own = password_source(false, &surroundings, "BELFRY_PASSWORD").unwrap_err();
        let first = admin_password(variable()).unwrap_err();
        for (refused, name) in [(own, "BELFRY_PASSWORD"), (first, "BELFRY_ADMIN_PASSWORD")] {
            let said = refused.sentence.unwrap();
            assert!(said.starts_with(&format!("{name} cannot be used as a password. It is not UTF-8")), "{said}");
        }
    }

    #[test]
    fn a_key_on_the_command_line_goes_over_the_one_in_the_link() {
        let (typed, linked) = ("a".repeat(52), format!("{}q", "a".repeat(51)));
        let link = format!("belfry://example:7411/#{linked}");
        let both = ConnectionArgs { server: Some(link.parse().unwrap()), server_key: Some(typed.parse().unwrap()), ..args() };
        assert_eq!(both.understand(&terminal()).unwrap().key.unwrap().to_string(), typed);
        let only_link = ConnectionArgs { server: Some(link.parse().unwrap()), ..args() };
        assert_eq!(only_link.understand(&terminal()).unwrap().key.unwrap().to_string(), linked);
    }
}
