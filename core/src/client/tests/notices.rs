//! What a client tells of notices, and reports of them.

use super::*;
use crate::chat::{GivenAnswer, NoticeState, Receipt, Severity, Text};
use crate::limits::{FETCH_RETRY, REACHED_PER_REQUEST_MAX};

pub(super) fn notice(id: u64) -> Notice {
    Notice::new(NoticeId(id), anna(), UnixMillis(0), Severity::Info, Text::new("x").unwrap())
}

fn answered(id: u64) -> Notice {
    Notice { answered: Some(GivenAnswer { answer: 0, at: UnixMillis(1) }), ..notice(id) }
}

fn reached(notices: &[(u64, u32)]) -> Request {
    Request::Reached { notices: notices.iter().map(|&(id, revision)| (NoticeId(id), revision)).collect() }
}

/// A client whose acknowledgements count.
fn acknowledging(config: Config) -> Wire {
    let mut wire = Wire::signed_in(config);
    wire.tell(Channel::Notice, Event::OpenNotices(Vec::new()));
    assert_eq!(wire.answer(Ok(Answer::Done)), reached(&[]));
    wire
}

#[test]
fn each_state_of_a_notice_is_told_once_and_its_acknowledgement_is_its_receipt() {
    let mut wire = acknowledging(config(false, false));
    let reminded = Notice { reminder: 1, ..notice(1) };
    let reworded = Notice { revision: 2, ..notice(1) };
    for (told, is_news) in [
        (notice(1), true),
        (notice(1), false),
        (reminded, true),
        (reworded.clone(), true),
        (answered(1), true),
        (Notice { state: NoticeState::AllClear, ..reworded }, true),
    ] {
        wire.tell(Channel::Notice, Event::Notice(told.clone()));
        assert_eq!(wire.all_asked(), [], "{told:?}");
        assert_eq!(wire.news(), if is_news { [Update::Notice(told)].to_vec() } else { Vec::new() });
    }
}

#[test]
fn a_program_that_shows_nobody_anything_reports_nothing_as_reached() {
    let mut wire = Wire::signed_in(Config { shows_notices: false, ..config(false, false) });
    wire.tell(Channel::Notice, Event::Notice(notice(1)));
    wire.tell(Channel::Notice, Event::Notice(Notice { revision: 2, ..notice(1) }));
    wire.tell(Channel::Notice, Event::OpenNotices([NoticeId(1)].to_vec()));
    assert_eq!(wire.all_asked(), []);
    assert_eq!(wire.news().len(), 2);
}

#[test]
fn what_came_before_acknowledgements_count_is_reported_once_all_that_is_open_was_told() {
    let mut wire = Wire::signed_in(config(false, false));
    wire.tell(Channel::Notice, Event::Notice(notice(1)));
    wire.tell(Channel::Notice, Event::Notice(Notice { revision: 3, ..notice(2) }));
    assert_eq!(wire.all_asked(), []);
    wire.tell(Channel::Notice, Event::OpenNotices([NoticeId(1), NoticeId(2)].to_vec()));
    let FromClient { id, request } = wire.next_asked().unwrap();
    assert_eq!(request, reached(&[(1, 1), (2, 3)]));
    // Whether the server had the report when this was acknowledged, nobody knows.
    wire.tell(Channel::Notice, Event::Notice(notice(3)));
    assert_eq!(wire.all_asked(), []);
    wire.say(Channel::Chat, &FromServer::Reply { id, result: Ok(Answer::Done) });
    assert_eq!(wire.answer(Ok(Answer::Done)), reached(&[(3, 1)]));
    wire.tell(Channel::Notice, Event::Notice(notice(4)));
    wire.tell(Channel::Notice, Event::OpenNotices([NoticeId(1), NoticeId(2), NoticeId(3), NoticeId(4)].to_vec()));
    assert_eq!(wire.all_asked(), []);
}

