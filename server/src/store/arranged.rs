//! How people have arranged their conversations, as it lies in the database: beside how far they have read, so that it costs no row and no
//! look of its own.

use belfry_core::chat::{AccountId, Arrangement, ArrangementFlag, ConversationId};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::column::clamped;

/// The step of the schema: a bit for each [`ArrangementFlag`] in its order.
pub(super) const STEP: &str = "
ALTER TABLE readings ADD COLUMN arrangement INTEGER NOT NULL DEFAULT 0 CHECK (arrangement BETWEEN 0 AND 7);
";

const ARRANGED: &str = "SELECT arrangement FROM readings WHERE account = ?1 AND conversation = ?2";

/// Reads a column that is NULL where somebody has neither read nor arranged anything.
pub(super) fn read(row: &Row<'_>, column: usize) -> rusqlite::Result<Arrangement> {
    let bits: i64 = row.get::<_, Option<i64>>(column)?.unwrap_or_default();
    let set = (0_u8..).zip(ArrangementFlag::ALL).filter(|(bit, _)| bits >> bit & 1 == 1);
    Ok(set.fold(Arrangement::default(), |arrangement, (_, flag)| arrangement.with(flag, true)))
}

/// How somebody has arranged a conversation.
pub(super) fn of(connection: &Connection, conversation: ConversationId, account: AccountId) -> rusqlite::Result<Arrangement> {
    let key = [clamped(account.0), clamped(conversation.0)];
    Ok(connection.prepare_cached(ARRANGED)?.query_row(key, |row| read(row, 0)).optional()?.unwrap_or_default())
}
