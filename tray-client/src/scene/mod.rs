//! What the windows show, in plain words: the model's state as rows of text that a view draws without asking.
//!
//! Keys are texts that come back when a row is chosen: a [`Place`] is `lobby` or `@bob`, a notice or an own message is its number.

mod account;
mod desk;
mod files;
mod ledger;
mod lines;
mod links;
mod lists;
mod notices;
mod places;
mod reactions;
mod unseen;

pub use account::{DeviceRow, ProfileForm, account_outcome, devices};
pub use desk::{AudienceRow, SentRow, audiences, chosen, outcome, reach, schedules, sent, with_found, without_never_here};
pub use files::{ChosenRow, FileAction, FileRow, chosen_rows, could_run};
pub use ledger::{LedgerHead, LedgerRow, PartRow, as_csv, ledger, ledger_groups, ledger_head, ledger_parts, parts};
pub use lines::{AlterationMark, ChatRow, DeliveryMark, LineRow, MissingQuote, QuoteRow, as_table, as_text, lines, quote_row};
pub use links::links;
pub use lists::{ConversationRow, PersonRow, PresenceDot, conversations, count, people};
pub use notices::{NoticeRow, SeverityLevel, notice, open_notices, past_notices};
pub use places::{FoundHead, HitRow, InvitationRow, MemberRow, RoomRow, found, found_head, hit, invitations, members, rooms, typing};
pub use reactions::{ReactionRow, ReactorsRow, reactors};
pub use unseen::why_unseen;

use belfry_core::chat::{AccountName, DisplayName, Place, visible, visible_in_window};
use belfry_core::time::UnixMillis;

use crate::model::Model;
use crate::when::Wall;

/// What rows need besides the model: the time, and how to write it.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The time by this computer's clock.
    pub now: UnixMillis,
    /// The clock on the wall.
    pub wall: &'a Wall,
}

/// What people call a place: the lobby has a name of its own, a direct conversation that of the other.
pub fn name(model: &Model, place: &Place) -> String {
    match place {
        Place::Direct(account) => person_name(model, account),
        Place::Room(_) if *place == Place::lobby() => "Lobby".into(),
        Place::Room(room) => visible(room.as_str()),
    }
}

/// What is said of the other one of a direct conversation: what they are doing, where they belong, where they are reached.
pub fn about_place(model: &Model, place: &Place) -> String {
    let Place::Direct(account) = place else { return String::new() };
    let Some(profile) = model.people().find(account).map(|person| &person.profile) else { return String::new() };
    let status = profile.status.as_ref().map(|status| visible_in_window(status.as_str()));
    status.into_iter().chain(Some(lists::about(profile)).filter(|about| !about.is_empty())).collect::<Vec<_>>().join(" · ")
}

/// What stands for a person: `Anna Berg @aberg`. The account's name goes with what they are called, so that nobody passes for somebody else by
/// that: no name has an `@` in it. Who is called as their account is has one name.
pub fn person_name(model: &Model, account: &AccountName) -> String {
    let display = model.people().find(account).and_then(|person| person.profile.display.as_ref());
    named(account, display)
}

/// The same of somebody of whom this is known.
pub(super) fn named(account: &AccountName, display: Option<&DisplayName>) -> String {
    match display {
        Some(display) if display.key() != account.key() => format!("{} @{}", visible(display.as_str()), visible(account.as_str())),
        _ => visible(account.as_str()),
    }
}

/// What stands for a person, taken apart again: what they are called, and their account.
pub fn parts_of_name(name: &str) -> (&str, &str) {
    name.rsplit_once(" @").unwrap_or((name, name))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::LazyLock;

    use belfry_core::chat::{AccountName, Label, Notice, NoticeId, Severity, Text, Title};
    use jiff::tz::TimeZone;

    use super::*;

    /// In UTC.
    static WALL: LazyLock<Wall> = LazyLock::new(|| Wall::new(TimeZone::UTC));

    /// The second of January 1970, so and so late.
    pub(crate) fn moment(hours: u64, minutes: u64) -> Moment<'static> {
        Moment { now: UnixMillis(((24 + hours) * 60 + minutes) * 60_000), wall: &WALL }
    }

    /// A notice of the administrator.
    pub(crate) fn notice(severity: Severity, title: Option<&str>, body: &str) -> Notice {
        Notice {
            title: title.map(|title| Title::new(title).unwrap()),
            answers: vec![Label::new("Safe").unwrap(), Label::new("Need help").unwrap()],
            ..Notice::new(NoticeId(7), AccountName::new("admin").unwrap(), moment(14, 52).now, severity, Text::new(body).unwrap())
        }
    }

    #[test]
    fn a_key_leads_back_to_its_place() {
        for written in ["lobby", "Ward 4", "@bob", "@王伟"] {
            assert_eq!(written.parse::<Place>().unwrap().to_string(), written);
        }
        assert!("@".parse::<Place>().is_err());
    }

    #[test]
    fn the_lobby_is_called_lobby() {
        let model = Model::new("lan-host");
        let name = |place: &Place| name(&model, place);
        assert_eq!(name(&Place::lobby()), "Lobby");
        assert_eq!(name(&"@bob".parse().unwrap()), "bob");
        assert_eq!(name(&"Ward 4".parse().unwrap()), "Ward 4");
        assert_eq!(name(&"@bob\u{200b}".parse().unwrap()), "bob·U+200B·", "an older server has given such names");
    }
}
