//! `belfry user`: accounts, for administrators; `password` also for oneself.

use belfry_core::chat::{Account, AccountName, Audience, Password, Request, Role};
use belfry_core::time::UnixMillis;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::described::{ProfileObject, in_brackets};
use super::session::{self, Session};
use super::{devices, password, profile, stopping, zone};
use crate::config::{self, ConnectionArgs, PasswordSurroundings};
use crate::ending::Outcome;
use crate::{output, sentence};

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Make an account; its password comes from BELFRY_NEW_PASSWORD, a prompt, or with --password-stdin the second line
    Add {
        /// The new account's name
        #[arg(value_parser = AccountName::new)]
        name: AccountName,
        /// What it may do
        #[arg(long, value_parser = config::role(), default_value_t = Role::Member)]
        role: Role,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// List accounts
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Give an account a new password, from the same places as for add; its other sessions end
    Password {
        /// The account
        name: AccountName,
        /// Its sessions go on, and its devices need no password
        #[arg(long)]
        keep_sessions: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Say what a person is called, where they belong and where they are reached; without any of it, print it
    Profile(profile::Args),
    /// Change what an account may do
    Role {
        /// The account
        name: AccountName,
        /// Its new role
        #[arg(value_parser = config::role())]
        role: Role,
        /// Also when scheduled notices are then not sent any more
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Shut an account out; its sessions end at once, its history stays
    Disable {
        /// The account
        name: AccountName,
        /// Also when scheduled notices are then not sent any more
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// List the devices of an account (one's own also without being an administrator)
    Sessions(devices::SessionsArgs),
    /// End a device's sessions and let it not connect again (one's own also without being an administrator)
    Revoke(devices::RevokeArgs),
    /// Let a disabled account in again
    Enable {
        /// The account
        name: AccountName,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

pub(crate) fn run(command: Command) -> Outcome {
    match command {
        Command::List { json, connection } => list(&connection, json),
        Command::Add { name, role, connection } => {
            change_with_password(&connection, name, |account, password| Request::AddUser { account, password, role })
        }
        Command::Password { name, keep_sessions, connection } => {
            change_with_password(&connection, name, |account, password| Request::SetPassword { account, password, keep_sessions })
        }
        Command::Profile(args) => profile::run(args),
        Command::Role { name, role, yes, connection } => session::with(&connection, |session| {
            let request = |confirmed| Request::SetRole { account: name.clone(), role, confirmed };
            stopping::ask(session, yes, request, |scheduled| scheduled.author.key() == name.key())
        }),
        Command::Disable { name, yes, connection } => session::with(&connection, |session| {
            let request = |confirmed| Request::SetDisabled { account: name.clone(), disabled: true, confirmed };
            let is_person = |audience: &Audience| matches!(audience, Audience::Account(named) if named.key() == name.key());
            let done = stopping::ask(session, yes, request, |scheduled| {
                scheduled.author.key() == name.key() || scheduled.draft.audience.iter().any(is_person)
            });
            // Whoever disables their own account is put out before the answer comes; that is the answer.
            let own = name.key() == session.account().key();
            if own && done.is_err() && session.was_put_out() { Ok(()) } else { done }
        }),
        Command::Sessions(args) => devices::sessions(&args),
        Command::Revoke(args) => devices::revoke(&args),
        Command::Enable { name, connection } => {
            session::with(&connection, |session| session.ask_done(Request::SetDisabled { account: name, disabled: false, confirmed: true }))
        }
    }
}

/// The new password is read after signing in: nobody types one twice only to learn that their own was wrong.
fn change_with_password(
    connection: &ConnectionArgs,
    account: AccountName,
    request: impl FnOnce(AccountName, Password) -> Request,
) -> Outcome {
    let surroundings = PasswordSurroundings::read("BELFRY_NEW_PASSWORD");
    // Here the variable goes over the flag: --password-stdin may be meant for the own password alone.
    let stdin = connection.password_stdin && surroundings.variable.is_none();
    let source = config::password_source(stdin, &surroundings, "BELFRY_NEW_PASSWORD")?;
    session::with(connection, |session| {
        let password = password::new(source, account.as_str())?;
        session.ask_done(request(account, password))
    })
}

fn list(connection: &ConnectionArgs, json: bool) -> Outcome {
    session::with(connection, |session| {
        let zone = zone::local();
        for account in &fetch(session)? {
            if json { output::json(&object(account))? } else { output::line(line(account, &zone))? }
        }
        Ok(())
    })
}

fn fetch(session: &mut Session) -> Outcome<Vec<Account>> {
    session.pages(|page: &[Account]| Request::ListUsers { after: page.last().map(|account| account.name.clone()) }).all()
}

#[derive(Serialize)]
struct AccountObject<'a> {
    account: &'a str,
    role: &'static str,
    disabled: bool,
    created_at: String,
    last_seen: Option<String>,
    #[serde(flatten)]
    profile: ProfileObject<'a>,
}

fn object(account: &Account) -> AccountObject<'_> {
    AccountObject {
        account: account.name.as_str(),
        role: account.role.as_str(),
        disabled: account.disabled,
        created_at: account.created_at.rfc3339(),
        last_seen: account.last_seen.map(UnixMillis::rfc3339),
        profile: ProfileObject::from(&account.profile),
    }
}

/// `admin    alice (last seen 2026-11-21 10:02)`.
fn line(account: &Account, zone: &TimeZone) -> String {
    let seen = account.last_seen.map_or_else(|| "never seen".to_owned(), |at| format!("last seen {}", output::minute(at, zone)));
    let disabled = if account.disabled { ", disabled" } else { "" };
    let profile = in_brackets(&account.profile);
    format!("{:<8} {}{profile} ({seen}{disabled})", account.role, sentence::visible(account.name.as_str()))
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::PersonProfile;
    use belfry_core::time::UnixMillis;

    use super::*;

    fn account() -> Account {
        Account {
            name: AccountName::new("bob").unwrap(),
            role: Role::Member,
            disabled: true,
            created_at: UnixMillis(0),
            last_seen: None,
            profile: PersonProfile::default(),
        }
    }

    #[test]
    fn a_disabled_account_is_shown_as_one() {
        assert_eq!(line(&account(), &TimeZone::UTC), "member   bob (never seen, disabled)");
    }

    #[test]
    fn a_script_reads_an_account_as_one_object() {
        assert_eq!(
            output::json_text(&object(&account())).unwrap(),
            r#"{"account":"bob","role":"member","disabled":true,"created_at":"1970-01-01T00:00:00.000Z","last_seen":null}"#
        );
    }
}
