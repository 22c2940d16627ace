//! When the index is asked and when the newest messages are read, and what becomes of a search whose index is damaged.

use belfry_core::chat::{AccountId, Answer, Refusal, SearchText, Seq};

use super::super::fixture::{LOBBY, add, ask, create, direct, each_store, found, job, post};
use super::super::{MessageJob, Outcome, Store, Target, Work};
use super::{
    BARREN_MAX, CHUNK_MAX, Depth, LookedUp, RARE_FIRST, RARE_MAX, RECENT_FIRST, RECENT_MAX, Wanted, conversations, look_up, newest, recent,
};
use crate::store::page::Limit;

fn say(store: &mut Store, at: u64, account: AccountId, to: Target, text: &str) {
    ask(store, at, post(account, at, to, text)).unwrap();
}

/// So many messages that do not say what is looked for.
fn noise(store: &mut Store, account: AccountId, to: &Target, count: u32) {
    let noise = |n| job(n, 5000 + n, post(account, n + 1_000_000, to.clone(), "all is well"));
    assert!(store.apply((0..u64::from(count)).map(noise).collect()).iter().all(|done| done.result.is_ok()));
}

#[test]
fn what_stands_often_in_one_room_does_not_hide_what_was_said_later_in_another() {
    let mut store = Store::open_in_memory().unwrap();
    let anna = add(&mut store, "anna");
    let attic = create(&mut store, anna, "attic");
    for n in 0..RARE_FIRST as u64 + 10 {
        say(&mut store, 10 + n, anna, Target::Room(attic), "hello there");
    }
    say(&mut store, 5000, anna, Target::Room(LOBBY), "hello");
    let places = conversations::of(&store.connection, anna).unwrap();
    let (limit, from_end) = (Limit::new(2), Seq(u64::MAX));
    let looked_up = look_up(&store.connection, "hello", &places, from_end, limit, Depth::Index).unwrap();
    let LookedUp::Sources(sources) = looked_up else { panic!() };
    let found = newest(&store.connection, sources, limit).unwrap();
    assert_eq!(found.entries.iter().map(|hit| hit.message.conversation).collect::<Vec<_>>(), [LOBBY, attic]);
}

#[test]
fn a_conversation_that_goes_on_without_a_hit_is_not_read_to_its_end() {
    let mut store = Store::open_in_memory().unwrap();
    let anna = add(&mut store, "anna");
    let noisy = create(&mut store, anna, "noisy");
    for n in 1..=3 {
        say(&mut store, n, anna, Target::Room(LOBBY), "hello there");
        say(&mut store, 10 + n, anna, Target::Room(noisy), "hello there");
    }
    noise(&mut store, anna, &Target::Room(noisy), 4 * BARREN_MAX);
    let places = conversations::of(&store.connection, anna).unwrap();
    let read = |in_index| recent(&store.connection, "hello", &places, Seq(u64::MAX), Limit::new(9), 2 * BARREN_MAX, in_index).unwrap();
    assert!(!read(None).is_complete);
    let found = read(Some(&Wanted::new("hello")));
    assert_eq!((found.found.len(), found.is_complete), (6, true));
}

#[test]
fn the_index_is_not_asked_while_what_is_read_has_hits_often_enough() {
    let mut store = Store::open_in_memory().unwrap();
    let anna = add(&mut store, "anna");
    say(&mut store, 1, anna, Target::Room(LOBBY), "hello there");
    noise(&mut store, anna, &Target::Room(LOBBY), BARREN_MAX - CHUNK_MAX);
    let places = conversations::of(&store.connection, anna).unwrap();
    // What is no phrase would be a failure if the index were asked.
    let found = recent(
        &store.connection,
        "hello",
        &places,
        Seq(u64::MAX),
        Limit::new(9),
        RECENT_MAX,
        Some(&Wanted { text: "hello", phrase: "\"".to_owned() }),
    )
    .unwrap();
    assert_eq!((found.found.len(), found.is_complete), (1, true));
}

#[test]
fn an_index_that_is_damaged_is_a_failure_and_not_too_little_time() {
    let mut store = Store::open_in_memory().unwrap();
    let anna = add(&mut store, "anna");
    say(&mut store, 1, anna, Target::Room(LOBBY), "needle");
    noise(&mut store, anna, &Target::Room(LOBBY), RECENT_FIRST + 10);
    assert_eq!(found(&mut store, anna, "needle"), [1]);
    store.settle();
    store.connection.execute_batch("DELETE FROM search_data").unwrap();
    let text = SearchText::new("needle").unwrap();
    let search = MessageJob::Search { account: anna, text, within: None, before: None, limit: 9 };
    assert_eq!(ask(&mut store, 9, Work::Message(search)), Err(Refusal::StoreFailed));
}

#[test]
fn a_common_text_is_found_in_each_conversation() {
    each_store(|store| {
        let (anna, bob) = (add(store, "anna"), add(store, "bob"));
        super::super::fixture::say(store, anna, RARE_MAX as u64 + 10);
        say(store, 1, bob, direct("anna"), "hello there");
        let text = SearchText::new("hello").unwrap();
        let search = MessageJob::Search { account: bob, text, within: None, before: None, limit: 3 };
        let Ok(Outcome::Read(Answer::Found(found))) = ask(store, 9, Work::Message(search)) else { panic!() };
        assert_eq!(found.hits.iter().map(|hit| hit.place.to_string()).collect::<Vec<_>>(), ["@anna", "lobby", "lobby"]);
    });
}

#[test]
fn the_language_of_queries_is_only_text() {
    each_store(|store| {
        let anna = add(store, "anna");
        say(store, 1, anna, Target::Room(LOBBY), "say \"cheese\" AND smile");
        say(store, 2, anna, Target::Room(LOBBY), "a* OR b");
        for _ in 0..2 {
            assert_eq!(found(store, anna, "\"cheese\" AND"), [1]);
            assert_eq!(found(store, anna, "a* OR"), [2]);
            assert_eq!(found(store, anna, "NOT smile"), [0; 0]);
            store.settle();
        }
    });
}
