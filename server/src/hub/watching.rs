//! Who looks at whom: a session says whom its window shows, hears of their coming and going, and of nobody else's.
//!
//! Most windows are hidden, and whoever comes in costs nobody a word then. Changes are gathered: whoever looks is told once a second at most.

use std::collections::{BTreeMap, BTreeSet};

use belfry_core::chat::{AccountId, Answer, ConversationId, Event, ListVersions, Presence, PresenceChange, Presentity, Refusal, RoomName};
use belfry_core::limits::WATCHED_MAX;
use belfry_core::time::{Instant, Now};

use super::{Context, Hub, SessionId};
use crate::limits::{PRESENCE_INTERVAL, PRESENCES_PER_EVENT, WATCHED_IN_ALL_MAX};

/// Those who look, and what they have not been told yet.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    by_session: BTreeMap<SessionId, WatchScope>,
    /// Those who look at everybody, by the version up to which they have been told.
    everyone: BTreeSet<(u64, SessionId)>,
    /// Those who look at an account, by what its name is unique by.
    by_name: BTreeMap<String, BTreeSet<SessionId>>,
    by_room: BTreeMap<ConversationId, BTreeSet<SessionId>>,
    /// Those who look at some, and have something to be told.
    stirred: BTreeSet<SessionId>,
    /// Names and rooms of all of them.
    watched: usize,
    quiet_until: Instant,
}

/// One session that looks.
#[derive(Debug)]
enum WatchScope {
    /// At everybody, and has been told up to this version.
    Everyone(u64),
    /// At some.
    Some { names: Vec<String>, rooms: Vec<ConversationId>, changed: BTreeSet<AccountId> },
}

impl Watchers {
    /// A session looks at nobody any more.
    pub(super) fn leave(&mut self, session: SessionId) {
        match self.by_session.remove(&session) {
            Some(WatchScope::Everyone(told)) => {
                self.everyone.remove(&(told, session));
            }
            Some(WatchScope::Some { names, rooms, .. }) => {
                self.watched -= names.len() + rooms.len();
                names.iter().for_each(|name| drop_from(&mut self.by_name, name, session));
                rooms.iter().for_each(|room| drop_from(&mut self.by_room, room, session));
                self.stirred.remove(&session);
            }
            None => {}
        }
    }

    pub(super) fn watch_everyone(&mut self, session: SessionId, told: u64) {
        self.by_session.insert(session, WatchScope::Everyone(told));
        self.everyone.insert((told, session));
    }

    fn watch(&mut self, session: SessionId, names: Vec<String>, rooms: Vec<ConversationId>) {
        self.watched += names.len() + rooms.len();
        for name in &names {
            self.by_name.entry(name.clone()).or_default().insert(session);
        }
        for &room in &rooms {
            self.by_room.entry(room).or_default().insert(session);
        }
        self.by_session.insert(session, WatchScope::Some { names, rooms, changed: BTreeSet::new() });
    }

    fn stir(&mut self, session: SessionId, account: AccountId) {
        if let Some(WatchScope::Some { changed, .. }) = self.by_session.get_mut(&session) {
            changed.insert(account);
            self.stirred.insert(session);
        }
    }

    /// Whether somebody has not been told of a change yet, of which this is the last.
    pub(super) fn are_behind(&self, version: u64) -> bool {
        !self.stirred.is_empty() || self.everyone.first().is_some_and(|&(told, _)| told < version)
    }

    /// When those who look are to be told.
    pub(super) fn deadline(&self, version: u64) -> Option<Instant> {
        self.are_behind(version).then_some(self.quiet_until)
    }
}

fn drop_from<K: Ord>(by: &mut BTreeMap<K, BTreeSet<SessionId>>, key: &K, session: SessionId) {
    if let Some(sessions) = by.get_mut(key) {
        sessions.remove(&session);
        if sessions.is_empty() {
            by.remove(key);
        }
    }
}

impl Hub {
    /// A session says whom it shows.
    pub(super) fn watch(&mut self, context: Context<'_>, whom: &[Presentity], since: u64) -> Result<(), Refusal> {
        let session = context.to.session;
        if whom.len() > WATCHED_MAX {
            return Err(Refusal::TooMany);
        }
        let rooms = |watched: &Presentity| {
            if let Presentity::Room(room) = watched { Some(self.rooms_watched(context.account(), room)) } else { None }
        };
        let rooms = whom.iter().filter_map(rooms).collect::<Result<BTreeSet<_>, _>>()?;
        let names: BTreeMap<_, _> = whom
            .iter()
            .filter_map(|watched| if let Presentity::Account(name) = watched { Some((name.key(), name)) } else { None })
            .collect();
        let everyone = whom.contains(&Presentity::Everyone) || rooms.contains(&None);
        if !everyone && self.watchers.watched + names.len() + rooms.len() > WATCHED_IN_ALL_MAX {
            return Err(Refusal::Busy);
        }
        let here =
            names.values().filter_map(|name| self.present(self.directory.find(name)?)).filter(|one| one.presence != Presence::Offline);
        let here: Vec<_> = here.collect();
        // Who has to be told of very many reads them quicker.
        let few = since > 0 && self.presences.knows_since(since) && self.presences.since(since).nth(PRESENCES_PER_EVENT).is_none();
        let since = if everyone && few { since } else { self.presences.version() };
        self.watchers.leave(session);
        self.lists.leave(session);
        if everyone {
            self.watchers.watch_everyone(session, since);
        } else if !names.is_empty() || !rooms.is_empty() {
            self.watchers.watch(session, names.into_keys().collect(), rooms.into_iter().flatten().collect());
        }
        let lists = if whom.contains(&Presentity::Lists) { self.watch_lists(session, context.account()) } else { ListVersions::default() };
        self.reply(context.to, Ok(Answer::Watching { since, here, lists }));
        self.announce(context.now);
        Ok(())
    }

