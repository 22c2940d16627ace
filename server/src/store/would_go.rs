//! How much would go if less were kept: the same bounds as tidying has, counted and not taken out.

use belfry_core::chat::{ConversationId, Keep, KeepChange};
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, Row};

use super::column::{clamped, number, optional_number};
use super::error::Trouble;
use super::{Kept, Outcome, Proportion, WouldGo};

const CONVERSATIONS: &str = "SELECT id, last_seq, kept_from, keep_age, keep_messages FROM conversations WHERE id BETWEEN ?1 AND ?2";
const FIRST_KEPT: &str = "SELECT seq FROM messages WHERE conversation = ?1 AND seq >= ?3 AND sent_at >= ?2 ORDER BY seq LIMIT 1";
const MESSAGES: &str = "SELECT count(*) FROM messages WHERE conversation = ?1 AND seq < ?2";
const NOTICES: &str = "SELECT count(*), coalesce(sum(sent_at < ?1 AND (expires_at IS NULL OR expires_at <= ?2)), 0) FROM notices";
const AUDIT: &str = "SELECT count(*), coalesce(sum(at < ?1), 0) FROM audit";

pub(super) fn count(
    connection: &Connection,
    at: UnixMillis,
    kept: &Kept,
    room: Option<(ConversationId, KeepChange)>,
) -> Result<Outcome, Trouble> {
    let messages = messages(connection, at, kept, room)?;
    let (mut notices, mut audit) = (Proportion::default(), Proportion::default());
    if room.is_none() {
        let part = |row: &Row<'_>| Ok(Proportion { of: number(row, 0)?, goes: number(row, 1)? });
        if let Some(from) = kept.notices_from {
            notices = connection.prepare_cached(NOTICES)?.query_row([clamped(from.0), clamped(at.0)], part)?;
        }
        if let Some(from) = kept.audit_from {
            audit = connection.prepare_cached(AUDIT)?.query_row([clamped(from.0)], part)?;
        }
    }
    Ok(WouldGo { messages, notices, audit }.into())
}

