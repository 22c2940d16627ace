//! The program: events from the network, the windows and the icon go in, one at a time; the model decides; windows, icon, popups and
//! network are told.

mod account;
mod connect;
mod desk;
mod draw;
mod files;
mod gestures;
mod memory;
mod places;
mod popups;
mod replies;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use belfry_core::chat::{FileId, NoticeId};
use belfry_core::client::Update;
use belfry_core::net::search::Sightings;
use belfry_core::net::{Clock, Handle, InWords};
use belfry_core::time::{Instant, Now};

use crate::cache::{Cache, CacheAnswer, CacheOwner};
use crate::downloads::Downloads;
use crate::model::{Effect, Intent, Model, ScreenPart};
use crate::outbox::Outbox;
use crate::platform::files::Folder;
use crate::platform::hotkey::Hotkey;
use crate::platform::idle::Watcher;
use crate::platform::keys::Keyring;
use crate::platform::policy::Policy;
#[cfg(target_os = "linux")]
use crate::platform::screens;
use crate::platform::screens::Screens;
use crate::platform::session;
use crate::settings::UserSettings;
use crate::transfer::{TransferEvent, Transfers};
use crate::tray::host::{Host, IconEvent};
use crate::tray::menu::Choice;
use crate::view::about::AboutView;
use crate::view::chat::ChatView;
use crate::view::look;
use crate::view::run::{self, Alarm, EventHandler, Post};
use crate::view::settings::{SettingsView, WhyView};
use crate::view::sign_in::SignInView;
use crate::view::{Gesture, NoDisplay, Sink};
use crate::when::Wall;

use account::AccountPlace;
use connect::Connecting;
pub use connect::Resolved;
use desk::DeskPlace;
use places::Panes;
use popups::Popups;

/// The file of the settings in the profile folder.
pub const SETTINGS: &str = "settings.toml";

/// How often the clock on the wall is looked at: whether the system has another time zone by now, which it is asked for once in five
/// minutes at most, and whether another day has begun.
const WALL_AGAIN: Duration = Duration::from_mins(1);

/// Where nobody is to be said to be away, nobody uses a screen any more that was not touched for so long: the usual time for being away.
const UNUSED_AFTER: Duration = Duration::from_mins(10);

/// Everything that wakes the program.
#[derive(Debug)]
pub enum AppEvent {
    /// From the network; the number says which connection, so that one that was given up is not believed.
    Heard(u64, Update),
    /// A connection's thread has ended.
    Ended(u64),
    /// The server's name has been looked up.
    Resolved(u64, Resolved),
    /// Servers answered on this network.
    Found(Sightings),
    /// What was looked for among what is remembered.
    Remembered(CacheAnswer),
    /// A person did something in a window.
    Person(Gesture),
    /// Something about the icon.
    Icon(IconEvent),
    /// The program was started a second time.
    Raise,
    /// The hotkey was pressed.
    Summoned,
    /// The screen was locked, or opened again.
    Locked(bool),
    /// A monitor came, went or moved.
    ScreensChanged,
    /// Nobody has touched keyboard or mouse for long, or somebody has again.
    Idle(bool),
    /// The alarm rang.
    Alarm,
    /// The person chose a file to save the conversation in.
    SaveInto(std::path::PathBuf),
    /// A file is further on its way.
    Transferred(TransferEvent),
    /// The person chose a place for a file of a message.
    FetchInto(FileId, std::path::PathBuf),
    /// The person chose files, to be sent with what they are writing at this place.
    Attach(String, Vec<std::path::PathBuf>),
    /// The administrator chose a file for the ledger.
    ExportInto(std::path::PathBuf),
}

/// What the program was told when it was started.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Show the chat window at once.
    pub show: bool,
    /// The password, from the environment, for computers that are set up by script.
    pub password: Option<String>,
    /// Make an account of the name in the settings, with a password that nobody knows: from then on the device's key signs in.
    pub register: bool,
    /// What an administrator has settled.
    pub policy: Policy,
}

/// Why the program cannot run; displays as a sentence.
#[derive(Debug)]
pub enum CannotRun {
    /// There is no display.
    NoDisplay(NoDisplay),
    /// The system has no thread to give.
    Io(std::io::Error),
}

impl fmt::Display for CannotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDisplay(error) => write!(f, "The windows cannot be opened: {error}. Start this program on a desktop."),
            Self::Io(error) => write!(f, "The program cannot start: {}.", InWords(error)),
        }
    }
}

impl std::error::Error for CannotRun {}

