//! The tables, as numbered steps forward. A step that has been released is never changed; a change is a new step.

use rusqlite::{Connection, TransactionBehavior};

use super::{StoreError, arranged, confusables, files, plans, profiles, reacted, replies, search, settling, timelines};

/// What `PRAGMA application_id` says of our files: "BLFY".
pub(super) const APPLICATION_ID: u32 = 0x424c_4659;

/// One step forward. Its number is its place in the list, counted from 1, and the `PRAGMA user_version` of a file that has taken it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Migration {
    /// What to do, in one transaction.
    sql: &'static str,
    /// What SQL cannot do, in the same transaction.
    then: Option<Then>,
}

/// So many messages are indexed within a second or two.
const MANY: i64 = 50_000;

type Then = fn(&Connection) -> Result<(), StoreError>;
/// Every step.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { sql: BEGINNING, then: None },
    Migration { sql: SERVERS_DAY, then: None },
    Migration { sql: LIVING_NOTICES, then: None },
    Migration { sql: ROOMS, then: None },
    Migration { sql: LOOKED_AFTER, then: Some(confusables::fill) },
    Migration { sql: ON_DEMAND, then: None },
    Migration { sql: KNOWN_ADDRESSES, then: None },
    Migration { sql: ONE_FOLD, then: Some(confusables::refill) },
    Migration { sql: TRUE_LEDGER, then: Some(plans::bring_forward) },
    Migration { sql: TAKEN_BACK, then: None },
    Migration { sql: CLOSED_FOR_GOOD, then: Some(plans::close_rooms_that_are_gone) },
    Migration { sql: timelines::TABLES, then: None },
    Migration { sql: settling::STEP, then: None },
    Migration { sql: replies::STEP, then: None },
    Migration { sql: files::STEP, then: None },
    Migration { sql: reacted::STEP, then: None },
    Migration { sql: profiles::STEP, then: None },
    Migration { sql: arranged::STEP, then: None },
];

// Accounts, conversations and notices are AUTOINCREMENT because their numbers are promised never to be used again.
//
// Messages are kept in the order in which they are read: a page is one run through neighbouring rows.
//
// An account has had every open notice to everyone up to `notices_upto`; only newer ones are looked at when somebody signs in.
//
// A notice counts its own progress, so that a receipt costs the same for ten people and for ten thousand. Its answers are lines:
// a label is one line by construction. What is wide comes last, so that reading the rest does not touch it.
//
// `ledger_waiting` finds what somebody has not answered; an answered row leaves it.
const BEGINNING: &str = "
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    role INTEGER NOT NULL CHECK (role IN (0, 1)),
    disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    created_at INTEGER NOT NULL,
    last_seen INTEGER,
    notices_upto INTEGER NOT NULL DEFAULT 0,
    password_hash TEXT NOT NULL
) STRICT;

CREATE TABLE conversations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    room_name TEXT,
    room_key TEXT UNIQUE,
    low INTEGER REFERENCES accounts,
    high INTEGER REFERENCES accounts,
    last_seq INTEGER NOT NULL DEFAULT 0,
    UNIQUE (low, high),
    CHECK (
        (room_name IS NOT NULL AND room_key IS NOT NULL AND low IS NULL AND high IS NULL)
        OR (room_name IS NULL AND room_key IS NULL AND low IS NOT NULL AND high IS NOT NULL AND low < high)
    )
) STRICT;
CREATE INDEX conversations_high ON conversations (high) WHERE high IS NOT NULL;

