//! Files that came with messages: which content each has, and who may have it.
//!
//! A content is kept once, and is told to be there only to somebody who could have it anyhow: who has sent it, or can read a message that it
//! came with. For everybody else a hash says nothing, also not whether it is known.

use belfry_core::chat::{AccountId, Attachment, ContentHash, ConversationId, FileId, FileName, Place, Refusal, Seq, SharedFile};
use belfry_core::limits::PAGE_ENTRIES_MAX;
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::column::{clamped, number, optional_number, time, words};
use super::conversations::{self, StoredConversation};
use super::error::Trouble;
use super::page::{Limit, taken};
use super::{Outcome, StoreError, StoredPlace, Unreferenced, accounts};
use crate::limits::CONTENTS_PER_SWEEP;

const KEPT_BYTES: &str = "SELECT coalesce(sum(bytes), 0) FROM contents";
const HAS: &str = "SELECT bytes FROM contents WHERE hash = ?2 AND (EXISTS (SELECT 1 FROM uploads WHERE account = ?1 AND hash = ?2)
    OR EXISTS (SELECT 1 FROM files f CROSS JOIN conversations c ON c.id = f.conversation WHERE f.hash = ?2 AND (c.everyone = 1 OR c.low = ?1
        OR c.high = ?1 OR (c.deleted_at IS NULL AND EXISTS (SELECT 1 FROM members WHERE account = ?1 AND conversation = c.id)))))";
const KEEP_CONTENT: &str = "INSERT INTO contents (hash, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
const KEEP_UPLOAD: &str = "INSERT INTO uploads (account, hash, at) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET at = excluded.at";
const ADD: &str = "INSERT INTO files (conversation, seq, hash, bytes, name) VALUES (?1, ?2, ?3, ?4, ?5)";
const ATTACH: &str = "UPDATE messages SET file = ?3 WHERE conversation = ?1 AND seq = ?2";
const ONE: &str = "SELECT f.id, f.name, f.bytes, f.hash, f.seq, a.name, m.sent_at, f.conversation FROM files f
    CROSS JOIN messages m ON m.conversation = f.conversation AND m.seq = f.seq CROSS JOIN accounts a ON a.id = m.author WHERE f.id = ?1";
const OF_CONVERSATION: &str = "SELECT f.id, f.name, f.bytes, f.hash, f.seq, a.name, m.sent_at, f.conversation FROM files f
    CROSS JOIN messages m ON m.conversation = f.conversation AND m.seq = f.seq CROSS JOIN accounts a ON a.id = m.author
    WHERE f.conversation = ?1 AND f.seq < ?2 ORDER BY f.seq DESC LIMIT ?3";
const DETACH: &str = "UPDATE messages SET file = NULL WHERE conversation = ?1 AND seq = ?2";
const TAKE_BACK: &str = "DELETE FROM files WHERE conversation = ?1 AND seq = ?2";
const REMOVE_BEFORE: &str = "DELETE FROM files WHERE conversation = ?1 AND seq < ?2";
const FORGET_UPLOADS: &str = "DELETE FROM uploads WHERE at < ?1";
const UNREFERENCED: &str = "SELECT hash FROM contents c WHERE NOT EXISTS (SELECT 1 FROM files WHERE hash = c.hash)
    AND NOT EXISTS (SELECT 1 FROM uploads WHERE hash = c.hash) LIMIT ?1";
const FORGET: &str = "DELETE FROM contents WHERE hash = ?1 AND NOT EXISTS (SELECT 1 FROM files WHERE hash = ?1)
    AND NOT EXISTS (SELECT 1 FROM uploads WHERE hash = ?1)";
const ALL: &str = "SELECT hash FROM contents";

/// The step of the schema. A message points to its file, so that reading one that has none looks for none.
pub(super) const STEP: &str = "
CREATE TABLE contents (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
    bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE uploads (
    account INTEGER NOT NULL,
    hash BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (account, hash)
) WITHOUT ROWID;
CREATE INDEX uploads_by_content ON uploads (hash);
CREATE TABLE files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (conversation, seq)
);
CREATE INDEX files_by_content ON files (hash);
ALTER TABLE messages ADD COLUMN file INTEGER;
";

