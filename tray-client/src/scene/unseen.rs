//! Why somebody did not see a notice: what this computer was like between its sending and now, and what to tell the administrator.

use std::fmt::Write as _;

use belfry_core::chat::{NoticeId, visible, visible_in_window};
use belfry_core::time::UnixMillis;

use super::Moment;
use crate::model::{Hindrance, Model, NoticeEntry, Span};
use crate::words::{is_chinese, say};

/// Everything that is known of it, in one text to copy; `None` where the notice is forgotten.
pub fn why_unseen(model: &Model, id: NoticeId, moment: Moment<'_>) -> Option<String> {
    let entry = model.notices().get(id)?;
    let notice = &entry.notice;
    let witness = model.witness();
    let (heard, shown) = (witness.heard_at(id), witness.shown(id));
    let hindrances = witness.hindrances(notice.sent_at, moment.now);
    let what = notice.title.as_ref().map_or_else(|| visible_in_window(notice.body.as_str()), |title| visible_in_window(title.as_str()));
    let mut text = format!("{}\n\n", what.lines().next().unwrap_or_default());
    let mut line = |what: &str, how: &str| {
        // A String takes everything.
        let _ = writeln!(text, "{}: {how}", say(what));
    };
    line("Sent", &point(notice.sent_at, moment));
    line("From", &visible(notice.author.as_str()));
    line("Came to this computer", &heard.map_or_else(|| say("not known any more"), |at| point(at, moment)));
    for span in &shown {
        line("On the screen", &stretch(*span, moment));
    }
    if shown.is_empty() {
        line("On the screen", &say("never as a popup"));
    }
    for (hindrance, span) in &hindrances {
        line(name(*hindrance), &stretch(*span, moment));
    }
    if hindrances.is_empty() {
        line("In the way", &say("nothing that this computer knows of"));
    }
    line("Counts as seen", &say(if entry.is_seen() { "yes" } else { "no" }));
    let _ = write!(text, "\n{}\n{}\n", say("For your administrator:"), say(&verdict(entry, heard, &shown, &hindrances, moment)));
    Some(text)
}

/// Such as `14:52`, with the day where that is not today.
fn point(at: UnixMillis, moment: Moment<'_>) -> String {
    let time = moment.wall.time(at);
    if moment.wall.day(at) == moment.wall.day(moment.now) { time } else { format!("{} {time}", moment.wall.short(at, moment.now)) }
}

/// From when to when, and how long that was.
fn stretch(span: Span, moment: Moment<'_>) -> String {
    let from = point(span.from, moment);
    let Some(until) = span.until else { return if is_chinese() { format!("自 {from} 起") } else { format!("since {from}") } };
    let (until, seconds) = (point(until, moment), until.0.saturating_sub(span.from.0) / 1000);
    let long = match (seconds < 60, is_chinese()) {
        (true, false) => format!("{seconds} s"),
        (true, true) => format!("{seconds} 秒"),
        (false, false) => format!("{} min", seconds / 60),
        (false, true) => format!("{} 分钟", seconds / 60),
    };
    if is_chinese() { format!("{from} 至 {until}，{long}") } else { format!("{from} to {until}, {long}") }
}

const fn name(hindrance: Hindrance) -> &'static str {
    match hindrance {
        Hindrance::NotRunning => "Belfry was not running",
        Hindrance::Offline => "Without the server",
        Hindrance::Locked => "Screen locked",
        Hindrance::DoNotDisturb => "Do not disturb",
    }
}