CREATE TABLE messages (
    conversation INTEGER NOT NULL REFERENCES conversations,
    seq INTEGER NOT NULL CHECK (seq > 0),
    author INTEGER NOT NULL REFERENCES accounts,
    sent_at INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (conversation, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE posts (
    account INTEGER NOT NULL,
    outbox INTEGER NOT NULL,
    counter INTEGER NOT NULL,
    conversation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (account, outbox, counter)
) STRICT, WITHOUT ROWID;
CREATE INDEX posts_by_age ON posts (at);

CREATE TABLE notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    author INTEGER NOT NULL REFERENCES accounts,
    outbox INTEGER NOT NULL,
    counter INTEGER NOT NULL,
    severity INTEGER NOT NULL CHECK (severity IN (0, 1, 2)),
    everyone INTEGER NOT NULL CHECK (everyone IN (0, 1)),
    sent_at INTEGER NOT NULL,
    expires_at INTEGER,
    withdrawn_at INTEGER,
    audience INTEGER NOT NULL DEFAULT 0,
    reached INTEGER NOT NULL DEFAULT 0,
    visible INTEGER NOT NULL DEFAULT 0,
    answered INTEGER NOT NULL DEFAULT 0,
    title TEXT,
    answers TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (author, outbox, counter)
) STRICT;

CREATE TABLE ledger (
    notice INTEGER NOT NULL REFERENCES notices,
    account INTEGER NOT NULL REFERENCES accounts,
    reached_at INTEGER,
    visible_at INTEGER,
    answered_at INTEGER,
    answer INTEGER,
    PRIMARY KEY (notice, account),
    CHECK ((answered_at IS NULL) = (answer IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_waiting ON ledger (account, notice) WHERE answered_at IS NULL;

INSERT INTO conversations (room_name, room_key) VALUES ('lobby', 'lobby');
";

// Messages go from below: those before `kept_from` are gone, and the numbers of the others stay.
//
// Who did something is kept by number, because names may change; on whom it was done is kept as it was written, because that may be gone.
const SERVERS_DAY: &str = "
ALTER TABLE conversations ADD COLUMN kept_from INTEGER NOT NULL DEFAULT 1;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    account INTEGER NOT NULL REFERENCES accounts,
    act TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
";

// A notice changes while it is open; each of its wordings has a number. A reminder is due at `remind_at`.
//
// The ledger has a line for each device beside the one for its person. `offline_since` is noted when somebody comes back after the
// notice was over: only then is it known that they were away all the time.
//
// Templates and scheduled notices are read and written as a whole, so they are kept as one text.
const LIVING_NOTICES: &str = "
ALTER TABLE notices ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE notices ADD COLUMN cleared_at INTEGER;
ALTER TABLE notices ADD COLUMN reminded INTEGER NOT NULL DEFAULT 0;
ALTER TABLE notices ADD COLUMN remind_every INTEGER;
ALTER TABLE notices ADD COLUMN remind_limit INTEGER NOT NULL DEFAULT 0;
ALTER TABLE notices ADD COLUMN remind_at INTEGER;
CREATE INDEX notices_to_remind ON notices (remind_at) WHERE remind_at IS NOT NULL;

ALTER TABLE ledger ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ledger ADD COLUMN offline_since INTEGER;

CREATE TABLE devices (
    account INTEGER NOT NULL REFERENCES accounts,
    device BLOB NOT NULL CHECK (length(device) = 32),
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    remembered INTEGER NOT NULL DEFAULT 0 CHECK (remembered IN (0, 1)),
    revoked_at INTEGER,
    address TEXT,
    PRIMARY KEY (account, device)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_devices (
    notice INTEGER NOT NULL,
    account INTEGER NOT NULL,
    device BLOB NOT NULL CHECK (length(device) = 32),
    queued_at INTEGER,
    reached_at INTEGER,
    locked_at INTEGER,
    visible_at INTEGER,
    answered_at INTEGER,
    revision INTEGER NOT NULL DEFAULT 0,
    offline_since INTEGER,
    PRIMARY KEY (notice, account, device),
    FOREIGN KEY (notice, account) REFERENCES ledger ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE account_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE group_members (
    account_group INTEGER NOT NULL REFERENCES account_groups ON DELETE CASCADE,
    account INTEGER NOT NULL REFERENCES accounts,
    PRIMARY KEY (account_group, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE templates (
    name_key TEXT PRIMARY KEY,
    content TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE schedules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    author INTEGER NOT NULL REFERENCES accounts,
    outbox INTEGER NOT NULL,
    counter INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    content TEXT NOT NULL,
    UNIQUE (author, outbox, counter)
) STRICT;
";

// Everyone is in the lobby without a line in `members`. Up to where somebody has read is kept by person, so that their devices share it;
// who was there before this was kept has read everything.
//
// An altered message carries the number of its last alteration in its conversation, so that who was away asks for what is newer than the
// last one they know, in pages. What stood there before is in `originals`.
//
// The index of texts is kept by triggers: whatever changes a message cannot forget it. It holds no text, only where each three letters in
// a row stand, under a number made of the conversation's and the message's: one conversation is one run of numbers.
const ROOMS: &str = "
ALTER TABLE conversations ADD COLUMN everyone INTEGER NOT NULL DEFAULT 0 CHECK (everyone IN (0, 1));
ALTER TABLE conversations ADD COLUMN private INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1));
ALTER TABLE conversations ADD COLUMN alterations INTEGER NOT NULL DEFAULT 0;
UPDATE conversations SET everyone = 1 WHERE room_key IS NOT NULL;
CREATE INDEX conversations_of_everyone ON conversations (id) WHERE everyone = 1;

CREATE TABLE members (
    account INTEGER NOT NULL REFERENCES accounts,
    conversation INTEGER NOT NULL REFERENCES conversations,
    since INTEGER NOT NULL,
    PRIMARY KEY (account, conversation)
) STRICT, WITHOUT ROWID;

CREATE TABLE invitations (
    account INTEGER NOT NULL REFERENCES accounts,
    conversation INTEGER NOT NULL REFERENCES conversations,
    invited_by INTEGER NOT NULL REFERENCES accounts,
    at INTEGER NOT NULL,
    PRIMARY KEY (account, conversation)
) STRICT, WITHOUT ROWID;

CREATE TABLE readings (
    account INTEGER NOT NULL REFERENCES accounts,
    conversation INTEGER NOT NULL REFERENCES conversations,
    upto INTEGER NOT NULL,
    PRIMARY KEY (account, conversation)
) STRICT, WITHOUT ROWID;
INSERT INTO readings (account, conversation, upto)
    SELECT a.id, c.id, c.last_seq FROM conversations c CROSS JOIN accounts a
    WHERE c.last_seq > 0 AND (c.room_key IS NOT NULL OR a.id IN (c.low, c.high));

ALTER TABLE messages ADD COLUMN alteration INTEGER;
ALTER TABLE messages ADD COLUMN altered_at INTEGER;
ALTER TABLE messages ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1));
CREATE UNIQUE INDEX messages_altered ON messages (conversation, alteration) WHERE alteration IS NOT NULL;

CREATE TABLE originals (
    conversation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    version INTEGER NOT NULL,
    until INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (conversation, seq, version)
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE search USING fts5 (text, content = '', contentless_delete = 1, tokenize = 'trigram remove_diacritics 1');
INSERT INTO search (rowid, text) SELECT conversation << 32 | seq, text FROM messages;
CREATE TRIGGER search_new AFTER INSERT ON messages BEGIN
    INSERT INTO search (rowid, text) VALUES (NEW.conversation << 32 | NEW.seq, NEW.text);
END;
CREATE TRIGGER search_gone AFTER DELETE ON messages WHEN OLD.deleted = 0 BEGIN
    DELETE FROM search WHERE rowid = OLD.conversation << 32 | OLD.seq;
END;
CREATE TRIGGER search_altered AFTER UPDATE OF text ON messages WHEN OLD.deleted = 0 BEGIN
    DELETE FROM search WHERE rowid = OLD.conversation << 32 | OLD.seq;
    INSERT INTO search (rowid, text) SELECT NEW.conversation << 32 | NEW.seq, NEW.text WHERE NEW.deleted = 0;
END;
";

// Whoever makes a room owns it. A room's own retention goes over the server's: null is the server's, 0 is for ever or all. A closed room
// keeps its messages and its name, but nobody is in it, and its key is one that no name can have, so that the name is free.
//
// Names that look the same share a look. Accounts (kind 0) and rooms (kind 1) take theirs in the transaction that makes them, so that two
// of them cannot be made at the same moment.
const LOOKED_AFTER: &str = "
ALTER TABLE conversations ADD COLUMN owner INTEGER REFERENCES accounts;
ALTER TABLE conversations ADD COLUMN keep_age INTEGER;
ALTER TABLE conversations ADD COLUMN keep_messages INTEGER;
ALTER TABLE conversations ADD COLUMN deleted_at INTEGER;

CREATE TABLE looks (
    kind INTEGER NOT NULL CHECK (kind IN (0, 1)),
    look TEXT NOT NULL,
    whose INTEGER NOT NULL,
    PRIMARY KEY (kind, look)
) STRICT, WITHOUT ROWID;
CREATE INDEX looks_of ON looks (kind, whose);

UPDATE audit SET act = 'notice.all-clear' WHERE act = 'notice.all_clear';
";

// Nobody keeps in memory who is in a room or who is an administrator, so both are found from that side, too. How many are in a room is
// counted by triggers: the list of a thousand rooms must not count a million members.
const ON_DEMAND: &str = "
CREATE INDEX members_of ON members (conversation);
ALTER TABLE conversations ADD COLUMN members INTEGER NOT NULL DEFAULT 0;
UPDATE conversations SET members = (SELECT count(*) FROM members m WHERE m.conversation = conversations.id) WHERE room_key > '';
CREATE TRIGGER member_new AFTER INSERT ON members BEGIN
    UPDATE conversations SET members = members + 1 WHERE id = NEW.conversation;
END;
CREATE TRIGGER member_gone AFTER DELETE ON members BEGIN
    UPDATE conversations SET members = members - 1 WHERE id = OLD.conversation;
END;
CREATE INDEX invitations_of ON invitations (conversation);
CREATE INDEX administrators ON accounts (id) WHERE role = 1 AND disabled = 0;
";

// Where an account has been signed in to, so that whoever guesses its password elsewhere does not keep it out there. What counts as one
// address, the sessions say.
const KNOWN_ADDRESSES: &str = "
CREATE TABLE known_addresses (
    account INTEGER NOT NULL REFERENCES accounts,
    address BLOB NOT NULL,
    last_seen INTEGER NOT NULL,
    PRIMARY KEY (account, address)
) STRICT, WITHOUT ROWID;
";

// The index holds texts folded: what is stored in it, what is read of the newest messages and what is asked for is compared in one form, and
// the tokenizer changes nothing. The texts of all messages are taken in afresh, in this one step: half of the index would be no index, and a
// server that was stopped meanwhile begins the step again.
//
// What a name looks like does not depend any more on what it hides.
const ONE_FOLD: &str = "
DROP TRIGGER search_new;
DROP TRIGGER search_gone;
DROP TRIGGER search_altered;
DROP TABLE search;
CREATE VIRTUAL TABLE search USING fts5 (text, content = '', contentless_delete = 1, tokenize = 'trigram case_sensitive 1');
INSERT INTO search (rowid, text) SELECT conversation << 32 | seq, fold(text) FROM messages WHERE deleted = 0;
CREATE TRIGGER search_new AFTER INSERT ON messages BEGIN
    INSERT INTO search (rowid, text) VALUES (NEW.conversation << 32 | NEW.seq, fold(NEW.text));
END;
CREATE TRIGGER search_gone AFTER DELETE ON messages WHEN OLD.deleted = 0 BEGIN
    DELETE FROM search WHERE rowid = OLD.conversation << 32 | OLD.seq;
END;
CREATE TRIGGER search_altered AFTER UPDATE OF text ON messages WHEN OLD.deleted = 0 BEGIN
    DELETE FROM search WHERE rowid = OLD.conversation << 32 | OLD.seq;
    INSERT INTO search (rowid, text) SELECT NEW.conversation << 32 | NEW.seq, fold(NEW.text) WHERE NEW.deleted = 0;
END;
";

// A scheduled notice that was not sent when its time came stays, with when that was and why: a number, see `Obstacle`.
//
// Whoever joins a notice to everyone later is in its ledger and in no total. Programs that need the password have one line together, of a
// device that there is not: each call of a script had one of its own, until no message could carry them.
const TRUE_LEDGER: &str = "
ALTER TABLE schedules ADD COLUMN missed_at INTEGER;
ALTER TABLE schedules ADD COLUMN missed_why INTEGER;

ALTER TABLE ledger ADD COLUMN later INTEGER NOT NULL DEFAULT 0 CHECK (later IN (0, 1));

INSERT INTO ledger_devices (notice, account, device, queued_at, reached_at, visible_at, answered_at, revision)
    SELECT l.notice, l.account, zeroblob(32), min(l.queued_at), min(l.reached_at), min(l.visible_at), min(l.answered_at), max(l.revision)
    FROM ledger_devices l
    WHERE NOT EXISTS (SELECT 1 FROM devices d WHERE d.account = l.account AND d.device = l.device AND d.remembered = 1)
    GROUP BY l.notice, l.account;
DELETE FROM ledger_devices WHERE device <> zeroblob(32) AND NOT EXISTS
    (SELECT 1 FROM devices d WHERE d.account = ledger_devices.account AND d.device = ledger_devices.device AND d.remembered = 1);
";

// What was taken back is not unread: how many are, of those that are newer than what somebody has read, is counted at each sign-in.
const TAKEN_BACK: &str = "
CREATE INDEX messages_taken_back ON messages (conversation, seq) WHERE deleted = 1;
";

// What is planned names its rooms, and the name of one that is closed is free: what was meant for it is for no room that is made later.
const CLOSED_FOR_GOOD: &str = "
ALTER TABLE schedules ADD COLUMN room_closed INTEGER NOT NULL DEFAULT 0 CHECK (room_closed IN (0, 1));
";

/// The newest version this program knows.
pub(super) fn known_version() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// The version of an open database; 0 when it is new.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Takes the steps that the database has not taken yet, each in a transaction of its own.
pub(super) fn migrate(connection: &mut Connection, migrations: &[Migration]) -> Result<(), StoreError> {
    let taken = version(connection)?;
    search::provide_fold(connection)?;
    for (number, migration) in (1_u32..).zip(migrations) {
        if number <= taken {
            continue;
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if migration.sql == ONE_FOLD {
            announce_the_index(&transaction)?;
        }
        transaction.execute_batch(migration.sql)?;
        if let Some(then) = migration.then {
            then(&transaction)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Says before, and not only when it is over, that a start takes long this once.
fn announce_the_index(connection: &Connection) -> Result<(), StoreError> {
    let count: i64 = connection.query_row("SELECT coalesce(sum(last_seq), 0) FROM conversations", [], |row| row.get(0))?;
    if count >= MANY {
        tracing::warn!(
            "rebuilding the search index for about {count} messages; this happens once and takes a minute or two for each million"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
