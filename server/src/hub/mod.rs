//! What the server decides: who may do what, who hears of it, what is to be stored. Requests and answers of the store come in,
//! effects and jobs come out; nothing here knows a connection, a thread or a clock.

mod accounts;
mod audit;
mod clock;
mod devices;
mod directory;
mod done;
mod export;
mod files;
mod groups;
mod ledger;
mod lists;
mod messages;
mod notices;
mod pending;
mod presence;
mod quotas;
mod requests;
mod retention;
mod rooms;
mod rules;
mod searching;
mod sign_in;
mod tidying;
mod watching;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use belfry_core::chat::{
    AccountId, AccountName, Answer, ConversationId, Event, Page, Password, Person, Place, Refusal, ServerStatus, Timeline,
};
use belfry_core::limits::{PAGE_BYTES_MAX, PAGE_ENTRIES_MAX};
use belfry_core::time::{Instant, Now, UnixMillis};
use belfry_core::wire::{Channel, CloseCode};
use jiff::tz::TimeZone;
use serde::Serialize;

use self::clock::WallClock;
use self::devices::Devices;
use self::directory::Directory;
use self::export::Scope;
pub use self::files::FileCounts;
use self::files::Files;
use self::lists::Lists;
use self::notices::{Agenda, Arrivals, Due, Guard, ProgressReports, Schedules, ScreenReports, Templates};
use self::pending::{Pending, PendingJob};
pub use self::presence::Headcount;
use self::presence::Presences;
use self::quotas::Quotas;
use self::requests::Context;
use self::rooms::Rooms;
pub use self::rules::{Profiles, Rates, Retention, Rules, spelled};
use self::searching::Searching;
use self::tidying::Tidying;
use self::watching::Watchers;
use crate::contents::ContentJob;
use crate::session::SignedIn;
use crate::store::{Job, JobTicket, Opening, StoredAccount, StoredLogin, StoredPerson, Target, Work};

/// Effects that the queue keeps room for while there are none.
const IDLE_EFFECTS: usize = 1024;

/// The hub's name for one client's connection from its first message to its end; never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SessionId(pub(crate) u64);

/// Whether people may make their own accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Whoever reaches the server may.
    Open,
    /// Only administrators make accounts.
    Closed,
}

/// What the hub cannot find out by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Whether people may make their own accounts, until [`Hub::set_rules`] says otherwise.
    pub registration: Registration,
    /// When the server started.
    pub started_at: UnixMillis,
    /// Where the server is: whose clocks a scheduled notice means that names no zone.
    pub time_zone: TimeZone,
}

/// What is to be done because of what the hub decided.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// Hand this to the store; the answer comes to [`Hub::handle_done`].
    Job(Job),
    /// Hand this to the folder of contents; the answer comes to [`Hub::handle_content`].
    Content(ContentJob),
    /// So many bytes of files may be on their way from this session.
    FileWindow { session: SessionId, bytes: u64 },
    /// Make a hash of this password; it comes to [`Hub::handle_hashed`].
    Hash { ticket: JobTicket, session: SessionId, password: Password },
    /// What [`Hub::look_up`] has found; `None` when there is no such account.
    LookedUp { session: SessionId, result: Result<Option<Box<StoredLogin>>, Refusal> },
    /// What became of [`Hub::register`].
    Registered { session: SessionId, result: Result<AccountId, Refusal> },
    /// The session is signed in from here on. Its answer and what it comes back to follow.
    Entered { session: SessionId },
    /// Answer a request. Each request that was handed in is answered once.
    Reply { to: ReplyTo, result: Result<Answer, Refusal> },
    /// Tell these sessions something.
    Push { to: Vec<SessionId>, event: Event },
    /// End a session, which the hub has forgotten already, and tell its client why.
    Expel { session: SessionId, code: CloseCode },
    /// An account has a new password: whoever is about to sign in with the old one has to try again.
    PasswordChanged { account: AccountId },
}

/// To which request of whom an answer goes, and on which channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReplyTo {
    /// Whose request.
    pub(crate) session: SessionId,
    /// The number that its client has given it.
    pub(crate) id: u32,
    /// The channel of the answer.
    pub(crate) channel: Channel,
}

/// Everything the server knows about those who are here and what they are doing.
#[derive(Debug)]
pub(crate) struct Hub {
    config: Config,
    rules: Rules,
    /// A retention that was read again and waits for what it would delete to be counted.
    reloaded: Option<Retention>,
    tidying: Tidying,
    /// What administrators have said that they export, by session.
    exports: BTreeMap<SessionId, Scope>,
    /// How many accounts there are.
    accounts: u64,
    /// In which everybody is told numbers.
    timeline: Timeline,
    directory: Directory,
    rooms: Rooms,
    presences: Presences,
    watchers: Watchers,
    lists: Lists,
    /// Sessions whose signing in is at the store.
    entering: BTreeSet<SessionId>,
    devices: Devices,
    templates: Templates,
    schedules: Schedules,
    agenda: Agenda,
    guard: Guard,
    searching: Searching,
    quotas: Quotas,
    files: Files,
    reports: ProgressReports,
    arrivals: Arrivals,
    screens: ScreenReports,
    waiting: Pending,
    /// The numbers in the next status that only the transport knows; the others are not looked at.
    transport_status: ServerStatus,
    effects: VecDeque<Effect>,
    clock: WallClock,
}

