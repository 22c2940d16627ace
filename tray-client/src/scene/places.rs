//! Places besides their messages: what a search has found, rooms to join, who is in a room, who asks one to join, who is writing.

use std::collections::BTreeSet;

use belfry_core::chat::{AccountName, Hit, Place, Room, RoomName, Seq, Standing, find_folded, visible_in_window};
use belfry_core::time::Instant;

use super::lists::{about, here, matches, one_line};
use super::{Moment, PresenceDot, name, person_name};
use crate::letters;
use crate::model::{Conversation, Model, Search};

/// Letters that stand before what was found: enough to see what it is about, and not so many that it is beyond the edge.
const BEFORE_LETTERS_MAX: usize = 24;

/// Names of those who are writing that fit; beyond it they are counted.
const WRITERS_MAX: usize = 2;

/// A message that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HitRow {
    /// Leads back to it, see [`hit`].
    pub key: String,
    /// The place where it was said.
    pub place: String,
    /// What people call that.
    pub name: String,
    /// Who said it.
    pub who: String,
    /// When it was said: the time of day, or the day where that is not today.
    pub time: String,
    /// What stands before the words that were looked for.
    pub before: String,
    /// The words themselves, as they stand there.
    pub hit: String,
    /// What stands behind them.
    pub after: String,
}

/// What is said of a search as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundHead {
    /// What was looked for; empty when nothing was.
    pub words: String,
    /// Only in one conversation.
    pub only_here: bool,
    /// That one, whatever is shown by now; or the one that is shown, in which it would be looked for.
    pub place: String,
    /// What people call it.
    pub name: String,
    /// What has come of it.
    pub sentence: String,
}

/// A room or a person to talk in or with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomRow {
    /// Its place as it is written, `lobby` or `@bob`.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// How many are in it, and whether one is asked to join.
    pub note: String,
    /// Only those who are invited may join.
    pub private: bool,
    /// It is a person.
    pub direct: bool,
    /// Whether they are here, for a person.
    pub here: PresenceDot,
    /// One is in it already.
    pub inside: bool,
    /// One is asked to join.
    pub invited: bool,
}

/// Somebody who is in a room, or could be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberRow {
    /// The place of the direct conversation with them.
    pub key: String,
    /// The account's name.
    pub name: String,
    /// Whether they are here.
    pub here: PresenceDot,
    /// The row of the person who is signed in.
    pub me: bool,
    /// They are in the room.
    pub inside: bool,
    /// They have been asked to join.
    pub invited: bool,
}

/// Somebody asks one to join a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvitationRow {
    /// The room's name.
    pub room: String,
    /// Who asks; empty where that is not known any more.
    pub by: String,
}

/// The message that a hit's key leads to.
pub fn hit(key: &str) -> Option<(Place, Seq)> {
    let (seq, written) = key.split_once(' ')?;
    Some((written.parse().ok()?, Seq(seq.parse().ok()?)))
}

/// What a search has found, the newest first.
pub fn found(model: &Model, moment: Moment<'_>) -> Vec<HitRow> {
    let Some(Search { text, found: Some(Ok(found)), .. }) = model.search() else { return Vec::new() };
    found.hits.iter().map(|hit| hit_row(model, hit, text.as_str(), moment)).collect()
}

fn hit_row(model: &Model, hit: &Hit, words: &str, moment: Moment<'_>) -> HitRow {
    let (before, found, after) = around(hit.message.text.as_str(), words);
    HitRow {
        key: format!("{} {}", hit.message.seq.0, hit.place),
        place: hit.place.to_string(),
        name: name(model, &hit.place),
        who: person_name(model, &hit.message.from),
        time: moment.wall.short(hit.message.sent_at, moment.now),
        before,
        hit: found,
        after,
    }
}

