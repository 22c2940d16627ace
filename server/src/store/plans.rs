//! Notices that are sent later, and templates. Each is kept as one JSON text: it is only read and written as a whole.

use std::collections::BTreeSet;

use belfry_core::chat::{
    AccountId, Audience, Missed, NoticeDraft, Obstacle, Page, PostId, Refusal, RoomName, ScheduleId, Template, TemplateName,
};
use belfry_core::limits::PAGE_ENTRIES_MAX;
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::column::{bits, clamped, invalid, number, optional_time, time, words};
use super::conversations::StoredConversation;
use super::error::Trouble;
use super::page::{Limit, taken};
use super::{
    AuditRecord, Changed, NotSent, Occurrence, Outcome, StoreError, StoredPlace, StoredSchedule, accounts, audience, audit, notices,
};

const TEMPLATES: &str = "SELECT content FROM templates ORDER BY name_key";
const SAVE_TEMPLATE: &str =
    "INSERT INTO templates (name_key, content) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET content = excluded.content";
const REMOVE_TEMPLATE: &str = "DELETE FROM templates WHERE name_key = ?1";
macro_rules! select_schedules {
    ($where:literal) => {
        concat!(
            "SELECT s.id, s.author, s.next_at, s.content, a.name, s.missed_at, s.missed_why, s.room_closed
                FROM schedules s CROSS JOIN accounts a ON a.id = s.author ",
            $where
        )
    };
}

const SCHEDULES: &str = select_schedules!("ORDER BY s.id");
const SCHEDULES_AFTER: &str = select_schedules!("WHERE s.id > ?1 ORDER BY s.id LIMIT ?2");
const FIND_POST: &str = select_schedules!("WHERE s.author = ?1 AND s.outbox = ?2 AND s.counter = ?3");
const SCHEDULE: &str = select_schedules!("WHERE s.id = ?1");
const ADD_SCHEDULE: &str = "INSERT INTO schedules (author, outbox, counter, next_at, content) VALUES (?1, ?2, ?3, ?4, ?5)";
const MOVE_SCHEDULE: &str = "UPDATE schedules SET next_at = ?2, missed_at = NULL, missed_why = NULL WHERE id = ?1";
const MISS_SCHEDULE: &str = "UPDATE schedules SET next_at = ?2, missed_at = ?3, missed_why = ?4 WHERE id = ?1";
const REWRITE_SCHEDULE: &str = "UPDATE schedules SET content = ?2 WHERE id = ?1";
const CLOSE_ROOM: &str = "UPDATE schedules SET room_closed = 1 WHERE id = ?1";
const CONTENTS: &str = "SELECT id, content FROM schedules";
const ROOM: &str = "SELECT 1 FROM conversations WHERE room_key = ?1";
const REMOVE_SCHEDULE: &str = "DELETE FROM schedules WHERE id = ?1";

fn written(value: &impl Serialize) -> Result<String, Trouble> {
    serde_json::to_string(value).map_err(|_| StoreError::contradiction("something cannot be written").into())
}

fn read<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| invalid(column, error))
}

fn read_schedule(row: &Row<'_>) -> rusqlite::Result<StoredSchedule> {
    let draft: NoticeDraft = read(row, 3)?;
    let missed = match optional_time(row, 5)? {
        Some(at) => {
            let why = usize::try_from(number(row, 6)?).ok().and_then(|why| Obstacle::ALL.get(why).copied());
            Some(Missed { at, why: why.ok_or_else(|| invalid(6, "no reason"))? })
        }
        None => None,
    };
    let repeats = draft.schedule.as_ref().is_some_and(|schedule| schedule.every.is_some());
    Ok(StoredSchedule {
        id: ScheduleId(number(row, 0)?),
        author: AccountId(number(row, 1)?),
        next_at: Some(time(row, 2)?).filter(|_| repeats || missed.is_none()),
        draft,
        author_name: words(row, 4)?,
        missed,
        room_closed: row.get(7)?,
    })
}

