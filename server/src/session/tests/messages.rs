//! Messages: stored first, then answered, then told to everyone in one order.

use belfry_core::chat::{Answer, ConversationId, Event, FromServer, MessagePage, Place, PostId, Refusal, Request, RoomName, Seq, Text};
use belfry_core::endpoint::PeerId;
use belfry_core::wire::Channel;

use super::world::{World, name};
use crate::limits::REQUESTS_WAITING_PER_SESSION_MAX;

fn texts(world: &mut World, peer: PeerId) -> Vec<(u64, String)> {
    let text = |event| match event {
        Event::Message(message) => Some((message.seq.0, message.text.to_string())),
        _ => None,
    };
    world.events(peer).into_iter().filter_map(text).collect()
}

#[test]
fn a_message_is_answered_and_told_only_after_its_commit() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    world.heard(bob);
    world.slow_store = Some(Default::default());
    let post = world.post(Place::lobby(), "hello");
    let id = world.send(alice, post);
    assert_eq!(world.answer(alice, id), None);
    assert_eq!(texts(&mut world, bob), []);
    assert!(world.store_one());
    assert!(matches!(world.answer(alice, id), Some(Ok(Answer::Posted { seq: Seq(1), .. }))));
    assert_eq!(texts(&mut world, bob), [(1, "hello".into())]);
}

#[test]
fn everyone_online_gets_messages_in_the_order_of_their_commits() {
    let mut world = World::new();
    let people = ["alice", "bob", "carol"].map(|who| world.register(who));
    let _ = people.map(|peer| world.heard(peer));
    world.slow_store = Some(Default::default());
    for n in 0..30 {
        let post = world.post(Place::lobby(), &format!("line {n}"));
        world.send(people[n % 3], post);
    }
    while world.store_one() {}
    let expected: Vec<_> = (0..30).map(|n| (n + 1, format!("line {n}"))).collect();
    for peer in people {
        assert_eq!(texts(&mut world, peer), expected);
    }
}

