use belfry_core::chat::ConversationId;

use super::*;
use crate::model::Stretch;

const ASK: Ticket = Ticket(1);

fn me() -> AccountName {
    AccountName::new("me").unwrap()
}

fn message(seq: u64, from: &str) -> Message {
    Message::new(ConversationId(1), Seq(seq), AccountName::new(from).unwrap(), text(&format!("message {seq}")), UnixMillis(seq))
}

fn text(typed: &str) -> Text {
    Text::new(typed).unwrap()
}

fn page(seqs: std::ops::RangeInclusive<u64>) -> Vec<Message> {
    seqs.map(|seq| message(seq, "anna")).collect()
}

fn shown(conversation: &Conversation) -> Vec<u64> {
    conversation.lines(Some(&me())).map(|line| line.seq.map_or(0, |seq| seq.0)).collect()
}

fn holding(seqs: std::ops::RangeInclusive<u64>) -> Conversation {
    let mut conversation = Conversation::new(Place::lobby());
    for message in page(seqs) {
        conversation.arrive(message, Some(&me()), false);
    }
    conversation
}

#[test]
fn a_message_that_comes_twice_is_shown_and_counted_once() {
    let mut conversation = holding(5..=6);
    conversation.arrive(message(6, "anna"), Some(&me()), false);
    assert_eq!((shown(&conversation), conversation.unread()), (vec![5, 6], 2));
}

#[test]
fn a_page_that_overlaps_is_merged_in_order() {
    let mut conversation = holding(5..=7);
    assert_eq!(conversation.ask_older(ASK), Some(Stretch::Before(Seq(5))));
    conversation.page(ASK, page(3..=6));
    assert_eq!(shown(&conversation), [3, 4, 5, 6, 7]);
    assert!(conversation.has_older());
}

#[test]
fn nothing_is_asked_for_while_an_answer_is_on_its_way_and_again_after_it_failed() {
    let mut conversation = holding(5..=5);
    conversation.ask_older(ASK);
    assert_eq!(conversation.ask_older(Ticket(2)), None);
    conversation.ask_failed(ASK);
    assert_eq!(conversation.ask_older(Ticket(3)), Some(Stretch::Before(Seq(5))));
}

#[test]
fn nothing_older_is_asked_for_once_the_first_message_is_held() {
    let mut conversation = holding(3..=3);
    conversation.ask_older(ASK);
    conversation.page(ASK, page(1..=2));
    assert!(!conversation.has_older());
    assert_eq!(conversation.ask_older(Ticket(2)), None);
}

#[test]
fn an_empty_page_says_that_there_is_nothing_older() {
    let mut conversation = Conversation::new(Place::lobby());
    assert_eq!(conversation.ask_older(ASK), Some(Stretch::Newest));
    conversation.page(ASK, vec![]);
    assert!(!conversation.has_older());
}

#[test]
fn history_read_for_the_first_time_is_not_unread() {
    let mut conversation = Conversation::new(Place::lobby());
    conversation.ask_older(ASK);
    conversation.page(ASK, page(1..=4));
    assert_eq!((conversation.unread(), conversation.read_until()), (0, None));
    conversation.arrive(message(5, "anna"), Some(&me()), false);
    assert_eq!(conversation.read_until(), Some(Seq(4)));
}

#[test]
fn an_answer_to_no_question_of_ours_is_left_out() {
    let mut conversation = holding(5..=5);
    conversation.page(Ticket(9), page(1..=4));
    assert_eq!(shown(&conversation), [5]);
}

#[test]
fn a_hole_is_never_shown() {
    let mut conversation = holding(1..=3);
    conversation.arrive(message(9, "anna"), Some(&me()), false);
    assert_eq!(shown(&conversation), [9]);
    assert!(conversation.has_older());
}

#[test]
fn a_long_conversation_lets_its_oldest_go_and_can_fetch_them_again() {
    let mut conversation = holding(1..=MESSAGES_MAX as u64 + 10);
    assert_eq!((conversation.lines(None).count(), shown(&conversation)[0]), (MESSAGES_MAX, 11));
    assert_eq!(conversation.ask_older(ASK), Some(Stretch::Before(Seq(11))));
}

