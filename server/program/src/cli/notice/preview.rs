//! `belfry notice preview`: whom an audience would reach; and the question before a critical notice to everyone.

use std::io::{self, Write as _};

use belfry_core::chat::{Answer, Audience, Preview, Request, RoomName, Severity};
use serde::Serialize;

use crate::cli::session::{self, Session};
use crate::cli::{question, which};
use crate::config::ConnectionArgs;
use crate::ending::{Ending, Outcome};
use crate::output;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// The audience: everyone, user:NAME, group:NAME or room:NAME; may be given several times [default: everyone]
    #[arg(long, value_name = "AUDIENCE")]
    to: Vec<Audience>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Outcome {
    let audience = if args.to.is_empty() { vec![Audience::Everyone] } else { args.to };
    session::with(&args.connection, |session| {
        let preview = ask(session, &audience)?;
        if args.json { output::json(&object(&preview)) } else { output::line(words(&preview)) }
    })
}

fn ask(session: &mut Session, audience: &[Audience]) -> Outcome<Preview> {
    let outcome = session.ask(Request::PreviewNotice { audience: audience.to_vec() });
    match which::named(session, audience, outcome)? {
        Answer::Preview(preview) => Ok(preview),
        _ => Err(Ending::unexpected()),
    }
}

/// Whether the server may take the notice as confirmed. On a terminal the author sees whom it reaches, and before a critical notice to
/// everyone is asked; a script says `--yes`.
pub(super) fn confirm(session: &mut Session, severity: Severity, audience: &[Audience], yes: bool) -> Outcome<bool> {
    let everyone = audience.iter().any(is_everyone);
    let must_confirm = severity == Severity::Critical && everyone && !yes;
    let terminal = question::can_be_asked();
    if !must_confirm && !terminal {
        return Ok(yes);
    }
    let preview = ask(session, audience)?;
    if !terminal {
        return Err(Ending::usage(format_args!("A critical notice to everyone reaches {}; confirm it with --yes.", words(&preview))));
    }
    // Nothing depends on this being read.
    let _ = writeln!(io::stderr(), "This reaches {}.", words(&preview));
    if !must_confirm {
        return Ok(yes);
    }
    question::ask("Send a critical notice to everyone?", "Nothing was sent.")?;
    Ok(true)
}

fn is_everyone(audience: &Audience) -> bool {
    match audience {
        Audience::Everyone => true,
        Audience::Room(room) => room.key() == RoomName::lobby().key(),
        Audience::Account(_) | Audience::Group(_) => false,
    }
}

#[derive(Serialize)]
struct PreviewObject {
    people: u64,
    online: u64,
    offline: u64,
    never_connected: u64,
    everyone: bool,
}

const fn object(preview: &Preview) -> PreviewObject {
    PreviewObject {
        people: preview.people,
        online: preview.online,
        offline: preview.offline,
        never_connected: preview.never,
        everyone: preview.everyone,
    }
}

/// `3 people: 2 online, 1 offline, 0 who have never connected`.
fn words(preview: &Preview) -> String {
    let people = if preview.people == 1 { "1 person".to_owned() } else { format!("{} people", preview.people) };
    format!("{people}: {} online, {} offline, {} who have never connected", preview.online, preview.offline, preview.never)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREVIEW: Preview = Preview { people: 3, online: 2, offline: 1, never: 0, everyone: true };

    #[test]
    fn a_preview_is_one_line_or_one_object() {
        assert_eq!(words(&PREVIEW), "3 people: 2 online, 1 offline, 0 who have never connected");
        assert_eq!(
            output::json_text(&object(&PREVIEW)).unwrap(),
            r#"{"people":3,"online":2,"offline":1,"never_connected":0,"everyone":true}"#
        );
    }

    #[test]
    fn the_lobby_is_everyone() {
        assert!(is_everyone(&"room:LOBBY".parse().unwrap()));
        assert!(!is_everyone(&"user:lobby".parse().unwrap()));
    }
}
