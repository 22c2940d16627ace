//! What the owner asks, and what is asked for again.

use super::*;
use crate::chat::{
    ArrangementFlag, ConversationId, ConversationInfo, Label, Message, NoticeDraft, NoticeState, Place, PostId, Presence, PresenceChange,
    Receipt, RoomName, Seq, Severity, Template, TemplateName, Text,
};
use crate::limits::{ANSWERS_MAX, FETCH_RETRY, OUTBOX_MAX};

const HERE: ConversationId = ConversationId(7);

fn room(typed: &str) -> RoomName {
    RoomName::new(typed).unwrap()
}

fn text(typed: &str) -> Text {
    Text::new(typed).unwrap()
}

fn post(number: u64, to: Place) -> Command {
    Command::Post { ticket: Ticket(number), to, text: text("hello"), reply_to: None }
}

fn attic(last: u64) -> ConversationInfo {
    let place = Place::Room(room("attic"));
    ConversationInfo::new(HERE, place, Seq(last))
}

fn answers(count: usize) -> Vec<Label> {
    (0..count).map(|n| Label::new(alloc::format!("answer {n}")).unwrap()).collect()
}

fn draft(answers: Vec<Label>) -> NoticeDraft {
    NoticeDraft { answers, ..NoticeDraft::new(Severity::Info, text("x"), [chat::Audience::Everyone].to_vec()) }
}

#[test]
fn what_cannot_be_a_notice_or_a_template_is_refused_before_anybody_is_asked() {
    let template = |answers| Template {
        name: TemplateName::new("drill").unwrap(),
        severity: Severity::Info,
        title: None,
        body: text("x"),
        audience: Vec::new(),
        answers,
        expires_after_ms: None,
        remind: None,
    };
    let mut wire = Wire::signed_in(config(false, false));
    for (count, refused) in [(ANSWERS_MAX, false), (ANSWERS_MAX + 1, true)] {
        for command in [
            Command::SendNotice { ticket: Ticket(1), draft: draft(answers(count)) },
            Command::Ask { ticket: Ticket(1), request: Request::SaveTemplate(template(answers(count))) },
        ] {
            wire.command(command);
            assert_eq!(wire.all_asked().len(), usize::from(!refused));
            let news = [Update::Refused { ticket: Ticket(1), refusal: Refusal::TooManyAnswers }];
            assert_eq!(wire.news(), if refused { &news[..] } else { &[] });
        }
    }
}

#[test]
fn what_has_a_command_of_its_own_is_not_asked_by_another() {
    let (account, password) = (anna(), password_of_anna());
    let notice = NoticeId(1);
    for request in [
        Request::SignIn { account: account.clone(), password: password.clone(), remember: false },
        Request::Register { account: account.clone(), password, remember: false },
        Request::SignInByDevice { account },
        Request::Post { post: PostId { outbox: 1, counter: 1 }, to: Place::lobby(), room: None, text: text("x"), reply_to: None },
        Request::SendNotice(draft(Vec::new())),
        Request::Receipt { notice, revision: 1, receipt: Receipt::Visible },
        Request::Reached { notices: [(notice, 1)].to_vec() },
        Request::Sync,
        Request::Typing { place: Place::lobby() },
        Request::Away { away: true },
    ] {
        let mut wire = Wire::signed_in(config(false, false));
        wire.command(Command::Ask { ticket: Ticket(1), request });
        assert_eq!(wire.news(), [Update::Refused { ticket: Ticket(1), refusal: Refusal::BadRequest }]);
        assert_eq!(wire.all_asked(), []);
    }
}

