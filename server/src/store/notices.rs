//! Notices: stored once with their audience, listed, and waiting for those who have not answered.

use belfry_core::chat::{
    AccountId, GivenAnswer, Label, Notice, NoticeDraft, NoticeId, NoticeState, NoticeSummary, Progress, Refusal, SearchText, Severity,
    Title, fold,
};
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::audience::Recipients;
use super::column::{bits, clamped, invalid, number, optional_time, optional_words, small, time, words};
use super::error::Trouble;
use super::page::{Limit, taken};
use super::{NoticeSent, Outcome, StoreError, StoredNotice, audience};

macro_rules! select_notices {
    ($from:literal) => {
        concat!(
            "SELECT n.id, n.severity, n.title, n.body, n.answers, a.name, n.sent_at, n.expires_at, n.withdrawn_at,
                n.audience, n.reached, n.visible, n.answered, n.cleared_at, n.revision, n.reminded ",
            $from
        )
    };
}

const BY_ID: &str = select_notices!("FROM notices n CROSS JOIN accounts a ON a.id = n.author WHERE n.id = ?1");
const BEFORE: &str = select_notices!("FROM notices n CROSS JOIN accounts a ON a.id = n.author WHERE n.id < ?1 ORDER BY n.id DESC LIMIT ?2");
const WAITING_FOR: &str = select_notices!(
    "FROM ledger l INDEXED BY ledger_waiting CROSS JOIN notices n ON n.id = l.notice CROSS JOIN accounts a ON a.id = n.author
        WHERE l.account = ?1 AND l.answered_at IS NULL AND n.withdrawn_at IS NULL AND n.cleared_at IS NULL
            AND (n.expires_at IS NULL OR n.expires_at > ?2)
        ORDER BY l.notice"
);
const FIND_POST: &str = "SELECT id FROM notices WHERE author = ?1 AND outbox = ?2 AND counter = ?3";
const ADD: &str = "INSERT INTO notices (author, outbox, counter, severity, everyone, sent_at, expires_at, title, answers, body,
        remind_every, remind_limit, remind_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
const ADD_TO_AUDIENCE: &str = "INSERT INTO ledger (notice, account) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
const ADD_LATER: &str = "INSERT INTO ledger (notice, account, later) VALUES (?1, ?2, 1) ON CONFLICT DO NOTHING";
const ADD_EVERYONE: &str = "INSERT INTO ledger (notice, account)
    SELECT ?1, id FROM accounts WHERE disabled = 0 AND id <> ?2 ORDER BY id ON CONFLICT DO NOTHING";
const COUNT_AUDIENCE: &str = "UPDATE notices SET audience = audience + ?2 WHERE id = ?1";
const NOTICES_UPTO: &str = "SELECT notices_upto FROM accounts WHERE id = ?1";
const SET_NOTICES_UPTO: &str = "UPDATE accounts SET notices_upto = (SELECT coalesce(max(id), 0) FROM notices) WHERE id = ?1";
const TO_EVERYONE_SINCE: &str = "SELECT id FROM notices
    WHERE id > ?1 AND everyone = 1 AND author <> ?3 AND withdrawn_at IS NULL AND cleared_at IS NULL AND (expires_at IS NULL OR expires_at > ?2)";

const PEOPLE: &str = "SELECT account, answer, answered_at FROM ledger WHERE notice = ?1 ORDER BY account";
const ANSWER_OF: &str = "SELECT answer, answered_at FROM ledger WHERE notice = ?1 AND account = ?2";
const REMIND_AT: &str = "SELECT remind_at FROM notices WHERE id = ?1";

const INFO: i64 = 0;
const IMPORTANT: i64 = 1;
const CRITICAL: i64 = 2;