fn messages(
    connection: &Connection,
    at: UnixMillis,
    kept: &Kept,
    room: Option<(ConversationId, KeepChange)>,
) -> Result<Proportion, Trouble> {
    let mut part = Proportion::default();
    let mut conversations = connection.prepare_cached(CONVERSATIONS)?;
    let (first, last) = room.map_or((0, i64::MAX), |(id, _)| (clamped(id.0), clamped(id.0)));
    let mut rows = conversations.query([first, last])?;
    while let Some(row) = rows.next()? {
        let (id, last, kept_from) = (clamped(number(row, 0)?), number(row, 1)?, number(row, 2)?);
        let stored = Keep { age_ms: optional_number(row, 3)?, messages: optional_number(row, 4)? };
        let keep = room.map_or(stored, |(_, change)| change.after(stored));
        part.of += last.saturating_add(1).saturating_sub(kept_from);
        // A room's own bounds go over those of the server; its 0 is no bound at all.
        let from = match keep.age_ms {
            Some(age) => (age > 0).then(|| UnixMillis(at.0.saturating_sub(age))),
            None => kept.messages_from,
        };
        let newest = keep.messages.map_or(kept.messages, |newest| (newest > 0).then_some(newest));
        let mut before = newest.map_or(0, |newest| last.saturating_add(1).saturating_sub(newest));
        if let Some(from) = from {
            let mut first = connection.prepare_cached(FIRST_KEPT)?;
            let mut rows = first.query([id, clamped(from.0), clamped(before)])?;
            before = match rows.next()? {
                Some(row) => number(row, 0)?,
                None => last.saturating_add(1),
            };
        }
        part.goes += connection.prepare_cached(MESSAGES)?.query_row([id, clamped(before)], |row| number(row, 0))?;
    }
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{LOBBY, add, ask, create, each_store, named, notice_to, post, sent};
    use super::super::{AuditRecord, Bite, List, RoomJob, Store, Target, Tidied, Work, WouldGo};
    use super::*;

    /// What would go at this moment, of messages, notices and the audit log.
    fn would_go(store: &mut Store, at: u64, kept: Kept, room: Option<(ConversationId, KeepChange)>) -> [(u64, u64); 3] {
        match ask(store, at, Work::List(List::WouldGo { kept, room })) {
            Ok(Outcome::WouldGo(WouldGo { messages, notices, audit })) => [messages, notices, audit].map(|part| (part.goes, part.of)),
            other => panic!("{other:?}"),
        }
    }

    fn tidied(store: &mut Store, at: u64, kept: Kept) {
        let mut next = Some(Bite::Messages(ConversationId(0)));
        while let Some(bite) = next {
            let work = Work::Tidy {
                messages_before: kept.messages_from,
                messages_kept: kept.messages,
                rooms_differ: true,
                notices_before: kept.notices_from,
                audit_before: kept.audit_from,
                bite,
            };
            next = match ask(store, at, work) {
                Ok(Outcome::Tidied(Tidied { next, .. })) => next,
                other => panic!("{other:?}"),
            };
        }
    }

    #[test]
    fn what_is_counted_is_what_goes() {
        each_store(|store| {
            let anna = add(store, "anna");
            let attic = create(store, anna, "attic");
            for n in 1..=10 {
                ask(store, n * 100, post(anna, n, Target::Room(LOBBY), "x")).unwrap();
                ask(store, n * 100, post(anna, 100 + n, Target::Room(attic), "x")).unwrap();
            }
            let messages = |store: &mut Store, kept, room| would_go(store, 1000, kept, room)[0];
            let of_lobby = |age_ms, messages| Some((LOBBY, Keep { age_ms, messages }.into()));
            let everything = Kept::default();
            assert_eq!(messages(store, everything, None), (0, 20));
            assert_eq!(messages(store, everything, of_lobby(None, Some(3))), (7, 10));
            assert_eq!(messages(store, everything, of_lobby(Some(250), None)), (7, 10));
            assert_eq!(messages(store, everything, of_lobby(Some(1), None)), (9, 10));
            assert_eq!(messages(store, everything, of_lobby(Some(250), Some(2))), (8, 10));
            let five = Kept { messages: Some(5), ..everything };
            assert_eq!(messages(store, five, None), (10, 20));
            assert_eq!(messages(store, five, of_lobby(Some(0), Some(0))), (0, 10));
            assert_eq!(messages(store, Kept { messages_from: Some(UnixMillis(2000)), ..everything }, None), (20, 20));
            ask(store, 1, Work::Room(RoomJob::Keep { room: attic, change: Keep { age_ms: Some(0), messages: Some(0) }.into() })).unwrap();
            assert_eq!(messages(store, five, None), (5, 20), "the attic keeps what it has");
        });
    }

    #[test]
    fn what_goes_of_one_conversation_is_counted_by_its_own_messages() {
        each_store(|store| {
            let anna = add(store, "anna");
            let attic = create(store, anna, "attic");
            for n in 1..=4 {
                ask(store, n, post(anna, n, Target::Room(LOBBY), "x")).unwrap();
                ask(store, 100 + n, post(anna, 100 + n, Target::Room(attic), "x")).unwrap();
            }
            let keep = Keep { age_ms: Some(100), messages: None }.into();
            let goes = [LOBBY, attic].map(|room| would_go(store, 200, Kept::default(), Some((room, keep)))[0]);
            assert_eq!(goes, [(4, 4), (0, 4)]);
        });
    }

    #[test]
    fn what_is_counted_goes_and_the_rest_stays_whatever_clocks_have_done() {
        // When one thing after the other was said, sent and done; what is kept from when on, and how many of the newest.
        let cases: [(&[u64], u64, Option<u64>); 7] = [
            (&[10, 20, 30, 40, 50], 35, None),
            (&[10, 20, 30, 40, 50], 35, Some(4)),
            (&[10, 20, 30, 40, 50], 35, Some(1)),
            (&[10, 900, 20, 30, 40], 35, None),
            (&[10, 900, 20, 30, 40, 50], 35, Some(3)),
            (&[900, 10, 20, 30], 35, Some(9)),
            (&[10, 20], 10, Some(2)),
        ];
        for (times, from, newest) in cases {
            each_store(|store| {
                let root = add(store, "root");
                for (counter, &at) in (1..).zip(times) {
                    ask(store, at, post(root, counter, Target::Room(LOBBY), "x")).unwrap();
                    sent(ask(store, at, notice_to(root, counter, &["root"])));
                    let entry = AuditRecord { account: root, act: "user.enable", object: "x".into(), detail: String::new() };
                    let work = Box::new(Work::SetDisabled { account: named("root"), disabled: false });
                    ask(store, at, Work::Audited { entry, work }).unwrap();
                }
                let from = Some(UnixMillis(from));
                let kept = Kept { messages_from: from, messages: newest, notices_from: from, audit_from: from };
                let before = would_go(store, 100, kept, None);
                tidied(store, 100, kept);
                let stays = before.map(|(goes, of)| (0, of - goes));
                assert_eq!(would_go(store, 100, kept, None), stays, "{times:?} from {from:?}, the newest {newest:?}: {before:?}");
            });
        }
    }

    #[test]
    fn notices_and_the_audit_log_are_counted_with_their_own_bounds() {
        each_store(|store| {
            let root = add(store, "root");
            for n in 1..=4 {
                sent(ask(store, n * 100, notice_to(root, n, &["root"])));
            }
            let kept = Kept { notices_from: Some(UnixMillis(300)), ..Kept::default() };
            assert_eq!(would_go(store, 1000, kept, None)[1], (2, 4));
            assert_eq!(would_go(store, 1000, Kept::default(), None)[1..], [(0, 0), (0, 0)]);
        });
    }
}