    /// The room that somebody who is in it means by `name`; `None` for one that everybody is in.
    fn rooms_watched(&self, account: AccountId, name: &RoomName) -> Result<Option<ConversationId>, Refusal> {
        let room = self.rooms.find(name)?;
        if !self.is_in_room(account, name) {
            return Err(Refusal::NotInRoom);
        }
        Ok((!self.rooms.is_everyones(room)).then_some(room))
    }

    /// Somebody came, went or was away: whoever looks at them in particular is told.
    pub(super) fn stir(&mut self, account: AccountId) {
        if !self.watchers.by_name.is_empty()
            && let Some(known) = self.directory.get(account)
        {
            let watching = self.watchers.by_name.get(&known.name.key()).into_iter().flatten().copied().collect::<Vec<_>>();
            watching.into_iter().for_each(|session| self.watchers.stir(session, account));
        }
        if self.watchers.by_room.is_empty() {
            return;
        }
        let watching: Vec<_> = self.rooms.of(account).filter_map(|room| Some((room, self.watchers.by_room.get(&room)?))).collect();
        // Whoever is put out of a room looks in vain.
        let may_see = |room, session| self.presences.account_of(session).is_some_and(|watcher| self.rooms.is_in(watcher, room));
        let watching = watching.into_iter().flat_map(|(room, sessions)| sessions.iter().map(move |&session| (room, session)));
        let watching: Vec<_> = watching.filter(|&(room, session)| may_see(room, session)).collect();
        watching.into_iter().for_each(|(_, session)| self.watchers.stir(session, account));
    }

    /// What somebody is who is here, or has left lately.
    fn present(&self, account: AccountId) -> Option<PresenceChange> {
        let (presence, at) = self.presences.state(account)?;
        Some(PresenceChange { account: self.directory.get(account)?.name.clone(), presence, at })
    }

    /// Tells those who look who came and went, unless it is better to wait for company.
    pub(super) fn announce(&mut self, now: Now) {
        let version = self.presences.version();
        if self.watchers.are_behind(version) && self.watchers.quiet_until <= now.instant {
            self.watchers.quiet_until = now.instant + PRESENCE_INTERVAL;
            self.announce_to_all(version);
            self.announce_to_some(version);
        }
        // The names of those who left are needed until everybody who looks was told that they did.
        if !self.watchers.are_behind(version) {
            self.directory.forget().into_iter().for_each(|account| self.presences.forget(account));
        }
    }

    /// Those who have been told equally much are told the same.
    fn announce_to_all(&mut self, version: u64) {
        let mut behind: BTreeMap<u64, Vec<SessionId>> = BTreeMap::new();
        for &(told, session) in self.watchers.everyone.range(..(version, SessionId(0))) {
            behind.entry(told).or_default().push(session);
        }
        for (told, sessions) in behind {
            let some: Vec<_> = self.presences.since(told).take(PRESENCES_PER_EVENT).collect();
            let upto = match some.last() {
                Some(&(last, _)) if some.len() == PRESENCES_PER_EVENT => last,
                _ => version,
            };
            for &session in &sessions {
                self.watchers.leave(session);
                self.watchers.watch_everyone(session, upto);
            }
            let changes = some.into_iter().filter_map(|(_, account)| self.present(account)).collect();
            self.push(sessions, Event::Presence { version: upto, changes });
        }
    }

    fn announce_to_some(&mut self, version: u64) {
        for session in self.watchers.stirred.iter().copied().collect::<Vec<_>>() {
            let Some(WatchScope::Some { changed, .. }) = self.watchers.by_session.get_mut(&session) else { continue };
            let mut some = Vec::new();
            while some.len() < PRESENCES_PER_EVENT
                && let Some(account) = changed.pop_first()
            {
                some.push(account);
            }
            if changed.is_empty() {
                self.watchers.stirred.remove(&session);
            }
            let changes = some.into_iter().filter_map(|account| self.present(account)).collect();
            self.push(vec![session], Event::Presence { version, changes });
        }
    }
}