/// Sends a notice that is over at `end`.
pub(super) fn send(
    connection: &Connection,
    at: UnixMillis,
    end: Option<UnixMillis>,
    author: AccountId,
    draft: &NoticeDraft,
) -> Result<Outcome, Trouble> {
    let account = clamped(author.0);
    let (outbox, counter) = (bits(draft.post.outbox), bits(draft.post.counter));
    let stored = connection.prepare_cached(FIND_POST)?.query_row([account, outbox, counter], |row| number(row, 0)).optional()?;
    if let Some(id) = stored {
        let sent = Box::new(with_people(connection, at, NoticeId(id))?);
        return Ok(NoticeSent { sent, repeated: true }.into());
    }
    let Recipients { everyone, accounts } = reach(connection, author, draft)?;
    let severity = stored_severity(draft.severity);
    let expires_at = end.map(|time| clamped(time.0));
    let title = draft.title.as_ref().map(Title::as_str);
    let answers = if draft.answers.is_empty() { &[Label::acknowledge()] } else { &draft.answers[..] };
    let answers = answers.iter().map(Label::as_str).collect::<Vec<_>>().join("\n");
    let every = draft.remind.map(|remind| clamped(remind.every_ms));
    let remind_at = draft.remind.map(|remind| clamped(at.0.saturating_add(remind.every_ms)));
    let row = params![
        account,
        outbox,
        counter,
        severity,
        everyone,
        clamped(at.0),
        expires_at,
        title,
        answers,
        draft.body.as_str(),
        every,
        draft.remind.map_or(0, |remind| remind.limit),
        remind_at
    ];
    connection.prepare_cached(ADD)?.execute(row).map_err(unknown_account)?;
    let id = connection.last_insert_rowid();
    if everyone {
        let added = connection.prepare_cached(ADD_EVERYONE)?.execute([id, account])?;
        connection.prepare_cached(COUNT_AUDIENCE)?.execute([id, clamped(added as u64)])?;
    }
    add_audience(connection, id, accounts)?;
    let id = u64::try_from(id).map_err(|_| StoreError::contradiction("a notice has a negative number"))?;
    Ok(NoticeSent { sent: Box::new(with_people(connection, at, NoticeId(id))?), repeated: false }.into())
}

/// Whom a notice is for, if its author has seen how many that are where it has to be.
pub(super) fn reach(connection: &Connection, author: AccountId, draft: &NoticeDraft) -> Result<Recipients, Trouble> {
    let reach = audience::reach(connection, author, &draft.audience)?;
    let confirms = draft.severity != Severity::Critical || !reach.everyone || draft.confirmed;
    if confirms { Ok(reach) } else { Err(Refusal::ConfirmationNeeded.into()) }
}

pub(super) fn stored_severity(severity: Severity) -> i64 {
    match severity {
        Severity::Info => INFO,
        Severity::Important => IMPORTANT,
        Severity::Critical => CRITICAL,
    }
}

/// A notice with everybody it is for.
pub(super) fn with_people(connection: &Connection, at: UnixMillis, id: NoticeId) -> Result<StoredNotice, Trouble> {
    let NoticeSummary { notice, progress } = find(connection, at, id)?;
    let mut statement = connection.prepare_cached(PEOPLE)?;
    let people = statement.query_map([clamped(id.0)], |row| Ok((AccountId(number(row, 0)?), given_answer(row, 1)?)))?;
    let people = people.collect::<rusqlite::Result<_>>()?;
    let remind_at = connection.prepare_cached(REMIND_AT)?.query_row([clamped(id.0)], |row| optional_time(row, 0))?;
    Ok(StoredNotice { notice, progress, people, remind_at })
}

/// A notice as one of its people sees it; to everybody else it does not exist.
pub(super) fn as_seen_by(connection: &Connection, at: UnixMillis, account: AccountId, id: NoticeId) -> Result<Notice, Trouble> {
    let key = [clamped(id.0), clamped(account.0)];
    let answered = connection.prepare_cached(ANSWER_OF)?.query_row(key, |row| given_answer(row, 0)).optional()?;
    let answered = answered.ok_or(Refusal::UnknownNotice)?;
    Ok(Notice { answered, ..find(connection, at, id)?.notice })
}

