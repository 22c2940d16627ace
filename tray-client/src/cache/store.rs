//! What lies in the file, and how it gets there and out again.

use belfry_core::chat::{AccountName, Alteration, ConversationId, Message, Person, Quote, Quoted, Reaction, Role, Seq, Text, Timeline};
use belfry_core::time::UnixMillis;
use belfry_core::wire::codec;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::file::CacheError;
use super::{PAGE_MESSAGES, trim};
use crate::model::{ConversationMemory, ConversationStanding, Lookup, Memory, MemoryChange, NoticeMemory, Stretch};

/// What a person or a notice takes at most, with much room to spare.
const BLOB_BYTES_MAX: usize = 256 * 1024;

const PUT: &str = "INSERT INTO messages (owner, conversation, seq, author, text, sent_at, alteration, altered_at, deleted,
        reply_to, quoted, attachment, edited_at, reactions)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
    ON CONFLICT DO UPDATE SET author = excluded.author, text = excluded.text, sent_at = excluded.sent_at,
        alteration = excluded.alteration, altered_at = excluded.altered_at, deleted = excluded.deleted,
        reply_to = excluded.reply_to, quoted = excluded.quoted, attachment = excluded.attachment,
        edited_at = excluded.edited_at, reactions = excluded.reactions
    WHERE excluded.alteration > alteration";
const ALTER: &str = "UPDATE messages SET text = ?4, alteration = ?5, altered_at = ?6, deleted = ?7, attachment = ?8, edited_at = ?9,
        reactions = ?10
    WHERE owner = ?1 AND conversation = ?2 AND seq = ?3 AND alteration < ?5";
const REQUOTE: &str = "UPDATE messages SET quoted = ?4 WHERE owner = ?1 AND conversation = ?2 AND reply_to = ?3";
const FORGET_QUOTED: &str = "UPDATE messages SET quoted = NULL WHERE owner = ?1 AND conversation = ?2 AND reply_to < ?3";
const STAND: &str = "INSERT OR REPLACE INTO conversations (owner, id, place, read, unread, delivered, alteration)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const BEFORE: &str =
    "SELECT seq, author, text, sent_at, alteration, altered_at, deleted, reply_to, quoted, attachment, edited_at, reactions
    FROM messages
    WHERE owner = ?1 AND conversation = ?2 AND seq < ?3 ORDER BY seq DESC LIMIT ?4";
const AFTER: &str = "SELECT seq, author, text, sent_at, alteration, altered_at, deleted, reply_to, quoted, attachment, edited_at, reactions
    FROM messages
    WHERE owner = ?1 AND conversation = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4";

/// Whose data are read and written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheOwner {
    /// The server as keys are remembered by: `HOST:PORT`.
    pub server: String,
    /// The account.
    pub account: AccountName,
    /// The identity that the server has proven, as it is written; `None` while none is known.
    pub key: Option<String>,
}

/// The open file.
#[derive(Debug)]
pub(super) struct CacheStore {
    connection: Connection,
    owner: i64,
    /// Messages over all, and bytes: beyond it the oldest go.
    limits: trim::Limits,
}

impl CacheStore {
    pub(super) const fn new(connection: Connection, limits: trim::Limits) -> Self {
        Self { connection, owner: 0, limits }
    }