impl From<NoDisplay> for CannotRun {
    fn from(error: NoDisplay) -> Self {
        Self::NoDisplay(error)
    }
}

/// What is to be drawn again when nothing more waits.
#[derive(Default)]
struct Stale {
    connection: bool,
    conversations: bool,
    people: bool,
    notices: bool,
    lines: bool,
    to_end: bool,
    desk: bool,
    account: bool,
    rooms: bool,
    found: bool,
    typing: bool,
}

impl Stale {
    const EVERYTHING: Self = Self {
        connection: true,
        conversations: true,
        people: true,
        notices: true,
        lines: true,
        to_end: true,
        desk: true,
        account: true,
        rooms: true,
        found: true,
        typing: true,
    };
}

/// Everything that the windows' thread owns.
pub struct App {
    post: Post<AppEvent>,
    sink: Sink,
    clock: Clock,
    wall: Wall,
    /// When the clock on the wall was looked at last.
    wall_read: Now,
    folder: Folder,
    settings: UserSettings,
    policy: Policy,
    keys: Keyring,
    model: Model,
    link: Option<Handle>,
    outbox: Outbox,
    transfers: Transfers,
    downloads: Downloads,
    chosen: files::ChosenFiles,
    /// Of which server and account the model is.
    whose: (String, String),
    cache: Cache,
    /// Whose data it holds.
    owner: Option<CacheOwner>,
    remember_at: Option<Instant>,
    connecting: Connecting,
    stale: Stale,
    chat: ChatView,
    sign_in: Option<SignInView>,
    settings_view: Option<SettingsView>,
    why: Option<WhyView>,
    /// The notice that it is about; how everything stands, for none.
    why_about: Option<NoticeId>,
    about: Option<AboutView>,
    desk: DeskPlace,
    account: AccountPlace,
    panes: Panes,
    popups: Popups,
    icon: Host,
    icon_visible: bool,
    /// Or the sentence that says why there is none.
    hotkey: Result<Hotkey, String>,
    locked: bool,
    /// Nobody has touched keyboard or mouse for long.
    idle: bool,
    watcher: Watcher,
    screens: Screens,
    alarm: Alarm,
    search: String,
    /// The chat window is in front and in use.
    attended: bool,
    /// The hotkey has brought the chat window up, which was not there.
    summoned: bool,
    /// Ending, at the latest then.
    quit_at: Option<Instant>,
    /// Something to know once, at the bottom of the chat window.
    remark: String,
    /// What stands in the composers of conversations that are not shown.
    drafts: BTreeMap<String, String>,
    replies: replies::Replies,
}

impl App {
    /// The program with its windows, hidden; it signs in, or asks how.
    ///
    /// # Errors
    /// [`CannotRun`].
    pub fn start(post: Post<AppEvent>, folder: Folder, settings: UserSettings, keys: Keyring, wishes: Wishes) -> Result<Self, CannotRun> {
        look::set(&settings);
        let gestures = post.clone();
        let sink: Sink = Rc::new(move |gesture| {
            gestures.send(AppEvent::Person(gesture));
        });
        let chat = ChatView::new(&sink)?;
        let outbox = Outbox::open(&folder).map_err(CannotRun::Io)?;
        let downloads = Downloads::open(&folder);
        let moved = post.clone();
        let transfers = Transfers::start(move |event| {
            moved.send(AppEvent::Transferred(event));
        })
        .map_err(CannotRun::Io)?;
        let found = post.clone();
        let cache = Cache::open(folder.path(), move |what| {
            found.send(AppEvent::Remembered(what));
        });
        let model = Model::new(settings.server.clone());
        let clock = Clock::start();
        let wall_read = clock.now();
        let heard = post.clone();
        let icon = Host::start(draw::icon_state(&model), move |what| {
            heard.send(AppEvent::Icon(what));
        })
        .map_err(CannotRun::Io)?;
        let locks = post.clone();
        session::watch(move |locked| {
            locks.send(AppEvent::Locked(locked));
        })
        .map_err(CannotRun::Io)?;
        #[cfg(target_os = "linux")]
        {
            let changes = post.clone();
            screens::watch(move || {
                changes.send(AppEvent::ScreensChanged);
            })
            .map_err(CannotRun::Io)?;
        }
        let untouched = post.clone();
        let watcher = Watcher::start(Some(settings.away_after().unwrap_or(UNUSED_AFTER)), move |idle| {
            untouched.send(AppEvent::Idle(idle));
        })
        .map_err(CannotRun::Io)?;
        let summon = post.clone();
        let hotkey = Hotkey::take(&settings.hotkey, move || {
            summon.send(AppEvent::Summoned);
        });
        let mut app = Self {
            post,
            sink,
            clock,
            wall: Wall::here(),
            wall_read,
            folder,
            settings,
            policy: wishes.policy,
            keys,
            model,
            link: None,
            outbox,
            transfers,
            downloads,
            chosen: BTreeMap::new(),
            whose: (String::new(), String::new()),
            cache,
            owner: None,
            remember_at: None,
            connecting: Connecting::default(),
            stale: Stale::EVERYTHING,
            chat,
            sign_in: None,
            settings_view: None,
            why: None,
            why_about: None,
            about: None,
            desk: DeskPlace::default(),
            account: AccountPlace::default(),
            panes: Panes::default(),
            popups: Popups::default(),
            icon,
            icon_visible: false,
            hotkey,
            locked: false,
            idle: false,
            watcher,
            screens: Screens::open(),
            alarm: Alarm::default(),
            search: String::new(),
            attended: false,
            summoned: false,
            quit_at: None,
            remark: String::new(),
            drafts: BTreeMap::new(),
            replies: BTreeMap::new(),
        };
        let (server, account) = (app.settings.server.clone(), app.settings.account.clone());
        app.recall(&server, &account);
        app.restore_window();
        if wishes.show {
            app.show_chat();
        }
        match wishes.password {
            Some(password) if !app.settings.server.is_empty() && !app.settings.account.is_empty() => {
                let (server, account) = (app.settings.server.clone(), app.settings.account.clone());
                app.sign_in_as(&server, &account, password, false);
            }
            _ if app.sign_in_by_device() => {}
            _ if wishes.register => app.register_silently(),
            _ => app.ask_to_sign_in(),
        }
        Ok(app)
    }

