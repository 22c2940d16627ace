//! Writing the ledger: what each device reports, and what somebody missed while they were away.

use belfry_core::chat::{AccountId, DeviceId, GivenAnswer, Notice, NoticeId, NoticeState, Receipt, Refusal};
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, params};

use super::column::{clamped, number, optional_time, small};
use super::error::Trouble;
use super::{Outcome, ReceiptNoted, devices, notices};
use crate::limits::LEDGER_DEVICES_MAX;

const STANDING: &str = "SELECT n.author, n.answers, n.expires_at, n.withdrawn_at, n.cleared_at, n.revision,
        l.reached_at, l.visible_at, l.answered_at, l.later
    FROM ledger l CROSS JOIN notices n ON n.id = l.notice WHERE l.notice = ?1 AND l.account = ?2";
const NOTE: &str = "UPDATE ledger SET reached_at = coalesce(reached_at, ?3), visible_at = coalesce(visible_at, ?4),
    answered_at = coalesce(answered_at, ?5), answer = coalesce(answer, ?6), revision = max(revision, ?7) WHERE notice = ?1 AND account = ?2";
const NOTE_DEVICE: &str = "INSERT INTO ledger_devices
        (notice, account, device, queued_at, reached_at, locked_at, visible_at, answered_at, revision)
        VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT DO UPDATE SET queued_at = coalesce(queued_at, excluded.queued_at), reached_at = coalesce(reached_at, excluded.reached_at),
        locked_at = iif(excluded.visible_at IS NULL, coalesce(excluded.locked_at, locked_at), NULL),
        visible_at = coalesce(visible_at, excluded.visible_at), answered_at = coalesce(answered_at, excluded.answered_at),
        revision = max(revision, excluded.revision)";
pub(super) const COUNT: &str = "UPDATE notices SET reached = reached + ?2, visible = visible + ?3, answered = answered + ?4 WHERE id = ?1
    RETURNING audience, reached, visible, answered";
const PROGRESS: &str = "SELECT audience, reached, visible, answered FROM notices WHERE id = ?1";
const LAST_SEEN: &str = "SELECT last_seen FROM accounts WHERE id = ?1";

/// Notices without an answer of ?1 that ended after ?2 and are over at ?3.
macro_rules! ended_meanwhile {
    ($select:literal) => {
        concat!(
            $select,
            " FROM ledger l INDEXED BY ledger_waiting CROSS JOIN notices n ON n.id = l.notice
                WHERE l.account = ?1 AND l.answered_at IS NULL AND
                    min(coalesce(n.expires_at, ?3 + 1), coalesce(n.withdrawn_at, ?3 + 1), coalesce(n.cleared_at, ?3 + 1))
                        BETWEEN ?2 + 1 AND ?3"
        )
    };
}

const MISSED: &str = concat!(
    "UPDATE ledger SET offline_since = ?2 WHERE account = ?1 AND reached_at IS NULL AND notice IN (",
    ended_meanwhile!("SELECT l.notice"),
    ")"
);
const MISSED_BY_DEVICE: &str = concat!(
    "INSERT INTO ledger_devices (notice, account, device, offline_since) ",
    ended_meanwhile!("SELECT l.notice, ?1, ?4, ?2"),
    " AND EXISTS (SELECT 1 FROM devices d WHERE d.account = ?1 AND d.device = ?4 AND d.remembered = 1)
        AND (SELECT count(*) FROM ledger_devices c WHERE c.notice = l.notice AND c.account = ?1) < ?5
        ON CONFLICT DO UPDATE SET offline_since = excluded.offline_since WHERE reached_at IS NULL"
);

/// Whether a device has a line of its own: it is remembered, and has one or there is room for one.
const HAS_A_LINE: &str = "SELECT 1 FROM devices WHERE account = ?2 AND device = ?3 AND remembered = 1
    AND (EXISTS (SELECT 1 FROM ledger_devices WHERE notice = ?1 AND account = ?2 AND device = ?3)
        OR (SELECT count(*) FROM ledger_devices WHERE notice = ?1 AND account = ?2) < ?4)";

