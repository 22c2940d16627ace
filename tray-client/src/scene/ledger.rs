//! The ledger of a notice in rows: what its people have answered, how many, and who of them.

use belfry_core::chat::{Gap, LedgerEntry, LedgerPart, NoticeState, table_line, visible, visible_in_window};
use belfry_core::time::UnixMillis;

use super::desk::{heading, state_word};
use super::{Moment, SeverityLevel, named};
use crate::model::Model;

/// One line of a ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerRow {
    /// What they are called, their account, and where they belong.
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
    /// So many have not answered: whom a reminder tells again.
    pub waiting: u64,
    /// Which of the parts is looked at: its place among [`parts`].
    pub part: usize,
    /// So many are in that part whom no line has.
    pub rest: u64,
}

/// A part of the ledger that one can look at alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartRow {
    /// The answer that they have given, as its author wrote it, or what else they are.
    pub name: String,
    /// It is an answer: nobody but its author knows another word for it.
    pub is_answer: bool,
    /// How many they are.
    pub count: u64,
}

/// The parts of the ledger of a notice that offers so many answers, in the order of its lines: everybody, those who need somebody before
/// the others, then how far it has come.
pub fn ledger_parts(answers: usize) -> Vec<LedgerPart> {
    let mut answers = (0..answers).filter_map(|answer| u8::try_from(answer).ok()).map(LedgerPart::Answer);
    let first = answers.next();
    let mut parts = vec![LedgerPart::Everybody];
    parts.extend(answers.rev());
    parts.push(LedgerPart::Unanswered);
    parts.extend(first);
    parts.extend([LedgerPart::NotReached, LedgerPart::Reached, LedgerPart::Visible, LedgerPart::Answered]);
    parts
}

/// The parts of the shown ledger, and how many are in each.
pub fn parts(model: &Model) -> Vec<PartRow> {
    let Some(watched) = model.desk().watched() else { return Vec::new() };
    let answers = &watched.summary().notice.answers;
    let row = |part: LedgerPart| {
        let answer = match part {
            LedgerPart::Answer(answer) => answers.get(usize::from(answer)),
            _ => None,
        };
        let name = match part {
            LedgerPart::Answer(_) => answer.map(|answer| visible_in_window(answer.as_str())).unwrap_or_default(),
            LedgerPart::Everybody => "Everybody".into(),
            LedgerPart::Unanswered => "No answer".into(),
            LedgerPart::NotReached => "Not reached".into(),
            LedgerPart::Reached => "Reached".into(),
            LedgerPart::Visible => "Visible".into(),
            LedgerPart::Answered => "Answered".into(),
        };
        PartRow { name, is_answer: answer.is_some(), count: watched.tally().of(part) }
    };
    ledger_parts(answers.len()).into_iter().map(row).collect()
}

/// The groups whose people one can look at alone, by name, and which of them is: the first line stands for everybody.
pub fn ledger_groups(model: &Model) -> (Vec<String>, usize) {
    let groups = model.desk().groups();
    let chosen = model.desk().ledger_view().group.as_ref();
    let at = chosen.and_then(|chosen| groups.iter().position(|group| group.name.key() == chosen.key()));
    let names = groups.iter().map(|group| visible(group.name.as_str()));
    (std::iter::once("Everybody".to_owned()).chain(names).collect(), at.map_or(0, |at| at + 1))
}

/// The notice whose ledger is shown.
pub fn ledger_head(model: &Model, moment: Moment<'_>) -> LedgerHead {
    let Some(watched) = model.desk().watched() else { return LedgerHead::default() };
    let notice = &watched.summary().notice;
    let part = model.desk().ledger_view().part;
    let shown = u64::try_from(watched.people().len()).unwrap_or(u64::MAX);
    LedgerHead {
        key: notice.id.0.to_string(),
        level: notice.severity.into(),
        title: heading(notice.title.as_ref().map(|title| title.as_str()), notice.body.as_str()),
        body: visible_in_window(notice.body.as_str()),
        note: format!("{} · {} · {}", state_word(notice.state), notice.author, moment.wall.short(notice.sent_at, moment.now)),
        open: notice.state == NoticeState::Open,
        waiting: watched.tally().waiting,
        part: ledger_parts(notice.answers.len()).iter().position(|each| *each == part).unwrap_or(0),
        rest: watched.tally().of(watched.view().part).saturating_sub(shown),
    }
}

/// The people of the shown part of the ledger, those first who need somebody.
pub fn ledger(model: &Model, moment: Moment<'_>) -> Vec<LedgerRow> {
    let people = model.desk().watched().map(|watched| watched.people()).unwrap_or_default();
    people.iter().map(|entry| ledger_row(entry, moment)).collect()
}

fn ledger_row(entry: &LedgerEntry, moment: Moment<'_>) -> LedgerRow {
    let (stage, at) = match (&entry.answered, entry.visible_at, entry.reached_at) {
        (Some((_, at)), _, _) => (3, Some(*at)),
        (None, Some(at), _) => (2, Some(at)),
        (None, None, Some(at)) => (1, Some(at)),
        (None, None, None) => (0, None),
    };
    LedgerRow {
        name: std::iter::once(named(&entry.account, entry.display.as_ref()))
            .chain(entry.department.as_ref().map(|line| visible(line.as_str())))
            .collect::<Vec<_>>()
            .join(" · "),
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

/// The whole ledger as a table that spreadsheets open: the columns of `belfry notice status --csv`, people only.
pub fn as_csv(people: &[LedgerEntry]) -> String {
    let time = |at: Option<UnixMillis>| at.map(UnixMillis::rfc3339).unwrap_or_default();
    let mut file =
        String::from("account,reached_at,visible_at,answer,answered_at,online,offline_since,reason,revision,display_name,department\r\n");
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
            entry.display.as_ref().map(ToString::to_string).unwrap_or_default(),
            entry.department.as_ref().map(ToString::to_string).unwrap_or_default(),
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
            display: None,
            department: None,
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
    fn the_parts_stand_in_the_order_of_the_lines_then_how_far_it_has_come() {
        use LedgerPart::{Answer, Answered, Everybody, NotReached, Reached, Unanswered, Visible};
        let far = [NotReached, Reached, Visible, Answered];
        assert_eq!(ledger_parts(1), [&[Everybody, Unanswered, Answer(0)][..], &far].concat());
        assert_eq!(ledger_parts(3), [&[Everybody, Answer(2), Answer(1), Unanswered, Answer(0)][..], &far].concat());
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
        assert_eq!(lines[1], "anna,,,,,false,,never_connected,1,,");
        assert_eq!(lines[2], format!("ben,,{at},\"Yes, \"\"all\"\" safe\",{at},true,,,1,,"));
        assert_eq!(as_csv(&[]).lines().count(), 1);
    }
}