impl Hub {
    /// A hub that knows what was stored, and nobody is here.
    pub(crate) fn new(opening: Opening, config: Config) -> Self {
        let schedules = Schedules::new(opening.schedules);
        let mut agenda = Agenda::default();
        for (schedule, at) in schedules.times() {
            agenda.set(Due::Occurrence(schedule), at);
        }
        for (at, notice) in opening.reminders {
            agenda.set(Due::Reminder(notice), Some(at));
        }
        Self {
            rules: Rules::with_registration(config.registration),
            reloaded: None,
            config,
            tidying: Tidying::default(),
            exports: BTreeMap::new(),
            accounts: opening.accounts,
            timeline: opening.timeline,
            directory: Directory::default(),
            rooms: Rooms::new(opening.rooms, opening.closed_rooms_differ),
            presences: Presences::default(),
            watchers: Watchers::default(),
            lists: Lists::default(),
            entering: BTreeSet::new(),
            devices: Devices::default(),
            templates: Templates::new(opening.templates),
            schedules,
            agenda,
            guard: Guard::default(),
            searching: Searching::default(),
            quotas: Quotas::default(),
            files: Files::default(),
            reports: ProgressReports::default(),
            arrivals: Arrivals::default(),
            screens: ScreenReports::default(),
            waiting: Pending::default(),
            transport_status: ServerStatus::default(),
            effects: VecDeque::new(),
            clock: WallClock::new(opening.newest),
        }
    }

    /// The account of somebody who is here.
    pub(crate) fn account(&self, id: AccountId) -> Option<&StoredAccount> {
        self.directory.get(id)
    }

    /// Whether people may make their own accounts.
    pub(crate) const fn registration(&self) -> Registration {
        self.rules.registration
    }

    /// How many are here.
    pub(crate) fn headcount(&self) -> Headcount {
        Headcount {
            sessions: self.presences.sessions_count() as u64,
            people_online: self.presences.people_count() as u64,
            accounts: self.accounts,
        }
    }

    /// What has happened to files.
    pub(crate) fn file_counts(&self) -> FileCounts {
        self.files.counts()
    }

    /// What the transport has counted, for the status that is answered next.
    pub(crate) fn set_transport_status(&mut self, status: ServerStatus) {
        self.transport_status = status;
    }

    /// The rules that hold now.
    pub(crate) const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The rules to begin with, or others that may hold at once.
    pub(crate) fn set_rules(&mut self, now: Now, rules: Rules) {
        self.rules = rules;
        self.check_disk_reserve();
        self.begin_tidying(now);
        self.files.sweep_later(now);
    }

    /// Time passed.
    pub(crate) fn handle_timeout(&mut self, now: Now) {
        self.check_clock(now);
        self.handle_agenda(now);
        self.note_arrivals(now);
        self.note_screens(now);
        self.report_progress(now);
        self.announce(now);
        self.announce_lists(now);
        self.tidy(now);
        self.sweep_contents(now);
    }

    /// The server stops: note what has reached whom, and when those who are here were last here.
    pub(crate) fn stop(&mut self, now: Now) {
        self.note_all(now);
        for (session, account) in self.presences.sessions().collect::<Vec<_>>() {
            if let Some(device) = self.devices.device_of(session) {
                self.note_seen(now, account, device);
            }
        }
    }

