//! What Windows tells the program itself rather than one of its windows: the session is locked, the computer wakes up, the session ends.
//!
//! The icon has a hidden window of its own, on a thread of its own; everything here is heard through that window.

#![allow(unsafe_code, reason = "Windows talks to a window in messages, for which there is no safe wrapper")]

use std::cell::Cell;
use std::ffi::c_void;
use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{HWND, LPARAM, LRESULT, POINT, RECT, WPARAM};
use windows_sys::Win32::System::Registry::{HKEY_CURRENT_USER, RRF_RT_REG_DWORD, RegGetValueW};
use windows_sys::Win32::System::RemoteDesktop::{
    NOTIFY_FOR_THIS_SESSION, WTSFreeMemory, WTSINFOEXW, WTSQuerySessionInformationW, WTSRegisterSessionNotification, WTSSessionInfoEx,
    WTSUnRegisterSessionNotification,
};
use windows_sys::Win32::UI::Shell::{
    DefSubclassProc, NOTIFYICONIDENTIFIER, RemoveWindowSubclass, SetWindowSubclass, Shell_NotifyIconGetRect,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    DispatchMessageW, EndMenu, GetCursorPos, GetMessageW, GetSystemMetrics, MSG, PBT_APMRESUMEAUTOMATIC, PostMessageW, PostQuitMessage,
    RegisterWindowMessageW, SM_CXSMICON, SPI_SETWORKAREA, SetForegroundWindow, TPM_BOTTOMALIGN, TPM_LEFTALIGN, TrackPopupMenu,
    TranslateMessage, WM_APP, WM_DISPLAYCHANGE, WM_ENDSESSION, WM_ENTERMENULOOP, WM_EXITMENULOOP, WM_LBUTTONUP, WM_NCDESTROY, WM_NULL,
    WM_POWERBROADCAST, WM_QUERYENDSESSION, WM_RBUTTONUP, WM_SETTINGCHANGE, WM_WTSSESSION_CHANGE, WTS_CONSOLE_CONNECT,
    WTS_CONSOLE_DISCONNECT, WTS_REMOTE_CONNECT, WTS_REMOTE_DISCONNECT, WTS_SESSION_LOCK, WTS_SESSION_UNLOCK,
};
use windows_sys::w;

/// Somebody wakes the window: see [`WindowWaker`].
const WAKE: u32 = WM_APP + 0x3e1;

/// What the crate `tray-icon` has the taskbar send for its icon.
const ICON_SAYS: u32 = 6002;

const SUBCLASS: usize = 0x0be1;

/// What Windows says to the icon's hidden window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Somebody has woken the window, and no menu is open.
    Woken,
    /// The taskbar is new, or has other colours: the icon has to be shown again.
    TaskbarChanged,
    /// A monitor came, went or changed, or the taskbar covers another part of one.
    ScreensChanged,
    /// The icon was clicked, and the crate that should say so cannot (Wine).
    Clicked,
    /// The icon's menu is wanted, likewise.
    MenuWanted,
    /// Nobody can see the screen, or somebody can again.
    Hidden(bool),
    /// The computer was asleep, or somebody has come back to the session: connections may be dead without knowing it.
    Back,
    /// The session ends; the program is ended as soon as this has been dealt with.
    Ending,
}

/// Wakes the window's thread from any other.
#[derive(Clone, Copy, Debug)]
pub struct WindowWaker {
    /// The window's handle, as a number: it is not ours to follow.
    window: usize,
}

impl WindowWaker {
    /// Has [`Said::Woken`] said on the window's thread.
    pub fn wake(self) {
        // SAFETY: posting a message without pointers; to a window that is gone it fails, and there is nobody to wake.
        unsafe { PostMessageW(self.window as HWND, WAKE, 0, 0) };
    }
}

struct WindowListener {
    hear: Box<dyn Fn(Said)>,
    taskbar_created: u32,
    /// Whether session changes are told to this window; early at log-on the service that does so is not up yet.
    registered: Cell<bool>,
    in_menu: Cell<bool>,
    locked: Cell<bool>,
    /// Nobody is connected to the session.
    away: Cell<bool>,
}

