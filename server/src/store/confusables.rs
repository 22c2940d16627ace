//! Names that look the same: nobody shall pass for somebody else by a letter of another script, a 1 for an l or a 0 for an O.
//!
//! By the skeletons of Unicode Technical Standard 39. A name has two, because letter case and look do not go together: the capital I looks
//! like an l, its small form does not.

use belfry_core::chat::{AccountName, RoomName, is_blank};
use icu_properties::props::{CanonicalCombiningClass, SoftDotted};
use icu_properties::{CodePointMapData, CodePointSetData};
use rusqlite::{Connection, params};
use unicode_security::confusable_detection::skeleton;

use super::StoreError;
use super::column::words;

const TAKE: &str = "INSERT INTO looks (kind, look, whose) VALUES (?1, ?2, ?3)";
const WHOSE: &str = "SELECT whose FROM looks WHERE kind = ?1 AND look = ?2";
const GIVE_BACK: &str = "DELETE FROM looks WHERE kind = ?1 AND whose = ?2";
const ACCOUNTS: &str = "SELECT id, name FROM accounts";
const ROOMS: &str = "SELECT id, room_name FROM conversations WHERE room_key IS NOT NULL AND deleted_at IS NULL";
const FORGET: &str = "DELETE FROM looks";

/// What has names that must not look the same among each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameKind {
    Account = 0,
    Room = 1,
}

/// What a name looks like; two names that share a look are not told apart. What shows nothing is no part of it.
fn of(name: &str, key: &str) -> [String; 2] {
    let shown = |name: &str| name.chars().filter(|&c| c == ' ' || !is_blank(c)).collect::<String>();
    let look = |name: &str| without_doubled_dots(skeleton(&shown(name)));
    [look(name).chars().flat_map(char::to_lowercase).collect(), look(key)]
}

/// The letters without a dot above that takes the place of a letter's own: i and j lose theirs under a mark above (Unicode, Soft_Dotted),
/// so that with U+0307 they look as they do without it. The text is decomposed: marks stand in their canonical order.
fn without_doubled_dots(letters: impl Iterator<Item = char>) -> String {
    let mut has_dot = false;
    let kept = letters.filter(|&letter| {
        if letter == '\u{307}' && has_dot {
            has_dot = false;
            return false;
        }
        match CodePointMapData::<CanonicalCombiningClass>::new().get(letter) {
            CanonicalCombiningClass::NotReordered => has_dot = CodePointSetData::new::<SoftDotted>().contains(letter),
            CanonicalCombiningClass::Above => has_dot = false,
            // Below the letter or through it.
            _ => {}
        }
        true
    });
    kept.collect()
}

/// Gives the looks of a name to `whose`, unless one of them is another's; then nothing is to be kept of what this job has done.
pub(super) fn take(connection: &Connection, kind: NameKind, whose: i64, name: &str, key: &str) -> Result<bool, StoreError> {
    for look in of(name, key) {
        let taken =
            connection.prepare_cached(WHOSE)?.query_map(params![kind as i64, look], |row| row.get::<_, i64>(0))?.next().transpose()?;
        match taken {
            Some(other) if other != whose => return Ok(false),
            Some(_) => {}
            None => {
                connection.prepare_cached(TAKE)?.execute(params![kind as i64, look, whose])?;
            }
        }
    }
    Ok(true)
}