pub(super) fn templates(connection: &Connection) -> Result<Vec<Template>, StoreError> {
    let mut statement = connection.prepare_cached(TEMPLATES)?;
    let templates = statement.query_map([], |row| read(row, 0))?.collect::<Result<_, _>>()?;
    Ok(templates)
}

pub(super) fn save_template(connection: &Connection, template: &Template) -> Result<Outcome, Trouble> {
    connection.prepare_cached(SAVE_TEMPLATE)?.execute(params![template.name.key(), written(template)?])?;
    Ok(Changed.into())
}

pub(super) fn remove_template(connection: &Connection, name: &TemplateName) -> Result<Outcome, Trouble> {
    let rows = connection.prepare_cached(REMOVE_TEMPLATE)?.execute([name.key()])?;
    if rows == 0 { Err(Refusal::UnknownTemplate.into()) } else { Ok(Changed.into()) }
}

pub(super) fn schedules(connection: &Connection) -> Result<Vec<StoredSchedule>, StoreError> {
    let mut statement = connection.prepare_cached(SCHEDULES)?;
    let schedules = statement.query_map([], read_schedule)?.collect::<Result<_, _>>()?;
    Ok(schedules)
}

/// A page of what is planned, each with what keeps it from being sent as things are.
pub(super) fn list(connection: &Connection, after: Option<ScheduleId>) -> Result<Outcome, Trouble> {
    let limit = Limit::new(PAGE_ENTRIES_MAX);
    let mut statement = connection.prepare_cached(SCHEDULES_AFTER)?;
    let rows = statement.query_map([after.map_or(0, |id| clamped(id.0)), i64::from(limit.rows())], read_schedule)?;
    let Page { entries: schedules, more } = limit.fill(rows, |schedule| taken(&(&schedule.author_name, &schedule.draft)))?;
    let looked_at = schedules.into_iter().map(|schedule| {
        let obstacle = obstacle(connection, &schedule)?;
        Ok((schedule, obstacle))
    });
    let entries = looked_at.collect::<Result<_, Trouble>>()?;
    Ok(Page { entries, more }.into())
}

/// What keeps a scheduled notice from being sent as things are.
fn obstacle(connection: &Connection, schedule: &StoredSchedule) -> Result<Option<Obstacle>, Trouble> {
    if accounts::is_disabled(connection, schedule.author)? {
        return Ok(Some(Obstacle::AuthorDisabled));
    }
    if !accounts::is_admin(connection, schedule.author)? {
        return Ok(Some(Obstacle::AuthorNoAdmin));
    }
    if schedule.room_closed {
        return Ok(Some(Obstacle::NoRoom));
    }
    match audience::reach(connection, schedule.author, &schedule.draft.audience) {
        Ok(_) => Ok(None),
        Err(Trouble::Refused(Refusal::UnknownRoom)) => Ok(Some(Obstacle::NoRoom)),
        Err(Trouble::Refused(Refusal::UnknownGroup)) => Ok(Some(Obstacle::NoGroup)),
        Err(Trouble::Refused(Refusal::UnknownAccount)) => Ok(Some(Obstacle::NoAccount)),
        Err(Trouble::Refused(Refusal::EmptyAudience)) => Ok(Some(Obstacle::Nobody)),
        Err(other) => Err(other),
    }
}

/// Does something, unless a notice that is still to be sent could then not be sent any more.
///
/// # Errors
/// [`Refusal::StopsSchedules`]: then nothing is to be kept of what was done. And whatever `act` returns.
pub(super) fn unless_it_stops_any(
    connection: &Connection,
    act: impl FnOnce(&Connection) -> Result<Outcome, Trouble>,
) -> Result<Outcome, Trouble> {
    let before = able(connection)?;
    let outcome = act(connection)?;
    if before.is_subset(&able(connection)?) { Ok(outcome) } else { Err(Refusal::StopsSchedules.into()) }
}

/// The scheduled notices that would be sent as things are.
fn able(connection: &Connection) -> Result<BTreeSet<ScheduleId>, Trouble> {
    let mut able = BTreeSet::new();
    for schedule in schedules(connection)? {
        if schedule.next_at.is_some() && obstacle(connection, &schedule)?.is_none() {
            able.insert(schedule.id);
        }
    }
    Ok(able)
}