#[test]
fn a_report_that_could_not_be_noted_is_made_again_with_all_that_has_come_since() {
    let mut wire = Wire::signed_in(config(false, false));
    wire.tell(Channel::Notice, Event::Notice(notice(1)));
    wire.tell(Channel::Notice, Event::OpenNotices([NoticeId(1)].to_vec()));
    assert_eq!(wire.answer(Err(Refusal::StoreFailed)), reached(&[(1, 1)]));
    wire.tell(Channel::Notice, Event::Notice(notice(2)));
    assert_eq!(wire.all_asked(), []);
    wire.run_for(FETCH_RETRY);
    assert_eq!(wire.answer(Ok(Answer::Done)), reached(&[(1, 1), (2, 1)]));
    assert_eq!(wire.all_asked(), []);
}

#[test]
fn a_report_of_many_is_made_in_parts() {
    let mut wire = Wire::signed_in(config(false, false));
    let ids = 1..=REACHED_PER_REQUEST_MAX as u64 + 1;
    for id in ids.clone() {
        wire.tell(Channel::Notice, Event::Notice(notice(id)));
    }
    wire.tell(Channel::Notice, Event::OpenNotices(ids.map(NoticeId).collect()));
    let Request::Reached { notices } = wire.answer(Ok(Answer::Done)) else { panic!() };
    assert_eq!(notices.len(), REACHED_PER_REQUEST_MAX);
    assert_eq!(wire.answer(Ok(Answer::Done)), reached(&[(REACHED_PER_REQUEST_MAX as u64 + 1, 1)]));
}

#[test]
fn what_a_screen_still_shows_and_the_server_does_not_name_any_more_is_asked_about() {
    let mut wire = Wire::signed_in(config(false, false));
    for id in 1..=3 {
        wire.tell(Channel::Notice, Event::Notice(notice(id)));
    }
    wire.tell(Channel::Notice, Event::Notice(answered(3)));
    wire.heard.clear();
    wire.tell(Channel::Notice, Event::OpenNotices([NoticeId(1)].to_vec()));
    let FromClient { id, request } = wire.next_asked().unwrap();
    assert_eq!(request, Request::FetchNotice { notice: NoticeId(2) });
    assert_eq!(wire.answer(Ok(Answer::Done)), reached(&[(1, 1), (2, 1), (3, 1)]), "also that it was here before the end");
    assert!(wire.asked.is_empty(), "neither the first, which is open, nor the third, which is answered");
    // What comes on another channel than that of notices is none.
    let over = Notice { state: NoticeState::Expired, ..notice(2) };
    wire.say(Channel::Control, &FromServer::Reply { id, result: Ok(Answer::Notice(over.clone())) });
    assert_eq!(wire.news(), []);
    wire.tell(Channel::Notice, Event::OpenNotices([NoticeId(1)].to_vec()));
    wire.answer(Ok(Answer::Notice(over.clone())));
    assert_eq!(wire.news(), [Update::Notice(over)]);
}

#[test]
fn a_receipt_that_could_not_be_noted_is_given_again_on_this_connection_or_the_next_and_one_that_is_refused_is_not() {
    let seen = Command::Receipt { notice: NoticeId(1), receipt: Receipt::Visible };
    let receipt = Request::Receipt { notice: NoticeId(1), revision: 1, receipt: Receipt::Visible };
    for refusal in [Refusal::Busy, Refusal::TooManyRequests, Refusal::StoreFailed, Refusal::DiskFull] {
        let mut wire = acknowledging(config(false, false));
        wire.tell(Channel::Notice, Event::Notice(notice(1)));
        wire.command(seen.clone());
        assert_eq!(wire.answer(Err(refusal)), receipt);
        assert_eq!(wire.all_asked(), [], "it is given time");
        wire.run_for(FETCH_RETRY);
        assert_eq!(wire.answer(Ok(Answer::Done)), receipt, "{refusal:?}");
        wire.run_for(FETCH_RETRY);
        assert_eq!(wire.all_asked(), [], "{refusal:?}");
    }
    let mut wire = acknowledging(config(false, false));
    wire.command(seen);
    wire.answer(Err(Refusal::UnknownNotice));
    wire.run_for(2 * FETCH_RETRY);
    assert_eq!(wire.all_asked(), []);
}
