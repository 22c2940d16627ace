//! Notices that are sent later, and templates. Each is kept as one JSON text: it is only read and written as a whole.

use belfry_core::chat::{AccountId, Audience, NoticeDraft, Refusal, RoomName, ScheduleId, Template, TemplateName};
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::column::{bits, clamped, invalid, number, time};
use super::error::Trouble;
use super::notices::unknown_account;
use super::{Occurrence, Outcome, StoreError, StoredSchedule};

const TEMPLATES: &str = "SELECT content FROM templates ORDER BY name_key";
const SAVE_TEMPLATE: &str =
    "INSERT INTO templates (name_key, content) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET content = excluded.content";
const REMOVE_TEMPLATE: &str = "DELETE FROM templates WHERE name_key = ?1";
const SCHEDULES: &str = "SELECT id, author, next_at, content FROM schedules ORDER BY id";
const FIND_POST: &str = "SELECT id, author, next_at, content FROM schedules WHERE author = ?1 AND outbox = ?2 AND counter = ?3";
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

pub(super) fn schedule(connection: &Connection, author: AccountId, next_at: UnixMillis, draft: NoticeDraft) -> Result<Outcome, Trouble> {
    let post = [clamped(author.0), bits(draft.post.outbox), bits(draft.post.counter)];
    let stored = connection.prepare_cached(FIND_POST)?.query_row(post, read_schedule).optional()?;
    if let Some(schedule) = stored {
        return Ok(Outcome::Scheduled(Box::new(schedule)));
    }
    let [account, outbox, counter] = post;
    let row = params![account, outbox, counter, clamped(next_at.0), written(&draft)?];
    connection.prepare_cached(ADD_SCHEDULE)?.execute(row).map_err(unknown_account)?;
    let id = u64::try_from(connection.last_insert_rowid()).map_err(|_| StoreError::contradiction("a schedule has a negative number"))?;
    Ok(Outcome::Scheduled(Box::new(StoredSchedule { id: ScheduleId(id), author, next_at, draft })))
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
    use belfry_core::chat::{Label, PostId, Schedule, Severity, Text};

    use super::super::Work;
    use super::super::fixture::{add, ask, each_store};
    use super::*;

    fn draft() -> NoticeDraft {
        NoticeDraft {
            post: PostId { outbox: u64::MAX, counter: 1 },
            severity: Severity::Important,
            title: None,
            body: Text::new("Fire drill \"now\"\n").unwrap(),
            audience: vec![Audience::Everyone, Audience::Group("nurses".parse().unwrap())],
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
            let author = add(store, "root");
            for _ in 0..2 {
                let done = ask(store, 1, Work::AddSchedule { author, next_at: UnixMillis(500), draft: draft() });
                let expected = StoredSchedule { id: ScheduleId(1), author, next_at: UnixMillis(500), draft: draft() };
                assert_eq!(done, Ok(Outcome::Scheduled(Box::new(expected.clone()))));
                assert_eq!(store.opening().unwrap().schedules, [expected]);
            }
            let occurrence = |next_at| Work::MoveSchedule(Occurrence { schedule: ScheduleId(1), next_at });
            ask(store, 2, occurrence(Some(UnixMillis(700)))).unwrap();
            assert_eq!(store.opening().unwrap().schedules[0].next_at, UnixMillis(700));
            ask(store, 3, occurrence(None)).unwrap();
            assert_eq!(store.opening().unwrap().schedules, []);
            assert_eq!(ask(store, 3, occurrence(None)), Err(Refusal::UnknownSchedule));
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
