use std::time::Duration;

use belfry_core::chat::{
    Answer, ConversationId, ConversationInfo, ListVersions, MessagePage, NamedProfile, Notice, NoticeId, NoticeState, Page, Person,
    PersonProfile, Presence, Presentity, Refusal, Seq, Text,
};
use belfry_core::client::Interruption;
use belfry_core::time::{Instant, UnixMillis};

use super::notices::tests::notice;
use super::*;

const NOW: Now = Now { instant: Instant::START, wall: UnixMillis(1000) };

fn account(name: &str) -> AccountName {
    AccountName::new(name).unwrap()
}

fn text(typed: &str) -> Text {
    Text::new(typed).unwrap()
}

fn message(seq: u64, from: &str) -> Message {
    Message::new(ConversationId(1), Seq(seq), account(from), text("hi"), UnixMillis(seq))
}

fn said(place: Place, seq: u64, from: &str) -> Update {
    Update::Message { place, message: message(seq, from) }
}

fn bob() -> Place {
    Place::Direct(account("bob"))
}

/// A model whose person is signed in and caught up.
fn signed_in() -> Model {
    let mut model = Model::new("lan-host");
    model.apply(NOW, Update::SignedIn { account: account("me"), role: Role::Member });
    model.apply(NOW, Update::CaughtUp);
    model
}

/// The server's answer.
pub(crate) const fn answered(ticket: Ticket, answer: Answer) -> Update {
    Update::Answered { ticket, answer }
}

/// A page of messages, as the server gives one.
pub(crate) fn paged(ticket: Ticket, messages: Vec<Message>) -> Update {
    let last = messages.last().map_or(0, |last| last.seq.0);
    answered(ticket, Answer::Page(MessagePage { conversation: conversation(1, Place::lobby(), last), messages }))
}

/// What a model asks of the list of people, if it does.
fn asks_people(effects: &[Effect]) -> Option<(Ticket, Option<AccountName>)> {
    told(effects).into_iter().find_map(|command| match command {
        Command::Ask { ticket, request: Request::Who { after } } => Some((*ticket, after.clone())),
        _ => None,
    })
}

/// The server tells from now on who comes and goes.
fn watching(anew: bool) -> Update {
    Update::Watching { whom: vec![Presentity::Everyone], anew, here: vec![], lists: ListVersions::default() }
}

/// The window is shown, and the server lists these people.
pub(crate) fn lists_people(model: &mut Model, people: Vec<Person>) {
    model.act(NOW, Intent::Show(true));
    let (ask, _) = asks_people(&model.apply(NOW, watching(true))).expect("the list is asked for");
    model.apply(NOW, answered(ask, Answer::People(Page { entries: people, more: false })));
}

/// A conversation with so many messages of which none is read or altered.
pub(crate) const fn conversation(id: u64, place: Place, last: u64) -> ConversationInfo {
    ConversationInfo::new(ConversationId(id), place, Seq(last))
}

fn told(effects: &[Effect]) -> Vec<&Command> {
    effects.iter().filter_map(|effect| if let Effect::Tell(down) = effect { Some(down) } else { None }).collect()
}

fn popped_up(effects: &[Effect]) -> Vec<NoticeId> {
    effects.iter().filter_map(|effect| if let Effect::PopUpNotice(id) = effect { Some(*id) } else { None }).collect()
}

fn pops_up_a_message(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::PopUpMessage { .. }))
}

fn anna() -> Person {
    Person { account: account("anna"), presence: Presence::Online, last_seen: None, profile: PersonProfile::default() }
}