/// An answer and its time from two columns.
fn given_answer(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<GivenAnswer>> {
    let (answer, at): (Option<u8>, _) = (row.get(first)?, optional_time(row, first + 1)?);
    Ok(answer.zip(at).map(|(answer, at)| GivenAnswer { answer, at }))
}

/// A notice and how far it has come.
pub(super) fn find(connection: &Connection, at: UnixMillis, id: NoticeId) -> Result<NoticeSummary, Trouble> {
    let found = connection.prepare_cached(BY_ID)?.query_row([clamped(id.0)], |row| read(row, at)).optional()?;
    found.ok_or(Refusal::UnknownNotice.into())
}

pub(super) fn list(connection: &Connection, at: UnixMillis, before: Option<NoticeId>, limit: u32) -> Result<Outcome, Trouble> {
    let limit = Limit::new(limit);
    let before = before.map_or(i64::MAX, |id| clamped(id.0));
    let mut statement = connection.prepare_cached(BEFORE)?;
    let rows = statement.query_map([before, i64::from(limit.rows())], |row| read(row, at))?;
    Ok(Outcome::Read(limit.fill(rows, taken)?.into()))
}

/// The notices before `before` whose heading or text has this, newest first. Reads the whole of them where nothing is found.
pub(super) fn search(
    connection: &Connection,
    at: UnixMillis,
    before: Option<NoticeId>,
    text: &SearchText,
    limit: u32,
) -> Result<Outcome, Trouble> {
    let sought = fold(text.as_str());
    let has = |summary: &NoticeSummary| {
        let title = summary.notice.title.as_ref().map(Title::as_str);
        title.into_iter().chain([summary.notice.body.as_str()]).any(|text| fold(text).contains(&sought))
    };
    let before = before.map_or(i64::MAX, |id| clamped(id.0));
    let mut statement = connection.prepare_cached(BEFORE)?;
    let rows = statement.query_map([before, i64::MAX], |row| read(row, at))?;
    let found = rows.filter(|row| row.as_ref().map_or(true, has));
    Ok(Outcome::Read(Limit::new(limit).fill(found, taken)?.into()))
}

/// The open notices that `account` has not answered, oldest first.
pub(super) fn waiting_for(connection: &Connection, at: UnixMillis, account: AccountId) -> Result<Vec<Notice>, Trouble> {
    let mut statement = connection.prepare_cached(WAITING_FOR)?;
    let rows = statement.query_map([clamped(account.0), clamped(at.0)], |row| read(row, at))?;
    Ok(rows.map(|row| Ok(row?.notice)).collect::<rusqlite::Result<_>>()?)
}

/// Adds `account` to the open notices to everyone that were sent without it: those from before it was made or while it was shut out.
/// Its own are for everyone else. In the totals are those who were meant when it was sent, so that they mean the same all the time.
pub(super) fn join_those_to_everyone(connection: &Connection, at: UnixMillis, account: AccountId) -> Result<(), Trouble> {
    let id = clamped(account.0);
    let upto: i64 =
        connection.prepare_cached(NOTICES_UPTO)?.query_row([id], |row| row.get(0)).optional()?.ok_or(Refusal::UnknownAccount)?;
    let notices: Vec<i64> =
        connection.prepare_cached(TO_EVERYONE_SINCE)?.query_map([upto, clamped(at.0), id], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for notice in notices {
        connection.prepare_cached(ADD_LATER)?.execute([notice, id])?;
    }
    connection.prepare_cached(SET_NOTICES_UPTO)?.execute([id])?;
    Ok(())
}

/// Whether a notice that ends then is over now.
pub(super) fn state(
    at: UnixMillis,
    expires_at: Option<UnixMillis>,
    withdrawn_at: Option<UnixMillis>,
    cleared_at: Option<UnixMillis>,
) -> NoticeState {
    if withdrawn_at.is_some() {
        NoticeState::Withdrawn
    } else if cleared_at.is_some() {
        NoticeState::AllClear
    } else if expires_at.is_some_and(|end| end <= at) {
        NoticeState::Expired
    } else {
        NoticeState::Open
    }
}

/// The answers as they are stored: one a line.
pub(super) fn answers(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<Label>> {
    let lines: String = row.get(column)?;
    lines.split('\n').map(|line| Label::new(line).map_err(|error| invalid(column, error))).collect()
}

/// The counters from four columns.
pub(super) fn progress(row: &Row<'_>, first: usize) -> rusqlite::Result<Progress> {
    Ok(Progress {
        audience: number(row, first)?,
        reached: number(row, first + 1)?,
        visible: number(row, first + 2)?,
        answered: number(row, first + 3)?,
    })
}

/// `audience` is in order of account, so that neighbouring rows are written together.
fn add_audience(connection: &Connection, notice: i64, audience: impl IntoIterator<Item = AccountId>) -> Result<(), Trouble> {
    let mut statement = connection.prepare_cached(ADD_TO_AUDIENCE)?;
    let mut added = 0_usize;
    for account in audience {
        added += statement.execute([notice, clamped(account.0)]).map_err(unknown_account)?;
    }
    connection.prepare_cached(COUNT_AUDIENCE)?.execute([notice, clamped(added as u64)])?;
    Ok(())
}

/// The only other rows that these statements lean on are accounts.
pub(super) fn unknown_account(error: rusqlite::Error) -> Trouble {
    let foreign = error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY);
    if foreign { Refusal::UnknownAccount.into() } else { error.into() }
}

fn read(row: &Row<'_>, at: UnixMillis) -> rusqlite::Result<NoticeSummary> {
    let severity = match row.get(1)? {
        INFO => Severity::Info,
        IMPORTANT => Severity::Important,
        CRITICAL => Severity::Critical,
        _ => return Err(invalid(1, "no such severity")),
    };
    let expires_at = optional_time(row, 7)?;
    let notice = Notice {
        id: NoticeId(number(row, 0)?),
        severity,
        title: optional_words(row, 2)?,
        body: words(row, 3)?,
        answers: answers(row, 4)?,
        author: words(row, 5)?,
        sent_at: time(row, 6)?,
        expires_at,
        state: state(at, expires_at, optional_time(row, 8)?, optional_time(row, 13)?),
        revision: small(row, 14)?,
        reminder: small(row, 15)?,
        answered: None,
    };
    Ok(NoticeSummary { notice, progress: progress(row, 9)? })
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Answer, Audience, LedgerView, Page, Receipt, Text};
    use belfry_core::limits::{PAGE_BYTES_MAX, TEXT_BYTES_MAX};

    use super::super::fixture::{DEVICE, add, ask, each_store, notice_to, overview, sent, sign_in};
    use super::super::{List, Store, StoredLedger, Work};
    use super::*;

    fn listed(store: &mut Store, at: u64, before: Option<u64>, limit: u32) -> (Vec<u64>, bool) {
        let outcome = ask(store, at, Work::ListNotices { before: before.map(NoticeId), limit });
        let Ok(Outcome::Read(Answer::Notices(Page { entries: notices, more }))) = outcome else { panic!("{outcome:?}") };
        (notices.iter().map(|summary| summary.notice.id.0).collect(), more)
    }

    fn to_everyone(author: AccountId, counter: u64, audience: &[&str], expires_at: Option<u64>) -> Work {
        let mut work = notice_to(author, counter, audience);
        if let Work::SendNotice { draft, .. } = &mut work {
            draft.audience.push(Audience::Everyone);
            draft.expires_after_ms = expires_at.map(|at| at - 1);
        }
        work
    }

    fn ids(notices: &[Notice]) -> Vec<u64> {
        notices.iter().map(|notice| notice.id.0).collect()
    }

    #[test]
    fn a_notice_is_stored_as_it_was_written() {
        each_store(|store| {
            let (root, _anna) = (add(store, "root"), add(store, "anna"));
            let mut work = notice_to(root, u64::MAX, &["Anna", "root"]);
            if let Work::SendNotice { draft, .. } = &mut work {
                draft.severity = Severity::Critical;
                draft.title = Some(Title::new("Fire").unwrap());
                draft.body = Text::new("Leave\nnow").unwrap();
                draft.answers = vec![Label::new("Safe").unwrap(), Label::new("Need help").unwrap()];
                draft.expires_after_ms = Some(400);
            }
            let (notice, progress, repeated) = sent(ask(store, 100, work));
            assert_eq!((notice.title.unwrap().as_str(), notice.body.as_str(), notice.author.as_str()), ("Fire", "Leave\nnow", "root"));
            assert_eq!(notice.answers.iter().map(Label::as_str).collect::<Vec<_>>(), ["Safe", "Need help"]);
            assert_eq!((notice.severity, notice.state), (Severity::Critical, NoticeState::Open));
            assert_eq!((notice.sent_at, notice.expires_at), (UnixMillis(100), Some(UnixMillis(500))));
            assert_eq!((progress, repeated), (Progress { audience: 2, ..Progress::default() }, false));
        });
    }

    #[test]
    fn a_repeated_notice_is_the_first_one_again() {
        each_store(|store| {
            let root = add(store, "root");
            let first = sent(ask(store, 1, notice_to(root, 1, &["root"])));
            let again = sent(ask(store, 2, notice_to(root, 1, &["root"])));
            assert_eq!(again, (first.0, first.1, true));
            assert_eq!(listed(store, 3, None, 9).0.len(), 1);
        });
    }

    #[test]
    fn a_notice_to_nobody_known_leaves_nothing_behind() {
        each_store(|store| {
            let root = add(store, "root");
            assert_eq!(ask(store, 1, notice_to(root, 1, &["root", "nobody"])), Err(Refusal::UnknownAccount));
            assert_eq!(ask(store, 1, notice_to(AccountId(99), 1, &["root"])), Err(Refusal::UnknownAccount));
            assert_eq!(listed(store, 1, None, 9), (vec![], false));
            assert!(overview(store, 1, root).1.is_empty());
        });
    }

    #[test]
    fn a_notice_that_offers_no_answer_offers_the_default_one() {
        each_store(|store| {
            let root = add(store, "root");
            let mut work = notice_to(root, 1, &["root"]);
            if let Work::SendNotice { draft, .. } = &mut work {
                draft.answers.clear();
            }
            assert_eq!(sent(ask(store, 1, work)).0.answers, [Label::acknowledge()]);
        });
    }

    #[test]
    fn whoever_is_named_twice_is_counted_once() {
        each_store(|store| {
            let root = add(store, "root");
            assert_eq!(sent(ask(store, 1, notice_to(root, 1, &["root", "root"]))).1.audience, 1);
        });
    }

    #[test]
    fn notices_are_listed_newest_first_in_pages() {
        each_store(|store| {
            let root = add(store, "root");
            for counter in 1..=5 {
                sent(ask(store, 1, notice_to(root, counter, &["root"])));
            }
            assert_eq!(listed(store, 2, None, 2), (vec![5, 4], true));
            assert_eq!(listed(store, 2, Some(4), 3), (vec![3, 2, 1], false));
        });
    }

    #[test]
    fn a_page_of_notices_ends_when_its_bytes_are_used_up() {
        each_store(|store| {
            let root = add(store, "root");
            for counter in 1..=4 {
                let mut work = notice_to(root, counter, &["root"]);
                if let Work::SendNotice { draft, .. } = &mut work {
                    draft.body = Text::new("x".repeat(TEXT_BYTES_MAX)).unwrap();
                }
                sent(ask(store, 1, work));
            }
            let (page, more) = listed(store, 2, None, 9);
            assert_eq!((page.len(), more), (PAGE_BYTES_MAX / TEXT_BYTES_MAX, true));
        });
    }

    #[test]
    fn signing_in_brings_the_open_notices_that_one_has_not_answered_oldest_first() {
        each_store(|store| {
            let (root, anna) = (add(store, "root"), add(store, "anna"));
            for counter in 1..=2 {
                sent(ask(store, 1, notice_to(root, counter, &["anna"])));
            }
            assert_eq!(ids(&sign_in(store, 2, anna).1), [1, 2]);
            assert!(sign_in(store, 2, root).1.is_empty());
        });
    }

    #[test]
    fn a_notice_is_over_at_its_expiry_and_not_before() {
        each_store(|store| {
            let root = add(store, "root");
            sent(ask(store, 1, to_everyone(root, 1, &["root"], Some(500))));
            assert_eq!(ids(&sign_in(store, 499, root).1), [1]);
            assert!(sign_in(store, 500, root).1.is_empty());
            let state = |store: &mut Store, at| {
                let Ok(Outcome::Read(Answer::Notices(Page { entries: notices, .. }))) =
                    ask(store, at, Work::ListNotices { before: None, limit: 1 })
                else {
                    panic!()
                };
                notices[0].notice.state
            };
            assert_eq!((state(store, 499), state(store, 500)), (NoticeState::Open, NoticeState::Expired));
        });
    }

    #[test]
    fn who_is_made_later_joins_an_open_notice_to_everyone_when_they_sign_in() {
        each_store(|store| {
            let root = add(store, "root");
            sent(ask(store, 1, to_everyone(root, 1, &["root"], None)));
            sent(ask(store, 1, to_everyone(root, 2, &["root"], Some(50))));
            sent(ask(store, 1, notice_to(root, 3, &["root"])));
            let anna = add(store, "anna");
            assert!(overview(store, 60, anna).1.is_empty(), "reading notes nothing");
            assert_eq!(ids(&sign_in(store, 60, anna).1), [1]);
            assert_eq!(ids(&sign_in(store, 60, anna).1), [1]);
            let meant = find(&store.connection, UnixMillis(60), NoticeId(1)).unwrap().progress;
            assert_eq!(meant.audience, 1, "in the totals are those who were meant when it was sent");
            let receipt = Receipt::Answered(0);
            ask(store, 61, Work::Receipt { account: anna, device: DEVICE, notice: NoticeId(1), revision: 1, receipt }).unwrap();
            assert_eq!(find(&store.connection, UnixMillis(62), NoticeId(1)).unwrap().progress, meant);
            let Ok(Outcome::Ledger(StoredLedger { people: Page { entries, .. }, .. })) =
                ask(store, 62, Work::Ledger { notice: NoticeId(1), view: LedgerView::default(), after: None, limit: 9 })
            else {
                panic!()
            };
            assert_eq!(
                entries.iter().map(|stored| (stored.entry.later, stored.entry.answered.is_some())).collect::<Vec<_>>(),
                [(true, true), (false, false)]
            );
            assert_eq!(find(&store.connection, UnixMillis(60), NoticeId(2)).unwrap().progress.audience, 1);
        });
    }

    #[test]
    fn a_later_notice_to_everyone_also_finds_who_was_left_out() {
        each_store(|store| {
            let (root, anna) = (add(store, "root"), add(store, "anna"));
            sign_in(store, 1, anna);
            sent(ask(store, 2, to_everyone(root, 1, &["root"], None)));
            assert_eq!(ids(&sign_in(store, 3, anna).1), [1]);
        });
    }

    #[test]
    fn whoever_sent_a_notice_to_everyone_else_does_not_join_it_later() {
        each_store(|store| {
            let (root, _anna) = (add(store, "root"), add(store, "anna"));
            sent(ask(store, 1, to_everyone(root, 1, &["anna"], None)));
            assert!(sign_in(store, 2, root).1.is_empty());
            assert_eq!(find(&store.connection, UnixMillis(2), NoticeId(1)).unwrap().progress.audience, 1);
        });
    }

    #[test]
    fn notices_are_found_by_their_heading_and_their_text_newest_first() {
        each_store(|store| {
            let root = add(store, "root");
            for (counter, title, body) in [(1, Some("Fire drill"), "Leave."), (2, None, "The FIRE is out."), (3, Some("Lunch"), "Soup")] {
                let mut work = notice_to(root, counter, &["root"]);
                if let Work::SendNotice { draft, .. } = &mut work {
                    draft.title = title.map(|title| Title::new(title).unwrap());
                    draft.body = Text::new(body).unwrap();
                }
                sent(ask(store, 1, work));
            }
            let mut found = |text, before: Option<u64>, limit| {
                let list = List::Notices { before: before.map(NoticeId), text: SearchText::new(text).unwrap(), limit };
                let outcome = ask(store, 2, Work::List(list));
                let Ok(Outcome::Read(Answer::Notices(Page { entries, more }))) = outcome else { panic!("{outcome:?}") };
                (entries.into_iter().map(|summary| summary.notice.id.0).collect::<Vec<_>>(), more)
            };
            assert_eq!(found("fire", None, 9), (vec![2, 1], false));
            assert_eq!(found("fire", None, 1), (vec![2], true));
            assert_eq!(found("fire", Some(2), 1), (vec![1], false));
            assert_eq!(found("soup", None, 9), (vec![3], false));
            assert_eq!(found("drill\nleave", None, 9), (vec![], false), "a heading does not run on into the text");
        });
    }

    #[test]
    fn a_withdrawn_notice_waits_for_nobody() {
        each_store(|store| {
            let root = add(store, "root");
            sent(ask(store, 1, notice_to(root, 1, &["root"])));
            store.connection.execute("UPDATE notices SET withdrawn_at = 5", []).unwrap();
            assert!(overview(store, 6, root).1.is_empty());
            assert_eq!(find(&store.connection, UnixMillis(6), NoticeId(1)).unwrap().notice.state, NoticeState::Withdrawn);
        });
    }

    #[test]
    fn a_stored_answer_that_is_none_is_damage_and_no_panic() {
        each_store(|store| {
            let root = add(store, "root");
            sent(ask(store, 1, notice_to(root, 1, &["root"])));
            store.connection.execute("UPDATE notices SET answers = 'Yes' || char(10)", []).unwrap();
            assert_eq!(ask(store, 2, Work::ListNotices { before: None, limit: 9 }), Err(Refusal::StoreFailed));
        });
    }
}
