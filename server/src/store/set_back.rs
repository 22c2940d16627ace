//! The clock was ahead and has come back: what was noted by it and decides something yet to come is put right. What only tells when
//! something was said or done stays as it was written.

use belfry_core::chat::NoticeId;
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, params};

use super::ClockSetBack;
use super::column::{clamped, number};
use super::error::Trouble;
use super::notice_changes::reminders;
use super::notices::with_people;

/// Open notices that are told again at most; of more, the newest.
const TOLD_AGAIN_MAX: i64 = 1000;

/// A reminder is never further away than its own interval.
const REMINDERS_SOONER: &str = "UPDATE notices SET remind_at = ?1 + remind_every
    WHERE remind_at IS NOT NULL AND remind_at > ?1 + remind_every";
/// A notice that was sent later than now lasts as long from now on as it was to last from then on.
const ENDS_SOONER: &str = "UPDATE notices SET expires_at = ?1 + (expires_at - sent_at)
    WHERE sent_at > ?1 AND expires_at > sent_at AND withdrawn_at IS NULL AND cleared_at IS NULL RETURNING id";
/// Those that were over by the clock as it was, and are not.
const OPEN_AGAIN: &str = "SELECT id FROM notices WHERE expires_at > ?1 AND expires_at <= ?2 AND withdrawn_at IS NULL AND cleared_at IS NULL
    ORDER BY id DESC LIMIT ?3";
const PEOPLE_SEEN: &str = "UPDATE accounts SET last_seen = ?1 WHERE last_seen > ?1";
const DEVICES_SEEN: &str = "UPDATE devices SET last_seen = ?1 WHERE last_seen > ?1";
const ADDRESSES_SEEN: &str = "UPDATE known_addresses SET last_seen = ?1 WHERE last_seen > ?1";

/// The latest time at which anybody was here or has said something.
const NEWEST: &str = "SELECT max(coalesce((SELECT max(last_seen) FROM accounts), 0), coalesce((SELECT max(m.sent_at)
    FROM conversations c CROSS JOIN messages m ON m.conversation = c.id AND m.seq = c.last_seq), 0))";

pub(super) fn newest(connection: &Connection) -> Result<UnixMillis, super::StoreError> {
    Ok(UnixMillis(connection.prepare_cached(NEWEST)?.query_row([], |row| number(row, 0))?))
}