#[test]
fn who_is_here_is_asked_part_by_part_once_the_window_is_shown_and_not_before() {
    let mut model = Model::new("lan-host");
    let effects = model.apply(NOW, Update::SignedIn { account: account("me"), role: Role::Member });
    assert_eq!(told(&effects), [&Command::Watch(vec![])]);
    assert_eq!(told(&model.act(NOW, Intent::Show(true))), [&Command::Watch(vec![Presentity::Everyone, Presentity::Lists])]);
    let (ask, after) = asks_people(&model.apply(NOW, watching(true))).unwrap();
    assert_eq!(after, None);
    let effects = model.apply(NOW, answered(ask, Answer::People(Page { entries: vec![anna()], more: true })));
    assert_eq!(asks_people(&effects), Some((ask, Some(account("anna")))));
    let effects = model.apply(NOW, answered(ask, Answer::People(Page { entries: vec![], more: false })));
    assert_eq!(effects, [ScreenPart::People, ScreenPart::Conversations, ScreenPart::Rooms, ScreenPart::Desk].map(Effect::Redraw));
    assert_eq!(model.people().here(), 1);
    // Another connection, and the window is there still.
    let effects = model.apply(NOW, Update::SignedIn { account: account("me"), role: Role::Member });
    assert_eq!(told(&effects), [&Command::Watch(vec![Presentity::Everyone, Presentity::Lists])]);
}

#[test]
fn a_window_that_is_shown_again_reads_the_list_only_where_it_is_not_told_what_changed() {
    let mut model = signed_in();
    lists_people(&mut model, vec![anna()]);
    for (anew, asked) in [(false, false), (true, true)] {
        assert_eq!(told(&model.act(NOW, Intent::Show(false))), [&Command::Watch(vec![])]);
        model.act(NOW, Intent::Show(true));
        assert_eq!(asks_people(&model.apply(NOW, watching(anew))).is_some(), asked, "{anew}");
    }
    // It was hidden before the list had come, and the list never came.
    model.act(NOW, Intent::Show(false));
    assert_eq!(asks_people(&model.apply(NOW, watching(true))), None, "nobody looks");
    model.act(NOW, Intent::Show(true));
    assert!(asks_people(&model.apply(NOW, watching(false))).is_some());
}

#[test]
fn lists_that_change_are_told_of_as_long_as_a_window_shows_some() {
    let mut model = Model::new("lan-host");
    model.apply(NOW, Update::SignedIn { account: account("me"), role: Role::Admin });
    let watched = |effects: &[Effect]| {
        let watch =
            told(effects).into_iter().rev().find_map(|command| if let Command::Watch(whom) = command { Some(whom.clone()) } else { None });
        watch.expect("it says what it shows")
    };
    assert_eq!(watched(&model.act(NOW, Intent::OpenDesk)), [Presentity::Lists]);
    assert_eq!(watched(&model.act(NOW, Intent::Show(true))), [Presentity::Everyone, Presentity::Lists]);
    assert_eq!(watched(&model.act(NOW, Intent::Show(false))), [Presentity::Lists]);
    assert_eq!(watched(&model.act(NOW, Intent::CloseDesk)), []);
}

#[test]
fn only_the_list_that_has_changed_is_read_again_and_one_that_is_being_read_once_more() {
    let mut model = Model::new("lan-host");
    model.apply(NOW, Update::SignedIn { account: account("me"), role: Role::Member });
    lists_people(&mut model, vec![anna()]);
    let rooms = ListVersions { rooms: 1, ..ListVersions::default() };
    let effects = model.apply(NOW, Update::Lists(rooms));
    assert_eq!(asks_people(&effects), None);
    assert!(told(&effects).iter().any(|command| matches!(command, Command::Ask { request: Request::ListRooms { .. }, .. })));
    assert_eq!(told(&model.apply(NOW, Update::Lists(rooms))), Vec::<&Command>::new(), "it is as it was read");
    let (ask, _) = asks_people(&model.apply(NOW, Update::Lists(ListVersions { accounts: 1, ..rooms }))).unwrap();
    assert_eq!(asks_people(&model.apply(NOW, Update::Lists(ListVersions { accounts: 2, ..rooms }))), None);
    let effects = model.apply(NOW, answered(ask, Answer::People(Page { entries: vec![anna()], more: false })));
    assert!(asks_people(&effects).is_some());
}