/// In one sentence: what was in the way when it was sent, or that nothing was.
fn verdict(entry: &NoticeEntry, heard: Option<UnixMillis>, shown: &[Span], hindrances: &[(Hindrance, Span)], moment: Moment<'_>) -> String {
    let sent = entry.notice.sent_at;
    // What lasted when it was sent or when it came; the one that kept it off this computer goes over the one that kept it off the screen.
    let at_first = |span: &Span| {
        let lasts = |at: UnixMillis| span.from <= at && span.until.is_none_or(|until| until > at);
        lasts(sent) || heard.is_some_and(lasts)
    };
    let first = hindrances.iter().filter(|(_, span)| at_first(span)).min_by_key(|(what, _)| *what);
    let until = |span: &Span| point(span.until.unwrap_or(moment.now), moment);
    match (first, shown.first()) {
        (Some((Hindrance::NotRunning, span)), _) => {
            format!("When it was sent, Belfry was not running on this computer, until {}.", until(span))
        }
        (Some((Hindrance::Offline, span)), _) => {
            format!("When it was sent, this computer had no connection to the server, until {}.", until(span))
        }
        (Some((Hindrance::Locked, span)), _) => format!("The screen was locked when it came, until {}.", until(span)),
        (Some((Hindrance::DoNotDisturb, span)), None) => {
            format!("Popups were held back by do not disturb when it came, until {}.", until(span))
        }
        (_, Some(_)) if entry.is_seen() => "It was on this screen, and somebody used the computer.".into(),
        (_, Some(_)) => "It was on this screen, but nobody used the computer while it was there.".into(),
        (_, None) => "It came to this computer without a popup; it stands in the list of notices.".into(),
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Notice, Severity};
    use belfry_core::client::Update;
    use belfry_core::time::{Instant, Now};

    use super::super::tests::{moment, notice};
    use super::*;
    use crate::model::Intent;

    /// So many minutes into the day.
    fn at(minutes: u64) -> Now {
        Now { instant: Instant::START, wall: moment(0, minutes).now }
    }

    fn sent_at(minutes: u64) -> Notice {
        Notice { sent_at: at(minutes).wall, ..notice(Severity::Important, Some("Fire drill"), "Leave by the nearest exit.") }
    }

    fn connected() -> Model {
        let mut model = Model::new("lan-host");
        let account = belfry_core::chat::AccountName::new("anna").unwrap();
        model.apply(at(0), Update::SignedIn { account, role: belfry_core::chat::Role::Member });
        model
    }

    fn why(model: &Model, minutes: u64) -> String {
        let id = sent_at(0).id;
        why_unseen(model, id, moment(0, minutes)).unwrap()
    }

    #[test]
    fn a_lock_and_do_not_disturb_are_told_with_their_times() {
        let mut model = connected();
        model.act(at(5), Intent::Hindered(Hindrance::Locked, true));
        model.apply(at(10), Update::Notice(sent_at(10)));
        model.act(at(30), Intent::Hindered(Hindrance::Locked, false));
        model.act(at(30), Intent::OnScreen(vec![sent_at(0).id]));
        model.act(at(31), Intent::OnScreen(vec![]));
        let told = why(&model, 40);
        for line in [
            "Sent: 00:10",
            "From: admin",
            "Came to this computer: 00:10",
            "On the screen: 00:30 to 00:31, 1 min",
            "Screen locked: 00:05 to 00:30, 25 min",
            "Counts as seen: no",
            "The screen was locked when it came, until 00:30.",
        ] {
            assert!(told.contains(line), "{line:?} in {told}");
        }
    }

    #[test]
    fn what_kept_it_off_the_computer_is_named_before_what_kept_it_off_the_screen() {
        let mut model = connected();
        model.act(at(1), Intent::DoNotDisturb(true));
        model.apply(at(5), Update::Disconnected { why: belfry_core::client::Interruption::Silent, retry_in: std::time::Duration::ZERO });
        let account = belfry_core::chat::AccountName::new("anna").unwrap();
        model.apply(at(20), Update::SignedIn { account, role: belfry_core::chat::Role::Member });
        model.apply(at(20), Update::Notice(sent_at(10)));
        let told = why(&model, 40);
        assert!(told.contains("Without the server: 00:05 to 00:20, 15 min"), "{told}");
        assert!(told.contains("Do not disturb: since 00:01"), "{told}");
        assert!(told.contains("this computer had no connection to the server, until 00:20."), "{told}");
    }

    #[test]
    fn what_was_on_the_screen_of_somebody_who_was_there_was_seen() {
        let mut model = connected();
        model.apply(at(10), Update::Notice(sent_at(10)));
        model.act(at(10), Intent::OnScreen(vec![sent_at(0).id]));
        assert!(why(&model, 11).contains("nobody used the computer"));
        model.act(at(11), Intent::Seen(sent_at(0).id));
        let told = why(&model, 12);
        assert!(told.contains("On the screen: since 00:10") && told.contains("Counts as seen: yes"), "{told}");
        assert!(told.contains("It was on this screen, and somebody used the computer."), "{told}");
        assert!(told.contains("In the way: nothing that this computer knows of"), "{told}");
    }

    #[test]
    fn of_a_notice_that_is_forgotten_nothing_is_told() {
        assert_eq!(why_unseen(&connected(), NoticeId(999), moment(0, 1)), None);
    }
}