/// Listens at the window of this thread; `hear` is called on it until the window is destroyed.
///
/// # Errors
/// The window is not of this thread, or not there any more.
pub fn attend(window: *mut c_void, hear: impl Fn(Said) + 'static) -> io::Result<WindowWaker> {
    // SAFETY: the text is static and ends with a zero.
    let taskbar_created = unsafe { RegisterWindowMessageW(w!("TaskbarCreated")) };
    let listener = Box::into_raw(Box::new(WindowListener {
        hear: Box::new(hear),
        taskbar_created,
        registered: Cell::new(false),
        in_menu: Cell::new(false),
        locked: Cell::new(false),
        away: Cell::new(false),
    }));
    // SAFETY: `procedure` has the signature that is asked for, and `listener` lives until it says goodbye in WM_NCDESTROY.
    if unsafe { SetWindowSubclass(window, Some(procedure), SUBCLASS, listener as usize) } == 0 {
        // SAFETY: nobody has it, since the call has failed.
        drop(unsafe { Box::from_raw(listener) });
        return Err(io::Error::last_os_error());
    }
    Ok(WindowWaker { window: window as usize })
}

/// Deals with the messages of this thread's windows until [`leave`].
pub fn stay() {
    let mut message = MSG::default();
    // SAFETY: `message` outlives the calls; a handle of null asks for this thread's messages. -1 (an error) ends the loop, too.
    while unsafe { GetMessageW(&raw mut message, null_mut(), 0, 0) } > 0 {
        // SAFETY: `message` was filled in by the call above.
        unsafe {
            TranslateMessage(&raw const message);
            DispatchMessageW(&raw const message);
        }
    }
}

/// Closes this thread's open menu and ends [`stay`].
pub fn leave() {
    // SAFETY: neither call takes anything.
    unsafe {
        EndMenu();
        PostQuitMessage(0);
    }
}

/// Opens a menu at the mouse pointer; it is a `HMENU` of this thread.
pub fn open_menu(window: *mut c_void, menu: isize) {
    let mut at = POINT::default();
    // SAFETY: `at` outlives the call; window and menu belong to this thread, and a handle that is none makes the calls fail.
    unsafe {
        if GetCursorPos(&raw mut at) != 0 {
            // Without this the menu stays when somebody clicks elsewhere, and without the message after it the next one closes at once.
            SetForegroundWindow(window);
            TrackPopupMenu(menu as *mut c_void, TPM_BOTTOMALIGN | TPM_LEFTALIGN, at.x, at.y, 0, window, null());
            PostMessageW(window, WM_NULL, 0, 0);
        }
    }
}

/// How many pixels wide the taskbar wants the icon.
pub fn icon_pixels() -> u32 {
    // SAFETY: takes a number only.
    u32::try_from(unsafe { GetSystemMetrics(SM_CXSMICON) }).ok().filter(|pixels| (8..=256).contains(pixels)).unwrap_or(32)
}

