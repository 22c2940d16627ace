//! The administrator's desk in rows: what was sent, the audiences to choose from.

use belfry_core::chat::{Audience, NoticeState, Person, Place, Presence, Preview, visible, visible_in_window};
use belfry_core::limits::AUDIENCES_MAX;

use super::{Moment, PresenceDot, SeverityLevel, person_name};
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
    /// What it is, or that they have never been here.
    pub note: String,
    /// Whether they are here.
    pub here: PresenceDot,
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
        here: PresenceDot::No,
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
        let about = super::lists::about(&person.profile);
        let never = was_never_here(person).then(|| NEVER_HERE.to_owned());
        let note = never.into_iter().chain(Some(about).filter(|about| !about.is_empty())).collect::<Vec<_>>().join(" · ");
        AudienceRow {
            here: super::lists::here(model, person.presence),
            ..row(Audience::Account(person.account.clone()), person_name(model, &person.account), &note)
        }
    });
    let everyone = row(Audience::Everyone, "Everyone".into(), "Every account, also new ones");
    let rows = std::iter::once(everyone).chain(groups).chain(rooms).chain(people);
    // What a note says by itself is not looked for.
    let about =
        |row: &AudienceRow| if row.key.starts_with("user:") { row.note.trim_start_matches(NEVER_HERE).to_owned() } else { String::new() };
    rows.filter(|row| super::lists::matches(search, &[&row.name, &about(row)])).collect()
}

/// What stands at those who have never connected.
const NEVER_HERE: &str = "Has never been here";

const fn was_never_here(person: &Person) -> bool {
    person.last_seen.is_none() && matches!(person.presence, Presence::Offline)
}

/// The audience together with all that is found by the words of `search`, and how many more those are: none where nothing is looked for, or
/// where they would be more than a notice can name.
pub fn with_found(model: &Model, search: &str) -> (Vec<Audience>, usize) {
    let mut audience = model.desk().audience().to_vec();
    let chosen = audience.len();
    if !search.trim().is_empty() {
        let found = audiences(model, search).into_iter().filter(|row| !row.chosen);
        audience.extend(found.filter_map(|row| row.key.parse::<Audience>().ok()));
    }
    if audience.len() > AUDIENCES_MAX {
        audience.truncate(chosen);
    }
    let more = audience.len() - chosen;
    (audience, more)
}

/// The audience without those who have never been here, and how many these are.
pub fn without_never_here(model: &Model) -> (Vec<Audience>, usize) {
    let audience = model.desk().audience();
    let is_never_here = |one: &Audience| match one {
        Audience::Account(account) => model.people().find(account).is_some_and(was_never_here),
        Audience::Everyone | Audience::Group(_) | Audience::Room(_) => false,
    };
    let others: Vec<_> = audience.iter().filter(|one| !is_never_here(one)).cloned().collect();
    let left_out = audience.len() - others.len();
    (others, left_out)
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
        here: PresenceDot::No,
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

    #[test]
    fn who_was_never_here_is_marked_and_can_be_left_out_and_all_that_is_found_can_be_chosen() {
        use crate::model::Intent;
        use belfry_core::chat::AccountName;
        let now = belfry_core::time::Now { instant: belfry_core::time::Instant::START, wall: belfry_core::time::UnixMillis(0) };
        let mut model = Model::new("lan-host");
        let person = |typed: &str, last_seen| Person {
            account: AccountName::new(typed).unwrap(),
            presence: Presence::Offline,
            last_seen,
            profile: belfry_core::chat::PersonProfile::default(),
        };
        let seen = Some(belfry_core::time::UnixMillis(5));
        crate::model::tests::lists_people(&mut model, vec![person("anna", seen), person("annika", None), person("ben", None)]);
        let marked = |model: &Model| audiences(model, "").into_iter().filter(|row| row.note == NEVER_HERE).map(|row| row.name);
        assert_eq!(marked(&model).collect::<Vec<_>>(), ["annika", "ben"]);
        assert_eq!(with_found(&model, " ").1, 0, "nothing is looked for");
        let (found, more) = with_found(&model, "ann");
        assert_eq!(more, 2);
        model.act(now, Intent::Aim(found));
        assert_eq!(with_found(&model, "ann").1, 0, "they are chosen");
        let (others, left_out) = without_never_here(&model);
        assert_eq!((others.iter().map(ToString::to_string).collect::<Vec<_>>(), left_out), (vec!["user:anna".to_owned()], 1));
    }
}
