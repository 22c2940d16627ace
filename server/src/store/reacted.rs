//! How people have reacted to messages, as it lies in the database, and what of it is told with a message.

use belfry_core::chat::{AccountName, Reaction, ReactionEmoji};
use belfry_core::limits::{REACTORS_NAMED_IN_ALL_MAX, REACTORS_NAMED_MAX};
use rusqlite::{Connection, params};

use super::column::{clamped, number, words};

/// The step of the schema. A message says whether anybody has reacted, so that the others are read without looking. Until now, whatever was
/// altered and not taken back was edited.
pub(super) const STEP: &str = "
CREATE TABLE reactions (
    conversation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    emoji TEXT NOT NULL,
    account INTEGER NOT NULL REFERENCES accounts,
    at INTEGER NOT NULL,
    PRIMARY KEY (conversation, seq, emoji, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE reaction_counts (
    conversation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    emoji TEXT NOT NULL,
    count INTEGER NOT NULL CHECK (count > 0),
    first_at INTEGER NOT NULL,
    PRIMARY KEY (conversation, seq, emoji)
) STRICT, WITHOUT ROWID;

ALTER TABLE messages ADD COLUMN reacted INTEGER NOT NULL DEFAULT 0 CHECK (reacted IN (0, 1));
ALTER TABLE messages ADD COLUMN edited_at INTEGER;
UPDATE messages SET edited_at = altered_at WHERE alteration IS NOT NULL AND deleted = 0;

CREATE TRIGGER reactions_gone AFTER DELETE ON messages WHEN OLD.reacted = 1 BEGIN
    DELETE FROM reactions WHERE conversation = OLD.conversation AND seq = OLD.seq;
    DELETE FROM reaction_counts WHERE conversation = OLD.conversation AND seq = OLD.seq;
END;
";

const OF_A_MESSAGE: &str = "SELECT emoji, count FROM reaction_counts WHERE conversation = ?1 AND seq = ?2 ORDER BY first_at, emoji";
const SOME: &str = "SELECT a.name FROM reactions r CROSS JOIN accounts a ON a.id = r.account
    WHERE r.conversation = ?1 AND r.seq = ?2 AND r.emoji = ?3 ORDER BY r.account LIMIT ?4";

/// What is told with a message to which somebody has reacted.
pub(super) fn of_message(connection: &Connection, conversation: i64, seq: i64) -> rusqlite::Result<Vec<Reaction>> {
    let mut statement = connection.prepare_cached(OF_A_MESSAGE)?;
    let signs = statement.query_map([conversation, seq], |row| Ok((words::<ReactionEmoji>(row, 0)?, number(row, 1)?)))?;
    let mut left = REACTORS_NAMED_IN_ALL_MAX;
    signs
        .map(|sign| {
            let (emoji, count) = sign?;
            let most = left.min(REACTORS_NAMED_MAX);
            let mut some = connection.prepare_cached(SOME)?;
            let named = some.query_map(params![conversation, seq, emoji.as_str(), clamped(most as u64)], |row| words(row, 0))?;
            let by: Vec<AccountName> = named.collect::<Result<_, _>>()?;
            left -= by.len();
            Ok(Reaction { emoji, count, by })
        })
        .collect()
}
