//! The sound of a critical notice: the system's own, so that it is as loud as the person has set it.

/// Plays it, in the background; where there is no sound nothing happens, because the popup says it all.
pub fn alarm() {
    system::alarm();
}

#[cfg(windows)]
#[allow(unsafe_code, reason = "the system's sounds have no safe wrapper")]
mod system {
    // In the crate for such calls this one stands among those for debuggers, which would be a lot to compile for it.
    #[link(name = "user32")]
    unsafe extern "system" {
        fn MessageBeep(kind: u32) -> i32;
    }

    /// MB_ICONERROR: the sound that the person's scheme has for critical stops.
    const CRITICAL_STOP: u32 = 0x10;

    pub(super) fn alarm() {
        // SAFETY: the call takes a number and plays on its own.
        unsafe { MessageBeep(CRITICAL_STOP) };
    }
}

#[cfg(not(windows))]
mod system {
    use std::process::{Command, Stdio};
    use std::thread;

    /// Players that desktops come with, and what they are told.
    const PLAYERS: [(&str, &[&str]); 2] = [
        ("canberra-gtk-play", &["--id", "dialog-warning", "--description", "Belfry: critical notice"]),
        ("paplay", &["/usr/share/sounds/freedesktop/stereo/dialog-warning.oga"]),
    ];

    pub(super) fn alarm() {
        // A player ends when it has played; somebody has to wait for it. Without a thread there is no sound.
        let _ = thread::Builder::new().name("sound".into()).spawn(|| {
            for (player, arguments) in PLAYERS {
                let played = Command::new(player).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
                if played.is_ok_and(|ended| ended.success()) {
                    return;
                }
            }
        });
    }
}
