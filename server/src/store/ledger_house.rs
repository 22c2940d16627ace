//! People with devices and notices to them, for the tests of what is written of the ledger many lines at once.

use belfry_core::chat::{AccountId, DeviceId, NoticeId, Receipt};
use belfry_core::time::UnixMillis;
use rusqlite::params;

use super::column::clamped;
use super::fixture::{DEVICE, add, arrive, ask, notice_to, sent};
use super::ledger::line_of;
use super::{NoticeDelivery, Reached, Store, Work};
use crate::limits::LEDGER_DEVICES_MAX;

/// Everything that is noted of notices.
pub(super) fn rows(store: &Store) -> Vec<String> {
    let tables = [("notices", "id"), ("ledger", "notice, account"), ("ledger_devices", "notice, account, device")];
    let mut rows = Vec::new();
    for (table, order) in tables {
        let mut statement = store.connection.prepare(&format!("SELECT * FROM {table} ORDER BY {order}")).unwrap();
        let columns = statement.column_count();
        let read = statement
            .query_map([], |row| Ok((0..columns).map(|column| format!("{:?}", row.get_ref_unwrap(column))).collect::<Vec<_>>().join(" ")));
        rows.extend(read.unwrap().map(|row| format!("{table}: {}", row.unwrap())));
    }
    rows
}

pub(super) fn delivery(notice: u64, account: AccountId, device: DeviceId, queued_at: Option<u64>) -> NoticeDelivery {
    NoticeDelivery { notice: NoticeId(notice), revision: 1, account, device, queued_at: queued_at.map(UnixMillis) }
}

/// So many people, each with a device that is remembered, and two notices to all of them but the last.
pub(super) fn house(people: usize) -> (Store, Vec<AccountId>) {
    let mut store = Store::open_in_memory().unwrap();
    let root = add(&mut store, "root");
    let names: Vec<_> = (0..people).map(|number| format!("person {number}")).collect();
    let accounts: Vec<_> = names.iter().map(|name| add(&mut store, name)).collect();
    accounts.iter().for_each(|&account| drop(ask(&mut store, 1, arrive(account, DEVICE, true)).unwrap()));
    let audience: Vec<_> = names.iter().take(people - 1).map(String::as_str).collect();
    for counter in [1, 2] {
        sent(ask(&mut store, 2, notice_to(root, counter, &audience)));
    }
    (store, accounts)
}

pub(super) fn reached(store: &mut Store, at: u64, deliveries: Vec<NoticeDelivery>) -> Vec<u64> {
    let Reached { progress } = ask(store, at, Work::Reached { deliveries }).unwrap().expect().unwrap();
    progress.into_iter().map(|news| news.progress.reached).collect()
}

/// A device of the same key is everybody's, another one is everybody's, too, and as many more lines as there may be can be filled.
pub(super) const OTHER: DeviceId = DeviceId([9; 32]);

/// Fills what room there is for devices in the lines of a notice and a person, but for one of this key if it is to have one.
pub(super) fn fill(store: &Store, notice: i64, account: AccountId, own: Option<DeviceId>) {
    let lines = "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
        INSERT INTO ledger_devices (notice, account, device) SELECT ?2, ?3, CAST(printf('%032d', i) AS BLOB) FROM n WHERE i < ?1 OR ?4 IS NULL
        UNION ALL SELECT ?2, ?3, ?4 WHERE ?4 IS NOT NULL";
    store.connection.execute(lines, params![LEDGER_DEVICES_MAX, notice, clamped(account.0), own.map(|own| own.0)]).unwrap();
}

/// Everything that can be the case with a person before a notice reaches them.
pub(super) const CASES: usize = 22;

pub(super) fn prepare(store: &mut Store, case: usize, person: AccountId) {
    let id = clamped(person.0);
    let set = |store: &Store, statement| store.connection.execute(statement, [id]).unwrap();
    match case {
        0 => {
            fill(store, 1, person, None);
            ask(store, 2, Work::Queued { deliveries: vec![(NoticeId(2), person, DEVICE)] }).unwrap();
        }
        1 => fill(store, 1, person, Some(DEVICE)),
        2 => fill(store, 2, person, None),
        3 => drop(set(
            store,
            "UPDATE devices SET remembered = device = x'0909090909090909090909090909090909090909090909090909090909090909' WHERE account = ?1",
        )),
        4 => drop(set(store, "UPDATE ledger SET later = 1 WHERE account = ?1")),
        5 => drop(set(store, "DELETE FROM ledger WHERE notice = 1 AND account = ?1")),
        6 | 7 => {
            let revision = case as u32 - 5;
            let work = Work::Receipt { account: person, device: DEVICE, notice: NoticeId(1), revision, receipt: Receipt::Reached };
            ask(store, if case == 6 { 3 } else { 6 }, work).unwrap();
        }
        8 | 9 => {
            let at = if case == 8 { 3 } else { 6 };
            ask(store, at, Work::Queued { deliveries: vec![(NoticeId(1), person, DEVICE)] }).unwrap();
        }
        10 => drop(ask(store, 6, Work::Queued { deliveries: vec![(NoticeId(1), person, OTHER)] }).unwrap()),
        11 => fill(store, 1, person, Some(OTHER)),
        12 => drop(set(
            store,
            "UPDATE devices SET remembered = device <> x'0909090909090909090909090909090909090909090909090909090909090909' WHERE account = ?1",
        )),
        13..=16 => {
            let before: &[_] = match case {
                13 => &[Receipt::Visible],
                14 => &[Receipt::Locked],
                15 => &[Receipt::Visible, Receipt::Locked],
                _ => &[Receipt::Answered(0)],
            };
            for &receipt in before {
                let work = Work::Receipt { account: person, device: DEVICE, notice: NoticeId(1), revision: 1, receipt };
                ask(store, 3, work).unwrap();
            }
        }
        17 => {
            fill(store, 1, person, None);
            ask(store, 2, Work::Queued { deliveries: vec![(NoticeId(2), person, OTHER)] }).unwrap();
        }
        18 | 19 => {
            set(store, "UPDATE ledger SET later = 1 WHERE account = ?1");
            let revision = case as u32 - 17;
            let work = Work::Receipt { account: person, device: OTHER, notice: NoticeId(1), revision, receipt: Receipt::Reached };
            ask(store, 3, work).unwrap();
        }
        20 => {
            let work = Work::Receipt { account: person, device: DEVICE, notice: NoticeId(2), revision: 1, receipt: Receipt::Reached };
            ask(store, 3, work).unwrap();
        }
        _ => {}
    }
}

/// Notes in the plainest way that the first notice is on its way to a device.
pub(super) fn queue_alone(store: &Store, at: u64, account: AccountId, device: DeviceId) {
    let line = line_of(&store.connection, NoticeId(1), account, device).unwrap();
    let note = "INSERT INTO ledger_devices (notice, account, device, queued_at) SELECT notice, account, ?2, ?3 FROM ledger
        WHERE notice = 1 AND account = ?1 ON CONFLICT DO UPDATE SET queued_at = min(coalesce(queued_at, ?3), ?3)";
    store.connection.execute(note, params![clamped(account.0), line.0, clamped(at)]).unwrap();
}
