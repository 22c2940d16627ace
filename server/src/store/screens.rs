//! Writing the ledger many lines at once: what screens report of notices that have reached them.

use belfry_core::chat::AccountId;
use belfry_core::time::UnixMillis;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::column::clamped;
use super::error::Trouble;
use super::ledger::COUNT;
use super::reached::{REACH, REACH_OTHERS, wording};
use super::sets::{SIZES, execute, for_lines, one_of_each, own_or_shared_line, twice};
use super::{NoticeProgress, Outcome, Reached, ScreenReport, notices};
use crate::limits::LEDGER_DEVICES_MAX;

// Nearly everybody who sees a notice has been reached before, and is in the totals: the others are looked for only where some are left.
const SHOW: [&str; SIZES.len()] = for_lines!(
    "UPDATE ledger SET visible_at = ?2, revision = max(revision, ?3)
        WHERE notice = ?1 AND visible_at IS NULL AND reached_at IS NOT NULL AND later = 0 AND account IN (",
    "?",
    ")"
);
const SHOW_OTHERS: [&str; SIZES.len()] = for_lines!(
    "UPDATE ledger SET reached_at = coalesce(reached_at, ?2), visible_at = coalesce(visible_at, ?2), revision = max(revision, ?3)
        WHERE notice = ?1 AND (visible_at IS NULL OR revision < ?3) AND account IN (",
    "?",
    ")"
);
const SHOW_ON_DEVICES: [&str; SIZES.len()] = for_lines!(
    concat!(
        "INSERT INTO ledger_devices (notice, account, device, queued_at, reached_at, visible_at, revision) SELECT ?1, v.column1, ",
        own_or_shared_line!(),
        ", ?2, ?2, ?2, ?4 FROM (VALUES "
    ),
    "(?, ?)",
    ") v CROSS JOIN ledger l WHERE l.notice = ?1 AND l.account = v.column1
        ON CONFLICT DO UPDATE SET queued_at = coalesce(queued_at, excluded.queued_at),
            reached_at = coalesce(reached_at, excluded.reached_at), visible_at = coalesce(visible_at, excluded.visible_at),
            locked_at = NULL, revision = max(revision, excluded.revision)
            WHERE visible_at IS NULL OR locked_at IS NOT NULL OR revision < excluded.revision"
);
const LOCK_ON_DEVICES: [&str; SIZES.len()] = for_lines!(
    concat!(
        "INSERT INTO ledger_devices (notice, account, device, queued_at, reached_at, locked_at, revision) SELECT ?1, v.column1, ",
        own_or_shared_line!(),
        ", ?2, ?2, ?2, ?4 FROM (VALUES "
    ),
    "(?, ?)",
    ") v CROSS JOIN ledger l WHERE l.notice = ?1 AND l.account = v.column1
        ON CONFLICT DO UPDATE SET queued_at = coalesce(queued_at, excluded.queued_at),
            reached_at = coalesce(reached_at, excluded.reached_at), locked_at = excluded.locked_at, revision = max(revision, excluded.revision)"
);

/// So many came further than they were, of those who count.
#[derive(Clone, Copy, Debug, Default)]
struct CameFurther {
    reached: usize,
    visible: usize,
}

/// Notes what screens report, in the order in which each person's did: each notice's counters once.
pub(super) fn note(connection: &Connection, at: UnixMillis, mut reports: Vec<ScreenReport>) -> Result<Outcome, Trouble> {
    reports.sort_by_key(|report| (report.notice, report.account));
    let mut progress = Vec::new();
    for of_notice in reports.chunk_by_mut(|one, next| one.notice == next.notice) {
        let Some(&mut ScreenReport { notice, .. }) = of_notice.first_mut() else { continue };
        let Some((author, newest)) = wording(connection, notice)? else { continue };
        // Nobody has a wording that was not written yet, or none.
        of_notice.iter_mut().for_each(|report| report.revision = report.revision.min(newest).max(1));
        let mut news = CameFurther::default();
        one_of_each(of_notice, |report| report.account, |reports| note_once(connection, at, reports, &mut news))?;
        if news.reached > 0 || news.visible > 0 {
            let news = [clamped(notice.0), clamped(news.reached as u64), clamped(news.visible as u64), 0];
            let now = connection.prepare_cached(COUNT)?.query_row(news, |row| notices::progress(row, 0))?;
            progress.push(NoticeProgress { notice, author, progress: now });
        }
    }
    Ok(Reached { progress }.into())
}

/// Notes one report of each person about one notice.
fn note_once(connection: &Connection, at: UnixMillis, reports: &[ScreenReport], news: &mut CameFurther) -> rusqlite::Result<()> {
    let mut reports = reports.to_vec();
    reports.sort_by_key(|report| (report.visible, report.revision));
    for alike in reports.chunk_by(|one, next| (one.visible, one.revision) == (next.visible, next.revision)) {
        let Some(&ScreenReport { notice, revision, visible, .. }) = alike.first() else { continue };
        let (id, at, revision) = (clamped(notice.0), clamped(at.0), i64::from(revision));
        let people = |statements| execute(connection, statements, &[id, at, revision], alike, |report| [person(report.account)]);
        let statements = if visible {
            let mut seen = people(&SHOW)?;
            if seen < alike.len() {
                news.reached += people(&REACH)?;
                seen += people(&SHOW)?;
            }
            if seen < alike.len() {
                people(&SHOW_OTHERS)?;
            }
            news.visible += seen;
            &SHOW_ON_DEVICES
        } else {
            let reached = people(&REACH)?;
            if reached < alike.len() {
                people(&REACH_OTHERS)?;
            }
            news.reached += reached;
            &LOCK_ON_DEVICES
        };
        let notes = [id, at, LEDGER_DEVICES_MAX.into(), revision];
        execute(connection, statements, &notes, alike, |report| [person(report.account), ValueRef::Blob(&report.device.0)])?;
    }
    Ok(())
}

fn person(account: AccountId) -> ValueRef<'static> {
    ValueRef::Integer(clamped(account.0))
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{DeviceId, NoticeChange, NoticeId, Receipt, Text};
    use belfry_core::rng::{below, from_seed};

    use super::super::fixture::{DEVICE, add, arrive, ask, notice_to, sent};
    use super::super::ledger_house::{CASES, OTHER, delivery, fill, house, prepare, rows};
    use super::super::{NoticeDelivery, Store, Work};
    use super::*;

    fn report(notice: u64, account: AccountId, device: DeviceId, revision: u32, visible: bool) -> ScreenReport {
        ScreenReport { notice: NoticeId(notice), revision, account, device, visible }
    }

    /// How many have been reached and have seen it, of the notices that came further.
    fn note(store: &mut Store, at: u64, reports: Vec<ScreenReport>) -> Vec<(u64, [u64; 2])> {
        let Reached { progress } = ask(store, at, Work::Screens { reports }).unwrap().expect().unwrap();
        progress.into_iter().map(|news| (news.notice.0, [news.progress.reached, news.progress.visible])).collect()
    }

    /// Notes the same in the plainest way: one receipt after the other.
    fn note_alone(store: &mut Store, at: u64, reports: Vec<ScreenReport>) {
        for ScreenReport { notice, revision, account, device, visible } in reports {
            let receipt = if visible { Receipt::Visible } else { Receipt::Locked };
            let _ = ask(store, at, Work::Receipt { account, device, notice, revision, receipt });
        }
    }

    #[test]
    fn every_form_of_a_statement_writes_what_one_receipt_after_the_other_does() {
        let ways = [(true, [1, 2]), (true, [2, 1]), (false, [1, 2])];
        for (size, (visible, revisions)) in SIZES.into_iter().flat_map(|size| ways.map(|way| (size, way))) {
            for first in (0..CASES).step_by(size) {
                let both = [true, false].map(|together| {
                    let (mut store, people) = house(size + 3);
                    people.iter().for_each(|&person| drop(ask(&mut store, 1, arrive(person, OTHER, true)).unwrap()));
                    store.connection.execute("UPDATE notices SET revision = 2", []).unwrap();
                    // Who reports nothing: their lines are nobody else's.
                    let (here, [with_lines, with_device, _]) = people.split_at(size) else { panic!() };
                    fill(&store, 1, *with_lines, None);
                    prepare(&mut store, 8, *with_device);
                    prepare(&mut store, 6, *with_device);
                    prepare(&mut store, 10, *with_device);
                    here.iter().enumerate().for_each(|(n, &person)| prepare(&mut store, (first + n) % CASES, person));
                    let mut seen = vec![rows(&store)];
                    for (revision, at) in revisions.into_iter().zip(7..) {
                        let reports = here.iter().map(|&person| report(1, person, DEVICE, revision, visible)).collect();
                        if together {
                            drop(note(&mut store, at, reports))
                        } else {
                            note_alone(&mut store, at, reports)
                        }
                        seen.push(rows(&store));
                    }
                    seen
                });
                assert_eq!(both[0], both[1], "{size} from {first}, visible: {visible}, {revisions:?}");
            }
        }
    }

    #[test]
    fn each_notices_counters_are_told_once_and_only_where_something_is_new() {
        let (mut store, people) = house(4);
        let [anna, bob, carol, outsider] = people[..] else { panic!() };
        let all = |visible| [anna, bob, anna, outsider].map(|person| report(1, person, DEVICE, 1, visible)).to_vec();
        assert_eq!(note(&mut store, 5, all(false)), [(1, [2, 0])], "a locked screen has been reached");
        assert_eq!(note(&mut store, 6, all(false)), []);
        let both = [all(true), vec![report(2, carol, DEVICE, 1, true), report(9, carol, DEVICE, 1, true)]].concat();
        assert_eq!(note(&mut store, 7, both.clone()), [(1, [2, 2]), (2, [1, 1])]);
        assert_eq!(note(&mut store, 8, both), [], "what is said again changes nothing");
        let mixed = vec![report(1, carol, DEVICE, 1, false), report(1, carol, OTHER, 1, true)];
        assert_eq!(note(&mut store, 9, mixed), [(1, [3, 3])], "locked on one device and seen on the other");
    }

    #[test]
    fn whom_nothing_had_reached_is_reached_by_what_they_see_however_many_they_are() {
        for size in SIZES {
            let (mut store, people) = house(size + 1);
            let reports = people.iter().map(|&person| report(1, person, DEVICE, 1, true)).collect();
            assert_eq!(note(&mut store, 5, reports), [(1, [size as u64; 2])]);
            let reached = "SELECT count(*) FROM ledger WHERE notice = 1 AND reached_at = 5 AND visible_at = 5 AND revision = 1";
            assert_eq!(store.connection.query_row(reached, [], |row| row.get::<_, i64>(0)), Ok(size as i64));
            // The second notice has reached all of them, in an older wording than they see.
            let arrived = people.iter().map(|&person| delivery(2, person, DEVICE, None)).collect();
            ask(&mut store, 6, Work::Reached { deliveries: arrived }).unwrap();
            store.connection.execute("UPDATE notices SET revision = 2", []).unwrap();
            let reports = people.iter().take(size).map(|&person| report(2, person, DEVICE, 2, true)).collect();
            assert_eq!(note(&mut store, 7, reports), [(2, [size as u64; 2])]);
            let newer = "SELECT count(*) FROM ledger WHERE notice = 2 AND reached_at = 6 AND visible_at = 7 AND revision = 2";
            assert_eq!(store.connection.query_row(newer, [], |row| row.get::<_, i64>(0)), Ok(size as i64));
        }
    }

    #[test]
    fn who_joined_later_has_seen_it_and_is_in_no_total() {
        let (mut store, people) = house(4);
        store.connection.execute("UPDATE ledger SET later = 1 WHERE account = ?1", [clamped(people[1].0)]).unwrap();
        let reports = people.iter().map(|&person| report(1, person, DEVICE, 1, true)).collect();
        assert_eq!(note(&mut store, 5, reports), [(1, [2, 2])]);
        let seen = "SELECT count(*) FROM ledger WHERE notice = 1 AND reached_at = 5 AND visible_at = 5";
        assert_eq!(store.connection.query_row(seen, [], |row| row.get::<_, i64>(0)), Ok(3));
    }

    #[test]
    fn reports_that_are_noted_together_leave_the_same_rows_as_one_receipt_after_the_other() {
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
                let mut one = || {
                    let device = [DEVICE, DeviceId([8; 32]), OTHER][draw(3) as usize];
                    report(1 + draw(4), people[draw(3) as usize], device, 1 + draw(3) as u32, draw(2) == 0)
                };
                let ScreenReport { notice, account, device, revision, .. } = one();
                let some: Vec<_> = (0..6).map(|_| one()).collect();
                for store in [&mut together, &mut alone] {
                    let _ = match at % 4 {
                        0 => {
                            let body = Some(Text::new("anew").unwrap());
                            let change = NoticeChange::Update { severity: None, title: None, body, expires_after_ms: None };
                            ask(store, at, Work::ChangeNotice { notice, change })
                        }
                        1 => {
                            let deliveries = vec![NoticeDelivery { notice, account, device, revision, queued_at: None }];
                            ask(store, at, Work::Reached { deliveries })
                        }
                        2 => ask(store, at, Work::Receipt { account, device, notice, revision, receipt: Receipt::Answered(0) }),
                        _ => ask(store, at, Work::Queued { deliveries: vec![(notice, account, device)] }),
                    };
                }
                note(&mut together, at, some.clone());
                note_alone(&mut alone, at, some);
                assert_eq!(rows(&together), rows(&alone), "seed {seed}, at {at}");
            }
        }
    }
}
