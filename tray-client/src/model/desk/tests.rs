use belfry_core::chat::{AccountName, GroupName, LedgerEntry, LedgerPart, LedgerTally, NoticeState, Text};

use super::super::notices::tests::notice;
use super::*;

fn draft(severity: Severity) -> NoticeDraft {
    NoticeDraft::new(severity, Text::new("Leave.").unwrap(), vec![Audience::Everyone])
}

fn entry(name: &str) -> LedgerEntry {
    LedgerEntry {
        account: AccountName::new(name).unwrap(),
        display: None,
        department: None,
        reached_at: None,
        visible_at: None,
        answered: None,
        revision: 1,
        offline_since: None,
        online: true,
        gap: None,
        later: false,
        devices: vec![],
    }
}

fn summary() -> NoticeSummary {
    NoticeSummary { notice: notice(7, Severity::Critical), progress: Progress::default() }
}

fn page(names: &[&str], more: bool) -> LedgerPage {
    let entries = names.iter().map(|name| entry(name)).collect();
    LedgerPage { summary: summary(), tally: None, people: Page { entries, more } }
}

/// The number of what is asked.
#[track_caller]
fn asked(commands: &[Command], wanted: impl Fn(&Request) -> bool) -> Ticket {
    let found = commands.iter().find_map(|command| match command {
        Command::Ask { ticket, request } => wanted(request).then_some(*ticket),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("not asked: {commands:?}"))
}

/// The draft that is sent, and the number of that.
#[track_caller]
fn sent(commands: &[Command]) -> (Ticket, NoticeDraft) {
    let [Command::SendNotice { ticket, draft }] = commands else { panic!("not sent: {commands:?}") };
    (*ticket, draft.clone())
}

fn is_preview(request: &Request) -> bool {
    matches!(request, Request::PreviewNotice { .. })
}

fn is_ledger(request: &Request) -> bool {
    matches!(request, Request::NoticeStatus { after: None, .. })
}

fn watched_names(desk: &Desk) -> Vec<&str> {
    desk.watched().map_or(vec![], |watched| watched.people().iter().map(|entry| entry.account.as_str()).collect())
}

/// A desk that watches notice 7, whose ledger has anna.
fn watching() -> (Desk, Numbers) {
    let (mut desk, mut numbers) = (Desk::default(), Numbers::default());
    let asks: Vec<_> = desk.watch(NoticeId(7), &mut numbers).into_iter().collect();
    assert_eq!(desk.hear_ledger(asked(&asks, is_ledger), page(&["anna"], false), &mut numbers), (true, vec![]));
    (desk, numbers)
}

#[test]
fn a_stored_notice_is_watched_and_its_ledger_read_to_the_end() {
    let (mut desk, mut numbers) = (Desk::default(), Numbers::default());
    let (number, _) = sent(&desk.send(draft(Severity::Info), &mut numbers));
    assert_eq!(*desk.outcome(), DeskOutcome::Waiting);
    let (_, asks) = desk.hear_sent(number, NoticeId(7), &mut numbers);
    assert_eq!(*desk.outcome(), DeskOutcome::Sent(NoticeId(7)));
    let number = asked(&asks, is_ledger);
    let (_, more) = desk.hear_ledger(number, page(&["anna", "ben"], true), &mut numbers);
    let (after, view) = (AccountName::new("ben").ok(), LedgerView { order: LedgerOrder::Need, ..LedgerView::default() });
    assert_eq!(more, [Command::Ask { ticket: number, request: Request::NoticeStatus { notice: NoticeId(7), view, after } }]);
    assert_eq!(watched_names(&desk), [""; 0]);
    assert_eq!(desk.hear_ledger(number, page(&["carl"], false), &mut numbers), (true, vec![]));
    assert_eq!(watched_names(&desk), ["anna", "ben", "carl"]);
}

#[test]
fn a_critical_notice_to_everyone_goes_out_only_when_it_was_confirmed() {
    let (mut desk, mut numbers) = (Desk::default(), Numbers::default());
    let asks = desk.send(draft(Severity::Critical), &mut numbers);
    assert_eq!(*desk.outcome(), DeskOutcome::ToConfirm);
    asked(&asks, is_preview);
    assert_eq!(desk.confirm(false, &mut numbers), []);
    assert_eq!(*desk.outcome(), DeskOutcome::Idle);
    desk.send(draft(Severity::Critical), &mut numbers);
    let asks = desk.confirm(true, &mut numbers);
    assert!(sent(&asks).1.confirmed);
    assert_eq!(desk.confirm(true, &mut numbers), []);
}

#[test]
fn a_notice_is_not_sent_twice_by_a_double_click() {
    let (mut desk, mut numbers) = (Desk::default(), Numbers::default());
    desk.send(draft(Severity::Info), &mut numbers);
    assert_eq!(desk.send(draft(Severity::Info), &mut numbers), []);
}

#[test]
fn progress_while_the_ledger_is_read_reads_it_once_more() {
    let (mut desk, mut numbers) = watching();
    let (_, asks) = desk.progressed(NoticeId(7), Progress { reached: 1, ..Progress::default() }, &mut numbers);
    let number = asked(&asks, is_ledger);
    for answered in 1..5 {
        assert_eq!(desk.progressed(NoticeId(7), Progress { answered, ..Progress::default() }, &mut numbers), (true, vec![]));
    }
    let (_, asks) = desk.hear_ledger(number, page(&["anna"], false), &mut numbers);
    assert_eq!(desk.hear_ledger(asked(&asks, is_ledger), page(&["anna"], false), &mut numbers), (true, vec![]));
}

#[test]
fn the_progress_of_another_notice_changes_nothing() {
    let (mut desk, mut numbers) = watching();
    assert_eq!(desk.progressed(NoticeId(8), Progress::default(), &mut numbers), (false, vec![]));
}

#[test]
fn an_audience_that_is_still_being_chosen_is_asked_for_once_at_a_time() {
    let (mut desk, mut numbers) = (Desk::default(), Numbers::default());
    let name = |name: &str| Audience::Account(AccountName::new(name).unwrap());
    let first = asked(&desk.aim(vec![name("anna")], &mut numbers), is_preview);
    assert_eq!(desk.aim(vec![name("anna"), name("ben")], &mut numbers), []);
    assert_eq!(desk.aim(vec![Audience::Everyone], &mut numbers), []);
    let one = Preview { people: 1, ..Preview::default() };
    let (drawn, asks) = desk.hear_preview(first, one, &mut numbers);
    assert!(!drawn && desk.preview().is_none(), "the answer is about an audience that is not meant any more");
    let second = asked(&asks, |request| *request == Request::PreviewNotice { audience: vec![Audience::Everyone] });
    let all = Preview { people: 12, everyone: true, ..Preview::default() };
    assert_eq!(desk.hear_preview(second, all, &mut numbers), (true, vec![]));
    assert_eq!(desk.preview(), Some(&all));
    assert_eq!(desk.aim(vec![Audience::Everyone], &mut numbers), [], "known already");
}

#[test]
fn a_refused_notice_says_why_and_can_be_sent_again() {
    let (mut desk, mut numbers) = (Desk::default(), Numbers::default());
    let (number, _) = sent(&desk.send(draft(Severity::Info), &mut numbers));
    assert!(desk.failed(number, Some(Refusal::EmptyAudience)));
    assert_eq!(*desk.outcome(), DeskOutcome::Refused(Some(Refusal::EmptyAudience)));
    sent(&desk.send(draft(Severity::Info), &mut numbers));
}

#[test]
fn a_ledger_that_cannot_be_read_keeps_the_one_that_is_shown() {
    let (mut desk, mut numbers) = watching();
    let number = asked(&desk.progressed(NoticeId(7), Progress::default(), &mut numbers).1, is_ledger);
    assert!(desk.failed(number, None));
    assert_eq!(watched_names(&desk), ["anna"]);
    asked(&desk.progressed(NoticeId(7), Progress::default(), &mut numbers).1, is_ledger);
}

#[test]
fn a_withdrawn_notice_is_withdrawn_in_every_list() {
    let (mut desk, mut numbers) = watching();
    desk.open(&mut numbers);
    assert_eq!(desk.notices.begin(&mut numbers), None, "being read since it was opened");
    let change = NoticeChange::Withdraw;
    let number = asked(&desk.change(NoticeId(7), change, &mut numbers), |request| matches!(request, Request::ChangeNotice { .. }));
    let withdrawn = NoticeSummary { notice: belfry_core::chat::Notice { state: NoticeState::Withdrawn, ..summary().notice }, ..summary() };
    let (_, asks) = desk.hear_changed(number, withdrawn, &mut numbers);
    asked(&asks, is_ledger);
    assert_eq!(desk.watched().unwrap().summary().notice.state, NoticeState::Withdrawn);
    assert_eq!(*desk.outcome(), DeskOutcome::Changed(NoticeId(7)));
}

#[test]
fn looking_at_another_notice_shows_the_old_one_until_the_new_one_is_there() {
    let (mut desk, mut numbers) = watching();
    desk.watch(NoticeId(8), &mut numbers).unwrap();
    assert_eq!(watched_names(&desk), ["anna"]);
}

#[test]
fn a_notice_that_another_administrator_sends_comes_onto_the_list() {
    let (mut desk, mut numbers) = watching();
    let asks = desk.open(&mut numbers);
    let ask = asked(&asks, |request| matches!(request, Request::ListNotices { before: None, text: None }));
    desk.hear_notices(ask, Page { entries: vec![summary()], more: false }, &mut numbers);
    let (_, asks) = desk.progressed(NoticeId(8), Progress::default(), &mut numbers);
    asked(&asks, |request| matches!(request, Request::ListNotices { before: None, text: None }));
    let (_, asks) = desk.progressed(NoticeId(3), Progress::default(), &mut numbers);
    assert_eq!(asks, [], "an older one has left the list");
}

#[test]
fn after_a_break_groups_templates_and_plans_are_read_as_well_as_notices() {
    let (mut desk, mut numbers) = (Desk::default(), Numbers::default());
    let first = desk.open(&mut numbers);
    for command in first {
        let Command::Ask { ticket, .. } = command else { panic!("{command:?}") };
        desk.failed(ticket, None);
    }
    let asks = desk.reopen(&mut numbers);
    let is = |wanted: fn(&Request) -> bool| asked(&asks, wanted);
    is(|request| matches!(request, Request::ListGroups { .. }));
    is(|request| matches!(request, Request::ListTemplates { .. }));
    is(|request| matches!(request, Request::ListSchedules { .. }));
    is(|request| matches!(request, Request::ListNotices { .. }));
}

/// What is asked of the ledger.
#[track_caller]
fn asked_view(commands: &[Command]) -> (Ticket, NoticeId, LedgerView) {
    let [Command::Ask { ticket, request: Request::NoticeStatus { notice, view, after: None } }] = commands else { panic!("{commands:?}") };
    (*ticket, *notice, view.clone())
}

#[test]
fn a_part_of_the_ledger_is_the_servers_and_so_are_the_counts() {
    let (mut desk, mut numbers) = watching();
    let (ticket, notice, view) = asked_view(&desk.look(LedgerWish::Part(LedgerPart::Answer(1)), &mut numbers));
    assert_eq!((notice, view.part, view.order), (NoticeId(7), LedgerPart::Answer(1), LedgerOrder::Need));
    assert_eq!(
        (desk.ledger_view().part, desk.watched().unwrap().view().part),
        (LedgerPart::Answer(1), LedgerPart::Everybody),
        "on its way"
    );
    let tally = LedgerTally { people: 10_000, answers: vec![6, 2], ..LedgerTally::default() };
    desk.hear_ledger(ticket, LedgerPage { tally: Some(tally.clone()), ..page(&["ben"], false) }, &mut numbers);
    let watched = desk.watched().unwrap();
    assert_eq!((watched.tally(), watched.view().part), (&tally, LedgerPart::Answer(1)));
    assert_eq!(watched_names(&desk), ["ben"]);
    let (_, asks) = desk.progressed(NoticeId(7), Progress::default(), &mut numbers);
    assert_eq!(asked_view(&asks).2.part, LedgerPart::Answer(1), "what is read again is what is looked at");
}

#[test]
fn of_a_large_house_as_many_people_are_read_as_are_shown() {
    let (mut desk, mut numbers) = watching();
    let (ticket, ..) = asked_view(&desk.look(LedgerWish::Part(LedgerPart::Unanswered), &mut numbers));
    let mut pages = 0;
    loop {
        pages += 1;
        let names: Vec<_> = (0..150).map(|number| format!("person {pages} {number}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        if desk.hear_ledger(ticket, page(&names, true), &mut numbers).1.is_empty() {
            break;
        }
    }
    assert_eq!((pages, watched_names(&desk).len()), (2, 300));
}

#[test]
fn another_notice_is_looked_at_as_a_whole_and_the_same_one_as_before() {
    let (mut desk, mut numbers) = watching();
    let ward = || GroupName::new("Ward 4").ok();
    desk.look(LedgerWish::Part(LedgerPart::Visible), &mut numbers);
    assert_eq!(asked_view(&desk.look(LedgerWish::Group(ward()), &mut numbers)).2.part, LedgerPart::Visible);
    let again: Vec<_> = desk.watch(NoticeId(7), &mut numbers).into_iter().collect();
    assert_eq!((asked_view(&again).2.part, asked_view(&again).2.group), (LedgerPart::Visible, ward()));
    let other: Vec<_> = desk.watch(NoticeId(8), &mut numbers).into_iter().collect();
    assert_eq!((asked_view(&other).2.part, asked_view(&other).2.group), (LedgerPart::Everybody, None));
}

#[test]
fn a_group_that_is_gone_leaves_the_ledger_as_it_is_shown() {
    let (mut desk, mut numbers) = watching();
    let (ticket, ..) = asked_view(&desk.look(LedgerWish::Group(GroupName::new("gone").ok()), &mut numbers));
    assert!(desk.failed(ticket, Some(Refusal::UnknownGroup)));
    assert_eq!((desk.ledger_view().group.as_ref(), watched_names(&desk)), (None, vec!["anna"]));
}

#[test]
fn the_whole_ledger_is_written_by_name_whatever_part_of_it_is_shown() {
    let (mut desk, mut numbers) = watching();
    let (ticket, notice, view) = asked_view(&desk.look(LedgerWish::Write, &mut numbers));
    assert_eq!((notice, view), (NoticeId(7), LedgerView::default()));
    desk.hear_ledger(ticket, page(&["ben"], true), &mut numbers);
    assert!(matches!(desk.export(), LedgerExport::Reading(_)));
    desk.hear_ledger(ticket, page(&["carl"], false), &mut numbers);
    let LedgerExport::Whole(people) = desk.export() else { panic!("{:?}", desk.export()) };
    assert_eq!(people.iter().map(|entry| entry.account.as_str()).collect::<Vec<_>>(), ["ben", "carl"]);
    assert_eq!(watched_names(&desk), ["anna"]);
    desk.look(LedgerWish::Written, &mut numbers);
    let (ticket, ..) = asked_view(&desk.look(LedgerWish::Write, &mut numbers));
    assert!(desk.failed(ticket, None) && matches!(desk.export(), LedgerExport::Failed));
}

#[test]
fn sent_notices_are_looked_for_on_the_server_and_progress_lists_no_others() {
    let (mut desk, mut numbers) = watching();
    let asks = desk.open(&mut numbers);
    let all = asked(&asks, |request| *request == Request::ListNotices { before: None, text: None });
    let text = || SearchText::new("fire").ok();
    let asks = desk.search(text(), &mut numbers);
    assert_eq!(desk.search(text(), &mut numbers), [], "asked already");
    let found = asked(&asks, |request| *request == Request::ListNotices { before: None, text: text() });
    assert_eq!(desk.hear_notices(all, Page { entries: vec![summary()], more: false }, &mut numbers), (false, vec![]), "no longer wanted");
    desk.hear_notices(found, Page { entries: vec![summary()], more: false }, &mut numbers);
    assert_eq!(desk.notices().len(), 1);
    assert_eq!(desk.progressed(NoticeId(99), Progress::default(), &mut numbers), (false, vec![]));
    asked(&desk.search(None, &mut numbers), |request| *request == Request::ListNotices { before: None, text: None });
}
