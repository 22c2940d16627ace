//! What is kept no longer goes, in bites so small that nobody waits for one: messages from below, notices with their ledgers, old
//! lines of the audit log, and then the room they took in the file.

use belfry_core::chat::{ConversationId, Seq};
use belfry_core::time::UnixMillis;
use rusqlite::Connection;

use super::column::{clamped, number, optional_number, time};
use super::error::Trouble;
use super::{Bite, Outcome, Tidied, files};

/// Rows that one bite takes out at most: about two milliseconds of work, and far fewer pages of the log than a checkpoint waits for.
const ROWS_MAX: u64 = 500;

/// Conversations that one bite looks at: with a hundred thousand of them a round takes a thousand bites.
const CONVERSATIONS_MAX: u32 = 100;

/// Pages of 4 KiB that one bite gives back to the disk.
const PAGES_GIVEN_BACK: u32 = 256;

/// Room in the file is given back when it is more than one part in this many; the rest is used again by what is said next.
const SPARE_PARTS: u64 = 8;

const CONVERSATIONS: &str =
    "SELECT id, last_seq, kept_from, keep_age, keep_messages FROM conversations WHERE id >= ?1 ORDER BY id LIMIT ?2";
const OLDEST: &str = "SELECT seq, sent_at FROM messages WHERE conversation = ?1 ORDER BY seq LIMIT ?2";
const REMOVE_MESSAGES: &str = "DELETE FROM messages WHERE conversation = ?1 AND seq < ?2";
const REMOVE_ORIGINALS: &str = "DELETE FROM originals WHERE conversation = ?1 AND seq < ?2";
const SET_KEPT_FROM: &str = "UPDATE conversations SET kept_from = ?2 WHERE id = ?1";
const OLDEST_NOTICES: &str = "SELECT id FROM
    (SELECT id, sent_at FROM notices WHERE expires_at IS NULL OR expires_at <= ?2 ORDER BY id LIMIT ?3) WHERE sent_at < ?1 ORDER BY id";
const REMOVE_LEDGER: &str = "DELETE FROM ledger WHERE notice = ?1 AND account IN (SELECT account FROM ledger WHERE notice = ?1 LIMIT ?2)";
const REMOVE_NOTICE: &str = "DELETE FROM notices WHERE id = ?1";
const REMOVE_AUDIT: &str = "DELETE FROM audit WHERE id IN (SELECT id FROM (SELECT id, at FROM audit ORDER BY id LIMIT ?2) WHERE at < ?1)";
const FREE_PAGES: &str = "SELECT freelist_count, page_count FROM pragma_freelist_count, pragma_page_count";

/// What is kept no longer; `None` for everything is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) messages_before: Option<UnixMillis>,
    pub(super) messages_kept: Option<u64>,
    /// There are rooms that have bounds of their own.
    pub(super) rooms_differ: bool,
    pub(super) notices_before: Option<UnixMillis>,
    pub(super) audit_before: Option<UnixMillis>,
}

pub(super) fn tidy(connection: &Connection, at: UnixMillis, bounds: &Bounds, bite: Bite) -> Result<Outcome, Trouble> {
    let (removed, next) = match bite {
        Bite::Messages(_) if bounds.messages_before.is_none() && bounds.messages_kept.is_none() && !bounds.rooms_differ => {
            (0, Some(Bite::Rest))
        }
        Bite::Messages(from) => messages(connection, at, bounds, from)?,
        Bite::Rest => rest(connection, at, bounds)?,
    };
    Ok(Tidied { removed, next }.into())
}

struct ConversationBounds {
    id: ConversationId,
    last: Seq,
    kept_from: Seq,
    before: Option<UnixMillis>,
    kept: Option<u64>,
}

