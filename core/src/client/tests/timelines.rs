//! What a client makes of a server that has gone back to a backup.

use super::*;
use crate::chat::{CommonPast, ConversationId, Place, PostId, Receipt, Seq, Text};

const OTHER: Timeline = Timeline(77);

fn welcome(timeline: Timeline) -> Result<Answer, Refusal> {
    Ok(Answer::Welcome { account: anna(), role: Role::Member, now: UnixMillis(0), timeline })
}

fn reached() -> Request {
    Request::Reached { notices: [(NoticeId(1), 1)].to_vec() }
}

fn nothing_else() -> Event {
    Event::Conversations(Page::EMPTY)
}

/// A client that was told of the first notice, and whose server is gone.
fn told_of_a_notice() -> Wire {
    let mut wire = Wire::signed_in(config(false, false));
    wire.tell(Channel::Notice, Event::Notice(super::notices::notice(1)));
    wire.tell(Channel::Notice, Event::OpenNotices([NoticeId(1)].to_vec()));
    assert_eq!(wire.all_asked(), [reached()]);
    wire.heard.clear();
    wire.restart_server();
    wire
}

/// Until the client asks to sign in once more.
fn come_back(wire: &mut Wire) {
    wire.client.handle_command(wire.now, Command::Wake);
    wire.run_for(30 * SECOND);
    wire.heard.clear();
}

#[test]
fn a_notice_that_has_the_number_of_an_old_one_is_told_and_reported_and_none_is_called_withdrawn() {
    let mut wire = told_of_a_notice();
    come_back(&mut wire);
    wire.answer(welcome(OTHER));
    // The channels do not wait for each other, and until it is known what is the same, no number means anything.
    let another = Notice { body: Text::new("another").unwrap(), ..super::notices::notice(1) };
    wire.tell(Channel::Notice, Event::Notice(another.clone()));
    wire.tell(Channel::Notice, Event::OpenNotices([NoticeId(1)].to_vec()));
    wire.tell(Channel::Chat, nothing_else());
    assert_eq!(wire.news(), []);
    let asked = wire.answer(Ok(Answer::Shared(Page::EMPTY)));
    assert_eq!(asked, Request::FetchShared { timeline: Timeline::FIRST, after: None });
    let signed_in = Update::SignedIn { account: anna(), role: Role::Member };
    assert_eq!(wire.news(), [Update::Timeline(OTHER), signed_in, Update::Notice(another), Update::CaughtUp]);
    assert_eq!(wire.all_asked(), [reached()]);
}

#[test]
fn in_the_same_timeline_nothing_is_told_or_asked_twice() {
    let mut wire = told_of_a_notice();
    come_back(&mut wire);
    wire.answer(welcome(Timeline::FIRST));
    wire.tell(Channel::Notice, Event::Notice(super::notices::notice(1)));
    wire.tell(Channel::Notice, Event::OpenNotices([NoticeId(1)].to_vec()));
    assert_eq!(wire.news(), [Update::SignedIn { account: anna(), role: Role::Member }]);
    assert_eq!(wire.all_asked(), [reached()], "what the server had not noted when it ended, it learns now");
}

#[test]
fn what_was_to_be_done_to_a_number_is_not_done_to_another_thing_and_what_was_written_is_sent() {
    let mut wire = told_of_a_notice();
    let post = |counter, room, reply_to| Command::PostAs {
        ticket: Ticket(counter),
        post: PostId { outbox: 5, counter },
        to: Place::lobby(),
        room: Some(ConversationId(room)),
        text: Text::new("kept").unwrap(),
        reply_to,
    };
    let delete = Request::Delete { place: Place::lobby(), room: None, seq: Seq(7) };
    let answer = Command::Receipt { notice: NoticeId(1), receipt: Receipt::Answered(0) };
    let replies = [post(7, 1, Some(Seq(3))), post(8, 1, Some(Seq(4)))];
    for command in
        [post(1, 1, None), post(3, 2, None), Command::Ask { ticket: Ticket(2), request: delete }, answer].into_iter().chain(replies)
    {
        wire.client.handle_command(wire.now, command);
    }
    come_back(&mut wire);
    wire.answer(welcome(OTHER));
    let shared = CommonPast { conversation: ConversationId(1), seq: Seq(3), alteration: 0 };
    wire.answer(Ok(Answer::Shared(Page { entries: [shared].to_vec(), more: true })));
    let next = wire.answer(Ok(Answer::Shared(Page::EMPTY)));
    assert_eq!(next, Request::FetchShared { timeline: Timeline::FIRST, after: Some(ConversationId(1)) });
    let news = wire.news();
    assert!(news.contains(&Update::Lost { ticket: Ticket(2) }));
    assert!(
        news.contains(&Update::Refused { ticket: Ticket(3), refusal: Refusal::UnknownRoom }),
        "what has the room's number now is another"
    );
    let asked = wire.all_asked();
    let posts: Vec<_> = asked
        .iter()
        .map(|request| match request {
            Request::Post { post, reply_to, .. } => (post.counter, *reply_to),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(posts, [(1, None), (7, Some(Seq(3))), (8, None)], "what is replied to is the same message, or none");
}

#[test]
fn what_is_told_before_one_is_signed_in_is_kept_as_far_as_there_is_room_and_asked_for_beyond() {
    let mut wire = Wire::with(config(false, false));
    wire.run_for(SECOND);
    for id in 0..10_000 {
        let body = chat::encode(&FromServer::Event(Event::Notice(super::notices::notice(id)))).unwrap();
        wire.client.on_message(wire.now, Channel::Notice, &body);
    }
    wire.welcome();
    let told = wire.news().iter().filter(|update| matches!(update, Update::Notice(_))).count();
    assert!((1_000..10_000).contains(&told), "{told}");
    assert!(wire.all_asked().contains(&Request::Sync));
}
