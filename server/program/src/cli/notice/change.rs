//! `belfry notice update|withdraw|all-clear|remind`: what becomes of a notice that was sent.

use belfry_core::chat::{Answer, InvalidLength, Length, NoticeChange, NoticeId, Request, Severity, Text, Title, check_expiry};

use super::status;
use crate::cli::session;
use crate::cli::text::TypedText;
use crate::config::{self, ConnectionArgs};
use crate::ending::{Ending, Outcome};
use crate::output;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// The notice's number
    #[arg(value_parser = config::id, allow_negative_numbers = true)]
    id: u64,
    /// One JSON object: the notice as it is now
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args, Debug)]
pub(crate) struct AllClearArgs {
    #[command(flatten)]
    common: Args,
    /// What the screens say instead of the notice's text; - for what stands on standard input
    body: Option<TypedText>,
}

#[derive(clap::Args, Debug)]
#[command(group = clap::ArgGroup::new("changes").required(true).multiple(true).args(["severity", "title", "expires", "body"]))]
pub(crate) struct UpdateArgs {
    #[command(flatten)]
    common: Args,
    /// How much it insists from now on
    #[arg(long, value_parser = config::severity())]
    severity: Option<Severity>,
    /// Its new heading
    #[arg(long)]
    title: Option<Title>,
    /// Its new end, from now: 30m, 2h, 1d, or never
    #[arg(long, value_name = "DURATION", value_parser = end)]
    expires: Option<End>,
    /// Its new text, or - for what stands on standard input; put -- before one that begins with a dash
    body: Option<TypedText>,
}

/// When a notice stops mattering, from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    After(Length),
    Never,
}

fn end(typed: &str) -> Result<End, InvalidLength> {
    if typed == "never" { Ok(End::Never) } else { typed.parse().map(End::After) }
}

pub(crate) fn update(args: UpdateArgs) -> Outcome {
    let expires_after_ms = args.expires.map(|end| match end {
        End::After(Length(millis)) => Some(millis),
        End::Never => None,
    });
    check_expiry(expires_after_ms.flatten()).map_err(Ending::usage)?;
    let (severity, title) = (args.severity, args.title);
    change(&args.common, args.body, |body| NoticeChange::Update { severity, title, body, expires_after_ms })
}

pub(crate) fn withdraw(args: &Args) -> Outcome {
    change(args, None, |_| NoticeChange::Withdraw)
}

pub(crate) fn all_clear(args: AllClearArgs) -> Outcome {
    change(&args.common, args.body, |body| NoticeChange::AllClear { body })
}

pub(crate) fn remind(args: &Args) -> Outcome {
    change(args, None, |_| NoticeChange::Remind)
}

fn change(args: &Args, body: Option<TypedText>, change: impl FnOnce(Option<Text>) -> NoticeChange) -> Outcome {
    session::with_input(
        &args.connection,
        || body.map(TypedText::read).transpose(),
        |session, body| {
            let change = change(body);
            let Answer::NoticeChanged(summary) = session.ask(Request::ChangeNotice { notice: NoticeId(args.id), change })? else {
                return Err(Ending::unexpected());
            };
            if args.json { output::json(&super::object(&summary)) } else { output::line(status::heading(&summary)) }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_length_of_time_or_never() {
        assert_eq!(end("2h"), Ok(End::After(Length(7_200_000))));
        assert_eq!(end("never"), Ok(End::Never));
        assert!(end("soon").is_err());
    }
}
