//! Writing the ledger many lines at once: what is on its way to programs that show notices, and what has reached them.

use belfry_core::chat::{AccountId, NoticeId};
use belfry_core::time::UnixMillis;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};

use super::column::{clamped, number, small};
use super::error::Trouble;
use super::ledger::COUNT;
use super::sets::{SIZES, execute, for_lines, one_of_each, own_or_shared_line, twice};
use super::{Changed, NoticeDelivery, NoticeProgress, Outcome, QueuedNotice, Reached, notices};
use crate::limits::LEDGER_DEVICES_MAX;

const WORDING: &str = "SELECT author, revision FROM notices WHERE id = ?1";
// Whoever has not been reached has confirmed no wording: their revision is 0. In the totals are those who were meant when it was sent.
pub(super) const REACH: [&str; SIZES.len()] = for_lines!(
    "UPDATE ledger SET reached_at = ?2, revision = ?3 WHERE notice = ?1 AND reached_at IS NULL AND later = 0 AND account IN (",
    "?",
    ")"
);
pub(super) const REACH_OTHERS: [&str; SIZES.len()] = for_lines!(
    "UPDATE ledger SET reached_at = coalesce(reached_at, ?2), revision = ?3 WHERE notice = ?1 AND revision < ?3 AND account IN (",
    "?",
    ")"
);
const REACH_DEVICES: [&str; SIZES.len()] = for_lines!(
    concat!(
        "INSERT INTO ledger_devices (notice, account, device, queued_at, reached_at, revision)
            SELECT ?1, v.column1, ",
        own_or_shared_line!(),
        ", coalesce(v.column3, ?2), ?2, ?4 FROM (VALUES "
    ),
    "(?, ?, ?)",
    ") v CROSS JOIN ledger l WHERE l.notice = ?1 AND l.account = v.column1
        ON CONFLICT DO UPDATE SET queued_at = min(coalesce(queued_at, excluded.queued_at), excluded.queued_at),
            reached_at = coalesce(reached_at, excluded.reached_at), revision = max(revision, excluded.revision)
            WHERE revision < excluded.revision OR queued_at > excluded.queued_at"
);
const QUEUE: [&str; SIZES.len()] = for_lines!(
    concat!(
        "INSERT INTO ledger_devices (notice, account, device, queued_at) SELECT ?1, v.column1, ",
        own_or_shared_line!(),
        ", ?2 FROM (VALUES "
    ),
    "(?, ?)",
    ") v CROSS JOIN ledger l WHERE l.notice = ?1 AND l.account = v.column1
        ON CONFLICT DO UPDATE SET queued_at = excluded.queued_at WHERE queued_at IS NULL OR queued_at > excluded.queued_at"
);

/// Notes what has reached programs that show notices: each notice's counters once.
pub(super) fn note(connection: &Connection, at: UnixMillis, mut deliveries: Vec<NoticeDelivery>) -> Result<Outcome, Trouble> {
    deliveries.sort_unstable();
    let mut progress = Vec::new();
    for of_notice in deliveries.chunk_by_mut(|one, next| one.notice == next.notice) {
        let Some(&mut NoticeDelivery { notice, .. }) = of_notice.first_mut() else { continue };
        let Some((author, newest)) = wording(connection, notice)? else { continue };
        // Nobody has a wording that was not written yet, or none.
        of_notice.iter_mut().for_each(|delivery| delivery.revision = delivery.revision.min(newest).max(1));
        of_notice.sort_unstable();
        let mut news = 0;
        for of_wording in of_notice.chunk_by(|one, next| one.revision == next.revision) {
            news += note_wording(connection, at, of_wording)?;
        }
        if news > 0 {
            let news = [clamped(notice.0), clamped(news as u64), 0, 0];
            let now = connection.prepare_cached(COUNT)?.query_row(news, |row| notices::progress(row, 0))?;
            progress.push(NoticeProgress { notice, author, progress: now });
        }
    }
    Ok(Reached { progress }.into())
}

/// Who has sent a notice, and which of its wordings is the newest.
pub(super) fn wording(connection: &Connection, notice: NoticeId) -> rusqlite::Result<Option<(AccountId, u32)>> {
    let read = |row: &Row<'_>| Ok((AccountId(number(row, 0)?), small(row, 1)?));
    connection.prepare_cached(WORDING)?.query_row([clamped(notice.0)], read).optional()
}

