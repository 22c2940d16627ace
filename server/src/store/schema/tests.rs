use super::super::fixture::{LOBBY, ask, found, overview, post_to, posted};
use super::super::{List, Outcome, Store, Target, Work};
use super::*;
use belfry_core::chat::{AccountId, Answer, Page, Refusal, Role, Seq};

/// What a database holds since addresses are known.
const LAST: &str = "
    INSERT INTO accounts (name, name_key, role, created_at, password_hash) VALUES ('anna', 'anna', 1, 5, 'hash');
    INSERT INTO looks (kind, look, whose) VALUES (0, 'anna', 1);
    INSERT INTO messages (conversation, seq, author, sent_at, text) VALUES (1, 1, 1, 6, 'hello');
    UPDATE conversations SET last_seq = 1, keep_messages = 10 WHERE id = 1;
    INSERT INTO readings (account, conversation, upto) VALUES (1, 1, 1);
    INSERT INTO posts (account, outbox, counter, conversation, seq, at) VALUES (1, 1, 1, 1, 1, 6);
    INSERT INTO notices (author, outbox, counter, severity, everyone, sent_at, audience, answers, body) VALUES (1, 1, 2, 0, 0, 7, 1, 'Yes', 'x');
    INSERT INTO ledger (notice, account) VALUES (1, 1);
    INSERT INTO known_addresses (account, address, last_seen) VALUES (1, x'00000000000000000000ffffc0000209', 8);
";

