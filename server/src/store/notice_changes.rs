//! What becomes of a notice after it was sent: other words, another end, a reminder.

use belfry_core::chat::{NoticeChange, NoticeId, NoticeState, Refusal, Text, Title};
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, params};

use super::column::{clamped, number, time};
use super::error::Trouble;
use super::notices::{find, stored_severity, with_people};
use super::{Outcome, StoreError};

const UPDATE: &str = "UPDATE notices SET revision = revision + 1, severity = coalesce(?2, severity), title = coalesce(?3, title),
    body = coalesce(?4, body), expires_at = iif(?5, ?6, expires_at) WHERE id = ?1";
const WITHDRAW: &str = "UPDATE notices SET withdrawn_at = ?2, remind_at = NULL WHERE id = ?1";
const ALL_CLEAR: &str = "UPDATE notices SET cleared_at = ?2, remind_at = NULL, body = coalesce(?3, body),
    revision = revision + iif(?3 IS NULL, 0, 1) WHERE id = ?1";
const REMIND: &str = "UPDATE notices SET reminded = reminded + 1,
    remind_at = iif(reminded + 1 < remind_limit AND answered < audience, ?2 + remind_every, NULL) WHERE id = ?1";
const REMINDERS: &str = "SELECT remind_at, id FROM notices INDEXED BY notices_to_remind WHERE remind_at IS NOT NULL ORDER BY remind_at, id";

pub(super) fn change(connection: &Connection, at: UnixMillis, notice: NoticeId, change: NoticeChange) -> Result<Outcome, Trouble> {
    if find(connection, at, notice)?.notice.state != NoticeState::Open {
        return Err(Refusal::NoticeClosed.into());
    }
    let id = clamped(notice.0);
    match change {
        NoticeChange::Update { severity, title, body, expires_after_ms } => {
            let severity = severity.map(stored_severity);
            let (title, body) = (title.as_ref().map(Title::as_str), body.as_ref().map(Text::as_str));
            let moved = expires_after_ms.is_some();
            let expires_at = expires_after_ms.flatten().map(|after| clamped(at.0.saturating_add(after)));
            connection.prepare_cached(UPDATE)?.execute(params![id, severity, title, body, moved, expires_at])?;
        }
        NoticeChange::Withdraw => {
            connection.prepare_cached(WITHDRAW)?.execute([id, clamped(at.0)])?;
        }
        NoticeChange::AllClear { body } => {
            connection.prepare_cached(ALL_CLEAR)?.execute(params![id, clamped(at.0), body.as_ref().map(Text::as_str)])?;
        }
        NoticeChange::Remind => {
            connection.prepare_cached(REMIND)?.execute([id, clamped(at.0)])?;
        }
    }
    Ok(Outcome::NoticeNow(Box::new(with_people(connection, at, notice)?)))
}

