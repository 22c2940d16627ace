//! Everybody, and who is here.

use std::collections::{BTreeMap, BTreeSet};

use belfry_core::chat::{AccountName, ListVersions, NamedProfile, Person, PersonProfile, Presence, PresenceChange, Presentity, Request};
use belfry_core::client::{Command, Ticket};

use super::memory::MemoryChange;
use super::{Desk, Effect, Model, ScreenPart};

/// What a name is unique by.
type AccountKey = String;

/// The list of people: complete as of the last time it was asked for, and kept up while the window is on the screen. What changes meanwhile is
/// told when it is there again.
#[derive(Clone, Debug, Default)]
pub struct People {
    known: BTreeMap<AccountKey, Person>,
    listing: Option<PeopleListing>,
    /// It was complete once, and what has changed since was told, or will be.
    complete: bool,
    /// The list is another one than is remembered, or only these are.
    relisted: bool,
    changed: BTreeSet<AccountKey>,
}

/// A list that is arriving in parts. The old one is shown until this one is complete, so that nobody is missing in between.
#[derive(Clone, Debug)]
struct PeopleListing {
    ticket: Ticket,
    gathered: BTreeMap<AccountKey, Person>,
    /// Comings and goings since it was asked for: a part may be older than they are.
    changed: Vec<PresenceChange>,
    /// There are other accounts since it was asked for: it is read once more.
    again: bool,
    /// What was said of people since.
    profiles: Vec<NamedProfile>,
}

/// What is to be asked next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NextPart {
    /// The part after this name.
    After(AccountName),
    /// Nothing: the list is complete.
    Complete,
    /// Nothing: this answers no question that still stands.
    Stale,
}

impl People {
    /// Everybody: first who is here, then who is away, then the others; by name within each.
    pub fn sorted(&self) -> Vec<&Person> {
        let mut people: Vec<_> = self.known.iter().collect();
        people.sort_by_key(|&(key, person)| (person.presence, key));
        people.into_iter().map(|(_, person)| person).collect()
    }

    /// How many are connected, in use or away.
    pub fn here(&self) -> usize {
        self.known.values().filter(|person| person.presence != Presence::Offline).count()
    }

    /// Somebody by name, in any letter case.
    pub fn find(&self, name: &AccountName) -> Option<&Person> {
        self.known.get(&name.key())
    }

    /// The list as it was remembered.
    pub(super) fn recall(&mut self, people: Vec<Person>) {
        self.known = people.into_iter().map(|person| (person.account.key(), person)).collect();
    }

    /// What is to be remembered since this was last asked.
    pub(super) fn take_news(&mut self) -> Vec<MemoryChange> {
        let changed = std::mem::take(&mut self.changed);
        if std::mem::take(&mut self.relisted) {
            return vec![MemoryChange::People(self.known.values().cloned().collect())];
        }
        changed.iter().filter_map(|key| self.known.get(key)).cloned().map(MemoryChange::Person).collect()
    }

    /// The server tells of everybody from now on. Of what was before that it tells nothing, where `anew` is set.
    fn doubt(&mut self, anew: bool) {
        if anew {
            self.complete = false;
            self.listing = None;
        }
    }

    /// Something else is said of these, where they are known.
    fn describe(&mut self, changes: Vec<NamedProfile>) {
        for NamedProfile { account, profile } in &changes {
            if let Some(person) = self.known.get_mut(&account.key()) {
                person.profile.clone_from(profile);
                self.changed.insert(account.key());
            }
        }
        if let Some(listing) = &mut self.listing {
            listing.profiles.extend(changes);
        }
    }

    /// There are other accounts than were listed, or are being.
    fn outdate(&mut self) {
        match &mut self.listing {
            Some(listing) => listing.again = true,
            None => self.complete = false,
        }
    }

    /// Whether the list is to be asked for: it is not complete, and not on its way.
    const fn is_due(&self) -> bool {
        !self.complete && self.listing.is_none()
    }