/// What a database of each version holds, written in the words of that version: one account, one message to the lobby from outbox 1,
/// one open notice to it. The next migration adds its line here.
const CONTENTS: &[&str] = &["
    INSERT INTO accounts (name, name_key, role, created_at, password_hash) VALUES ('anna', 'anna', 1, 5, 'hash');
    INSERT INTO messages (conversation, seq, author, sent_at, text) VALUES (1, 1, 1, 6, 'hello');
    UPDATE conversations SET last_seq = 1 WHERE id = 1;
    INSERT INTO posts (account, outbox, counter, conversation, seq, at) VALUES (1, 1, 1, 1, 1, 6);
    INSERT INTO notices (author, outbox, counter, severity, everyone, sent_at, audience, answers, body) VALUES (1, 1, 2, 0, 0, 7, 1, 'Yes', 'x');
    INSERT INTO ledger (notice, account) VALUES (1, 1);
", "
    INSERT INTO accounts (name, name_key, role, created_at, password_hash) VALUES ('anna', 'anna', 1, 5, 'hash');
    INSERT INTO messages (conversation, seq, author, sent_at, text) VALUES (1, 1, 1, 6, 'hello');
    UPDATE conversations SET last_seq = 1, kept_from = 1 WHERE id = 1;
    INSERT INTO posts (account, outbox, counter, conversation, seq, at) VALUES (1, 1, 1, 1, 1, 6);
    INSERT INTO notices (author, outbox, counter, severity, everyone, sent_at, audience, answers, body) VALUES (1, 1, 2, 0, 0, 7, 1, 'Yes', 'x');
    INSERT INTO ledger (notice, account) VALUES (1, 1);
    INSERT INTO audit (at, account, act, object, detail) VALUES (8, 1, 'notice.send', 'notice 1', 'info');
", "
    INSERT INTO accounts (name, name_key, role, created_at, password_hash) VALUES ('anna', 'anna', 1, 5, 'hash');
    INSERT INTO messages (conversation, seq, author, sent_at, text) VALUES (1, 1, 1, 6, 'hello');
    UPDATE conversations SET last_seq = 1 WHERE id = 1;
    INSERT INTO posts (account, outbox, counter, conversation, seq, at) VALUES (1, 1, 1, 1, 1, 6);
    INSERT INTO notices (author, outbox, counter, severity, everyone, sent_at, audience, answers, body, revision)
        VALUES (1, 1, 2, 0, 0, 7, 1, 'Yes', 'x', 2);
    INSERT INTO ledger (notice, account) VALUES (1, 1);
", "
    INSERT INTO accounts (name, name_key, role, created_at, password_hash) VALUES ('anna', 'anna', 1, 5, 'hash');
    INSERT INTO messages (conversation, seq, author, sent_at, text) VALUES (1, 1, 1, 6, 'hello');
    UPDATE conversations SET last_seq = 1 WHERE id = 1;
    INSERT INTO readings (account, conversation, upto) VALUES (1, 1, 1);
    INSERT INTO posts (account, outbox, counter, conversation, seq, at) VALUES (1, 1, 1, 1, 1, 6);
    INSERT INTO notices (author, outbox, counter, severity, everyone, sent_at, audience, answers, body) VALUES (1, 1, 2, 0, 0, 7, 1, 'Yes', 'x');
    INSERT INTO ledger (notice, account) VALUES (1, 1);
", "
    INSERT INTO accounts (name, name_key, role, created_at, password_hash) VALUES ('anna', 'anna', 1, 5, 'hash');
    INSERT INTO looks (kind, look, whose) VALUES (0, 'anna', 1);
    INSERT INTO messages (conversation, seq, author, sent_at, text) VALUES (1, 1, 1, 6, 'hello');
    UPDATE conversations SET last_seq = 1, keep_messages = 10 WHERE id = 1;
    INSERT INTO readings (account, conversation, upto) VALUES (1, 1, 1);
    INSERT INTO posts (account, outbox, counter, conversation, seq, at) VALUES (1, 1, 1, 1, 1, 6);
    INSERT INTO notices (author, outbox, counter, severity, everyone, sent_at, audience, answers, body) VALUES (1, 1, 2, 0, 0, 7, 1, 'Yes', 'x');
    INSERT INTO ledger (notice, account) VALUES (1, 1);
", "
    INSERT INTO accounts (name, name_key, role, created_at, password_hash) VALUES ('anna', 'anna', 1, 5, 'hash');
    INSERT INTO looks (kind, look, whose) VALUES (0, 'anna', 1);
    INSERT INTO messages (conversation, seq, author, sent_at, text) VALUES (1, 1, 1, 6, 'hello');
    UPDATE conversations SET last_seq = 1, keep_messages = 10 WHERE id = 1;
    INSERT INTO readings (account, conversation, upto) VALUES (1, 1, 1);
    INSERT INTO posts (account, outbox, counter, conversation, seq, at) VALUES (1, 1, 1, 1, 1, 6);
    INSERT INTO notices (author, outbox, counter, severity, everyone, sent_at, audience, answers, body) VALUES (1, 1, 2, 0, 0, 7, 1, 'Yes', 'x');
    INSERT INTO ledger (notice, account) VALUES (1, 1);
", LAST, LAST, LAST, LAST, LAST, LAST, LAST, LAST, LAST, LAST, LAST, LAST];

fn tables(connection: &Connection) -> Vec<(String, Option<String>)> {
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn every_older_version_is_brought_forward_with_all_it_holds() {
    let new = Store::open_in_memory().unwrap();
    assert_eq!(CONTENTS.len(), MIGRATIONS.len());
    for (taken, contents) in (1..).zip(CONTENTS) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("belfry.db");
        let mut old = Connection::open(&path).unwrap();
        migrate(&mut old, &MIGRATIONS[..taken]).unwrap();
        old.execute_batch(contents).unwrap();
        old.close().unwrap();

        let mut store = Store::open(&path).unwrap();
        let anna = AccountId(1);
        assert_eq!(version(&store.connection).unwrap(), known_version());
        assert_eq!(tables(&store.connection), tables(&new.connection));
        assert_eq!(store.opening().unwrap().accounts, 1);
        assert_eq!(overview(&mut store, 9, anna).1.len(), 1);
        assert_eq!(overview(&mut store, 9, anna).0[0].unread, 0, "what was said before read positions were kept is read");
        assert_eq!(found(&mut store, anna, "hell"), [1]);
        let look_alike = Work::AddAccount { name: "аnna".parse().unwrap(), password_hash: "x".into(), role: Role::Member };
        assert_eq!(ask(&mut store, 9, look_alike), Err(Refusal::NameTaken));
        let again = posted(post_to(&mut store, anna, 1, Target::Room(LOBBY)));
        assert_eq!((again.0.text.as_str(), again.0.seq, again.2), ("hello", Seq(1), true));
    }
}

#[test]
fn who_is_in_a_room_is_counted_when_a_database_is_brought_forward() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("belfry.db");
    let mut old = Connection::open(&path).unwrap();
    migrate(&mut old, &MIGRATIONS[..5]).unwrap();
    let people = "
        INSERT INTO accounts (name, name_key, role, created_at, password_hash) VALUES ('anna', 'anna', 1, 5, 'x'), ('bob', 'bob', 0, 5, 'x');
        INSERT INTO conversations (room_name, room_key) VALUES ('attic', 'attic'), ('cellar', 'cellar');
        INSERT INTO members (account, conversation, since) VALUES (1, 2, 0), (2, 2, 0), (1, 3, 0);";
    old.execute_batch(people).unwrap();
    old.close().unwrap();
    let list = Work::List(List::Rooms { account: AccountId(1), after: None });
    let Ok(Outcome::Read(Answer::Rooms(Page { entries: rooms, .. }))) = ask(&mut Store::open(&path).unwrap(), 9, list) else { panic!() };
    let counts: Vec<_> = rooms.iter().map(|room| (room.name.as_str(), room.members)).collect();
    assert_eq!(counts, [("attic", 2), ("cellar", 1), ("lobby", 2)]);
}

