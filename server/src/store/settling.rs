//! What follows from messages and nobody waits for: they are taken into the index, their authors have read them, and how posts of long ago
//! are recognised is forgotten. It is done for many messages at once, soon after they were stored: for each alone it was two thirds of what
//! it wrote.
//!
//! A conversation is settled up to a message; whoever asks the index or how far somebody has read looks at the few behind it, too. That is
//! stored with the conversation, so a server that was killed goes on where it was.

use std::collections::BTreeSet;
use std::time::Duration;

use belfry_core::chat::{ConversationId, Seq, fold};
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, params};

use super::column::{clamped, number};
use super::error::Trouble;
use super::{Posted, StoreError};

/// So many messages wait, or so many bytes of text, before they are settled while others come: a millisecond or two of work.
const MESSAGES_DUE: u64 = 128;
/// See [`MESSAGES_DUE`].
const BYTES_DUE: usize = 64 * 1024;

/// More do not wait, whoever does the jobs: what waits is read at each search.
const MESSAGES_MAX: u64 = 8 * MESSAGES_DUE;
/// See [`MESSAGES_MAX`].
const BYTES_MAX: usize = 8 * BYTES_DUE;

/// How long a post is recognised when it comes again: a laptop may come back from a holiday with an answer it never got.
const POSTS_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Posts that are looked at for each message that is settled, in a round through all of them: while a house says what it says in a month,
/// it has looked at all posts of a month eight times. An order of age would be a page more for each message to write.
const POSTS_PER_MESSAGE: u64 = 8;

const BEHIND: &str = "SELECT id, last_seq - settled FROM conversations WHERE settled < last_seq";
const TAKE_IN: &str = "INSERT INTO search (rowid, text) SELECT m.conversation << 32 | m.seq, fold(m.text)
    FROM conversations c CROSS JOIN messages m ON m.conversation = c.id AND m.seq > c.settled WHERE c.id = ?1 AND m.deleted = 0 ORDER BY m.seq";
// What one says oneself, one has read, and what stands before it.
const HAVE_READ: &str = "INSERT INTO readings (account, conversation, upto) SELECT m.author, c.id, max(m.seq)
    FROM conversations c CROSS JOIN messages m ON m.conversation = c.id AND m.seq > c.settled WHERE c.id = ?1 GROUP BY m.author
    ON CONFLICT DO UPDATE SET upto = excluded.upto WHERE upto < excluded.upto";
const SETTLE: &str = "UPDATE conversations SET settled = last_seq WHERE id = ?1";
const SETTLED: &str = "SELECT settled FROM conversations WHERE id = ?1 AND settled < last_seq";
const FRESH: &str = "SELECT seq, text FROM messages WHERE conversation = ?1 AND seq > ?2 AND seq < ?3 AND deleted = 0 ORDER BY seq DESC";

const LAST_TO_POST: &str = "SELECT coalesce(max(account), 0) FROM posts";
const POSTS_FROM: &str = "SELECT account, outbox, counter, at < ?4 FROM posts WHERE (account, outbox, counter) > (?1, ?2, ?3)
    ORDER BY account, outbox, counter LIMIT ?5";
const FORGET_POST: &str = "DELETE FROM posts WHERE account = ?1 AND outbox = ?2 AND counter = ?3";

/// The step of the schema. What is altered before it is settled stands in the index as it is then.
pub(super) const STEP: &str = "
ALTER TABLE conversations ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;
UPDATE conversations SET settled = last_seq;
DROP INDEX posts_by_age;
DROP TRIGGER search_new;
DROP TRIGGER search_gone;
DROP TRIGGER search_altered;
CREATE TRIGGER search_gone AFTER DELETE ON messages
    WHEN OLD.deleted = 0 AND OLD.seq <= (SELECT settled FROM conversations WHERE id = OLD.conversation) BEGIN
    DELETE FROM search WHERE rowid = OLD.conversation << 32 | OLD.seq;
END;
CREATE TRIGGER search_altered AFTER UPDATE OF text ON messages
    WHEN OLD.deleted = 0 AND OLD.seq <= (SELECT settled FROM conversations WHERE id = OLD.conversation) BEGIN
    DELETE FROM search WHERE rowid = OLD.conversation << 32 | OLD.seq;
    INSERT INTO search (rowid, text) SELECT NEW.conversation << 32 | NEW.seq, fold(NEW.text) WHERE NEW.deleted = 0;