/// Bytes of all contents.
pub(super) fn kept_bytes(connection: &Connection) -> Result<u64, Trouble> {
    Ok(connection.prepare_cached(KEPT_BYTES)?.query_row([], |row| number(row, 0))?)
}

/// A content has come from somebody.
pub(super) fn keep(connection: &Connection, at: UnixMillis, account: AccountId, hash: ContentHash, bytes: u64) -> Result<(), Trouble> {
    connection.prepare_cached(KEEP_CONTENT)?.execute(params![hash.0, clamped(bytes)])?;
    connection.prepare_cached(KEEP_UPLOAD)?.execute(params![clamped(account.0), hash.0, clamped(at.0)])?;
    Ok(())
}

/// The contents are not on the disk any more; one that somebody refers to again stays known.
pub(super) fn forget(connection: &Connection, hashes: &[ContentHash]) -> Result<(), Trouble> {
    for hash in hashes {
        connection.prepare_cached(FORGET)?.execute([hash.0])?;
    }
    Ok(())
}

/// How long a content is that this person has sent or can read.
pub(super) fn has(connection: &Connection, account: AccountId, hash: ContentHash) -> Result<Option<u64>, Trouble> {
    let row = params![clamped(account.0), hash.0];
    Ok(connection.prepare_cached(HAS)?.query_row(row, |row| number(row, 0)).optional()?)
}

/// Puts a file to a message that has just been stored.
pub(super) fn attach(
    connection: &Connection,
    account: AccountId,
    conversation: ConversationId,
    seq: Seq,
    (name, hash): (FileName, ContentHash),
) -> Result<Box<Attachment>, Trouble> {
    let bytes = has(connection, account, hash)?.ok_or(Refusal::NotUploaded)?;
    let (id, place) = (clamped(conversation.0), clamped(seq.0));
    connection.prepare_cached(ADD)?.execute(params![id, place, hash.0, clamped(bytes), name.as_str()])?;
    let file = connection.last_insert_rowid();
    connection.prepare_cached(ATTACH)?.execute([id, place, file])?;
    let file = FileId(u64::try_from(file).map_err(|_| StoreError::contradiction("a file has a negative number"))?);
    Ok(Box::new(Attachment { file, name, bytes, hash }))
}

/// A message was taken back, and its file with it.
pub(super) fn take_back(connection: &Connection, conversation: ConversationId, seq: Seq) -> Result<(), Trouble> {
    let key = [clamped(conversation.0), clamped(seq.0)];
    if connection.prepare_cached(TAKE_BACK)?.execute(key)? > 0 {
        connection.prepare_cached(DETACH)?.execute(key)?;
    }
    Ok(())
}

/// The messages of a conversation before this one are kept no longer, nor are their files.
pub(super) fn remove_before(connection: &Connection, conversation: ConversationId, kept_from: Seq) -> Result<(), Trouble> {
    connection.prepare_cached(REMOVE_BEFORE)?.execute([clamped(conversation.0), clamped(kept_from.0)])?;
    Ok(())
}