#[test]
fn a_step_that_fails_leaves_the_version_before_it() {
    let mut connection = Connection::open_in_memory().unwrap();
    let broken = Migration { sql: "CREATE TABLE half (x); CREATE TABLE half (x);", then: None };
    assert!(migrate(&mut connection, &[MIGRATIONS[0], broken]).is_err());
    assert_eq!(version(&connection).unwrap(), 1);
    assert!(!tables(&connection).iter().any(|(name, _)| name == "half"));
}

#[test]
fn what_must_be_found_without_a_scan_is() {
    let store = Store::open_in_memory().unwrap();
    for query in [
        "SELECT * FROM messages WHERE conversation = 1 AND seq > 5 ORDER BY seq LIMIT 10",
        "SELECT * FROM messages WHERE conversation = 1 AND seq < 5 ORDER BY seq DESC LIMIT 10",
        "SELECT * FROM posts WHERE (account, outbox, counter) > (1, 2, 3) ORDER BY account, outbox, counter LIMIT 10",
        "SELECT * FROM conversations WHERE high = 1",
        "SELECT * FROM conversations WHERE low = 1",
        "SELECT * FROM members WHERE account = 1",
        "SELECT account FROM members WHERE conversation = 1",
        "SELECT account FROM invitations WHERE conversation = 1",
        "SELECT * FROM messages WHERE conversation = 1 AND alteration > 5 ORDER BY alteration LIMIT 10",
        "SELECT * FROM ledger WHERE account = 1 AND answered_at IS NULL ORDER BY notice",
    ] {
        let plan: String = store.connection.query_row(&format!("EXPLAIN QUERY PLAN {query}"), [], |row| row.get("detail")).unwrap();
        assert!(plan.starts_with("SEARCH"), "{query}: {plan}");
    }
}

#[test]
fn a_start_that_takes_long_because_of_the_index_says_so_before() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("CREATE TABLE conversations (last_seq); INSERT INTO conversations VALUES (0), (0)").unwrap();
    let lines = |count: i64| {
        connection.execute("UPDATE conversations SET last_seq = ?1", [count]).unwrap();
        crate::observe::tests::logged(|| announce_the_index(&connection).unwrap())
    };
    assert_eq!(lines(MANY / 2 - 1), [""; 0]);
    assert!(matches!(&lines(MANY / 2)[..], [line] if line.starts_with("WARN") && line.contains("50000 messages")));
}