/// Whose line it is that all other programs of a person share: no device has this key.
pub(super) const OTHERS: DeviceId = DeviceId([0; 32]);

/// Whose screen.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReceivingDevice {
    pub(super) account: AccountId,
    pub(super) device: DeviceId,
}

/// Where a notice stands with one person.
struct PersonState {
    author: AccountId,
    answers: usize,
    state: NoticeState,
    revision: u32,
    reached: bool,
    visible: bool,
    answered: bool,
    later: bool,
}

fn standing(connection: &Connection, at: UnixMillis, account: AccountId, notice: NoticeId) -> Result<PersonState, Trouble> {
    let found = connection.prepare_cached(STANDING)?.query_row([clamped(notice.0), clamped(account.0)], |row| {
        Ok(PersonState {
            author: AccountId(number(row, 0)?),
            answers: notices::answers(row, 1)?.len(),
            state: notices::state(at, optional_time(row, 2)?, optional_time(row, 3)?, optional_time(row, 4)?),
            revision: small(row, 5)?,
            reached: optional_time(row, 6)?.is_some(),
            visible: optional_time(row, 7)?.is_some(),
            answered: optional_time(row, 8)?.is_some(),
            later: row.get(9)?,
        })
    });
    found.optional()?.ok_or(Refusal::UnknownNotice.into())
}

pub(super) fn note(
    connection: &Connection,
    at: UnixMillis,
    reader: ReceivingDevice,
    notice: NoticeId,
    revision: u32,
    receipt: Receipt,
) -> Result<Outcome, Trouble> {
    let ReceivingDevice { account, device } = reader;
    let before = standing(connection, at, account, notice)?;
    let answer = match receipt {
        Receipt::Answered(index) if usize::from(index) >= before.answers => return Err(Refusal::UnknownAnswer.into()),
        Receipt::Answered(_) if before.answered => None,
        Receipt::Answered(_) if before.state != NoticeState::Open => return Err(Refusal::NoticeClosed.into()),
        Receipt::Answered(index) => Some(index),
        Receipt::Reached | Receipt::Locked | Receipt::Visible => None,
    };
    let shown = matches!(receipt, Receipt::Visible | Receipt::Answered(_));
    let now_reached = !before.reached;
    let now_visible = !before.visible && shown;
    let now_answered = answer.is_some();
    // Nobody has a wording that was not written yet.
    let revision = revision.min(before.revision);
    let changed = now_reached || now_visible || now_answered;
    let (id, person) = (clamped(notice.0), clamped(account.0));
    let time = |noted: bool| noted.then_some(clamped(at.0));
    let row = params![id, person, clamped(at.0), time(shown), time(now_answered), answer, revision];
    connection.prepare_cached(NOTE)?.execute(row)?;
    let progress = if changed && !before.later {
        let news = params![id, now_reached, now_visible, now_answered];
        connection.prepare_cached(COUNT)?.query_row(news, |row| notices::progress(row, 0))?
    } else {
        connection.prepare_cached(PROGRESS)?.query_row([id], |row| notices::progress(row, 0))?
    };
    let locked = receipt == Receipt::Locked;
    let line = line_of(connection, notice, account, device)?;
    let row = params![id, person, line.0, clamped(at.0), time(locked), time(shown), time(now_answered), revision];
    connection.prepare_cached(NOTE_DEVICE)?.execute(row)?;
    let answered = match answer {
        Some(answer) => {
            let notice = notices::find(connection, at, notice)?.notice;
            Some(Box::new(Notice { answered: Some(GivenAnswer { answer, at }), ..notice }))
        }
        None => None,
    };
    Ok(ReceiptNoted { author: before.author, progress, changed, answered }.into())
}

