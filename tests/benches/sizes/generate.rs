//! A house of many years, made from one seed and kept for the next run: people and rooms by the store's own jobs, the messages in bulk into
//! its tables, conversation by conversation, and then into its index as the step of the schema does that made it.

use std::fs;
use std::path::Path;
use std::time::Instant;

use belfry_core::chat::{AccountId, AccountName, ConversationId, Password, Role, RoomName};
use belfry_core::rng::{Random, Rng, below, from_seed};
use belfry_core::time::UnixMillis;
use belfry_server::passwords::{Cost, Hasher, PasswordJob, PasswordOutcome, PasswordTicket, PasswordWork};
use belfry_server::store::{AccountAdded, Job, JobTicket, Outcome, RoomJob, Store, Work};
use rusqlite::{Connection, params};

/// Everybody's password whose number is below [`KNOWN`].
pub(crate) const PASSWORD: &str = "a secret of the benchmark";
/// Accounts that somebody can sign in to; the others have a hash that is none.
pub(crate) const KNOWN: u64 = 64;
/// Rooms that the person who looks around is in.
pub(crate) const ROOMS_OF_READER: u64 = 100;
/// A word that stands in so many messages of the reader's rooms and nowhere else.
pub(crate) const RARE: (&str, u64) = ("quaggamire", 10);

/// The lobby of a new database.
pub(crate) const LOBBY: ConversationId = ConversationId(1);
/// The room that has as many messages as the lobby.
pub(crate) const DEEP: ConversationId = ConversationId(2);

const SEED: u8 = 41;
/// Messages in one transaction.
const BATCH: u64 = 500_000;
/// A post is known for that long when it comes again.
const POSTS_KEPT_MS: u64 = 30 * 24 * 3600 * 1000;
/// The last message was sent then: 2026-11-01.
const END: u64 = 1_793_491_200_000;
/// The first one so long before.
const YEARS_MS: u64 = 3 * 365 * 24 * 3600 * 1000;

/// Words as people use them: how often each one stands there is how often it is said.
const PROSE: [&str; 4] = [
    include_str!("../../../docs/OPERATING.md"),
    include_str!("../../../docs/COMMANDS.md"),
    include_str!("../../../docs/TESTING.md"),
    include_str!("../../../docs/PROTOCOL.md"),
];

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) messages: u64,
    pub(crate) accounts: u64,
    pub(crate) rooms: u64,
}

impl Scale {
    /// The sizes that must hold, or the same house smaller.
    pub(crate) fn of(messages: u64, accounts: u64) -> Self {
        Self { messages, accounts: accounts.max(200), rooms: (accounts / 100).max(ROOMS_OF_READER + 2) }
    }
}

/// The person who looks around.
pub(crate) const READER: AccountId = AccountId(1);

/// The account of this number, as [`generate`] names it.
pub(crate) fn name(number: u64) -> AccountName {
    AccountName::new(&format!("person {number}")).unwrap()
}

/// Makes the database in `folder`, unless an earlier run has.
pub(crate) fn generate(folder: &Path, scale: Scale) {
    let (finished, path) = (folder.join("finished"), folder.join("belfry.db"));
    let wanted = format!("{scale:?} seed {SEED}");
    if fs::read_to_string(&finished).is_ok_and(|found| found == wanted) {
        println!("the database of an earlier run: {wanted}");
        return furnish(&path);
    }
    fs::create_dir_all(folder).unwrap();
    for file in fs::read_dir(folder).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    let begun = Instant::now();
    let members = people_and_rooms(&path, scale);
    println!("people and rooms after {:.0} s", begun.elapsed().as_secs_f64());
    Messages::new(&path, scale, begun).fill(&members);
    furnish(&path);
    fs::write(finished, wanted).unwrap();
    println!("made within {:.0} s", begun.elapsed().as_secs_f64());
}