/// The text in one line, cut into what stands before the words, they themselves, and the rest.
fn around(text: &str, words: &str) -> (String, String, String) {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some(found) = find_folded(&text, words) else {
        // Found by a likeness that is not ours to see.
        return (one_line(&visible_in_window(&text)), String::new(), String::new());
    };
    let part = |range: std::ops::Range<usize>| visible_in_window(text.get(range).unwrap_or_default());
    let before = part(0..found.start);
    let shown = letters::last(&before, BEFORE_LETTERS_MAX);
    let before = if shown.len() < before.len() { format!("…{}", shown.trim_start()) } else { before };
    (before, part(found.clone()), part(found.end..text.len()))
}

/// What is said of a search as a whole.
pub fn found_head(model: &Model) -> FoundHead {
    let Some(search) = model.search() else { return FoundHead::default() };
    let sentence = match &search.found {
        None if model.connection().is_up() => "Looking…".to_owned(),
        None => "Waits for the connection.".to_owned(),
        Some(Err(Some(refusal))) => refusal.to_string(),
        Some(Err(None)) => "The connection was lost before the server answered.".to_owned(),
        Some(Ok(found)) => {
            let counted = match found.hits.len() {
                0 => "Nothing found.".to_owned(),
                1 => "1 message found.".to_owned(),
                many => format!("{many} messages found."),
            };
            let more = if found.more { " There are older ones; look for more words to see them." } else { "" };
            let cut = if found.cut { " What is long ago was not looked at; look for a longer word." } else { "" };
            format!("{counted}{more}{cut}")
        }
    };
    let place = search.place.as_ref().or(model.shown().map(Conversation::place));
    FoundHead {
        words: search.text.to_string(),
        only_here: search.place.is_some(),
        place: place.map(ToString::to_string).unwrap_or_default(),
        name: place.map(|place| name(model, place)).unwrap_or_default(),
        sentence,
    }
}

/// Rooms, and people after them, whose name has the words of `filter`. Where one is asked to join comes first, where one is already last.
pub fn rooms(model: &Model, filter: &str) -> Vec<RoomRow> {
    let mut rooms: Vec<_> = model.rooms().all().iter().map(|room| room_row(room, model)).collect();
    rooms.sort_by_key(|row| (!row.invited, row.inside));
    let people = model.people().sorted().into_iter().filter(|person| model.me() != Some(&person.account)).map(|person| RoomRow {
        key: Place::Direct(person.account.clone()).to_string(),
        name: person_name(model, &person.account),
        note: about(&person.profile),
        direct: true,
        here: here(model, person.presence),
        inside: true,
        ..RoomRow::default()
    });
    rooms.into_iter().chain(people).filter(|row| matches(filter, &[&row.name, if row.direct { &row.note } else { "" }])).collect()
}

fn room_row(room: &Room, model: &Model) -> RoomRow {
    let place = Place::Room(room.name.clone());
    let invited = invitations(model).iter().any(|invitation| invitation.room == room.name.to_string());
    let members = if room.members == 1 { "1 person".to_owned() } else { format!("{} people", room.members) };
    RoomRow {
        key: place.to_string(),
        name: name(model, &place),
        note: if invited { format!("{members} · you are asked to join") } else { members },
        private: room.private,
        inside: room.standing == Standing::Inside,
        invited,
        ..RoomRow::default()
    }
}

/// Who asks one to join which room.
pub fn invitations(model: &Model) -> Vec<InvitationRow> {
    let told = model.rooms().invitations();
    let heard = told.iter().map(|(room, by)| InvitationRow { room: room.to_string(), by: person_name(model, by) });
    // Who asked while one was not here is not said any more.
    let standing = model.rooms().all().iter().filter(|room| {
        room.standing == Standing::Invited && !model.rooms().has_declined(&room.name) && !told.iter().any(|(told, _)| *told == room.name)
    });
    heard.chain(standing.map(|room| InvitationRow { room: room.name.to_string(), by: String::new() })).collect()
}