    /// From now on it is about this owner; what is remembered of them. What was remembered of a server with another identity goes.
    pub(super) fn turn_to(&mut self, owner: &CacheOwner) -> Result<Option<Memory>, CacheError> {
        let (server, account) = (owner.server.to_lowercase(), owner.account.key());
        let find = "SELECT id, server_key FROM owners WHERE server = ?1 AND account = ?2";
        let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?));
        let known = self.connection.query_row(find, params![server, account], read).optional()?;
        if let Some((id, key)) = known {
            self.owner = id;
            if key == owner.key {
                return self.memory(owner);
            }
            self.forget()?;
        }
        let add = "INSERT INTO owners (server, account, server_key) VALUES (?1, ?2, ?3)";
        self.connection.execute(add, params![server, account, owner.key])?;
        self.owner = self.connection.last_insert_rowid();
        Ok(None)
    }

    /// The server has proven this identity, or has a new one by the word of the old.
    pub(super) fn prove(&self, key: &str) -> Result<(), CacheError> {
        self.connection.execute("UPDATE owners SET server_key = ?2 WHERE id = ?1", params![self.owner, key])?;
        Ok(())
    }

    /// Forgets everything of this owner, whose place is kept.
    pub(super) fn forget(&mut self) -> Result<(), CacheError> {
        let transaction = self.connection.transaction()?;
        for table in ["messages", "conversations", "people", "notices", "witness"] {
            transaction.execute(&format!("DELETE FROM {table} WHERE owner = ?1"), [self.owner])?;
        }
        transaction.execute("DELETE FROM owners WHERE id = ?1", [self.owner])?;
        trim::recount(&transaction)?;
        transaction.commit()?;
        self.clear_log()
    }

    /// What was taken back stands in the log as well until its pages are carried over and it is cut.
    fn clear_log(&self) -> Result<(), CacheError> {
        Ok(self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }

    /// Writes down what has become worth remembering, all of it or nothing.
    pub(super) fn write(&mut self, news: &[MemoryChange]) -> Result<(), CacheError> {
        let owner = self.owner;
        let transaction = self.connection.transaction()?;
        let mut added = 0_usize;
        let mut taken_back = false;
        for keep in news {
            match keep {
                MemoryChange::Message(message) => {
                    added += 1;
                    taken_back |= message.altered.is_some();
                    put(&transaction, owner, message)?;
                }
                MemoryChange::Altered(message) => {
                    taken_back = true;
                    alter(&transaction, owner, message)?;
                }
                MemoryChange::Forget(conversation) => {
                    taken_back = true;
                    let which = params![owner, clamped(conversation.0)];
                    transaction.prepare_cached("DELETE FROM messages WHERE owner = ?1 AND conversation = ?2")?.execute(which)?;
                    transaction.prepare_cached("DELETE FROM conversations WHERE owner = ?1 AND id = ?2")?.execute(which)?;
                }
                MemoryChange::BeginsWith(conversation, first) => {
                    let gone = "DELETE FROM messages WHERE owner = ?1 AND conversation = ?2 AND seq < ?3";
                    let which = params![owner, clamped(conversation.0), clamped(first.0)];
                    taken_back |= transaction.prepare_cached(gone)?.execute(which)? > 0;
                    taken_back |= transaction.prepare_cached(FORGET_QUOTED)?.execute(which)? > 0;
                }
                MemoryChange::Standing(standing) => stand(&transaction, owner, standing)?,
                MemoryChange::Me(account, role) => {
                    let me = params![owner, account.as_str(), blob(role)];
                    transaction.prepare_cached("UPDATE owners SET name = ?2, role = ?3 WHERE id = ?1")?.execute(me)?;
                }
                MemoryChange::Timeline(timeline) => taken_back |= go_over(&transaction, owner, *timeline)?,
                MemoryChange::People(people) => {
                    transaction.prepare_cached("DELETE FROM people WHERE owner = ?1")?.execute([owner])?;
                    people.iter().try_for_each(|person| put_person(&transaction, owner, person))?;
                }
                MemoryChange::Person(person) => put_person(&transaction, owner, person)?,
                MemoryChange::Witness(witness) => {
                    let keep = "INSERT OR REPLACE INTO witness (owner, witness) VALUES (?1, ?2)";
                    transaction.prepare_cached(keep)?.execute(params![owner, blob(witness)])?;
                }
                MemoryChange::Notices(notices) => {
                    taken_back = true;
                    transaction.prepare_cached("DELETE FROM notices WHERE owner = ?1")?.execute([owner])?;
                    let mut add = transaction.prepare_cached("INSERT INTO notices (owner, number, notice) VALUES (?1, ?2, ?3)")?;
                    for (number, notice) in (0_i64..).zip(notices) {
                        add.execute(params![owner, number, blob(notice)])?;
                    }
                }
            }
        }
        trim::count(&transaction, added)?;
        transaction.commit()?;
        taken_back |= trim::trim(&mut self.connection, self.limits)?;
        if taken_back { self.clear_log() } else { Ok(()) }
    }

    /// Messages without a hole between them, and none to where they were asked for; empty where there are none.
    pub(super) fn look_up(&self, lookup: Lookup) -> Result<Vec<Message>, CacheError> {
        self.stretch(lookup.conversation, lookup.stretch)
    }

    fn stretch(&self, conversation: ConversationId, stretch: Stretch) -> Result<Vec<Message>, CacheError> {
        let (which, from) = match stretch {
            Stretch::Newest => (BEFORE, Seq(u64::MAX)),
            Stretch::Before(seq) => (BEFORE, seq),
            Stretch::After(seq) => (AFTER, seq),
        };
        let mut messages: Vec<Message> = Vec::new();
        let mut statement = self.connection.prepare_cached(which)?;
        let mut rows = statement.query(params![self.owner, clamped(conversation.0), clamped(from.0), PAGE_MESSAGES])?;
        while let Some(row) = rows.next()? {
            // What cannot be read is as if it were not there: the page ends before it.
            let Some(message) = message(conversation, row)? else { break };
            let before = messages.last().map_or(from, |last| last.seq);
            let follows = match stretch {
                Stretch::After(_) => message.seq == before.next(),
                Stretch::Newest if messages.is_empty() => true,
                Stretch::Newest | Stretch::Before(_) => message.seq.next() == before,
            };
            if !follows {
                break;
            }
            messages.push(message);
        }
        if which == BEFORE {
            messages.reverse();
        }
        Ok(messages)
    }

    fn memory(&self, owner: &CacheOwner) -> Result<Option<Memory>, CacheError> {
        let read = |row: &Row<'_>| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, Option<Vec<u8>>>(1)?, row.get::<_, Option<i64>>(2)?));
        let select = "SELECT name, role, timeline FROM owners WHERE id = ?1";
        let (name, role, timeline) = self.connection.query_row(select, [self.owner], read)?;
        // Before anybody was signed in there is nothing to remember.
        let Some(role) = role.as_deref().and_then(read_blob::<Role>) else { return Ok(None) };
        let account = name.and_then(|name| AccountName::known(&name).ok()).unwrap_or_else(|| owner.account.clone());
        let mut conversations = Vec::new();
        for standing in self.standings()? {
            let messages = self.stretch(standing.id, Stretch::Newest)?;
            conversations.push(ConversationMemory { standing, messages });
        }
        let people: Vec<Person> = self.blobs("SELECT person FROM people WHERE owner = ?1")?;
        let notices: Vec<NoticeMemory> = self.blobs("SELECT notice FROM notices WHERE owner = ?1")?;
        let witness = self.blobs("SELECT witness FROM witness WHERE owner = ?1")?.pop().unwrap_or_default();
        let timeline = timeline.map(|stored| Timeline(number(stored)));
        Ok(Some(Memory { account, role, timeline, conversations, people, notices, witness }))
    }

    fn standings(&self) -> Result<Vec<ConversationStanding>, CacheError> {
        let all = "SELECT id, place, read, unread, delivered, alteration FROM conversations WHERE owner = ?1 ORDER BY id";
        let mut statement = self.connection.prepare(all)?;
        let rows = statement.query_map([self.owner], |row| {
            let place: String = row.get(1)?;
            let delivered: Option<i64> = row.get(4)?;
            let of = |place| {
                Ok::<_, rusqlite::Error>(ConversationStanding {
                    id: ConversationId(number(row.get(0)?)),
                    place,
                    read: Seq(number(row.get(2)?)),
                    unread: number(row.get(3)?),
                    delivered: delivered.map(|seq| Seq(number(seq))),
                    alteration: number(row.get(5)?),
                })
            };
            place.parse().ok().map(of).transpose()
        })?;
        Ok(rows.filter_map(Result::transpose).collect::<Result<_, _>>()?)
    }

    fn blobs<T: DeserializeOwned>(&self, select: &str) -> Result<Vec<T>, CacheError> {
        let mut statement = self.connection.prepare(select)?;
        let blobs = statement.query_map([self.owner], |row| row.get::<_, Vec<u8>>(0))?.collect::<Result<Vec<_>, _>>()?;
        Ok(blobs.iter().filter_map(|bytes| read_blob(bytes)).collect())
    }
}

