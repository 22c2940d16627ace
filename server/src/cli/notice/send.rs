//! `belfry notice send`: sends a notice and, with `--wait`, follows it until everybody has had it.

use std::time::{Duration, Instant};

use belfry_core::chat::{
    Answer, Audience, Every, Label, LedgerEntry, NoticeDraft, NoticeId, Progress, Reminding, Severity, Template, TemplateName, Text, Title,
    WrittenTime, check_answers, check_audience, check_expiry,
};
use belfry_core::client::{Command, Update};
use clap::ValueEnum;
use jiff::tz::TimeZone;

use super::{ledger, preview, status, template, when};
use crate::cli::session::{self, Session, Wake};
use crate::cli::text::TypedText;
use crate::cli::{Ending, Outcome, output, unexpected, which, zone};
use crate::config::{self, ConnectionArgs};

/// How long `--wait` waits unless `--timeout` says otherwise.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(600);

/// Reminders unless `--remind-limit` says otherwise.
const REMINDERS_DEFAULT: u16 = 6;

/// How long one look at the ledger may take while waiting.
const LOOK_PATIENCE: Duration = Duration::from_secs(10);

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// Start from this template; what else is given goes over it
    #[arg(long, value_name = "NAME")]
    template: Option<TemplateName>,
    #[command(flatten)]
    draft: DraftArgs,
    /// When to send it: 14:30, "2026-11-21 14:30", or RFC 3339; another zone's time with its name: 14:30[Europe/Berlin] [default: now]
    #[arg(long, value_name = "TIME", value_parser = when::time, conflicts_with_all = ["wait", "timeout"])]
    at: Option<WrittenTime>,
    /// With --at: send it again and again, each day, each week, or after a length of time
    #[arg(long, value_name = "RULE", value_parser = when::every)]
    every: Option<Every>,
    /// Send a critical notice to everyone without being asked
    #[arg(long)]
    yes: bool,
    /// Wait until everybody, or a share of them, has had it this far: reached, visible, answered, answered:80%
    #[arg(long, value_parser = goal, value_name = "STAGE[:SHARE]")]
    wait: Option<Goal>,
    /// With --wait: how long to wait, such as 30s, 10m, 2h [default: 10m]
    #[arg(long, value_name = "DURATION", value_parser = config::duration)]
    timeout: Option<Duration>,
    /// What it says, or - for what stands on standard input; put -- before a text that begins with a dash
    #[arg(required_unless_present = "template")]
    body: Option<TypedText>,
}

/// What a notice and a template are made of beside their text.
#[derive(clap::Args, Debug)]
pub(super) struct DraftArgs {
    /// How much it insists [default: info]
    #[arg(long, value_enum)]
    pub(super) severity: Option<SeverityWord>,
    /// Its heading
    #[arg(long)]
    pub(super) title: Option<Title>,
    /// Whom it is for: everyone, user:NAME, group:NAME or room:NAME; may be given several times [default: everyone]
    #[arg(long, value_name = "AUDIENCE", value_parser = audience)]
    pub(super) to: Vec<Audience>,
    /// When it stops mattering: 30m, 2h, 1d
    #[arg(long, value_name = "DURATION", value_parser = config::duration)]
    pub(super) expires: Option<Duration>,
    /// The answers it offers, separated by commas [default: Acknowledge]
    #[arg(long, value_name = "ANSWERS", value_delimiter = ',', value_parser = config::label)]
    pub(super) answers: Vec<Label>,
    /// Tell those who have not answered again, each time after so long: 5m
    #[arg(long, value_name = "DURATION", value_parser = config::duration)]
    pub(super) remind: Option<Duration>,
    /// With --remind: how often at most [default: 6]
    #[arg(long, value_name = "TIMES", value_parser = config::between::<u16>(1..=100), allow_negative_numbers = true)]
    pub(super) remind_limit: Option<u16>,
}

impl DraftArgs {
    /// That what was typed goes together and is not more than a notice holds.
    ///
    /// # Errors
    /// Wrong usage.
    pub(super) fn check(&self) -> Outcome {
        if self.remind_limit.is_some() && self.remind.is_none() {
            return Err(Ending::usage("--remind-limit needs --remind: after how long those who have not answered are told again."));
        }
        // By the server's own rules.
        check_answers(&self.answers)
            .and_then(|()| check_audience(&self.to))
            .and_then(|()| check_expiry(self.expires_after_ms()))
            .map_err(Ending::usage)
    }

