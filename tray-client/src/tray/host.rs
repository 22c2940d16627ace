//! The icon in the system's notification area, on a thread of its own: its menu may stay open as long as it likes, and no popup waits.

#[cfg(windows)]
mod resident;

use std::sync::mpsc;
#[cfg(not(windows))]
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::Duration;

use belfry_core::chat::Role;
use tray_icon::menu::{CheckMenuItem, IsMenuItem, Menu, MenuEvent, MenuItem, PredefinedMenuItem};
use tray_icon::{Icon, MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};

use super::icon::{self, Taskbar};
use super::menu::{self, Choice, MenuEntry};
use crate::model::Summary;
use crate::words::say;

/// How long after a failure the icon is tried again: a desktop may come up after this program.
const AGAIN: Duration = Duration::from_secs(30);

/// Pixels that every desktop scales well from.
#[cfg(not(windows))]
const PIXELS: u32 = 32;

/// What the icon is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IconState {
    /// In a picture.
    pub summary: Summary,
    /// In words.
    pub tooltip: String,
    /// For whom the menu is.
    pub role: Option<Role>,
    /// Whether popups are held back.
    pub do_not_disturb: bool,
    /// Whether the menu speaks Chinese.
    pub chinese: bool,
}

/// What is heard of the icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IconEvent {
    /// It was clicked: the window is to be opened, or hidden.
    Clicked,
    /// This was chosen from its menu.
    Chosen(Choice),
    /// It stands in the notification area, or there is none.
    Visible(bool),
    /// Nobody can see the screen, because it is locked or nobody is connected to it; or somebody can again.
    Hidden(bool),
    /// The computer has slept, or somebody has come back to it: connections may be dead without knowing it.
    Back,
    /// A monitor came, went or changed, or the taskbar covers another part of one. Heard here on Windows only.
    ScreensChanged,
    /// The system ends the session: the program must end now.
    Ending,
}

/// The icon. Dropping it takes it away.
#[derive(Debug)]
pub struct Host {
    states: mpsc::Sender<IconState>,
    #[cfg(windows)]
    waker: std::sync::Arc<std::sync::OnceLock<crate::platform::windows_messages::WindowWaker>>,
    #[cfg(windows)]
    thread: Option<thread::JoinHandle<()>>,
}

impl Host {
    /// Puts the icon into the notification area, now or when there is one.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(first: IconState, hear: impl Fn(IconEvent) + Clone + Send + Sync + 'static) -> std::io::Result<Self> {
        let (states, receiver) = mpsc::channel();
        let clicked = hear.clone();
        TrayIconEvent::set_event_handler(Some(move |event| {
            if let TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. } = event {
                clicked(IconEvent::Clicked);
            }
        }));
        let chosen = hear.clone();
        MenuEvent::set_event_handler(Some(move |event: MenuEvent| {
            if let Some(choice) = choice(event.id().as_ref()) {
                chosen(IconEvent::Chosen(choice));
            }
        }));
        let thread = thread::Builder::new().name("tray".into());
        #[cfg(not(windows))]
        {
            thread.spawn(move || keep(first, &receiver, &hear))?;
            Ok(Self { states })
        }
        #[cfg(windows)]
        {
            let waker = std::sync::Arc::default();
            let filled = std::sync::Arc::clone(&waker);
            let thread = thread.spawn(move || resident::keep(first, receiver, &filled, hear))?;
            Ok(Self { states, waker, thread: Some(thread) })
        }
    }

    /// Has the icon say this from now on; its thread takes only the newest.
    pub fn tell(&self, state: IconState) {
        // Without its thread there is no icon to tell.
        let _ = self.states.send(state);
        #[cfg(windows)]
        if let Some(waker) = self.waker.get() {
            waker.wake();
        }
    }
}

/// Windows shows the icon of a program that has ended until the pointer passes over it, unless the program takes it away.
#[cfg(windows)]
impl Drop for Host {
    fn drop(&mut self) {
        self.states = mpsc::channel().0;
        if let (Some(waker), Some(thread)) = (self.waker.get(), self.thread.take()) {
            waker.wake();
            // A thread that has panicked has no icon any more.
            let _ = thread.join();
        }
    }
}

