//! How long a search may take. SQLite asks every so often whether it shall go on, also in the middle of the index.

use std::cell::Cell;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

use super::StoreError;
use super::error::Trouble;

/// SQLite's steps between two questions: some microseconds.
const STEPS: i32 = 200;

thread_local! {
    /// Until when this thread's database goes on; always where there is nothing.
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// While it lives, what this thread reads is ended with an error once the time is over.
#[derive(Debug)]
pub(super) struct TimeLimit(());

impl TimeLimit {
    pub(super) fn begin(within: Duration) -> Self {
        UNTIL.set(Instant::now().checked_add(within));
        Self(())
    }

    /// The time is over: whatever is read from here on takes as long as it takes.
    pub(super) fn lift() {
        UNTIL.set(None);
    }
}

impl Drop for TimeLimit {
    fn drop(&mut self) {
        Self::lift();
    }
}

/// Lets a connection ask.
pub(super) fn teach(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.progress_handler(STEPS, Some(|| UNTIL.get().is_some_and(|until| Instant::now() >= until)))
}

/// Whether something failed because its time was over.
pub(super) fn was_lost(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Failed(StoreError::Database(error)) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted))
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Answer, SearchText};

    use super::super::fixture::{LOBBY, add, ask, job, post};
    use super::super::{MessageJob, Outcome, Store, Target, Work};
    use super::*;

    const ENDLESS: &str = "WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n) SELECT max(n) FROM n LIMIT 1";

    #[test]
    fn what_never_ends_is_ended_and_the_next_goes_on() {
        let mut connection = Connection::open_in_memory().unwrap();
        teach(&mut connection).unwrap();
        let patience = TimeLimit::begin(Duration::from_millis(10));
        let error = connection.query_row(ENDLESS, [], |row| row.get::<_, i64>(0)).unwrap_err();
        assert!(was_lost(&error.into()));
        TimeLimit::lift();
        assert_eq!(connection.query_row("SELECT 7", [], |row| row.get(0)), Ok(7));
        drop(patience);
        assert_eq!(UNTIL.get(), None);
    }

    #[test]
    fn a_search_whose_time_is_over_gives_what_it_has_found_and_says_so() {
        let mut store = Store::open_in_memory().unwrap();
        let anna = add(&mut store, "anna");
        let words = (0..3000).map(|n| job(n, n, post(anna, n, Target::Room(LOBBY), &format!("word {n}")))).collect();
        assert!(store.apply(words).iter().all(|done| done.result.is_ok()));
        teach(&mut store.connection).unwrap();
        let mut search = || {
            let text = SearchText::new("word").unwrap();
            match ask(&mut store, 9, Work::Message(MessageJob::Search { account: anna, text, within: None, before: None, limit: 100 })) {
                Ok(Outcome::Read(Answer::Found(found))) => found,
                other => panic!("{other:?}"),
            }
        };
        let patience = TimeLimit::begin(Duration::ZERO);
        let over = search();
        assert!(over.cut && !over.more, "{over:?}");
        drop(patience);
        let found = search();
        assert_eq!((found.hits.len(), found.cut), (100, false));
    }

    #[test]
    fn a_limit_that_is_dropped_ends_nothing_more() {
        let mut connection = Connection::open_in_memory().unwrap();
        teach(&mut connection).unwrap();
        drop(TimeLimit::begin(Duration::ZERO));
        let count = "WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < 10000) SELECT max(n) FROM n";
        assert_eq!(connection.query_row(count, [], |row| row.get(0)), Ok(10_000));
    }

    #[test]
    fn what_fails_for_another_reason_has_not_run_out_of_time() {
        let mut store = Store::open_in_memory().unwrap();
        let anna = add(&mut store, "anna");
        ask(&mut store, 1, post(anna, 1, Target::Room(LOBBY), "a word")).unwrap();
        let mut search = |damage: &str| {
            store.connection.execute_batch(damage).unwrap();
            let text = SearchText::new("word").unwrap();
            ask(&mut store, 9, Work::Message(MessageJob::Search { account: anna, text, within: None, before: None, limit: 1 })).is_ok()
        };
        assert!(search(""));
        assert!(!search("UPDATE messages SET sent_at = -1"), "what is read first");
    }
}
