//! The lives of the database: which one this is, from which it went on, and how far each conversation had come then.
//!
//! A backup that is put back begins a timeline. Clients know what happened in others: up to where two of them are the same shows where
//! each went on from the one before it.

use belfry_core::chat::{AccountId, Answer, CommonPast, ConversationId, Page, Seq, Timeline};
use belfry_core::limits::PAGE_ENTRIES_MAX;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::column::{clamped, number, optional_number};
use super::error::Trouble;
use super::page::{Limit, taken};
use super::{Outcome, StoreError, conversations};

/// A step of the schema: each life of the database, the newest last, and how far each conversation had come when it went on from its parent.
pub(super) const TABLES: &str = "
CREATE TABLE timelines (
    number INTEGER PRIMARY KEY,
    id INTEGER NOT NULL UNIQUE,
    parent INTEGER
) STRICT;
INSERT INTO timelines (id) VALUES (1);

CREATE TABLE timeline_beginnings (
    timeline INTEGER NOT NULL REFERENCES timelines (id),
    conversation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    alteration INTEGER NOT NULL,
    PRIMARY KEY (timeline, conversation)
) STRICT, WITHOUT ROWID;
";

const PRESENT: &str = "SELECT id FROM timelines ORDER BY number DESC LIMIT 1";
const PARENT: &str = "SELECT parent FROM timelines WHERE id = ?1";
const ADD: &str = "INSERT OR IGNORE INTO timelines (id, parent) VALUES (?1, ?2)";
const BEGIN_FROM_HERE: &str =
    "INSERT INTO timeline_beginnings (timeline, conversation, seq, alteration) SELECT ?1, id, last_seq, alterations FROM conversations";
const BEGINNING: &str = "SELECT seq, alteration FROM timeline_beginnings WHERE timeline = ?1 AND conversation = ?2";
const ALL: &str = "SELECT id, parent FROM timelines ORDER BY number";
const ALL_BEGINNINGS: &str = "SELECT timeline, conversation, seq, alteration FROM timeline_beginnings";
const ADD_BEGINNING: &str = "INSERT OR IGNORE INTO timeline_beginnings (timeline, conversation, seq, alteration) VALUES (?1, ?2, ?3, ?4)";

/// The numbers of other databases: (timeline, parent), and (timeline, conversation, seq, alteration).
pub(super) type Others = (Vec<(i64, Option<i64>)>, Vec<[i64; 4]>);

/// The timeline that is written in now.
pub(super) fn present(connection: &Connection) -> Result<Timeline, StoreError> {
    Ok(Timeline(connection.query_row(PRESENT, [], |row| number(row, 0))?))
}

/// How far the conversations that `account` is in went the same way in `timeline` and in the present one, a page of them.
pub(super) fn shared(
    connection: &Connection,
    account: AccountId,
    timeline: Timeline,
    after: Option<ConversationId>,
) -> Result<Outcome, Trouble> {
    let Some(parted) = parted(connection, timeline)? else { return Ok(Outcome::Read(Answer::Shared(Page::EMPTY))) };
    let mut beginning = connection.prepare_cached(BEGINNING)?;
    let mut entries = Vec::new();
    for info in conversations::of(connection, account)?.into_iter().filter(|info| Some(info.id) > after) {
        let mut shared = Some(CommonPast { conversation: info.id, seq: info.last, alteration: info.alterations });
        for timeline in &parted {
            let key = [clamped(timeline.0), clamped(info.id.0)];
            let began = beginning.query_row(key, |row| Ok((Seq(number(row, 0)?), number(row, 1)?))).optional()?;
            shared = shared.zip(began).map(|(shared, (seq, alteration))| CommonPast {
                seq: shared.seq.min(seq),
                alteration: shared.alteration.min(alteration),
                ..shared
            });
        }
        entries.extend(shared.map(Ok::<_, Trouble>));
    }
    Ok(Outcome::Read(Answer::Shared(Limit::new(PAGE_ENTRIES_MAX).fill(entries.into_iter(), taken)?)))
}

/// The timelines that began after `other` and the present one had gone the same way; `None` when they never did, as far as is known.
fn parted(connection: &Connection, other: Timeline) -> Result<Option<Vec<Timeline>>, StoreError> {
    let (here, there) = (lineage(connection, present(connection)?)?, lineage(connection, other)?);
    let common = here.iter().rev().zip(there.iter().rev()).take_while(|(one, other)| one == other).count();
    let own = |line: Vec<Timeline>| line.into_iter().rev().skip(common);
    Ok((common > 0).then(|| own(here).chain(own(there)).collect()))
}

/// A timeline, the one that it went on from, and so on to the first; empty for one that was never heard of.
fn lineage(connection: &Connection, timeline: Timeline) -> Result<Vec<Timeline>, StoreError> {
    let mut line = Vec::new();
    let mut next = Some(timeline);
    while let Some(timeline) = next.filter(|next| !line.contains(next)) {
        let parent = connection.prepare_cached(PARENT)?.query_row([clamped(timeline.0)], |row| optional_number(row, 0)).optional()?;
        line.extend(parent.map(|_| timeline));
        next = parent.flatten().map(Timeline);
    }
    Ok(line)
}