pub(super) fn set_back(connection: &Connection, at: UnixMillis, from: UnixMillis) -> Result<ClockSetBack, Trouble> {
    let now = clamped(at.0);
    for statement in [REMINDERS_SOONER, PEOPLE_SEEN, DEVICES_SEEN, ADDRESSES_SEEN] {
        connection.prepare_cached(statement)?.execute([now])?;
    }
    let id = |row: &rusqlite::Row<'_>| number(row, 0).map(NoticeId);
    let sooner: Vec<_> = connection.prepare_cached(ENDS_SOONER)?.query_map([now], id)?.collect::<Result<_, _>>()?;
    let mut again: Vec<_> =
        connection.prepare_cached(OPEN_AGAIN)?.query_map(params![now, clamped(from.0), TOLD_AGAIN_MAX], id)?.collect::<Result<_, _>>()?;
    again.extend(sooner);
    again.sort_unstable();
    again.dedup();
    let open = again.into_iter().map(|notice| with_people(connection, at, notice)).collect::<Result<_, _>>()?;
    Ok(ClockSetBack { open, reminders: reminders(connection)? })
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountId, NoticeChange, NoticeState, Reminding};

    use super::super::fixture::{DEVICE, LOBBY, add, ask, direct, each_store, named, notice_to, post, sent, sign_in};
    use super::super::{List, Outcome, Store, StoredDevices, StoredNotice, Target, Work};
    use super::*;

    /// By how much the clock was ahead.
    const AHEAD: u64 = 1_000_000;

    fn notice(store: &mut Store, at: u64, counter: u64, lasts: Option<u64>, remind: Option<u64>) -> NoticeId {
        let root = AccountId(1);
        let mut work = notice_to(root, counter, &["anna"]);
        if let Work::SendNotice { draft, .. } = &mut work {
            draft.expires_after_ms = lasts;
            draft.remind = remind.map(|every_ms| Reminding { every_ms, limit: 5 });
        }
        sent(ask(store, at, work)).0.id
    }

    fn back(store: &mut Store, at: u64, from: u64) -> (Vec<StoredNotice>, Vec<(UnixMillis, NoticeId)>) {
        let ClockSetBack { open, reminders } = ask(store, at, Work::SetClockBack { from: UnixMillis(from) }).unwrap().expect().unwrap();
        (open, reminders)
    }

    fn with_anna(store: &mut Store) -> AccountId {
        add(store, "root");
        add(store, "anna")
    }

    #[test]
    fn reminders_come_at_their_interval_from_now_on_and_sooner_ones_stay() {
        each_store(|store| {
            with_anna(store);
            let (near, far, none) =
                (notice(store, 10, 1, None, Some(500)), notice(store, 10, 2, None, Some(500)), notice(store, 10, 3, None, None));
            ask(store, 10 + AHEAD, Work::ChangeNotice { notice: far, change: NoticeChange::Remind }).unwrap();
            assert_eq!(store.opening().unwrap().reminders, [(UnixMillis(510), near), (UnixMillis(510 + AHEAD), far)]);
            let reminders = [(UnixMillis(510), near), (UnixMillis(520), far)];
            assert_eq!(back(store, 20, 20 + AHEAD).1, reminders);
            assert_eq!(store.opening().unwrap().reminders, reminders);
            assert!(none > far);
        });
    }

    #[test]
    fn what_was_over_by_the_clock_as_it_was_is_open_again_and_nothing_else_is_told() {
        each_store(|store| {
            let anna = with_anna(store);
            let over = notice(store, 10, 1, Some(5), None);
            let again = notice(store, 10, 2, Some(100), None);
            let last = notice(store, 10, 3, Some(AHEAD), None);
            let later = notice(store, 10, 4, Some(AHEAD + 1), None);
            let endless = notice(store, 10, 5, None, None);
            let [withdrawn, cleared] = [6, 7].map(|counter| notice(store, 10, counter, Some(100), None));
            ask(store, 11, Work::ChangeNotice { notice: withdrawn, change: NoticeChange::Withdraw }).unwrap();
            ask(store, 11, Work::ChangeNotice { notice: cleared, change: NoticeChange::AllClear { body: None } }).unwrap();
            let open = back(store, 20, 10 + AHEAD).0;
            assert_eq!(open.iter().map(|stored| stored.notice.id).collect::<Vec<_>>(), [again, last]);
            assert!(open.iter().all(|stored| stored.people == [(anna, None)] && stored.notice.state == NoticeState::Open));
            assert!(over < again && later < endless);
        });
    }

    #[test]
    fn what_was_sent_by_the_clock_that_was_ahead_ends_as_soon_as_it_was_to_and_that_is_told() {
        each_store(|store| {
            with_anna(store);
            let early = notice(store, 10, 1, Some(AHEAD + 900), None);
            let ahead = notice(store, 10 + AHEAD, 2, Some(400), None);
            let endless = notice(store, 10 + AHEAD, 3, None, None);
            let [withdrawn, cleared] = [4, 5].map(|counter| notice(store, 10 + AHEAD, counter, Some(400), None));
            ask(store, 11 + AHEAD, Work::ChangeNotice { notice: withdrawn, change: NoticeChange::Withdraw }).unwrap();
            ask(store, 11 + AHEAD, Work::ChangeNotice { notice: cleared, change: NoticeChange::AllClear { body: None } }).unwrap();
            let open = back(store, 20, 20 + AHEAD).0;
            let told: Vec<_> = open.iter().map(|stored| (stored.notice.id, stored.notice.expires_at)).collect();
            assert_eq!(told, [(ahead, Some(UnixMillis(420)))]);
            let end = |store: &Store, id| with_people(&store.connection, UnixMillis(20), id).unwrap().notice.expires_at;
            assert_eq!([early, endless].map(|id| end(store, id)), [Some(UnixMillis(10 + AHEAD + 900)), None]);
            assert_eq!([withdrawn, cleared].map(|id| end(store, id)), [Some(UnixMillis(410 + AHEAD)); 2], "what is over stays as it was");
            assert_eq!(back(store, 30, 30).0, [], "and once is enough");
            assert_eq!(end(store, ahead), Some(UnixMillis(420)));
        });
    }

    #[test]
    fn what_was_said_by_a_clock_that_was_ahead_is_not_the_newest_once_something_was_said_after_it() {
        each_store(|store| {
            let anna = with_anna(store);
            let mut said = |at, counter, to| drop(ask(store, at, post(anna, counter, to, "hello")).unwrap());
            (1..=3).for_each(|counter| said(10, counter, Target::Room(LOBBY)));
            for (counter, at) in [(4, 20), (5, 21), (6, 22 + AHEAD), (7, 30)] {
                said(at, counter, direct("root"));
            }
            assert_eq!(store.opening().unwrap().newest, UnixMillis(30));
        });
    }

    #[test]
    fn nobody_was_here_later_than_now_and_the_newest_of_all_is_known() {
        each_store(|store| {
            assert_eq!(store.opening().unwrap().newest, UnixMillis(0), "a new house has seen nothing");
            let anna = with_anna(store);
            let bob = add(store, "bob");
            ask(store, 25, post(anna, 7, Target::Room(LOBBY), "hello")).unwrap();
            assert_eq!(store.opening().unwrap().newest, UnixMillis(25));
            sign_in(store, 30, bob);
            sign_in(store, 40 + AHEAD, anna);
            assert_eq!(store.opening().unwrap().newest, UnixMillis(40 + AHEAD));
            back(store, 50, 50 + AHEAD);
            let Ok(Outcome::Accounts(accounts)) = ask(store, 50, Work::List(List::Accounts { after: None })) else { panic!() };
            let seen: Vec<_> = accounts.entries.iter().filter_map(|(_, account)| account.last_seen).collect();
            assert_eq!(seen, [UnixMillis(50), UnixMillis(30)], "anna, bob");
            for (name, at) in [("anna", 50), ("bob", 30)] {
                let asked = ask(store, 50, Work::ListDevices { account: named(name), after: None });
                let Ok(Outcome::Devices(StoredDevices { devices, .. })) = asked else { panic!() };
                assert_eq!(
                    devices.entries.iter().map(|device| (device.device, device.last_seen)).collect::<Vec<_>>(),
                    [(DEVICE, UnixMillis(at))]
                );
            }
            let addresses = "SELECT count(*) FROM known_addresses WHERE last_seen > 50";
            assert_eq!(store.connection.query_row(addresses, [], |row| row.get::<_, u32>(0)).unwrap(), 0);
            assert_eq!(store.opening().unwrap().newest, UnixMillis(50));
        });
    }
}