    pub(super) fn begin(&mut self, ticket: Ticket) {
        self.listing = Some(PeopleListing { ticket, gathered: BTreeMap::new(), changed: Vec::new(), again: false, profiles: Vec::new() });
    }

    pub(super) fn part(&mut self, ticket: Ticket, people: Vec<Person>, more: bool) -> NextPart {
        let Some(listing) = self.listing.as_mut().filter(|listing| listing.ticket == ticket) else { return NextPart::Stale };
        let last = people.last().map(|person| person.account.clone());
        listing.gathered.extend(people.into_iter().map(|person| (person.account.key(), person)));
        match last {
            Some(last) if more => NextPart::After(last),
            _ => {
                if let Some(done) = self.listing.take() {
                    self.relisted = true;
                    self.complete = !done.again;
                    self.known = done.gathered;
                    self.change(done.changed);
                    self.describe(done.profiles);
                }
                NextPart::Complete
            }
        }
    }

    /// The list will not be completed; the old one stays. Whether it was the one being read.
    pub(super) fn abandon(&mut self, ticket: Ticket) -> bool {
        self.listing.take_if(|listing| listing.ticket == ticket).is_some()
    }

    pub(super) fn change(&mut self, changes: Vec<PresenceChange>) {
        for change in &changes {
            let person = self.known.entry(change.account.key()).or_insert_with(|| Person {
                account: change.account.clone(),
                presence: change.presence,
                last_seen: None,
                profile: PersonProfile::default(),
            });
            person.presence = change.presence;
            person.last_seen = Some(change.at);
            self.changed.insert(change.account.key());
        }
        if let Some(listing) = &mut self.listing {
            listing.changed.extend(changes);
        }
    }
}

impl Model {
    /// The window is on the screen, or is not: the server tells who comes and goes for somebody who could see it.
    pub(super) fn show(&mut self, on_screen: bool) -> Effect {
        self.on_screen = on_screen;
        self.watch()
    }

    /// Whether the window was said to be on the screen.
    pub const fn is_on_screen(&self) -> bool {
        self.on_screen
    }

    /// Whose coming and going the windows show, and whether they show lists: the chat window has the list of people beside everything else.
    pub(super) fn watch(&self) -> Effect {
        let people = self.on_screen.then_some(Presentity::Everyone);
        let lists = (self.on_screen || self.desk.is_open()).then_some(Presentity::Lists);
        Effect::Tell(Command::Watch(people.into_iter().chain(lists).collect()))
    }

    /// The server tells of these from now on.
    pub(super) fn hear_watching(&mut self, whom: &[Presentity], anew: bool, lists: ListVersions, effects: &mut Vec<Effect>) {
        self.people.doubt(anew && whom.contains(&Presentity::Everyone));
        if whom.contains(&Presentity::Lists) {
            self.hear_lists(lists, effects);
        }
        if self.on_screen {
            effects.extend(self.ask_people());
        }
    }

    /// What is listed by the server has changed so often by now: what has since it was read is read again. Of which lists a window shows nothing
    /// it is not told; they are read when it does.
    pub(super) fn hear_lists(&mut self, now: ListVersions, effects: &mut Vec<Effect>) {
        let read = std::mem::replace(&mut self.lists, now);
        if now == read {
            return;
        }
        if now.accounts != read.accounts {
            self.people.outdate();
            effects.extend(self.ask_people());
        }
        if now.rooms != read.rooms {
            effects.extend(self.rooms.read_again(&mut self.numbers).into_iter().map(Effect::Tell));
        }
        self.at_the_desk(effects, Desk::read_again);
    }

