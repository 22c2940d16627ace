//! The administrator's desk in rows: what was sent, the audiences to choose from.

use belfry_core::chat::{Audience, NoticeState, Place, Preview, visible, visible_in_window};

use super::{Moment, SeverityLevel, person_name};
use crate::model::{DeskOutcome, Model};

/// One line of the list of what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentRow {
    /// The server's number for it, in digits.
    pub key: String,
    /// How much it insists.
    pub level: SeverityLevel,
    /// Its heading, or how its text begins.
    pub title: String,
    /// When it was sent or is to be sent.
    pub time: String,
    /// How far it has come, or how it ended.
    pub state: String,
    /// It can still be changed.
    pub open: bool,
    /// Its ledger is shown.
    pub shown: bool,
}

/// One line of the audiences to choose from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AudienceRow {
    /// `everyone`, `user:anna`, `group:nurses` or `room:ward 4`.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub note: String,
    /// It is chosen.
    pub chosen: bool,
}

/// What was sent, newest first, and before it what is still to be sent.
pub fn sent(model: &Model, moment: Moment<'_>) -> Vec<SentRow> {
    let desk = model.desk();
    let watched = desk.watched().map(|watched| watched.summary().notice.id);
    let rows = desk.notices().iter().map(|summary| {
        let (notice, progress) = (&summary.notice, &summary.progress);
        SentRow {
            key: notice.id.0.to_string(),
            level: notice.severity.into(),
            title: heading(notice.title.as_ref().map(|title| title.as_str()), notice.body.as_str()),
            time: moment.wall.short(notice.sent_at, moment.now),
            state: match notice.state {
                NoticeState::Open => format!("{} of {} answered", progress.answered, progress.audience),
                state => state_word(state).into(),
            },
            open: notice.state == NoticeState::Open,
            shown: watched == Some(notice.id),
        }
    });
    rows.collect()
}

/// What is to be sent later.
pub fn schedules(model: &Model, moment: Moment<'_>) -> Vec<SentRow> {
    let rows = model.desk().schedules().iter().map(|scheduled| SentRow {
        key: scheduled.id.0.to_string(),
        level: scheduled.draft.severity.into(),
        title: heading(scheduled.draft.title.as_ref().map(|title| title.as_str()), scheduled.draft.body.as_str()),
        time: scheduled
            .next_at
            .or(scheduled.missed.map(|missed| missed.at))
            .map_or_else(String::new, |at| moment.wall.planned(at, &scheduled.zone)),
        state: match (scheduled.missed, scheduled.obstacle, scheduled.draft.schedule.as_ref().and_then(|schedule| schedule.every)) {
            (Some(missed), _, None) => format!("Not sent · {}", missed.why.as_str()),
            (_, Some(obstacle), _) => format!("Will not be sent · {}", obstacle.as_str()),
            (_, None, Some(belfry_core::chat::Every::Days(1))) => "Every day".into(),
            (_, None, Some(belfry_core::chat::Every::Days(7))) => "Every week".into(),
            (_, None, Some(_)) => "Again and again".into(),
            (None, None, None) => "Once".into(),
        },
        open: true,
        shown: false,
    });
    rows.collect()
}

pub(super) fn heading(title: Option<&str>, body: &str) -> String {
    visible_in_window(title.unwrap_or_else(|| body.lines().next().unwrap_or_default()))
}

pub(super) const fn state_word(state: NoticeState) -> &'static str {
    match state {
        NoticeState::Open => "Open",
        NoticeState::Expired => "Expired",
        NoticeState::Withdrawn => "Withdrawn",
        NoticeState::AllClear => "All clear",
    }
}

/// The audiences to choose from whose name has the words of `search`: everyone, groups, rooms, people, each kind by name. What is chosen
/// and who is here changes nothing about the order: a row that moves is not the one that the pointer was aimed at.
pub fn audiences(model: &Model, search: &str) -> Vec<AudienceRow> {
    let chosen = model.desk().audience();
    let row = |audience: Audience, name: String, note: &str| AudienceRow {
        key: audience.to_string(),
        chosen: chosen.contains(&audience),
        name,
        note: note.into(),
    };
    let groups = model.desk().groups().iter().map(|group| {
        let note = if group.members == 1 { "Group, 1 person".to_owned() } else { format!("Group, {} people", group.members) };
        row(Audience::Group(group.name.clone()), visible(group.name.as_str()), &note)
    });
    let mut rooms: Vec<_> = model.conversations().into_iter().map(crate::model::Conversation::place).collect();
    rooms.sort_by_cached_key(|place| super::name(model, place).to_lowercase());
    let rooms = rooms.into_iter().filter_map(|place| match place {
        Place::Room(room) if *place != Place::lobby() => Some(row(Audience::Room(room.clone()), visible(room.as_str()), "Room")),
        _ => None,
    });
    let mut people = model.people().sorted();
    people.sort_by_cached_key(|person| person.account.key());
    let people = people.into_iter().map(|person| {
        row(Audience::Account(person.account.clone()), person_name(model, &person.account), &super::lists::about(&person.profile))
    });
    let everyone = row(Audience::Everyone, "Everyone".into(), "Every account, also new ones");
    let rows = std::iter::once(everyone).chain(groups).chain(rooms).chain(people);
    let about = |row: &AudienceRow| if row.key.starts_with("user:") { row.note.clone() } else { String::new() };
    rows.filter(|row| super::lists::matches(search, &[&row.name, &about(row)])).collect()
}

