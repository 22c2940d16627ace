//! Reading the ledger: the whole of it or a part, in order of name or of need.

use belfry_core::chat::{
    AccountId, AccountName, DeviceEntry, Label, LedgerEntry, LedgerOrder, LedgerPart, LedgerTally, LedgerView, NoticeId, Refusal,
};
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::column::{clamped, device, invalid, number, optional_number, optional_time, optional_words, small, words};
use super::error::Trouble;
use super::ledger::OTHERS;
use super::page::{Limit, taken};
use super::{Outcome, StoredEntry, StoredLedger, StoredScreen, groups, notices};

/// How far behind those who need somebody a person of the ledger stands, as [`LedgerOrder::Need`] has it; 0 for all where ?3 is not set.
macro_rules! need {
    () => {
        "CASE WHEN NOT ?3 THEN 0 WHEN l.answer > 0 THEN -l.answer WHEN l.answer = 0 THEN 3 WHEN l.reached_at IS NOT NULL THEN 1
            WHEN a.last_seen IS NOT NULL THEN 2 ELSE 4 END"
    };
}

/// Whether a person of the ledger is in the group ?2; everybody is meant where there is none.
macro_rules! in_group {
    () => {
        "(?2 IS NULL OR EXISTS (SELECT 1 FROM group_members m WHERE m.account_group = ?2 AND m.account = l.account))"
    };
}

const PEOPLE: &str = concat!(
    "SELECT id, name, reached_at, visible_at, answered_at, answer, last_seen, revision, offline_since, later, display, department FROM (
        SELECT a.id, a.name, a.name_key, a.last_seen, a.display, a.department, l.*, ",
    need!(),
    " AS need FROM ledger l CROSS JOIN accounts a ON a.id = l.account WHERE l.notice = ?1 AND ",
    in_group!(),
    " AND CASE ?4 WHEN 0 THEN 1 WHEN 1 THEN l.reached_at IS NULL WHEN 2 THEN l.reached_at IS NOT NULL WHEN 3 THEN l.visible_at IS NOT NULL
            WHEN 4 THEN l.answered_at IS NOT NULL WHEN 5 THEN l.answered_at IS NULL ELSE l.answer = ?5 END)
    WHERE (need, name_key) > (?6, ?7) ORDER BY need, name_key LIMIT ?8"
);
const NEED_OF: &str =
    concat!("SELECT ", need!(), " FROM accounts a CROSS JOIN ledger l ON l.notice = ?1 AND l.account = a.id WHERE a.name_key = ?2");
