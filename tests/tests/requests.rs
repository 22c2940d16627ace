//! The largest requests there are, over the real transport.

use std::time::Duration;

use belfry_core::chat::{
    AccountName, Answer, Audience, GroupName, NoticeChange, NoticeDraft, Refusal, Request, Severity, Template, TemplateName, Text,
};
use belfry_core::client::{Command, Start, Ticket, Update};
use belfry_core::limits::{AUDIENCES_MAX, TEXT_BYTES_MAX};
use belfry_tests::anything::one_of;
use belfry_tests::pair::seeded;
use belfry_tests::weather::Weather;
use belfry_tests::world::{World, name};

const SECOND: Duration = Duration::from_secs(1);

/// The administrator, who is here.
fn administrator() -> (World, usize) {
    let mut world = World::new(Weather::office(), 1);
    let admin = world.join("admin", false, Start::Now);
    assert!(world.run_until(30 * SECOND, |world| world.people[admin].is_caught_up()));
    (world, admin)
}

/// What becomes of a request.
fn ask(world: &mut World, admin: usize, request: Request) -> Result<Answer, Refusal> {
    let ticket = world.ticket(admin);
    outcome(world, admin, ticket, Command::Ask { ticket, request })
}

/// What becomes of what is asked with this ticket.
fn outcome(world: &mut World, admin: usize, asked: Ticket, command: Command) -> Result<Answer, Refusal> {
    world.command(admin, command);
    let outcome = |world: &World| {
        world.people[admin].updates.iter().find_map(|update| match update {
            Update::Answered { ticket, answer } if *ticket == asked => Some(Ok(answer.clone())),
            Update::Refused { ticket, refusal } if *ticket == asked => Some(Err(*refusal)),
            _ => None,
        })
    };
    assert!(world.run_until(30 * SECOND, |world| outcome(world).is_some()), "nobody has said what became of it");
    outcome(world).expect("it is there")
}

/// So many people with names as long as they may be.
fn people(count: usize) -> Vec<AccountName> {
    (0..count).map(|number| name(&format!("{}{number:04}", "塔".repeat(28)))).collect()
}

#[test]
fn a_request_that_is_larger_than_any_message_is_refused_and_the_next_one_answered() {
    let (mut world, admin) = administrator();
    let group = GroupName::new("everybody").expect("a good name");
    let request = Request::AddToGroup { group, members: people(1000) };
    assert_eq!(ask(&mut world, admin, request), Err(Refusal::TooMany));
    assert!(matches!(ask(&mut world, admin, Request::Status), Ok(Answer::Status(_))));
}

#[test]
fn a_status_has_the_numbers_of_the_transport_of_the_sessions_and_of_the_database() {
    let (mut world, admin) = administrator();
    let Ok(Answer::Status(status)) = ask(&mut world, admin, Request::Status) else { panic!("the status was refused") };
    assert_eq!((status.connections, status.handshakes, status.sessions, status.accounts), (1, 1, 1, 1));
    assert!(status.datagrams_received > 0 && status.rtt_median_micros > 0 && status.database_bytes > 0, "{status:?}");
}

/// As long as a text may be.
fn longest_text() -> Text {
    Text::new("x".repeat(TEXT_BYTES_MAX)).expect("a text")
}

#[test]
fn the_largest_template_and_the_longest_list_of_people_reach_the_server() {
    let (mut world, admin) = administrator();
    let template = Template {
        name: TemplateName::new("long").expect("a good name"),
        severity: Severity::Info,
        title: None,
        body: longest_text(),
        audience: people(AUDIENCES_MAX).into_iter().map(Audience::Account).collect(),
        answers: vec![],
        expires_after_ms: None,
        remind: None,
    };
    assert_eq!(ask(&mut world, admin, Request::SaveTemplate(template)), Ok(Answer::Done));
    let group = GroupName::new("everybody").expect("a good name");
    let add = Request::AddToGroup { group: group.clone(), members: people(400) };
    assert_eq!(ask(&mut world, admin, add), Err(Refusal::UnknownAccount), "the server has read it");
    let remove = Request::RemoveFromGroup { group, members: people(400), confirmed: false };
    assert_eq!(ask(&mut world, admin, remove), Err(Refusal::UnknownAccount), "the server has read it");
    let audience = people(AUDIENCES_MAX).into_iter().map(Audience::Account).collect();
    assert_eq!(ask(&mut world, admin, Request::PreviewNotice { audience }), Err(Refusal::UnknownAccount), "the server has read it");
}

#[test]
fn a_notice_with_the_longest_text_is_changed_and_taken_back() {
    let (mut world, admin) = administrator();
    let bob = world.join("bob", true, Start::Now);
    assert!(world.run_until(30 * SECOND, |world| world.people[bob].is_caught_up()));
    let ticket = world.ticket(admin);
    let send = Command::SendNotice { ticket, draft: NoticeDraft::new(Severity::Info, longest_text(), vec![Audience::Everyone]) };
    world.command(admin, send);
    assert!(world.run_until(30 * SECOND, |world| world.people[bob].notices().len() == 1));
    let notice = world.people[bob].notices()[0].id;
    let update = NoticeChange::Update { severity: None, title: None, body: Some(longest_text()), expires_after_ms: None };
    for change in [update, NoticeChange::Withdraw] {
        let changed = ask(&mut world, admin, Request::ChangeNotice { notice, change });
        assert!(matches!(changed, Ok(Answer::NoticeChanged(_))), "{changed:?}");
    }
}

#[test]
fn nothing_that_a_program_of_this_version_can_write_is_refused_as_if_the_versions_differed() {
    const SAMPLES: u64 = 4;
    let (mut world, admin) = administrator();
    let mut kinds = 0;
    for variant in 0.. {
        let samples: Vec<Request> =
            (0..SAMPLES).map_while(|sample| one_of(variant, &mut seeded(u64::from(variant) * 100 + sample))).collect();
        if samples.is_empty() {
            break;
        }
        kinds += 1;
        for request in samples {
            let answer = match request.clone() {
                // A client has other words for these.
                Request::SignIn { .. }
                | Request::Register { .. }
                | Request::SignInByDevice { .. }
                | Request::Sync
                | Request::Post { .. }
                | Request::Receipt { .. }
                | Request::Reached { .. }
                | Request::Typing { .. }
                | Request::Away { .. }
                | Request::Watch { .. }
                | Request::PostFile { .. } => continue,
                // Waits for room that nobody grants who has not accepted an offer.
                Request::SendBlock { .. } => continue,
                Request::SendNotice(draft) => {
                    let ticket = world.ticket(admin);
                    outcome(&mut world, admin, ticket, Command::SendNotice { ticket, draft })
                }
                request => ask(&mut world, admin, request),
            };
            assert_ne!(answer, Err(Refusal::BadRequest), "{request:?}");
        }
    }
    assert!(kinds > 50, "{kinds} kinds of requests");
}