    fn now(&self) -> Now {
        self.clock.now()
    }

    /// Tells the model, and does what it says.
    fn act(&mut self, intent: Intent) {
        let effects = self.model.act(self.now(), intent);
        self.perform(effects);
        self.remember_soon();
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Tell(command) => {
                    self.keep_own(&command);
                    if let Some(link) = &self.link {
                        // An ended connection is heard of by itself.
                        let _ = link.send(command);
                    }
                }
                Effect::SendFile { ticket, post, to, room, text, found } => self.send_file(ticket, post, to, room, text, found),
                Effect::GiveUpFile(ticket) => self.give_up_file(ticket),
                Effect::LookUp(lookup) => self.remind(lookup),
                Effect::Redraw(ScreenPart::Connection) => self.stale.connection = true,
                Effect::Redraw(ScreenPart::Conversations) => {
                    self.stale.conversations = true;
                    self.stale.connection = true;
                }
                Effect::Redraw(ScreenPart::Lines(place)) => {
                    self.stale.typing = true;
                    self.stale.lines |= self.model.shown().is_some_and(|shown| *shown.place() == place);
                    self.stale.conversations = true;
                }
                Effect::Redraw(ScreenPart::People) => {
                    self.stale.people = true;
                    self.stale.account = true;
                    self.stale.conversations = true;
                    self.stale.desk = true;
                    self.stale.rooms = true;
                }
                Effect::Redraw(ScreenPart::Notices) => {
                    self.stale.notices = true;
                    self.stale.connection = true;
                }
                Effect::Redraw(ScreenPart::Desk) => self.stale.desk = true,
                Effect::Redraw(ScreenPart::Account) => self.stale.account = true,
                Effect::PopUpNotice(id) => self.pop_up_notice(id),
                Effect::EndPopUp(id) => self.end_popup(id),
                Effect::PopUpMessage { place, message } => self.pop_up_message(&place, &message),
                Effect::Redraw(ScreenPart::Rooms) => self.stale.rooms = true,
                Effect::Redraw(ScreenPart::Search | ScreenPart::Reactors) => self.stale.found = true,
                Effect::GoTo(place) => self.go_to(&place),
                Effect::PutOut(place) => self.put_out(&place),
                Effect::Refused(refusal) => {
                    self.remark = refusal
                        .map_or_else(|| "The connection was lost before the server answered.".to_owned(), |refusal| refusal.to_string());
                    self.stale.connection = true;
                }
                Effect::Exit => self.end(),
            }
        }
    }

    /// Everything is on the disk, and nothing more is to be done.
    fn end(&mut self) {
        self.remember();
        let last = self.model.last_witness(self.now().wall);
        // Untold, the program seems to have ended with what was told last.
        let _ = self.cache.write(vec![last]);
        self.cache.close();
        run::quit();
    }

    fn show_chat(&mut self) {
        if let Err(error) = self.chat.show() {
            self.complain(&error);
        }
        self.stale.lines = true;
        self.stale.to_end = true;
    }

    /// Whoever has travelled, and whoever has slept over midnight, reads the times of here and today.
    fn look_at_the_wall(&mut self) {
        let now = self.now();
        if self.wall_read.instant + WALL_AGAIN > now.instant {
            return;
        }
        let wall = Wall::here();
        if self.wall.is_overtaken(self.wall_read.wall, &wall, now.wall) {
            self.wall = wall;
            // Nobody is moved away from what they are reading.
            self.stale = Stale { to_end: self.stale.to_end, ..Stale::EVERYTHING };
            self.dress_popups();
        }
        self.wall_read = now;
        // That the program runs is remembered, too.
        self.remember_soon();
    }

    /// There is nothing to show it on but the standard error.
    #[expect(clippy::unused_self, reason = "who complains is the program")]
    fn complain(&self, error: &NoDisplay) {
        eprintln!("belfry-tray: a window cannot be shown: {error}");
    }

    fn keep_settings(&mut self) {
        if let Err(error) = self.folder.write(SETTINGS, self.settings.write()) {
            self.remark = format!("The settings cannot be kept: {}.", InWords(&error));
            self.stale.connection = true;
        }
    }

    /// When something is to be done without being asked: a popup leaves, a sentence counts down, quiet hours begin or end.
    fn set_alarm(&mut self) {
        let now = self.now().instant;
        let waits: BTreeSet<Instant> =
            [self.popups.next(now), self.countdown(now), self.quiet_change(now), self.remember_at(), self.model.typing_until(now)]
                .into_iter()
                .chain([self.members_due(), Some(self.wall_read.instant + WALL_AGAIN)])
                .flatten()
                .collect();
        let post = self.post.clone();
        self.alarm.set(waits.first().map(|at| at.since(now)), move || {
            post.send(AppEvent::Alarm);
        });
    }
}

