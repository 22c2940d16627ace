//! What Windows knows this program by, and what it does for it in return: notices of the system under its name, and a new start after an
//! installer has put a newer one in its place.

#![allow(unsafe_code, reason = "neither has a safe wrapper")]

use std::ptr::null;

use windows_sys::Win32::System::Recovery::{RESTART_NO_CRASH, RESTART_NO_HANG, RESTART_NO_REBOOT, RegisterApplicationRestart};
use windows_sys::Win32::UI::Shell::SetCurrentProcessExplicitAppUserModelID;
use windows_sys::w;

/// Says who this is; before the first window.
pub fn announce() {
    // SAFETY: the text is static and ends with a zero; without a command line there is nothing else to point to. What is refused is a
    // comfort that is missing, which nobody could do anything about.
    unsafe {
        // The shortcut of the installer has the same name (packaging/windows/tray.sql).
        SetCurrentProcessExplicitAppUserModelID(w!("Belfry.Tray"));
        // A crash is not to be repeated, and after a restart of the computer the list of programs that start with it decides.
        RegisterApplicationRestart(null(), RESTART_NO_CRASH | RESTART_NO_HANG | RESTART_NO_REBOOT);
    }
}
