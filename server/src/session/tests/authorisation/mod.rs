//! Who may do what where: one table for every request, everybody who may ask it and every kind of place.
//!
//! A request of which the table says nothing does not compile.

mod cast;
#[rustfmt::skip]
mod table;

use belfry_core::chat::{Answer, FromServer, MayAsk, Place, Refusal, Request, RequestKind, RoomName};

use self::cast::{Asker, House, Spot};
use self::table::{Kind, Rows, Verdict, only_reads, request, rows, tells_what_was_said};

/// What the table says; `None` where there is nothing to say.
fn expected(kind: Kind, asker: Asker, spot: Spot) -> Option<Answered> {
    let row = match rows(kind) {
        Rows::SignInStep(verdict) if asker == Asker::Stranger => return Some(Answered::With(verdict)),
        Rows::SignInStep(_) => [Verdict::No(Refusal::AlreadySignedIn); 8],
        Rows::Anywhere(row) => row,
        Rows::Rooms(rows) => *rows.get(spot as usize)?,
        Rows::Places(rows) => rows[spot as usize],
        Rows::Accounts(rows) => *rows.get((spot as usize).checked_sub(Spot::Own as usize)?)?,
    };
    Some(match asker {
        Asker::Stranger => Answered::With(Verdict::No(Refusal::SignInFirst)),
        Asker::Disabled | Asker::Revoked => Answered::Nothing,
        signed_in => Answered::With(row[signed_in as usize - Asker::Elsewhere as usize]),
    })
}

/// What somebody hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answered {
    /// Nothing at all: the connection is closed.
    Nothing,
    With(Verdict),
}

/// Asks one thing, and says what is wrong with what came of it.
fn look(house: &mut House, kind: Kind, asker: Asker, spot: Spot) -> (Answered, Vec<String>) {
    let Some(asked) = request(kind, house, asker, spot) else { return (Answered::Nothing, Vec::new()) };
    look_with(house, asked, asker, spot)
}

/// Asks this, and says what is wrong with what came of it.
fn look_with(house: &mut House, asked: Request, asker: Asker, spot: Spot) -> (Answered, Vec<String>) {
    let kind = Kind::of(&asked);
    let peer = house.peer(asker);
    let id = house.world.send(peer, asked);
    let mut heard = house.world.hear_all();
    let own = heard.remove(&peer).unwrap_or_default();
    let answer = own.iter().find_map(|heard| match &heard.message {
        FromServer::Reply { id: of, result } if *of == id => Some(result.clone()),
        _ => None,
    });
    let answered = match &answer {
        None => Answered::Nothing,
        Some(Ok(_)) => Answered::With(Verdict::Yes),
        Some(Err(refusal)) => Answered::With(Verdict::No(*refusal)),
    };
    let mut wrong = Vec::new();
    match expected(kind, asker, spot) {
        None => wrong.push("the table says nothing of it".to_owned()),
        Some(expected) if expected != answered => wrong.push(format!("{answered:?} instead of {expected:?}")),
        Some(_) => {}
    }
    let own = format!("{own:?}");
    // An administrator looks at originals, and that is noted.
    let looks = |of| kind == Kind::Originals && asker == Asker::Admin && of == spot;
    for of in Spot::ALL {
        if own.contains(of.secret()) && !House::may_read(asker, of) && !looks(of) {
            wrong.push(format!("hears what was {}", of.secret()));
        }
    }
    let may = House::may_read(asker, spot) || looks(spot);
    if answered == Answered::With(Verdict::Yes) && tells_what_was_said(kind) && may && !own.contains(spot.secret()) {
        wrong.push("does not hear what was said".to_owned());
    }
    if kind == Kind::ListRooms && own.contains("board") != (house.is_here(asker) && House::knows_the_board(asker)) {
        wrong.push("the private room is in the list of those who know of it, and in no other".to_owned());
    }
    if answered != Answered::With(Verdict::Yes) && !heard.is_empty() {
        wrong.push(format!("it is refused, and others hear of it: {heard:?}"));
    }
    (answered, wrong)
}

/// Asks one kind of thing in everybody's name, everywhere.
fn check(kind: Kind) -> Vec<String> {
    let mut faults = Vec::new();
    let mut house = House::new();
    for spot in Spot::ALL {
        for asker in Asker::ALL {
            let (answered, wrong) = look(&mut house, kind, asker, spot);
            faults.extend(wrong.into_iter().map(|what| format!("{kind:?}, {spot:?}, {asker:?}: {what}")));
            if answered == Answered::With(Verdict::Yes) && !only_reads(kind) {
                house = House::new();
            }
        }
    }
    faults
}

/// The same request by the room's number, under the name of a room that everybody is in; `None` where no number can be said.
fn by_number(house: &mut House, kind: Kind, asker: Asker, spot: Spot) -> Option<Request> {
    let number = house.conversation(asker, spot);
    let mut asked = request(kind, house, asker, spot)?;
    let (Request::Post { to: place, room, .. }
    | Request::OfferFile { to: place, room, .. }
    | Request::PostFile { to: place, room, .. }
    | Request::Edit { place, room, .. }
    | Request::Delete { place, room, .. }
    | Request::React { place, room, .. }
    | Request::MarkRead { place, room, .. }
    | Request::Arrange { place, room, .. }) = &mut asked
    else {
        return None;
    };
    *room = Some(number);
    if let Place::Room(name) = place {
        *name = RoomName::lobby();
    }
    Some(asked)
}

#[test]
fn whoever_says_a_number_is_answered_as_whoever_says_the_name_that_belongs_to_it() {
    let mut faults = Vec::new();
    let mut house = House::new();
    for kind in [Kind::Post, Kind::OfferFile, Kind::PostFile, Kind::Edit, Kind::Delete, Kind::React, Kind::MarkRead, Kind::Arrange] {
        for spot in Spot::ALL {
            for asker in Asker::ALL {
                let asked = by_number(&mut house, kind, asker, spot).unwrap();
                let (answered, wrong) = look_with(&mut house, asked, asker, spot);
                faults.extend(wrong.into_iter().map(|what| format!("{kind:?}, {spot:?}, {asker:?}: {what}")));
                if answered == Answered::With(Verdict::Yes) {
                    house = House::new();
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn everybody_may_do_what_the_table_says_and_nothing_else() {
    let threads = 4;
    let faults: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|first| {
                scope.spawn(move || Kind::ALL.iter().skip(first).step_by(threads).flat_map(|&kind| check(kind)).collect::<Vec<_>>())
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// The lines of the audit log.
fn audited(house: &mut House) -> usize {
    let admin = house.peer(Asker::Admin);
    match house.world.ask(admin, Request::ReadAudit { before: None }) {
        Ok(Answer::Audit(page)) => page.entries.len(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn whatever_only_administrators_may_do_is_in_the_audit_log_once_it_is_done() {
    let mut silent = Vec::new();
    for &kind in Kind::ALL {
        let mut house = House::new();
        let done = Spot::ALL.into_iter().find_map(|spot| {
            let asked = request(kind, &mut house, Asker::Admin, spot)?;
            let rule = asked.rule();
            let before = audited(&mut house);
            let is_act = rule.may_ask == MayAsk::Admin && rule.kind == RequestKind::Changes;
            (is_act && look_with(&mut house, asked, Asker::Admin, spot).0 == Answered::With(Verdict::Yes)).then_some(before)
        });
        if done.is_some_and(|before| audited(&mut house) == before) {
            silent.push(kind);
        }
    }
    assert_eq!(silent, []);
}