    /// How long it matters, if not for ever.
    pub(super) fn expires_after_ms(&self) -> Option<u64> {
        self.expires.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX))
    }

    /// The reminders, if any.
    pub(super) fn reminding(&self) -> Option<Reminding> {
        let every_ms = u64::try_from(self.remind?.as_millis()).unwrap_or(u64::MAX);
        Some(Reminding { every_ms, limit: self.remind_limit.unwrap_or(REMINDERS_DEFAULT) })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SeverityWord {
    Info,
    Important,
    Critical,
}

impl From<SeverityWord> for Severity {
    fn from(word: SeverityWord) -> Self {
        match word {
            SeverityWord::Info => Self::Info,
            SeverityWord::Important => Self::Important,
            SeverityWord::Critical => Self::Critical,
        }
    }
}

/// How far a notice has come with a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It has arrived at their program.
    Reached,
    /// It was on their screen.
    Visible,
    /// They have answered.
    Answered,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Goal {
    stage: Stage,
    /// How many in a hundred have to be that far.
    percent: u8,
}

impl Goal {
    fn is_reached(self, progress: &Progress) -> bool {
        let count = match self.stage {
            Stage::Reached => progress.reached,
            Stage::Visible => progress.visible,
            Stage::Answered => progress.answered,
        };
        u128::from(count) * 100 >= u128::from(progress.audience) * u128::from(self.percent)
    }
}

/// Reads `answered` or `answered:80%`.
fn goal(typed: &str) -> Result<Goal, String> {
    let explain = || "Write reached, visible or answered, and a share behind it if not everybody is meant, as in answered:80%.".to_owned();
    let (stage, share) = typed.split_once(':').unwrap_or((typed, "100%"));
    let stage = match stage {
        "reached" => Stage::Reached,
        "visible" => Stage::Visible,
        "answered" => Stage::Answered,
        _ => return Err(explain()),
    };
    let percent = share.strip_suffix('%').and_then(|share| share.parse().ok()).filter(|percent| (1..=100).contains(percent));
    Ok(Goal { stage, percent: percent.ok_or_else(explain)? })
}

impl Stage {
    const fn has(self, entry: &LedgerEntry) -> bool {
        match self {
            Self::Reached => entry.reached_at.is_some() || entry.visible_at.is_some() || entry.answered.is_some(),
            Self::Visible => entry.visible_at.is_some() || entry.answered.is_some(),
            Self::Answered => entry.answered.is_some(),
        }
    }

    const fn not_done(self) -> &'static str {
        match self {
            Self::Reached => "have not been reached",
            Self::Visible => "have not seen it",
            Self::Answered => "have not answered",
        }
    }
}

/// Reads `everyone`, `user:NAME`, `group:NAME` or `room:NAME`.
pub(super) fn audience(typed: &str) -> Result<Audience, String> {
    match typed.split_once(':') {
        None if typed == "everyone" => Ok(Audience::Everyone),
        Some(("user", name)) => name.parse().map(Audience::Account).map_err(|error| error.to_string()),
        Some(("group", name)) => name.parse().map(Audience::Group).map_err(|error| error.to_string()),
        Some(("room", name)) => name.parse().map(Audience::Room).map_err(|error| error.to_string()),
        _ => Err("Write everyone, user:NAME, group:NAME or room:NAME.".to_owned()),
    }
}

/// What was typed goes over what the template says.
fn draft(args: &Args, body: Option<Text>, template: Option<Template>) -> Outcome<NoticeDraft> {
    let typed = &args.draft;
    let mut draft = match (template, body) {
        (Some(Template { name: _, severity, title, body, audience, answers, expires_after_ms, remind }), typed) => {
            NoticeDraft { title, answers, expires_after_ms, remind, ..NoticeDraft::new(severity, typed.unwrap_or(body), audience) }
        }
        (None, Some(body)) => NoticeDraft::new(Severity::Info, body, Vec::new()),
        (None, None) => return Err(Ending::usage("The notice has no text: type it, or name a template.")),
    };
    draft.severity = typed.severity.map_or(draft.severity, Severity::from);
    draft.title = typed.title.clone().or(draft.title);
    draft.expires_after_ms = typed.expires_after_ms().or(draft.expires_after_ms);
    draft.remind = typed.reminding().or(draft.remind);
    if !typed.answers.is_empty() {
        draft.answers.clone_from(&typed.answers);
    }
    if !typed.to.is_empty() {
        draft.audience.clone_from(&typed.to);
    }
    if draft.audience.is_empty() {
        draft.audience.push(Audience::Everyone);
    }
    Ok(draft)
}

