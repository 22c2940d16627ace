//! What is read of one is read of this one alone: in the house with two of everything, each answer is compared with what is known of whom
//! or what was asked for. A statement without one of its conditions tells of the neighbour, too.

use belfry_core::chat::{
    AccountId, Answer, Audience, ConversationId, DeviceId, Keep, LedgerView, MessagePage, NoticeChange, NoticeId, Page, Receipt, Refusal,
    Reminding, RoomName, ScheduleId, Seq, Text,
};
use belfry_core::time::UnixMillis;

use super::crowd::{Crowd, LAPTOP};
use super::fixture::{DEVICE, add, arrive, ask, create, direct, home, named, notice_to, overview, post, sent};
use super::{
    Bite, Familiar, Keeper, KnownDevice, List, MessageJob, Occurrence, Outcome, Posted, ProvenBy, ReceiptNoted, RoomJob, Store,
    StoredLedger, Target, Visitor, Work,
};

impl Crowd {
    /// The conversations of somebody, each with what they have read of it and what is left.
    fn conversations(&mut self, account: AccountId) -> Vec<String> {
        let all = overview(&mut self.store, 300, account).0.into_iter();
        all.map(|info| format!("{} {}/{}, {} unread", info.place, info.read.0, info.last.0, info.unread)).collect()
    }

