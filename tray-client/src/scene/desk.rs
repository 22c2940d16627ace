//! The administrator's desk in rows: what was sent, the ledger, the audiences to choose from.

use belfry_core::chat::{Audience, Gap, LedgerEntry, NoticeState, Place, Preview, table_line, visible, visible_in_window};
use belfry_core::time::UnixMillis;

use super::{Moment, SeverityLevel};
use crate::model::{DeskOutcome, Model};

/// Which people of a ledger are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// Everybody in the audience.
    #[default]
    All,
    /// Those whom it has not reached.
    NotReached,
    /// Those whom it has reached.
    Reached,
    /// Those on whose screen it was visible.
    Visible,
    /// Those who have answered.
    Answered,
}

impl Filter {
    /// In the order of the buttons.
    pub const ALL: [Self; 5] = [Self::All, Self::NotReached, Self::Reached, Self::Visible, Self::Answered];

    const fn takes(self, entry: &LedgerEntry) -> bool {
        let answered = entry.answered.is_some();
        let visible = entry.visible_at.is_some() || answered;
        let reached = entry.reached_at.is_some() || visible;
        match self {
            Self::All => true,
            Self::NotReached => !reached,
            Self::Reached => reached,
            Self::Visible => visible,
            Self::Answered => answered,
        }
    }
}

/// One line of a ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerRow {
    /// The account's name.
    pub name: String,
    /// Connected now.
    pub online: bool,
    /// How far it has come: 0 not reached, 1 reached, 2 visible, 3 answered.
    pub stage: u8,
    /// When it came to that stage; empty while it is not reached.
    pub time: String,
    /// The answer that was given.
    pub answer: String,
    /// Why it has not come further.
    pub why: String,
}

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

/// The notice whose ledger is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerHead {
    /// Its number; empty when none is shown.
    pub key: String,
    /// How much it insists.
    pub level: SeverityLevel,
    /// Its heading.
    pub title: String,
    /// The whole text.
    pub body: String,
    /// By whom, when, and how it stands.
    pub note: String,
    /// It can still be changed.
    pub open: bool,
    /// People in each of [`Filter::ALL`].
    pub counts: [u64; 5],
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

fn heading(title: Option<&str>, body: &str) -> String {
    visible_in_window(title.unwrap_or_else(|| body.lines().next().unwrap_or_default()))
}

const fn state_word(state: NoticeState) -> &'static str {
    match state {
        NoticeState::Open => "Open",
        NoticeState::Expired => "Expired",
        NoticeState::Withdrawn => "Withdrawn",
        NoticeState::AllClear => "All clear",
    }
}

/// The notice whose ledger is shown.
pub fn ledger_head(model: &Model, moment: Moment<'_>) -> LedgerHead {
    let Some(watched) = model.desk().watched() else { return LedgerHead::default() };
    let (notice, progress) = (&watched.summary().notice, &watched.summary().progress);
    LedgerHead {
        key: notice.id.0.to_string(),
        level: notice.severity.into(),
        title: heading(notice.title.as_ref().map(|title| title.as_str()), notice.body.as_str()),
        body: visible_in_window(notice.body.as_str()),
        note: format!("{} · {} · {}", state_word(notice.state), notice.author, moment.wall.short(notice.sent_at, moment.now)),
        open: notice.state == NoticeState::Open,
        counts: [
            progress.audience,
            progress.audience.saturating_sub(progress.reached),
            progress.reached,
            progress.visible,
            progress.answered,
        ],
    }
}

/// The people of the shown ledger that the filter takes, by name.
pub fn ledger(model: &Model, filter: Filter, moment: Moment<'_>) -> Vec<LedgerRow> {
    let people = model.desk().watched().map(|watched| watched.people()).unwrap_or_default();
    people.iter().filter(|entry| filter.takes(entry)).map(|entry| ledger_row(entry, moment)).collect()
}

fn ledger_row(entry: &LedgerEntry, moment: Moment<'_>) -> LedgerRow {
    let (stage, at) = match (&entry.answered, entry.visible_at, entry.reached_at) {
        (Some((_, at)), _, _) => (3, Some(*at)),
        (None, Some(at), _) => (2, Some(at)),
        (None, None, Some(at)) => (1, Some(at)),
        (None, None, None) => (0, None),
    };
    LedgerRow {
        name: visible(entry.account.as_str()),
        online: entry.online,
        stage,
        time: at.map(|at| moment.wall.short(at, moment.now)).unwrap_or_default(),
        answer: entry.answered.as_ref().map(|(answer, _)| visible_in_window(answer.as_str())).unwrap_or_default(),
        why: entry
            .later
            .then(|| "Joined later".to_owned())
            .into_iter()
            .chain(entry.gap.filter(|_| entry.answered.is_none()).map(|gap| reason(gap, moment)))
            .collect::<Vec<_>>()
            .join(" · "),
    }
}