const TALLY: &str = concat!(
    "SELECT answer, count(*), count(*) FILTER (WHERE chosen), count(reached_at) FILTER (WHERE chosen), count(visible_at) FILTER (WHERE chosen)
        FROM (SELECT l.answer, l.reached_at, l.visible_at, ",
    in_group!(),
    " AS chosen FROM ledger l WHERE l.notice = ?1) GROUP BY answer"
);
/// Those that the notice was sent to or that missed it, then those that it would have been sent to had they been here before ?3.
const SCREENS: &str = "SELECT l.device, l.queued_at, l.reached_at, l.visible_at, l.answered_at, l.revision, l.locked_at, l.offline_since,
        d.last_seen
    FROM ledger_devices l LEFT JOIN devices d ON d.account = l.account AND d.device = l.device WHERE l.notice = ?1 AND l.account = ?2
    UNION ALL
    SELECT d.device, NULL, NULL, NULL, NULL, 0, NULL, NULL, d.last_seen FROM devices d
    WHERE d.account = ?2 AND d.remembered = 1 AND d.first_seen < ?3
        AND NOT EXISTS (SELECT 1 FROM ledger_devices l WHERE l.notice = ?1 AND l.account = ?2 AND l.device = d.device)
    ORDER BY 1";
const END: &str = "SELECT min(coalesce(expires_at, ?2), coalesce(withdrawn_at, ?2), coalesce(cleared_at, ?2)) FROM notices WHERE id = ?1";

pub(super) fn read(
    connection: &Connection,
    at: UnixMillis,
    notice: NoticeId,
    view: &LedgerView,
    after: Option<&AccountName>,
    limit: u32,
) -> Result<Outcome, Trouble> {
    let summary = notices::find(connection, at, notice)?;
    let labels = &summary.notice.answers;
    let id = clamped(notice.0);
    let end: i64 = connection.prepare_cached(END)?.query_row([id, i64::MAX], |row| row.get(0))?;
    let limit = Limit::new(limit);
    let group = match &view.group {
        Some(group) => Some(groups::find(connection, group)?.ok_or(Refusal::UnknownGroup)?),
        None => None,
    };
    let by_need = view.order == LedgerOrder::Need;
    let (need, name) = match after {
        Some(after) => (need_of(connection, id, by_need, after)?, after.key()),
        None => (i64::MIN, String::new()),
    };
    let tally = if after.is_none() { Some(tally(connection, id, group, labels.len())?) } else { None };
    let (part, answer) = stored_part(view.part);
    let mut people = connection.prepare_cached(PEOPLE)?;
    let mut screens = connection.prepare_cached(SCREENS)?;
    let rows = people.query_map(params![id, group, by_need, part, answer, need, name, limit.rows()], |row| {
        let account = AccountId(number(row, 0)?);
        let answer = match optional_number(row, 5)? {
            Some(answer) => {
                let label = usize::try_from(answer).ok().and_then(|answer| labels.get(answer));
                Some(label.ok_or_else(|| invalid(5, "an answer that the notice does not offer"))?)
            }
            None => None,
        };
        let screens = screens.query_map(params![id, clamped(account.0), end], |row| read_screen(row, answer))?;
        let entry = LedgerEntry {
            account: words(row, 1)?,
            display: optional_words(row, 10)?,
            department: optional_words(row, 11)?,
            reached_at: optional_time(row, 2)?,
            visible_at: optional_time(row, 3)?,
            answered: answer.cloned().zip(optional_time(row, 4)?),
            revision: small(row, 7)?,
            offline_since: optional_time(row, 6)?,
            online: false,
            gap: None,
            later: row.get(9)?,
            devices: Vec::new(),
        };
        let mut screens: Vec<_> = screens.collect::<rusqlite::Result<_>>()?;
        screens.sort_by_key(|screen| screen.entry.device.is_none());
        Ok(StoredEntry { account, entry, missed: optional_time(row, 8)?, screens })
    })?;
    let bytes = |stored: &StoredEntry| taken(&stored.entry) + stored.screens.iter().map(|screen| taken(&screen.entry)).sum::<usize>();
    let people = limit.fill(rows, bytes)?;
    Ok(StoredLedger { summary, tally, people }.into())
}

/// A part as the statement names it.
const fn stored_part(part: LedgerPart) -> (i64, Option<u8>) {
    match part {
        LedgerPart::Everybody => (0, None),
        LedgerPart::NotReached => (1, None),
        LedgerPart::Reached => (2, None),
        LedgerPart::Visible => (3, None),
        LedgerPart::Answered => (4, None),
        LedgerPart::Unanswered => (5, None),
        LedgerPart::Answer(answer) => (6, Some(answer)),
    }
}

/// Where somebody stands now in the order that is read; whoever is not in the ledger any more, before everybody.
fn need_of(connection: &Connection, notice: i64, by_need: bool, person: &AccountName) -> Result<i64, Trouble> {
    let need = connection.prepare_cached(NEED_OF)?.query_row(params![notice, person.key(), by_need], |row| row.get(0)).optional()?;
    Ok(need.unwrap_or(if by_need { i64::MIN } else { 0 }))
}

/// How many are in each part of a ledger whose notice offers so many answers.
fn tally(connection: &Connection, notice: i64, group: Option<i64>, answers: usize) -> Result<LedgerTally, Trouble> {
    let mut tally = LedgerTally { answers: vec![0; answers], ..LedgerTally::default() };
    let mut statement = connection.prepare_cached(TALLY)?;
    let mut rows = statement.query(params![notice, group])?;
    while let Some(row) = rows.next()? {
        let people = number(row, 2)?;
        tally.people += people;
        tally.reached += number(row, 3)?;
        tally.visible += number(row, 4)?;
        match optional_number(row, 0)?.map(usize::try_from) {
            None => tally.waiting = number(row, 1)?,
            Some(answer) => {
                let count = answer.ok().and_then(|answer| tally.answers.get_mut(answer));
                *count.ok_or_else(|| invalid(0, "an answer that the notice does not offer"))? = people;
            }
        }
    }
    Ok(tally)
}

fn read_screen(row: &Row<'_>, answer: Option<&Label>) -> rusqlite::Result<StoredScreen> {
    // One that is not known any more was here when it last did something.
    let own_times = [1, 2, 3, 4].map(|column| optional_time(row, column));
    let last_of_its_own = own_times.into_iter().collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().max();
    let entry = DeviceEntry {
        device: Some(device(row, 0)?).filter(|&device| device != OTHERS),
        queued_at: optional_time(row, 1)?,
        reached_at: optional_time(row, 2)?,
        visible_at: optional_time(row, 3)?,
        answered: answer.cloned().zip(optional_time(row, 4)?),
        revision: small(row, 5)?,
        offline_since: optional_time(row, 8)?.or(last_of_its_own),
        online: false,
        gap: None,
    };
    Ok(StoredScreen { entry, locked_at: optional_time(row, 6)?, missed: optional_time(row, 7)? })
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{DeviceId, GroupName, NoticeChange, Page, Receipt};
    use belfry_core::limits::PAGE_ENTRIES_MAX;

    use super::super::fixture::{DEVICE, add, arrive, ask, each_store, named, notice_to, sent};
    use super::super::schema::{MIGRATIONS, migrate};
    use super::super::{Store, StoredLedger, Work};
    use super::*;

    const NOTICE: NoticeId = NoticeId(1);

    /// root sends anna and bob a notice.
    fn with_notice(store: &mut Store) -> (AccountId, AccountId, AccountId) {
        let (root, anna, bob) = (add(store, "root"), add(store, "anna"), add(store, "Bob"));
        sent(ask(store, 1, notice_to(root, 1, &["anna", "bob"])));
        (root, anna, bob)
    }

    fn page(store: &mut Store, after: Option<&str>, limit: u32) -> (Vec<StoredEntry>, bool) {
        let after = after.map(|name| AccountName::new(name).unwrap());
        let outcome = ask(store, 999, Work::Ledger { notice: NOTICE, view: LedgerView::default(), after, limit });
        let Ok(Outcome::Ledger(StoredLedger { people: Page { entries, more }, .. })) = outcome else { panic!("{outcome:?}") };
        (entries, more)
    }

    #[test]
    fn a_known_device_that_was_not_here_has_an_empty_line_and_an_unknown_one_has_none() {
        each_store(|store| {
            let (_, anna, bob) = with_notice(store);
            ask(store, 1, arrive(anna, DEVICE, true)).unwrap();
            ask(store, 1, arrive(bob, DEVICE, false)).unwrap();
            let (entries, _) = page(store, None, 9);
            let screens = &entries[0].screens;
            assert_eq!((screens.len(), screens[0].entry.device, screens[0].entry.queued_at), (1, Some(DEVICE), None));
            assert_eq!(entries[1].screens, []);
        });
    }

    #[test]
    fn a_device_that_came_after_the_end_has_nothing_to_do_with_it() {
        each_store(|store| {
            let (_, anna, _) = with_notice(store);
            store.connection.execute("UPDATE notices SET withdrawn_at = 5", []).unwrap();
            ask(store, 6, arrive(anna, DEVICE, true)).unwrap();
            assert_eq!(page(store, None, 1).0[0].screens, []);
        });
    }

    #[test]
    fn however_a_notice_ended_a_device_that_came_after_it_is_in_another_ledger_only() {
        each_store(|store| {
            let (root, anna, _) = with_notice(store);
            for (counter, end) in [(2, Some(10)), (3, None), (4, None), (5, Some(1000))] {
                let mut work = notice_to(root, counter, &["anna"]);
                if let Work::SendNotice { draft, .. } = &mut work {
                    draft.expires_after_ms = end;
                }
                sent(ask(store, 1, work));
            }
            let change = |store: &mut Store, notice, change| {
                ask(store, 10, Work::ChangeNotice { notice: NoticeId(notice), change }).unwrap();
            };
            change(store, 3, NoticeChange::Withdraw);
            change(store, 4, NoticeChange::AllClear { body: None });
            ask(store, 5, arrive(anna, DEVICE, true)).unwrap();
            ask(store, 50, arrive(anna, DeviceId([2; 32]), true)).unwrap();
            let devices = |notice| match ask(
                store,
                2000,
                Work::Ledger { notice: NoticeId(notice), view: LedgerView::default(), after: None, limit: 1 },
            ) {
                Ok(Outcome::Ledger(StoredLedger { people: Page { entries, .. }, .. })) => entries[0].screens.len(),
                other => panic!("{other:?}"),
            };
            assert_eq!([1, 2, 3, 4, 5].map(devices), [2, 1, 1, 1, 2], "open, expired, withdrawn, all clear, expired after both");
        });
    }

    #[test]
    fn a_ledger_that_scripts_had_filled_can_be_read_when_a_database_is_brought_forward() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("belfry.db");
        let mut old = Connection::open(&path).unwrap();
        migrate(&mut old, &MIGRATIONS[..6]).unwrap();
        let calls = "
            INSERT INTO accounts (name, name_key, role, created_at, password_hash) VALUES ('anna', 'anna', 1, 5, 'x'), ('bob', 'bob', 0, 5, 'x');
            INSERT INTO notices (author, outbox, counter, severity, everyone, sent_at, audience, answers, body) VALUES (1, 1, 2, 0, 0, 7, 1, 'Yes', 'x');
            INSERT INTO ledger (notice, account, reached_at) VALUES (1, 1, 20), (1, 2, NULL);
            INSERT INTO devices (account, device, first_seen, last_seen, remembered) VALUES
                (1, CAST(printf('%032d', 0) AS BLOB), 9, 9, 1), (2, CAST(printf('%032d', 0) AS BLOB), 9, 9, 0), (2, CAST(printf('%032d', 5) AS BLOB), 9, 9, 1);
            INSERT INTO ledger_devices (notice, account, device, queued_at) VALUES
                (1, 1, CAST(printf('%032d', 0) AS BLOB), 15), (1, 2, CAST(printf('%032d', 0) AS BLOB), 16), (1, 2, CAST(printf('%032d', 5) AS BLOB), 17);
            WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
            INSERT INTO ledger_devices (notice, account, device, queued_at, reached_at, revision)
                SELECT 1, 1, CAST(printf('%032d', i) AS BLOB), 18 + i, 19 + i, 1 FROM n;";
        old.execute_batch(calls).unwrap();
        old.close().unwrap();
        let mut store = Store::open(&path).unwrap();
        let page = Work::Ledger { notice: NOTICE, view: LedgerView::default(), after: None, limit: 9 };
        let Ok(Outcome::Ledger(StoredLedger { people: Page { entries, .. }, .. })) = ask(&mut store, 9, page) else { panic!() };
        let lines = entries.iter().map(|entry| {
            let line = |screen: &StoredScreen| {
                let entry = &screen.entry;
                (entry.device.map(|device| device.0[31] - b'0'), entry.queued_at.map(|at| at.0), entry.reached_at.map(|at| at.0))
            };
            entry.screens.iter().map(line).collect::<Vec<_>>()
        });
        let of_anna = vec![(Some(0), Some(15), None), (None, Some(19), Some(20))];
        let of_bob = vec![(Some(5), Some(17), None), (None, Some(16), None)];
        assert_eq!(lines.collect::<Vec<_>>(), [of_anna, of_bob], "the remembered one of each, and one line for all others");
        let left: i64 = store.connection.query_row("SELECT count(*) FROM ledger_devices", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 4);
    }

    #[test]
    fn the_ledger_is_read_in_order_of_name_in_pages() {
        each_store(|store| {
            let (_, anna, bob) = with_notice(store);
            ask(store, 77, Work::Seen { account: bob, device: DEVICE }).unwrap();
            let (first, more) = page(store, None, 1);
            assert_eq!((first[0].account, first[0].entry.offline_since, more), (anna, None, true));
            let (second, more) = page(store, Some("anna"), 1);
            assert_eq!((second[0].account, second[0].entry.offline_since, more), (bob, Some(UnixMillis(77)), false));
            assert_eq!(page(store, Some("BOB"), 1), (vec![], false));
            let unknown = Work::Ledger { notice: NoticeId(9), view: LedgerView::default(), after: None, limit: 1 };
            assert_eq!(ask(store, 1, unknown), Err(Refusal::UnknownNotice));
        });
    }

    /// A drill with three answers. ann and ben need help, gus is stuck, amy is safe; it is visible to cid and has reached dora, both without
    /// an answer; eve has been here and has not been reached, fay has never been here. amy and eve are in the ward.
    fn drill(store: &mut Store) {
        let root = add(store, "root");
        let names = ["amy", "ben", "cid", "dora", "eve", "fay", "gus", "Ann"];
        let people = names.map(|name| add(store, name));
        for counter in [1, 2] {
            let mut work = notice_to(root, counter, &names);
            if let Work::SendNotice { draft, .. } = &mut work {
                draft.answers = ["Safe", "Stuck", "Need help"].map(|label| Label::new(label).unwrap()).into();
            }
            sent(ask(store, 1, work));
        }
        let [amy, ben, cid, dora, eve, _, gus, ann] = people;
        for person in [amy, ben, cid, dora, eve, gus, ann] {
            ask(store, 1, arrive(person, DEVICE, true)).unwrap();
        }
        let receipts = [
            (amy, Receipt::Answered(0)),
            (ben, Receipt::Answered(2)),
            (cid, Receipt::Visible),
            (dora, Receipt::Reached),
            (gus, Receipt::Answered(1)),
            (ann, Receipt::Answered(2)),
        ];
        for (account, receipt) in receipts {
            ask(store, 9, Work::Receipt { account, device: DEVICE, notice: NOTICE, revision: 1, receipt }).unwrap();
        }
        let members = ["amy", "eve"].map(named).into();
        ask(store, 9, Work::AddToGroup { group: ward(), members }).unwrap();
        ask(store, 9, Work::AddToGroup { group: GroupName::new("others").unwrap(), members: vec![named("ben")] }).unwrap();
    }

    fn ward() -> GroupName {
        GroupName::new("Ward").unwrap()
    }

    fn read_part(store: &mut Store, view: LedgerView, after: Option<&str>, limit: u32) -> (Vec<String>, Option<LedgerTally>, bool) {
        let work = Work::Ledger { notice: NOTICE, view, after: after.map(named), limit };
        let outcome = ask(store, 999, work);
        let Ok(Outcome::Ledger(StoredLedger { tally, people: Page { entries, more }, .. })) = outcome else { panic!("{outcome:?}") };
        (entries.into_iter().map(|stored| stored.entry.account.to_string()).collect(), tally, more)
    }

    fn names(store: &mut Store, view: LedgerView) -> Vec<String> {
        read_part(store, view, None, 99).0
    }

    #[test]
    fn each_part_of_a_ledger_has_its_people() {
        each_store(|store| {
            drill(store);
            let mut people = |part| names(store, LedgerView { part, ..LedgerView::default() }).join(" ");
            assert_eq!(people(LedgerPart::Everybody), "amy Ann ben cid dora eve fay gus");
            assert_eq!(people(LedgerPart::NotReached), "eve fay");
            assert_eq!(people(LedgerPart::Reached), "amy Ann ben cid dora gus");
            assert_eq!(people(LedgerPart::Visible), "amy Ann ben cid gus");
            assert_eq!(people(LedgerPart::Answered), "amy Ann ben gus");
            assert_eq!(people(LedgerPart::Unanswered), "cid dora eve fay");
            assert_eq!([0, 1, 2, 3].map(|answer| people(LedgerPart::Answer(answer))), ["amy", "gus", "Ann ben", ""]);
        });
    }

    #[test]
    fn those_who_need_somebody_come_first_and_those_who_were_never_here_last() {
        each_store(|store| {
            drill(store);
            let view = LedgerView { order: LedgerOrder::Need, ..LedgerView::default() };
            let order = ["Ann", "ben", "gus", "cid", "dora", "eve", "amy", "fay"];
            assert_eq!(names(store, view.clone()), order);
            let (mut read, mut after) = (Vec::new(), None);
            loop {
                let (page, _, more) = read_part(store, view.clone(), after.as_deref(), 3);
                read.extend(page);
                after = read.last().cloned();
                if !more {
                    break;
                }
            }
            assert_eq!(read, order, "in pages, too");
        });
    }

    #[test]
    fn a_part_of_a_ledger_goes_on_behind_somebody_who_is_not_in_it_any_more() {
        each_store(|store| {
            drill(store);
            let view = |order| LedgerView { part: LedgerPart::Unanswered, order, ..LedgerView::default() };
            assert_eq!(read_part(store, view(LedgerOrder::Name), Some("cod"), 9).0, ["dora", "eve", "fay"], "by name");
            assert_eq!(
                read_part(store, view(LedgerOrder::Need), Some("ben"), 9).0,
                ["cid", "dora", "eve", "fay"],
                "from where they are now"
            );
            assert_eq!(read_part(store, view(LedgerOrder::Need), Some("nobody"), 9).0, ["cid", "dora", "eve", "fay"], "from the beginning");
        });
    }

    #[test]
    fn the_first_page_counts_every_part_of_everybody_or_of_a_group() {
        each_store(|store| {
            drill(store);
            let all = LedgerTally { people: 8, reached: 6, visible: 5, answers: vec![1, 1, 2], waiting: 4 };
            let (_, tally, _) = read_part(store, LedgerView { part: LedgerPart::Answer(1), ..LedgerView::default() }, None, 1);
            assert_eq!(tally, Some(all), "whatever is read");
            assert_eq!(read_part(store, LedgerView::default(), Some("amy"), 1).1, None, "it is told already");
            let (people, tally, _) = read_part(store, LedgerView { group: Some(ward()), ..LedgerView::default() }, None, 9);
            assert_eq!(
                (people.join(" "), tally),
                ("amy eve".into(), Some(LedgerTally { people: 2, reached: 1, visible: 1, answers: vec![1, 0, 0], waiting: 4 }))
            );
            let view = LedgerView { group: Some(GroupName::new("nobody").unwrap()), ..LedgerView::default() };
            assert_eq!(ask(store, 9, Work::Ledger { notice: NOTICE, view, after: None, limit: 1 }), Err(Refusal::UnknownGroup));
        });
    }

    #[test]
    fn a_notice_to_ten_thousand_people_is_counted_and_paged_to_the_end() {
        let mut store = Store::open_in_memory().unwrap();
        let people: Vec<AccountId> = (0..10_000).map(|n| add(&mut store, &format!("person {n:05}"))).collect();
        let mut work = notice_to(people[0], 1, &["person 00000"]);
        if let Work::SendNotice { draft, .. } = &mut work {
            draft.audience.push(belfry_core::chat::Audience::Everyone);
        }
        assert_eq!(sent(ask(&mut store, 1, work)).1.audience, 10_000);
        let (mut seen, mut after) = (0, None);
        loop {
            let (entries, more) = page(&mut store, after.as_deref(), PAGE_ENTRIES_MAX);
            seen += entries.len();
            after = entries.last().map(|entry| entry.entry.account.as_str().to_owned());
            if !more {
                break;
            }
        }
        assert_eq!(seen, 10_000);
    }
}