/// Sends what was scheduled, if it still matters and nothing is in the way. What is not sent is noted with the reason, in the list and in
/// the audit log, and stays there: also one that does not repeat. It is read here: a room that it is for may have another name since it
/// was looked at.
pub(super) fn occur(connection: &Connection, at: UnixMillis, occurrence: Occurrence) -> Result<Outcome, Trouble> {
    let found = connection.prepare_cached(SCHEDULE)?.query_row([clamped(occurrence.schedule.0)], read_schedule).optional()?;
    let schedule = found.ok_or(Refusal::UnknownSchedule)?;
    let end = schedule.draft.expires_after_ms.map(|after| UnixMillis(occurrence.at.0.saturating_add(after)));
    let in_the_way = if end.is_some_and(|end| end <= at) { Some(Obstacle::Over) } else { obstacle(connection, &schedule)? };
    let Some(why) = in_the_way else {
        let outcome = notices::send(connection, at, end, schedule.author, &occurrence_of(at, &schedule))?;
        move_schedule(connection, occurrence)?;
        return Ok(outcome);
    };
    tracing::warn!(schedule = schedule.id.0, why = why.as_str(), "a scheduled notice is not sent");
    let number = Obstacle::ALL.iter().position(|one| *one == why).unwrap_or_default();
    let next_at = clamped(occurrence.next_at.unwrap_or(occurrence.at).0);
    let row = params![clamped(schedule.id.0), next_at, clamped(at.0), clamped(number as u64)];
    connection.prepare_cached(MISS_SCHEDULE)?.execute(row)?;
    let entry = AuditRecord {
        account: schedule.author,
        act: "notice.not-sent",
        object: format!("schedule {}", schedule.id.0),
        detail: why.as_str().to_owned(),
    };
    audit::note(connection, at, entry, &Outcome::NotSent(NotSent))?;
    Ok(NotSent.into())
}

/// What is sent at its time: a notice of its own.
fn occurrence_of(at: UnixMillis, schedule: &StoredSchedule) -> NoticeDraft {
    NoticeDraft {
        // No client draws this outbox. That it is sent and when it is sent next are noted together, so that no occurrence comes twice.
        post: PostId { outbox: u64::MAX - schedule.id.0, counter: at.0 },
        // Whom it reaches was seen when it was scheduled.
        confirmed: true,
        ..schedule.draft.clone()
    }
}

pub(super) fn schedule(connection: &Connection, author: AccountId, next_at: UnixMillis, draft: NoticeDraft) -> Result<Outcome, Trouble> {
    let post = [clamped(author.0), bits(draft.post.outbox), bits(draft.post.counter)];
    let stored = connection.prepare_cached(FIND_POST)?.query_row(post, read_schedule).optional()?;
    if let Some(schedule) = stored {
        return Ok(Outcome::Scheduled(Box::new(schedule)));
    }
    notices::reach(connection, author, &draft)?;
    let author_name = accounts::name(connection, author)?;
    let [account, outbox, counter] = post;
    let row = params![account, outbox, counter, clamped(next_at.0), written(&draft)?];
    connection.prepare_cached(ADD_SCHEDULE)?.execute(row)?;
    let id = u64::try_from(connection.last_insert_rowid()).map_err(|_| StoreError::contradiction("a schedule has a negative number"))?;
    let next_at = Some(next_at);
    Ok(Outcome::Scheduled(Box::new(StoredSchedule {
        id: ScheduleId(id),
        author,
        author_name,
        next_at,
        draft,
        missed: None,
        room_closed: false,
    })))
}

pub(super) fn remove_schedule(connection: &Connection, schedule: ScheduleId) -> Result<Outcome, Trouble> {
    let rows = connection.prepare_cached(REMOVE_SCHEDULE)?.execute([clamped(schedule.0)])?;
    if rows == 0 { Err(Refusal::UnknownSchedule.into()) } else { Ok(Changed.into()) }
}

