use std::fs;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use belfry_core::chat::{
    AccountName, Alteration, Attachment, ConversationId, Person, PersonProfile, Place, Presence, Quote, Role, Seq, Text, Timeline,
};
use belfry_core::time::UnixMillis;

use super::trim::Limits;
use super::*;
use crate::model::{ConversationStanding, Stretch};

const LOBBY: u64 = 1;

/// The cache in a folder, and what it answers.
struct World {
    cache: Cache,
    found: Receiver<CacheAnswer>,
}

impl World {
    fn open(folder: &Path) -> Self {
        Self::with_limits(folder, trim::LIMITS)
    }

    fn with_limits(folder: &Path, limits: Limits) -> Self {
        let (send, found) = mpsc::channel();
        Self { cache: Cache::with_limits(folder, limits, move |what| send.send(what).unwrap_or_default()), found }
    }

    /// Opened, and turned to the usual account.
    fn mine(folder: &Path) -> (Self, Option<Memory>) {
        let mut world = Self::open(folder);
        let memory = world.cache.turn_to(&owner("lan-host:7411", "me", Some("key")));
        (world, memory)
    }

    fn write(&self, news: Vec<MemoryChange>) {
        self.cache.write(news).unwrap();
    }

    fn look_up(&self, conversation: u64, stretch: Stretch) -> Vec<Message> {
        assert!(self.cache.look_up(Lookup { ticket: Ticket(7), conversation: ConversationId(conversation), stretch }));
        let found = self.found.recv_timeout(Duration::from_secs(30)).unwrap();
        assert_eq!((found.turn, found.ticket), (self.cache.turn(), Ticket(7)));
        found.messages
    }

    fn numbers(&self, conversation: u64, stretch: Stretch) -> Vec<u64> {
        self.look_up(conversation, stretch).iter().map(|message| message.seq.0).collect()
    }

    /// Everything before is on the disk.
    fn settle(&self) {
        self.look_up(LOBBY, Stretch::Newest);
    }
}

fn owner(server: &str, account: &str, key: Option<&str>) -> CacheOwner {
    CacheOwner { server: server.to_owned(), account: name(account), key: key.map(str::to_owned) }
}

fn name(typed: &str) -> AccountName {
    AccountName::new(typed).unwrap()
}

fn message(conversation: u64, seq: u64, text: &str) -> Message {
    Message::new(ConversationId(conversation), Seq(seq), name("anna"), Text::new(text).unwrap(), UnixMillis(seq))
}

fn altered(message: Message, number: u64, text: &str) -> Message {
    Message { altered: Some(Alteration::edited(number, UnixMillis(9))), text: Text::new(text).unwrap(), ..message }
}

fn messages(conversation: u64, seqs: impl Iterator<Item = u64>) -> Vec<MemoryChange> {
    seqs.map(|seq| MemoryChange::Message(message(conversation, seq, &format!("m{seq}")))).collect()
}

fn standing(id: u64, place: &str) -> ConversationStanding {
    let place = place.parse().unwrap();
    ConversationStanding { id: ConversationId(id), place, read: Seq(3), unread: 2, delivered: Some(Seq(300)), alteration: 5 }
}

