//! Reading the ledger, in order of name.

use belfry_core::chat::{AccountId, AccountName, DeviceEntry, Label, LedgerEntry, NoticeId};
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, Row, params};

use super::column::{clamped, device, invalid, number, optional_number, optional_time, small, words};
use super::error::Trouble;
use super::ledger::OTHERS;
use super::page::{Limit, taken};
use super::{Outcome, StoredEntry, StoredLedger, StoredScreen, notices};

const IN_ORDER_OF_NAME: &str = "SELECT a.id, a.name, l.reached_at, l.visible_at, l.answered_at, l.answer, a.last_seen, l.revision,
        l.offline_since, l.later
    FROM ledger l CROSS JOIN accounts a ON a.id = l.account WHERE l.notice = ?1 AND a.name_key > ?2 ORDER BY a.name_key LIMIT ?3";
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
    after: Option<&AccountName>,
    limit: u32,
) -> Result<Outcome, Trouble> {
    let summary = notices::find(connection, at, notice)?;
    let labels = &summary.notice.answers;
    let end: i64 = connection.prepare_cached(END)?.query_row([clamped(notice.0), i64::MAX], |row| row.get(0))?;
    let limit = Limit::new(limit);
    let after = after.map_or_else(String::new, AccountName::key);
    let mut people = connection.prepare_cached(IN_ORDER_OF_NAME)?;
    let mut screens = connection.prepare_cached(SCREENS)?;
    let rows = people.query_map(params![clamped(notice.0), after, limit.rows()], |row| {
        let account = AccountId(number(row, 0)?);
        let answer = match optional_number(row, 5)? {
            Some(answer) => {
                let label = usize::try_from(answer).ok().and_then(|answer| labels.get(answer));
                Some(label.ok_or_else(|| invalid(5, "an answer that the notice does not offer"))?)
            }
            None => None,
        };
        let screens = screens.query_map(params![clamped(notice.0), clamped(account.0), end], |row| read_screen(row, answer))?;
        let entry = LedgerEntry {
            account: words(row, 1)?,
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
    Ok(StoredLedger { summary, people }.into())
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
    use belfry_core::chat::{DeviceId, NoticeChange, Page, Refusal};
    use belfry_core::limits::PAGE_ENTRIES_MAX;

    use super::super::fixture::{DEVICE, add, arrive, ask, each_store, notice_to, sent};
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
        let outcome = ask(store, 999, Work::Ledger { notice: NOTICE, after, limit });
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
            let devices = |notice| match ask(store, 2000, Work::Ledger { notice: NoticeId(notice), after: None, limit: 1 }) {
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
        let page = Work::Ledger { notice: NOTICE, after: None, limit: 9 };
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
            let unknown = Work::Ledger { notice: NoticeId(9), after: None, limit: 1 };
            assert_eq!(ask(store, 1, unknown), Err(Refusal::UnknownNotice));
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