/// Whether somebody else than `whose` has a name that looks like this one.
pub(super) fn is_anothers(connection: &Connection, kind: NameKind, whose: i64, name: &str, key: &str) -> Result<bool, StoreError> {
    for look in of(name, key) {
        let mut statement = connection.prepare_cached(WHOSE)?;
        let mut owners = statement.query_map(params![kind as i64, look], |row| row.get::<_, i64>(0))?;
        if owners.next().transpose()?.is_some_and(|owner| owner != whose) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A name is nobody's any more.
pub(super) fn give_back(connection: &Connection, kind: NameKind, whose: i64) -> Result<(), StoreError> {
    connection.prepare_cached(GIVE_BACK)?.execute([kind as i64, whose])?;
    Ok(())
}

/// Notes the looks of all names in a database that did not keep them. Of those that look the same already, the first one has the look.
pub(super) fn fill(connection: &Connection) -> Result<(), StoreError> {
    let mut accounts = connection.prepare(ACCOUNTS)?;
    let mut rows = accounts.query([])?;
    while let Some(row) = rows.next()? {
        let name: AccountName = words(row, 1)?;
        take(connection, NameKind::Account, row.get(0)?, name.as_str(), &name.key())?;
    }
    let mut rooms = connection.prepare(ROOMS)?;
    let mut rows = rooms.query([])?;
    while let Some(row) = rows.next()? {
        let name: RoomName = words(row, 1)?;
        take(connection, NameKind::Room, row.get(0)?, name.as_str(), &name.key())?;
    }
    Ok(())
}

/// Notes them afresh: what a name looks like was decided otherwise before.
pub(super) fn refill(connection: &Connection) -> Result<(), StoreError> {
    connection.execute(FORGET, [])?;
    fill(connection)
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountId, AccountName, Refusal, Role};

    use super::super::fixture::{ask, found};
    use super::super::{RoomJob, Store, Work, accounts, schema};
    use super::*;

    fn look_the_same(one: &str, other: &str) -> bool {
        let looks = |typed: &str| {
            let name = AccountName::known(typed).unwrap();
            of(name.as_str(), &name.key())
        };
        let (one, other) = (looks(one), looks(other));
        one.iter().any(|look| other.contains(look))
    }

    #[test]
    fn letters_of_other_scripts_digits_and_case_do_not_make_another_name() {
        for (one, other) in [
            ("alice", "ALICE"),
            ("alice", "аlice"),
            ("Alice", "AIice"),
            ("bob", "b0b"),
            ("paypal", "pаypаl"),
            ("clara", "c1ara"),
            ("kim", "kirn"),
            ("bob", "bob\u{2800}"),
            ("bob", "\u{3164}bob"),
            ("lobby", "lob\u{fe0f}by"),
            ("علی\u{200c}رضا", "علیرضا"),
            ("admin", "admi\u{307}n"),
            ("admin", "adm\u{131}\u{307}n"),
            ("admin", "ADM\u{130}N"),
            ("jan", "j\u{307}an"),
            ("admi\u{323}n", "admi\u{323}\u{307}n"),
        ] {
            assert!(look_the_same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn different_names_stay_different() {
        for (one, other) in [
            ("alice", "alicia"),
            ("user 12", "user 13"),
            ("张伟", "张薇"),
            ("jörg", "jorg"),
            ("ana", "anna"),
            ("иван", "иванна"),
            ("zen", "\u{17c}en"),
            ("rami", "rami\u{301}\u{307}"),
        ] {
            assert!(!look_the_same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn rooms_of_0_1_0_keep_their_looks_and_closed_ones_give_them_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("belfry.db");
        let mut old = Connection::open(&path).unwrap();
        schema::migrate(&mut old, &schema::MIGRATIONS[..6]).unwrap();
        let rooms = "
            INSERT INTO accounts (name, name_key, role, created_at, password_hash) VALUES ('anna', 'anna', 1, 5, 'x'), ('bob', 'bob', 0, 5, 'x');
            INSERT INTO conversations (low, high) VALUES (1, 2);
            INSERT INTO conversations (room_name, room_key) VALUES ('loft', 'loft');
            INSERT INTO conversations (room_name, room_key, deleted_at) VALUES ('attic', '/4', 9);";
        old.execute_batch(rooms).unwrap();
        old.close().unwrap();
        let mut store = Store::open(&path).unwrap();
        let mut made = |typed: &str| {
            let name = RoomName::new(typed).unwrap();
            ask(&mut store, 9, Work::Room(RoomJob::Create { account: AccountId(1), name, private: false })).is_ok()
        };
        assert_eq!([made("lоft"), made("attic")], [false, true], "one with a Cyrillic letter, and one that is closed");
    }

    #[test]
    fn names_of_0_1_0_that_nobody_is_given_today_stay_and_keep_their_looks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("belfry.db");
        let mut old = Connection::open(&path).unwrap();
        schema::migrate(&mut old, &schema::MIGRATIONS[..6]).unwrap();
        let people = "
            INSERT INTO accounts (name, name_key, role, created_at, password_hash) VALUES
                ('bob\u{2800}', 'bob\u{2800}', 1, 5, 'x'), ('\u{3164}', '\u{1160}', 0, 5, 'x'), ('eve', 'eve', 0, 5, 'x'), ('eve\u{fe0f}', 'eve\u{fe0f}', 0, 5, 'x');
            INSERT INTO looks (kind, look, whose) VALUES (0, 'bob\u{2800}', 1), (0, 'eve', 3), (0, 'eve\u{fe0f}', 4);
            INSERT INTO messages (conversation, seq, author, sent_at, text) VALUES (1, 1, 1, 6, '\u{3164}'), (1, 2, 1, 7, 'ΟΔΟΣ'), (1, 3, 1, 8, 'gone');
            UPDATE messages SET text = '(deleted)', deleted = 1, alteration = 1, altered_at = 9 WHERE seq = 3;
            UPDATE conversations SET last_seq = 3 WHERE id = 1;";
        old.execute_batch(people).unwrap();
        old.close().unwrap();
        let mut store = Store::open(&path).unwrap();
        for (name, id) in [("bob\u{2800}", 1), ("\u{3164}", 2), ("eve", 3), ("eve\u{fe0f}", 4)] {
            let name = AccountName::known(name).unwrap();
            assert_eq!(accounts::find(&store.connection, &name).ok(), Some(AccountId(id)));
        }
        assert_eq!(found(&mut store, AccountId(1), "οδος"), [2], "what was said before is found by the new fold");
        let indexed = "SELECT count(*) FROM search WHERE search MATCH 'deleted'";
        assert_eq!(store.connection.query_row(indexed, [], |row| row.get(0)), Ok(0), "what was taken back is not in the index");
        let twin = Work::AddAccount { name: "bob".parse().unwrap(), password_hash: "x".into(), role: Role::Member };
        assert_eq!(ask(&mut store, 9, twin), Err(Refusal::NameTaken), "nobody takes the look of one who is there");
    }
}