/// Notes whom one wording of one notice has reached, in order of account. How many had not been reached, of those who count.
fn note_wording(connection: &Connection, at: UnixMillis, deliveries: &[NoticeDelivery]) -> Result<usize, Trouble> {
    let Some(&NoticeDelivery { notice, revision, .. }) = deliveries.first() else { return Ok(0) };
    let (id, at, revision) = (clamped(notice.0), clamped(at.0), i64::from(revision));
    let mut people: Vec<_> = deliveries.iter().map(|delivery| clamped(delivery.account.0)).collect();
    people.dedup();
    let news = execute(connection, &REACH, &[id, at, revision], &people, |&person| [ValueRef::Integer(person)])?;
    if news < people.len() {
        execute(connection, &REACH_OTHERS, &[id, at, revision], &people, |&person| [ValueRef::Integer(person)])?;
    }
    one_of_each(
        deliveries,
        |delivery| delivery.account,
        |deliveries| {
            execute(connection, &REACH_DEVICES, &[id, at, LEDGER_DEVICES_MAX.into(), revision], deliveries, reached_line).map(drop)
        },
    )?;
    Ok(news)
}

/// Notes what is on its way. Whoever is not in the audience has no line.
pub(super) fn queued(connection: &Connection, at: UnixMillis, mut deliveries: Vec<QueuedNotice>) -> Result<Outcome, Trouble> {
    deliveries.sort_unstable();
    for of_notice in deliveries.chunk_by(|(one, ..), (next, ..)| one == next) {
        let Some((notice, ..)) = of_notice.first() else { continue };
        let notes = [clamped(notice.0), clamped(at.0), LEDGER_DEVICES_MAX.into()];
        one_of_each(
            of_notice,
            |&(_, account, _)| account,
            |deliveries| execute(connection, &QUEUE, &notes, deliveries, queued_line).map(drop),
        )?;
    }
    Ok(Changed.into())
}

fn queued_line((_, account, device): &QueuedNotice) -> [ValueRef<'_>; 2] {
    [ValueRef::Integer(clamped(account.0)), ValueRef::Blob(&device.0)]
}

