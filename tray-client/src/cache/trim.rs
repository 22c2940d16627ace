//! How much is kept, and what goes first.

use rusqlite::{Connection, params};

use super::PAGE_MESSAGES;
use super::file::CacheError;

/// What may lie in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Messages, over all conversations and accounts.
    pub(super) messages: usize,
    /// Bytes that are in use.
    pub(super) bytes: u64,
}

/// Two hundred thousand messages are years of a person's day and about 30 MB; where they are long, a quarter of a gibibyte is enough of
/// somebody's disk. Whoever reads further back asks the server.
pub(super) const LIMITS: Limits = Limits { messages: 200_000, bytes: 256 * 1024 * 1024 };

/// Notes how many messages were written, some of them perhaps not for the first time.
pub(super) fn count(connection: &Connection, added: usize) -> Result<(), CacheError> {
    if added > 0 {
        connection.prepare_cached("UPDATE count SET messages = messages + ?1")?.execute([clamped(added)])?;
    }
    Ok(())
}

/// Counts them.
pub(super) fn recount(connection: &Connection) -> Result<usize, CacheError> {
    let counted: i64 = connection.query_row("SELECT count(*) FROM messages", [], |row| row.get(0))?;
    connection.execute("UPDATE count SET messages = ?1", [counted])?;
    Ok(usize::try_from(counted).unwrap_or_default())
}

/// Lets the oldest messages of the longest conversations go where there is too much, a twentieth at once so that it is seldom. Whether there
/// was.
pub(super) fn trim(connection: &mut Connection, limits: Limits) -> Result<bool, CacheError> {
    let noted: i64 = connection.query_row("SELECT messages FROM count", [], |row| row.get(0))?;
    let used = bytes_used(connection)?;
    if noted <= clamped(limits.messages) && used <= limits.bytes {
        return Ok(false);
    }
    let transaction = connection.transaction()?;
    let held = recount(&transaction)?;
    let most = if used > limits.bytes { held.min(limits.messages) } else { limits.messages };
    if held <= most && used <= limits.bytes {
        transaction.commit()?;
        return Ok(false);
    }
    let mut surplus = held - most + most / 20;
    while surplus > 0 {
        let gone = shorten_the_longest(&transaction, surplus)?;
        if gone == 0 {
            break;
        }
        surplus = surplus.saturating_sub(gone);
    }
    recount(&transaction)?;
    transaction.commit()?;
    Ok(true)
}

/// Takes the oldest out of the conversation that has most, not more than make it as short as the next one. How many went.
fn shorten_the_longest(connection: &Connection, surplus: usize) -> Result<usize, CacheError> {
    let longest = "SELECT owner, conversation, count(*) AS held FROM messages GROUP BY owner, conversation ORDER BY held DESC LIMIT 2";
    let mut statement = connection.prepare_cached(longest)?;
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
    let longest: Vec<_> = statement.query_map([], read)?.collect::<Result<_, _>>()?;
    let Some(&(owner, conversation, held)) = longest.first() else { return Ok(0) };
    // A screen full of each stays.
    let next = longest.get(1).map_or(0, |&(_, _, held)| held).max(i64::from(PAGE_MESSAGES));
    let gone = clamped(surplus).min((held - next).max(held / 20)).min(held - i64::from(PAGE_MESSAGES));
    if gone <= 0 {
        return Ok(0);
    }
    let oldest = "DELETE FROM messages WHERE owner = ?1 AND conversation = ?2 AND seq <=
        (SELECT seq FROM messages WHERE owner = ?1 AND conversation = ?2 ORDER BY seq LIMIT 1 OFFSET ?3)";
    Ok(connection.prepare_cached(oldest)?.execute(params![owner, conversation, gone - 1])?)
}

fn bytes_used(connection: &Connection) -> Result<u64, CacheError> {
    let said = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = said("page_count")?.saturating_sub(said("freelist_count")?);
    Ok(u64::try_from(pages.saturating_mul(said("page_size")?)).unwrap_or_default())
}

fn clamped(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