fn move_schedule(connection: &Connection, occurrence: Occurrence) -> Result<Outcome, Trouble> {
    let Some(next_at) = occurrence.next_at else { return remove_schedule(connection, occurrence.schedule) };
    let rows = connection.prepare_cached(MOVE_SCHEDULE)?.execute([clamped(occurrence.schedule.0), clamped(next_at.0)])?;
    if rows == 0 { Err(Refusal::UnknownSchedule.into()) } else { Ok(Changed.into()) }
}

/// Brings what 0.1.0 has planned forward: a notice ends so long after it is sent, where it said when it ends; its times are moments by
/// the server's clocks.
pub(super) fn bring_forward(connection: &Connection) -> Result<(), StoreError> {
    let mut statement = connection.prepare(CONTENTS)?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, read::<Value>(row, 1)?)))?;
    for (id, mut content) in rows.collect::<rusqlite::Result<Vec<_>>>()? {
        let Some(draft) = content.as_object_mut() else { continue };
        let at = draft.get("schedule").and_then(|schedule| schedule.get("at")).and_then(Value::as_u64).unwrap_or_default();
        let every = draft.get("schedule").and_then(|schedule| schedule.get("every")).cloned();
        let end = draft.remove("expires_at").as_ref().and_then(Value::as_u64);
        draft.insert("expires_after_ms".into(), end.map(|end| end.saturating_sub(at)).into());
        draft.insert("schedule".into(), json!({"first": {"At": at}, "zone": null, "every": every}));
        connection.execute(REWRITE_SCHEDULE, params![id, content.to_string()])?;
    }
    Ok(())
}

/// What waits or is kept for a room goes on meaning that room under its new name.
pub(super) fn rename_room(connection: &Connection, old: &RoomName, new: &RoomName) -> Result<(), Trouble> {
    for mut schedule in schedules(connection)?.into_iter().filter(|schedule| !schedule.room_closed) {
        if Audience::rename_room(&mut schedule.draft.audience, old, new) {
            let row = params![clamped(schedule.id.0), written(&schedule.draft)?];
            connection.prepare_cached(REWRITE_SCHEDULE)?.execute(row)?;
        }
    }
    for mut template in templates(connection)? {
        if Audience::rename_room(&mut template.audience, old, new) {
            save_template(connection, &template)?;
        }
    }
    Ok(())
}

/// A room is closed: what is planned for it is for no room that has its name later, and whoever uses a template that names it says anew whom
/// the notice is for.
pub(super) fn close_room(connection: &Connection, room: &RoomName) -> Result<(), Trouble> {
    for schedule in schedules(connection)? {
        if Audience::names_room(&schedule.draft.audience, room) {
            connection.prepare_cached(CLOSE_ROOM)?.execute([clamped(schedule.id.0)])?;
        }
    }
    for mut template in templates(connection)? {
        if Audience::names_room(&template.audience, room) {
            template.audience.clear();
            save_template(connection, &template)?;
        }
    }
    Ok(())
}

/// The rooms that were closed before that was noted: those of whose name there is none.
pub(super) fn close_rooms_that_are_gone(connection: &Connection) -> Result<(), StoreError> {
    let mut statement = connection.prepare(CONTENTS)?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, read::<NoticeDraft>(row, 1)?)))?;
    for (id, draft) in rows.collect::<rusqlite::Result<Vec<_>>>()? {
        let mut rooms = draft.audience.iter().filter_map(|one| if let Audience::Room(room) = one { Some(room) } else { None });
        let is_gone = |room: &RoomName| Ok::<_, rusqlite::Error>(!connection.prepare_cached(ROOM)?.exists([room.key()])?);
        if rooms.try_fold(false, |gone, room| Ok::<_, rusqlite::Error>(gone || is_gone(room)?))? {
            connection.execute(CLOSE_ROOM, [id])?;
        }
    }
    Ok(())
}