#[test]
fn what_is_said_of_people_is_put_into_the_list_by_whoever_has_it_as_it_was_before_and_read_by_others() {
    let mut model = Model::new("lan-host");
    model.apply(NOW, Update::SignedIn { account: account("me"), role: Role::Member });
    lists_people(&mut model, vec![anna()]);
    let said = |since: u64, status: &str| {
        let profile = PersonProfile { status: status.parse().ok(), ..PersonProfile::default() };
        Update::Profiles { since, changes: vec![NamedProfile { account: account("ANNA"), profile }], upto: since + 1 }
    };
    let status = |model: &Model| model.people().find(&account("anna")).unwrap().profile.status.as_ref().map(ToString::to_string);
    assert_eq!(asks_people(&model.apply(NOW, said(0, "at lunch"))), None);
    assert_eq!(status(&model).as_deref(), Some("at lunch"));
    // Something between has not been heard of.
    let (ask, _) = asks_people(&model.apply(NOW, said(5, "back"))).unwrap();
    assert_eq!(asks_people(&model.apply(NOW, said(6, "busy"))), None, "it is being read");
    model.apply(NOW, answered(ask, Answer::People(Page { entries: vec![anna()], more: false })));
    assert_eq!(status(&model).as_deref(), Some("busy"), "a page may be older");
}

#[test]
fn the_desk_asks_who_there_is() {
    let mut model = Model::new("lan-host");
    model.apply(NOW, Update::SignedIn { account: account("me"), role: Role::Admin });
    let (ask, _) = asks_people(&model.act(NOW, Intent::OpenDesk)).unwrap();
    model.apply(NOW, answered(ask, Answer::People(Page { entries: vec![anna()], more: false })));
    assert!(asks_people(&model.act(NOW, Intent::OpenDesk)).is_some(), "as it is each time");
}

#[test]
fn the_lobby_comes_first_then_the_newest_conversation() {
    let mut model = signed_in();
    model.apply(NOW, said(Place::lobby(), 1, "anna"));
    model.apply(NOW, said(bob(), 5, "bob"));
    model.apply(NOW, said(Place::Direct(account("carl")), 9, "carl"));
    let places: Vec<_> = model.conversations().iter().map(|conversation| conversation.place().to_string()).collect();
    assert_eq!(places, ["lobby", "@carl", "@bob"]);
}

#[test]
fn one_person_spelled_in_two_ways_is_one_conversation() {
    let mut model = signed_in();
    model.apply(NOW, said(bob(), 1, "bob"));
    model.act(NOW, Intent::Open(Place::Direct(account("BOB"))));
    assert_eq!(model.conversations().len(), 2);
    assert_eq!(model.shown().unwrap().place(), &bob());
}

#[test]
fn what_is_looked_at_is_read_and_what_is_only_open_is_not() {
    let mut model = signed_in();
    model.act(NOW, Intent::Open(bob()));
    model.apply(NOW, said(bob(), 1, "bob"));
    assert_eq!(model.unread(), 1);
    model.act(NOW, Intent::Attend(true));
    assert_eq!(model.unread(), 0);
    model.apply(NOW, said(bob(), 2, "bob"));
    assert_eq!(model.unread(), 0);
}

#[test]
fn a_message_pops_up_unless_it_is_looked_at_or_nobody_may_disturb() {
    let mut model = signed_in();
    assert!(pops_up_a_message(&model.apply(NOW, said(bob(), 1, "bob"))));
    model.act(NOW, Intent::DoNotDisturb(true));
    assert!(!pops_up_a_message(&model.apply(NOW, said(bob(), 2, "bob"))));
    model.act(NOW, Intent::DoNotDisturb(false));
    model.act(NOW, Intent::Open(bob()));
    model.act(NOW, Intent::Attend(true));
    assert!(!pops_up_a_message(&model.apply(NOW, said(bob(), 3, "bob"))));
}

