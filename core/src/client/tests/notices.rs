//! What a client tells of notices, and reports of them.

use super::*;
use crate::chat::{GivenAnswer, NoticeState, Receipt, Severity, Text};
use crate::limits::SPREAD_MAX;

pub(super) fn notice(id: u64) -> Notice {
    Notice::new(NoticeId(id), anna(), UnixMillis(0), Severity::Info, Text::new("x").unwrap())
}

fn answered(id: u64) -> Notice {
    Notice { answered: Some(GivenAnswer { answer: 0, at: UnixMillis(1) }), ..notice(id) }
}

#[test]
fn each_wording_of_a_notice_is_reported_once_and_each_of_its_states_told() {
    let mut wire = Wire::signed_in(config(false, false));
    let reached = |revision| Request::Receipt { notice: NoticeId(1), revision, receipt: Receipt::Reached };
    let reminded = Notice { reminder: 1, ..notice(1) };
    let reworded = Notice { revision: 2, ..notice(1) };
    for (told, reports, is_news) in [
        (notice(1), &[reached(1)][..], true),
        (notice(1), &[], false),
        (reminded, &[], true),
        (reworded.clone(), &[reached(2)], true),
        (answered(1), &[], true),
        (Notice { state: NoticeState::AllClear, ..reworded }, &[], true),
    ] {
        wire.tell(Channel::Notice, Event::Notice(told.clone()));
        assert_eq!(wire.all_asked(), reports, "{told:?}");
        assert_eq!(wire.news(), if is_news { [Update::Notice(told)].to_vec() } else { Vec::new() });
    }
}

#[test]
fn a_program_that_shows_nobody_anything_reports_nothing_as_reached() {
    let mut wire = Wire::signed_in(Config { shows_notices: false, ..config(false, false) });
    wire.tell(Channel::Notice, Event::Notice(notice(1)));
    wire.tell(Channel::Notice, Event::Notice(Notice { revision: 2, ..notice(1) }));
    assert_eq!(wire.all_asked(), []);
    assert_eq!(wire.news().len(), 2);
}

#[test]
fn what_many_are_told_at_once_they_report_over_the_time_that_the_server_gives_them() {
    let mut wire = Wire::signed_in(config(false, false));
    let told = wire.now;
    for id in 0..200 {
        let body = chat::encode(&FromServer::Event(Event::Notice(notice(id)))).unwrap();
        wire.client.on_message(told, Channel::Notice, &body, SPREAD_MAX);
    }
    let reports: Vec<_> = wire.client.receipts_due.iter().map(|(at, _)| at.since(told)).collect();
    assert_eq!(reports.len(), 200);
    assert!(reports[0] < SPREAD_MAX / 10 && SPREAD_MAX * 9 / 10 < reports[199] && reports[199] <= SPREAD_MAX);
    let half = reports.iter().filter(|after| **after <= SPREAD_MAX / 2).count();
    wire.run_for(SPREAD_MAX / 2);
    wire.client.handle_timeout(wire.now);
    assert_eq!(wire.client.receipts_due.len(), 200 - half);
    wire.run_for(SPREAD_MAX / 2);
    assert!(wire.client.receipts_due.is_empty());
    wire.run_for(SECOND);
    assert_eq!(wire.asked.len(), 200);
}

#[test]
fn what_a_screen_still_shows_and_the_server_does_not_name_any_more_is_asked_about() {
    let mut wire = Wire::signed_in(config(false, false));
    for id in 1..=3 {
        wire.tell(Channel::Notice, Event::Notice(notice(id)));
    }
    wire.tell(Channel::Notice, Event::Notice(answered(3)));
    wire.all_asked();
    wire.heard.clear();
    wire.tell(Channel::Notice, Event::OpenNotices([NoticeId(1)].to_vec()));
    let FromClient { id, request } = wire.next_asked().unwrap();
    assert_eq!(request, Request::FetchNotice { notice: NoticeId(2) });
    assert!(wire.asked.is_empty(), "neither the first, which is open, nor the third, which is answered");
    // What comes on another channel than that of notices is none.
    let over = Notice { state: NoticeState::Expired, ..notice(2) };
    wire.say(Channel::Control, &FromServer::Reply { id, result: Ok(Answer::Notice(over.clone())) });
    assert_eq!(wire.news(), []);
    wire.tell(Channel::Notice, Event::OpenNotices([NoticeId(1)].to_vec()));
    wire.answer(Ok(Answer::Notice(over.clone())));
    assert_eq!(wire.news(), [Update::Notice(over)]);
}