/// When open notices are to be told again.
pub(super) fn reminders(connection: &Connection) -> Result<Vec<(UnixMillis, NoticeId)>, StoreError> {
    let mut statement = connection.prepare_cached(REMINDERS)?;
    let rows = statement.query_map([], |row| Ok((time(row, 0)?, NoticeId(number(row, 1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountId, GivenAnswer, Notice, Receipt, Reminding, Severity};

    use super::super::fixture::{DEVICE, add, arrive, ask, each_store, notice_to, overview, sent};
    use super::super::{Store, StoredNotice, Work};
    use super::*;

    const NOTICE: NoticeId = NoticeId(1);

    /// root sends anna a notice at 1 that ends at 1000 and reminds every 10, twice.
    fn with_notice(store: &mut Store) -> AccountId {
        let (root, anna) = (add(store, "root"), add(store, "anna"));
        let mut work = notice_to(root, 1, &["anna"]);
        if let Work::SendNotice { draft, .. } = &mut work {
            draft.expires_after_ms = Some(999);
            draft.remind = Some(Reminding { every_ms: 10, limit: 2 });
        }
        sent(ask(store, 1, work));
        anna
    }

    fn changed(store: &mut Store, at: u64, change: NoticeChange) -> Result<StoredNotice, Refusal> {
        match ask(store, at, Work::ChangeNotice { notice: NOTICE, change })? {
            Outcome::NoticeNow(now) => Ok(*now),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_title_is_changed_and_an_all_clear_says_what_it_says() {
        each_store(|store| {
            with_notice(store);
            let titled = |typed: Option<&str>| {
                let title = typed.map(|typed| Title::new(typed).unwrap());
                NoticeChange::Update { severity: None, title, body: None, expires_after_ms: None }
            };
            for (typed, expected) in [(Some("Fire"), "Fire"), (Some("Drill"), "Drill"), (None, "Drill")] {
                let notice = changed(store, 2, titled(typed)).unwrap().notice;
                assert_eq!(notice.title.as_ref().map(Title::as_str), Some(expected));
            }
            let cleared = changed(store, 3, NoticeChange::AllClear { body: Some(Text::new("Back to work.").unwrap()) }).unwrap().notice;
            assert_eq!((cleared.body.as_str(), cleared.revision), ("Back to work.", 5));
        });
    }

    fn update(severity: Option<Severity>, body: Option<&str>, expires_after_ms: Option<Option<u64>>) -> NoticeChange {
        let body = body.map(|body| Text::new(body).unwrap());
        NoticeChange::Update { severity, title: None, body, expires_after_ms }
    }

    #[test]
    fn an_update_changes_what_it_names_and_counts_the_wording() {
        each_store(|store| {
            let anna = with_notice(store);
            let before = overview(store, 2, anna).1.remove(0);
            let now = changed(store, 2, update(Some(Severity::Critical), Some("North exit."), None)).unwrap();
            let expected = Notice { severity: Severity::Critical, body: Text::new("North exit.").unwrap(), revision: 2, ..before };
            assert_eq!((now.notice, now.people), (expected.clone(), vec![(anna, None)]));
            assert_eq!(overview(store, 3, anna).1, [expected]);
        });
    }

    #[test]
    fn an_end_is_moved_or_taken_away() {
        each_store(|store| {
            let anna = with_notice(store);
            assert_eq!(changed(store, 2, update(None, None, Some(Some(1998)))).unwrap().notice.expires_at, Some(UnixMillis(2000)));
            assert_eq!(overview(store, 1500, anna).1.len(), 1);
            assert_eq!(changed(store, 1500, update(None, None, Some(None))).unwrap().notice.expires_at, None);
        });
    }

    #[test]
    fn what_is_over_is_told_to_nobody_and_changed_no_more() {
        for (end, state) in [
            (NoticeChange::Withdraw, NoticeState::Withdrawn),
            (NoticeChange::AllClear { body: Some(Text::new("All clear.").unwrap()) }, NoticeState::AllClear),
        ] {
            each_store(|store| {
                let anna = with_notice(store);
                assert_eq!(changed(store, 5, end.clone()).unwrap().notice.state, state);
                assert_eq!(overview(store, 6, anna).1, []);
                assert_eq!(changed(store, 6, update(None, Some("x"), None)), Err(Refusal::NoticeClosed));
                assert_eq!(store.opening().unwrap().reminders, []);
            });
        }
    }

    #[test]
    fn an_expired_notice_is_not_brought_back() {
        each_store(|store| {
            with_notice(store);
            assert_eq!(changed(store, 1000, update(None, None, Some(Some(9000)))), Err(Refusal::NoticeClosed));
        });
    }

    #[test]
    fn reminders_come_until_their_limit() {
        each_store(|store| {
            with_notice(store);
            assert_eq!(store.opening().unwrap().reminders, [(UnixMillis(11), NOTICE)]);
            let first = changed(store, 11, NoticeChange::Remind).unwrap();
            assert_eq!((first.notice.reminder, first.remind_at), (1, Some(UnixMillis(21))));
            let second = changed(store, 21, NoticeChange::Remind).unwrap();
            assert_eq!((second.notice.reminder, second.remind_at), (2, None));
            assert_eq!(store.opening().unwrap().reminders, []);
        });
    }

    #[test]
    fn nobody_is_reminded_again_once_everybody_has_answered() {
        each_store(|store| {
            let account = with_notice(store);
            ask(store, 5, Work::Receipt { account, device: DEVICE, notice: NOTICE, revision: 1, receipt: Receipt::Answered(0) }).unwrap();
            assert_eq!(changed(store, 11, NoticeChange::Remind).unwrap().remind_at, None);
        });
    }

    #[test]
    fn who_has_answered_is_told_of_an_update_with_what_they_said_and_when() {
        each_store(|store| {
            let anna = with_notice(store);
            ask(store, 50, arrive(anna, DEVICE, true)).unwrap();
            let receipt = Receipt::Answered(0);
            ask(store, 50, Work::Receipt { account: anna, device: DEVICE, notice: NOTICE, revision: 1, receipt }).unwrap();
            let now = changed(store, 60, update(None, Some("North exit."), None)).unwrap();
            assert_eq!(now.people, [(anna, Some(GivenAnswer { answer: 0, at: UnixMillis(50) }))]);
        });
    }
}