fn me() -> MemoryChange {
    MemoryChange::Me(name("Me"), Role::Admin)
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Whether any file in the folder holds these letters.
fn lies_there(folder: &Path, letters: &str) -> bool {
    let holds = |file: PathBuf| fs::read(file).unwrap().windows(letters.len()).any(|part| part == letters.as_bytes());
    fs::read_dir(folder).unwrap().any(|entry| holds(entry.unwrap().path()))
}

#[test]
fn what_was_heard_is_there_at_the_next_start() {
    let folder = folder();
    let (world, before) = World::mine(folder.path());
    assert_eq!(before, None);
    let anna =
        Person { account: name("anna"), presence: Presence::Online, last_seen: Some(UnixMillis(4)), profile: PersonProfile::default() };
    let mut news = vec![me()];
    news.extend(messages(LOBBY, 1..=300));
    news.extend([
        MemoryChange::Standing(standing(LOBBY, "lobby")),
        MemoryChange::Standing(standing(2, "@王伟")),
        MemoryChange::People(vec![anna.clone()]),
    ]);
    world.write(news);
    drop(world);
    let (world, memory) = World::mine(folder.path());
    let memory = memory.unwrap();
    assert_eq!((memory.account.as_str(), memory.role, &memory.people[..]), ("Me", Role::Admin, &[anna][..]));
    let [lobby, direct] = &memory.conversations[..] else { panic!("{memory:?}") };
    assert_eq!((&lobby.standing, &direct.standing), (&standing(LOBBY, "lobby"), &standing(2, "@王伟")));
    assert_eq!((lobby.messages.len(), lobby.messages[0].seq, direct.messages.len()), (100, Seq(201), 0), "a page of it");
    assert_eq!(world.numbers(LOBBY, Stretch::Before(Seq(201))), (101..=200).collect::<Vec<_>>(), "and the others");
}

#[test]
fn a_file_that_came_with_a_message_is_remembered_with_it_until_it_is_taken_back() {
    let folder = folder();
    let (world, _) = World::mine(folder.path());
    let (file, hash) = (belfry_core::chat::FileId(12), belfry_core::chat::ContentHash([7; 32]));
    let attachment = Attachment { file, name: belfry_core::chat::FileName::new("plan.pdf").unwrap(), bytes: 9, hash };
    let with = |seq| Message { attachment: Some(Box::new(attachment.clone())), ..message(LOBBY, seq, "look") };
    world.write(vec![
        me(),
        MemoryChange::Message(with(1)),
        MemoryChange::Message(with(2)),
        MemoryChange::Standing(standing(LOBBY, "lobby")),
    ]);
    let gone = Alteration::deleted(1, UnixMillis(9));
    let taken_back = Message { altered: Some(gone), text: Text::deleted(), ..message(LOBBY, 2, "look") };
    world.write(vec![MemoryChange::Altered(taken_back)]);
    drop(world);
    let memory = World::mine(folder.path()).1.unwrap();
    let files: Vec<_> = memory.conversations[0].messages.iter().map(|message| message.attachment.as_deref().cloned()).collect();
    assert_eq!(files, [Some(attachment), None]);
}

#[test]
fn a_page_ends_where_something_is_missing() {
    let folder = folder();
    let (world, _) = World::mine(folder.path());
    world.write(messages(LOBBY, (1..=10).chain(20..=30).chain(32..=40)));
    for (stretch, expected) in [
        (Stretch::Newest, 32..41),
        (Stretch::Before(Seq(35)), 32..35),
        (Stretch::Before(Seq(31)), 20..31),
        (Stretch::Before(Seq(20)), 0..0),
        (Stretch::Before(Seq(25)), 20..25),
        (Stretch::Before(Seq(11)), 1..11),
        (Stretch::Before(Seq(1)), 0..0),
        (Stretch::After(Seq(5)), 6..11),
        (Stretch::After(Seq(10)), 0..0),
        (Stretch::After(Seq(19)), 20..31),
        (Stretch::After(Seq(40)), 0..0),
    ] {
        assert_eq!(world.numbers(LOBBY, stretch), expected.collect::<Vec<_>>(), "{stretch:?}");
    }
    assert_eq!(world.numbers(9, Stretch::Newest), [0; 0]);
}

#[test]
fn what_is_edited_or_taken_back_does_not_stay_on_the_disk() {
    let folder = folder();
    let (world, _) = World::mine(folder.path());
    let mut news = messages(LOBBY, 1..=50);
    news.push(MemoryChange::Message(message(LOBBY, 51, "the code is 4711")));
    world.write(news);
    world.settle();
    assert!(lies_there(folder.path(), "the code is 4711"));
    world.write(vec![MemoryChange::Altered(altered(message(LOBBY, 51, "x"), 1, "no code here"))]);
    world.settle();
    assert!(!lies_there(folder.path(), "the code is 4711") && lies_there(folder.path(), "no code here"));
    assert_eq!(world.look_up(LOBBY, Stretch::After(Seq(50)))[0].text.as_str(), "no code here");
}

#[test]
fn an_older_page_does_not_undo_an_alteration_and_what_is_not_there_is_not_altered_into_being() {
    let folder = folder();
    let (world, _) = World::mine(folder.path());
    world.write(vec![MemoryChange::Message(message(LOBBY, 1, "old"))]);
    world.write(vec![
        MemoryChange::Altered(altered(message(LOBBY, 1, "x"), 4, "new")),
        MemoryChange::Altered(altered(message(LOBBY, 9, "x"), 5, "other")),
    ]);
    world
        .write(vec![MemoryChange::Message(message(LOBBY, 1, "old")), MemoryChange::Altered(altered(message(LOBBY, 1, "x"), 3, "between"))]);
    let held = world.look_up(LOBBY, Stretch::Newest);
    assert_eq!((held.len(), held[0].text.as_str(), held[0].altered.unwrap().number), (1, "new", 4));
}

#[test]
fn a_conversation_that_was_left_and_what_the_server_keeps_no_longer_go_from_the_disk() {
    let folder = folder();
    let (world, _) = World::mine(folder.path());
    world.write(vec![
        me(),
        MemoryChange::Message(message(2, 1, "said in the attic")),
        MemoryChange::Standing(standing(2, "attic")),
        MemoryChange::Message(message(LOBBY, 1, "said long ago")),
        MemoryChange::Message(message(LOBBY, 2, "said today")),
    ]);
    world.write(vec![MemoryChange::Forget(ConversationId(2)), MemoryChange::BeginsWith(ConversationId(LOBBY), Seq(2))]);
    world.settle();
    assert!(!lies_there(folder.path(), "said in the attic") && !lies_there(folder.path(), "said long ago"));
    assert_eq!(world.numbers(LOBBY, Stretch::Newest), [2]);
    drop(world);
    assert_eq!(World::mine(folder.path()).1.unwrap().conversations, []);
}

#[test]
fn nobody_sees_what_another_account_or_server_has_said() {
    let folder = folder();
    let mut world = World::open(folder.path());
    let owners = [owner("lan-host:7411", "me", Some("a")), owner("lan-host:7411", "you", Some("a")), owner("other:7411", "me", Some("b"))];
    for each in &owners {
        assert_eq!(world.cache.turn_to(each), None);
        let text = format!("{} at {}", each.account, each.server);
        world.write(vec![MemoryChange::Me(each.account.clone(), Role::Member), MemoryChange::Message(message(LOBBY, 1, &text))]);
        world.write(vec![MemoryChange::Standing(standing(LOBBY, "lobby"))]);
    }
    for each in &owners {
        // However it is spelled.
        let spelled =
            CacheOwner { server: each.server.to_uppercase(), account: name(&each.account.as_str().to_uppercase()), ..each.clone() };
        let memory = world.cache.turn_to(&spelled).unwrap();
        assert_eq!(memory.account, each.account);
        let [lobby] = &memory.conversations[..] else { panic!("{memory:?}") };
        assert_eq!(lobby.messages[0].text.as_str(), format!("{} at {}", each.account, each.server));
    }
}

#[test]
fn a_server_with_another_identity_is_another_server() {
    let folder = folder();
    let mut world = World::open(folder.path());
    assert_eq!(world.cache.turn_to(&owner("lan-host:7411", "me", None)), None);
    world.cache.prove("first".to_owned());
    world.write(vec![me(), MemoryChange::Message(message(LOBBY, 1, "of the first"))]);
    assert!(world.cache.turn_to(&owner("lan-host:7411", "me", Some("first"))).is_some());
    assert_eq!(world.cache.turn_to(&owner("lan-host:7411", "me", Some("second"))), None);
    assert!(!lies_there(folder.path(), "of the first"));
}

#[test]
fn what_was_heard_in_another_timeline_of_the_server_goes() {
    let folder = folder();
    let (world, _) = World::mine(folder.path());
    let anna = Person { account: name("anna"), presence: Presence::Online, last_seen: None, profile: PersonProfile::default() };
    let first = MemoryChange::Timeline(Timeline::FIRST);
    let heard = [MemoryChange::Message(message(LOBBY, 1, "before the restore")), MemoryChange::Standing(standing(LOBBY, "lobby"))];
    world.write([vec![me(), first.clone(), MemoryChange::People(vec![anna.clone()])], heard.to_vec()].concat());
    world.write(vec![first]);
    assert_eq!(world.numbers(LOBBY, Stretch::Newest), [1], "the same as before");
    world.write(vec![MemoryChange::Timeline(Timeline(77)), MemoryChange::Message(message(LOBBY, 7, "after it"))]);
    assert_eq!(world.numbers(LOBBY, Stretch::Newest), [7]);
    assert!(!lies_there(folder.path(), "before the restore"));
    drop(world);
    let memory = World::mine(folder.path()).1.unwrap();
    assert_eq!((memory.timeline, memory.conversations, memory.people), (Some(Timeline(77)), vec![], vec![anna]));
}

#[test]
fn who_may_not_sign_in_any_more_leaves_nothing_behind_and_others_keep_theirs() {
    let folder = folder();
    let mut world = World::open(folder.path());
    let (mine, theirs) = (owner("lan-host:7411", "me", Some("k")), owner("lan-host:7411", "you", Some("k")));
    for (each, text) in [(&mine, "my words"), (&theirs, "their words")] {
        world.cache.turn_to(each);
        world.write(vec![MemoryChange::Me(each.account.clone(), Role::Member), MemoryChange::Message(message(LOBBY, 1, text))]);
    }
    world.cache.turn_to(&mine);
    world.cache.forget();
    assert!(!lies_there(folder.path(), "my words") && lies_there(folder.path(), "their words"));
    // Whatever is still said until somebody signs in is nobody's.
    world.write(vec![MemoryChange::Message(message(LOBBY, 2, "said meanwhile"))]);
    assert!(!world.cache.look_up(Lookup { ticket: Ticket(1), conversation: ConversationId(LOBBY), stretch: Stretch::Newest }));
    assert!(world.cache.turn_to(&theirs).is_some());
    assert_eq!(world.numbers(LOBBY, Stretch::Newest), [1]);
}

/// A file with two thousand messages, closed.
fn filled(folder: &Path) -> Vec<u8> {
    let (world, _) = World::mine(folder);
    let mut news = vec![me(), MemoryChange::Standing(standing(LOBBY, "lobby"))];
    news.extend(messages(LOBBY, 1..=2000));
    world.write(news);
    drop(world);
    fs::read(folder.join(FILE)).unwrap()
}

#[test]
fn a_damaged_file_costs_what_it_held_and_nothing_else() {
    let folder = folder();
    let whole = filled(folder.path());
    assert!(World::mine(folder.path()).1.is_some());
    let mut damages: Vec<Vec<u8>> = vec![b"nothing like a database".repeat(200), whole[..whole.len() / 2].to_vec(), whole[..50].to_vec()];
    for begin in [0, 16, 60, 100, 4096, 8192, 20_000, 40_000, 60_000] {
        let mut damaged = whole.clone();
        damaged.iter_mut().skip(begin).take(3000).for_each(|byte| *byte ^= 0x5a);
        damages.push(damaged);
    }
    for (number, damaged) in damages.into_iter().enumerate() {
        fs::write(folder.path().join(FILE), damaged).unwrap();
        let (world, _) = World::mine(folder.path());
        // Whatever of it is found out only when it is read ends the cache for this run; the next one begins anew.
        for seq in (1..=2000).step_by(50) {
            world.look_up(LOBBY, Stretch::Before(Seq(seq)));
        }
        drop(world);
        let (world, _) = World::mine(folder.path());
        world.write(messages(2, 1..=3));
        assert_eq!(world.numbers(2, Stretch::Newest), [1, 2, 3], "damage {number}");
    }
}

#[test]
fn a_file_of_a_newer_program_is_begun_anew() {
    let folder = folder();
    filled(folder.path());
    let connection = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let (world, memory) = World::mine(folder.path());
    assert_eq!(memory, None);
    world.write(messages(LOBBY, 1..=3));
    assert_eq!(world.numbers(LOBBY, Stretch::Newest), [1, 2, 3]);
}

#[test]
fn a_file_that_another_computer_uses_is_left_to_it() {
    let folder = folder();
    let (first, _) = World::mine(folder.path());
    first.write(messages(LOBBY, 1..=3));
    first.settle();
    let (second, memory) = World::mine(folder.path());
    assert_eq!(memory, None);
    second.write(messages(LOBBY, 4..=6));
    assert!(!second.cache.look_up(Lookup { ticket: Ticket(1), conversation: ConversationId(LOBBY), stretch: Stretch::Newest }));
    drop(second);
    first.write(messages(LOBBY, 4..=4));
    assert_eq!(first.numbers(LOBBY, Stretch::Newest), [1, 2, 3, 4]);
}

#[test]
fn where_no_file_can_be_there_is_no_cache_and_no_failure() {
    let folder = folder();
    fs::create_dir(folder.path().join(FILE)).unwrap();
    let (world, memory) = World::mine(folder.path());
    assert_eq!(memory, None);
    world.write(messages(LOBBY, 1..=3));
    let (world, _) = World::mine(&folder.path().join("nowhere"));
    world.write(messages(LOBBY, 1..=3));
}

#[test]
fn what_was_written_is_there_also_after_the_program_was_killed() {
    let (folder, copy) = (folder(), self::folder());
    let (world, _) = World::mine(folder.path());
    let mut news = vec![me()];
    news.extend(messages(LOBBY, 1..=3));
    world.write(news);
    world.settle();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let (again, memory) = World::mine(copy.path());
    assert!(memory.is_some());
    assert_eq!(again.numbers(LOBBY, Stretch::Newest), [1, 2, 3]);
}

#[test]
fn the_oldest_of_the_longest_conversation_go_when_there_is_too_much() {
    let folder = folder();
    let mut world = World::with_limits(folder.path(), Limits { messages: 1000, ..trim::LIMITS });
    world.cache.turn_to(&owner("lan-host:7411", "me", Some("key")));
    world.write(messages(2, 1..=120));
    for part in 0..20 {
        world.write(messages(LOBBY, part * 100 + 1..=part * 100 + 100));
    }
    let held = |conversation| {
        let (mut all, mut before) = (0, Stretch::Newest);
        loop {
            let page = world.numbers(conversation, before);
            let Some(first) = page.first() else { return all };
            (all, before) = (all + page.len(), Stretch::Before(Seq(*first)));
        }
    };
    let (quiet, busy) = (held(2), held(LOBBY));
    assert_eq!(quiet, 120, "a quiet conversation keeps all of it");
    assert!((700..=1000 - quiet).contains(&busy), "{busy}");
    assert_eq!(world.numbers(LOBBY, Stretch::Newest).last(), Some(&2000));
}

#[test]
fn long_messages_are_bounded_by_what_they_take() {
    let folder = folder();
    let mut world = World::with_limits(folder.path(), Limits { messages: 100_000, bytes: 1024 * 1024 });
    world.cache.turn_to(&owner("lan-host:7411", "me", Some("key")));
    for seq in 1..=600 {
        world.write(vec![MemoryChange::Message(message(LOBBY, seq, &"long ".repeat(800)))]);
        world.settle();
    }
    let size = fs::metadata(folder.path().join(FILE)).unwrap().len();
    assert!(size < 3 * 1024 * 1024, "{size}");
    assert_eq!(world.numbers(LOBBY, Stretch::Newest).last(), Some(&600));
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    fs::write(folder.path().join(FILE), "").unwrap();
    fs::set_permissions(folder.path().join(FILE), fs::Permissions::from_mode(0o644)).unwrap();
    let (world, _) = World::mine(folder.path());
    world.write(messages(LOBBY, 1..=3));
    world.settle();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
}

#[test]
fn what_does_not_fit_the_queue_comes_back() {
    let folder = folder();
    let ((go_on, wait), (answers, answering)) = (mpsc::channel::<()>(), mpsc::channel());
    let wait = std::sync::Mutex::new(wait);
    let mut cache = Cache::open(folder.path(), move |found| {
        answers.send(found).unwrap_or_default();
        wait.lock().unwrap().recv().unwrap_or_default();
    });
    cache.turn_to(&owner("lan-host:7411", "me", Some("key")));
    // Dropped before the cache, which waits for its thread, whatever fails.
    let go_on = go_on;
    // Its thread waits with the answer to this.
    assert!(cache.look_up(Lookup { ticket: Ticket(1), conversation: ConversationId(LOBBY), stretch: Stretch::Newest }));
    answering.recv_timeout(Duration::from_secs(30)).unwrap();
    let refused = (1..=JOBS_MAX as u64 + 2).find_map(|seq| cache.write(messages(LOBBY, seq..=seq)).err().map(|news| (seq, news)));
    let (seq, news) = refused.expect("the queue has a bound");
    assert_eq!(news, messages(LOBBY, seq..=seq));
    assert!(!cache.look_up(Lookup { ticket: Ticket(2), conversation: ConversationId(LOBBY), stretch: Stretch::Newest }));
    drop(go_on);
    cache.close();
    let (world, _) = World::mine(folder.path());
    assert_eq!(world.numbers(LOBBY, Stretch::Newest), (1..seq).collect::<Vec<_>>());
}

#[test]
fn a_place_that_is_no_place_any_more_is_passed_over() {
    let folder = folder();
    filled(folder.path());
    let connection = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    connection.execute("UPDATE conversations SET place = '@'", []).unwrap();
    connection.execute("UPDATE messages SET author = '' WHERE seq = 1990", []).unwrap();
    drop(connection);
    let (world, memory) = World::mine(folder.path());
    assert_eq!(memory.unwrap().conversations, []);
    assert_eq!(world.numbers(LOBBY, Stretch::Newest), (1991..=2000).collect::<Vec<_>>(), "nor is a message that is none");
    assert_eq!(Place::lobby(), "lobby".parse().unwrap());
}

#[test]
fn what_is_quoted_is_edited_taken_back_and_kept_no_longer_in_the_quotes_as_well() {
    let folder = folder();
    let (world, _) = World::mine(folder.path());
    let reply =
        |seq, to: &Message| MemoryChange::Message(Message { reply_to: Some(Box::new(Quote::of(to))), ..message(LOBBY, seq, "yes") });
    let quoted = |seq: u64| world.look_up(LOBBY, Stretch::After(Seq(seq - 1)))[0].reply_to.as_deref().cloned().unwrap();
    let (code, old) = (message(LOBBY, 1, "the code is 4711"), message(LOBBY, 2, "said long ago"));
    world.write(vec![reply(7, &code), reply(8, &old)]);
    assert_eq!((quoted(7), quoted(8)), (Quote::of(&code), Quote::of(&old)), "also where what is quoted is not held");
    let altered = altered(code, 1, "no code here");
    world.write(vec![MemoryChange::Altered(altered.clone()), MemoryChange::BeginsWith(ConversationId(LOBBY), Seq(3))]);
    assert_eq!((quoted(7).quoted, quoted(8).quoted), (None, None));
    world.write(vec![reply(9, &message(LOBBY, 5, "the code is 4712")), reply(10, &message(LOBBY, 6, "x"))]);
    let altered = Message { seq: Seq(5), ..altered };
    world.write(vec![MemoryChange::Altered(altered.clone())]);
    assert_eq!((quoted(9), quoted(10).seq), (Quote::of(&altered), Seq(6)));
    world.settle();
    assert!(!lies_there(folder.path(), "the code is 47") && !lies_there(folder.path(), "said long ago"));
}

#[test]
fn when_notices_could_be_seen_is_remembered_and_goes_with_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let (mut world, _) = World::mine(folder.path());
    let mut model = crate::model::Model::new("lan-host");
    let now = belfry_core::time::Now { instant: belfry_core::time::Instant::START, wall: UnixMillis(5) };
    model.act(now, crate::model::Intent::Hindered(crate::model::Hindrance::Locked, true));
    let MemoryChange::Witness(witness) = model.last_witness(UnixMillis(9)) else { panic!("the witness") };
    world.write(vec![MemoryChange::Me(name("me"), Role::Member), MemoryChange::Witness(witness.clone())]);
    world.settle();
    world.cache.close();
    let (mut again, memory) = World::mine(folder.path());
    assert_eq!(memory.unwrap().witness, witness);
    again.cache.forget();
    drop(again);
    let (_, memory) = World::mine(folder.path());
    assert!(memory.is_none_or(|memory| memory.witness == crate::model::Witness::default()));
}