/// The file of a message, from four columns beginning with this one: number, name, bytes, hash.
pub(super) fn attachment(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Box<Attachment>>> {
    let Some(file) = optional_number(row, column)? else { return Ok(None) };
    let hash = ContentHash(row.get(column + 3)?);
    let attachment = Attachment { file: FileId(file), name: words(row, column + 1)?, bytes: number(row, column + 2)?, hash };
    Ok(Some(Box::new(attachment)))
}

/// A row of [`ONE`] or [`OF_CONVERSATION`], as somebody sees it who calls the conversation so.
fn shared(row: &Row<'_>, place: &Place) -> rusqlite::Result<SharedFile> {
    let hash = ContentHash(row.get(3)?);
    Ok(SharedFile {
        attachment: Attachment { file: FileId(number(row, 0)?), name: words(row, 1)?, bytes: number(row, 2)?, hash },
        place: place.clone(),
        conversation: ConversationId(number(row, 7)?),
        seq: Seq(number(row, 4)?),
        from: words(row, 5)?,
        sent_at: time(row, 6)?,
    })
}

/// A file, for who can read its message.
pub(super) fn find(connection: &Connection, account: AccountId, file: FileId) -> Result<SharedFile, Trouble> {
    let found = connection.prepare_cached(ONE)?.query_row([clamped(file.0)], |row| shared(row, &Place::lobby())).optional()?;
    let found = found.ok_or(Refusal::UnknownFile)?;
    // Whoever may not read it does not hear that it is there.
    let conversation = conversations::find(connection, found.conversation)?;
    match conversations::since(connection, &conversation, account) {
        Ok(_) => Ok(SharedFile { place: called(connection, &conversation, account)?, ..found }),
        Err(Trouble::Refused(_)) => Err(Refusal::UnknownFile.into()),
        Err(failed) => Err(failed),
    }
}

/// What somebody who is in a conversation calls it.
fn called(connection: &Connection, conversation: &StoredConversation, reader: AccountId) -> Result<Place, Trouble> {
    Ok(match conversation.place {
        StoredPlace::Room(ref room) => Place::Room(room.clone()),
        StoredPlace::Direct { a, b } => Place::Direct(accounts::name(connection, if reader == a { b } else { a })?),
    })
}

/// The files of a conversation, newest first.
pub(super) fn list(connection: &Connection, account: AccountId, of: &super::Target, before: Option<Seq>) -> Result<Outcome, Trouble> {
    let limit = Limit::new(PAGE_ENTRIES_MAX);
    let Some(conversation) = conversations::find_target(connection, account, of)? else {
        return Ok(Outcome::Read(belfry_core::chat::Page::<SharedFile>::EMPTY.into()));
    };
    conversations::since(connection, &conversation, account)?;
    let place = called(connection, &conversation, account)?;
    let mut statement = connection.prepare_cached(OF_CONVERSATION)?;
    let row = [clamped(conversation.id.0), clamped(before.map_or(u64::MAX, |before| before.0)), i64::from(limit.rows())];
    let rows = statement.query_map(row, |row| shared(row, &place))?;
    Ok(Outcome::Read(limit.fill(rows, taken)?.into()))
}

/// Forgets who has sent what and posted it nowhere, and finds what nobody refers to.
pub(super) fn sweep(connection: &Connection, uploads_before: UnixMillis) -> Result<Outcome, Trouble> {
    connection.prepare_cached(FORGET_UPLOADS)?.execute([clamped(uploads_before.0)])?;
    let mut statement = connection.prepare_cached(UNREFERENCED)?;
    let hashes = statement.query_map([CONTENTS_PER_SWEEP], |row| row.get(0).map(ContentHash))?.collect::<Result<Vec<_>, _>>()?;
    let more = hashes.len() >= CONTENTS_PER_SWEEP as usize;
    Ok(Unreferenced { hashes, more }.into())
}

/// Every content that should be on the disk.
pub(super) fn all(connection: &Connection) -> Result<Vec<ContentHash>, StoreError> {
    let mut statement = connection.prepare(ALL)?;
    Ok(statement.query_map([], |row| row.get(0).map(ContentHash))?.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Answer, Keep, Message, Page, PostId, Text};

    use super::super::fixture::{LOBBY, add, ask, create_private, direct, each_store, named, newest};
    use super::super::{Bite, FileJob, Keeper, MessageJob, Offered, RoomJob, Store, StoredContent, Target, Work};
    use super::*;

    const PLAN: ContentHash = ContentHash([7; 32]);
    const FILM: ContentHash = ContentHash([8; 32]);

    fn file(store: &mut Store, at: u64, job: FileJob) -> Result<Outcome, Refusal> {
        ask(store, at, Work::File(job))
    }

    fn upload(store: &mut Store, at: u64, account: AccountId, hash: ContentHash) {
        file(store, at, FileJob::Uploaded { account, hash, bytes: 100 }).unwrap();
    }

    fn has(store: &mut Store, account: AccountId, hash: ContentHash) -> Option<u64> {
        match file(store, 9, FileJob::Offer { account, to: Target::Room(LOBBY), hash }) {
            Ok(Outcome::Offered(Offered { has, .. })) => has,
            other => panic!("{other:?}"),
        }
    }

    fn share(store: &mut Store, account: AccountId, counter: u64, to: Target, hash: ContentHash) -> Result<Message, Refusal> {
        let (text, name) = (Text::new("look").unwrap(), FileName::new("plan.pdf").unwrap());
        let post = PostId { outbox: 1, counter };
        match file(store, 5, FileJob::Post { account, post, to, text, name, hash })? {
            Outcome::Posted(stored) => Ok(stored.message),
            other => panic!("{other:?}"),
        }
    }

    fn found(store: &mut Store, account: AccountId, id: FileId) -> Result<String, Refusal> {
        match file(store, 9, FileJob::Find { account, file: id })? {
            Outcome::Read(Answer::File(shared)) => Ok(format!("{} in {} by {}", shared.attachment.name, shared.place, shared.from)),
            other => panic!("{other:?}"),
        }
    }

    fn listed(store: &mut Store, account: AccountId, of: Target, before: Option<u64>) -> Result<Vec<u64>, Refusal> {
        match file(store, 9, FileJob::List { account, of, before: before.map(Seq) })? {
            Outcome::Read(Answer::Files(Page { entries, .. })) => Ok(entries.iter().map(|file| file.seq.0).collect()),
            other => panic!("{other:?}"),
        }
    }

    fn unreferenced(store: &mut Store, uploads_before: u64) -> Vec<ContentHash> {
        match file(store, 9, FileJob::Sweep { uploads_before: UnixMillis(uploads_before) }) {
            Ok(Outcome::Unreferenced(Unreferenced { hashes, .. })) => hashes,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_message_has_its_file_wherever_it_is_read() {
        each_store(|store| {
            let (anna, bob) = (add(store, "anna"), add(store, "bob"));
            upload(store, 1, anna, PLAN);
            let message = share(store, anna, 1, direct("bob"), PLAN).unwrap();
            let attachment = Attachment { file: FileId(1), name: FileName::new("plan.pdf").unwrap(), bytes: 100, hash: PLAN };
            assert_eq!(message.attachment.as_deref(), Some(&attachment));
            assert_eq!(newest(store, bob, direct("anna")).unwrap(), std::slice::from_ref(&message));
            assert_eq!(share(store, anna, 1, direct("bob"), PLAN), Ok(message), "posted again it is the same");
            assert_eq!(found(store, bob, FileId(1)).unwrap(), "plan.pdf in @anna by anna");
            assert_eq!(found(store, anna, FileId(1)).unwrap(), "plan.pdf in @bob by anna");
            assert_eq!(listed(store, bob, direct("anna"), None), Ok(vec![1]));
            assert_eq!(listed(store, bob, Target::Room(LOBBY), None), Ok(vec![]));
        });
    }

    #[test]
    fn that_a_content_is_there_is_told_to_who_has_sent_it_or_can_read_it_and_to_nobody_else() {
        each_store(|store| {
            let people = ["anna", "bob", "carl", "eve"].map(|name| add(store, name));
            let [anna, bob, carl, eve] = people;
            let told = |store: &mut Store| people.map(|person| has(store, person, PLAN).is_some());
            upload(store, 1, anna, PLAN);
            assert_eq!(told(store), [true, false, false, false]);
            assert_eq!(share(store, eve, 1, Target::Room(LOBBY), PLAN), Err(Refusal::NotUploaded));
            share(store, anna, 1, direct("bob"), PLAN).unwrap();
            assert_eq!(told(store), [true, true, false, false]);
            let board = create_private(store, bob, "board");
            share(store, bob, 2, Target::Room(board), PLAN).unwrap();
            assert_eq!(told(store), [true, true, false, false], "they are not in that room");
            let invite = RoomJob::Invite { by: bob, any: false, account: named("carl"), room: board };
            ask(store, 3, Work::Room(invite)).unwrap();
            assert_eq!(told(store), [true, true, false, false], "who is only asked to join reads nothing");
            ask(store, 3, Work::Room(RoomJob::Join { room: board, account: carl })).unwrap();
            assert_eq!(told(store), [true, true, true, false]);
            ask(store, 4, Work::Room(RoomJob::Leave { room: board, account: carl })).unwrap();
            assert_eq!(told(store), [true, true, false, false]);
            assert_eq!(has(store, anna, FILM), None);
            // Posted to the lobby it is everybody's.
            share(store, bob, 3, Target::Room(LOBBY), PLAN).unwrap();
            assert_eq!(told(store), [true; 4]);
        });
    }

    #[test]
    fn what_somebody_has_says_nothing_of_another_content_or_another_room() {
        each_store(|store| {
            let people = ["anna", "bob", "carl", "eve"].map(|name| add(store, name));
            let [anna, bob, carl, eve] = people;
            let told = |store: &mut Store, hash| people.map(|person| has(store, person, hash));
            upload(store, 1, bob, PLAN);
            file(store, 1, FileJob::Uploaded { account: anna, hash: FILM, bytes: 200 }).unwrap();
            assert_eq!(told(store, PLAN), [None, Some(100), None, None]);
            assert_eq!(told(store, FILM), [Some(200), None, None, None]);
            share(store, bob, 1, direct("anna"), PLAN).unwrap();
            assert_eq!(told(store, PLAN), [Some(100), Some(100), None, None], "whichever of the two had the lower number");
            assert_eq!(told(store, FILM), [Some(200), None, None, None], "only the other one was posted");
            // A room of one's own opens no other.
            let (board, den) = (create_private(store, bob, "board"), create_private(store, carl, "den"));
            share(store, bob, 2, Target::Room(board), PLAN).unwrap();
            assert_eq!(has(store, carl, PLAN), None);
            assert_eq!(share(store, carl, 3, Target::Room(den), PLAN), Err(Refusal::NotUploaded));
            // A closed one is read by nobody, whoever was in it.
            for room in [board, den] {
                let invite = RoomJob::Invite { by: if room == board { bob } else { carl }, any: false, account: named("eve"), room };
                ask(store, 3, Work::Room(invite)).unwrap();
                ask(store, 3, Work::Room(RoomJob::Join { room, account: eve })).unwrap();
            }
            assert_eq!(has(store, eve, PLAN), Some(100));
            let close = RoomJob::Delete { room: board, by: Keeper { account: bob, any: false } };
            ask(store, 4, Work::Room(close)).unwrap();
            assert_eq!(has(store, eve, PLAN), None);
        });
    }

    #[test]
    fn a_message_taken_back_takes_its_own_file_along_and_no_other() {
        each_store(|store| {
            let (anna, bob) = (add(store, "anna"), add(store, "bob"));
            upload(store, 1, anna, PLAN);
            upload(store, 1, bob, PLAN);
            share(store, anna, 1, Target::Room(LOBBY), PLAN).unwrap();
            share(store, bob, 1, Target::Room(LOBBY), PLAN).unwrap();
            share(store, bob, 2, direct("anna"), PLAN).unwrap();
            let of_each = [1, 2, 3].map(|id| found(store, anna, FileId(id)).unwrap());
            assert_eq!(of_each, ["plan.pdf in lobby by anna", "plan.pdf in lobby by bob", "plan.pdf in @bob by bob"]);
            let delete = MessageJob::Alter { account: bob, of: direct("anna"), seq: Seq(1), text: None };
            ask(store, 6, Work::Message(delete)).unwrap();
            assert_eq!(found(store, anna, FileId(3)), Err(Refusal::UnknownFile));
            assert_eq!(listed(store, anna, Target::Room(LOBBY), None), Ok(vec![2, 1]));
            let lobby = newest(store, anna, Target::Room(LOBBY)).unwrap();
            assert_eq!(lobby.iter().map(|message| message.attachment.is_some()).collect::<Vec<_>>(), [true, true]);
        });
    }

    #[test]
    fn a_file_is_had_by_who_can_read_its_message_at_this_moment() {
        each_store(|store| {
            let (anna, bob, eve) = (add(store, "anna"), add(store, "bob"), add(store, "eve"));
            upload(store, 1, anna, PLAN);
            share(store, anna, 1, direct("bob"), PLAN).unwrap();
            for (account, may) in [(anna, true), (bob, true), (eve, false)] {
                assert_eq!(found(store, account, FileId(1)).is_ok(), may);
                let content = file(store, 9, FileJob::Content { account, file: FileId(1) });
                let wanted = Outcome::StoredContent(StoredContent { hash: PLAN, bytes: 100 });
                assert_eq!(content, if may { Ok(wanted) } else { Err(Refusal::UnknownFile) });
            }
            assert_eq!(found(store, anna, FileId(2)), Err(Refusal::UnknownFile));
            let delete = MessageJob::Alter { account: anna, of: direct("bob"), seq: Seq(1), text: None };
            ask(store, 6, Work::Message(delete)).unwrap();
            assert_eq!(found(store, anna, FileId(1)), Err(Refusal::UnknownFile));
            assert_eq!(newest(store, bob, direct("anna")).unwrap()[0].attachment, None);
            share(store, anna, 2, direct("bob"), PLAN).unwrap();
            assert_eq!(found(store, anna, FileId(2)).unwrap(), "plan.pdf in @bob by anna", "a number is never used again");
        });
    }

    #[test]
    fn an_edited_message_keeps_its_file() {
        each_store(|store| {
            let anna = add(store, "anna");
            upload(store, 1, anna, PLAN);
            for counter in [1, 2] {
                share(store, anna, counter, Target::Room(LOBBY), PLAN).unwrap();
            }
            let edit = |seq, text: Option<&str>| MessageJob::Alter {
                account: anna,
                of: Target::Room(LOBBY),
                seq: Seq(seq),
                text: text.map(|text| Text::new(text).unwrap()),
            };
            ask(store, 6, Work::Message(edit(1, Some("look here")))).unwrap();
            ask(store, 7, Work::Message(edit(2, None))).unwrap();
            assert_eq!(listed(store, anna, Target::Room(LOBBY), None), Ok(vec![1]));
            assert!(newest(store, anna, Target::Room(LOBBY)).unwrap()[0].attachment.is_some());
        });
    }

    #[test]
    fn files_are_listed_from_the_newest_on_and_only_those_of_the_conversation() {
        each_store(|store| {
            let (anna, eve) = (add(store, "anna"), add(store, "eve"));
            let board = create_private(store, anna, "board");
            upload(store, 1, anna, PLAN);
            for counter in 1..=3 {
                share(store, anna, counter, Target::Room(LOBBY), PLAN).unwrap();
            }
            share(store, anna, 4, Target::Room(board), PLAN).unwrap();
            assert_eq!(listed(store, eve, Target::Room(LOBBY), None), Ok(vec![3, 2, 1]));
            assert_eq!(listed(store, eve, Target::Room(LOBBY), Some(3)), Ok(vec![2, 1]));
            assert_eq!(listed(store, anna, Target::Room(board), None), Ok(vec![1]));
            assert_eq!(listed(store, eve, Target::Room(board), None), Err(Refusal::InvitationNeeded));
            assert_eq!(listed(store, eve, direct("anna"), None), Ok(vec![]), "nothing was ever said there");
        });
    }

    #[test]
    fn what_nobody_refers_to_is_found_and_forgotten_and_nothing_else() {
        each_store(|store| {
            let (anna, bob) = (add(store, "anna"), add(store, "bob"));
            upload(store, 10, anna, PLAN);
            upload(store, 20, bob, FILM);
            assert_eq!(unreferenced(store, 10), []);
            assert_eq!(unreferenced(store, 11), [PLAN], "sent, posted nowhere, and too long ago");
            assert_eq!(has(store, anna, PLAN), None);
            upload(store, 30, anna, PLAN);
            file(store, 30, FileJob::Forget { hashes: vec![PLAN, FILM] }).unwrap();
            assert_eq!(store.contents().unwrap(), [PLAN, FILM], "it was sent again meanwhile");
            assert_eq!(unreferenced(store, 25), [FILM]);
            file(store, 30, FileJob::Forget { hashes: vec![PLAN, FILM] }).unwrap();
            assert_eq!(store.contents().unwrap(), [PLAN], "that somebody has sent another keeps nothing");
            upload(store, 40, bob, FILM);
            share(store, anna, 1, Target::Room(LOBBY), PLAN).unwrap();
            assert_eq!(unreferenced(store, 99), [FILM], "a message refers to the other");
            file(store, 99, FileJob::Forget { hashes: vec![PLAN, FILM] }).unwrap();
            assert_eq!(store.contents().unwrap(), [PLAN]);
            let Ok(Outcome::Offered(Offered { kept_bytes, .. })) =
                file(store, 99, FileJob::Offer { account: anna, to: Target::Room(LOBBY), hash: FILM })
            else {
                panic!()
            };
            assert_eq!(kept_bytes, 100);
        });
    }

    #[test]
    fn what_is_kept_no_longer_takes_its_files_along_and_no_others() {
        each_store(|store| {
            let anna = add(store, "anna");
            let board = create_private(store, anna, "board");
            upload(store, 1, anna, PLAN);
            for counter in 1..=3 {
                share(store, anna, counter, Target::Room(LOBBY), PLAN).unwrap();
                share(store, anna, counter + 10, Target::Room(board), PLAN).unwrap();
            }
            let change = Keep { age_ms: None, messages: Some(1) }.into();
            ask(store, 6, Work::Room(RoomJob::Keep { room: board, change })).unwrap();
            let tidy = Work::Tidy {
                messages_before: None,
                messages_kept: None,
                rooms_differ: true,
                notices_before: None,
                audit_before: None,
                bite: Bite::Messages(ConversationId(0)),
            };
            ask(store, 9, tidy).unwrap();
            assert_eq!(listed(store, anna, Target::Room(board), None), Ok(vec![3]));
            assert_eq!(listed(store, anna, Target::Room(LOBBY), None), Ok(vec![3, 2, 1]));
            let close = RoomJob::Delete { room: board, by: Keeper { account: anna, any: false } };
            ask(store, 10, Work::Room(close)).unwrap();
            assert_eq!(found(store, anna, FileId(6)), Err(Refusal::UnknownFile), "nobody reads in a closed room");
        });
    }

    #[test]
    fn no_file_is_looked_for_through_a_whole_table() {
        let store = Store::open_in_memory().unwrap();
        for query in [HAS, ONE, OF_CONVERSATION, TAKE_BACK, REMOVE_BEFORE, FORGET] {
            let mut statement = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
            let steps = statement
                .query_map(rusqlite::params_from_iter([0; 3].iter().take(statement_parameters(query))), |row| row.get::<_, String>(3));
            for step in steps.unwrap().map(Result::unwrap) {
                assert!(!step.starts_with("SCAN") || step == "SCAN CONSTANT ROW", "{query}: {step}");
            }
        }
    }

    fn statement_parameters(query: &str) -> usize {
        (1..=9).filter(|number| query.contains(&format!("?{number}"))).count()
    }
}