/// What people leave behind: nine of ten have been here, each with a device that is remembered and every hundredth with one that was
/// revoked, and are in one of a hundred groups. Also for a database of an earlier version, which has none of it.
fn furnish(path: &Path) {
    // Brings it to the present schema, and tidies up behind the bulk.
    Store::open(path).unwrap().close().unwrap();
    let connection = Connection::open(path).unwrap();
    if connection.prepare("SELECT 1 FROM account_groups").unwrap().exists([]).unwrap() {
        return;
    }
    let seen = i64::try_from(END - POSTS_KEPT_MS).unwrap();
    connection.execute("UPDATE accounts SET last_seen = ?1 + id WHERE id % 10 > 0", [seen]).unwrap();
    connection
        .execute_batch(
            "BEGIN;
            INSERT INTO devices (account, device, first_seen, last_seen, remembered)
                SELECT id, CAST(printf('%032d', id) AS BLOB), created_at, last_seen, 1 FROM accounts WHERE last_seen IS NOT NULL;
            INSERT INTO devices (account, device, first_seen, last_seen, revoked_at)
                SELECT id, CAST(printf('%032d', -id) AS BLOB), created_at, created_at, last_seen FROM accounts WHERE id % 100 = 1;
            WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
                INSERT INTO account_groups (name, name_key) SELECT 'group ' || i, 'group ' || i FROM n;
            INSERT INTO group_members (account_group, account) SELECT 1 + id % 100, id FROM accounts ORDER BY 1, 2;
            COMMIT; PRAGMA wal_checkpoint(TRUNCATE);",
        )
        .unwrap();
}

fn apply(store: &mut Store, works: impl IntoIterator<Item = Work>) -> Vec<Outcome> {
    let job = |(ticket, work)| Job { ticket: JobTicket(ticket), at: UnixMillis(END - YEARS_MS), work };
    let jobs = (0..).zip(works).map(job).collect();
    store.apply(jobs).into_iter().map(|done| done.result.unwrap()).collect()
}

/// Each person is in ten rooms, the reader in [`ROOMS_OF_READER`], those who are known in the deep one. Who is in which room, from the
/// second on.
fn people_and_rooms(path: &Path, scale: Scale) -> Vec<Vec<AccountId>> {
    let mut store = Store::open(path).unwrap();
    let mut rng = from_seed([SEED; 32]);
    let password = Password::new(PASSWORD.to_owned()).unwrap();
    let work = PasswordWork::Hash { password, salt: [7; 16] };
    let hashed = Hasher::new(Cost::STANDARD).run(PasswordJob { ticket: PasswordTicket(1), work });
    let Ok(PasswordOutcome::Hashed(known)) = hashed.result else { panic!("{hashed:?}") };
    let add = |number| {
        let password_hash = if number <= KNOWN { known.clone() } else { "unknown".to_owned() };
        Work::AddAccount { name: name(number), password_hash, role: Role::Member }
    };
    let made = apply(&mut store, (1..=scale.accounts).map(add));
    assert!(matches!(made.first(), Some(Outcome::AccountAdded(AccountAdded { account: READER }))));
    let room_name = |number| RoomName::new(&format!("room {number}")).unwrap();
    let make = |number| Work::Room(RoomJob::Create { account: READER, name: room_name(number), private: false });
    let rooms: Vec<_> = apply(&mut store, (2..=scale.rooms).map(make))
        .into_iter()
        .map(|made| match made {
            Outcome::Entered(info) => info.id,
            other => panic!("{other:?}"),
        })
        .collect();
    let stays = usize::try_from(ROOMS_OF_READER).unwrap();
    apply(&mut store, rooms.iter().skip(stays).map(|&room| Work::Room(RoomJob::Leave { account: READER, room })));
    let mut members = vec![Vec::new(); rooms.len()];
    for members in members.iter_mut().take(stays) {
        members.push(READER);
    }
    let mut joins = Vec::new();
    for account in (2..=scale.accounts).map(AccountId) {
        let mut own: Vec<_> = (0..10).map(|_| usize::try_from(below(&mut rng, rooms.len() as u64)).unwrap()).collect();
        own.extend((account.0 <= KNOWN).then_some(0));
        own.sort_unstable();
        own.dedup();
        for index in own {
            members[index].push(account);
            joins.push(Work::Room(RoomJob::Join { account, room: rooms[index] }));
        }
    }
    apply(&mut store, joins);
    store.close().unwrap();
    members
}

struct Messages {
    connection: Connection,
    /// What indexes new messages.
    trigger: String,
    scale: Scale,
    rng: Rng,
    words: Vec<&'static str>,
    said: u64,
    begun: Instant,
}

impl Messages {
    fn new(path: &Path, scale: Scale, begun: Instant) -> Self {
        let connection = Connection::open(path).unwrap();
        let for_bulk = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; PRAGMA foreign_keys = OFF;
            BEGIN";
        let fold = |call: &rusqlite::functions::Context<'_>| Ok(belfry_core::chat::fold(&call.get::<String>(0)?));
        connection.create_scalar_function("fold", 1, rusqlite::functions::FunctionFlags::SQLITE_INNOCUOUS, fold).unwrap();
        // Beside a trigger FTS5 writes its index once a row, which is the better part of the work.
        let trigger: String =
            connection.query_row("SELECT sql FROM sqlite_schema WHERE name = 'search_new'", [], |row| row.get(0)).unwrap();
        connection.execute_batch("DROP TRIGGER search_new").unwrap();
        connection.execute_batch(for_bulk).unwrap();
        let words: Vec<_> = PROSE.iter().flat_map(|prose| prose.split_whitespace()).filter(|word| word.len() <= 20).collect();
        Self { connection, trigger, scale, rng: from_seed([SEED + 1; 32]), words, said: 0, begun }
    }

