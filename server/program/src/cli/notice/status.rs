//! `belfry notice status`: how far a notice has come, person by person.

use belfry_core::chat::{DeviceEntry, DisplayName, Gap, Label, LedgerEntry, NoticeId, NoticeSummary, ProfileLine, table_line};
use belfry_core::time::UnixMillis;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::words;
use crate::cli::{session, zone};
use crate::config::{self, ConnectionArgs};
use crate::ending::Outcome;
use crate::{output, sentence};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// The notice's number
    #[arg(value_parser = config::id, allow_negative_numbers = true)]
    id: u64,
    /// One JSON object a line: the notice, then each person
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// A table of the people with a header line
    #[arg(long)]
    csv: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    session::with(&args.connection, |session| {
        let (summary, people) = super::ledger(session, NoticeId(args.id), |_| {})?;
        if args.json {
            output::json(&super::object(&summary))?;
            return people.iter().try_for_each(|entry| output::json(&row(entry)));
        }
        if args.csv {
            return output::exactly(table(&people).as_bytes());
        }
        let zone = zone::local();
        output::line(heading(&summary))?;
        people.iter().flat_map(|entry| lines(entry, &zone)).try_for_each(output::line)
    })
}

#[derive(Debug, Serialize)]
struct StatusRow<'a> {
    account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    department: Option<&'a str>,
    reached_at: Option<String>,
    visible_at: Option<String>,
    answer: Option<&'a str>,
    answered_at: Option<String>,
    online: bool,
    offline_since: Option<String>,
    reason: Option<&'static str>,
    revision: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    later: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queued_at: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    devices: Option<Vec<StatusRow<'a>>>,
}

/// What stands for a person's programs that need the password, all together.
const OTHERS: &str = "other";

/// The table has all columns in every row.
const COLUMNS: [&str; 13] = [
    "account",
    "reached_at",
    "visible_at",
    "answer",
    "answered_at",
    "online",
    "offline_since",
    "reason",
    "revision",
    "device",
    "queued_at",
    "display_name",
    "department",
];

fn row(entry: &LedgerEntry) -> StatusRow<'_> {
    StatusRow {
        account: entry.account.as_str(),
        display_name: entry.display.as_ref().map(DisplayName::as_str),
        department: entry.department.as_ref().map(ProfileLine::as_str),
        reached_at: entry.reached_at.map(UnixMillis::rfc3339),
        visible_at: entry.visible_at.map(UnixMillis::rfc3339),
        answer: entry.answered.as_ref().map(|(label, _)| label.as_str()),
        answered_at: entry.answered.as_ref().map(|(_, at)| at.rfc3339()),
        online: entry.online,
        offline_since: away_since(entry.offline_since, entry.gap).map(UnixMillis::rfc3339),
        reason: entry.gap.map(|gap| gap.reason().as_str()),
        revision: entry.revision,
        later: entry.later.then_some(true),
        device: None,
        queued_at: None,
        devices: Some(entry.devices.iter().map(|device| device_row(entry, device)).collect()),
    }
}

fn device_row<'a>(entry: &'a LedgerEntry, device: &'a DeviceEntry) -> StatusRow<'a> {
    StatusRow {
        account: entry.account.as_str(),
        display_name: entry.display.as_ref().map(DisplayName::as_str),
        department: entry.department.as_ref().map(ProfileLine::as_str),
        reached_at: device.reached_at.map(UnixMillis::rfc3339),
        visible_at: device.visible_at.map(UnixMillis::rfc3339),
        answer: device.answered.as_ref().map(|(label, _)| label.as_str()),
        answered_at: device.answered.as_ref().map(|(_, at)| at.rfc3339()),
        online: device.online,
        offline_since: away_since(device.offline_since, device.gap).map(UnixMillis::rfc3339),
        reason: device.gap.map(|gap| gap.reason().as_str()),
        revision: device.revision,
        later: None,
        device: Some(device.device.map_or_else(|| OTHERS.to_owned(), |device| device.to_string())),
        queued_at: Some(device.queued_at.map(UnixMillis::rfc3339)),
        devices: None,
    }
}

/// Since when they are away; for a notice that is over, since when they were away at its end, if that is why they missed it.
const fn away_since(now: Option<UnixMillis>, gap: Option<Gap>) -> Option<UnixMillis> {
    match gap {
        Some(Gap::Over { offline_since: Some(then), .. }) => Some(then),
        _ => now,
    }
}