/// On which line of a person's it is noted what a device does.
pub(super) fn line_of(connection: &Connection, notice: NoticeId, account: AccountId, device: DeviceId) -> Result<DeviceId, Trouble> {
    let key = params![clamped(notice.0), clamped(account.0), device.0, LEDGER_DEVICES_MAX];
    Ok(if connection.prepare_cached(HAS_A_LINE)?.exists(key)? { device } else { OTHERS })
}

/// Somebody is back: notes which notices were over before that, for them and for the device they are back with. To be called before
/// it is noted that they are here.
pub(super) fn note_missed(connection: &Connection, at: UnixMillis, account: AccountId, device: DeviceId) -> Result<(), Trouble> {
    let id = clamped(account.0);
    let seen = connection.prepare_cached(LAST_SEEN)?.query_row([id], |row| optional_time(row, 0)).optional()?.flatten();
    if let Some(since) = seen {
        connection.prepare_cached(MISSED)?.execute([id, clamped(since.0), clamped(at.0)])?;
    }
    if let Some(since) = devices::last_seen(connection, account, device)? {
        connection.prepare_cached(MISSED_BY_DEVICE)?.execute(params![id, clamped(since.0), clamped(at.0), device.0, LEDGER_DEVICES_MAX])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Label, LedgerView, NoticeChange, Page, Progress, Text};

    use super::super::fixture::{DEVICE, add, arrive, ask, each_store, notice_to, overview, sent};
    use super::super::{NoticeDelivery, NoticeProgress, Reached, ReceiptNoted, Store, StoredEntry, StoredLedger, StoredScreen, Work};
    use super::*;

    const NOTICE: NoticeId = NoticeId(1);

    /// root sends anna and bob a notice at 1 that ends at 1000.
    fn with_notice(store: &mut Store) -> (AccountId, AccountId, AccountId) {
        let (root, anna, bob) = (add(store, "root"), add(store, "anna"), add(store, "Bob"));
        let mut work = notice_to(root, 1, &["anna", "bob"]);
        if let Work::SendNotice { draft, .. } = &mut work {
            draft.expires_after_ms = Some(999);
            draft.answers = vec![Label::new("Safe").unwrap(), Label::new("Need help").unwrap()];
        }
        sent(ask(store, 1, work));
        ask(store, 1, arrive(anna, DEVICE, true)).unwrap();
        (root, anna, bob)
    }

    fn receipt(store: &mut Store, at: u64, account: AccountId, receipt: Receipt) -> Result<(AccountId, [u64; 4], bool), Refusal> {
        match ask(store, at, Work::Receipt { account, device: DEVICE, notice: NOTICE, revision: 1, receipt })? {
            Outcome::ReceiptNoted(ReceiptNoted {
                author, progress: Progress { audience, reached, visible, answered }, changed, ..
            }) => Ok((author, [audience, reached, visible, answered], changed)),
            other => panic!("{other:?}"),
        }
    }

    fn entry(store: &mut Store, account: AccountId) -> StoredEntry {
        let outcome = ask(store, 9999, Work::Ledger { notice: NOTICE, view: LedgerView::default(), after: None, limit: 9 });
        let Ok(Outcome::Ledger(StoredLedger { people: Page { entries, .. }, .. })) = outcome else { panic!("{outcome:?}") };
        entries.into_iter().find(|entry| entry.account == account).unwrap()
    }

    fn screen(store: &mut Store, account: AccountId, device: DeviceId) -> StoredScreen {
        entry(store, account).screens.into_iter().find(|screen| screen.entry.device == Some(device)).unwrap()
    }

    #[test]
    fn each_step_is_noted_and_counted_once() {
        each_store(|store| {
            let (root, anna, bob) = with_notice(store);
            assert_eq!(receipt(store, 10, anna, Receipt::Reached), Ok((root, [2, 1, 0, 0], true)));
            assert_eq!(receipt(store, 11, anna, Receipt::Reached), Ok((root, [2, 1, 0, 0], false)));
            assert_eq!(receipt(store, 20, anna, Receipt::Visible), Ok((root, [2, 1, 1, 0], true)));
            assert_eq!(receipt(store, 30, anna, Receipt::Answered(1)), Ok((root, [2, 1, 1, 1], true)));
            assert_eq!(receipt(store, 31, anna, Receipt::Visible), Ok((root, [2, 1, 1, 1], false)));
            assert_eq!(receipt(store, 40, bob, Receipt::Visible), Ok((root, [2, 2, 2, 1], true)));
            let entry = entry(store, anna).entry;
            assert_eq!((entry.reached_at, entry.visible_at), (Some(UnixMillis(10)), Some(UnixMillis(20))));
            assert_eq!(entry.answered, Some((Label::new("Need help").unwrap(), UnixMillis(30))));
        });
    }

    #[test]
    fn many_that_have_reached_people_are_noted_as_if_each_had_reported_it() {
        each_store(|store| {
            let (root, anna, bob) = with_notice(store);
            let carol = add(store, "carol");
            let laptop = DeviceId([9; 32]);
            let delivery =
                |account, device, notice| NoticeDelivery { notice: NoticeId(notice), account, device, revision: 7, queued_at: None };
            let who = [(bob, laptop, 1), (anna, DEVICE, 1), (anna, DEVICE, 1), (anna, laptop, 1), (carol, DEVICE, 1), (anna, DEVICE, 2)];
            let deliveries = who.map(|(account, device, notice)| delivery(account, device, notice)).to_vec();
            let progress = Progress { audience: 2, reached: 2, visible: 0, answered: 0 };
            let news = vec![NoticeProgress { notice: NOTICE, author: root, progress }];
            assert_eq!(ask(store, 10, Work::Reached { deliveries: deliveries.clone() }), Ok(Reached { progress: news }.into()));
            let noted = |store: &mut Store| [anna, bob].map(|account| entry(store, account));
            let first = noted(store);
            assert_eq!(first.clone().map(|entry| (entry.entry.reached_at, entry.entry.revision)), [(Some(UnixMillis(10)), 1); 2]);
            assert_eq!(screen(store, anna, DEVICE).entry.reached_at, Some(UnixMillis(10)));
            assert_eq!(first[0].screens.len(), 2, "its own line, and the one of all that need the password");
            assert_eq!(ask(store, 20, Work::Reached { deliveries }), Ok(Reached { progress: vec![] }.into()), "nothing new");
            assert_eq!(noted(store), first);
        });
    }

    #[test]
    fn a_new_wording_reaches_people_anew_and_is_counted_once() {
        each_store(|store| {
            let (_, anna, _) = with_notice(store);
            let delivery = |revision| vec![NoticeDelivery { notice: NOTICE, account: anna, device: DEVICE, revision, queued_at: None }];
            ask(store, 10, Work::Reached { deliveries: delivery(1) }).unwrap();
            let change =
                NoticeChange::Update { severity: None, title: None, body: Some(Text::new("anew").unwrap()), expires_after_ms: None };
            ask(store, 11, Work::ChangeNotice { notice: NOTICE, change }).unwrap();
            assert_eq!(ask(store, 12, Work::Reached { deliveries: delivery(2) }), Ok(Reached { progress: vec![] }.into()));
            let noted = (entry(store, anna).entry, screen(store, anna, DEVICE).entry);
            assert_eq!((noted.0.revision, noted.0.reached_at), (2, Some(UnixMillis(10))));
            assert_eq!((noted.1.revision, noted.1.reached_at), (2, Some(UnixMillis(10))));
        });
    }

    #[test]
    fn an_answer_implies_what_comes_before_it_and_ends_the_waiting() {
        each_store(|store| {
            let (root, anna, bob) = with_notice(store);
            assert_eq!(overview(store, 5, anna).1.len(), 1);
            assert_eq!(receipt(store, 10, anna, Receipt::Answered(0)), Ok((root, [2, 1, 1, 1], true)));
            let entry = entry(store, anna).entry;
            assert_eq!((entry.reached_at, entry.visible_at), (Some(UnixMillis(10)), Some(UnixMillis(10))));
            assert!(overview(store, 11, anna).1.is_empty());
            assert_eq!(overview(store, 11, bob).1.len(), 1);
        });
    }

    #[test]
    fn the_first_answer_counts() {
        each_store(|store| {
            let (root, anna, _) = with_notice(store);
            receipt(store, 10, anna, Receipt::Answered(0)).unwrap();
            assert_eq!(receipt(store, 20, anna, Receipt::Answered(1)), Ok((root, [2, 1, 1, 1], false)));
            assert_eq!(receipt(store, 2000, anna, Receipt::Answered(1)), Ok((root, [2, 1, 1, 1], false)));
            let entry = entry(store, anna).entry;
            assert_eq!(entry.answered, Some((Label::new("Safe").unwrap(), UnixMillis(10))));
        });
    }

    #[test]
    fn a_receipt_tells_how_far_its_own_notice_is_also_where_it_changes_nothing() {
        each_store(|store| {
            let (root, anna, _) = with_notice(store);
            let second = sent(ask(store, 1, notice_to(root, 2, &["anna"]))).0.id;
            receipt(store, 10, anna, Receipt::Answered(0)).unwrap();
            let mut reached = || {
                let work = Work::Receipt { account: anna, device: DEVICE, notice: second, revision: 1, receipt: Receipt::Reached };
                let ReceiptNoted { progress, changed, .. } = ask(store, 11, work).unwrap().expect().unwrap();
                (progress, changed)
            };
            let progress = Progress { audience: 1, reached: 1, visible: 0, answered: 0 };
            assert_eq!([reached(), reached()], [(progress, true), (progress, false)]);
        });
    }

    #[test]
    fn a_receipt_from_outside_the_audience_or_for_no_notice_is_refused() {
        each_store(|store| {
            let (root, anna, _) = with_notice(store);
            assert_eq!(receipt(store, 10, root, Receipt::Reached), Err(Refusal::UnknownNotice));
            let work = Work::Receipt { account: anna, device: DEVICE, notice: NoticeId(2), revision: 1, receipt: Receipt::Reached };
            assert_eq!(ask(store, 10, work), Err(Refusal::UnknownNotice));
        });
    }

    #[test]
    fn an_answer_that_is_not_offered_is_refused_and_notes_nothing() {
        each_store(|store| {
            let (root, anna, _) = with_notice(store);
            assert_eq!(receipt(store, 10, anna, Receipt::Answered(2)), Err(Refusal::UnknownAnswer));
            assert_eq!(receipt(store, 10, anna, Receipt::Answered(255)), Err(Refusal::UnknownAnswer));
            assert_eq!(receipt(store, 20, anna, Receipt::Reached), Ok((root, [2, 1, 0, 0], true)));
        });
    }

    #[test]
    fn after_the_end_a_notice_is_still_seen_but_no_longer_answered() {
        each_store(|store| {
            let (root, anna, bob) = with_notice(store);
            assert_eq!(receipt(store, 1000, anna, Receipt::Answered(0)), Err(Refusal::NoticeClosed));
            assert_eq!(receipt(store, 1000, anna, Receipt::Visible), Ok((root, [2, 1, 1, 0], true)));
            store.connection.execute("UPDATE notices SET withdrawn_at = 5", []).unwrap();
            assert_eq!(receipt(store, 10, bob, Receipt::Answered(0)), Err(Refusal::NoticeClosed));
        });
    }

    #[test]
    fn each_device_has_a_line_of_its_own() {
        each_store(|store| {
            let (_, anna, _) = with_notice(store);
            let (desk, laptop) = (DEVICE, DeviceId([2; 32]));
            ask(store, 2, arrive(anna, laptop, true)).unwrap();
            ask(store, 2, Work::Queued { deliveries: vec![(NOTICE, anna, desk), (NOTICE, anna, laptop)] }).unwrap();
            let mut note = |at, device, receipt| {
                ask(store, at, Work::Receipt { account: anna, device, notice: NOTICE, revision: 1, receipt }).unwrap();
            };
            note(3, desk, Receipt::Reached);
            note(4, desk, Receipt::Locked);
            note(5, laptop, Receipt::Answered(1));
            let (desk, laptop) = (screen(store, anna, desk), screen(store, anna, laptop));
            let times = |screen: &StoredScreen| {
                let entry = &screen.entry;
                [entry.queued_at, entry.reached_at, screen.locked_at, entry.visible_at].map(|at| at.map(|at| at.0))
            };
            assert_eq!(times(&desk), [Some(2), Some(3), Some(4), None]);
            assert_eq!(desk.entry.answered, None);
            assert_eq!(times(&laptop), [Some(2), Some(5), None, Some(5)]);
            assert_eq!(laptop.entry.answered, Some((Label::new("Need help").unwrap(), UnixMillis(5))));
        });
    }

    /// So many lines there are for devices, of all notices and people.
    fn lines(store: &Store) -> i64 {
        store.connection.query_row("SELECT count(*) FROM ledger_devices", [], |row| row.get(0)).unwrap()
    }

    /// A device of its own for each number.
    fn numbered(number: u16) -> DeviceId {
        let mut key = [7; 32];
        key[..2].copy_from_slice(&number.to_be_bytes());
        DeviceId(key)
    }

    #[test]
    fn programs_that_need_the_password_share_one_line_however_often_they_come() {
        each_store(|store| {
            let (_, _, bob) = with_notice(store);
            for call in 0..1200 {
                let (at, device) = (10 + u64::from(call), numbered(call));
                ask(store, at, arrive(bob, device, false)).unwrap();
                ask(store, at, Work::Queued { deliveries: vec![(NOTICE, bob, device)] }).unwrap();
                let receipt = Receipt::Reached;
                ask(store, at, Work::Receipt { account: bob, device, notice: NOTICE, revision: 1, receipt }).unwrap();
                ask(store, at, Work::Seen { account: bob, device }).unwrap();
            }
            let screens = entry(store, bob).screens;
            assert_eq!((screens.len(), screens[0].entry.device, lines(store)), (1, None, 1));
            assert_eq!((screens[0].entry.queued_at, screens[0].entry.reached_at), (Some(UnixMillis(10)), Some(UnixMillis(10))));
        });
    }

    #[test]
    fn devices_that_are_remembered_one_after_the_other_have_so_many_lines_and_no_more() {
        each_store(|store| {
            let (_, _, bob) = with_notice(store);
            for device in 0..200 {
                ask(store, 10 + u64::from(device), arrive(bob, numbered(device), true)).unwrap();
                ask(store, 10 + u64::from(device), Work::Queued { deliveries: vec![(NOTICE, bob, numbered(device))] }).unwrap();
            }
            assert_eq!(lines(store), i64::from(LEDGER_DEVICES_MAX) + 1);
            let screens = entry(store, bob).screens;
            assert!(screens.iter().all(|screen| screen.entry.offline_since.is_some()), "each of them has been here");
            assert_eq!(screens.last().unwrap().entry.device, None, "the others come last");
        });
    }

    #[test]
    fn a_device_has_a_line_of_its_own_where_it_is_remembered_and_has_one_or_finds_room() {
        each_store(|store| {
            let (root, anna, bob) = with_notice(store);
            sent(ask(store, 1, notice_to(root, 2, &["anna", "bob"])));
            let [desk, laptop, phone] = [1, 2, 3].map(|n| DeviceId([n; 32]));
            for (account, device, remember) in [(anna, laptop, true), (anna, phone, false), (bob, desk, true), (bob, phone, true)] {
                ask(store, 2, arrive(account, device, remember)).unwrap();
            }
            // The first notice has as many lines of anna's devices as there may be, one of them the laptop's.
            let fill = "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
                INSERT INTO ledger_devices (notice, account, device) SELECT 1, ?2, CAST(printf('%032d', i) AS BLOB) FROM n
                UNION ALL SELECT 1, ?2, ?3";
            store.connection.execute(fill, params![LEDGER_DEVICES_MAX, clamped(anna.0), laptop.0]).unwrap();
            for (notice, account, device, expected) in [
                (1, anna, laptop, laptop),
                (1, anna, desk, OTHERS),
                (2, anna, desk, desk),
                (2, anna, phone, OTHERS),
                (1, bob, desk, desk),
                (1, bob, laptop, OTHERS),
                (2, bob, phone, phone),
                (1, anna, desk, OTHERS),
            ] {
                assert_eq!(line_of(&store.connection, NoticeId(notice), account, device).unwrap(), expected, "{notice} {account:?}");
                ask(store, 3, Work::Queued { deliveries: vec![(NoticeId(notice), account, device)] }).unwrap();
            }
        });
    }

    /// Since when somebody was away, and which of their devices, while a notice ended.
    #[derive(Debug, PartialEq)]
    struct Missed {
        person: Option<u64>,
        devices: Vec<(DeviceId, u64)>,
    }

    const NOTHING_MISSED: Missed = Missed { person: None, devices: Vec::new() };

    fn missed(store: &mut Store, notice: u64, account: AccountId) -> Missed {
        let Ok(Outcome::Ledger(StoredLedger { people: Page { entries, .. }, .. })) =
            ask(store, 9999, Work::Ledger { notice: NoticeId(notice), view: LedgerView::default(), after: None, limit: 9 })
        else {
            panic!()
        };
        let entry = entries.into_iter().find(|entry| entry.account == account).unwrap();
        let devices = entry.screens.iter().filter_map(|screen| screen.entry.device.zip(screen.missed.map(|at| at.0)));
        Missed { person: entry.missed.map(|at| at.0), devices: devices.collect() }
    }

    #[test]
    fn however_a_notice_ended_whoever_was_away_until_then_has_missed_it() {
        each_store(|store| {
            let (root, anna, bob) = with_notice(store);
            for counter in 2..=4 {
                sent(ask(store, 2, notice_to(root, counter, &["anna", "bob"])));
            }
            ask(store, 3, arrive(bob, DEVICE, true)).unwrap();
            let change = |store: &mut Store, at, notice, change| {
                ask(store, at, Work::ChangeNotice { notice: NoticeId(notice), change }).unwrap();
            };
            change(store, 10, 2, NoticeChange::Withdraw);
            change(store, 11, 3, NoticeChange::AllClear { body: None });
            ask(store, 2000, arrive(anna, DEVICE, false)).unwrap();
            let all = [1, 2, 3, 4].map(|notice| missed(store, notice, anna));
            let since = || Missed { person: Some(1), devices: vec![(DEVICE, 1)] };
            assert_eq!(all, [since(), since(), since(), NOTHING_MISSED], "the last is not over");
            assert_eq!(missed(store, 1, bob), NOTHING_MISSED, "he is not back");
        });
    }

    #[test]
    fn a_program_that_needs_the_password_has_missed_nothing_by_itself_and_lines_have_an_end() {
        each_store(|store| {
            let (root, anna, bob) = with_notice(store);
            sent(ask(store, 1, notice_to(root, 2, &["anna", "bob"])));
            let [laptop, phone] = [2, 3].map(|n| DeviceId([n; 32]));
            // The laptop is remembered for bob only, and anna's desk and phone are not what comes back as the laptop.
            for (account, device, remember) in [(anna, laptop, false), (anna, phone, true), (bob, laptop, true)] {
                ask(store, 2, arrive(account, device, remember)).unwrap();
            }
            ask(store, 10, Work::ChangeNotice { notice: NoticeId(2), change: NoticeChange::Withdraw }).unwrap();
            ask(store, 2000, arrive(anna, laptop, false)).unwrap();
            assert_eq!(missed(store, 1, anna), Missed { person: Some(2), devices: vec![] });
            // As many lines of the first notice as there may be, and none of the second.
            let fill = "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                INSERT INTO ledger_devices (notice, account, device) SELECT 1, ?2, CAST(printf('%032d', i) AS BLOB) FROM n";
            store.connection.execute(fill, params![LEDGER_DEVICES_MAX, clamped(anna.0)]).unwrap();
            for (account, device) in [(anna, phone), (bob, laptop)] {
                ask(store, 2001, arrive(account, device, false)).unwrap();
            }
            assert_eq!([1, 2].map(|notice| missed(store, notice, anna).devices), [vec![], vec![(phone, 2)]]);
            assert_eq!([1, 2].map(|notice| missed(store, notice, bob).devices), [[(laptop, 2)]; 2]);
        });
    }

    #[test]
    fn an_unlocked_screen_is_no_longer_locked() {
        each_store(|store| {
            let (_, anna, _) = with_notice(store);
            receipt(store, 3, anna, Receipt::Locked).unwrap();
            receipt(store, 4, anna, Receipt::Visible).unwrap();
            assert_eq!(screen(store, anna, DEVICE).locked_at, None);
        });
    }

    #[test]
    fn the_answer_comes_back_with_its_notice_for_the_other_devices() {
        each_store(|store| {
            let (_, anna, _) = with_notice(store);
            let work = Work::Receipt { account: anna, device: DEVICE, notice: NOTICE, revision: 1, receipt: Receipt::Answered(1) };
            let Ok(Outcome::ReceiptNoted(ReceiptNoted { answered: Some(notice), .. })) = ask(store, 8, work.clone()) else { panic!() };
            assert_eq!(notice.answered, Some(GivenAnswer { answer: 1, at: UnixMillis(8) }));
            let Ok(Outcome::ReceiptNoted(ReceiptNoted { answered: None, .. })) = ask(store, 9, work) else { panic!() };
        });
    }

    #[test]
    fn the_newest_wording_that_somebody_has_is_kept_and_never_one_that_does_not_exist() {
        each_store(|store| {
            let (_, anna, _) = with_notice(store);
            store.connection.execute("UPDATE notices SET revision = 2", []).unwrap();
            let receipts = [(1, Receipt::Reached, 1), (2, Receipt::Reached, 2), (1, Receipt::Visible, 2), (9, Receipt::Visible, 2)];
            for (revision, receipt, kept) in receipts {
                let work = Work::Receipt { account: anna, device: DEVICE, notice: NOTICE, revision, receipt };
                ask(store, 3, work).unwrap();
                assert_eq!((entry(store, anna).entry.revision, screen(store, anna, DEVICE).entry.revision), (kept, kept));
            }
        });
    }

    #[test]
    fn whoever_comes_back_after_the_end_has_missed_it_and_since_when_is_kept() {
        each_store(|store| {
            let anna = add(store, "anna");
            ask(store, 1, arrive(anna, DEVICE, true)).unwrap();
            ask(store, 50, Work::Seen { account: anna, device: DEVICE }).unwrap();
            let mut work = notice_to(anna, 1, &["anna"]);
            if let Work::SendNotice { draft, .. } = &mut work {
                draft.expires_after_ms = Some(999);
            }
            sent(ask(store, 100, work));
            ask(store, 2000, arrive(anna, DEVICE, false)).unwrap();
            ask(store, 3000, arrive(anna, DEVICE, false)).unwrap();
            assert_eq!(entry(store, anna).missed, Some(UnixMillis(50)));
            let screen = screen(store, anna, DEVICE);
            assert_eq!((screen.missed, screen.entry.queued_at), (Some(UnixMillis(50)), None));
        });
    }

    #[test]
    fn whoever_was_here_at_the_end_has_missed_nothing() {
        each_store(|store| {
            let (_, anna, _) = with_notice(store);
            ask(store, 900, arrive(anna, DEVICE, true)).unwrap();
            ask(store, 1100, Work::Seen { account: anna, device: DEVICE }).unwrap();
            ask(store, 2000, arrive(anna, DEVICE, true)).unwrap();
            assert_eq!(entry(store, anna).missed, None);
        });
    }
}
