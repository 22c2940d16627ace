//! Notices that are sent later, and templates. Each is kept as one JSON text: it is only read and written as a whole.

use belfry_core::chat::{AccountId, Audience, NoticeDraft, PostId, Refusal, RoomName, ScheduleId, Template, TemplateName};
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::column::{bits, clamped, invalid, number, time, words};
use super::error::Trouble;
use super::{Occurrence, Outcome, StoreError, StoredSchedule, accounts, notices};

const TEMPLATES: &str = "SELECT content FROM templates ORDER BY name_key";
const SAVE_TEMPLATE: &str =
    "INSERT INTO templates (name_key, content) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET content = excluded.content";
const REMOVE_TEMPLATE: &str = "DELETE FROM templates WHERE name_key = ?1";
const SCHEDULES: &str =
    "SELECT s.id, s.author, s.next_at, s.content, a.name FROM schedules s CROSS JOIN accounts a ON a.id = s.author ORDER BY s.id";
const FIND_POST: &str = "SELECT s.id, s.author, s.next_at, s.content, a.name FROM schedules s CROSS JOIN accounts a ON a.id = s.author
    WHERE s.author = ?1 AND s.outbox = ?2 AND s.counter = ?3";
const SCHEDULE: &str =
    "SELECT s.id, s.author, s.next_at, s.content, a.name FROM schedules s CROSS JOIN accounts a ON a.id = s.author WHERE s.id = ?1";
const ADD_SCHEDULE: &str = "INSERT INTO schedules (author, outbox, counter, next_at, content) VALUES (?1, ?2, ?3, ?4, ?5)";
const MOVE_SCHEDULE: &str = "UPDATE schedules SET next_at = ?2 WHERE id = ?1";
const REWRITE_SCHEDULE: &str = "UPDATE schedules SET content = ?2 WHERE id = ?1";
const REMOVE_SCHEDULE: &str = "DELETE FROM schedules WHERE id = ?1";

fn written(value: &impl Serialize) -> Result<String, Trouble> {
    serde_json::to_string(value).map_err(|_| StoreError::contradiction("something cannot be written").into())
}

fn read<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| invalid(column, error))
}

fn read_schedule(row: &Row<'_>) -> rusqlite::Result<StoredSchedule> {
    Ok(StoredSchedule {
        id: ScheduleId(number(row, 0)?),
        author: AccountId(number(row, 1)?),
        next_at: time(row, 2)?,
        draft: read::<NoticeDraft>(row, 3)?,
        author_name: words(row, 4)?,
    })
}

pub(super) fn templates(connection: &Connection) -> Result<Vec<Template>, StoreError> {
    let mut statement = connection.prepare_cached(TEMPLATES)?;
    let templates = statement.query_map([], |row| read(row, 0))?.collect::<Result<_, _>>()?;
    Ok(templates)
}

pub(super) fn save_template(connection: &Connection, template: &Template) -> Result<Outcome, Trouble> {
    connection.prepare_cached(SAVE_TEMPLATE)?.execute(params![template.name.key(), written(template)?])?;
    Ok(Outcome::Changed)
}

pub(super) fn remove_template(connection: &Connection, name: &TemplateName) -> Result<Outcome, Trouble> {
    let rows = connection.prepare_cached(REMOVE_TEMPLATE)?.execute([name.key()])?;
    if rows == 0 { Err(Refusal::UnknownTemplate.into()) } else { Ok(Outcome::Changed) }
}

pub(super) fn schedules(connection: &Connection) -> Result<Vec<StoredSchedule>, StoreError> {
    let mut statement = connection.prepare_cached(SCHEDULES)?;
    let schedules = statement.query_map([], read_schedule)?.collect::<Result<_, _>>()?;
    Ok(schedules)
}

/// Sends what was scheduled, if it still matters, whoever has scheduled it still may, and it is for anybody; when it is sent next is noted
/// in any case. It is read here: a room that it is for may have another name since it was looked at.
pub(super) fn occur(connection: &Connection, at: UnixMillis, occurrence: Occurrence) -> Result<Outcome, Trouble> {
    let found = connection.prepare_cached(SCHEDULE)?.query_row([clamped(occurrence.schedule.0)], read_schedule).optional()?;
    let schedule = found.ok_or(Refusal::UnknownSchedule)?;
    let draft = occurrence_of(&schedule);
    let sent = if draft.expires_at.is_some_and(|end| end <= at) {
        Err(Refusal::NoticeClosed.into())
    } else if !accounts::is_admin(connection, schedule.author)? {
        Err(Refusal::AdminOnly.into())
    } else {
        notices::send(connection, at, schedule.author, &draft)
    };
    let outcome = match sent {
        // Before anything of it was written.
        Err(Trouble::Refused(why)) => {
            tracing::warn!(schedule = schedule.id.0, ?why, "a scheduled notice is not sent");
            Outcome::Changed
        }
        other => other?,
    };
    move_schedule(connection, occurrence)?;
    Ok(outcome)
}