    /// What to do next, until there is nothing more.
    pub(crate) fn poll(&mut self) -> Option<Effect> {
        let effect = self.effects.pop_front();
        if self.effects.is_empty() {
            // A storm's room is given back.
            self.effects.shrink_to(IDLE_EFFECTS);
        }
        effect
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(crate) fn deadline(&self, now: Now) -> Option<Instant> {
        let others = [
            self.watchers.deadline(self.presences.version()),
            self.lists.deadline(),
            self.reports.deadline(),
            self.arrivals.deadline(),
            self.screens.deadline(),
            self.agenda.deadline(now),
            self.tidying.deadline(),
            self.files.deadline(),
        ];
        others.into_iter().flatten().chain([self.clock.deadline()]).min()
    }

    // --- What several of the above lean on -----------------------------------------------------------------------------------

    fn reply(&mut self, to: ReplyTo, result: Result<Answer, Refusal>) {
        self.effects.push_back(Effect::Reply { to, result });
    }

    fn push(&mut self, to: Vec<SessionId>, event: Event) {
        if !to.is_empty() {
            self.effects.push_back(Effect::Push { to, event });
        }
    }

    fn push_to_account(&mut self, account: AccountId, event: Event) {
        self.push(self.presences.sessions_of(account).collect(), event);
    }

    /// Hands a job to the store and remembers what it is for.
    fn submit(&mut self, now: Now, work: Work, waiting: PendingJob) -> Result<(), Refusal> {
        let ticket = self.waiting.enter(waiting)?;
        self.effects.push_back(Effect::Job(Job { ticket, at: now.wall, work }));
        Ok(())
    }

    /// Whether `name` is the name of who asks.
    fn is_own(&self, from: &SignedIn, name: &AccountName) -> bool {
        self.directory.get(from.account()).is_some_and(|own| own.name.key() == name.key())
    }

    /// Where a message to `place` goes; of a room whose number is said, the name may be an old one. The store sees who is in it.
    fn target(&self, place: Place, room: Option<ConversationId>) -> Result<Target, Refusal> {
        match (place, room) {
            (Place::Room(_), Some(room)) => Ok(Target::Room(room)),
            (Place::Room(name), None) => self.rooms.find(&name).map(Target::Room),
            (Place::Direct(name), _) => Ok(Target::Direct(name)),
        }
    }

    /// A page of people with what the store cannot know: who is here.
    fn people_read(&self, people: Page<StoredPerson>) -> Answer {
        let person = |StoredPerson { id, name, last_seen, profile }| Person {
            account: name,
            presence: self.presences.presence(id),
            last_seen: self.directory.last_seen(id, last_seen),
            profile,
        };
        page(people.entries.into_iter().map(person), people.more).into()
    }
}

/// What may keep a scheduled notice from being sent, as something that is done all the same only when that is confirmed.
fn unless_it_stops_notices(confirmed: bool, work: Work) -> Work {
    if confirmed { work } else { Work::UnlessItStopsNotices(Box::new(work)) }
}

/// As many of `complete` as fit one page, at least one if there are any; `more` follow behind them in any case.
fn page<T: Serialize>(complete: impl IntoIterator<Item = T>, more: bool) -> Page<T> {
    let (mut entries, mut bytes) = (Vec::new(), 0);
    for entry in complete {
        bytes += belfry_core::chat::encoded_bytes(&entry).unwrap_or(PAGE_BYTES_MAX);
        if !entries.is_empty() && (bytes > PAGE_BYTES_MAX || entries.len() >= PAGE_ENTRIES_MAX as usize) {
            return Page { entries, more: true };
        }
        entries.push(entry);
    }
    Page { entries, more }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Presence, Role};

    use super::*;
    use crate::limits::{LEFT_LATELY_MAX, PRESENCE_INTERVAL};

    /// A hub of a new house.
    pub(super) fn hub() -> Hub {
        let config = Config { registration: Registration::Open, started_at: UnixMillis(1_800_000_000_000), time_zone: TimeZone::UTC };
        Hub::new(Opening::default(), config)
    }

    #[test]
    fn a_page_ends_before_what_is_too_much_and_has_one_entry_at_least() {
        let fits = |texts: &[String]| {
            let Page { entries, more } = page(texts.iter(), false);
            (entries.len(), more)
        };
        let beside = belfry_core::chat::encoded_bytes(&"x".repeat(1000)).unwrap() - 1000;
        let half = "x".repeat(PAGE_BYTES_MAX / 2 - beside);
        assert_eq!(fits(&[half.clone(), half.clone()]), (2, false));
        assert_eq!(fits(&[half.clone(), half.clone(), half]), (2, true));
        assert_eq!(fits(&["x".repeat(2 * PAGE_BYTES_MAX), String::new()]), (1, true));
        let most = PAGE_ENTRIES_MAX as usize;
        assert_eq!(fits(&vec![String::new(); most]), (most, false));
        assert_eq!(fits(&vec![String::new(); most + 1]), (most, true));
        assert!(page([1, 2], true).more, "what follows behind them");
    }

    #[test]
    fn who_has_left_is_known_by_name_until_everybody_was_told_and_only_so_many_longer() {
        let mut hub = hub();
        let looks = SessionId(u64::MAX);
        hub.presences.arrive(Now::default(), looks, AccountId(u64::MAX));
        hub.watchers.watch_everyone(looks, hub.presences.version());
        let count = LEFT_LATELY_MAX as u64 + 1;
        for id in 1..=count {
            let name = AccountName::new(&format!("person {id}")).unwrap();
            hub.directory.arrive(StoredAccount { id: AccountId(id), name, role: Role::Member, disabled: false, last_seen: None });
            hub.presences.arrive(Now::default(), SessionId(id), AccountId(id));
        }
        hub.announce(Now::default());
        for id in 1..=count {
            hub.ended(Now::default(), SessionId(id));
        }
        let known = |hub: &Hub| (1..=count).filter(|&id| hub.account(AccountId(id)).is_some()).count();
        assert_eq!(known(&hub), LEFT_LATELY_MAX + 1, "nobody was told yet");
        for second in 1..100 {
            hub.announce(Now { instant: Instant::START + PRESENCE_INTERVAL * second, ..Now::default() });
        }
        assert_eq!(known(&hub), LEFT_LATELY_MAX);
        let told = std::iter::from_fn(|| hub.poll()).filter_map(|effect| match effect {
            Effect::Push { event: Event::Presence { changes, .. }, .. } => {
                Some(changes.iter().filter(|change| change.presence == Presence::Offline).count())
            }
            _ => None,
        });
        assert_eq!(told.sum::<usize>() as u64, count, "each with their name");
    }
}