impl EventHandler<AppEvent> for App {
    fn handle(&mut self, event: AppEvent) {
        match event {
            AppEvent::Heard(connection, update) => self.hear(connection, update),
            AppEvent::Ended(connection) => self.link_ended(connection),
            AppEvent::Resolved(connection, resolved) => self.resolved(connection, resolved),
            AppEvent::Found(servers) => self.found(&servers),
            AppEvent::Remembered(found) => self.looked_up(found),
            AppEvent::Person(gesture) => self.gesture(gesture),
            AppEvent::Icon(IconEvent::Clicked) => {
                if self.chat.is_visible() {
                    self.gesture(Gesture::CloseChat);
                    self.chat.hide();
                } else {
                    self.raise();
                }
            }
            AppEvent::Icon(IconEvent::Chosen(choice)) => self.choose(choice),
            AppEvent::Icon(IconEvent::Visible(visible)) => self.icon_visible = visible,
            AppEvent::Icon(IconEvent::Hidden(hidden)) => self.lock(hidden),
            AppEvent::Icon(IconEvent::Back) => self.act(Intent::TryNow),
            AppEvent::Icon(IconEvent::Ending) => self.choose(Choice::Quit),
            AppEvent::Raise => self.raise(),
            AppEvent::Summoned => self.show_newest_notice(),
            AppEvent::Locked(locked) => self.lock(locked),
            AppEvent::ScreensChanged | AppEvent::Icon(IconEvent::ScreensChanged) => self.arrange_popups(),
            AppEvent::Idle(idle) => self.idle(idle),
            AppEvent::Alarm => self.alarm_rang(),
            AppEvent::SaveInto(file) => self.save_into(&file),
            AppEvent::ExportInto(file) => self.export_into(file),
            AppEvent::Transferred(event) => self.transferred(event),
            AppEvent::FetchInto(file, path) => self.fetch_into(file, &path),
            AppEvent::Attach(place, paths) => self.attach_at(place, paths),
        }
    }

    fn settle(&mut self) {
        self.look_at_the_wall();
        let on_screen = self.chat.is_on_screen();
        if self.model.is_on_screen() != on_screen {
            self.act(Intent::Show(on_screen));
        }
        self.leave_the_desk();
        self.redraw();
        self.set_alarm();
    }
}