    /// Something else is said of some people, for whoever has listed accounts as they were before that.
    pub(super) fn hear_profiles(&mut self, since: u64, changes: Vec<NamedProfile>, upto: u64, effects: &mut Vec<Effect>) {
        if self.lists.accounts != since {
            self.hear_lists(ListVersions { accounts: upto, ..self.lists }, effects);
            return;
        }
        self.lists.accounts = upto;
        self.people.describe(changes);
        effects.extend([ScreenPart::People, ScreenPart::Conversations, ScreenPart::Rooms, ScreenPart::Desk].map(Effect::Redraw));
        effects.extend(self.shown().map(|shown| Effect::Redraw(ScreenPart::Lines(shown.place().clone()))));
    }

    /// Asks for the list as it is from now on.
    pub(super) fn list_people(&mut self) -> Option<Effect> {
        self.people.doubt(true);
        self.ask_people()
    }

    /// Asks for the list, unless it is complete or on its way.
    pub(super) fn ask_people(&mut self) -> Option<Effect> {
        self.people.is_due().then(|| {
            let ticket = self.numbers.ticket();
            self.people.begin(ticket);
            Effect::ask(ticket, Request::Who { after: None })
        })
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::time::UnixMillis;

    use super::*;

    fn name(typed: &str) -> AccountName {
        AccountName::new(typed).unwrap()
    }

    fn person(typed: &str, presence: Presence) -> Person {
        Person { account: name(typed), presence, last_seen: None, profile: PersonProfile::default() }
    }

    fn change(typed: &str, presence: Presence) -> PresenceChange {
        PresenceChange { account: name(typed), presence, at: UnixMillis(5) }
    }

    fn listed(people: &People) -> Vec<&str> {
        people.sorted().into_iter().map(|person| person.account.as_str()).collect()
    }

    fn complete(list: Vec<Person>) -> People {
        let mut people = People::default();
        people.begin(Ticket(1));
        assert_eq!(people.part(Ticket(1), list, false), NextPart::Complete);
        people
    }

    #[test]
    fn who_is_here_comes_first_then_who_is_away_each_by_name() {
        let people = complete(vec![
            person("anna", Presence::Offline),
            person("Ben", Presence::Online),
            person("carl", Presence::Away),
            person("amir", Presence::Online),
        ]);
        assert_eq!(listed(&people), ["amir", "Ben", "carl", "anna"]);
        assert_eq!(people.here(), 3);
    }

    #[test]
    fn a_list_in_parts_is_asked_for_to_its_end_and_shown_whole() {
        let mut people = complete(vec![person("old", Presence::Online)]);
        people.begin(Ticket(2));
        assert_eq!(people.part(Ticket(2), vec![person("anna", Presence::Online)], true), NextPart::After(name("anna")));
        assert_eq!(listed(&people), ["old"]);
        assert_eq!(people.part(Ticket(2), vec![person("ben", Presence::Online)], false), NextPart::Complete);
        assert_eq!(listed(&people), ["anna", "ben"]);
    }

    #[test]
    fn somebody_who_leaves_while_the_list_arrives_is_not_shown_as_here() {
        let mut people = People::default();
        people.begin(Ticket(1));
        people.part(Ticket(1), vec![person("anna", Presence::Online)], true);
        people.change(vec![change("anna", Presence::Offline)]);
        people.part(Ticket(1), vec![person("ben", Presence::Online)], false);
        assert_eq!(people.find(&name("ANNA")).unwrap().presence, Presence::Offline);
    }

    #[test]
    fn somebody_new_appears_when_they_come() {
        let mut people = complete(vec![]);
        people.change(vec![change("dora", Presence::Online)]);
        assert_eq!(listed(&people), ["dora"]);
    }

    #[test]
    fn an_answer_to_an_older_question_changes_nothing() {
        let mut people = complete(vec![person("anna", Presence::Online)]);
        people.begin(Ticket(2));
        people.begin(Ticket(3));
        assert_eq!(people.part(Ticket(2), vec![], false), NextPart::Stale);
        assert!(!people.abandon(Ticket(2)));
        assert_eq!(listed(&people), ["anna"]);
    }
}
