//! Wine instead of Windows: one fault of it would have the program use half a processor while nothing happens.
//!
//! Wine counts a window's wish to be painted once too often when it came from `RedrawWindow(RDW_INTERNALPAINT)`, which winit uses. From
//! then on every wait returns at once, and there is nothing to paint (`find_window_to_repaint` in wineserver's `window.c`). Windows is
//! right about it, and nothing here happens there.

#![allow(unsafe_code, reason = "waiting for some kinds of events only has no safe wrapper")]

use std::ptr::null;

use slint::winit_030::{CustomApplicationHandler, EventResult};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    GetQueueStatus, MWMO_INPUTAVAILABLE, MsgWaitForMultipleObjectsEx, QS_ALLINPUT, QS_PAINT,
};
use windows_sys::{s, w};
use winit::event_loop::ActiveEventLoop;

/// A true wish to be painted comes this late at most.
const LATE_MS: u128 = 30;

/// Waits, under Wine, for everything but the wish to be painted.
pub struct Calm {
    wine: bool,
}

impl Calm {
    /// Asks once which system this is.
    pub fn new() -> Self {
        // SAFETY: the texts are static and end with a zero; ntdll is always loaded, and a function that is not there is null.
        let wine = unsafe { GetProcAddress(GetModuleHandleW(w!("ntdll.dll")), s!("wine_get_version")) }.is_some();
        Self { wine }
    }
}

impl CustomApplicationHandler for Calm {
    fn about_to_wait(&mut self, _event_loop: &ActiveEventLoop) -> EventResult {
        // SAFETY: takes and gives numbers.
        if self.wine && unsafe { GetQueueStatus(QS_ALLINPUT) } >> 16 == QS_PAINT {
            let timer = slint::platform::duration_until_next_timer_update().map_or(LATE_MS, |wait| wait.as_millis());
            let wait = u32::try_from(timer.min(LATE_MS)).unwrap_or(0);
            // SAFETY: no handles are waited for.
            unsafe { MsgWaitForMultipleObjectsEx(0, null(), wait, QS_ALLINPUT & !QS_PAINT, MWMO_INPUTAVAILABLE) };
        }
        EventResult::Propagate
    }
}
