//! What the store's tests lean on.

use belfry_core::chat::{
    AccountId, AccountName, Answer, Audience, ConversationId, ConversationInfo, DeviceId, Label, Message, MessagePage, Notice, NoticeDraft,
    PostId, Progress, Refusal, Role, RoomName, SearchText, Severity, Text,
};
use belfry_core::source::{Links, Source};
use belfry_core::time::UnixMillis;

use super::{
    AccountAdded, Job, JobTicket, MessageJob, NoticeSent, Outcome, Overview, Posted, ProvenBy, RoomJob, Store, StoredPlace, Target,
    Visitor, Work,
};

/// The lobby's conversation in a new database.
pub(super) const LOBBY: ConversationId = ConversationId(1);

/// The device that somebody uses unless it matters.
pub(super) const DEVICE: DeviceId = DeviceId([1; 32]);

/// Somebody signs in.
pub(super) fn arrive(account: AccountId, device: DeviceId, remember: bool) -> Work {
    let address = ([192, 0, 2, 9], 40_000).into();
    Work::SignIn { account, visitor: Visitor { device, address, source: home(9), remember, proven_by: ProvenBy::Password } }
}

/// A computer on this network, as limits count it.
pub(super) fn home(host: u8) -> Source {
    Links::default().source([192, 0, 2, host].into())
}

/// Runs a test with a database in memory and with one on disk.
pub(super) fn each_store(test: impl Fn(&mut Store)) {
    test(&mut Store::open_in_memory().unwrap());
    let folder = tempfile::tempdir().unwrap();
    test(&mut Store::open(&folder.path().join("belfry.db")).unwrap());
}

pub(super) fn job(ticket: u64, at: u64, work: Work) -> Job {
    Job { ticket: JobTicket(ticket), at: UnixMillis(at), work }
}

/// One job in a batch of its own.
pub(super) fn ask(store: &mut Store, at: u64, work: Work) -> Result<Outcome, Refusal> {
    let mut done = store.apply(vec![job(1, at, work)]);
    assert_eq!(done.len(), 1);
    done.remove(0).result
}

/// A name that is known to be good.
pub(super) fn named(typed: &str) -> AccountName {
    AccountName::new(typed).unwrap()
}

/// A member of that name.
pub(super) fn add(store: &mut Store, name: &str) -> AccountId {
    let work = Work::AddAccount { name: named(name), password_hash: "hash".into(), role: Role::Member };
    match ask(store, 0, work) {
        Ok(Outcome::AccountAdded(AccountAdded { account })) => account,
        other => panic!("{other:?}"),
    }
}

pub(super) fn post(account: AccountId, counter: u64, to: Target, text: &str) -> Work {
    Work::Post { account, post: PostId { outbox: 1, counter }, to, text: Text::new(text).unwrap(), reply_to: None }
}

pub(super) fn post_to(store: &mut Store, account: AccountId, counter: u64, to: Target) -> Result<Outcome, Refusal> {
    ask(store, 0, post(account, counter, to, "hello"))
}

/// `count` messages to the lobby in one batch.
pub(super) fn say(store: &mut Store, account: AccountId, count: u64) {
    let done = store.apply((1..=count).map(|n| job(n, 0, post(account, n, Target::Room(LOBBY), "hello"))).collect());
    assert!(done.iter().all(|done| done.result.is_ok()));
}

/// A room with one member.
pub(super) fn create(store: &mut Store, account: AccountId, name: &str) -> ConversationId {
    make_room(store, RoomJob::Create { account, name: RoomName::new(name).unwrap(), private: false })
}

/// The same, only for those who are invited.
pub(super) fn create_private(store: &mut Store, account: AccountId, name: &str) -> ConversationId {
    make_room(store, RoomJob::Create { account, name: RoomName::new(name).unwrap(), private: true })
}

fn make_room(store: &mut Store, job: RoomJob) -> ConversationId {
    match ask(store, 0, Work::Room(job)) {
        Ok(Outcome::Entered(info)) => info.id,
        other => panic!("{other:?}"),
    }
}

/// The direct conversation with somebody.
pub(super) fn direct(with: &str) -> Target {
    Target::Direct(named(with))
}

/// The newest messages of a place.
pub(super) fn newest(store: &mut Store, account: AccountId, of: Target) -> Result<Vec<Message>, Refusal> {
    match ask(store, 9, Work::FetchBefore { account, of, before: None, limit: 500 })? {
        Outcome::Read(Answer::Page(MessagePage { messages, .. })) => Ok(messages),
        other => panic!("{other:?}"),
    }
}

/// The numbers of the messages that say something, newest first.
pub(super) fn found(store: &mut Store, account: AccountId, text: &str) -> Vec<u64> {
    let text = SearchText::new(text).unwrap();
    match ask(store, 9, Work::Message(MessageJob::Search { account, text, within: None, before: None, limit: 50 })) {
        Ok(Outcome::Read(Answer::Found(found))) => found.hits.iter().map(|hit| hit.message.seq.0).collect(),
        other => panic!("{other:?}"),
    }
}

/// The message, its place, whether it was repeated and whether it began its conversation.
pub(super) fn posted(result: Result<Outcome, Refusal>) -> (Message, StoredPlace, bool, bool) {
    match result {
        Ok(Outcome::Posted(Posted { message, place, repeated, began })) => (message, place, repeated, began.is_some()),
        other => panic!("{other:?}"),
    }
}

/// A notice without an end and with one answer.
pub(super) fn notice_to(author: AccountId, counter: u64, audience: &[&str]) -> Work {
    let audience = audience.iter().map(|name| Audience::Account(named(name))).collect();
    let draft = NoticeDraft {
        post: PostId { outbox: 1, counter },
        answers: vec![Label::acknowledge()],
        ..NoticeDraft::new(Severity::Info, Text::new("The canteen is closed today.").unwrap(), audience)
    };
    Work::SendNotice { author, draft }
}

pub(super) fn sent(result: Result<Outcome, Refusal>) -> (Notice, Progress, bool) {
    match result {
        Ok(Outcome::NoticeSent(NoticeSent { sent, repeated })) => (sent.notice, sent.progress, repeated),
        other => panic!("{other:?}"),
    }
}

pub(super) fn overview(store: &mut Store, at: u64, account: AccountId) -> (Vec<ConversationInfo>, Vec<Notice>) {
    signed_in(ask(store, at, Work::Overview { account }))
}

pub(super) fn sign_in(store: &mut Store, at: u64, account: AccountId) -> (Vec<ConversationInfo>, Vec<Notice>) {
    signed_in(ask(store, at, arrive(account, DEVICE, false)))
}

fn signed_in(result: Result<Outcome, Refusal>) -> (Vec<ConversationInfo>, Vec<Notice>) {
    match result {
        Ok(Outcome::Overview(Overview { conversations, notices, .. })) => (conversations, notices),
        other => panic!("{other:?}"),
    }
}