END;
";

/// Which conversations are not settled, and about how much that is.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    conversations: BTreeSet<ConversationId>,
    messages: u64,
    bytes: usize,
    /// When the last of them was said; 0 for what the last server has left.
    newest: UnixMillis,
    /// It could not be done; the next message tries again.
    is_stuck: bool,
}

impl Unsettled {
    /// What the last server has left.
    pub(super) fn found(connection: &Connection) -> Result<Self, StoreError> {
        let mut statement = connection.prepare_cached(BEHIND)?;
        let rows = statement.query_map([], |row| Ok((ConversationId(number(row, 0)?), number(row, 1)?)))?;
        let mut unsettled = Self::default();
        for row in rows {
            let (conversation, messages) = row?;
            unsettled.conversations.insert(conversation);
            unsettled.messages += messages;
        }
        Ok(unsettled)
    }

    /// A message is stored, or will be if its batch is.
    pub(super) fn note(&mut self, posted: &Posted) {
        if !posted.repeated {
            self.conversations.insert(posted.message.conversation);
            self.messages += 1;
            self.bytes += posted.message.text.as_str().len();
            self.newest = self.newest.max(posted.message.sent_at);
            self.is_stuck = false;
        }
    }

    /// Something waits that there is a point in doing.
    pub(super) fn is_open(&self) -> bool {
        !self.conversations.is_empty() && !self.is_stuck
    }

    /// It could not be done now.
    pub(super) const fn put_off(&mut self) {
        self.is_stuck = true;
    }

    /// It is worth a transaction of its own while others come.
    pub(super) const fn is_due(&self) -> bool {
        !self.is_stuck && (self.messages >= MESSAGES_DUE || self.bytes >= BYTES_DUE)
    }

    /// It cannot wait any longer.
    pub(super) const fn is_full(&self) -> bool {
        self.messages >= MESSAGES_MAX || self.bytes >= BYTES_MAX
    }

    /// Settles all of it, in the transaction that is open.
    pub(super) fn settle(&self, connection: &Connection, forgetting: &mut Forgetting) -> Result<(), StoreError> {
        for conversation in &self.conversations {
            let id = [clamped(conversation.0)];
            connection.prepare_cached(TAKE_IN)?.execute(id)?;
            connection.prepare_cached(HAVE_READ)?.execute(id)?;
            connection.prepare_cached(SETTLE)?.execute(id)?;
        }
        forgetting.go_on(connection, self.newest, self.messages * POSTS_PER_MESSAGE)
    }
}

/// How far a round through all posts has come that forgets those that are too old to come again.
#[derive(Debug, Default)]
pub(super) struct Forgetting {
    /// The account, outbox and counter of the last one that was looked at.
    last: Option<[i64; 3]>,
}

impl Forgetting {
    /// Looks at so many more. The first round begins anywhere: a server that is started every day would never come to the last of them.
    fn go_on(&mut self, connection: &Connection, now: UnixMillis, most: u64) -> Result<(), StoreError> {
        let before = clamped(now.0.saturating_sub(u64::try_from(POSTS_KEPT.as_millis()).unwrap_or(u64::MAX)));
        let [account, outbox, counter] = match self.last {
            Some(last) => last,
            None => {
                let accounts: i64 = connection.prepare_cached(LAST_TO_POST)?.query_row([], |row| row.get(0))?;
                [clamped(now.0) % (accounts + 1), i64::MIN, i64::MIN]
            }
        };
        let mut statement = connection.prepare_cached(POSTS_FROM)?;
        let rows = statement.query_map([account, outbox, counter, before, clamped(most)], |row| {
            Ok(([row.get(0)?, row.get(1)?, row.get(2)?], row.get::<_, bool>(3)?))
        })?;
        let posts = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        let is_over = (posts.len() as u64) < most;
        self.last = Some(posts.last().filter(|_| !is_over).map_or([i64::MIN; 3], |&(post, _)| post));
        for (post, _) in posts.iter().filter(|(_, is_old)| *is_old) {
            connection.prepare_cached(FORGET_POST)?.execute(*post)?;
        }
        Ok(())
    }
}

