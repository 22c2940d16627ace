//! People arrange their conversations.

use belfry_core::chat::{AccountId, Arrangement, ArrangementFlag};
use rusqlite::Connection;

use super::column::clamped;
use super::error::Trouble;
use super::{Arranged, Outcome, Target, arranged, conversations};

const ARRANGE: &str = "INSERT INTO readings (account, conversation, upto, arrangement) VALUES (?1, ?2, 0, ?3)
    ON CONFLICT DO UPDATE SET arrangement = excluded.arrangement";

fn bits(arrangement: Arrangement) -> i64 {
    let Arrangement { pinned, muted, marked_unread } = arrangement;
    i64::from(pinned) | i64::from(muted) << 1 | i64::from(marked_unread) << 2
}

/// Only of a conversation that somebody is in, so that nobody has more of these than conversations.
pub(super) fn arrange(
    connection: &Connection,
    account: AccountId,
    of: &Target,
    flag: ArrangementFlag,
    on: bool,
) -> Result<Outcome, Trouble> {
    let conversation = conversations::begun(connection, account, of)?;
    conversations::since(connection, &conversation, account)?;
    let before = arranged::of(connection, conversation.id, account)?;
    let arrangement = before.with(flag, on);
    let repeated = arrangement == before;
    if !repeated {
        connection.prepare_cached(ARRANGE)?.execute([clamped(account.0), clamped(conversation.id.0), bits(arrangement)])?;
    }
    Ok(Arranged { conversation: conversation.id, arrangement, repeated }.into())
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Refusal, Seq};

    use super::super::fixture::{LOBBY, add, ask, create, direct, each_store, overview, post_to, posted, say};
    use super::super::{MessageJob, Store, Work};
    use super::*;

    fn arrange(store: &mut Store, account: AccountId, of: &Target, flag: ArrangementFlag, on: bool) -> Result<Arranged, Refusal> {
        ask(store, 9, Work::Message(MessageJob::Arrange { account, of: of.clone(), flag, on }))?.expect()
    }

    fn listed(store: &mut Store, account: AccountId) -> Vec<Arrangement> {
        overview(store, 9, account).0.iter().map(|info| info.arrangement).collect()
    }

    #[test]
    fn each_flag_is_kept_for_its_person_and_conversation_and_says_whether_it_is_news() {
        each_store(|store| {
            let (anna, bob) = (add(store, "anna"), add(store, "bob"));
            let (lobby, to_bob) = (Target::Room(LOBBY), direct("bob"));
            posted(post_to(store, anna, 1, to_bob.clone()));
            let room = Target::Room(create(store, anna, "attic"));
            for (of, flag) in [(&lobby, ArrangementFlag::Pinned), (&to_bob, ArrangementFlag::Muted), (&room, ArrangementFlag::MarkedUnread)]
            {
                assert!(!arrange(store, anna, of, flag, true).unwrap().repeated);
                let again = arrange(store, anna, of, flag, true).unwrap();
                assert_eq!((again.repeated, again.arrangement), (true, Arrangement::default().with(flag, true)));
            }
            let mut expected = [ArrangementFlag::Pinned, ArrangementFlag::Muted, ArrangementFlag::MarkedUnread]
                .map(|flag| Arrangement::default().with(flag, true));
            assert_eq!(listed(store, anna), expected);
            assert_eq!(listed(store, bob), [Arrangement::default(); 2]);
            assert!(!arrange(store, anna, &lobby, ArrangementFlag::Pinned, false).unwrap().repeated);
            expected[0] = Arrangement::default();
            assert_eq!(listed(store, anna), expected);
        });
    }

    #[test]
    fn what_one_has_read_and_how_one_has_arranged_it_do_not_touch_each_other() {
        each_store(|store| {
            let (anna, bob) = (add(store, "anna"), add(store, "bob"));
            say(store, bob, 2);
            let read = |store: &mut Store, upto| {
                ask(store, 9, Work::Message(MessageJob::MarkRead { account: anna, of: Target::Room(LOBBY), upto: Seq(upto) })).unwrap();
            };
            let stand =
                |store: &mut Store| overview(store, 9, anna).0.first().map(|info| (info.read, info.unread, info.arrangement)).unwrap();
            read(store, 1);
            arrange(store, anna, &Target::Room(LOBBY), ArrangementFlag::Muted, true).unwrap();
            let muted = Arrangement { muted: true, ..Arrangement::default() };
            assert_eq!(stand(store), (Seq(1), 1, muted));
            read(store, 2);
            assert_eq!(stand(store), (Seq(2), 0, muted));
        });
    }

    #[test]
    fn nobody_arranges_what_they_are_not_in_or_what_has_not_begun() {
        each_store(|store| {
            let (anna, _bob, eve) = (add(store, "anna"), add(store, "bob"), add(store, "eve"));
            let room = Target::Room(create(store, anna, "attic"));
            assert_eq!(arrange(store, eve, &room, ArrangementFlag::Pinned, true), Err(Refusal::NotInRoom));
            assert_eq!(arrange(store, anna, &direct("bob"), ArrangementFlag::Pinned, true), Err(Refusal::UnknownMessage));
        });
    }
}