/// Begins the timeline `new` here; `others` are timelines that clients may know, too.
pub(super) fn begin(connection: &mut Connection, new: Timeline, (timelines, beginnings): Others) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let parent = present(&transaction)?;
    for (timeline, parent) in timelines {
        transaction.execute(ADD, params![timeline, parent])?;
    }
    for beginning in beginnings {
        transaction.prepare_cached(ADD_BEGINNING)?.execute(beginning)?;
    }
    transaction.execute(ADD, [clamped(new.0), clamped(parent.0)])?;
    transaction.execute(BEGIN_FROM_HERE, [clamped(new.0)])?;
    Ok(transaction.commit()?)
}

/// The timelines of another database.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Others> {
    let timelines = connection.prepare(ALL)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut all = connection.prepare(ALL_BEGINNINGS)?;
    let beginnings = all.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?.collect::<Result<_, _>>()?;
    Ok((timelines, beginnings))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::super::fixture::{LOBBY, add, ask, create, post_to};
    use super::super::{List, Store, Target, Work, copy};
    use super::*;

    /// A database on a disk, in which anna says something now and then.
    struct House {
        folder: tempfile::TempDir,
        store: Store,
        said: u64,
    }

    const ANNA: AccountId = AccountId(1);

    impl House {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let mut store = Store::open(&folder.path().join("belfry.db")).unwrap();
            assert_eq!(add(&mut store, "anna"), ANNA);
            Self { folder, store, said: 0 }
        }

        fn say(&mut self, times: u64) {
            for _ in 0..times {
                self.said += 1;
                post_to(&mut self.store, ANNA, self.said, Target::Room(LOBBY)).unwrap();
            }
        }

        fn back_up(&self, name: &str) -> PathBuf {
            let to = self.folder.path().join(name);
            copy(self.store.path.as_deref().unwrap(), &to).unwrap().finish().unwrap();
            to
        }

        /// As `belfry restore` does, in a file of another name.
        fn restore(&mut self, backup: &Path, timeline: u64) {
            let replaced = self.store.path.clone();
            let new = self.folder.path().join(timeline.to_string());
            std::fs::copy(backup, &new).unwrap();
            self.store = Store::open(&new).unwrap();
            self.store.begin_timeline(Timeline(timeline), replaced.as_deref()).unwrap();
        }

        fn shared(&mut self, timeline: u64) -> Vec<(u64, u64)> {
            let list = List::Shared { account: ANNA, timeline: Timeline(timeline), after: None };
            let Ok(Outcome::Read(Answer::Shared(page))) = ask(&mut self.store, 9, Work::List(list)) else { panic!() };
            page.entries.iter().map(|shared| (shared.conversation.0, shared.seq.0)).collect()
        }
    }

    #[test]
    fn what_a_client_knows_holds_up_to_where_the_backup_ended() {
        let mut house = House::new();
        house.say(3);
        let monday = house.back_up("monday");
        house.say(2);
        create(&mut house.store, ANNA, "attic");
        assert_eq!(house.shared(1), [(1, 5), (2, 0)], "nothing was put back");
        house.restore(&monday, 77);
        create(&mut house.store, ANNA, "board");
        house.say(4);
        assert_eq!(present(&house.store.connection).unwrap(), Timeline(77));
        assert_eq!(house.shared(1), [(1, 3)], "the second room has the number of another one");
        assert_eq!(house.shared(99), [], "of an unknown timeline nothing is known");
    }

    #[test]
    fn a_client_that_has_missed_a_restore_knows_what_was_the_same_all_the_way() {
        let mut house = House::new();
        house.say(2);
        let monday = house.back_up("monday");
        house.say(3);
        let tuesday = house.back_up("tuesday");
        house.say(1);
        house.restore(&tuesday, 20);
        house.say(4);
        let wednesday = house.back_up("wednesday");
        house.restore(&wednesday, 30);
        assert_eq!((house.shared(1), house.shared(20)), (vec![(1, 5)], vec![(1, 9)]));
        house.restore(&monday, 40);
        assert_eq!((house.shared(1), house.shared(30)), (vec![(1, 2)], vec![(1, 2)]), "also of timelines that the backup does not know");
        house.say(7);
        house.restore(&tuesday, 50);
        assert_eq!((house.shared(1), house.shared(30)), (vec![(1, 5)], vec![(1, 5)]));
        assert_eq!(house.shared(40), [(1, 2)], "what was said after Monday's backup was said anew");
    }

    #[test]
    fn a_database_that_is_not_whole_is_replaced_all_the_same() {
        let mut house = House::new();
        let monday = house.back_up("monday");
        let broken = house.folder.path().join("broken");
        std::fs::write(&broken, "nonsense").unwrap();
        house.restore(&monday, 20);
        house.store.begin_timeline(Timeline(30), Some(&broken)).unwrap();
        house.store.begin_timeline(Timeline(40), Some(&house.folder.path().join("nowhere"))).unwrap();
        assert_eq!(house.shared(20), [(1, 0)]);
    }
}