    /// The rooms that somebody may know of.
    fn rooms(&mut self, account: AccountId, after: Option<&str>) -> Vec<String> {
        let after = after.map(|typed| RoomName::new(typed).unwrap());
        match self.done(300, Work::List(List::Rooms { account, after })) {
            Outcome::Read(Answer::Rooms(Page { entries: rooms, .. })) => {
                rooms.iter().map(|room| format!("{} {:?} {}", room.name, room.standing, room.members)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    /// In which conversation the newest messages are that somebody is told, and by whom the first was written.
    fn newest(&mut self, account: AccountId, of: Target) -> (ConversationId, String) {
        match self.done(300, Work::FetchBefore { account, of, before: None, limit: 9 }) {
            Outcome::Read(Answer::Page(MessagePage { messages, .. })) => (messages[0].conversation, messages[0].from.to_string()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn everybody_has_the_conversations_that_they_are_in_and_has_read_what_they_have_read() {
    let mut crowd = Crowd::new();
    let Crowd { root, anna, bob, carol, loft, .. } = crowd;
    crowd.done(200, Work::Message(MessageJob::MarkRead { account: carol, of: direct("anna"), upto: Seq(1) }));
    crowd.done(201, Work::Message(MessageJob::Alter { account: bob, of: Target::Room(loft), seq: Seq(4), text: None }));
    let of_anna = ["lobby 0/0, 0 unread", "attic 3/4, 1 unread", "loft 3/4, 0 unread", "@bob 3/4, 1 unread", "@carol 2/2, 0 unread"];
    assert_eq!(crowd.conversations(anna), of_anna, "what was taken back in the loft is not unread there");
    let of_bob = ["lobby 0/0, 0 unread", "attic 4/4, 0 unread", "loft 4/4, 0 unread", "@anna 4/4, 0 unread", "@carol 2/2, 0 unread"];
    assert_eq!(crowd.conversations(bob), of_bob);
    let of_carol = ["lobby 0/0, 0 unread", "loft 0/4, 0 unread", "@anna 1/2, 1 unread", "@bob 0/2, 2 unread"];
    assert_eq!(crowd.conversations(carol), of_carol, "she came into the loft after all that was said there");
    assert_eq!(crowd.conversations(root), ["lobby 0/0, 0 unread"]);
}

#[test]
fn what_two_people_say_to_each_other_is_found_by_both_of_them() {
    let mut crowd = Crowd::new();
    let Crowd { anna, bob, carol, loft, .. } = crowd;
    let [with_bob, with_carol, others] = [1, 2, 3].map(|n| ConversationId(loft.0 + n));
    for (account, with, expected) in [
        (anna, "bob", (with_bob, "anna")),
        (bob, "anna", (with_bob, "anna")),
        (anna, "carol", (with_carol, "anna")),
        (carol, "anna", (with_carol, "anna")),
        (bob, "carol", (others, "bob")),
        (carol, "bob", (others, "bob")),
    ] {
        let (conversation, from) = crowd.newest(account, direct(with));
        assert_eq!((conversation, from.as_str()), expected);
    }
    let Outcome::Posted(Posted { message, .. }) = crowd.done(301, post(carol, 900, direct("bob"), "news")) else { panic!() };
    assert_eq!((message.conversation, message.from.as_str()), (others, "carol"));
}

#[test]
fn an_invitation_is_for_one_person_and_one_room() {
    let mut crowd = Crowd::new();
    let Crowd { anna, deputy, carol, attic, loft, .. } = crowd;
    crowd.done(200, Work::Room(RoomJob::Invite { by: anna, any: false, account: named("deputy"), room: loft }));
    for (account, room) in [(deputy, attic), (carol, attic)] {
        assert_eq!(ask(&mut crowd.store, 201, Work::Room(RoomJob::Join { account, room })), Err(Refusal::InvitationNeeded));
    }
    crowd.done(202, Work::Room(RoomJob::Join { account: deputy, room: loft }));
}

#[test]
fn a_device_is_in_the_ledger_of_one_notice_and_one_person_with_what_is_known_of_both() {
    let mut crowd = Crowd::new();
    let Crowd { anna, carol, .. } = crowd;
    let hers = DeviceId([12; 32]);
    crowd.done(200, Work::Queued { deliveries: vec![(NoticeId(1), anna, hers)] });
    let mut screens = |notice, account| match crowd
        .done(201, Work::Ledger { notice: NoticeId(notice), view: LedgerView::default(), after: None, limit: 9 })
    {
        Outcome::Ledger(StoredLedger { people: Page { entries, .. }, .. }) => {
            let entry = entries.into_iter().find(|entry| entry.account == account).unwrap();
            entry.screens.iter().map(|screen| (screen.entry.device.unwrap(), screen.entry.queued_at.map(|at| at.0))).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(screens(1, anna), [(DEVICE, Some(51)), (LAPTOP, Some(51)), (hers, Some(200))]);
    assert_eq!(screens(2, anna), [(DEVICE, Some(51)), (LAPTOP, Some(51)), (hers, None)]);
    // Nothing was sent to any of hers.
    assert_eq!(screens(1, carol), [(DEVICE, None), (LAPTOP, None), (DeviceId([14; 32]), None)]);
}

#[test]
fn a_list_of_rooms_has_those_that_one_may_know_of_as_they_are_to_oneself() {
    let mut crowd = Crowd::new();
    let Crowd { root, deputy, anna, carol, loft, .. } = crowd;
    let yard = create(&mut crowd.store, anna, "yard");
    assert_eq!(crowd.rooms(anna, None), ["attic Inside 2", "lobby Inside 5", "loft Inside 3", "yard Inside 1"]);
    assert_eq!(crowd.rooms(carol, None), ["lobby Inside 5", "loft Inside 3", "yard Outside 1"]);
    assert_eq!(crowd.rooms(root, None), ["attic Invited 2", "lobby Inside 5", "loft Invited 3", "yard Outside 1"]);
    assert_eq!(crowd.rooms(deputy, None), ["lobby Inside 5", "yard Outside 1"]);
    assert_eq!(crowd.rooms(anna, Some("attic")), ["lobby Inside 5", "loft Inside 3", "yard Inside 1"]);
    for room in [loft, yard] {
        crowd.done(201, Work::Room(RoomJob::Delete { by: Keeper { account: anna, any: false }, room }));
    }
    assert_eq!(crowd.rooms(anna, None), ["attic Inside 2", "lobby Inside 5"]);
}

#[test]
fn a_device_is_known_to_the_account_that_it_was_used_for() {
    let mut crowd = Crowd::new();
    let (of_anna, unknown) = (DeviceId([12; 32]), DeviceId([99; 32]));
    let address = ([192, 0, 2, 77], 40_000).into();
    let elsewhere = Visitor { device: LAPTOP, address, source: home(77), remember: false, proven_by: ProvenBy::Password };
    crowd.done(200, Work::SignIn { account: crowd.anna, visitor: elsewhere });
    for (name, device, host, expected) in [
        ("anna", of_anna, 1, (Familiar::Device, KnownDevice::Remembered)),
        ("bob", of_anna, 1, (Familiar::No, KnownDevice::No)),
        ("anna", unknown, 1, (Familiar::No, KnownDevice::No)),
        ("anna", unknown, 77, (Familiar::Address, KnownDevice::No)),
        ("bob", unknown, 77, (Familiar::No, KnownDevice::No)),
        ("bob", unknown, 9, (Familiar::Address, KnownDevice::No)),
    ] {
        let looked_up = crowd.done(201, Work::LookUp { name: named(name), device, source: home(host) });
        let Outcome::LookedUp(Some(login)) = looked_up else { panic!("{looked_up:?}") };
        assert_eq!((login.familiar, login.device), expected, "{name} on {device:?} at {host}");
    }
}

#[test]
fn whoever_sent_one_of_two_notices_hears_what_becomes_of_that_one() {
    let mut crowd = Crowd::new();
    let Crowd { root, deputy, bob, .. } = crowd;
    for (notice, author) in [(1, root), (2, deputy)] {
        let work = Work::Receipt { account: bob, device: DEVICE, notice: NoticeId(notice), revision: 1, receipt: Receipt::Reached };
        let Outcome::ReceiptNoted(ReceiptNoted { author: told, progress, .. }) = crowd.done(200, work) else { panic!() };
        assert_eq!((told, progress.reached), (author, 1));
    }
}

#[test]
fn each_notice_has_its_own_author_people_answers_and_reminders() {
    let mut crowd = Crowd::new();
    let Crowd { root, anna, bob, carol, .. } = crowd;
    let Work::SendNotice { mut draft, author } = notice_to(root, 900, &["carol"]) else { panic!() };
    draft.remind = Some(Reminding { every_ms: 100, limit: 3 });
    crowd.done(200, Work::SendNotice { author, draft });
    let receipt = Receipt::Answered(1);
    crowd.done(201, Work::Receipt { account: bob, device: DEVICE, notice: NoticeId(1), revision: 1, receipt });
    let Outcome::Read(Answer::Notices(Page { entries: notices, .. })) = crowd.done(202, Work::ListNotices { before: None, limit: 9 })
    else {
        panic!()
    };
    let authors: Vec<_> = notices.iter().map(|summary| (summary.notice.id.0, summary.notice.author.to_string())).collect();
    assert_eq!(authors, [(3, "root".to_owned()), (2, "deputy".to_owned()), (1, "root".to_owned())]);
    for (notice, author, people, remind_at) in [
        (1, "root", vec![(anna, None), (bob, Some(1)), (carol, None)], None),
        (2, "deputy", vec![(anna, None), (bob, None), (carol, None)], None),
        (3, "root", vec![(carol, None)], Some(UnixMillis(300))),
    ] {
        let Outcome::NoticeNow(now) = crowd.done(202, Work::ReadNotice { notice: NoticeId(notice) }) else { panic!() };
        let told: Vec<_> = now.people.iter().map(|(account, answer)| (*account, answer.as_ref().map(|given| given.answer))).collect();
        assert_eq!((now.notice.author.as_str(), told, now.remind_at), (author, people.clone(), remind_at));
        for account in [anna, bob, carol] {
            let expected = people.iter().find(|(one, _)| *one == account).map(|(_, answer)| *answer).ok_or(Refusal::UnknownNotice);
            let fetched = ask(&mut crowd.store, 203, Work::FetchNotice { account, notice: NoticeId(notice) });
            let answer = fetched.map(|outcome| match outcome {
                Outcome::Read(Answer::Notice(notice)) => notice.answered.map(|given| given.answer),
                other => panic!("{other:?}"),
            });
            assert_eq!(answer, expected, "{account:?} and notice {notice}");
        }
    }
}

#[test]
fn whoever_is_new_has_the_open_notices_to_everyone_whoever_signed_in_before() {
    let mut crowd = Crowd::new();
    let Crowd { root, deputy, .. } = crowd;
    for counter in 900..=904 {
        let Work::SendNotice { mut draft, author } = notice_to(root, counter, &[]) else { panic!() };
        draft.audience = vec![Audience::Everyone];
        draft.expires_after_ms = [(900, 10), (904, 1000)].into_iter().find(|(of, _)| *of == counter).map(|(_, length)| length);
        crowd.done(200, Work::SendNotice { author, draft });
    }
    crowd.done(201, Work::ChangeNotice { notice: NoticeId(4), change: NoticeChange::Withdraw });
    crowd.done(201, Work::ChangeNotice { notice: NoticeId(5), change: NoticeChange::AllClear { body: None } });
    let dora = add(&mut crowd.store, "dora");
    for account in [root, deputy, dora] {
        crowd.done(220, arrive(account, DEVICE, false));
    }
    let mut is_in = |notice| match ask(&mut crowd.store, 221, Work::FetchNotice { account: dora, notice: NoticeId(notice) }) {
        Ok(Outcome::Read(Answer::Notice(_))) => true,
        Err(Refusal::UnknownNotice) => false,
        other => panic!("{other:?}"),
    };
    assert_eq!([3, 4, 5].map(&mut is_in), [false; 3], "expired, withdrawn, all clear");
    assert_eq!([6, 7].map(&mut is_in), [true; 2], "without an end, and with one that is to come");
}

#[test]
fn each_scheduled_notice_is_its_authors_and_says_what_was_written_for_it() {
    let mut crowd = Crowd::new();
    let Crowd { root, deputy, schedules, .. } = crowd;
    let Work::SendNotice { mut draft, .. } = notice_to(deputy, 601, &["carol"]) else { panic!() };
    draft.body = Text::new("by another with the same number").unwrap();
    let mut scheduled = |author, outbox| {
        let mut draft = draft.clone();
        draft.post.outbox = outbox;
        match crowd.done(200, Work::AddSchedule { author, next_at: UnixMillis(700), draft }) {
            Outcome::Scheduled(stored) => (stored.id, stored.author_name.to_string()),
            other => panic!("{other:?}"),
        }
    };
    let first = schedules[0].0;
    let third = (ScheduleId(first + 2), "deputy".to_owned());
    assert_eq!((scheduled(deputy, 1), scheduled(deputy, 1)), (third.clone(), third), "once, however often it comes");
    let fourth = (ScheduleId(first + 3), "root".to_owned());
    assert_eq!((scheduled(root, 2), scheduled(root, 2)), (fourth.clone(), fourth));
    assert_eq!(scheduled(root, 1), (schedules[0], "root".to_owned()));
    let mut listed = |after| match crowd.done(201, Work::List(List::Schedules { after })) {
        Outcome::Schedules(Page { entries: schedules, .. }) => {
            schedules.iter().map(|(stored, _)| (stored.id.0 - first, stored.author_name.to_string())).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let all = [(0, "root".to_owned()), (1, "deputy".to_owned()), (2, "deputy".to_owned()), (3, "root".to_owned())];
    assert_eq!((listed(None), listed(Some(schedules[1]))), (all.to_vec(), all[2..].to_vec()));
    let occurrence = Occurrence { schedule: ScheduleId(first + 2), at: UnixMillis(700), next_at: None };
    let sent = sent(ask(&mut crowd.store, 700, Work::Occur(occurrence))).0;
    assert_eq!((sent.author.as_str(), sent.body.as_str()), ("deputy", "by another with the same number"));
}

#[test]
fn what_was_altered_in_one_room_is_told_of_that_room() {
    let mut crowd = Crowd::new();
    let Crowd { anna, bob, attic, loft, .. } = crowd;
    let text = Some(Text::new("better").unwrap());
    crowd.done(200, Work::Message(MessageJob::Alter { account: bob, of: Target::Room(loft), seq: Seq(2), text }));
    let mut altered = |conversation| match crowd
        .done(201, Work::Message(MessageJob::AlteredSince { account: anna, conversation, after: 0 }))
    {
        Outcome::Read(Answer::Altered { page, .. }) => page.entries.iter().map(|one| (one.seq.0, one.from.to_string())).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!((altered(attic), altered(loft)), (vec![(1, "anna".into())], vec![(1, "anna".into()), (2, "bob".into())]));
}

#[test]
fn a_message_is_in_the_index_as_it_stands_and_what_becomes_of_it_touches_no_other() {
    let mut store = Store::open_in_memory().unwrap();
    let anna = add(&mut store, "anna");
    let [attic, loft] = ["attic", "loft"].map(|name| create(&mut store, anna, name));
    for (counter, (room, typed)) in
        (1..).zip([attic, loft].into_iter().flat_map(|room| ["first light", "second wind", "third man"].map(|typed| (room, typed))))
    {
        ask(&mut store, 1, post(anna, counter, Target::Room(room), typed)).unwrap();
    }
    store.settle();
    let found = |store: &Store, word: &str| {
        let mut statement =
            store.connection.prepare("SELECT rowid >> 32, rowid & 255 FROM search WHERE search MATCH ?1 ORDER BY rowid").unwrap();
        let rows = statement.query_map([word], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<Result<Vec<(i64, i64)>, _>>().unwrap()
    };
    let [attics, lofts] = [attic, loft].map(|room| room.0 as i64);
    assert_eq!(found(&store, "first"), [(attics, 1), (lofts, 1)]);
    for (seq, typed) in [(1, Some("fourth wall")), (2, None)] {
        let text = typed.map(|typed| Text::new(typed).unwrap());
        ask(&mut store, 2, Work::Message(MessageJob::Alter { account: anna, of: Target::Room(attic), seq: Seq(seq), text })).unwrap();
    }
    let all = |store: &Store| ["first", "second", "third", "fourth", "deleted"].map(|word| found(store, word));
    let as_it_stands = [vec![(lofts, 1)], vec![(lofts, 2)], vec![(attics, 3), (lofts, 3)], vec![(attics, 1)], vec![]];
    assert_eq!(all(&store), as_it_stands);
    let change = Keep { age_ms: None, messages: Some(1) }.into();
    ask(&mut store, 3, Work::Room(RoomJob::Keep { room: attic, change })).unwrap();
    let tidy = Work::Tidy {
        messages_before: None,
        messages_kept: None,
        rooms_differ: true,
        notices_before: None,
        audit_before: None,
        bite: Bite::Messages(ConversationId(0)),
    };
    ask(&mut store, 4, tidy).unwrap();
    assert_eq!(all(&store), [vec![(lofts, 1)], vec![(lofts, 2)], vec![(attics, 3), (lofts, 3)], vec![], vec![]]);
}

#[test]
fn a_page_of_accounts_goes_on_after_the_name_that_is_known() {
    let mut crowd = Crowd::new();
    let mut listed = |after: Option<&str>| match crowd.done(200, Work::List(List::Accounts { after: after.map(named) })) {
        Outcome::Accounts(Page { entries: accounts, .. }) => {
            accounts.iter().map(|(_, account)| account.name.to_string()).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(listed(None), ["anna", "bob", "carol", "deputy", "root"]);
    assert_eq!(listed(Some("BOB")), ["carol", "deputy", "root"]);
}

#[test]
fn the_people_of_one_of_two_rooms_are_those_who_are_in_it() {
    let mut crowd = Crowd::new();
    let Crowd { anna, attic, loft, .. } = crowd;
    let mut listed = |room| match crowd.done(200, Work::List(List::Members { account: anna, room, after: None })) {
        Outcome::People(Page { entries: people, .. }) => people.iter().map(|person| person.name.to_string()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!((listed(attic), listed(loft)), (vec!["anna".into(), "bob".into()], vec!["anna".into(), "bob".into(), "carol".into()]));
}

#[test]
fn a_room_may_be_called_what_somebody_is_called() {
    let mut crowd = Crowd::new();
    let (root, name) = (crowd.root, RoomName::new("anna").unwrap());
    let Outcome::Entered(info) = crowd.done(200, Work::Room(RoomJob::Create { account: root, name, private: false })) else { panic!() };
    assert_eq!(info.place.to_string(), "anna");
}