fn reason(gap: Gap, moment: Moment<'_>) -> String {
    let at = |at: UnixMillis| moment.wall.short(at, moment.now);
    match gap {
        Gap::NeverConnected => "Has never been here".into(),
        Gap::Offline { since } => format!("Offline since {}", at(since)),
        Gap::OnItsWay => "On its way".into(),
        Gap::Locked { since } => format!("Screen locked since {}", at(since)),
        Gap::Unanswered => "Here, has not answered".into(),
        Gap::AnsweredElsewhere => "Answered on another device".into(),
        Gap::Over { state, offline_since: None } => state_word(state).into(),
        Gap::Over { state, offline_since: Some(since) } => format!("{} while offline since {}", state_word(state), at(since)),
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
    rooms.sort_by_cached_key(|place| super::name(place).to_lowercase());
    let rooms = rooms.into_iter().filter_map(|place| match place {
        Place::Room(room) if *place != Place::lobby() => Some(row(Audience::Room(room.clone()), visible(room.as_str()), "Room")),
        _ => None,
    });
    let mut people: Vec<_> = model.people().sorted().into_iter().map(|person| &person.account).collect();
    people.sort_by_cached_key(|account| account.key());
    let people = people.into_iter().map(|account| row(Audience::Account(account.clone()), visible(account.as_str()), ""));
    let everyone = row(Audience::Everyone, "Everyone".into(), "Every account, also new ones");
    let rows = std::iter::once(everyone).chain(groups).chain(rooms).chain(people);
    rows.filter(|row| super::lists::matches(search, &[&row.name])).collect()
}

/// What is chosen, in the order in which it was: also what the list does not show, because it is searched in or has never had it.
pub fn chosen(model: &Model) -> Vec<AudienceRow> {
    let row = |audience: &Audience| AudienceRow {
        key: audience.to_string(),
        name: match audience {
            Audience::Everyone => "Everyone".into(),
            Audience::Account(account) => visible(account.as_str()),
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

/// The whole ledger as a table that spreadsheets open: the columns of `belfry notice status --csv`, people only.
pub fn as_csv(people: &[LedgerEntry]) -> String {
    let time = |at: Option<UnixMillis>| at.map(UnixMillis::rfc3339).unwrap_or_default();
    let mut file = String::from("account,reached_at,visible_at,answer,answered_at,online,offline_since,reason,revision\r\n");
    for entry in people {
        let cells = [
            entry.account.to_string(),
            time(entry.reached_at),
            time(entry.visible_at),
            entry.answered.as_ref().map(|(answer, _)| answer.to_string()).unwrap_or_default(),
            time(entry.answered.as_ref().map(|(_, at)| *at)),
            entry.online.to_string(),
            time(entry.offline_since),
            entry.gap.map(|gap| gap.reason().to_string()).unwrap_or_default(),
            entry.revision.to_string(),
        ];
        file.push_str(&table_line(cells.iter().map(String::as_str)));
    }
    file
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountName, Label};

    use super::super::tests::moment;
    use super::*;

    fn entry(name: &str) -> LedgerEntry {
        LedgerEntry {
            account: AccountName::new(name).unwrap(),
            reached_at: None,
            visible_at: None,
            answered: None,
            revision: 1,
            offline_since: None,
            online: false,
            gap: Some(Gap::NeverConnected),
            later: false,
            devices: vec![],
        }
    }

    fn answered(name: &str) -> LedgerEntry {
        let at = moment(10, 0).now;
        let label = Label::new("Yes, \"all\" safe").unwrap();
        LedgerEntry { visible_at: Some(at), answered: Some((label, at)), online: true, gap: None, ..entry(name) }
    }

    #[test]
    fn who_has_answered_was_reached_also_where_an_earlier_report_is_missing() {
        let takes = |entry: &LedgerEntry| Filter::ALL.map(|filter| filter.takes(entry));
        assert_eq!(takes(&entry("anna")), [true, true, false, false, false]);
        assert_eq!(takes(&answered("ben")), [true, false, true, true, true]);
        let reached = LedgerEntry { reached_at: Some(UnixMillis(1)), ..entry("carl") };
        assert_eq!(takes(&reached), [true, false, true, false, false]);
    }

    #[test]
    fn a_line_says_how_far_it_came_and_why_not_further() {
        let row = ledger_row(&entry("anna"), moment(12, 0));
        assert_eq!((row.stage, row.why.as_str(), row.time.as_str()), (0, "Has never been here", ""));
        let row = ledger_row(&answered("ben"), moment(12, 0));
        assert_eq!((row.stage, row.time.as_str(), row.why.as_str()), (3, "10:00", ""));
        let locked = LedgerEntry { reached_at: Some(UnixMillis(1)), gap: Some(Gap::Locked { since: moment(9, 0).now }), ..entry("carl") };
        assert_eq!(ledger_row(&locked, moment(12, 0)).why, "Screen locked since 09:00");
    }

    #[test]
    fn the_table_quotes_what_needs_it_and_has_its_header_even_when_empty() {
        let at = "1970-01-02T10:00:00.000Z";
        let table = as_csv(&[entry("anna"), answered("ben")]);
        let lines: Vec<_> = table.split("\r\n").collect();
        assert_eq!(lines[1], "anna,,,,,false,,never_connected,1");
        assert_eq!(lines[2], format!("ben,,{at},\"Yes, \"\"all\"\" safe\",{at},true,,,1"));
        assert_eq!(as_csv(&[]).lines().count(), 1);
    }

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
        let now = belfry_core::time::Now { instant: belfry_core::time::Instant::START, wall: UnixMillis(0) };
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