/// Takes somebody out of a room. The scheduled notices that are then for nobody are noted, because whoever leaves need not know of them, and
/// whoever has planned them is to find out why they are not sent.
pub(super) fn noting_what_it_stops(
    connection: &Connection,
    at: UnixMillis,
    by: AccountId,
    room: &StoredConversation,
    leaves: AccountId,
    act: impl FnOnce() -> Result<Outcome, Trouble>,
) -> Result<Outcome, Trouble> {
    let StoredPlace::Room(name) = &room.place else { return act() };
    // As long as somebody else is there, everything that is for the room is for somebody.
    if audience::is_for_others(connection, room.id, leaves)? {
        return act();
    }
    let mut able = Vec::new();
    for schedule in schedules(connection)? {
        let is_planned = schedule.next_at.is_some() && Audience::names_room(&schedule.draft.audience, name);
        if is_planned && obstacle(connection, &schedule)?.is_none() {
            able.push(schedule);
        }
    }
    let outcome = act()?;
    for schedule in able {
        if let Some(why) = obstacle(connection, &schedule)? {
            let (object, detail) = (format!("schedule {}", schedule.id.0), format!("{name}: {}", why.as_str()));
            audit::note(connection, at, AuditRecord { account: by, act: "notice.stopped", object, detail }, &outcome)?;
        }
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Answer, ConversationId, First, Label, Page, Role, Schedule, Severity, Text};

    use super::super::fixture::{add, ask, create, each_store, named, sent};
    use super::super::{AccountAdded, Keeper, NotSent, RoomJob, Store, Work, schema};
    use super::*;

    fn draft() -> NoticeDraft {
        NoticeDraft {
            post: PostId { outbox: u64::MAX, counter: 1 },
            answers: vec![Label::new("Safe").unwrap()],
            expires_after_ms: Some(400),
            schedule: Some(Schedule { first: First::At(UnixMillis(500)), zone: None, every: None }),
            confirmed: true,
            ..NoticeDraft::new(Severity::Important, Text::new("Fire drill \"now\"\n").unwrap(), vec![Audience::Everyone])
        }
    }

    #[test]
    fn a_scheduled_notice_is_kept_once_as_it_was_written_moved_and_forgotten() {
        each_store(|store| {
            let (author, _) = (add(store, "root"), add(store, "anna"));
            for _ in 0..2 {
                let done = ask(store, 1, Work::AddSchedule { author, next_at: UnixMillis(500), draft: draft() });
                let author_name = named("root");
                let next_at = Some(UnixMillis(500));
                let expected =
                    StoredSchedule { id: ScheduleId(1), author, author_name, next_at, draft: draft(), missed: None, room_closed: false };
                assert_eq!(done, Ok(Outcome::Scheduled(Box::new(expected.clone()))));
                assert_eq!(store.opening().unwrap().schedules, [expected]);
            }
            ask(store, 3, Work::Unschedule(ScheduleId(1))).unwrap();
            assert_eq!(store.opening().unwrap().schedules, []);
            assert_eq!(ask(store, 3, Work::Unschedule(ScheduleId(1))), Err(Refusal::UnknownSchedule));
        });
    }

    /// A notice to a room of anna's, scheduled for 500 by root, who is an administrator.
    fn with_schedule(store: &mut Store) -> (AccountId, ConversationId) {
        let root = Work::AddAccount { name: named("root"), password_hash: "hash".into(), role: Role::Admin };
        let Ok(Outcome::AccountAdded(AccountAdded { account: root })) = ask(store, 0, root) else { panic!() };
        let anna = add(store, "anna");
        let attic = create(store, anna, "attic");
        let draft = NoticeDraft { audience: vec![Audience::Room("attic".parse().unwrap())], ..draft() };
        ask(store, 1, Work::AddSchedule { author: root, next_at: UnixMillis(500), draft }).unwrap();
        (root, attic)
    }

    fn occur(store: &mut Store, at: u64, next_at: Option<u64>) -> Result<Outcome, Refusal> {
        // Each thousand from 500 on.
        let due = UnixMillis(500 + (at - 500) / 1000 * 1000);
        ask(store, at, Work::Occur(Occurrence { schedule: ScheduleId(1), at: due, next_at: next_at.map(UnixMillis) }))
    }

    #[test]
    fn an_occurrence_is_a_notice_of_its_own_and_the_next_one_comes_later() {
        each_store(|store| {
            with_schedule(store);
            let (first, progress, repeated) = sent(occur(store, 501, Some(1500)));
            assert_eq!((first.expires_at, progress.audience, repeated), (Some(UnixMillis(900)), 1, false));
            assert_eq!(store.opening().unwrap().schedules[0].next_at, Some(UnixMillis(1500)));
            let (second, ..) = sent(occur(store, 1501, None));
            assert_eq!((second.id.0, second.expires_at), (2, Some(UnixMillis(1900))));
            assert_eq!(occur(store, 2501, None), Err(Refusal::UnknownSchedule));
        });
    }

    #[test]
    fn an_occurrence_means_the_room_that_was_meant_whatever_it_is_called_then() {
        each_store(|store| {
            let (root, attic) = with_schedule(store);
            let by = Keeper { account: root, any: true };
            ask(store, 2, Work::Room(RoomJob::Rename { by, room: attic, name: "loft".parse().unwrap() })).unwrap();
            assert_eq!(sent(occur(store, 501, None)).1.audience, 1);
        });
    }

    #[test]
    fn what_is_planned_for_a_room_that_is_closed_is_for_no_other_one_of_its_name() {
        each_store(|store| {
            let (root, attic) = with_schedule(store);
            let template = |audience| Template {
                name: "drill".parse().unwrap(),
                severity: Severity::Critical,
                title: None,
                body: Text::new("Out!").unwrap(),
                audience,
                answers: Vec::new(),
                expires_after_ms: None,
                remind: None,
            };
            let room = |typed: &str| Audience::Room(typed.parse().unwrap());
            ask(store, 1, Work::SaveTemplate(template(vec![Audience::Everyone, room("ATTIC")]))).unwrap();
            let by = Keeper { account: root, any: true };
            ask(store, 2, Work::Room(RoomJob::Delete { by, room: attic })).unwrap();
            assert_eq!(store.opening().unwrap().templates, [template(vec![])], "whom it is for is said anew");
            let other = create(store, root, "attic");
            assert_eq!(occur(store, 501, Some(1500)), Ok(NotSent.into()));
            assert_eq!(missed(store), Some(Obstacle::NoRoom));
            ask(store, 502, Work::Room(RoomJob::Rename { by, room: other, name: "loft".parse().unwrap() })).unwrap();
            let stays = store.opening().unwrap().schedules;
            assert_eq!(stays[0].draft.audience, [room("attic")], "it does not go by the other one's names");
            assert_eq!(occur(store, 1501, None), Ok(NotSent.into()));
        });
    }

    #[test]
    fn what_was_planned_for_a_room_that_was_closed_before_that_was_noted_is_for_no_room_either() {
        each_store(|store| {
            let (root, attic) = with_schedule(store);
            let lobby =
                NoticeDraft { post: PostId { outbox: 1, counter: 2 }, audience: vec![Audience::Room(RoomName::lobby())], ..draft() };
            ask(store, 1, Work::AddSchedule { author: root, next_at: UnixMillis(500), draft: lobby }).unwrap();
            let closed = |store: &mut Store| store.opening().unwrap().schedules.iter().map(|one| one.room_closed).collect::<Vec<_>>();
            close_rooms_that_are_gone(&store.connection).unwrap();
            assert_eq!(closed(store), [false, false]);
            store.connection.execute("UPDATE conversations SET room_key = '/' || id WHERE id = ?1", [clamped(attic.0)]).unwrap();
            close_rooms_that_are_gone(&store.connection).unwrap();
            assert_eq!(closed(store), [true, false]);
        });
    }

    #[test]
    fn whoever_leaves_a_room_with_nobody_in_it_stops_what_is_planned_for_it_and_that_is_noted() {
        each_store(|store| {
            let (root, attic) = with_schedule(store);
            let bob = add(store, "bob");
            let anna = AccountId(2);
            let noted = |store: &mut Store| {
                let Ok(Outcome::Read(Answer::Audit(Page { entries, .. }))) = ask(store, 9, Work::ReadAudit { before: None, limit: 9 })
                else {
                    panic!()
                };
                entries.iter().map(|entry| format!("{} {} {} {}", entry.who, entry.act, entry.object, entry.detail)).collect::<Vec<_>>()
            };
            let put = |store: &mut Store, job| ask(store, 3, Work::Room(job)).unwrap();
            put(store, RoomJob::Join { account: bob, room: attic });
            put(store, RoomJob::Leave { account: anna, room: attic });
            assert_eq!(noted(store), [""; 0], "bob is there still");
            let by = Keeper { account: root, any: true };
            let remove = || RoomJob::Remove { by, account: named("bob"), room: attic };
            assert_eq!(ask(store, 3, Work::UnlessItStopsNotices(Box::new(Work::Room(remove())))), Err(Refusal::StopsSchedules));
            assert_eq!(noted(store), [""; 0], "it was not done");
            put(store, remove());
            let by_root = "root notice.stopped schedule 1 attic: nobody is left whom it is for";
            assert_eq!(noted(store), [by_root]);
            put(store, RoomJob::Join { account: anna, room: attic });
            put(store, RoomJob::Leave { account: anna, room: attic });
            assert_eq!(noted(store), ["anna notice.stopped schedule 1 attic: nobody is left whom it is for", by_root]);
        });
    }

    fn missed(store: &mut Store) -> Option<Obstacle> {
        store.opening().unwrap().schedules[0].missed.map(|missed| missed.why)
    }

    #[test]
    fn what_is_over_or_for_nobody_or_not_allowed_any_more_is_not_sent_and_says_why() {
        each_store(|store| {
            let (root, attic) = with_schedule(store);
            let not_sent = |store: &mut Store, at, next_at, expected: Obstacle| {
                assert_eq!(occur(store, at, next_at), Ok(NotSent.into()), "{expected:?}");
                assert_eq!(missed(store), Some(expected));
                let Ok(Outcome::Read(Answer::Audit(Page { entries, .. }))) = ask(store, at, Work::ReadAudit { before: None, limit: 1 })
                else {
                    panic!()
                };
                assert_eq!((entries[0].act.as_str(), entries[0].object.as_str()), ("notice.not-sent", "schedule 1"));
                assert_eq!((entries[0].detail.as_str(), entries[0].at), (expected.as_str(), UnixMillis(at)));
            };
            not_sent(store, 900, Some(1500), Obstacle::Over);
            let disable = |typed, disabled| Work::SetDisabled { account: named(typed), disabled };
            let promote = |typed, role| Work::SetRole { account: named(typed), role };
            ask(store, 901, disable("anna", true)).unwrap();
            not_sent(store, 1501, Some(2500), Obstacle::Nobody);
            ask(store, 1502, disable("anna", false)).unwrap();
            ask(store, 1503, promote("anna", Role::Admin)).unwrap();
            ask(store, 1504, promote("root", Role::Member)).unwrap();
            not_sent(store, 2501, Some(3500), Obstacle::AuthorNoAdmin);
            ask(store, 2502, disable("root", true)).unwrap();
            not_sent(store, 3501, Some(4500), Obstacle::AuthorDisabled);
            ask(store, 3502, disable("root", false)).unwrap();
            ask(store, 3503, promote("root", Role::Admin)).unwrap();
            sent(occur(store, 4501, Some(5500)));
            assert_eq!(missed(store), None, "what was in the way is not any more");
            ask(store, 4502, Work::Room(RoomJob::Delete { by: Keeper { account: root, any: true }, room: attic })).unwrap();
            not_sent(store, 5501, None, Obstacle::NoRoom);
            let stays = store.opening().unwrap().schedules;
            assert_eq!((stays.len(), stays[0].next_at), (1, None), "it stays in the list and is not due any more");
        });
    }

    #[test]
    fn what_would_stop_a_scheduled_notice_is_undone_as_a_whole() {
        each_store(|store| {
            let (root, attic) = with_schedule(store);
            let close = || Work::Room(RoomJob::Delete { by: Keeper { account: root, any: true }, room: attic });
            assert_eq!(ask(store, 2, Work::UnlessItStopsNotices(Box::new(close()))), Err(Refusal::StopsSchedules));
            sent(occur(store, 501, Some(1500)));
            ask(store, 502, close()).unwrap();
            let disable = Work::SetDisabled { account: named("anna"), disabled: true };
            assert!(ask(store, 503, Work::UnlessItStopsNotices(Box::new(disable))).is_ok(), "it would not be sent anyway");
        });
    }

    #[test]
    fn a_template_replaces_the_one_of_its_name() {
        each_store(|store| {
            let template = |body: &str| Template {
                name: "Fire".parse().unwrap(),
                severity: Severity::Critical,
                title: None,
                body: Text::new(body).unwrap(),
                audience: Vec::new(),
                answers: Vec::new(),
                expires_after_ms: Some(60_000),
                remind: None,
            };
            ask(store, 1, Work::SaveTemplate(template("one"))).unwrap();
            ask(store, 1, Work::SaveTemplate(template("two"))).unwrap();
            assert_eq!(store.opening().unwrap().templates, [template("two")]);
            let name: TemplateName = "FIRE".parse().unwrap();
            ask(store, 1, Work::RemoveTemplate { name: name.clone() }).unwrap();
            assert_eq!(ask(store, 1, Work::RemoveTemplate { name }), Err(Refusal::UnknownTemplate));
        });
    }

    #[test]
    fn a_damaged_template_is_damage_and_no_panic() {
        each_store(|store| {
            store.connection.execute("INSERT INTO templates (name_key, content) VALUES ('x', '{}')", []).unwrap();
            assert!(matches!(store.opening(), Err(StoreError::Damaged { .. })));
        });
    }

    #[test]
    fn what_0_1_0_has_planned_is_sent_at_its_moment_and_ends_when_it_was_to_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("belfry.db");
        let mut old = Connection::open(&path).unwrap();
        schema::migrate(&mut old, &schema::MIGRATIONS[..6]).unwrap();
        let people = "INSERT INTO accounts (name, name_key, role, created_at, password_hash) VALUES ('root', 'root', 1, 5, 'x'), ('anna', 'anna', 0, 5, 'x')";
        old.execute(people, []).unwrap();
        let mut content = serde_json::to_value(NoticeDraft { severity: Severity::Critical, confirmed: false, ..draft() }).unwrap();
        content["expires_at"] = json!(3000);
        content["schedule"] = json!({"at": 1000, "every": null});
        old.execute("INSERT INTO schedules (author, outbox, counter, next_at, content) VALUES (1, 1, 2, 1000, ?1)", [content.to_string()])
            .unwrap();
        old.close().unwrap();
        let mut store = Store::open(&path).unwrap();
        let planned = store.opening().unwrap().schedules.remove(0);
        let schedule = Some(Schedule { first: First::At(UnixMillis(1000)), zone: None, every: None });
        assert_eq!((planned.draft.schedule, planned.draft.expires_after_ms), (schedule, Some(2000)));
        let occurrence = Occurrence { schedule: planned.id, at: UnixMillis(1000), next_at: None };
        assert_eq!(sent(ask(&mut store, 1001, Work::Occur(occurrence))).0.expires_at, Some(UnixMillis(3000)));
    }

    #[test]
    fn what_is_sent_at_its_time_has_an_outbox_beyond_those_of_clients_for_each_plan() {
        let mut store = Store::open_in_memory().unwrap();
        with_schedule(&mut store);
        let schedule = store.opening().unwrap().schedules.remove(0);
        let outbox = |id| occurrence_of(UnixMillis(9), &StoredSchedule { id: ScheduleId(id), ..schedule.clone() }).post.outbox;
        assert_eq!([1, 2, 1000].map(outbox), [1, 2, 1000].map(|id| u64::MAX - id));
    }
}