impl Args {
    /// That what was typed goes together.
    fn check(&self) -> Outcome {
        self.draft.check()?;
        if self.every.is_some() && self.at.is_none() {
            return Err(Ending::usage("--every needs --at: when the notice is sent for the first time."));
        }
        if self.timeout.is_some() && self.wait.is_none() {
            return Err(Ending::usage("--timeout needs --wait: how far everybody has to be with the notice."));
        }
        Ok(())
    }
}

pub(crate) fn run(args: Args) -> Outcome {
    // What can be wrong with what was typed is said before anybody is asked for a password.
    args.check()?;
    let schedule = args.at.clone().map(|at| when::schedule(at, args.every)).transpose()?;
    let timeout = args.timeout.unwrap_or(TIMEOUT_DEFAULT);
    let body = args.body.clone();
    session::with_input(
        &args.connection,
        || body.map(TypedText::read).transpose(),
        |session, body| {
            let template = args.template.as_ref().map(|name| template::find(session, name)).transpose()?;
            let draft = draft(&args, body, template)?;
            let confirmed = preview::confirm(session, draft.severity, &draft.audience, args.yes)?;
            let ticket = session.ticket();
            let audience = draft.audience.clone();
            session.send(Command::SendNotice { ticket, draft: NoticeDraft { schedule, confirmed, ..draft } })?;
            let mut news = Vec::new();
            let answer = session.answer(ticket, |update| news.push(update));
            let (notice, mut progress) = match which::named(session, &audience, answer)? {
                Answer::NoticeSent { notice, progress } => (notice, progress),
                Answer::NoticeScheduled { schedule, at, zone } => {
                    return output::line(format_args!("scheduled {} for {}", schedule.0, when::moment(at, &zone)));
                }
                _ => return Err(unexpected()),
            };
            output::line(notice.0)?;
            let Some(goal) = args.wait else {
                return Ok(());
            };
            for update in &news {
                follow(&mut progress, notice, update);
            }
            wait(session, notice, progress, goal, timeout)
        },
    )
}

/// Takes note of an update about the notice. Counts only grow: what was asked for may be answered after what was told unasked.
fn follow(progress: &mut Progress, notice: NoticeId, update: &Update) {
    if let Update::Progress { notice: about, progress: now } = update
        && *about == notice
    {
        merge(progress, now);
    }
}

fn merge(progress: &mut Progress, now: &Progress) {
    progress.audience = progress.audience.max(now.audience);
    progress.reached = progress.reached.max(now.reached);
    progress.visible = progress.visible.max(now.visible);
    progress.answered = progress.answered.max(now.answered);
}

fn wait(session: &mut Session, notice: NoticeId, mut progress: Progress, goal: Goal, timeout: Duration) -> Outcome {
    let until = Instant::now() + timeout;
    session.catch_interrupts()?;
    // The wait ends with its timeout, not with a lost connection: the server may be back in time.
    session.wait_out_interruptions();
    session.expect_answers_within(LOOK_PATIENCE.min(timeout));
    let mut people = look(session, notice, &mut progress)?;
    let mut why = "Time ran out";
    while !goal.is_reached(&progress) {
        match session.next(Some(until))? {
            // What happened while the connection was lost has not been told.
            Some(Wake::Update(Update::SignedIn { .. })) => people = look(session, notice, &mut progress)?,
            Some(Wake::Update(update)) => follow(&mut progress, notice, &update),
            Some(Wake::Interrupted) => {
                why = "Interrupted";
                break;
            }
            Some(_) => {}
            None => break,
        }
    }
    // The last word before saying who is missing; without a connection the last one known has to do.
    if !goal.is_reached(&progress) && session.is_connected() {
        people = look(session, notice, &mut progress)?;
    }
    if goal.is_reached(&progress) { Ok(()) } else { Err(missing(&people, goal.stage, why, &zone::local())) }
}

/// Asks for the ledger and brings the counts up to date.
fn look(session: &mut Session, notice: NoticeId, progress: &mut Progress) -> Outcome<Vec<LedgerEntry>> {
    let mut meanwhile = *progress;
    let (summary, people) = ledger(session, notice, |update| follow(&mut meanwhile, notice, &update))?;
    merge(&mut meanwhile, &summary.progress);
    *progress = meanwhile;
    Ok(people)
}