/// What is sent at its time: a notice of its own, with the end as far away as it was from the first time.
fn occurrence_of(schedule: &StoredSchedule) -> NoticeDraft {
    let mut draft = schedule.draft.clone();
    let first = draft.schedule.map_or(schedule.next_at, |schedule| schedule.at);
    draft.expires_at = draft.expires_at.map(|end| UnixMillis(schedule.next_at.0.saturating_add(end.0.saturating_sub(first.0))));
    // The same occurrence is stored once, even if the server stops in the middle of it. No client draws this outbox.
    draft.post = PostId { outbox: u64::MAX - schedule.id.0, counter: schedule.next_at.0 };
    // Whom it reaches was seen when it was scheduled.
    draft.confirmed = true;
    draft
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
    Ok(Outcome::Scheduled(Box::new(StoredSchedule { id: ScheduleId(id), author, author_name, next_at, draft })))
}

pub(super) fn move_schedule(connection: &Connection, occurrence: Occurrence) -> Result<Outcome, Trouble> {
    let id = clamped(occurrence.schedule.0);
    let rows = match occurrence.next_at {
        Some(next_at) => connection.prepare_cached(MOVE_SCHEDULE)?.execute([id, clamped(next_at.0)])?,
        None => connection.prepare_cached(REMOVE_SCHEDULE)?.execute([id])?,
    };
    if rows == 0 { Err(Refusal::UnknownSchedule.into()) } else { Ok(Outcome::Changed) }
}

/// What waits or is kept for a room goes on meaning that room under its new name.
pub(super) fn rename_room(connection: &Connection, old: &RoomName, new: &RoomName) -> Result<(), Trouble> {
    for mut schedule in schedules(connection)? {
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

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Label, Role, Schedule, Severity, Text};

    use super::super::fixture::{add, ask, create, each_store, named, sent};
    use super::super::{Keeper, RoomJob, Store, Work};
    use super::*;
    use belfry_core::chat::ConversationId;

    fn draft() -> NoticeDraft {
        NoticeDraft {
            post: PostId { outbox: u64::MAX, counter: 1 },
            severity: Severity::Important,
            title: None,
            body: Text::new("Fire drill \"now\"\n").unwrap(),
            audience: vec![Audience::Everyone],
            answers: vec![Label::new("Safe").unwrap()],
            expires_at: Some(UnixMillis(900)),
            schedule: Some(Schedule { at: UnixMillis(500), every: None }),
            remind: None,
            confirmed: true,
        }
    }

    #[test]
    fn a_scheduled_notice_is_kept_once_as_it_was_written_moved_and_forgotten() {
        each_store(|store| {
            let (author, _) = (add(store, "root"), add(store, "anna"));
            for _ in 0..2 {
                let done = ask(store, 1, Work::AddSchedule { author, next_at: UnixMillis(500), draft: draft() });
                let author_name = named("root");
                let expected = StoredSchedule { id: ScheduleId(1), author, author_name, next_at: UnixMillis(500), draft: draft() };
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
        let Ok(Outcome::AccountAdded { account: root }) = ask(store, 0, root) else { panic!() };
        let anna = add(store, "anna");
        let attic = create(store, anna, "attic", false);
        let draft = NoticeDraft { audience: vec![Audience::Room("attic".parse().unwrap())], ..draft() };
        ask(store, 1, Work::AddSchedule { author: root, next_at: UnixMillis(500), draft }).unwrap();
        (root, attic)
    }

    fn occur(store: &mut Store, at: u64, next_at: Option<u64>) -> Result<Outcome, Refusal> {
        ask(store, at, Work::Occur(Occurrence { schedule: ScheduleId(1), next_at: next_at.map(UnixMillis) }))
    }

    #[test]
    fn an_occurrence_is_a_notice_of_its_own_and_the_next_one_comes_later() {
        each_store(|store| {
            with_schedule(store);
            let (first, progress, repeated) = sent(occur(store, 501, Some(1500)));
            assert_eq!((first.expires_at, progress.audience, repeated), (Some(UnixMillis(900)), 1, false));
            assert_eq!(store.opening().unwrap().schedules[0].next_at, UnixMillis(1500));
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
    fn what_is_over_or_for_nobody_or_not_allowed_any_more_is_passed_over() {
        each_store(|store| {
            let (root, attic) = with_schedule(store);
            assert_eq!(occur(store, 900, Some(1500)), Ok(Outcome::Changed), "it is over");
            ask(store, 901, Work::SetDisabled { account: named("anna"), disabled: true }).unwrap();
            assert_eq!(occur(store, 1501, Some(2500)), Ok(Outcome::Changed), "for nobody");
            ask(store, 1502, Work::SetDisabled { account: named("anna"), disabled: false }).unwrap();
            let promote = |typed, role| Work::SetRole { account: named(typed), role };
            ask(store, 1503, promote("anna", Role::Admin)).unwrap();
            ask(store, 1504, promote("root", Role::Member)).unwrap();
            assert_eq!(occur(store, 2501, Some(3500)), Ok(Outcome::Changed), "not allowed");
            ask(store, 2502, promote("root", Role::Admin)).unwrap();
            ask(store, 2503, Work::Room(RoomJob::Delete { by: Keeper { account: root, any: true }, room: attic })).unwrap();
            assert_eq!(occur(store, 3501, None), Ok(Outcome::Changed), "to nowhere");
            assert_eq!(store.opening().unwrap().schedules, []);
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
}