#[test]
fn reading_far_back_lets_the_newest_go_and_new_ones_are_still_counted() {
    let newest = 100 + MESSAGES_MAX as u64;
    let mut conversation = holding(101..=newest);
    conversation.ask_older(ASK);
    conversation.page(ASK, page(51..=100));
    assert!(!conversation.is_at_end());
    conversation.arrive(message(newest + 1, "anna"), Some(&me()), true);
    assert_eq!(conversation.last().unwrap().seq, Seq(newest + 1));
    assert_eq!(*shown(&conversation).last().unwrap(), newest - 50);
    assert_eq!(conversation.unread(), MESSAGES_MAX as u64 + 1);
}

#[test]
fn returning_to_the_end_asks_for_the_newest_and_loses_nothing_that_comes_meanwhile() {
    let newest = 100 + MESSAGES_MAX as u64;
    let mut conversation = holding(101..=newest);
    conversation.ask_older(ASK);
    conversation.page(ASK, page(51..=100));
    assert!(conversation.return_to_end());
    assert_eq!(conversation.ask_older(Ticket(2)), Some(Stretch::Before(Seq(newest + 1))));
    conversation.arrive(message(newest + 1, "anna"), Some(&me()), true);
    conversation.page(Ticket(2), page(newest - 9..=newest));
    assert_eq!(shown(&conversation), (newest - 9..=newest + 1).collect::<Vec<_>>());
}

#[test]
fn an_own_message_waits_and_is_stored_in_place_whichever_news_comes_first() {
    for answer_first in [true, false] {
        let mut conversation = holding(1..=1);
        conversation.say(Ticket(7), text("message 2"), None, UnixMillis(9));
        assert_eq!(conversation.lines(Some(&me())).last().unwrap().delivery, Some(Delivery::Waiting));
        let stored = |conversation: &mut Conversation| conversation.stored(Ticket(7), Seq(2));
        if answer_first {
            stored(&mut conversation);
            assert_eq!(shown(&conversation), [1, 2]);
        }
        conversation.arrive(message(2, "me"), Some(&me()), false);
        assert_eq!(shown(&conversation), [1, 2], "shown once before the answer");
        if !answer_first {
            stored(&mut conversation);
        }
        assert_eq!(shown(&conversation), [1, 2]);
        assert_eq!((conversation.waiting(), conversation.unread()), (0, 0));
    }
}

#[test]
fn the_same_words_from_another_device_do_not_swallow_a_waiting_message() {
    let mut conversation = holding(1..=1);
    conversation.say(Ticket(7), text("message 2"), None, UnixMillis(9));
    conversation.arrive(message(2, "me"), Some(&me()), false);
    conversation.stored(Ticket(7), Seq(3));
    assert_eq!(shown(&conversation), [1, 2, 3]);
}

#[test]
fn two_equal_messages_are_two_even_when_their_answers_cross() {
    let mut conversation = holding(1..=1);
    conversation.say(Ticket(7), text("message 2"), None, UnixMillis(9));
    conversation.say(Ticket(8), text("message 2"), None, UnixMillis(9));
    conversation.arrive(message(2, "me"), Some(&me()), false);
    conversation.stored(Ticket(8), Seq(2));
    assert_eq!(conversation.waiting(), 1);
    assert_eq!(conversation.lines(Some(&me())).last().unwrap().own, Some(Ticket(7)));
}

#[test]
fn a_refused_message_says_so_and_can_be_taken_out_once() {
    let mut conversation = Conversation::new(Place::lobby());
    conversation.say(Ticket(7), text("hi"), None, UnixMillis(9));
    let taken = |conversation: &mut Conversation| conversation.take_failed(Ticket(7)).map(|own| (own.text, own.reply_to));
    assert_eq!(taken(&mut conversation), None, "not while it waits");
    conversation.refused(Ticket(7), Refusal::Busy);
    assert_eq!(conversation.lines(None).last().unwrap().delivery, Some(Delivery::Failed(Refusal::Busy)));
    assert_eq!(taken(&mut conversation), Some((text("hi"), None)));
    assert_eq!(taken(&mut conversation), None);
}

#[test]
fn writing_an_answer_counts_as_having_read() {
    let mut conversation = holding(1..=3);
    conversation.arrive(message(4, "me"), Some(&me()), false);
    assert_eq!(conversation.unread(), 0);
}