/// Whether the taskbar is light; Windows has a dark one unless it is told otherwise.
pub fn taskbar_is_light() -> bool {
    let (mut light, mut bytes) = (0_u32, 4_u32);
    // SAFETY: the texts are static and end with a zero; `light` has the four bytes that `bytes` says, and a number is asked for.
    let told = unsafe {
        RegGetValueW(
            HKEY_CURRENT_USER,
            w!(r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"),
            w!("SystemUsesLightTheme"),
            RRF_RT_REG_DWORD,
            null_mut(),
            (&raw mut light).cast(),
            &raw mut bytes,
        )
    };
    told == 0 && light == 1
}

/// Whether the system knows where an icon is. Wine does not, and `tray-icon` then says nothing of clicks.
fn clicks_are_lost(window: HWND) -> bool {
    let Ok(size) = u32::try_from(size_of::<NOTIFYICONIDENTIFIER>()) else { return false };
    // The crate numbers its icons from 1; this program has one.
    let icon = NOTIFYICONIDENTIFIER { cbSize: size, hWnd: window, uID: 1, ..Default::default() };
    let mut rect = RECT::default();
    /// E_NOTIMPL.
    const NOT_IMPLEMENTED: i32 = 0x8000_4001_u32 as i32;
    // SAFETY: both structures outlive the call and have the sizes named.
    unsafe { Shell_NotifyIconGetRect(&raw const icon, &raw mut rect) == NOT_IMPLEMENTED }
}

/// Whether the session is locked now; where the system does not say (Wine), it is taken for open.
fn is_locked() -> bool {
    /// WTS_CURRENT_SESSION.
    const THIS_SESSION: u32 = u32::MAX;
    /// WTS_SESSIONSTATE_LOCK.
    const LOCKED: i32 = 0;
    let (mut buffer, mut bytes) = (null_mut::<u16>(), 0);
    // SAFETY: both out-parameters outlive the call; the buffer is the system's, read below and given back.
    let told = unsafe { WTSQuerySessionInformationW(null_mut(), THIS_SESSION, WTSSessionInfoEx, &raw mut buffer, &raw mut bytes) };
    if told == 0 || buffer.is_null() {
        return false;
    }
    let whole = usize::try_from(bytes).is_ok_and(|bytes| bytes >= size_of::<WTSINFOEXW>());
    // SAFETY: the system has filled in as many bytes as it says, which is checked to be the whole structure; its level 1 is what was
    // asked for, and the buffer may lie at any address, hence the unaligned reading.
    let state = whole.then(|| unsafe { buffer.cast::<WTSINFOEXW>().read_unaligned().Data.WTSInfoExLevel1 });
    // SAFETY: the buffer came from the call above and is not used any more.
    unsafe { WTSFreeMemory(buffer.cast()) };
    state.is_some_and(|state| state.SessionFlags == LOCKED)
}

impl WindowListener {
    fn register(&self, window: HWND) {
        if !self.registered.get() {
            // SAFETY: the window is of this thread; a refusal is tried again.
            self.registered.set(unsafe { WTSRegisterSessionNotification(window, NOTIFY_FOR_THIS_SESSION) } != 0);
            // What was missed so far.
            self.locked.set(is_locked());
            if self.locked.get() {
                (self.hear)(Said::Hidden(true));
            }
        }
    }

    fn session_changed(&self, how: u32) {
        match how {
            WTS_SESSION_LOCK => self.locked.set(true),
            WTS_SESSION_UNLOCK => self.locked.set(false),
            WTS_CONSOLE_DISCONNECT | WTS_REMOTE_DISCONNECT => self.away.set(true),
            WTS_CONSOLE_CONNECT | WTS_REMOTE_CONNECT => self.away.set(false),
            _ => return,
        }
        (self.hear)(Said::Hidden(self.locked.get() || self.away.get()));
        if matches!(how, WTS_SESSION_UNLOCK | WTS_CONSOLE_CONNECT | WTS_REMOTE_CONNECT) {
            (self.hear)(Said::Back);
        }
    }

    /// What the window answers; `None` for what is not for here.
    fn message(&self, window: HWND, message: u32, wparam: WPARAM, lparam: LPARAM) -> Option<LRESULT> {
        match message {
            WAKE => {
                self.register(window);
                // A menu must not change while it is open; whoever closes it wakes the window again.
                if !self.in_menu.get() {
                    (self.hear)(Said::Woken);
                }
                return Some(0);
            }
            WM_ENTERMENULOOP => self.in_menu.set(true),
            WM_EXITMENULOOP => {
                self.in_menu.set(false);
                WindowWaker { window: window as usize }.wake();
            }
            ICON_SAYS => {
                let said = match u32::try_from(lparam) {
                    Ok(WM_LBUTTONUP) => Said::Clicked,
                    Ok(WM_RBUTTONUP) => Said::MenuWanted,
                    _ => return None,
                };
                if clicks_are_lost(window) {
                    (self.hear)(said);
                    return Some(0);
                }
            }
            WM_WTSSESSION_CHANGE => self.session_changed(u32::try_from(wparam).unwrap_or(0)),
            WM_DISPLAYCHANGE => (self.hear)(Said::ScreensChanged),
            WM_SETTINGCHANGE if u32::try_from(wparam) == Ok(SPI_SETWORKAREA) => (self.hear)(Said::ScreensChanged),
            WM_POWERBROADCAST if u32::try_from(wparam) == Ok(PBT_APMRESUMEAUTOMATIC) => (self.hear)(Said::Back),
            WM_QUERYENDSESSION => return Some(1),
            WM_ENDSESSION if wparam != 0 => {
                (self.hear)(Said::Ending);
                return Some(0);
            }
            _ => {}
        }
        None
    }
}

unsafe extern "system" fn procedure(
    window: HWND,
    message: u32,
    wparam: WPARAM,
    lparam: LPARAM,
    _subclass: usize,
    listener: usize,
) -> LRESULT {
    let pointer = listener as *mut WindowListener;
    if message == WM_NCDESTROY {
        // SAFETY: this is the window's last message, on the thread that has the window; nothing refers to the listener after it.
        unsafe {
            WTSUnRegisterSessionNotification(window);
            RemoveWindowSubclass(window, Some(procedure), SUBCLASS);
            drop(Box::from_raw(pointer));
            return DefSubclassProc(window, message, wparam, lparam);
        }
    }
    // SAFETY: `attend` has put it there, and only WM_NCDESTROY, above, takes it away; all calls are on the window's thread.
    let listener = unsafe { &*pointer };
    if let Some(answer) = listener.message(window, message, wparam, lparam) {
        return answer;
    }
    // Asked before the next line, in which the window may be destroyed.
    let changed = message == listener.taskbar_created || message == WM_SETTINGCHANGE;
    // SAFETY: hands on what came in.
    let answer = unsafe { DefSubclassProc(window, message, wparam, lparam) };
    if changed {
        (listener.hear)(Said::TaskbarChanged);
    }
    answer
}