/// The people, each followed by their devices, with a header, also when there are none.
fn table(people: &[LedgerEntry]) -> String {
    let mut table = table_line(COLUMNS);
    for entry in people {
        let person = row(entry);
        for row in std::iter::once(&person).chain(person.devices.iter().flatten()) {
            table.push_str(&table_line(cells(row).iter().map(String::as_str)));
        }
    }
    table
}

fn cells(row: &StatusRow<'_>) -> [String; COLUMNS.len()] {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    [
        row.account.to_owned(),
        text(&row.reached_at),
        text(&row.visible_at),
        row.answer.unwrap_or_default().to_owned(),
        text(&row.answered_at),
        row.online.to_string(),
        text(&row.offline_since),
        row.reason.unwrap_or_default().to_owned(),
        row.revision.to_string(),
        text(&row.device),
        row.queued_at.clone().flatten().unwrap_or_default(),
        row.display_name.unwrap_or_default().to_owned(),
        row.department.unwrap_or_default().to_owned(),
    ]
}

/// `notice 3 (important, open): Drill: reached 2, visible to 1, answered by 1 of 3`.
pub(super) fn heading(summary: &NoticeSummary) -> String {
    let (notice, progress) = (&summary.notice, &summary.progress);
    let title = notice.title.as_ref().map(|title| format!(": {}", sentence::visible(title.as_str()))).unwrap_or_default();
    format!(
        "notice {} ({}, {}){title}: reached {}, visible to {}, answered by {} of {}",
        notice.id.0, notice.severity, notice.state, progress.reached, progress.visible, progress.answered, progress.audience
    )
}

/// `  bob: answered "Safe" at 2026-11-21 10:02`, and a line for each of several devices.
fn lines(entry: &LedgerEntry, zone: &TimeZone) -> Vec<String> {
    let later = if entry.later { " (joined later)" } else { "" };
    let said = [entry.display.as_ref().map(DisplayName::as_str), entry.department.as_ref().map(ProfileLine::as_str)];
    let said: Vec<_> = said.into_iter().flatten().map(sentence::visible).collect();
    let said = if said.is_empty() { String::new() } else { format!(" [{}]", said.join(", ")) };
    let mut lines = vec![format!("  {}{said}{later}: {}", sentence::visible(entry.account.as_str()), standing(entry, zone))];
    let several = entry.devices.len() > 1;
    lines.extend(entry.devices.iter().filter(|_| several).map(|device| {
        let far = Far { answered: device.answered.as_ref(), visible_at: device.visible_at, reached_at: device.reached_at, gap: device.gap };
        let which = device.device.map_or_else(|| "other programs".to_owned(), |device| format!("device {}", words::short(&device)));
        format!("    {which}: {}", far.standing(zone))
    }));
    lines
}

/// How far the notice has come with one person, and what keeps it from going on.
pub(super) fn standing(entry: &LedgerEntry, zone: &TimeZone) -> String {
    Far { answered: entry.answered.as_ref(), visible_at: entry.visible_at, reached_at: entry.reached_at, gap: entry.gap }.standing(zone)
}

/// How far a notice has come.
struct Far<'a> {
    answered: Option<&'a (Label, UnixMillis)>,
    visible_at: Option<UnixMillis>,
    reached_at: Option<UnixMillis>,
    gap: Option<Gap>,
}