#[test]
fn what_was_missed_is_counted_and_does_not_pop_up() {
    let mut model = Model::new("lan-host");
    model.apply(NOW, Update::SignedIn { account: account("me"), role: Role::Member });
    let effects = model.apply(NOW, said(bob(), 1, "bob"));
    assert!(!pops_up_a_message(&effects));
    assert_eq!(model.unread(), 1);
}

#[test]
fn own_messages_from_another_device_do_not_pop_up() {
    let mut model = signed_in();
    assert!(!pops_up_a_message(&model.apply(NOW, said(bob(), 1, "me"))));
    assert_eq!(model.unread(), 0);
}

#[test]
fn a_message_written_without_a_connection_waits_and_is_stored_once() {
    let mut model = Model::new("lan-host");
    let effects = model.act(NOW, Intent::Say { to: bob(), text: text("hi"), reply_to: None });
    let [Command::PostAs { ticket: own, .. }] = told(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(model.waiting(), 1);
    model.apply(NOW, Update::SignedIn { account: account("me"), role: Role::Member });
    model.apply(NOW, said(bob(), 1, "me"));
    model.apply(NOW, Update::Posted { ticket: *own, conversation: ConversationId(1), seq: Seq(1) });
    let lines: Vec<_> = model.lines(&bob()).map(|line| (line.seq, line.delivery)).collect();
    assert_eq!((lines, model.waiting()), (vec![(Some(Seq(1)), Some(Delivery::Stored))], 0));
}

#[test]
fn a_refused_message_is_tried_again_under_a_new_number() {
    let mut model = signed_in();
    let effects = model.act(NOW, Intent::Say { to: bob(), text: text("hi"), reply_to: None });
    let [&Command::PostAs { ticket: own, .. }] = told(&effects)[..] else { panic!("{effects:?}") };
    model.apply(NOW, Update::Refused { ticket: own, refusal: Refusal::UnknownAccount });
    assert_eq!(model.lines(&bob()).next().unwrap().delivery, Some(Delivery::Failed(Refusal::UnknownAccount)));
    let effects = model.act(NOW, Intent::Retry(own));
    let [&Command::PostAs { ticket: again, .. }] = told(&effects)[..] else { panic!("{effects:?}") };
    assert_ne!(again, own);
    assert_eq!((model.lines(&bob()).count(), model.waiting()), (1, 1));
}

#[test]
fn a_discarded_message_is_gone() {
    let mut model = signed_in();
    let effects = model.act(NOW, Intent::Say { to: bob(), text: text("hi"), reply_to: None });
    let [&Command::PostAs { ticket: own, .. }] = told(&effects)[..] else { panic!("{effects:?}") };
    model.apply(NOW, Update::Refused { ticket: own, refusal: Refusal::Busy });
    model.act(NOW, Intent::Discard(own));
    assert_eq!(model.lines(&bob()).count(), 0);
    assert_eq!(model.act(NOW, Intent::Retry(own)), []);
}

#[test]
fn an_empty_conversation_fills_itself_when_it_is_opened() {
    let mut model = signed_in();
    let effects = model.act(NOW, Intent::Open(bob()));
    let [Command::Ask { ticket: ask, request: Request::FetchBefore { before: None, .. } }] = told(&effects)[..] else {
        panic!("{effects:?}")
    };
    model.apply(NOW, paged(*ask, vec![message(1, "bob"), message(2, "bob")]));
    assert_eq!((model.lines(&bob()).count(), model.unread()), (2, 0));
}

#[test]
fn a_conversation_opened_without_a_connection_fills_itself_after_signing_in() {
    let mut model = Model::new("lan-host");
    assert_eq!(told(&model.act(NOW, Intent::Open(bob()))).len(), 0);
    let effects = model.apply(NOW, Update::SignedIn { account: account("me"), role: Role::Member });
    assert!(told(&effects).iter().any(|down| matches!(down, Command::Ask { request: Request::FetchBefore { .. }, .. })));
}

/// Whatever is looked up on this computer is not there.
pub(super) fn nothing_remembered(model: &mut Model, effects: Vec<Effect>) -> Vec<Effect> {
    let looked_up = effects.into_iter().flat_map(|effect| match effect {
        Effect::LookUp(Lookup { ticket: ask, .. }) => model.looked_up(ask, Vec::new()),
        other => vec![other],
    });
    looked_up.collect()
}

#[test]
fn reading_back_asks_once_at_a_time() {
    let mut model = signed_in();
    model.apply(NOW, said(bob(), 5, "bob"));
    let effects = model.act(NOW, Intent::ReadBack(bob()));
    let effects = nothing_remembered(&mut model, effects);
    let [&Command::Ask { ticket: ask, request: Request::FetchBefore { before: Some(Seq(5)), .. } }] = told(&effects)[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(model.act(NOW, Intent::ReadBack(bob())), []);
    model.apply(NOW, Update::Lost { ticket: ask });
    let effects = model.act(NOW, Intent::ReadBack(bob()));
    assert_eq!(told(&nothing_remembered(&mut model, effects)).len(), 1);
}

#[test]
fn a_notice_pops_up_once_is_seen_once_and_ends_with_the_answer() {
    let mut model = signed_in();
    let important = notice(1, Severity::Important);
    assert_eq!(popped_up(&model.apply(NOW, Update::Notice(important.clone()))), [NoticeId(1)]);
    assert_eq!(model.summary(), Summary::NoticeWaiting(Severity::Important));
    assert_eq!(told(&model.act(NOW, Intent::Seen(NoticeId(1)))), [&Command::Receipt { notice: NoticeId(1), receipt: Receipt::Visible }]);
    assert_eq!(model.act(NOW, Intent::Seen(NoticeId(1))), []);
    assert_eq!(model.act(NOW, Intent::Seen(NoticeId(9))), [], "nobody has seen what was never there");
    let effects = model.act(NOW, Intent::Answer { notice: NoticeId(1), answer: 1 });
    assert_eq!(told(&effects), [&Command::Receipt { notice: NoticeId(1), receipt: Receipt::Answered(1) }]);
    assert!(effects.contains(&Effect::EndPopUp(NoticeId(1))));
    assert_eq!(model.apply(NOW, Update::Notice(important)), []);
    assert_eq!(model.summary(), Summary::Connected);
}

#[test]
fn an_info_notice_whose_popup_has_gone_is_still_answered_in_the_list() {
    let mut model = signed_in();
    model.apply(NOW, Update::Notice(notice(1, Severity::Info)));
    model.act(NOW, Intent::Dismiss(NoticeId(1)));
    assert_eq!((model.notices().open().len(), model.summary()), (0, Summary::Connected), "it waits no more");
    let moment = crate::scene::Moment { now: NOW.wall, wall: &crate::when::Wall::new(jiff::tz::TimeZone::UTC) };
    let offered = |model: &Model| crate::scene::past_notices(model, moment).remove(0).answers.len();
    assert_eq!(offered(&model), 2);
    let effects = model.act(NOW, Intent::Answer { notice: NoticeId(1), answer: 1 });
    assert_eq!(told(&effects), [&Command::Receipt { notice: NoticeId(1), receipt: Receipt::Answered(1) }]);
    assert_eq!(offered(&model), 0);
    // What was answered elsewhere meanwhile is not offered any more.
    model.apply(NOW, Update::Notice(notice(2, Severity::Info)));
    model.act(NOW, Intent::Dismiss(NoticeId(2)));
    let answered = Some(belfry_core::chat::GivenAnswer { answer: 0, at: belfry_core::time::UnixMillis(9) });
    let effects = model.apply(NOW, Update::Notice(Notice { answered, ..notice(2, Severity::Info) }));
    assert!(effects.contains(&Effect::Redraw(ScreenPart::Notices)));
    assert_eq!(offered(&model), 0);
}

#[test]
fn do_not_disturb_lets_only_critical_notices_through_and_the_others_come_afterwards() {
    let mut model = signed_in();
    model.act(NOW, Intent::DoNotDisturb(true));
    assert_eq!(popped_up(&model.apply(NOW, Update::Notice(notice(1, Severity::Important)))), []);
    assert_eq!(popped_up(&model.apply(NOW, Update::Notice(notice(2, Severity::Critical)))), [NoticeId(2)]);
    assert_eq!(popped_up(&model.act(NOW, Intent::DoNotDisturb(false))), [NoticeId(1)]);
}

#[test]
fn a_withdrawn_notice_ends_its_popup() {
    let mut model = signed_in();
    model.apply(NOW, Update::Notice(notice(1, Severity::Critical)));
    let effects = model.apply(NOW, Update::Notice(Notice { state: NoticeState::Withdrawn, ..notice(1, Severity::Critical) }));
    assert!(effects.contains(&Effect::EndPopUp(NoticeId(1))));
}

#[test]
fn a_lost_connection_is_said_until_signed_in_again() {
    let mut model = signed_in();
    model.apply(NOW, Update::Disconnected { why: Interruption::Unreachable, retry_in: Duration::from_secs(8) });
    let trouble = |model: &Model| model.connection().trouble(NOW.instant, |_| "10:02".into());
    assert_eq!(trouble(&model).unwrap(), "Server unreachable since 10:02. Trying again in 8 s.");
    assert_eq!((model.summary(), model.tooltip().as_str()), (Summary::Offline, "Belfry: no connection to lan-host"));
    model.apply(NOW, Update::SignedIn { account: account("me"), role: Role::Member });
    assert_eq!((trouble(&model), model.summary()), (None, Summary::Connected));
}

#[test]
fn quitting_waits_for_the_goodbye() {
    let mut model = signed_in();
    assert_eq!(model.act(NOW, Intent::Quit), [Effect::Tell(Command::Close)]);
    assert_eq!(model.apply(NOW, Update::Closed), [Effect::Exit]);
}

#[test]
fn what_comes_below_the_visible_part_is_read_when_it_comes_into_view() {
    let mut model = signed_in();
    model.act(NOW, Intent::Open(bob()));
    model.act(NOW, Intent::Attend(true));
    model.apply(NOW, said(bob(), 1, "bob"));
    assert_eq!(model.unread(), 0, "it is before the person's eyes");
    model.act(NOW, Intent::SeeEnd(false));
    let effects = model.apply(NOW, said(bob(), 2, "bob"));
    assert_eq!(model.unread(), 1);
    assert!(!told(&effects).iter().any(|command| matches!(command, Command::Ask { request: Request::MarkRead { .. }, .. })));
    // In front again, and still above it.
    model.act(NOW, Intent::Attend(false));
    model.act(NOW, Intent::Attend(true));
    assert_eq!(model.unread(), 1);
    let effects = model.act(NOW, Intent::SeeEnd(true));
    assert_eq!(model.unread(), 0);
    assert!(told(&effects).iter().any(|command| matches!(command, Command::Ask { request: Request::MarkRead { upto: Seq(2), .. }, .. })));
}

#[test]
fn whoever_looks_for_somebody_finds_accounts_that_were_made_since() {
    let mut model = signed_in();
    lists_people(&mut model, vec![anna()]);
    let carla = Person { account: account("carla"), ..anna() };
    for (intent, now) in [(Intent::ListRooms, vec![anna(), carla]), (Intent::OpenDesk, vec![anna()])] {
        let (ask, _) = asks_people(&model.act(NOW, intent)).expect("the list is read anew");
        model.apply(NOW, answered(ask, Answer::People(Page { entries: now.clone(), more: false })));
        assert_eq!(model.people().sorted().len(), now.len());
    }
}
