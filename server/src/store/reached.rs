//! Writing the ledger: what has reached programs that show notices, many at once.

use belfry_core::chat::AccountId;
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, params};

use super::column::{clamped, number, small};
use super::error::Trouble;
use super::ledger::{COUNT, PROGRESS, line_of};
use super::{NoticeDelivery, NoticeProgress, Outcome, Reached, notices};

const WORDING: &str = "SELECT author, revision FROM notices WHERE id = ?1";
// Whoever has not been reached has confirmed no wording: their revision is 0.
const REACH: &str = "UPDATE ledger SET reached_at = ?3, revision = ?4
    WHERE notice = ?1 AND account = ?2 AND reached_at IS NULL RETURNING later";
const REACH_ANEW: &str = "UPDATE ledger SET revision = ?3 WHERE notice = ?1 AND account = ?2 AND revision < ?3";
const REACH_DEVICE: &str = "INSERT INTO ledger_devices (notice, account, device, queued_at, reached_at, revision)
        SELECT notice, account, ?3, ?4, ?4, ?5 FROM ledger WHERE notice = ?1 AND account = ?2
    ON CONFLICT DO UPDATE SET queued_at = coalesce(queued_at, excluded.queued_at), reached_at = coalesce(reached_at, excluded.reached_at),
        revision = excluded.revision WHERE revision < excluded.revision";

/// Notes what has reached programs that show notices, many at once: in the order of the ledger, each notice's counters once.
pub(super) fn note(connection: &Connection, at: UnixMillis, mut deliveries: Vec<NoticeDelivery>) -> Result<Outcome, Trouble> {
    deliveries.sort_unstable();
    deliveries.dedup();
    let mut progress = Vec::new();
    for of_notice in deliveries.chunk_by(|one, next| one.notice == next.notice) {
        let Some(&NoticeDelivery { notice, .. }) = of_notice.first() else { continue };
        let id = clamped(notice.0);
        let wording = connection.prepare_cached(WORDING)?.query_row([id], |row| Ok((number(row, 0)?, small(row, 1)?))).optional()?;
        let Some((author, newest)) = wording else { continue };
        let mut news = 0_u32;
        for &NoticeDelivery { account, device, revision, .. } in of_notice {
            // Nobody has a wording that was not written yet.
            let (person, revision) = (clamped(account.0), revision.min(newest));
            let later: Option<bool> =
                connection.prepare_cached(REACH)?.query_row(params![id, person, clamped(at.0), revision], |row| row.get(0)).optional()?;
            match later {
                Some(later) => news += u32::from(!later),
                None if revision > 1 => drop(connection.prepare_cached(REACH_ANEW)?.execute(params![id, person, revision])?),
                None => {}
            }
            let line = line_of(connection, notice, account, device)?;
            connection.prepare_cached(REACH_DEVICE)?.execute(params![id, person, line.0, clamped(at.0), revision])?;
        }
        if news > 0 {
            connection.prepare_cached(COUNT)?.execute(params![id, news, 0, 0])?;
            let now = connection.prepare_cached(PROGRESS)?.query_row([id], |row| notices::progress(row, 0))?;
            progress.push(NoticeProgress { notice, author: AccountId(author), progress: now });
        }
    }
    Ok(Reached { progress }.into())
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{DeviceId, NoticeChange, NoticeId, Receipt, Text};

    use super::super::fixture::{DEVICE, add, arrive, ask, notice_to, sent};
    use super::super::{Store, Work};
    use super::*;

    /// Everything that is noted of notices.
    fn rows(store: &Store) -> Vec<String> {
        let tables = [("notices", "id"), ("ledger", "notice, account"), ("ledger_devices", "notice, account, device")];
        let mut rows = Vec::new();
        for (table, order) in tables {
            let mut statement = store.connection.prepare(&format!("SELECT * FROM {table} ORDER BY {order}")).unwrap();
            let columns = statement.column_count();
            let read = statement.query_map([], |row| {
                Ok((0..columns).map(|column| format!("{:?}", row.get_ref_unwrap(column))).collect::<Vec<_>>().join(" "))
            });
            rows.extend(read.unwrap().map(|row| format!("{table}: {}", row.unwrap())));
        }
        rows
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
                        let NoticeDelivery { notice, account, device, revision } = one;
                        let receipt = [Receipt::Locked, Receipt::Visible, Receipt::Answered(0)][draw(3) as usize];
                        for store in [&mut together, &mut alone] {
                            let _ = ask(store, at, Work::Receipt { account, device, notice, revision, receipt });
                        }
                    }
                    _ => {
                        ask(&mut together, at, Work::Reached { deliveries: some.clone() }).unwrap();
                        for NoticeDelivery { notice, account, device, revision } in some {
                            let _ = ask(&mut alone, at, Work::Receipt { account, device, notice, revision, receipt: Receipt::Reached });
                        }
                    }
                }
                assert_eq!(rows(&together), rows(&alone), "seed {seed}, at {at}");
            }
        }
    }
}