impl Far<'_> {
    fn standing(&self, zone: &TimeZone) -> String {
        let minute = |at: UnixMillis| output::minute(at, zone);
        let so_far = match (self.answered, self.visible_at, self.reached_at) {
            (Some((label, at)), _, _) => return format!("answered \"{}\" at {}", sentence::visible(label.as_str()), minute(*at)),
            (None, Some(at), _) => format!("visible at {}, not answered", minute(at)),
            (None, None, Some(at)) => format!("reached at {}, not seen to be visible", minute(at)),
            (None, None, None) => "not reached".to_owned(),
        };
        match self.gap {
            Some(gap) => format!("{so_far}; {}", words::sentence(gap, zone)),
            None => so_far,
        }
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountName, DeviceId, NoticeState};

    use super::*;

    fn entry() -> LedgerEntry {
        LedgerEntry {
            account: AccountName::new("bob").unwrap(),
            display: None,
            department: None,
            reached_at: None,
            visible_at: None,
            answered: None,
            revision: 0,
            offline_since: None,
            online: false,
            later: false,
            gap: Some(Gap::NeverConnected),
            devices: Vec::new(),
        }
    }

    fn screen(n: u8, gap: Gap) -> DeviceEntry {
        DeviceEntry {
            device: Some(DeviceId([n; 32])),
            queued_at: Some(UnixMillis(0)),
            reached_at: None,
            visible_at: None,
            answered: None,
            revision: 0,
            offline_since: None,
            online: true,
            gap: Some(gap),
        }
    }

    #[test]
    fn each_gap_has_its_reason() {
        let at = Some(UnixMillis(0));
        let say = |entry: LedgerEntry| standing(&entry, &TimeZone::UTC);
        assert_eq!(say(entry()), "not reached; has never been here");
        let offline = Some(Gap::Offline { since: UnixMillis(0) });
        assert_eq!(say(LedgerEntry { gap: offline, ..entry() }), "not reached; offline since 1970-01-01 00:00");
        let unanswered = Some(Gap::Unanswered);
        assert_eq!(
            say(LedgerEntry { reached_at: at, gap: unanswered, ..entry() }),
            "reached at 1970-01-01 00:00, not seen to be visible; online"
        );
        assert_eq!(say(LedgerEntry { visible_at: at, gap: unanswered, ..entry() }), "visible at 1970-01-01 00:00, not answered; online");
        let answered = Some((Label::new("Safe").unwrap(), UnixMillis(0)));
        assert_eq!(say(LedgerEntry { answered, gap: None, ..entry() }), "answered \"Safe\" at 1970-01-01 00:00");
        let over = Some(Gap::Over { state: NoticeState::Expired, offline_since: at });
        assert_eq!(say(LedgerEntry { gap: over, ..entry() }), "not reached; expired while offline since 1970-01-01 00:00");
    }

    #[test]
    fn several_devices_have_a_line_each() {
        let devices = vec![screen(0, Gap::OnItsWay), screen(255, Gap::AnsweredElsewhere)];
        let said = lines(&LedgerEntry { devices, ..entry() }, &TimeZone::UTC);
        assert_eq!(said[1], "    device aaaaaaaa: not reached; on its way");
        assert_eq!(said[2], "    device 77777777: not reached; answered on another device");
    }

    #[test]
    fn programs_that_need_the_password_share_a_line_and_whoever_joined_later_is_marked() {
        let devices = vec![screen(0, Gap::OnItsWay), DeviceEntry { device: None, ..screen(0, Gap::Offline { since: UnixMillis(0) }) }];
        let entry = LedgerEntry { devices, later: true, ..entry() };
        let said = lines(&entry, &TimeZone::UTC);
        assert_eq!(said[0], "  bob (joined later): not reached; has never been here");
        assert_eq!(said[2], "    other programs: not reached; offline since 1970-01-01 00:00");
        let json = output::json_text(&row(&entry)).unwrap();
        assert!(json.contains(r#""later":true"#) && json.contains(r#""device":"other""#), "{json}");
        assert!(table(&[entry]).contains(",other,"));
    }

    #[test]
    fn the_table_quotes_what_needs_it_has_devices_below_their_person_and_its_header_even_when_empty() {
        let answered = Some((Label::new("Yes, \"all\" safe").unwrap(), UnixMillis(0)));
        let devices = vec![screen(0, Gap::OnItsWay)];
        let key = "a".repeat(52);
        assert_eq!(
            table(&[LedgerEntry { answered, gap: None, devices, revision: 2, department: "Research".parse().ok(), ..entry() }]),
            format!(
                "account,reached_at,visible_at,answer,answered_at,online,offline_since,reason,revision,device,queued_at,display_name,department\r\n\
                 bob,,,\"Yes, \"\"all\"\" safe\",1970-01-01T00:00:00.000Z,false,,,2,,,,Research\r\n\
                 bob,,,,,true,,on_its_way,0,{key},1970-01-01T00:00:00.000Z,,Research\r\n"
            )
        );
        assert_eq!(table(&[]).lines().count(), 1);
    }

    #[test]
    fn a_script_reads_a_person_as_one_object() {
        assert_eq!(
            output::json_text(&row(&entry())).unwrap(),
            concat!(
                r#"{"account":"bob","reached_at":null,"visible_at":null,"answer":null,"answered_at":null,"#,
                r#""online":false,"offline_since":null,"reason":"never_connected","revision":0,"devices":[]}"#
            )
        );
    }
}
