//! The sounds of what calls for attention: the system's own, so that they are as loud as the person has set them.

use crate::alerts::AlertKind;

/// Plays it, in the background; where there is no sound nothing happens, because the popup says it all.
pub fn play(kind: AlertKind) {
    system::play(kind);
}

#[cfg(windows)]
#[allow(unsafe_code, reason = "the system's sounds have no safe wrapper")]
mod system {
    use super::AlertKind;

    // In the crate for such calls these stand among those for debuggers and for music, which would be a lot to compile for them.
    #[link(name = "user32")]
    unsafe extern "system" {
        fn MessageBeep(kind: u32) -> i32;
    }

    #[link(name = "winmm")]
    unsafe extern "system" {
        fn PlaySoundW(name: *const u16, module: *mut core::ffi::c_void, flags: u32) -> i32;
    }

    /// MB_ICONERROR, MB_ICONWARNING, MB_ICONINFORMATION: the sounds that the person's scheme has for these.
    const CRITICAL_STOP: u32 = 0x10;
    const EXCLAMATION: u32 = 0x30;
    const ASTERISK: u32 = 0x40;

    /// SND_ASYNC, SND_NODEFAULT and SND_ALIAS: a name of the scheme's, and no other sound where it has none by this name.
    const BY_NAME: u32 = 0x1 | 0x2 | 0x1_0000;

    pub(super) fn play(kind: AlertKind) {
        let sound = match kind {
            AlertKind::Message => {
                let name: Vec<u16> = "Notification.IM\0".encode_utf16().collect();
                // SAFETY: the name ends with a zero; the system reads it before it returns.
                unsafe { PlaySoundW(name.as_ptr(), core::ptr::null_mut(), BY_NAME) };
                return;
            }
            AlertKind::Info => ASTERISK,
            AlertKind::Important => EXCLAMATION,
            AlertKind::Critical => CRITICAL_STOP,
        };
        // SAFETY: the call takes a number and plays on its own.
        unsafe { MessageBeep(sound) };
    }
}

#[cfg(not(windows))]
mod system {
    use std::process::{Command, Stdio};
    use std::thread;

    use super::AlertKind;

    /// What the freedesktop sound theme calls it.
    const fn name(kind: AlertKind) -> &'static str {
        match kind {
            AlertKind::Message => "message-new-instant",
            AlertKind::Info => "dialog-information",
            AlertKind::Important | AlertKind::Critical => "dialog-warning",
        }
    }

    pub(super) fn play(kind: AlertKind) {
        // A player ends when it has played; somebody has to wait for it. Without a thread there is no sound.
        let _ = thread::Builder::new().name("sound".into()).spawn(move || {
            let file = format!("/usr/share/sounds/freedesktop/stereo/{}.oga", name(kind));
            // Players that desktops come with, and what they are told.
            let players = [("canberra-gtk-play", vec!["--id", name(kind), "--description", "Belfry"]), ("paplay", vec![file.as_str()])];
            for (player, arguments) in players {
                let played = Command::new(player).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
                if played.is_ok_and(|ended| ended.success()) {
                    return;
                }
            }
        });
    }
}