/// Where the folded text `wanted` stands in the messages of a conversation before `before` that are not in the index yet, newest first.
pub(super) fn fresh(connection: &Connection, wanted: &str, of: ConversationId, before: Seq) -> Result<Vec<Seq>, Trouble> {
    let Some(settled) = connection.prepare_cached(SETTLED)?.query_row([clamped(of.0)], |row| number(row, 0)).optional()? else {
        return Ok(Vec::new());
    };
    let mut statement = connection.prepare_cached(FRESH)?;
    let mut rows = statement.query(params![clamped(of.0), clamped(settled), clamped(before.0)])?;
    let mut seqs = Vec::new();
    while let Some(row) = rows.next()? {
        if fold(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?).contains(wanted) {
            seqs.push(Seq(number(row, 0)?));
        }
    }
    Ok(seqs)
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountId, PostId, Text};
    use belfry_core::limits::TEXT_BYTES_MAX;

    use super::super::fixture::{LOBBY, add, ask, create, direct, each_store, found, overview, post, posted, say};
    use super::super::{MessageJob, ReadUpTo, RoomJob, Store, Target, Work};
    use super::*;

    fn alter(store: &mut Store, account: AccountId, seq: u64, text: Option<&str>) {
        let text = text.map(|text| Text::new(text).unwrap());
        ask(store, 9, Work::Message(MessageJob::Alter { account, of: Target::Room(LOBBY), seq: Seq(seq), text })).unwrap();
    }

    fn rows(store: &Store, statement: &str) -> u64 {
        store.connection.query_row(statement, [], |row| number(row, 0)).unwrap()
    }

    #[test]
    fn what_is_found_unread_and_read_is_the_same_before_and_after_settling() {
        each_store(|store| {
            let (anna, bob) = (add(store, "anna"), add(store, "bob"));
            say(store, anna, 3);
            store.settle();
            posted(ask(store, 9, post(bob, 1, Target::Room(LOBBY), "hello again")));
            posted(ask(store, 9, post(bob, 2, direct("anna"), "hello anna")));
            posted(ask(store, 9, post(anna, 100, Target::Room(LOBBY), "goodbye")));
            posted(ask(store, 9, post(anna, 101, Target::Room(LOBBY), "hello for the last time")));
            alter(store, anna, 2, Some("written anew"));
            alter(store, bob, 4, Some("hello once more"));
            alter(store, anna, 5, None);
            let look = |store: &mut Store| {
                let found = ["hello", "again", "once more", "anew", "goodbye"].map(|text| found(store, anna, text));
                (found, overview(store, 9, anna).0, overview(store, 9, bob).0)
            };
            let before = look(store);
            assert_eq!(before.0[0].len(), 5);
            assert_eq!(before.0[1..], [vec![], vec![4], vec![2], vec![]]);
            assert_eq!(before.1.iter().map(|info| (info.read.0, info.unread)).collect::<Vec<_>>(), [(6, 0), (0, 1)]);
            assert_eq!(before.2.iter().map(|info| (info.read.0, info.unread)).collect::<Vec<_>>(), [(4, 1), (1, 0)]);
            let not_settled = "SELECT count(*) FROM conversations WHERE settled < last_seq";
            assert_eq!(rows(store, not_settled), 2);
            store.settle();
            assert_eq!(rows(store, not_settled), 0);
            assert_eq!(look(store), before);
            assert_eq!(rows(store, "SELECT count(*) FROM search WHERE search MATCH '\"hello\"'"), 5, "the index has them");
        });
    }

    #[test]
    fn a_server_that_is_killed_settles_at_its_next_start_what_it_had_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("belfry.db");
        let mut store = Store::open(&path).unwrap();
        let anna = add(&mut store, "anna");
        say(&mut store, anna, 3);
        drop(store);
        let mut store = Store::open(&path).unwrap();
        assert_eq!((store.unsettled.messages, found(&mut store, anna, "hello")), (3, vec![3, 2, 1]));
        store.settle();
        assert!(!store.unsettled.is_open());
        assert_eq!((rows(&store, "SELECT count(*) FROM search"), found(&mut store, anna, "hello")), (3, vec![3, 2, 1]));
    }

    /// A month after the first of them was said.
    const MONTH: u64 = POSTS_KEPT.as_millis() as u64 + 1;

    #[test]
    fn a_message_alone_writes_three_pages() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("belfry.db")).unwrap();
        let anna = add(&mut store, "anna");
        // What is carried over is overwritten by the next commit, so that the log has its pages and no others.
        let pages = |store: &Store| store.connection.query_row("PRAGMA wal_checkpoint", [], |row| row.get(1)).unwrap();
        let mut written: Vec<i64> = (1..=41)
            .map(|counter| {
                pages(&store);
                posted(ask(&mut store, 1, post(anna, counter, Target::Room(LOBBY), "hello")));
                pages(&store)
            })
            .collect();
        written.sort_unstable();
        // The message, its conversation, and by what it is recognised; now and then one more, because one is full.
        assert_eq!(written[20], 3, "{written:?}");
    }

    #[test]
    fn a_post_is_forgotten_after_a_month_and_the_message_stays() {
        each_store(|store| {
            let anna = add(store, "anna");
            posted(ask(store, 1, post(anna, 1, Target::Room(LOBBY), "old")));
            posted(ask(store, 2, post(anna, 2, Target::Room(LOBBY), "a little newer")));
            posted(ask(store, MONTH, post(anna, 3, Target::Room(LOBBY), "a month is not over")));
            store.settle();
            assert!(posted(ask(store, MONTH, post(anna, 1, Target::Room(LOBBY), "old"))).2);
            posted(ask(store, MONTH + 1, post(anna, 4, Target::Room(LOBBY), "now it is")));
            store.settle();
            assert_eq!(rows(store, "SELECT count(*) FROM posts WHERE counter = 1"), 0);
            assert_eq!((rows(store, "SELECT count(*) FROM posts"), rows(store, "SELECT count(*) FROM messages")), (3, 4));
            assert!(!posted(ask(store, MONTH + 2, post(anna, 1, Target::Room(LOBBY), "old"))).2);
        });
    }

    #[test]
    fn what_is_forgotten_of_one_outbox_is_remembered_of_another() {
        each_store(|store| {
            let anna = add(store, "anna");
            let post = |outbox| Work::Post {
                account: anna,
                post: PostId { outbox, counter: 1 },
                to: Target::Room(LOBBY),
                text: Text::new("x").unwrap(),
                reply_to: None,
            };
            posted(ask(store, 1, post(1)));
            posted(ask(store, MONTH + 1, post(2)));
            store.settle();
            assert_eq!(rows(store, "SELECT count(*) FROM posts WHERE outbox = 1"), 0);
            assert!(posted(ask(store, MONTH + 2, post(2))).2, "it is the same post");
        });
    }

    #[test]
    fn all_posts_are_looked_at_in_rounds_a_few_for_each_message_wherever_the_first_begins() {
        for begins in 0..4 {
            let mut store = Store::open_in_memory().unwrap();
            let people = ["anna", "bob", "carol"].map(|name| add(&mut store, name));
            for (person, counter) in people.into_iter().flat_map(|person| (0..20).map(move |counter| (person, counter))) {
                let id = PostId { outbox: [1, u64::MAX][counter % 2], counter: counter as u64 };
                posted(ask(
                    &mut store,
                    1,
                    Work::Post { account: person, post: id, to: Target::Room(LOBBY), text: Text::new("old").unwrap(), reply_to: None },
                ));
            }
            // A new server knows of nothing that it could forget.
            store.forgetting = Forgetting::default();
            store.unsettled = Unsettled::default();
            let mut left = 60;
            for counter in 100..116 {
                posted(ask(&mut store, MONTH * 2 + begins, post(people[1], counter, Target::Room(LOBBY), "new")));
                store.settle();
                if counter == 100 {
                    let first = ((MONTH * 2 + begins) % 4).max(1);
                    let theirs = format!("SELECT count(*) FROM posts WHERE at = 1 AND account = {first}");
                    assert_eq!(rows(&store, &theirs), 20 - POSTS_PER_MESSAGE, "the round begins with {first}");
                }
                let old = rows(&store, "SELECT count(*) FROM posts WHERE at = 1");
                assert!(old <= left && left - old <= POSTS_PER_MESSAGE, "{left} old ones became {old}");
                left = old;
            }
            assert_eq!((left, rows(&store, "SELECT count(*) FROM posts")), (0, 16), "begun with {begins}");
        }
    }

    #[test]
    fn what_waits_is_bounded_in_messages_and_in_bytes_whoever_does_the_jobs() {
        each_store(|store| {
            let anna = add(store, "anna");
            for (text, most) in [("hello".to_owned(), MESSAGES_MAX), ("x".repeat(TEXT_BYTES_MAX), (BYTES_MAX / TEXT_BYTES_MAX) as u64)] {
                store.settle();
                let first = rows(store, "SELECT last_seq FROM conversations WHERE id = 1");
                for n in first..first + most {
                    assert_eq!(rows(store, "SELECT last_seq - settled FROM conversations WHERE id = 1"), n - first);
                    posted(ask(store, 1, post(anna, n, Target::Room(LOBBY), &text)));
                }
                assert_eq!(rows(store, "SELECT last_seq - settled FROM conversations WHERE id = 1"), 0, "in the middle of a batch, too");
            }
        });
    }

    #[test]
    fn a_batch_that_was_given_up_leaves_nothing_to_settle_that_is_not_there() {
        each_store(|store| {
            let anna = add(store, "anna");
            say(store, anna, 3);
            let jobs = (1..=MESSAGES_MAX).map(|n| super::super::fixture::job(n, 1, post(anna, 100 + n, Target::Room(LOBBY), "lost")));
            drop(store.begin(jobs.collect()));
            assert!(store.apply(Vec::new()).is_empty());
            assert_eq!(store.unsettled.messages, 3, "also what that batch had settled before it was given up");
            store.settle();
            assert_eq!((rows(store, "SELECT count(*) FROM search"), found(store, anna, "lost")), (3, vec![]));
        });
    }

    /// A place of the model: who is in it, what was said there, and how far each of them has read.
    struct Room {
        /// As each of those who are in it calls it.
        names: Vec<(AccountId, Target)>,
        /// Once something was said there.
        id: Option<ConversationId>,
        said: Vec<(AccountId, Option<&'static str>)>,
        read: Vec<u64>,
        settled: usize,
    }

    impl Room {
        fn new(names: Vec<(AccountId, Target)>) -> Self {
            Self { read: vec![0; names.len()], names, id: None, said: Vec::new(), settled: 0 }
        }

        fn has(&self, upto: usize, word: &str) -> Vec<u64> {
            let said = self.said.iter().take(upto).zip(1..);
            said.filter(|((_, text), _)| text.is_some_and(|text| text.contains(word))).map(|(_, seq)| seq).collect()
        }

        fn unread(&self, reader: usize) -> u64 {
            self.said.iter().skip(self.read[reader] as usize).filter(|(_, text)| text.is_some()).count() as u64
        }
    }

    const TEXTS: [&str; 4] = ["alpha", "beta and alpha", "gamma", "beta"];
    const WORDS: [&str; 4] = ["alpha", "beta", "gamma", "(deleted)"];

    /// What everybody is told of what they have read and can find is what the model says, and nothing is in the index before it is settled.
    fn compare(store: &mut Store, places: &[Room], people: &[AccountId], context: &str) {
        for &person in people {
            let theirs: Vec<_> =
                places.iter().filter_map(|room| Some((room, room.names.iter().position(|(who, _)| *who == person)?))).collect();
            let begun = theirs.iter().filter(|(room, _)| matches!(room.names[0].1, Target::Room(_)) || !room.said.is_empty());
            let mut expected: Vec<_> = begun.map(|(room, at)| (room.said.len() as u64, room.read[*at], room.unread(*at))).collect();
            let told = overview(store, 9, person).0;
            let mut told: Vec<_> = told.iter().map(|info| (info.last.0, info.read.0, info.unread)).collect();
            expected.sort_unstable();
            told.sort_unstable();
            assert_eq!(told, expected, "{context}: last, read and unread of {person:?}");
            for word in WORDS {
                let mut expected: Vec<_> = theirs.iter().flat_map(|(room, _)| room.has(usize::MAX, word)).collect();
                let mut hits = found(store, person, word);
                expected.sort_unstable();
                hits.sort_unstable();
                assert_eq!(hits, expected, "{context}: where {person:?} finds {word}");
            }
        }
        for word in WORDS {
            for (room, id) in places.iter().filter_map(|room| Some((room, room.id?))) {
                let seqs = fresh(&store.connection, word, id, Seq(u64::MAX)).unwrap();
                let expected = room.has(usize::MAX, word).into_iter().rev().filter(|&seq| seq > room.settled as u64);
                assert_eq!(seqs, expected.map(Seq).collect::<Vec<_>>(), "{context}: {word} in what is not in the index");
            }
            let indexed = store
                .connection
                .query_row("SELECT count(*) FROM search WHERE search MATCH ?1", [format!("\"{word}\"")], |row| number(row, 0));
            assert_eq!(
                indexed.unwrap(),
                places.iter().map(|room| room.has(room.settled, word).len() as u64).sum::<u64>(),
                "{context}: {word}"
            );
        }
    }

    #[test]
    fn whenever_it_is_settled_everybody_is_told_what_a_simple_model_says() {
        use belfry_core::rng::{below, from_seed};
        for seed in 0..24 {
            let mut rng = from_seed([seed; 32]);
            let mut store = Store::open_in_memory().unwrap();
            let people = ["anna", "bob", "eve"].map(|name| add(&mut store, name));
            let [anna, bob, eve] = people;
            let attic = create(&mut store, anna, "attic");
            for account in [bob, eve] {
                ask(&mut store, 1, Work::Room(RoomJob::Join { account, room: attic })).unwrap();
            }
            let mut places = vec![
                Room::new(people.map(|person| (person, Target::Room(LOBBY))).into()),
                Room::new(people.map(|person| (person, Target::Room(attic))).into()),
                Room::new(vec![(anna, direct("bob")), (bob, direct("anna"))]),
                Room::new(vec![(anna, direct("eve")), (eve, direct("anna"))]),
                Room::new(vec![(bob, direct("eve")), (eve, direct("bob"))]),
            ];
            for step in 0..40 {
                let mut draw = |bound: usize| below(&mut rng, bound as u64) as usize;
                let room = draw(places.len());
                let room = &mut places[room];
                let at = draw(room.names.len());
                let (account, of) = room.names[at].clone();
                let last = room.said.len();
                match draw(8) {
                    0 => {
                        store.settle();
                        places.iter_mut().for_each(|room| room.settled = room.said.len());
                    }
                    1 if last > 0 => {
                        let upto = 1 + draw(last) as u64;
                        let moved = upto > room.read[at];
                        room.read[at] = room.read[at].max(upto);
                        let work = Work::Message(MessageJob::MarkRead { account, of, upto: Seq(upto) });
                        let done: ReadUpTo = ask(&mut store, 9, work).unwrap().expect().unwrap();
                        assert_eq!(
                            (done.read.0, done.unread, done.moved),
                            (room.read[at], room.unread(at), moved),
                            "seed {seed}, step {step}"
                        );
                    }
                    2 | 3 if last > 0 => {
                        let seq = draw(last);
                        let (author, said) = room.said[seq];
                        if author == account && said.is_some() {
                            let text = (draw(2) == 0).then(|| TEXTS[draw(TEXTS.len())]);
                            room.said[seq].1 = text;
                            let text = text.map(|text| Text::new(text).unwrap());
                            ask(&mut store, 9, Work::Message(MessageJob::Alter { account, of, seq: Seq(seq as u64 + 1), text })).unwrap();
                        }
                    }
                    _ => {
                        let text = TEXTS[draw(TEXTS.len())];
                        room.said.push((account, Some(text)));
                        room.read[at] = room.said.len() as u64;
                        room.id = Some(posted(ask(&mut store, 9, post(account, step, of, text))).0.conversation);
                    }
                }
                compare(&mut store, &places, &people, &format!("seed {seed}, step {step}"));
            }
        }
    }
}
