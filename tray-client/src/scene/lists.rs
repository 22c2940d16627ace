//! The list of conversations and the list of people.

use belfry_core::chat::{AccountName, PersonProfile, Place, Presence, fold, visible, visible_in_window};

use super::{Moment, name, parts_of_name, person_name};
use crate::letters;
use crate::model::{Conversation, Model};
use crate::when;

/// Letters of the last line that a list shows; a narrow list cuts it further.
const LAST_LETTERS_MAX: usize = 80;

/// Whether somebody is here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PresenceDot {
    /// Connected, and at the computer.
    Online,
    /// Connected, but not at the computer.
    Away,
    /// No, or it is a room.
    #[default]
    No,
}

/// A line of the list of conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationRow {
    /// Its place as it is written, `lobby` or `@bob`.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// Whether it is with one person.
    pub direct: bool,
    /// Of the other one, in a direct conversation.
    pub here: PresenceDot,
    /// The newest message, in one line.
    pub last: String,
    /// The person has written it.
    pub last_own: bool,
    /// The newest message's time of day, or its day where that is not today.
    pub time: String,
    /// Unread messages, `99+` at most; empty for none.
    pub unread: String,
    /// It stands before the others.
    pub pinned: bool,
    /// What is said there pops nothing up.
    pub muted: bool,
    /// The person wants to come back to it.
    pub marked: bool,
    /// Whether the window shows it.
    pub shown: bool,
}

/// A line of the list of people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonRow {
    /// The place of the direct conversation with them.
    pub key: String,
    /// The account's name.
    pub name: String,
    /// Whether they are here.
    pub here: PresenceDot,
    /// What they are doing, in their own words.
    pub status: String,
    /// Where they belong, and where they are reached.
    pub about: String,
    /// When they were here last: the time of day, or how long ago where that was not today.
    pub note: String,
    /// The row of the person who is signed in.
    pub me: bool,
}

/// The conversations whose name or newest message has the words of `search`; all for an empty one.
pub fn conversations(model: &Model, search: &str, moment: Moment<'_>) -> Vec<ConversationRow> {
    let shown = model.shown().map(Conversation::place);
    let rows = model.conversations().into_iter().map(|conversation| {
        let place = conversation.place();
        let last = conversation.last();
        let author = |message: &belfry_core::chat::Message| match place {
            Place::Room(_) if model.me() != Some(&message.from) => format!("{}: ", called(model, &message.from)),
            _ => String::new(),
        };
        let standing = last.filter(|last| !last.is_deleted());
        let arrangement = conversation.arrangement();
        ConversationRow {
            key: place.to_string(),
            name: name(model, place),
            direct: matches!(place, Place::Direct(_)),
            here: if let Place::Direct(account) = place {
                model.people().find(account).map_or(PresenceDot::No, |person| here(model, person.presence))
            } else {
                PresenceDot::No
            },
            // What was taken back says nothing any more.
            last: standing.map(|last| one_line(&format!("{}{}", author(last), visible_in_window(last.text.as_str())))).unwrap_or_default(),
            last_own: matches!(place, Place::Room(_)) && standing.is_some_and(|last| model.me() == Some(&last.from)),
            time: last.map(|last| moment.wall.short(last.sent_at, moment.now)).unwrap_or_default(),
            unread: count(conversation.unread()),
            pinned: arrangement.pinned,
            muted: arrangement.muted,
            marked: arrangement.marked_unread,
            shown: shown == Some(place),
        }
    });
    rows.filter(|row| matches(search, &[&row.name, &row.last])).collect()
}

/// The people whose name has the words of `search`.
pub fn people(model: &Model, search: &str, moment: Moment<'_>) -> Vec<PersonRow> {
    let rows = model.people().sorted().into_iter().map(|person| PersonRow {
        key: Place::Direct(person.account.clone()).to_string(),
        name: person_name(model, &person.account),
        status: person.profile.status.as_ref().map(|status| visible_in_window(status.as_str())).unwrap_or_default(),
        about: about(&person.profile),
        here: here(model, person.presence),
        note: match (person.presence, person.last_seen) {
            (Presence::Offline, Some(at)) if moment.wall.day(at) == moment.wall.day(moment.now) => moment.wall.time(at),
            (Presence::Offline, Some(at)) => when::ago(at, moment.now),
            _ => String::new(),
        },
        me: model.me() == Some(&person.account),
    });
    rows.filter(|row| matches(search, &[&row.name, &row.about])).collect()
}