/// Who has not had the notice that far, each with the reason: of those who were meant when it was sent.
fn missing(people: &[LedgerEntry], stage: Stage, why: &str, zone: &TimeZone) -> Ending {
    let meant: Vec<_> = people.iter().filter(|entry| !entry.later).collect();
    let missing: Vec<_> = meant.iter().filter(|entry| !stage.has(entry)).collect();
    let mut said = format!("{why}: {} of {} people {}.", missing.len(), meant.len(), stage.not_done());
    for entry in missing {
        said.push_str(&format!("\n  {}: {}", entry.account, status::standing(entry, zone)));
    }
    Ending::unreachable(said)
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::AccountName;
    use belfry_core::time::UnixMillis;

    use super::*;
    use crate::cli::ending::Exit;

    fn entry(name: &str) -> LedgerEntry {
        LedgerEntry {
            account: AccountName::new(name).unwrap(),
            reached_at: Some(UnixMillis(0)),
            visible_at: None,
            answered: None,
            revision: 1,
            offline_since: None,
            online: true,
            later: false,
            gap: Some(belfry_core::chat::Gap::Unanswered),
            devices: Vec::new(),
        }
    }

    #[test]
    fn audiences_are_read_as_the_contract_writes_them() {
        assert_eq!(audience("everyone"), Ok(Audience::Everyone));
        assert_eq!(audience("user:Anna Berg"), Ok(Audience::Account(AccountName::new("Anna Berg").unwrap())));
        assert_eq!(audience("group:nurses"), Ok(Audience::Group("nurses".parse().unwrap())));
        assert_eq!(audience("room:lobby"), Ok(Audience::Room("lobby".parse().unwrap())));
        for wrong in ["", "all", "alice", "user:", "team:x", "everyone:"] {
            assert!(audience(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn waiting_ends_when_everybody_is_that_far() {
        let progress = Progress { audience: 2, reached: 2, visible: 1, answered: 0 };
        assert!(goal("reached").unwrap().is_reached(&progress));
        assert!(!goal("visible").unwrap().is_reached(&progress));
        assert!(!goal("answered").unwrap().is_reached(&progress));
    }

    #[test]
    fn waiting_for_a_share_ends_when_so_many_are_that_far() {
        let goal = goal("answered:80%").unwrap();
        let progress = |answered| Progress { audience: 9, reached: 9, visible: 9, answered };
        assert!(!goal.is_reached(&progress(7)));
        assert!(goal.is_reached(&progress(8)));
    }

    #[test]
    fn a_share_that_is_none_is_wrong_usage() {
        for wrong in ["", "seen", "answered:", "answered:80", "answered:0%", "answered:101%"] {
            assert!(goal(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_older_count_that_comes_late_takes_nothing_back() {
        let mut progress = Progress { audience: 3, reached: 3, visible: 2, answered: 2 };
        let late = Progress { audience: 3, reached: 2, visible: 1, answered: 0 };
        follow(&mut progress, NoticeId(1), &Update::Progress { notice: NoticeId(1), progress: late });
        assert_eq!(progress, Progress { audience: 3, reached: 3, visible: 2, answered: 2 });
    }

    #[test]
    fn another_notices_count_is_not_taken_for_ours() {
        let mut progress = Progress::default();
        let other = Progress { audience: 9, reached: 9, visible: 9, answered: 9 };
        follow(&mut progress, NoticeId(1), &Update::Progress { notice: NoticeId(2), progress: other });
        assert_eq!(progress, Progress::default());
    }

    #[test]
    fn who_is_missing_is_named_with_the_reason_and_exits_3() {
        let answered = LedgerEntry { answered: Some((Label::acknowledge(), UnixMillis(0))), gap: None, ..entry("bob") };
        let later = LedgerEntry { later: true, ..entry("dave") };
        let ending = missing(&[answered, entry("carol"), later], Stage::Answered, "Time ran out", &TimeZone::UTC);
        assert_eq!(ending.exit, Exit::Unreachable);
        assert_eq!(
            ending.sentence.unwrap(),
            "Time ran out: 1 of 2 people have not answered.\n  carol: reached at 1970-01-01 00:00, not seen to be visible; online"
        );
    }
}
