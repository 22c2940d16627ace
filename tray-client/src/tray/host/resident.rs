//! The icon's thread on Windows: it has a window, so it waits for messages, and is woken when the icon is to say something else.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use tray_icon::TrayIcon;
use tray_icon::menu::{ContextMenu as _, Menu};

use super::{AGAIN, IconEvent, IconState, change, put, renew};
use crate::platform::windows_messages::{self, Said, WindowWaker};

/// Windows ends the program soon after it was told that the session ends; so long the rest of it may take for its goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

struct Resident<H> {
    icon: TrayIcon,
    /// What the icon says.
    state: RefCell<IconState>,
    states: Receiver<IconState>,
    menu: RefCell<Menu>,
    hear: H,
}

/// Keeps the icon until nobody has anything more to tell it.
pub(super) fn keep(mut state: IconState, states: Receiver<IconState>, waker: &OnceLock<WindowWaker>, hear: impl Fn(IconEvent) + 'static) {
    let (icon, menu) = loop {
        if let Some(put) = put(&state) {
            break put;
        }
        hear(IconEvent::Visible(false));
        match states.recv_timeout(AGAIN) {
            Ok(new) => state = new,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    };
    hear(IconEvent::Visible(true));
    let resident = Rc::new(Resident { icon, state: RefCell::new(state), states, menu: RefCell::new(menu), hear });
    // The window is destroyed with the icon: what listens at it must not keep the icon.
    let listening = Rc::downgrade(&resident);
    let attended = windows_messages::attend(resident.icon.window_handle(), move |said| {
        if let Some(resident) = listening.upgrade() {
            resident.heard(said);
        }
    });
    let Ok(own) = attended else { return };
    let _ = waker.set(own);
    // What was told before there was a waker.
    own.wake();
    windows_messages::stay();
}

impl<H: Fn(IconEvent)> Resident<H> {
    fn heard(&self, said: Said) {
        match said {
            Said::Woken => self.follow(),
            Said::TaskbarChanged => renew(&self.icon, &self.state.borrow()),
            Said::ScreensChanged => (self.hear)(IconEvent::ScreensChanged),
            Said::Clicked => (self.hear)(IconEvent::Clicked),
            Said::MenuWanted => {
                // The menu stays as it is while it is open, but nothing may be borrowed meanwhile.
                let menu = self.menu.borrow().hpopupmenu();
                windows_messages::open_menu(self.icon.window_handle(), menu);
            }
            Said::Hidden(hidden) => (self.hear)(IconEvent::Hidden(hidden)),
            Said::Back => (self.hear)(IconEvent::Back),
            Said::Ending => {
                (self.hear)(IconEvent::Ending);
                let end = Instant::now() + GOODBYE;
                while self.states.recv_timeout(end.saturating_duration_since(Instant::now())).is_ok() {}
                windows_messages::leave();
            }
        }
    }

    /// Takes the newest of what there is to say.
    fn follow(&self) {
        let mut newest = None;
        loop {
            match self.states.try_recv() {
                Ok(new) => newest = Some(new),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return windows_messages::leave(),
            }
        }
        if let Some(new) = newest {
            let menu = change(&self.icon, &self.state.borrow(), &new);
            if let Some(menu) = menu {
                *self.menu.borrow_mut() = menu;
            }
            *self.state.borrow_mut() = new;
        }
    }
}
