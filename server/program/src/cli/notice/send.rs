//! `belfry notice send`: sends a notice and, with `--wait`, follows it until everybody has had it.

use std::time::{Duration, Instant};

use belfry_core::chat::{Answer, Every, LedgerEntry, Length, NoticeDraft, NoticeId, Progress, TemplateName, WrittenTime};
use belfry_core::client::{Command, Update};
use jiff::tz::TimeZone;

use super::draft::DraftArgs;
use super::{ledger, preview, status, template, when};
use crate::cli::session::{self, Session, Wake};
use crate::cli::text::TypedText;
use crate::cli::{which, zone};
use crate::config::ConnectionArgs;
use crate::ending::{Ending, Outcome};
use crate::output;

/// How long `--wait` waits unless `--timeout` says otherwise.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(600);

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
    #[arg(long, value_name = "DURATION")]
    timeout: Option<Length>,
    /// What it says, or - for what stands on standard input; put -- before a text that begins with a dash
    #[arg(required_unless_present = "template")]
    body: Option<TypedText>,
}

/// How far a notice has come with a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoticeStage {
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
    stage: NoticeStage,
    /// How many in a hundred have to be that far.
    percent: u8,
}

impl Goal {
    fn is_reached(self, progress: &Progress) -> bool {
        let count = match self.stage {
            NoticeStage::Reached => progress.reached,
            NoticeStage::Visible => progress.visible,
            NoticeStage::Answered => progress.answered,
        };
        u128::from(count) * 100 >= u128::from(progress.audience) * u128::from(self.percent)
    }
}

/// Reads `answered` or `answered:80%`.
fn goal(typed: &str) -> Result<Goal, String> {
    let explain = || "Write reached, visible or answered, and a share behind it if not everybody is meant, as in answered:80%.".to_owned();
    let (stage, share) = typed.split_once(':').unwrap_or((typed, "100%"));
    let stage = match stage {
        "reached" => NoticeStage::Reached,
        "visible" => NoticeStage::Visible,
        "answered" => NoticeStage::Answered,
        _ => return Err(explain()),
    };
    let percent = share.strip_suffix('%').and_then(|share| share.parse().ok()).filter(|percent| (1..=100).contains(percent));
    Ok(Goal { stage, percent: percent.ok_or_else(explain)? })
}

impl NoticeStage {
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
    let timeout = args.timeout.map_or(TIMEOUT_DEFAULT, Duration::from);
    let body = args.body.clone();
    session::with_input(
        &args.connection,
        || body.map(TypedText::read).transpose(),
        |session, body| {
            let template = args.template.as_ref().map(|name| template::find(session, name)).transpose()?;
            let draft = args.draft.over(body, template)?;
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
                _ => return Err(Ending::unexpected()),
            };
            // It is sent, whoever reads that: what is waited for is waited for all the same.
            let said = output::line(notice.0);
            let Some(goal) = args.wait else { return said };
            for update in &news {
                follow(&mut progress, notice, update);
            }
            wait(session, notice, progress, goal, timeout).and(said)
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
fn missing(people: &[LedgerEntry], stage: NoticeStage, why: &str, zone: &TimeZone) -> Ending {
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
    use belfry_core::chat::{AccountName, Label};
    use belfry_core::time::UnixMillis;

    use super::*;
    use crate::ending::Exit;

    fn entry(name: &str) -> LedgerEntry {
        LedgerEntry {
            account: AccountName::new(name).unwrap(),
            display: None,
            department: None,
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
        let ending = missing(&[answered, entry("carol"), later], NoticeStage::Answered, "Time ran out", &TimeZone::UTC);
        assert_eq!(ending.exit, Exit::Unreachable);
        assert_eq!(
            ending.sentence.unwrap(),
            "Time ran out: 1 of 2 people have not answered.\n  carol: reached at 1970-01-01 00:00, not seen to be visible; online"
        );
    }
}