#[test]
fn what_is_said_to_somebody_who_is_not_here_keeps_its_order_whoever_else_is_meant_in_between() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    world.register("carol");
    world.gone(bob);
    world.slow_store = Some(Default::default());
    let to = |typed| Place::Direct(name(typed));
    let said =
        [("bob", "one"), ("carol", "two"), ("BOB", "three"), ("nobody", "four"), ("nobody", "five"), ("Alice", "six"), ("bob", "seven")];
    let asked = said.map(|(typed, text)| {
        let post = world.post(to(typed), text);
        world.send(alice, post)
    });
    while world.store_one() {}
    world.slow_store = None;
    let answers = asked.map(|id| match world.answer(alice, id) {
        Some(Ok(Answer::Posted { seq, .. })) => Ok(seq.0),
        Some(Err(refusal)) => Err(refusal),
        other => panic!("{other:?}"),
    });
    let (unknown, own) = (Err(Refusal::UnknownAccount), Err(Refusal::DirectToSelf));
    assert_eq!(answers, [Ok(1), Ok(1), Ok(2), unknown, unknown, own, Ok(3)]);
    let bob = world.sign_in("bob");
    match world.ask(bob, Request::FetchBefore { place: to("ALICE"), before: None, limit: 9 }) {
        Ok(Answer::Page(MessagePage { messages, .. })) => {
            assert_eq!(messages.iter().map(|message| message.text.as_str()).collect::<Vec<_>>(), ["one", "three", "seven"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_author_hears_the_answer_before_the_message() {
    let mut world = World::new();
    let alice = world.register("alice");
    world.heard(alice);
    let post = world.post(Place::lobby(), "hello");
    world.send(alice, post);
    let heard = world.heard(alice);
    assert!(matches!(heard[0].message, FromServer::Reply { result: Ok(Answer::Posted { .. }), .. }), "{heard:?}");
    assert!(matches!(heard[1].message, FromServer::Event(Event::Message(_))), "{heard:?}");
}

#[test]
fn a_repeated_post_is_answered_the_same_and_told_once() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    let post = Request::Post {
        post: PostId { outbox: 9, counter: 1 },
        to: Place::lobby(),
        room: None,
        text: Text::new("once").unwrap(),
        reply_to: None,
    };
    let first = world.ask(alice, post.clone());
    assert!(first.is_ok());
    assert_eq!(world.ask(alice, post), first);
    assert_eq!(texts(&mut world, bob).len(), 1);
}

#[test]
fn a_direct_conversation_begins_for_both_under_the_others_name_and_for_nobody_else() {
    let mut world = World::new();
    let (alice, bob, carol) = (world.register("alice"), world.register("bob"), world.register("carol"));
    let _ = [alice, bob, carol].map(|peer| world.heard(peer));
    for text in ["psst", "again"] {
        let post = world.post(Place::Direct(name("bob")), text);
        world.ask(alice, post).unwrap();
    }
    for (peer, other) in [(alice, "bob"), (bob, "alice")] {
        let events = world.events(peer);
        match &events[..] {
            [Event::Conversation(info), Event::Message(first), Event::Message(second)] => {
                assert_eq!((info.id, info.place.clone()), (first.conversation, Place::Direct(name(other))));
                assert_eq!((first.seq, second.seq), (Seq(1), Seq(2)));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(world.events(carol), []);
}

#[test]
fn whoever_comes_later_reads_the_history() {
    let mut world = World::new();
    let alice = world.register("alice");
    let mut conversation = ConversationId(0);
    for n in 0..5 {
        let post = world.post(Place::lobby(), &format!("line {n}"));
        match world.ask(alice, post) {
            Ok(Answer::Posted { conversation: posted_to, .. }) => conversation = posted_to,
            other => panic!("{other:?}"),
        }
    }
    let bob = world.register("bob");
    match world.ask(bob, Request::FetchAfter { conversation, after: Seq(2), limit: 10 }) {
        Ok(Answer::Page(MessagePage { messages, .. })) => assert_eq!(messages.iter().map(|m| m.seq.0).collect::<Vec<_>>(), [3, 4, 5]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_direct_conversation_is_read_by_its_two_people_only() {
    let mut world = World::new();
    let (alice, _bob, carol) = (world.register("alice"), world.register("bob"), world.register("carol"));
    let post = world.post(Place::Direct(name("bob")), "psst");
    let Ok(Answer::Posted { conversation, .. }) = world.ask(alice, post) else { panic!("not posted") };
    let fetch = Request::FetchAfter { conversation, after: Seq(0), limit: 10 };
    assert_eq!(world.ask(carol, fetch), Err(Refusal::UnknownConversation));
}

#[test]
fn a_direct_conversation_that_has_not_begun_has_an_empty_history() {
    let mut world = World::new();
    let (alice, _bob) = (world.register("alice"), world.register("bob"));
    match world.ask(alice, Request::FetchBefore { place: Place::Direct(name("BOB")), before: None, limit: 10 }) {
        Ok(Answer::Page(page)) => assert_eq!(page.messages, []),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_to_nowhere_is_refused_with_the_reason() {
    let mut world = World::new();
    let alice = world.register("alice");
    for (place, refusal) in [
        (Place::Room(RoomName::new("attic").unwrap()), Refusal::UnknownRoom),
        (Place::Direct(name("nobody")), Refusal::UnknownAccount),
        (Place::Direct(name("Alice")), Refusal::DirectToSelf),
    ] {
        let post = world.post(place, "hello");
        assert_eq!(world.ask(alice, post), Err(refusal));
    }
}

#[test]
fn a_full_outbox_is_taken_and_what_goes_beyond_is_busy() {
    let mut world = World::new();
    let alice = world.register("alice");
    world.slow_store = Some(Default::default());
    for _ in 0..REQUESTS_WAITING_PER_SESSION_MAX {
        let post = world.post(Place::lobby(), "x");
        world.send(alice, post);
    }
    let post = world.post(Place::lobby(), "x");
    assert_eq!(world.ask(alice, post), Err(Refusal::Busy));
    assert!(world.store_one());
    let post = world.post(Place::lobby(), "x");
    let id = world.send(alice, post);
    assert_eq!(world.answer(alice, id), None, "there is room again");
}

#[test]
fn a_request_on_the_wrong_channel_is_refused() {
    let mut world = World::new();
    let alice = world.register("alice");
    let body = belfry_core::chat::encode(&belfry_core::chat::FromClient { id: 77, request: Request::Who { after: None } }).unwrap();
    world.sessions.handle_message(world.now, alice, belfry_core::wire::Channel::Control, &body, 0);
    world.settle();
    assert_eq!(world.answer(alice, 77), Some(Err(Refusal::BadRequest)));
}

#[test]
fn who_asked_for_what_no_channel_carries_is_told_so() {
    let mut world = World::new();
    let alice = world.register("alice");
    world.heard(alice);
    world.sessions.note_unsendable(alice, Channel::History, Some(77));
    world.settle();
    assert_eq!(world.answer(alice, 77), Some(Err(Refusal::TooMany)));
    world.sessions.note_unsendable(alice, Channel::Chat, None);
    world.settle();
    assert_eq!(world.heard(alice), [], "an event that cannot be sent is nobody's answer");
    assert_eq!(world.sessions.observed().unsendable, 2);
}