/// Where somebody belongs, and where they are reached: `Research · 1234`.
pub(super) fn about(profile: &PersonProfile) -> String {
    let parts: Vec<_> = [&profile.department, &profile.telephone].into_iter().flatten().map(|line| visible(line.as_str())).collect();
    parts.join(" · ")
}

/// What somebody is called where there is no room for more.
fn called(model: &Model, account: &AccountName) -> String {
    parts_of_name(&person_name(model, account)).0.to_owned()
}

/// Whether somebody is here, as far as anybody knows: nobody does while the server is gone.
pub(super) const fn here(model: &Model, presence: Presence) -> PresenceDot {
    match presence {
        _ if !model.connection().is_up() => PresenceDot::No,
        Presence::Online => PresenceDot::Online,
        Presence::Away => PresenceDot::Away,
        Presence::Offline => PresenceDot::No,
    }
}

/// Unread messages as they are written beside a conversation: `99+` at most, empty for none.
pub fn count(unread: u64) -> String {
    match unread {
        0 => String::new(),
        1..=99 => unread.to_string(),
        _ => "99+".into(),
    }
}

/// Every word is somewhere, in the form in which everything is looked for ([`fold`]). A word of which nothing is left is nowhere.
pub(super) fn matches(search: &str, texts: &[&str]) -> bool {
    if search.trim().is_empty() {
        return true;
    }
    let texts: Vec<_> = texts.iter().map(|text| fold(text)).collect();
    search.split_whitespace().map(fold).all(|word| !word.trim().is_empty() && texts.iter().any(|text| text.contains(word.trim())))
}