#[test]
fn whatever_is_stored_once_has_a_number_of_its_own_from_one_outbox() {
    let mut wire = Wire::signed_in(config(false, false));
    for ticket in 0..3 {
        wire.command(post(ticket, Place::lobby()));
        wire.command(Command::SendNotice { ticket: Ticket(10 + ticket), draft: draft(Vec::new()) });
    }
    let number = |request| match request {
        Request::Post { post, .. } | Request::SendNotice(NoticeDraft { post, .. }) => post,
        other => panic!("{other:?}"),
    };
    let numbers: Vec<PostId> = wire.all_asked().into_iter().map(number).collect();
    assert_eq!(numbers.iter().map(|post| post.counter).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert!(numbers.iter().all(|post| post.outbox == numbers[0].outbox && post.outbox != 0), "{numbers:?}");
}

#[test]
fn so_much_waits_to_be_asked_and_no_more() {
    let mut client = Client::new(config(false, false), from_seed([1; 32]), Instant::START);
    for number in 0..OUTBOX_MAX as u64 {
        client.handle_command(Instant::START, post(number, Place::lobby()));
    }
    assert_eq!(client.updates, []);
    client.handle_command(Instant::START, post(1 << 40, Place::lobby()));
    assert_eq!(client.updates, [Update::Refused { ticket: Ticket(1 << 40), refusal: Refusal::Busy }]);
}

#[test]
fn a_page_that_cannot_be_had_just_now_is_asked_for_again_after_a_moment_and_one_that_is_not_ours_is_not() {
    let mut wire = Wire::with(Config {
        start: Start::After(Knowledge { timeline: None, marks: [(HERE, Mark::from(Seq(2)))].into() }),
        ..config(false, false)
    });
    wire.run_for(SECOND);
    wire.answer(Ok(Answer::Welcome { account: anna(), role: Role::Member, now: UnixMillis(0), timeline: Timeline::FIRST }));
    wire.tell(Channel::Chat, Event::Conversations(Page { entries: [attic(5)].to_vec(), more: false }));
    wire.heard.clear();
    for refusal in [Refusal::Busy, Refusal::StoreFailed] {
        let page = wire.answer(Err(refusal));
        assert!(matches!(page, Request::FetchAfter { conversation: HERE, after: Seq(2), .. }), "{page:?}");
        wire.run_for(FETCH_RETRY - 5 * MILLI);
        assert!(wire.asked.is_empty());
        wire.run_for(5 * MILLI);
        assert_eq!(wire.asked.len(), 1);
    }
    assert_eq!(wire.news(), []);
    wire.answer(Err(Refusal::UnknownConversation));
    assert_eq!(wire.news(), [Update::Left { place: Place::Room(room("attic")) }, Update::CaughtUp]);
    wire.run_for(2 * FETCH_RETRY);
    assert_eq!(wire.all_asked(), []);
}

#[test]
fn what_is_told_on_a_channel_where_it_does_not_belong_ends_the_connection() {
    let presence = || Event::Presence {
        version: 1,
        changes: [PresenceChange { account: anna(), presence: Presence::Away, at: UnixMillis(0) }].to_vec(),
    };
    let told = |channel, event: Event| {
        let mut wire = Wire::signed_in(config(false, false));
        wire.tell(channel, event);
        wire.news()
    };
    for event in [Event::OpenNotices(Vec::new()), Event::Notice(super::notices::notice(1))] {
        for channel in [Channel::Control, Channel::Chat, Channel::History] {
            let why = Interruption::ClosedByServer(CloseCode::PROTOCOL_VIOLATION.0);
            let news = told(channel, event.clone());
            assert!(matches!(news[..], [Update::Disconnected { why: told, .. }] if told == why), "{channel:?}: {news:?}");
        }
    }
    assert_eq!(told(Channel::Notice, Event::OpenNotices(Vec::new())), []);
    assert!(matches!(told(Channel::Notice, presence())[..], [Update::Disconnected { .. }]));
    assert!(matches!(told(Channel::Chat, presence())[..], [Update::Presence(_)]));
}

#[test]
fn what_the_server_gave_up_on_is_asked_for_again_once() {
    let mut wire = Wire::signed_in(config(false, false));
    let resync = |wire: &mut Wire, channel| wire.client.on_event(wire.now, connection::Event::Resync(channel));
    let list = |wire: &mut Wire, more| wire.tell(Channel::Chat, Event::Conversations(Page { entries: Vec::new(), more }));
    for channel in [Channel::Chat, Channel::Notice] {
        resync(&mut wire, channel);
        resync(&mut wire, channel);
        wire.client.settle(wire.now);
        assert_eq!(wire.answer(Ok(Answer::Done)), Request::Sync, "{channel:?}");
        assert_eq!(wire.all_asked(), [], "{channel:?}: once");
        list(&mut wire, true);
        resync(&mut wire, channel);
        wire.client.settle(wire.now);
        assert_eq!(wire.all_asked(), [], "the list is still on its way");
        list(&mut wire, false);
    }
    for channel in [Channel::Control, Channel::History] {
        resync(&mut wire, channel);
        wire.client.settle(wire.now);
        assert_eq!(wire.all_asked(), [], "{channel:?} tells nothing unasked");
    }
}

#[test]
fn a_question_whose_answer_was_given_up_on_is_asked_again_or_told_lost() {
    let mut wire = Wire::signed_in(config(false, false));
    let harmful = Request::CreateRoom { room: room("attic"), private: false };
    wire.command(Command::Ask { ticket: Ticket(1), request: Request::Status });
    wire.command(Command::Ask { ticket: Ticket(2), request: harmful.clone() });
    assert_eq!(wire.all_asked(), [Request::Status, harmful]);
    wire.client.on_event(wire.now, connection::Event::Resync(Channel::Control));
    wire.client.settle(wire.now);
    assert_eq!(wire.all_asked(), [Request::Status]);
    assert_eq!(wire.news(), [Update::Lost { ticket: Ticket(2) }]);
}

#[test]
fn what_comes_of_a_conversation_that_was_never_listed_asks_for_the_list() {
    let mut wire = Wire::signed_in(config(false, false));
    let message = Message::new(HERE, Seq(1), anna(), text("x"), UnixMillis(0));
    wire.tell(Channel::Chat, Event::Message(message.clone()));
    wire.tell(Channel::Chat, Event::Message(message));
    assert_eq!(wire.all_asked(), [Request::Sync]);
    assert_eq!(wire.news(), []);
}

#[test]
fn what_is_said_to_a_room_goes_there_whatever_it_is_called_when_it_is_sent() {
    let mut wire = Wire::signed_in(config(false, false));
    wire.tell(Channel::Chat, Event::Conversation(attic(0)));
    let (attic, loft) = (Place::Room(room("attic")), Place::Room(room("loft")));
    let about = |request| match request {
        Request::Post { to: place, room, .. }
        | Request::Edit { place, room, .. }
        | Request::Delete { place, room, .. }
        | Request::MarkRead { place, room, .. }
        | Request::Arrange { place, room, .. } => (place, room),
        other => panic!("{other:?}"),
    };
    wire.command(post(1, Place::Room(room("Attic"))));
    wire.command(post(2, Place::lobby()));
    for request in [
        Request::Edit { place: attic.clone(), room: None, seq: Seq(1), text: text("x") },
        Request::Delete { place: attic.clone(), room: None, seq: Seq(1) },
        Request::MarkRead { place: attic.clone(), room: None, upto: Seq(1) },
        Request::Arrange { place: attic.clone(), room: None, flag: ArrangementFlag::Muted, on: true },
    ] {
        wire.command(Command::Ask { ticket: Ticket(3), request });
    }
    let asked: Vec<_> = wire.all_asked().into_iter().map(|request| about(request).1).collect();
    assert_eq!(asked, [Some(HERE), None, Some(HERE), Some(HERE), Some(HERE), Some(HERE)], "the lobby was not listed");
    wire.heard.clear();
    wire.tell(Channel::Chat, Event::Renamed { conversation: HERE, room: room("loft") });
    assert_eq!(wire.news(), [Update::Renamed { from: attic.clone(), to: loft.clone() }]);
    wire.command(post(4, loft.clone()));
    wire.command(post(5, attic.clone()));
    let own = PostId { outbox: 7, counter: 1 };
    wire.command(Command::PostAs {
        ticket: Ticket(6),
        post: own,
        to: attic.clone(),
        room: Some(HERE),
        text: text("of an earlier run"),
        reply_to: None,
    });
    let asked: Vec<_> = wire.all_asked().into_iter().map(about).collect();
    assert_eq!(asked, [(loft, Some(HERE)), (attic.clone(), None), (attic, Some(HERE))]);
}

#[test]
fn a_notice_that_is_over_is_told_as_withdrawn_where_nobody_says_how_it_ended() {
    let mut wire = Wire::signed_in(config(false, false));
    let notice = super::notices::notice(1);
    wire.tell(Channel::Notice, Event::Notice(notice.clone()));
    wire.all_asked();
    wire.tell(Channel::Notice, Event::OpenNotices(Vec::new()));
    wire.heard.clear();
    assert_eq!(wire.answer(Err(Refusal::UnknownNotice)), Request::FetchNotice { notice: NoticeId(1) });
    assert_eq!(wire.news(), [Update::Notice(Notice { state: NoticeState::Withdrawn, ..notice })]);
}
