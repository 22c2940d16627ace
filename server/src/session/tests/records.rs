//! The audit log, exports, and what is kept no longer.

use std::time::Duration;

use belfry_core::chat::{
    Answer, Audience, ConversationId, Keep, NoticeChange, NoticeDraft, NoticeId, Page, Place, PostId, Refusal, Request, Role, RoomName,
    ScheduleId, Seq, Severity, Template, Text,
};

use super::world::{World, name, password};
use crate::hub::{Rates, Registration, Retention, Rules};

fn audit(world: &mut World, peer: belfry_core::endpoint::PeerId) -> Vec<String> {
    match world.ask(peer, Request::ReadAudit { before: None }) {
        Ok(Answer::Audit(Page { entries, more: false })) => entries
            .into_iter()
            .map(|entry| format!("{} {} {} {}", entry.who, entry.act, entry.object, entry.detail).trim_end().to_owned())
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_administrators_do_is_noted_and_what_is_refused_is_not() {
    let (mut world, admin) = World::with_admin();
    let add = Request::AddUser { account: name("bob"), password: password("bob"), role: Role::Member };
    world.ask(admin, add.clone()).unwrap();
    assert_eq!(world.ask(admin, add), Err(Refusal::NameTaken));
    world.ask(admin, Request::SetPassword { account: name("bob"), password: password("new"), keep_sessions: false }).unwrap();
    world.ask(admin, Request::SetRole { account: name("Bob"), role: Role::Admin, confirmed: false }).unwrap();
    world.ask(admin, Request::SetDisabled { account: name("bob"), disabled: true, confirmed: false }).unwrap();
    world.ask(admin, Request::SetDisabled { account: name("bob"), disabled: false, confirmed: false }).unwrap();
    let draft = NoticeDraft {
        post: PostId { outbox: 9, counter: 1 },
        confirmed: true,
        ..NoticeDraft::new(Severity::Critical, Text::new("Leave now.").unwrap(), vec![Audience::Account(name("bob"))])
    };
    world.ask(admin, Request::SendNotice(draft)).unwrap();
    assert_eq!(
        world.ask(admin, Request::SetRole { account: name("nobody"), role: Role::Admin, confirmed: false }),
        Err(Refusal::UnknownAccount)
    );
    assert_eq!(
        audit(&mut world, admin),
        [
            "admin notice.send notice 1 critical to user:bob",
            "admin user.enable bob",
            "admin user.disable bob",
            "admin user.role Bob admin",
            "admin user.password bob",
            "admin user.add bob member",
        ]
    );
}

#[test]
fn what_people_do_with_what_is_their_own_is_not_noted() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    world.ask(alice, Request::SetPassword { account: name("alice"), password: password("new"), keep_sessions: false }).unwrap();
    world.ask(admin, Request::SetPassword { account: name("admin"), password: password("new"), keep_sessions: false }).unwrap();
    world.ask(alice, Request::Exportable { room: None, after: None }).unwrap();
    world.ask(admin, Request::Status).unwrap();
    assert_eq!(audit(&mut world, admin), [""; 0]);
}

#[test]
fn a_password_that_is_noted_is_the_one_that_was_asked_for() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    world.slow_store = Some(Default::default());
    // Its hash is made at once; what comes while it waits at the store is noted as itself.
    world.send(admin, Request::SetPassword { account: name("alice"), password: password("new"), keep_sessions: false });
    world.send(admin, Request::SetRole { account: name("alice"), role: Role::Admin, confirmed: false });
    while world.store_one() {}
    world.slow_store = None;
    assert_eq!(audit(&mut world, admin), ["admin user.role alice admin", "admin user.password alice"]);
}

#[test]
fn the_audit_log_is_for_administrators() {
    let mut world = World::new();
    let alice = world.register("alice");
    assert_eq!(world.ask(alice, Request::ReadAudit { before: None }), Err(Refusal::AdminOnly));
}