    /// A tenth in the lobby, a tenth in one deep room, a tenth between two people each, the others in the other rooms.
    fn fill(mut self, members: &[Vec<AccountId>]) {
        let tenth = self.scale.messages / 10;
        let accounts = self.scale.accounts;
        self.conversation(LOBBY, tenth, |rng| 1 + below(rng, accounts), false);
        let others = (self.scale.messages - 3 * tenth) / (members.len() as u64 - 1);
        for (room, members) in (DEEP.0..).zip(members) {
            let count = if room == DEEP.0 { tenth } else { others };
            let rare = (DEEP.0 + 1..=DEEP.0 + RARE.1).contains(&room);
            self.conversation(
                ConversationId(room),
                count,
                |rng| members[usize::try_from(below(rng, members.len() as u64)).unwrap()].0,
                rare,
            );
        }
        let each = (tenth / accounts).max(1);
        for one in 2..accounts {
            self.connection
                .prepare_cached("INSERT INTO conversations (low, high) VALUES (?1, ?2)")
                .unwrap()
                .execute([one, one + 1].map(u64::cast_signed))
                .unwrap();
            let id = u64::try_from(self.connection.last_insert_rowid()).unwrap();
            self.conversation(ConversationId(id), each, |rng| one + below(rng, 2), false);
        }
        let index = "COMMIT; INSERT INTO search (rowid, text) SELECT conversation << 32 | seq, fold(text) FROM messages";
        self.connection.execute_batch(index).unwrap();
        self.connection.execute_batch(&self.trigger).unwrap();
        self.connection.close().unwrap();
    }

    fn conversation(&mut self, id: ConversationId, count: u64, author: impl Fn(&mut Rng) -> u64, rare: bool) {
        let step = YEARS_MS / count;
        for seq in 1..=count {
            let mut text = self.text();
            if rare && seq == count / 2 {
                text = format!("{text} {}", RARE.0);
            }
            let (author, at) = (author(&mut self.rng), END - YEARS_MS + step * (seq - 1) + below(&mut self.rng, step));
            self.said += 1;
            let insert = "INSERT INTO messages (conversation, seq, author, sent_at, text) VALUES (?1, ?2, ?3, ?4, ?5)";
            let [conversation, number, from, when] = [id.0, seq, author, at].map(u64::cast_signed);
            self.connection.prepare_cached(insert).unwrap().execute(params![conversation, number, from, when, text]).unwrap();
            if at > END - POSTS_KEPT_MS {
                let insert = "INSERT INTO posts (account, outbox, counter, conversation, seq, at) VALUES (?1, 1, ?2, ?3, ?4, ?5)";
                self.connection.prepare_cached(insert).unwrap().execute([author, self.said, id.0, seq, at].map(u64::cast_signed)).unwrap();
            }
            if self.said.is_multiple_of(BATCH) {
                self.connection.execute_batch("COMMIT; BEGIN").unwrap();
                println!("{} messages after {:.0} s", self.said, self.begun.elapsed().as_secs_f64());
            }
        }
        self.connection
            .prepare_cached("UPDATE conversations SET last_seq = ?2 WHERE id = ?1")
            .unwrap()
            .execute([id.0, count].map(u64::cast_signed))
            .unwrap();
        // The reader has twenty unread messages in each room.
        let read = "INSERT OR REPLACE INTO readings (account, conversation, upto) VALUES (?1, ?2, ?3)";
        if id.0 <= ROOMS_OF_READER + 1 {
            self.connection
                .prepare_cached(read)
                .unwrap()
                .execute([READER.0, id.0, count.saturating_sub(20)].map(u64::cast_signed))
                .unwrap();
        }
    }

    /// Three to fourteen words; in every third message a number such as people look for.
    fn text(&mut self) -> String {
        let mut drawn = self.rng.next_u64();
        let mut text = String::new();
        for _ in 0..3 + drawn % 12 {
            drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(self.words[usize::try_from(drawn >> 33).unwrap() % self.words.len()]);
            text.push(' ');
        }
        if drawn >> 32 & 3 == 0 {
            text.push_str(&format!("T-{:06}", drawn >> 36 & 0xF_FFFF));
        }
        text.truncate(text.trim_end().len());
        text
    }
}