fn messages(connection: &Connection, at: UnixMillis, bounds: &Bounds, from: ConversationId) -> Result<(u64, Option<Bite>), Trouble> {
    let conversations: Vec<ConversationBounds> = connection
        .prepare_cached(CONVERSATIONS)?
        .query_map([clamped(from.0), i64::from(CONVERSATIONS_MAX)], |row| {
            // A room's own bounds go over those of the server; its 0 is no bound at all.
            let before = match optional_number(row, 3)? {
                Some(age) => (age > 0).then_some(UnixMillis(at.0.saturating_sub(age))),
                None => bounds.messages_before,
            };
            let kept = match optional_number(row, 4)? {
                Some(kept) => (kept > 0).then_some(kept),
                None => bounds.messages_kept,
            };
            let (id, last, kept_from) = (ConversationId(number(row, 0)?), Seq(number(row, 1)?), Seq(number(row, 2)?));
            Ok(ConversationBounds { id, last, kept_from, before, kept })
        })?
        .collect::<Result<_, _>>()?;
    let mut removed = 0;
    for conversation in &conversations {
        let room = ROWS_MAX - removed;
        if room == 0 {
            return Ok((removed, Some(Bite::Messages(conversation.id))));
        }
        removed += shorten(connection, conversation, room)?;
    }
    let last = conversations.last().filter(|_| conversations.len() == CONVERSATIONS_MAX as usize);
    let next = match last {
        // The last one may have more than there was room for.
        _ if removed >= ROWS_MAX => conversations.last().map(|last| Bite::Messages(last.id)),
        Some(last) => Some(Bite::Messages(ConversationId(last.id.0 + 1))),
        None => Some(Bite::Rest),
    };
    Ok((removed, next))
}

/// Takes at most `room` messages from the beginning of a conversation.
fn shorten(connection: &Connection, conversation: &ConversationBounds, room: u64) -> Result<u64, Trouble> {
    let kept_by_number = conversation.kept.map_or(0, |kept| conversation.last.next().0.saturating_sub(kept));
    let mut statement = connection.prepare_cached(OLDEST)?;
    let mut rows = statement.query([clamped(conversation.id.0), clamped(room)])?;
    let (mut removed, mut kept_from) = (0, conversation.kept_from);
    while let Some(row) = rows.next()? {
        let (seq, sent_at) = (Seq(number(row, 0)?), time(row, 1)?);
        if seq.0 >= kept_by_number && conversation.before.is_none_or(|before| sent_at >= before) {
            break;
        }
        removed += 1;
        kept_from = seq.next();
    }
    drop(rows);
    if removed > 0 {
        let bound = [clamped(conversation.id.0), clamped(kept_from.0)];
        connection.prepare_cached(REMOVE_MESSAGES)?.execute(bound)?;
        connection.prepare_cached(REMOVE_ORIGINALS)?.execute(bound)?;
        files::remove_before(connection, conversation.id, kept_from)?;
        connection.prepare_cached(SET_KEPT_FROM)?.execute(bound)?;
    }
    Ok(removed)
}

fn rest(connection: &Connection, at: UnixMillis, bounds: &Bounds) -> Result<(u64, Option<Bite>), Trouble> {
    let mut removed = match bounds.notices_before {
        Some(before) => notices(connection, at, before)?,
        None => 0,
    };
    if let Some(before) = bounds.audit_before {
        removed += connection.prepare_cached(REMOVE_AUDIT)?.execute([clamped(before.0), clamped(ROWS_MAX)])? as u64;
    }
    if removed > 0 {
        return Ok((removed, Some(Bite::Rest)));
    }
    let (free, pages) = free_pages(connection)?;
    if is_worth_giving_back(free, pages) {
        // One page a step: running it to its end is what gives back all of them.
        let mut vacuum = connection.prepare_cached(&format!("PRAGMA incremental_vacuum({PAGES_GIVEN_BACK})"))?;
        let mut pages_given_back = vacuum.query([])?;
        while pages_given_back.next()?.is_some() {}
        drop(pages_given_back);
        // A file that was made to keep its room keeps it.
        let given_back = free_pages(connection)?.0 < free;
        return Ok((0, given_back.then_some(Bite::Rest)));
    }
    Ok((0, None))
}

/// More than a bite, and more than is used again soon.
const fn is_worth_giving_back(free: u64, pages: u64) -> bool {
    free > PAGES_GIVEN_BACK as u64 && free > pages / SPARE_PARTS
}