#[test]
fn an_administrator_reads_other_peoples_conversation_only_after_it_was_noted() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    world.register("bob");
    let post = world.post(Place::Direct(name("bob")), "between us");
    world.ask(alice, post).unwrap();
    let page = Request::ExportPage { conversation: ConversationId(2), after: Seq(0) };
    assert_eq!(world.ask(admin, page.clone()), Err(Refusal::UnknownConversation));
    let lobby = Some(RoomName::lobby());
    world.ask(admin, Request::Exportable { room: lobby, after: None }).unwrap();
    assert_eq!(world.ask(admin, page.clone()), Err(Refusal::UnknownConversation));
    world.ask(admin, Request::Exportable { room: None, after: Some(ConversationId(1)) }).unwrap();
    assert_eq!(world.ask(admin, page.clone()), Err(Refusal::UnknownConversation), "a later page is not noted");
    world.ask(admin, Request::Exportable { room: None, after: None }).unwrap();
    assert!(matches!(world.ask(admin, page), Ok(Answer::Exported(Page { entries: messages, more: false })) if messages.len() == 1));
    assert_eq!(audit(&mut world, admin), ["admin export everything", "admin export lobby"]);
}

#[test]
fn old_messages_are_taken_out_once_the_rules_say_so_and_again_every_hour() {
    let mut world = World::new();
    let alice = world.register("alice");
    let say = |world: &mut World, text| {
        let post = world.post(Place::lobby(), text);
        world.ask(alice, post).unwrap();
    };
    let kept = |world: &mut World| match world.ask(alice, Request::FetchAfter { conversation: ConversationId(1), after: Seq(0), limit: 99 })
    {
        Ok(Answer::Page(page)) => page.messages.iter().map(|message| message.text.as_str().to_owned()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    say(&mut world, "old");
    world.pass(Duration::from_secs(86_400));
    say(&mut world, "new");
    assert_eq!(kept(&mut world), ["old", "new"]);
    let retention = Retention { message_age: Some(Duration::from_secs(3600)), ..Retention::default() };
    world.sessions.set_rules(world.now, Rules { retention, ..Rules::with_registration(Registration::Open) });
    world.pass(Duration::from_secs(1));
    assert_eq!(kept(&mut world), ["new"]);
    world.pass(Duration::from_secs(2 * 3600));
    assert_eq!(kept(&mut world), [""; 0]);
    world.sessions.set_rules(world.now, Rules::with_registration(Registration::Closed));
    say(&mut world, "kept for ever");
    world.pass(Duration::from_secs(48 * 3600));
    assert_eq!(kept(&mut world), ["kept for ever"]);
}

#[test]
fn rules_that_come_while_a_bite_is_taken_begin_a_round_of_their_own() {
    let mut world = World::new();
    let alice = world.register("alice");
    let post = world.post(Place::lobby(), "old");
    world.ask(alice, post).unwrap();
    world.pass(Duration::from_secs(7200));
    let an_hour = Some(Duration::from_secs(3600));
    let rules = |retention| Rules { retention, ..Rules::with_registration(Registration::Open) };
    world.slow_store = Some(Default::default());
    world.sessions.set_rules(world.now, rules(Retention { audit_age: an_hour, ..Retention::default() }));
    world.pass(Duration::from_secs(1));
    assert!(world.waiting_work().is_some_and(|work| work.starts_with("Tidy")));
    world.sessions.set_rules(world.now, rules(Retention { message_age: an_hour, ..Retention::default() }));
    while world.store_one() {}
    world.slow_store = None;
    world.pass(Duration::from_secs(5));
    let page = world.ask(alice, Request::FetchAfter { conversation: ConversationId(1), after: Seq(0), limit: 9 });
    assert!(matches!(&page, Ok(Answer::Page(page)) if page.messages.is_empty()), "{page:?}");
}

#[test]
fn a_closed_room_goes_by_what_was_said_for_it_also_where_nothing_else_goes() {
    for restarts in [false, true] {
        let (mut world, admin) = World::with_admin();
        let attic = RoomName::new("attic").unwrap();
        world.ask(admin, Request::CreateRoom { room: attic.clone(), private: false }).unwrap();
        let post = world.post(Place::Room(attic.clone()), "old");
        world.ask(admin, post).unwrap();
        let change = Keep { age_ms: Some(86_400_000), messages: None }.into();
        world.ask(admin, Request::KeepRoom { room: attic.clone(), number: None, change, confirmed: true }).unwrap();
        world.ask(admin, Request::DeleteRoom { room: attic, confirmed: false }).unwrap();
        let mut admin = admin;
        if restarts {
            world.restart();
            admin = world.sign_in("admin");
            world.sessions.set_rules(world.now, Rules::with_registration(Registration::Open));
        }
        let left = |world: &mut World| {
            world.ask(admin, Request::Exportable { room: None, after: None }).unwrap();
            match world.ask(admin, Request::ExportPage { conversation: ConversationId(2), after: Seq(0) }) {
                Ok(Answer::Exported(page)) => page.entries.len(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(left(&mut world), 1);
        world.pass(Duration::from_secs(2 * 86_400));
        assert_eq!(left(&mut world), 0, "restarts: {restarts}");
    }
}

/// Ten messages that were said this long ago, one after the other, and who may read them.
fn said_ago(hours: [u64; 10]) -> (World, belfry_core::endpoint::PeerId) {
    let mut world = World::new();
    let alice = world.register("alice");
    let mut left = hours[0];
    for ago in hours {
        world.pass(Duration::from_secs(3600 * (left - ago)));
        left = ago;
        let post = world.post(Place::lobby(), "x");
        world.ask(alice, post).unwrap();
    }
    world.pass(Duration::from_secs(3600 * left));
    (world, alice)
}

#[test]
fn a_retention_that_is_read_again_holds_at_once_unless_it_would_delete_more_than_a_tenth() {
    let rates = Rates { rooms_per_person: 77, ..Rates::default() };
    let retention = Retention { message_age: Some(Duration::from_secs(24 * 3600)), ..Retention::default() };
    let rules = Rules { rates, retention, ..Rules::with_registration(Registration::Closed) };
    for (hours, left) in [([99, 9, 9, 9, 9, 9, 9, 9, 9, 9], 9), ([99, 99, 9, 9, 9, 9, 9, 9, 9, 9], 10)] {
        let (mut world, alice) = said_ago(hours);
        world.sessions.reload_rules(world.now, rules);
        world.settle();
        world.pass(Duration::from_secs(2));
        let page = world.ask(alice, Request::FetchAfter { conversation: ConversationId(1), after: Seq(0), limit: 99 });
        assert!(matches!(&page, Ok(Answer::Page(page)) if page.messages.len() == left), "{page:?}");
        let stranger = world.connect();
        let register = Request::Register { account: name("bob"), password: password("x"), remember: false };
        assert_eq!(world.ask(stranger, register), Err(Refusal::RegistrationClosed), "what else is new holds in any case");
    }
}

#[test]
fn what_is_to_be_kept_longer_needs_no_counting() {
    let mut world = World::new();
    world.slow_store = Some(Default::default());
    world.sessions.reload_rules(world.now, Rules::with_registration(Registration::Closed));
    world.settle();
    assert_eq!(world.waiting_work(), None);
}

#[test]
fn a_round_of_tidying_goes_on_after_a_short_pause_until_everything_was_looked_at() {
    let (mut world, admin) = World::with_admin();
    world.ask(admin, Request::SetDisabled { account: name("admin"), disabled: false, confirmed: true }).unwrap();
    assert_eq!(audit(&mut world, admin).len(), 1);
    world.pass(Duration::from_secs(7200));
    let retention = Retention { audit_age: Some(Duration::from_secs(3600)), ..Retention::default() };
    world.sessions.set_rules(world.now, Rules { retention, ..Rules::with_registration(Registration::Open) });
    world.pass(Duration::from_secs(1));
    assert_eq!(audit(&mut world, admin), [""; 0]);
}

#[test]
fn each_act_upon_what_is_others_is_noted_in_its_words_and_none_upon_a_room_of_ones_own() {
    let (mut world, admin) = World::with_admin();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    let room = |typed| RoomName::new(typed).unwrap();
    for (owner, named) in [(alice, "attic"), (admin, "office")] {
        world.ask(owner, Request::CreateRoom { room: room(named), private: false }).unwrap();
        world.ask(bob, Request::JoinRoom { room: room(named) }).unwrap();
    }
    let draft = |counter, schedule| NoticeDraft {
        post: PostId { outbox: 9, counter },
        schedule,
        ..super::notices::draft(vec![Audience::Account(name("bob")), Audience::Everyone])
    };
    let tomorrow = super::schedules::planned(belfry_core::time::UnixMillis(world.now.wall.0 + 86_400_000), None);
    let template = Template {
        name: "fire".parse().unwrap(),
        severity: Severity::Critical,
        title: None,
        body: Text::new("Leave now.").unwrap(),
        audience: vec![Audience::Everyone],
        answers: Vec::new(),
        expires_after_ms: None,
        remind: None,
    };
    let nurses = || "nurses".parse().unwrap();
    let members = ["alice", "bob", "admin"].map(name).to_vec();
    let acts = [
        (Request::SaveTemplate(template), "template.add fire"),
        (Request::RemoveTemplate { name: "fire".parse().unwrap() }, "template.remove fire"),
        (Request::AddToGroup { group: nurses(), members: members.clone() }, "group.add nurses alice, bob, admin"),
        (Request::RemoveFromGroup { group: nurses(), members, confirmed: false }, "group.remove nurses alice, bob, admin"),
        (Request::SendNotice(draft(1, Some(tomorrow))), "notice.schedule schedule 1 important to user:bob, everyone"),
        (Request::Unschedule { schedule: ScheduleId(1) }, "notice.unschedule schedule 1"),
        (Request::SendNotice(draft(2, None)), "notice.send notice 1 important to user:bob, everyone"),
        (Request::ChangeNotice { notice: NoticeId(1), change: NoticeChange::Remind }, "notice.remind notice 1"),
        (Request::ChangeNotice { notice: NoticeId(1), change: NoticeChange::Withdraw }, "notice.withdraw notice 1"),
        (Request::RemoveFromRoom { room: room("office"), account: name("bob"), confirmed: false }, ""),
        (Request::RenameRoom { room: room("office"), name: room("bureau") }, ""),
        (Request::DeleteRoom { room: room("bureau"), confirmed: false }, ""),
        (Request::RemoveFromRoom { room: room("attic"), account: name("bob"), confirmed: false }, "room.remove attic bob"),
        (Request::RenameRoom { room: room("attic"), name: room("loft") }, "room.rename attic loft"),
        (Request::DeleteRoom { room: room("loft"), confirmed: false }, "room.delete loft"),
    ];
    let Ok(Answer::Devices(devices)) = world.ask(admin, Request::ListDevices { account: name("alice"), after: None }) else { panic!() };
    let device = devices.entries[0].device;
    let revoked = format!("user.revoke alice {device}");
    let revoke = (Request::RevokeDevice { account: name("alice"), device }, revoked.as_str());
    let mut expected = Vec::new();
    for (request, noted) in acts.into_iter().chain([revoke]) {
        world.pass(Duration::from_secs(1));
        assert!(world.ask(admin, request).is_ok(), "{noted}");
        if !noted.is_empty() {
            expected.insert(0, format!("admin {noted}"));
        }
    }
    assert_eq!(audit(&mut world, admin), expected);
}