/// What is remembered of another timeline goes, but for people, who are the same. Whether there was any.
fn go_over(transaction: &Transaction<'_>, owner: i64, timeline: Timeline) -> Result<bool, CacheError> {
    let own = "UPDATE owners SET timeline = ?2 WHERE id = ?1 AND timeline IS NOT ?2";
    if transaction.execute(own, [owner, clamped(timeline.0)])? == 0 {
        return Ok(false);
    }
    let mut gone = 0;
    for table in ["messages", "conversations", "notices"] {
        gone += transaction.execute(&format!("DELETE FROM {table} WHERE owner = ?1"), [owner])?;
    }
    trim::recount(transaction)?;
    Ok(gone > 0)
}

fn put(transaction: &Transaction<'_>, owner: i64, message: &Message) -> Result<(), CacheError> {
    let (alteration, altered_at, deleted) = altered(message);
    transaction.prepare_cached(PUT)?.execute(params![
        owner,
        clamped(message.conversation.0),
        clamped(message.seq.0),
        message.from.as_str(),
        message.text.as_str(),
        clamped(message.sent_at.0),
        alteration,
        altered_at,
        deleted,
        message.reply_to.as_ref().map(|quote| clamped(quote.seq.0)),
        message.reply_to.as_ref().and_then(|quote| quote.quoted.as_ref()).map(blob),
        message.attachment.as_deref().map(blob),
        message.edited_at().map(|at| clamped(at.0)),
        reactions(message),
    ])?;
    Ok(())
}

