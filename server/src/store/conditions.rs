//! What a statement's conditions are for, where nothing else shows it: each of these was found by dropping one (`scripts/mutate-sql`).

use belfry_core::chat::{Answer, ConversationId, Keep, LedgerView, NoticeId, Page, Parties, Receipt, Refusal, Role, RoomName, Seq, Text};
use belfry_core::time::UnixMillis;

use super::fixture::{DEVICE, add, arrive, ask, create, each_store, named, notice_to, overview, post, sent};
use super::{Bite, MessageJob, Occurrence, Outcome, RoomJob, Store, StoredLedger, Target, Work};

/// How many originals the first message of a room has.
fn originals(store: &mut Store, room: &str) -> Result<usize, Refusal> {
    let of = Parties::Room(RoomName::new(room).unwrap());
    match ask(store, 99, Work::Message(MessageJob::Originals { of, seq: Seq(1), after: 0 }))? {
        Outcome::Read(Answer::Originals(Page { entries: originals, .. })) => Ok(originals.len()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_one_room_keeps_no_longer_takes_no_originals_from_another() {
    each_store(|store| {
        let anna = add(store, "anna");
        let rooms = ["attic", "loft"].map(|name| create(store, anna, name));
        for (counter, room) in (0..).zip(rooms) {
            for n in 1..=2 {
                ask(store, n, post(anna, counter * 100 + n, Target::Room(room), "rude")).unwrap();
            }
            let text = Some(Text::new("polite").unwrap());
            ask(store, 5, Work::Message(MessageJob::Alter { account: anna, of: Target::Room(room), seq: Seq(1), text })).unwrap();
        }
        let change = Keep { age_ms: None, messages: Some(1) }.into();
        ask(store, 6, Work::Room(RoomJob::Keep { room: rooms[0], change })).unwrap();
        let tidy = Work::Tidy {
            messages_before: None,
            messages_kept: None,
            rooms_differ: true,
            notices_before: None,
            audit_before: None,
            bite: Bite::Messages(ConversationId(0)),
        };
        ask(store, 9, tidy).unwrap();
        assert_eq!((originals(store, "attic"), originals(store, "loft")), (Err(Refusal::UnknownMessage), Ok(1)));
    });
}

#[test]
fn what_an_administrator_has_scheduled_is_not_sent_while_they_are_shut_out_or_a_member() {
    each_store(|store| {
        let (root, _, anna) = (add(store, "root"), add(store, "deputy"), add(store, "anna"));
        for name in ["root", "deputy"] {
            ask(store, 1, Work::SetRole { account: named(name), role: Role::Admin }).unwrap();
        }
        let Work::SendNotice { draft, .. } = notice_to(root, 1, &["anna"]) else { panic!() };
        let scheduled = ask(store, 1, Work::AddSchedule { author: root, next_at: UnixMillis(10), draft });
        let Ok(Outcome::Scheduled(scheduled)) = scheduled else { panic!("{scheduled:?}") };
        let mut occur = |at: u64, change: Work| {
            ask(store, at, change).unwrap();
            let next_at = Some(UnixMillis(at + 10));
            ask(store, at, Work::Occur(Occurrence { schedule: scheduled.id, at: UnixMillis(at), next_at })).unwrap();
            overview(store, at, anna).1.len()
        };
        assert_eq!(occur(10, Work::SetDisabled { account: named("root"), disabled: true }), 0);
        assert_eq!(occur(20, Work::SetDisabled { account: named("root"), disabled: false }), 1);
        assert_eq!(occur(30, Work::SetRole { account: named("root"), role: Role::Member }), 1);
    });
}

#[test]
fn a_later_look_does_not_change_when_the_first_was() {
    each_store(|store| {
        let (root, anna) = (add(store, "root"), add(store, "anna"));
        ask(store, 1, arrive(anna, DEVICE, true)).unwrap();
        let notice = sent(ask(store, 2, notice_to(root, 1, &["anna"]))).0.id;
        let receipts = [(3, Receipt::Reached), (4, Receipt::Visible), (5, Receipt::Answered(0))];
        for (at, receipt) in receipts.into_iter().chain(receipts.map(|(at, receipt)| (at + 10, receipt))) {
            ask(store, at, Work::Receipt { account: anna, device: DEVICE, notice, revision: 1, receipt }).unwrap();
        }
        let ledger = ask(store, 99, Work::Ledger { notice: NoticeId(1), view: LedgerView::default(), after: None, limit: 9 });
        let Ok(Outcome::Ledger(StoredLedger { people: Page { entries, .. }, .. })) = ledger else { panic!("{ledger:?}") };
        let (entry, screen) = (&entries[0].entry, &entries[0].screens[0].entry);
        for (reached, visible, answered) in
            [(entry.reached_at, entry.visible_at, &entry.answered), (screen.reached_at, screen.visible_at, &screen.answered)]
        {
            let answered = answered.as_ref().map(|(_, at)| at.0);
            assert_eq!((reached.map(|at| at.0), visible.map(|at| at.0), answered), (Some(3), Some(4), Some(5)));
        }
    });
}