fn reached_line(delivery: &NoticeDelivery) -> [ValueRef<'_>; 3] {
    let queued_at = delivery.queued_at.map_or(ValueRef::Null, |at| ValueRef::Integer(clamped(at.0)));
    [ValueRef::Integer(clamped(delivery.account.0)), ValueRef::Blob(&delivery.device.0), queued_at]
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{DeviceId, NoticeChange, Receipt, Text};

    use super::super::column::{device, optional_time};
    use super::super::fixture::{DEVICE, add, arrive, ask, notice_to, sent};
    use super::super::ledger_house::{CASES, OTHER, delivery, fill, house, prepare, queue_alone, reached, rows};
    use super::super::{Store, Work};
    use super::*;

    /// When each device was sent the notice of this number, and when it had reached it.
    fn times(store: &Store, notice: u64) -> Vec<(u64, DeviceId, Option<u64>, Option<u64>)> {
        let lines = "SELECT account, device, queued_at, reached_at FROM ledger_devices WHERE notice = ?1 ORDER BY account, device";
        let mut statement = store.connection.prepare(lines).unwrap();
        let time = |row: &Row<'_>, column| Ok::<_, rusqlite::Error>(optional_time(row, column)?.map(|at| at.0));
        let read = statement.query_map([clamped(notice)], |row| Ok((number(row, 0)?, device(row, 1)?, time(row, 2)?, time(row, 3)?)));
        read.unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn however_many_are_noted_together_each_has_one_line_and_those_outside_have_none() {
        let most = SIZES.iter().sum::<usize>() + 2;
        for people in [2, 3, 4, 7, 20, most] {
            let (mut store, accounts) = house(people);
            let queued = accounts.iter().map(|&account| (NoticeId(1), account, DEVICE)).collect();
            ask(&mut store, 3, Work::Queued { deliveries: queued }).unwrap();
            let half = accounts.iter().step_by(2).map(|&account| delivery(1, account, DEVICE, None)).collect();
            let here = people - 1;
            assert_eq!(reached(&mut store, 4, half), [here.div_ceil(2) as u64]);
            let all: Vec<_> = accounts.iter().map(|&account| delivery(1, account, DEVICE, None)).collect();
            let news = reached(&mut store, 5, all.clone());
            assert_eq!(news, if here > 1 { vec![here as u64] } else { vec![] });
            assert_eq!(reached(&mut store, 6, all), [0; 0]);
            let expected = accounts.iter().take(here).zip(0_u64..);
            let expected: Vec<_> = expected.map(|(account, n)| (account.0, DEVICE, Some(3), Some(4 + n % 2))).collect();
            assert_eq!(times(&store, 1), expected, "{people} people");
            assert_eq!(times(&store, 2), []);
            let reached = "SELECT count(*) FROM ledger WHERE reached_at IS NOT NULL OR revision > 0";
            assert_eq!(store.connection.query_row(reached, [], |row| number(row, 0)), Ok(here as u64));
        }
    }

    #[test]
    fn every_form_of_a_statement_writes_what_one_line_after_the_other_does() {
        for size in SIZES {
            for first in (0..CASES).step_by(size) {
                let both = [true, false].map(|together| {
                    let (mut store, people) = house(size + 3);
                    people.iter().for_each(|&person| drop(ask(&mut store, 1, arrive(person, OTHER, true)).unwrap()));
                    store.connection.execute("UPDATE notices SET revision = 2", []).unwrap();
                    // Whom nothing is sent to: their lines are nobody else's.
                    let (here, [with_lines, with_device, _]) = people.split_at(size) else { panic!() };
                    fill(&store, 1, *with_lines, None);
                    prepare(&mut store, 8, *with_device);
                    prepare(&mut store, 10, *with_device);
                    here.iter().enumerate().for_each(|(n, &person)| prepare(&mut store, (first + n) % CASES, person));
                    match together {
                        true => {
                            let deliveries = here.iter().map(|&person| (NoticeId(1), person, OTHER)).collect();
                            drop(ask(&mut store, 4, Work::Queued { deliveries }).unwrap());
                        }
                        false => here.iter().for_each(|&person| queue_alone(&store, 4, person, OTHER)),
                    }
                    let mut seen = vec![rows(&store)];
                    for (revision, at) in [(1, 7), (2, 8)] {
                        let arrived = |&person: &AccountId| NoticeDelivery { revision, ..delivery(1, person, DEVICE, Some(5)) };
                        match together {
                            true => drop(reached(&mut store, at, here.iter().map(arrived).collect())),
                            false => {
                                for &account in here {
                                    let (notice, device) = (NoticeId(1), DEVICE);
                                    queue_alone(&store, 5, account, device);
                                    let _ =
                                        ask(&mut store, at, Work::Receipt { account, device, notice, revision, receipt: Receipt::Reached });
                                }
                            }
                        }
                        seen.push(rows(&store));
                    }
                    seen
                });
                assert_eq!(both[0], both[1], "{size} from {first}");
            }
        }
    }

    #[test]
    fn whoever_joined_later_is_reached_as_everybody_and_in_no_total() {
        let (mut store, accounts) = house(4);
        store.connection.execute("UPDATE ledger SET later = 1 WHERE notice = 1 AND account = ?1", [clamped(accounts[1].0)]).unwrap();
        let all: Vec<_> = accounts.iter().map(|&account| delivery(1, account, DEVICE, None)).collect();
        assert_eq!(reached(&mut store, 4, all), [2]);
        let later = "SELECT account, reached_at, revision FROM ledger WHERE later = 1";
        let read = store.connection.query_row(later, [], |row| Ok((number(row, 0)?, number(row, 1)?, number(row, 2)?)));
        assert_eq!(read, Ok((accounts[1].0, 4, 1)));
        assert_eq!(times(&store, 1).len(), 3);
    }

    #[test]
    fn when_it_was_sent_is_the_first_time_whatever_is_noted_first() {
        let (mut store, accounts) = house(2);
        let mut noted = |at, deliveries| {
            reached(&mut store, at, deliveries);
            times(&store, 1).first().map(|&(_, _, queued_at, reached_at)| (queued_at, reached_at))
        };
        let (anna, since) = (accounts[0], |queued_at| vec![delivery(1, accounts[0], DEVICE, queued_at)]);
        assert_eq!(noted(8, since(Some(5))), Some((Some(5), Some(8))), "as it is said");
        assert_eq!(noted(9, since(Some(6))), Some((Some(5), Some(8))));
        assert_eq!(noted(9, since(None)), Some((Some(5), Some(8))));
        assert_eq!(noted(9, since(Some(4))), Some((Some(4), Some(8))), "a receipt was noted before");
        for (at, expected) in [(7, 4), (3, 3)] {
            ask(&mut store, at, Work::Queued { deliveries: vec![(NoticeId(1), anna, DEVICE)] }).unwrap();
            assert_eq!(times(&store, 1)[0].2, Some(expected));
        }
    }

    #[test]
    fn of_two_devices_that_come_together_the_second_sees_that_the_first_took_the_last_line() {
        let devices = [1, 2, 3].map(|first| DeviceId([first; 32]));
        for together in [true, false] {
            let (mut store, accounts) = house(3);
            devices.iter().for_each(|&device| drop(ask(&mut store, 2, arrive(accounts[0], device, true)).unwrap()));
            let fill = "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
                INSERT INTO ledger_devices (notice, account, device) SELECT 1, ?2, CAST(printf('%032d', i) AS BLOB) FROM n";
            store.connection.execute(fill, [LEDGER_DEVICES_MAX.into(), clamped(accounts[0].0)]).unwrap();
            let queued: Vec<_> = devices.iter().map(|&device| (NoticeId(1), accounts[0], device)).collect();
            let arrived: Vec<_> = devices.iter().map(|&device| delivery(1, accounts[0], device, None)).collect();
            match together {
                true => drop(ask(&mut store, 3, Work::Queued { deliveries: queued }).unwrap()),
                false => drop(reached(&mut store, 3, arrived)),
            }
            let own: Vec<_> = times(&store, 1).into_iter().filter(|line| line.2 == Some(3)).map(|line| line.1).collect();
            assert_eq!(own, [super::super::ledger::OTHERS, devices[0]]);
        }
    }

    #[test]
    fn what_reaches_many_at_once_leaves_the_same_rows_as_one_report_after_the_other() {
        use belfry_core::rng::{below, from_seed};
        let devices = [DEVICE, DeviceId([9; 32])];
        for seed in 0..24 {
            let mut rng = from_seed([seed; 32]);
            let mut draw = |bound: u64| below(&mut rng, bound);
            let (mut together, mut alone) = (Store::open_in_memory().unwrap(), Store::open_in_memory().unwrap());
            let mut people = Vec::new();
            for store in [&mut together, &mut alone] {
                let root = add(store, "root");
                people = ["anna", "bob", "carol"].map(|name| add(store, name)).to_vec();
                for (counter, audience) in [(1, &["anna", "bob"][..]), (2, &["bob", "carol"]), (3, &["anna", "bob", "carol"])] {
                    sent(ask(store, counter, notice_to(root, counter, audience)));
                }
                people.iter().for_each(|&person| drop(ask(store, 4, arrive(person, DEVICE, true)).unwrap()));
            }
            for at in 10..40 {
                let mut delivery = || NoticeDelivery {
                    notice: NoticeId(1 + draw(4)),
                    account: people[draw(3) as usize],
                    device: devices[draw(2) as usize],
                    revision: 1 + draw(3) as u32,
                    queued_at: None,
                };
                let one = delivery();
                let some: Vec<_> = (0..6).map(|_| delivery()).collect();
                match draw(5) {
                    0 => {
                        let body = Some(Text::new("anew").unwrap());
                        let change = NoticeChange::Update { severity: None, title: None, body, expires_after_ms: None };
                        for store in [&mut together, &mut alone] {
                            let _ = ask(store, at, Work::ChangeNotice { notice: one.notice, change: change.clone() });
                        }
                    }
                    1 => {
                        let deliveries = vec![(one.notice, one.account, one.device)];
                        for store in [&mut together, &mut alone] {
                            ask(store, at, Work::Queued { deliveries: deliveries.clone() }).unwrap();
                        }
                    }
                    2 => {
                        let NoticeDelivery { notice, account, device, revision, .. } = one;
                        let receipt = [Receipt::Locked, Receipt::Visible, Receipt::Answered(0)][draw(3) as usize];
                        for store in [&mut together, &mut alone] {
                            let _ = ask(store, at, Work::Receipt { account, device, notice, revision, receipt });
                        }
                    }
                    _ => {
                        ask(&mut together, at, Work::Reached { deliveries: some.clone() }).unwrap();
                        for NoticeDelivery { notice, account, device, revision, .. } in some {
                            let _ = ask(&mut alone, at, Work::Receipt { account, device, notice, revision, receipt: Receipt::Reached });
                        }
                    }
                }
                assert_eq!(rows(&together), rows(&alone), "seed {seed}, at {at}");
            }
        }
    }
}