fn alter(transaction: &Transaction<'_>, owner: i64, message: &Message) -> Result<(), CacheError> {
    let (alteration, altered_at, deleted) = altered(message);
    let (conversation, seq) = (clamped(message.conversation.0), clamped(message.seq.0));
    transaction.prepare_cached(ALTER)?.execute(params![
        owner,
        conversation,
        seq,
        message.text.as_str(),
        alteration,
        altered_at,
        deleted,
        message.attachment.as_deref().map(blob),
        message.edited_at().map(|at| clamped(at.0)),
        reactions(message),
    ])?;
    let quoted = Quote::of(message).quoted.as_ref().map(blob);
    transaction.prepare_cached(REQUOTE)?.execute(params![owner, conversation, seq, quoted])?;
    Ok(())
}

fn stand(transaction: &Transaction<'_>, owner: i64, standing: &ConversationStanding) -> Result<(), CacheError> {
    transaction.prepare_cached(STAND)?.execute(params![
        owner,
        clamped(standing.id.0),
        standing.place.to_string(),
        clamped(standing.read.0),
        clamped(standing.unread),
        standing.delivered.map(|seq| clamped(seq.0)),
        clamped(standing.alteration),
    ])?;
    Ok(())
}

fn put_person(transaction: &Transaction<'_>, owner: i64, person: &Person) -> Result<(), CacheError> {
    let put = "INSERT OR REPLACE INTO people (owner, name, person) VALUES (?1, ?2, ?3)";
    transaction.prepare_cached(put)?.execute(params![owner, person.account.key(), blob(person)])?;
    Ok(())
}

/// `None` for the many to which nobody has reacted.
fn reactions(message: &Message) -> Option<Vec<u8>> {
    (!message.reactions.is_empty()).then(|| blob(&message.reactions))
}

fn altered(message: &Message) -> (i64, i64, bool) {
    message.altered.map_or((0, 0, false), |altered| (clamped(altered.number), clamped(altered.at.0), altered.deleted))
}

fn message(conversation: ConversationId, row: &Row<'_>) -> Result<Option<Message>, rusqlite::Error> {
    let (author, text): (String, String) = (row.get(1)?, row.get(2)?);
    let (Ok(from), Ok(text)) = (AccountName::known(&author), Text::try_from(text)) else { return Ok(None) };
    let (alteration, at) = (number(row.get(4)?), UnixMillis(number(row.get(5)?)));
    let edited_at = row.get::<_, Option<i64>>(10)?.map(|at| UnixMillis(number(at)));
    let altered = Alteration { number: alteration, at, deleted: row.get(6)?, edited_at };
    let reactions = row.get::<_, Option<Vec<u8>>>(11)?.and_then(|bytes| read_blob::<Vec<Reaction>>(&bytes)).unwrap_or_default();
    let quoted = row.get::<_, Option<Vec<u8>>>(8)?.and_then(|bytes| read_blob::<Quoted>(&bytes));
    let reply_to = row.get::<_, Option<i64>>(7)?.map(|seq| Box::new(Quote { seq: Seq(number(seq)), quoted }));
    let attachment = row.get::<_, Option<Vec<u8>>>(9)?.and_then(|bytes| read_blob(&bytes));
    let message = Message::new(conversation, Seq(number(row.get(0)?)), from, text, UnixMillis(number(row.get(3)?)));
    Ok(Some(Message { altered: (alteration > 0).then_some(altered), reply_to, attachment, reactions, ..message }))
}

/// What cannot be written is empty, and read as nothing.
fn blob(value: &impl Serialize) -> Vec<u8> {
    codec::encode::<BLOB_BYTES_MAX>(value).unwrap_or_default()
}

fn read_blob<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    codec::decode::<BLOB_BYTES_MAX, T>(bytes).ok()
}

/// SQLite's numbers have a sign; no server counts that far.
fn clamped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or_default()
}