/// Who is in the room, and then who could be asked to join it; those whose name has the words of `filter`.
pub fn members(model: &Model, room: &RoomName, filter: &str) -> Vec<MemberRow> {
    let listed = model.rooms().members().filter(|(of, _)| of.key() == room.key()).map(|(_, people)| people).unwrap_or_default();
    let present = |account: &AccountName| model.people().find(account).map_or(PresenceDot::No, |person| here(model, person.presence));
    let row = |account: &AccountName, inside: bool| MemberRow {
        key: Place::Direct(account.clone()).to_string(),
        name: person_name(model, account),
        here: present(account),
        me: model.me() == Some(account),
        inside,
        invited: !inside && model.rooms().has_invited(room, account),
    };
    let inside: BTreeSet<_> = listed.iter().map(|person| person.account.key()).collect();
    let others = model.people().sorted().into_iter().filter(|person| !listed.is_empty() && !inside.contains(&person.account.key()));
    let rows = listed.iter().map(|person| row(&person.account, true)).chain(others.map(|person| row(&person.account, false)));
    rows.filter(|row| matches(filter, &[&row.name])).collect()
}

/// Who is writing in the shown conversation; empty for nobody.
pub fn typing(model: &Model, now: Instant) -> String {
    let Some(shown) = model.shown() else { return String::new() };
    let writers: Vec<_> = shown.typing(now).map(|writer| person_name(model, writer)).collect();
    match &writers[..] {
        [] => String::new(),
        [one] => format!("{one} is typing…"),
        several if several.len() <= WRITERS_MAX => format!("{} are typing…", several.join(", ")),
        many => format!("{} people are typing…", many.len()),
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{
        Answer, ConversationId, Found, Keep, Message, Page, Person, PersonProfile, Presence, Request, Role, SearchText, Text,
    };
    use belfry_core::client::{Command, Ticket, Update};
    use belfry_core::time::{Now, UnixMillis};

    use super::super::tests::moment;
    use super::*;
    use crate::model::tests::{answered, lists_people};
    use crate::model::{Effect, Intent};

    const NOW: Now = Now { instant: Instant::START, wall: UnixMillis(0) };

    fn account(name: &str) -> AccountName {
        AccountName::new(name).unwrap()
    }

    fn room(name: &str) -> RoomName {
        RoomName::new(name).unwrap()
    }

    fn person(name: &str) -> Person {
        Person { account: account(name), presence: Presence::Online, last_seen: None, profile: PersonProfile::default() }
    }

    fn ask(effects: &[Effect], which: fn(&Command) -> Option<Ticket>) -> Ticket {
        effects.iter().find_map(|effect| if let Effect::Tell(down) = effect { which(down) } else { None }).expect("a question")
    }

    fn model() -> Model {
        let mut model = Model::new("lan-host");
        model.apply(NOW, Update::SignedIn { account: account("me"), role: Role::Member });
        lists_people(&mut model, vec![person("anna"), person("ben"), person("me")]);
        let effects = model.apply(NOW, Update::CaughtUp);
        let rooms =
            ask(
                &effects,
                |down| if let Command::Ask { ticket: ask, request: Request::ListRooms { .. } } = down { Some(*ask) } else { None },
            );
        let row = |name: &str, standing| Room {
            name: room(name),
            private: standing == Standing::Invited,
            members: 2,
            standing,
            owner: None,
            keep: Keep::default(),
        };
        let rows = vec![row("attic", Standing::Inside), row("board", Standing::Invited), row("ward 4", Standing::Outside)];
        model.apply(NOW, answered(rooms, Answer::Rooms(Page { entries: rows, more: false })));
        model
    }

    fn search(model: &mut Model, words: &str, texts: &[&str], more: bool) {
        let effects = model.act(NOW, Intent::Search { text: SearchText::new(words).unwrap(), place: None });
        let ask =
            ask(&effects, |down| if let Command::Ask { ticket: ask, request: Request::Search { .. } } = down { Some(*ask) } else { None });
        let hit = |(seq, text): (usize, &&str)| Hit {
            place: Place::Room(room("ward 4")),
            message: Message::new(ConversationId(2), Seq(seq as u64), account("anna"), Text::new(*text).unwrap(), moment(10, 2).now),
        };
        model.apply(NOW, answered(ask, Answer::Found(Found { hits: texts.iter().enumerate().map(hit).collect(), more, cut: false })));
    }

    #[test]
    fn a_narrow_search_is_about_the_conversation_it_was_made_in() {
        let mut model = Model::new("lan-host");
        model.act(NOW, Intent::Open(Place::lobby()));
        model.act(NOW, Intent::Search { text: SearchText::new("printer").unwrap(), place: Some(Place::lobby()) });
        let attic = Place::Room(room("attic"));
        model.act(NOW, Intent::Seek { place: attic.clone(), seq: Seq(3) });
        let head = found_head(&model);
        assert_eq!((head.only_here, head.place.as_str(), head.name.as_str()), (true, "lobby", "Lobby"));
        model.act(NOW, Intent::Search { text: SearchText::new("printer").unwrap(), place: None });
        let head = found_head(&model);
        assert_eq!((head.only_here, head.place.as_str()), (false, "attic"), "there it would be looked for");
        model.act(NOW, Intent::Search { text: SearchText::new("printer").unwrap(), place: Some(attic.clone()) });
        model.apply(NOW, Update::Renamed { from: attic, to: Place::Room(room("loft")) });
        assert_eq!(found_head(&model).name, "loft");
    }

    #[test]
    fn who_is_in_a_room_follows_those_who_come_and_go_and_shows_who_is_here() {
        let mut model = Model::new("lan-host");
        model.apply(NOW, Update::SignedIn { account: account("me"), role: Role::Member });
        let asked = |effects: &[Effect]| -> Vec<Ticket> {
            let ask = |effect: &Effect| {
                if let Effect::Tell(Command::Ask { ticket: ask, request: Request::RoomMembers { .. } }) = effect {
                    Some(*ask)
                } else {
                    None
                }
            };
            effects.iter().filter_map(ask).collect()
        };
        let list = |model: &mut Model, ask: Ticket, names: &[&str]| {
            model.apply(NOW, answered(ask, Answer::People(Page { entries: names.iter().map(|name| person(name)).collect(), more: false })));
        };
        let first = asked(&model.act(NOW, Intent::ListMembers(room("attic"))));
        list(&mut model, first[0], &["me", "anna"]);
        let message =
            |from: &str, seq: u64| Message::new(ConversationId(4), Seq(seq), account(from), Text::new("hi").unwrap(), UnixMillis(0));
        let attic = || Place::Room(room("attic"));
        assert_eq!(asked(&model.apply(NOW, Update::Message { place: attic(), message: message("anna", 1) })), []);
        assert_eq!(asked(&model.apply(NOW, Update::Message { place: Place::lobby(), message: message("bob", 1) })), []);
        let second = asked(&model.apply(NOW, Update::Message { place: attic(), message: message("bob", 2) }));
        assert_eq!(second.len(), 1, "bob has come in");
        assert_eq!(asked(&model.apply(NOW, Update::Typing { place: attic(), account: account("carl") })), [], "it is being read");
        list(&mut model, second[0], &["me", "bob"]);
        let change = belfry_core::chat::PresenceChange { account: account("bob"), presence: Presence::Away, at: UnixMillis(1) };
        model.apply(NOW, Update::Presence(vec![change]));
        let rows = members(&model, &room("attic"), "");
        let inside: Vec<_> = rows.iter().filter(|row| row.inside).map(|row| (row.name.as_str(), row.here)).collect();
        assert_eq!(inside, [("me", PresenceDot::No), ("bob", PresenceDot::Away)], "anna has left");
    }

    #[test]
    fn a_hit_shows_the_words_with_what_stands_around_them_and_leads_back() {
        let mut model = model();
        search(&mut model, "PRINTER", &["The keys lie\nwhere they always lie: beside the printer, on the left"], false);
        let rows = found(&model, moment(12, 0));
        let [row] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((row.name.as_str(), row.who.as_str(), row.time.as_str()), ("ward 4", "anna", "10:02"));
        let parts = (row.before.as_str(), row.hit.as_str(), row.after.as_str());
        assert_eq!(parts, ("…always lie: beside the ", "printer", ", on the left"));
        assert_eq!(hit(&row.key), Some((Place::Room(room("ward 4")), Seq(0))));
    }

    #[test]
    fn a_hit_turns_no_letters_around() {
        let (before, hit, after) = around("pay to \u{202e}ecila now\u{2066} x", "now");
        assert_eq!([before, hit, after].concat(), "pay to ·U+202E·ecila now·U+2066· x");
    }

    #[test]
    fn words_that_stand_elsewhere_than_one_can_see_show_the_beginning() {
        assert_eq!(around("ＰＲＩＮＴ it", "print").1, "ＰＲＩＮＴ");
        assert_eq!(around("a", "longer than that"), ("a".into(), String::new(), String::new()));
        assert_eq!(around("塔楼的钟", "的"), ("塔楼".into(), "的".into(), "钟".into()));
    }

    #[test]
    fn a_search_says_what_has_come_of_it() {
        let mut model = model();
        assert_eq!(found_head(&model), FoundHead::default());
        model.act(NOW, Intent::Search { text: SearchText::new("x").unwrap(), place: None });
        assert_eq!(found_head(&model).sentence, "Looking…");
        search(&mut model, "x", &[], false);
        assert_eq!(found_head(&model).sentence, "Nothing found.");
        search(&mut model, "x", &["x", "xx"], true);
        assert_eq!(found_head(&model).sentence, "2 messages found. There are older ones; look for more words to see them.");
    }

    #[test]
    fn where_one_is_asked_to_join_comes_first_and_people_come_after_the_rooms() {
        let model = model();
        let names = |filter| rooms(&model, filter).into_iter().map(|row| row.name).collect::<Vec<_>>();
        assert_eq!(names(""), ["board", "ward 4", "attic", "anna", "ben"]);
        assert_eq!(names("A"), ["board", "ward 4", "attic", "anna"]);
        assert_eq!(invitations(&model), [InvitationRow { room: "board".into(), by: String::new() }]);
    }

    #[test]
    fn who_asked_is_named_and_who_was_declined_is_not_shown_again() {
        let mut model = model();
        model.apply(NOW, Update::Invited { room: room("board"), by: account("anna") });
        assert_eq!(invitations(&model), [InvitationRow { room: "board".into(), by: "anna".into() }]);
        model.act(NOW, Intent::Decline(room("board")));
        assert_eq!(invitations(&model), []);
    }

    #[test]
    fn who_is_not_in_a_room_can_be_asked_and_is_asked_once() {
        let mut model = model();
        let effects = model.act(NOW, Intent::ListMembers(room("attic")));
        assert_eq!(members(&model, &room("attic"), ""), [], "not known yet");
        let listed =
            ask(
                &effects,
                |down| if let Command::Ask { ticket: ask, request: Request::RoomMembers { .. } } = down { Some(*ask) } else { None },
            );
        model.apply(NOW, answered(listed, Answer::People(Page { entries: vec![person("me")], more: false })));
        let short = |model: &Model| {
            let rows = members(model, &room("attic"), "");
            rows.into_iter().map(|row| (row.name, row.inside, row.invited)).collect::<Vec<_>>()
        };
        let row = |name: &str, inside, invited| (name.to_owned(), inside, invited);
        assert_eq!(short(&model), [row("me", true, false), row("anna", false, false), row("ben", false, false)]);
        let effects = model.act(NOW, Intent::Invite { room: room("attic"), account: account("anna") });
        let invited =
            ask(&effects, |down| if let Command::Ask { ticket: ask, request: Request::Invite { .. } } = down { Some(*ask) } else { None });
        model.apply(NOW, answered(invited, Answer::Done));
        assert_eq!(short(&model)[1], row("anna", false, true));
    }

    #[test]
    fn those_who_are_writing_are_named_while_they_are_few() {
        let mut model = model();
        model.act(NOW, Intent::Open(Place::lobby()));
        let mut said = vec![typing(&model, NOW.instant)];
        for name in ["anna", "ben", "carl"] {
            model.apply(NOW, Update::Typing { place: Place::lobby(), account: account(name) });
            said.push(typing(&model, NOW.instant));
        }
        assert_eq!(said, ["", "anna is typing…", "anna, ben are typing…", "3 people are typing…"]);
    }
}