/// Pages that hold nothing, and all pages.
fn free_pages(connection: &Connection) -> Result<(u64, u64), Trouble> {
    Ok(connection.prepare_cached(FREE_PAGES)?.query_row([], |row| Ok((number(row, 0)?, number(row, 1)?)))?)
}

/// Takes out notices that are too old, unless their expiry is to come; from the ledgers of those no more than there is room for.
fn notices(connection: &Connection, at: UnixMillis, before: UnixMillis) -> Result<u64, Trouble> {
    let oldest: Vec<i64> = connection
        .prepare_cached(OLDEST_NOTICES)?
        .query_map([clamped(before.0), clamped(at.0), clamped(ROWS_MAX)], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut removed = 0;
    for id in oldest {
        let room = ROWS_MAX - removed;
        let of_ledger = connection.prepare_cached(REMOVE_LEDGER)?.execute([id, clamped(room)])? as u64;
        removed += of_ledger;
        if removed >= ROWS_MAX {
            break;
        }
        removed += connection.prepare_cached(REMOVE_NOTICE)?.execute([id])? as u64;
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountId, Answer, Keep, LedgerView, MessagePage, NoticeId, Page, Refusal};

    use super::super::fixture::{
        LOBBY, add, ask, create, direct, each_store, job, named, newest, notice_to, overview, post, post_to, posted, say, sent,
    };
    use super::super::{AuditRecord, DatabaseSize, RoomJob, Store, Target, Tidied, Work};
    use super::*;

    const NOTHING: Bounds =
        Bounds { messages_before: None, messages_kept: None, rooms_differ: false, notices_before: None, audit_before: None };

    /// Tidies until everything has been looked at; how much each bite took out.
    fn tidied(store: &mut Store, at: u64, bounds: Bounds) -> Vec<u64> {
        let (mut bites, mut bite) = (Vec::new(), Bite::Messages(ConversationId(0)));
        loop {
            let Bounds { messages_before, messages_kept, rooms_differ, notices_before, audit_before } = bounds;
            let work = Work::Tidy { messages_before, messages_kept, rooms_differ, notices_before, audit_before, bite };
            let Ok(Outcome::Tidied(Tidied { removed, next })) = ask(store, at, work) else { panic!() };
            bites.push(removed);
            assert!(bites.len() < 1000, "a round has an end");
            match next {
                Some(next) => bite = next,
                None => return bites,
            }
        }
    }

    fn kept(store: &mut Store, account: AccountId) -> Vec<u64> {
        let outcome = ask(store, 99, Work::FetchAfter { account, conversation: LOBBY, after: Seq(0), limit: 500 });
        let Ok(Outcome::Read(Answer::Page(MessagePage { messages, .. }))) = outcome else { panic!("{outcome:?}") };
        messages.iter().map(|message| message.seq.0).collect()
    }

    #[test]
    fn of_each_conversation_the_newest_stay_and_keep_their_numbers() {
        each_store(|store| {
            let (anna, _bob) = (add(store, "anna"), add(store, "bob"));
            say(store, anna, 10);
            post_to(store, anna, 11, direct("bob")).unwrap();
            tidied(store, 1, Bounds { messages_kept: Some(3), ..NOTHING });
            assert_eq!(kept(store, anna), [8, 9, 10]);
            assert!(matches!(ask(store, 1, Work::Size), Ok(Outcome::Size(DatabaseSize { messages: 4, .. }))));
            assert_eq!(posted(ask(store, 1, post(anna, 12, Target::Room(LOBBY), "x"))).0.seq, Seq(11));
        });
    }

    #[test]
    fn messages_that_are_too_old_go_and_a_conversation_may_become_empty() {
        each_store(|store| {
            let anna = add(store, "anna");
            for at in 1..=5 {
                ask(store, at, post(anna, at, Target::Room(LOBBY), "x")).unwrap();
            }
            tidied(store, 9, Bounds { messages_before: Some(UnixMillis(4)), ..NOTHING });
            assert_eq!(kept(store, anna), [4, 5]);
            tidied(store, 9, Bounds { messages_before: Some(UnixMillis(9)), ..NOTHING });
            assert_eq!(kept(store, anna), [0; 0]);
            assert_eq!(overview(store, 9, anna).0[0].last, Seq(5));
            assert_eq!(posted(ask(store, 9, post(anna, 6, Target::Room(LOBBY), "x"))).0.seq, Seq(6));
        });
    }

    #[test]
    fn a_rooms_own_bounds_go_over_those_of_the_server() {
        each_store(|store| {
            let anna = add(store, "anna");
            let rooms = ["as all", "short", "young", "whole"].map(|name| create(store, anna, name));
            let [_, short, young, whole] = rooms;
            for (counter, room) in (0..).zip(rooms) {
                for n in 1..=10 {
                    ask(store, n * 100, post(anna, counter * 100 + n, Target::Room(room), "x")).unwrap();
                }
            }
            let keeps = [(short, None, Some(2)), (young, Some(250), Some(0)), (whole, Some(0), Some(0))];
            for (room, age_ms, messages) in keeps {
                ask(store, 1, Work::Room(RoomJob::Keep { room, change: Keep { age_ms, messages }.into() })).unwrap();
            }
            assert_eq!(store.opening().unwrap().rooms[2].keep, Keep { age_ms: None, messages: Some(2) });
            let mut left = |bounds| {
                tidied(store, 1000, bounds);
                rooms.map(|room| newest(store, anna, Target::Room(room)).unwrap().len())
            };
            assert_eq!(left(NOTHING), [10, 10, 10, 10], "nobody looks where nothing differs");
            assert_eq!(left(Bounds { rooms_differ: true, ..NOTHING }), [10, 2, 3, 10]);
            assert_eq!(left(Bounds { messages_kept: Some(5), messages_before: Some(UnixMillis(1)), ..NOTHING }), [5, 2, 3, 10]);
        });
    }

    #[test]
    fn one_conversation_is_shortened_by_its_own_messages() {
        each_store(|store| {
            let anna = add(store, "anna");
            let attic = create(store, anna, "attic");
            let keep = Keep { age_ms: Some(0), messages: None };
            ask(store, 1, Work::Room(RoomJob::Keep { room: LOBBY, change: keep.into() })).unwrap();
            for (at, room) in [(1, LOBBY), (2, LOBBY), (50, attic), (51, attic)] {
                ask(store, at, post(anna, at, Target::Room(room), "x")).unwrap();
            }
            assert_eq!(tidied(store, 60, Bounds { messages_before: Some(UnixMillis(50)), ..NOTHING }).iter().sum::<u64>(), 0);
            assert_eq!(newest(store, anna, Target::Room(attic)).unwrap().len(), 2);
        });
    }

    #[test]
    fn a_round_looks_at_every_conversation_once_however_many_there_are() {
        each_store(|store| {
            let anna = add(store, "anna");
            let many = "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
                INSERT INTO conversations (room_name, room_key, last_seq) SELECT i, i, 2 FROM n";
            store.connection.execute(many, []).unwrap();
            let said = "INSERT INTO messages (conversation, seq, author, sent_at, text)
                SELECT id, seq, ?1, 1, 'x' FROM conversations CROSS JOIN (SELECT 1 AS seq UNION ALL SELECT 2) WHERE last_seq = 2";
            store.connection.execute(said, [clamped(anna.0)]).unwrap();
            let bites = tidied(store, 9, Bounds { messages_kept: Some(1), ..NOTHING });
            assert_eq!(bites, [99, 100, 51, 0], "the lobby is empty");
        });
    }

    #[test]
    fn a_ledger_goes_in_bites_and_leaves_those_of_other_notices_alone() {
        each_store(|store| {
            let root = add(store, "root");
            let people = "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1800)
                INSERT INTO accounts (name, name_key, role, created_at, password_hash) SELECT i, i, 0, 1, '' FROM n";
            store.connection.execute(people, []).unwrap();
            for counter in 1..=3 {
                sent(ask(store, counter, notice_to(root, counter, &["root"])));
            }
            // The first has not ended, the others are for other people.
            store.connection.execute("UPDATE notices SET expires_at = 1000 WHERE id = 1", []).unwrap();
            let meant = "INSERT INTO ledger (notice, account) SELECT 1 + (id - 2) / 600, id FROM accounts WHERE id > 1";
            store.connection.execute(meant, []).unwrap();
            let bites = tidied(store, 100, Bounds { notices_before: Some(UnixMillis(3)), ..NOTHING });
            assert_eq!(bites, [0, 500, 102, 0], "600 people, root, and the notice itself");
            let left = |notice| match ask(
                store,
                100,
                Work::Ledger { notice: NoticeId(notice), view: LedgerView::default(), after: None, limit: 1 },
            ) {
                Ok(Outcome::Ledger(read)) => Ok((read.summary.notice.id.0, read.people.more)),
                Ok(other) => panic!("{other:?}"),
                Err(refusal) => Err(refusal),
            };
            assert_eq!([1, 2, 3].map(left), [Ok((1, true)), Err(Refusal::UnknownNotice), Ok((3, true))]);
            let lines = "SELECT count(*) FROM ledger";
            assert_eq!(store.connection.query_row(lines, [], |row| row.get(0)), Ok(1202));
        });
    }

    #[test]
    fn a_bite_is_small_and_the_next_one_goes_on() {
        each_store(|store| {
            let anna = add(store, "anna");
            say(store, anna, 1200);
            let bites = tidied(store, 1, Bounds { messages_kept: Some(100), ..NOTHING });
            assert_eq!(bites.iter().sum::<u64>(), 1100);
            assert!(bites.iter().all(|&removed| removed <= ROWS_MAX), "{bites:?}");
        });
    }

    #[test]
    fn a_post_whose_message_is_gone_is_still_recognised() {
        each_store(|store| {
            let anna = add(store, "anna");
            let first = posted(ask(store, 5, post(anna, 1, Target::Room(LOBBY), "x")));
            tidied(store, 9, Bounds { messages_before: Some(UnixMillis(9)), ..NOTHING });
            let again = posted(ask(store, 10, post(anna, 1, Target::Room(LOBBY), "x")));
            assert_eq!((again.0, again.2), (first.0, true));
        });
    }

    #[test]
    fn notices_go_with_their_ledgers_when_they_are_old_and_over() {
        each_store(|store| {
            let (root, anna) = (add(store, "root"), add(store, "anna"));
            let notice = |at: u64, end: Option<u64>| {
                let mut work = notice_to(root, at, &["anna"]);
                if let Work::SendNotice { draft, .. } = &mut work {
                    draft.expires_after_ms = end.map(|end| end - at);
                }
                work
            };
            for (at, end) in [(1, None), (2, Some(50)), (3, Some(500)), (60, None)] {
                sent(ask(store, at, notice(at, end)));
            }
            tidied(store, 100, Bounds { notices_before: Some(UnixMillis(60)), ..NOTHING });
            let open: Vec<_> = overview(store, 100, anna).1.iter().map(|notice| notice.id.0).collect();
            assert_eq!(open, [3, 4]);
            let Ok(Outcome::Read(Answer::Notices(Page { entries: notices, .. }))) =
                ask(store, 100, Work::ListNotices { before: None, limit: 9 })
            else {
                panic!()
            };
            assert_eq!(notices.iter().map(|summary| summary.notice.id.0).collect::<Vec<_>>(), [4, 3], "nor is what was over kept");
            let ledger = ask(store, 100, Work::Ledger { notice: NoticeId(1), view: LedgerView::default(), after: None, limit: 9 });
            assert_eq!(ledger, Err(Refusal::UnknownNotice));
            assert_eq!(sent(ask(store, 101, notice(101, None))).0.id, NoticeId(5));
        });
    }

    #[test]
    fn notices_whose_end_is_to_come_keep_no_others() {
        each_store(|store| {
            let root = add(store, "root");
            let lasting = (1..=ROWS_MAX).map(|n| {
                let mut work = notice_to(root, n, &["root"]);
                if let Work::SendNotice { draft, .. } = &mut work {
                    draft.expires_after_ms = Some(1000);
                }
                job(n, 1, work)
            });
            store.apply(lasting.collect());
            sent(ask(store, 2, notice_to(root, 1000, &["root"])));
            tidied(store, 100, Bounds { notices_before: Some(UnixMillis(60)), ..NOTHING });
            let open = overview(store, 100, root).1;
            assert_eq!((open.len() as u64, open.last().map(|notice| notice.id.0)), (ROWS_MAX, Some(ROWS_MAX)));
        });
    }

    #[test]
    fn old_lines_of_the_audit_log_go() {
        each_store(|store| {
            let root = add(store, "root");
            for at in 1..=3 {
                let entry = AuditRecord { account: root, act: "user.enable", object: "x".into(), detail: String::new() };
                let work = Box::new(Work::SetDisabled { account: named("root"), disabled: false });
                ask(store, at, Work::Audited { entry, work }).unwrap();
            }
            tidied(store, 9, Bounds { audit_before: Some(UnixMillis(3)), ..NOTHING });
            let Ok(Outcome::Read(Answer::Audit(Page { entries, .. }))) = ask(store, 9, Work::ReadAudit { before: None, limit: 9 }) else {
                panic!()
            };
            assert_eq!(entries.iter().map(|entry| entry.at.0).collect::<Vec<_>>(), [3]);
        });
    }

    #[test]
    fn the_room_of_what_is_gone_is_given_back_to_the_disk() {
        each_store(|store| {
            let anna = add(store, "anna");
            let text = "x".repeat(16_000);
            store.apply((1..=800).map(|n| job(n, 1, post(anna, n, Target::Room(LOBBY), &text))).collect());
            let bytes = |store: &mut Store| match ask(store, 1, Work::Size) {
                Ok(Outcome::Size(DatabaseSize { bytes, .. })) => bytes,
                other => panic!("{other:?}"),
            };
            let before = bytes(store);
            tidied(store, 9, Bounds { messages_kept: Some(1), ..NOTHING });
            assert!(bytes(store) < before / 4, "{} of {before}", bytes(store));
        });
    }

    #[test]
    fn a_file_that_keeps_its_room_is_left_alone() {
        each_store(|store| {
            store.connection.execute_batch("PRAGMA auto_vacuum = NONE; VACUUM").unwrap();
            let anna = add(store, "anna");
            let text = "x".repeat(16_000);
            store.apply((1..=500).map(|n| job(n, 1, post(anna, n, Target::Room(LOBBY), &text))).collect());
            let bites = tidied(store, 9, Bounds { messages_kept: Some(1), ..NOTHING });
            assert!(bites.len() < 10, "{}", bites.len());
        });
    }

    #[test]
    fn nothing_is_taken_where_everything_is_kept() {
        each_store(|store| {
            let anna = add(store, "anna");
            say(store, anna, 3);
            assert_eq!(tidied(store, u64::MAX >> 1, NOTHING).iter().sum::<u64>(), 0);
            assert_eq!(kept(store, anna).len(), 3);
            let written = store.connection.total_changes();
            tidied(store, 9, Bounds { messages_kept: Some(3), rooms_differ: true, ..NOTHING });
            assert_eq!(store.connection.total_changes(), written, "a round that finds nothing writes nothing");
        });
    }

    #[test]
    fn so_much_room_is_worth_giving_back_as_is_more_than_a_bite_and_than_an_eighth() {
        let bite = u64::from(PAGES_GIVEN_BACK);
        assert_eq!([bite, bite + 1].map(|free| is_worth_giving_back(free, bite + 1)), [false, true]);
        assert_eq!([1000, 1001].map(|free| is_worth_giving_back(free, 8 * 1000)), [false, true]);
    }

    #[test]
    fn a_long_audit_log_goes_in_bites_of_one_round() {
        each_store(|store| {
            let root = add(store, "root");
            let lines = "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
                INSERT INTO audit (at, account, act, object, detail) SELECT i, ?1, 'user.enable', 'x', '' FROM n";
            store.connection.execute(lines, [clamped(root.0)]).unwrap();
            let bites = tidied(store, 5000, Bounds { audit_before: Some(UnixMillis(1101)), ..NOTHING });
            assert_eq!(bites, [0, ROWS_MAX, ROWS_MAX, 100, 0]);
        });
    }
}