pub(super) fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let begin = letters::first(&line, LAST_LETTERS_MAX);
    if begin.len() < line.len() { format!("{begin}…") } else { line }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{ConversationId, DisplayName, Message, Person, ProfileLine, Role, Seq, StatusText, Text};
    use belfry_core::client::Update;
    use belfry_core::time::{Instant, Now, UnixMillis};

    use super::super::tests::moment;
    use super::*;
    use crate::model::Intent;
    use crate::model::tests::lists_people;

    fn account(name: &str) -> AccountName {
        AccountName::new(name).unwrap()
    }

    fn now() -> Now {
        Now { instant: Instant::START, wall: moment(12, 0).now }
    }

    fn say(model: &mut Model, place: Place, seq: u64, from: &str, text: &str) {
        let message = Message::new(ConversationId(1), Seq(seq), account(from), Text::new(text).unwrap(), moment(10, 2).now);
        model.apply(now(), Update::Message { place, message });
    }

    fn model() -> Model {
        let mut model = Model::new("lan-host");
        model.apply(now(), Update::SignedIn { account: account("me"), role: Role::Member });
        let person = |name, presence, last_seen: u64| Person {
            account: account(name),
            presence,
            last_seen: Some(UnixMillis(last_seen)),
            profile: PersonProfile::default(),
        };
        let people = vec![person("anna", Presence::Online, 0), person("ben", Presence::Offline, 0), person("me", Presence::Online, 0)];
        lists_people(&mut model, people);
        model
    }

    #[test]
    fn while_the_server_is_gone_nobody_is_said_to_be_here() {
        let mut model = model();
        model.act(now(), Intent::Open(Place::Direct(account("anna"))));
        let why = belfry_core::client::Interruption::Silent;
        model.apply(now(), Update::Disconnected { why, retry_in: std::time::Duration::ZERO });
        let people = people(&model, "", moment(12, 0)).into_iter().map(|row| row.here);
        let conversations = conversations(&model, "", moment(12, 0)).into_iter().map(|row| row.here);
        let found = crate::scene::rooms(&model, "").into_iter().map(|row| row.here);
        assert!(people.chain(conversations).chain(found).all(|here| here == PresenceDot::No));
    }

    #[test]
    fn a_room_says_who_wrote_last_and_a_direct_conversation_who_is_there() {
        let mut model = model();
        say(&mut model, Place::lobby(), 1, "anna", "first\n  second");
        say(&mut model, Place::Direct(account("anna")), 1, "anna", "hi");
        let rows = conversations(&model, "", moment(12, 0));
        let [lobby, anna] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(
            (lobby.name.as_str(), lobby.last.as_str(), lobby.time.as_str(), lobby.unread.as_str()),
            ("Lobby", "anna: first second", "10:02", "1")
        );
        assert_eq!((anna.key.as_str(), anna.last.as_str(), anna.here), ("@anna", "hi", PresenceDot::Online));
    }

    #[test]
    fn searching_finds_names_and_words_in_any_case() {
        let mut model = model();
        say(&mut model, Place::lobby(), 1, "anna", "The Printer is back");
        let found = |search| conversations(&model, search, moment(12, 0)).len() + people(&model, search, moment(12, 0)).len();
        assert_eq!((found("printer BACK"), found("BEN"), found("nobody")), (1, 1, 0));
    }

    #[test]
    fn names_are_found_as_people_type_them() {
        for (search, name, found) in [
            ("nguyen", "Nguyễn Thị", true),
            ("ΟΔΟΣ", "οδος", true),
            ("strasse", "Straße", true),
            ("ａｎｎ", "anna", true),
            ("fe\u{301}", "Café", true),
            ("か", "がく", false),
            ("\u{301}", "anna", false),
            ("  ", "anna", true),
        ] {
            assert_eq!(matches(search, &[name]), found, "{search:?} in {name}");
        }
    }

    #[test]
    fn the_shown_conversation_is_marked() {
        let mut model = model();
        model.act(now(), Intent::Open(Place::lobby()));
        assert!(conversations(&model, "", moment(12, 0))[0].shown);
    }

    #[test]
    fn who_is_gone_has_how_long() {
        let rows = people(&model(), "", moment(12, 0));
        let notes: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.note.as_str(), row.me)).collect();
        assert_eq!(notes, [("anna", "", false), ("me", "", true), ("ben", "1 d", false)]);
    }

    #[test]
    fn who_is_called_something_is_found_by_it_and_stands_there_with_their_account() {
        let mut model = model();
        let profile = PersonProfile {
            display: Some(DisplayName::new("Anna Berg").unwrap()),
            department: Some(ProfileLine::new("Research").unwrap()),
            telephone: Some(ProfileLine::new("1234").unwrap()),
            status: Some(StatusText::new("in the workshop").unwrap()),
        };
        lists_people(&mut model, vec![Person { account: account("aberg"), presence: Presence::Online, last_seen: None, profile }]);
        say(&mut model, Place::lobby(), 1, "aberg", "hello");
        model.act(now(), Intent::Open(Place::Direct(account("aberg"))));
        for search in ["berg", "ABERG", "research", "1234", "anna berg"] {
            let rows = people(&model, search, moment(12, 0));
            assert_eq!(rows.len(), 1, "{search}");
            assert_eq!(
                (rows[0].name.as_str(), rows[0].about.as_str(), rows[0].status.as_str()),
                ("Anna Berg @aberg", "Research · 1234", "in the workshop")
            );
        }
        let rows = conversations(&model, "", moment(12, 0));
        assert_eq!(
            (rows[0].last.as_str(), rows[1].name.as_str(), rows[1].key.as_str()),
            ("Anna Berg: hello", "Anna Berg @aberg", "@aberg")
        );
        let row = crate::scene::rooms(&model, "research").pop().unwrap();
        assert_eq!((row.name.as_str(), row.key.as_str()), ("Anna Berg @aberg", "@aberg"));
        let lines = crate::scene::lines(&model, &Place::lobby(), moment(12, 0));
        assert!(lines.iter().any(|line| matches!(line, crate::scene::LineRow::Message(row) if row.who == "Anna Berg @aberg")), "{lines:?}");
    }

    #[test]
    fn many_unread_messages_are_ninety_nine_and_more() {
        assert_eq!([count(0), count(99), count(100)], ["", "99", "99+"]);
    }

    #[test]
    fn a_long_last_line_is_cut() {
        assert_eq!(one_line(&"塔".repeat(200)).chars().count(), LAST_LETTERS_MAX + 1);
    }
}