/// What is chosen, in the order in which it was: also what the list does not show, because it is searched in or has never had it.
pub fn chosen(model: &Model) -> Vec<AudienceRow> {
    let row = |audience: &Audience| AudienceRow {
        key: audience.to_string(),
        name: match audience {
            Audience::Everyone => "Everyone".into(),
            Audience::Account(account) => person_name(model, account),
            Audience::Group(group) => visible(group.as_str()),
            Audience::Room(room) => visible(room.as_str()),
        },
        note: String::new(),
        chosen: true,
    };
    model.desk().audience().iter().map(row).collect()
}

/// `Reaches 12 people · 8 online · 3 offline · 1 never seen here`; empty while the server has not said.
pub fn reach(preview: Option<&Preview>) -> String {
    let Some(preview) = preview else { return String::new() };
    let people = match preview.people {
        0 => return "Reaches nobody.".into(),
        1 => "1 person".to_owned(),
        people => format!("{people} people"),
    };
    let mut parts = vec![format!("{} online", preview.online)];
    parts.extend((preview.offline > 0).then(|| format!("{} offline", preview.offline)));
    parts.extend((preview.never > 0).then(|| format!("{} never seen here", preview.never)));
    format!("Reaches {people} · {}", parts.join(" · "))
}

/// What has become of what was done last, and whether it went wrong; empty for nothing.
pub fn outcome(model: &Model, moment: Moment<'_>) -> (String, bool) {
    match model.desk().outcome() {
        DeskOutcome::Idle | DeskOutcome::ToConfirm => (String::new(), false),
        DeskOutcome::Waiting if model.connection().is_up() => ("One moment…".into(), false),
        DeskOutcome::Waiting => ("Waits for the connection.".into(), false),
        DeskOutcome::Sent(_) => ("Sent.".into(), false),
        DeskOutcome::Scheduled(at) => (format!("Will be sent {}.", moment.wall.moment(*at)), false),
        DeskOutcome::Changed(_) => ("Every screen shows the change.".into(), false),
        DeskOutcome::Done => ("Done.".into(), false),
        DeskOutcome::Refused(Some(refusal)) => (refusal.to_string(), true),
        DeskOutcome::Refused(None) => {
            ("The connection was lost before the server answered. Look at the list before you try again.".into(), true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reach_is_a_sentence() {
        let preview = Preview { people: 12, online: 8, offline: 3, never: 1, everyone: true };
        assert_eq!(reach(Some(&preview)), "Reaches 12 people · 8 online · 3 offline · 1 never seen here");
        assert_eq!(reach(Some(&Preview { people: 1, online: 1, ..Preview::default() })), "Reaches 1 person · 1 online");
        assert_eq!(reach(Some(&Preview::default())), "Reaches nobody.");
        assert_eq!(reach(None), "");
    }

    #[test]
    fn what_is_chosen_stays_in_sight_whatever_is_searched_and_moves_no_row() {
        use crate::model::Intent;
        let now = belfry_core::time::Now { instant: belfry_core::time::Instant::START, wall: belfry_core::time::UnixMillis(0) };
        let mut model = Model::new("lan-host");
        let before: Vec<_> = audiences(&model, "").into_iter().map(|row| row.key).collect();
        let board = Audience::Group(belfry_core::chat::GroupName::new("Board").unwrap());
        for audience in [board, Audience::Everyone] {
            model.act(now, Intent::Choose(audience));
        }
        assert_eq!(audiences(&model, "").into_iter().map(|row| row.key).collect::<Vec<_>>(), before);
        assert_eq!(audiences(&model, "zzz"), []);
        let names: Vec<_> = chosen(&model).into_iter().map(|row| row.name).collect();
        assert_eq!(names, ["Board", "Everyone"], "also one that no list has");
    }
}