#[cfg(not(windows))]
fn keep(mut state: IconState, states: &mpsc::Receiver<IconState>, hear: &impl Fn(IconEvent)) {
    let mut icon = None;
    loop {
        if icon.is_none() {
            icon = put(&state).map(|(icon, _)| icon);
            hear(IconEvent::Visible(icon.is_some()));
        }
        let patience = if icon.is_some() { Duration::from_secs(u64::from(u32::MAX)) } else { AGAIN };
        match states.recv_timeout(patience) {
            Ok(new) => {
                // Only the newest matters.
                let new = states.try_iter().last().unwrap_or(new);
                if let Some(icon) = &icon {
                    change(icon, &state, &new);
                }
                state = new;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// The icon and its menu.
fn put(state: &IconState) -> Option<(TrayIcon, Menu)> {
    let menu = built(state)?;
    let builder = TrayIconBuilder::new()
        .with_id("belfry")
        .with_title("Belfry")
        .with_tooltip(&state.tooltip)
        .with_menu(Box::new(menu.clone()))
        .with_menu_on_left_click(false)
        .with_icon(picture(state.summary)?);
    Some((builder.build().ok()?, menu))
}

/// Makes the icon say something else, and gives its new menu, if there is one. A refused change is made good by the next one; there is
/// nobody who could do anything about it.
fn change(icon: &TrayIcon, old: &IconState, new: &IconState) -> Option<Menu> {
    if old.summary != new.summary {
        let _ = icon.set_icon(picture(new.summary));
    }
    if old.tooltip != new.tooltip {
        let _ = icon.set_tooltip(Some(&new.tooltip));
    }
    let same_menu = (old.role, old.do_not_disturb, old.chinese) == (new.role, new.do_not_disturb, new.chinese);
    let menu = if same_menu { None } else { built(new) }?;
    icon.set_menu(Some(Box::new(menu.clone())));
    Some(menu)
}

/// Says everything again: what was refused while there was no taskbar, in colours for the one there is.
#[cfg(windows)]
fn renew(icon: &TrayIcon, state: &IconState) {
    let _ = icon.set_icon(picture(state.summary));
    let _ = icon.set_tooltip(Some(&state.tooltip));
}

fn picture(summary: Summary) -> Option<Icon> {
    #[cfg(not(windows))]
    let (taskbar, pixels) = (Taskbar::Dark, PIXELS);
    #[cfg(windows)]
    let (taskbar, pixels) = {
        use crate::platform::windows_messages;
        (if windows_messages::taskbar_is_light() { Taskbar::Light } else { Taskbar::Dark }, windows_messages::icon_pixels())
    };
    let picture = icon::draw(summary, taskbar, pixels);
    Icon::from_rgba(picture.rgba, picture.size, picture.size).ok()
}

fn built(state: &IconState) -> Option<Menu> {
    let menu = Menu::new();
    for entry in menu::entries(state.role, state.do_not_disturb) {
        let item: Box<dyn IsMenuItem> = match entry {
            MenuEntry::Line => Box::new(PredefinedMenuItem::separator()),
            MenuEntry::Choice { choice, label, checked: Some(checked) } => {
                Box::new(CheckMenuItem::with_id(id(choice), say(label), true, checked, None))
            }
            MenuEntry::Choice { choice, label, checked: None } => Box::new(MenuItem::with_id(id(choice), say(label), true, None)),
        };
        menu.append(&*item).ok()?;
    }
    Some(menu)
}

const IDS: [(Choice, &str); 10] = [
    (Choice::Open, "open"),
    (Choice::Status, "status"),
    (Choice::DoNotDisturb, "quiet"),
    (Choice::QuietHalfHour, "quiet-half-hour"),
    (Choice::QuietHour, "quiet-hour"),
    (Choice::QuietUntilMorning, "quiet-until-morning"),
    (Choice::SendNotice, "notice"),
    (Choice::Settings, "settings"),
    (Choice::About, "about"),
    (Choice::Quit, "quit"),
];

fn id(choice: Choice) -> &'static str {
    IDS.iter().find(|(each, _)| *each == choice).map_or("", |(_, id)| id)
}

/// What a menu's identifier stands for; the window's menu uses the same.
pub fn choice(id: &str) -> Option<Choice> {
    IDS.iter().find(|(_, each)| *each == id).map(|(choice, _)| *choice)
}
