//! How long nobody has touched keyboard or mouse: who has not for long is away, although the screen is open.
//!
//! Nothing is asked before the moment at which it could be so at the earliest, and then a few times a minute until somebody is back.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// While nobody is there, this often is looked whether somebody has come back.
const LOOK_AGAIN: Duration = Duration::from_secs(3);

/// A system that counts more coarsely than its clock is not asked more often than this.
const LOOK_SOONEST: Duration = Duration::from_millis(100);

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    after: Sender<Option<Duration>>,
}

impl Watcher {
    /// Calls `hear`, on a thread of its own, with `true` when nobody has touched anything for `after`, and with `false` soon after
    /// somebody has again. Where the system does not know, and for `None`, everybody is there.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(after: Option<Duration>, hear: impl Fn(bool) + Send + 'static) -> io::Result<Self> {
        let (sender, wishes) = mpsc::channel();
        thread::Builder::new().name("idle".into()).spawn(move || watch(after, &wishes, &hear))?;
        Ok(Self { after: sender })
    }

    /// From now on it takes so long.
    pub fn set(&self, after: Option<Duration>) {
        // A thread that is gone has nothing to watch.
        let _ = self.after.send(after);
    }
}

fn watch(mut after: Option<Duration>, wishes: &Receiver<Option<Duration>>, hear: &impl Fn(bool)) {
    let clock = system::IdleClock::find();
    // Whoever has started the program has touched something, although not all systems know of it: Wine has no last input before the first.
    let begun = Instant::now();
    let mut away = false;
    loop {
        let untouched = clock.as_ref().and_then(system::IdleClock::untouched).map(|untouched| untouched.min(begun.elapsed()));
        let (is_away, again) = look(after, untouched);
        if is_away != away {
            away = is_away;
            hear(away);
        }
        let wish = match again {
            Some(wait) => wishes.recv_timeout(wait),
            None => wishes.recv().map_err(RecvTimeoutError::from),
        };
        match wish {
            Ok(wish) => after = wish,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Whether somebody who has touched nothing for so long is away, and in how long that is to be asked again.
fn look(after: Option<Duration>, untouched: Option<Duration>) -> (bool, Option<Duration>) {
    match (after, untouched) {
        (Some(after), Some(untouched)) if untouched >= after => (true, Some(LOOK_AGAIN)),
        (Some(after), Some(untouched)) => (false, Some((after - untouched).max(LOOK_SOONEST))),
        _ => (false, None),
    }
}

#[cfg(windows)]
#[allow(unsafe_code, reason = "the time of the last input has no safe wrapper")]
mod system {
    use std::time::Duration;

    use windows_sys::Win32::System::SystemInformation::GetTickCount;
    use windows_sys::Win32::UI::Input::KeyboardAndMouse::{GetLastInputInfo, LASTINPUTINFO};

    pub(super) struct IdleClock;

    impl IdleClock {
        #[expect(clippy::unnecessary_wraps, reason = "other systems may have none")]
        pub(super) const fn find() -> Option<Self> {
            Some(Self)
        }

        #[expect(clippy::unused_self, reason = "other systems have to be asked through something")]
        pub(super) fn untouched(&self) -> Option<Duration> {
            let mut last = LASTINPUTINFO { cbSize: u32::try_from(size_of::<LASTINPUTINFO>()).ok()?, dwTime: 0 };
            // SAFETY: the structure outlives the call and names its own size; the other call takes nothing.
            let now = unsafe {
                if GetLastInputInfo(&raw mut last) == 0 {
                    return None;
                }
                GetTickCount()
            };
            // Both count milliseconds since the start of the system, and begin again after seven weeks.
            Some(Duration::from_millis(now.wrapping_sub(last.dwTime).into()))
        }
    }
}

/// X11 counts the time since the last input; under Wayland its server hears only of some of it, and the desktop is asked: GNOME's answers,
/// others have no question that could be asked now and then.
#[cfg(target_os = "linux")]
mod system {
    use std::time::Duration;

    use x11rb::protocol::sync::{self, ConnectionExt as _};
    use x11rb::rust_connection::RustConnection;
    use zbus::Connection;

    pub(super) enum IdleClock {
        X11(Box<RustConnection>, sync::Counter),
        Gnome(Connection),
    }

    impl IdleClock {
        pub(super) fn find() -> Option<Self> {
            if std::env::var_os("WAYLAND_DISPLAY").is_some() {
                return pollster::block_on(Connection::session()).ok().map(Self::Gnome);
            }
            let (connection, _) = x11rb::connect(None).ok()?;
            connection.sync_initialize(3, 1).ok()?.reply().ok()?;
            let counters = connection.sync_list_system_counters().ok()?.reply().ok()?.counters;
            let counter = counters.iter().find(|counter| counter.name == b"IDLETIME")?.counter;
            Some(Self::X11(Box::new(connection), counter))
        }

        pub(super) fn untouched(&self) -> Option<Duration> {
            let millis = match self {
                Self::X11(connection, counter) => {
                    let value = connection.sync_query_counter(*counter).ok()?.reply().ok()?.counter_value;
                    u64::try_from((i64::from(value.hi) << 32) | i64::from(value.lo)).ok()?
                }
                Self::Gnome(bus) => {
                    let (name, path) = ("org.gnome.Mutter.IdleMonitor", "/org/gnome/Mutter/IdleMonitor/Core");
                    let answer = pollster::block_on(bus.call_method(Some(name), path, Some(name), "GetIdletime", &())).ok()?;
                    answer.body().deserialize::<u64>().ok()?
                }
            };
            Some(Duration::from_millis(millis))
        }
    }
}

#[cfg(not(any(windows, target_os = "linux")))]
mod system {
    use std::time::Duration;

    pub(super) struct IdleClock;

    impl IdleClock {
        pub(super) const fn find() -> Option<Self> {
            None
        }

        pub(super) const fn untouched(&self) -> Option<Duration> {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn who_has_just_typed_is_looked_at_again_when_it_could_be_time() {
        assert_eq!(look(Some(10 * MINUTE), Some(3 * MINUTE)), (false, Some(7 * MINUTE)));
        assert_eq!(look(Some(10 * MINUTE), Some(Duration::ZERO)), (false, Some(10 * MINUTE)));
    }

    #[test]
    fn who_touches_nothing_for_so_long_is_away_and_coming_back_is_seen_soon() {
        assert_eq!(look(Some(10 * MINUTE), Some(10 * MINUTE)), (true, Some(LOOK_AGAIN)));
        assert_eq!(look(Some(10 * MINUTE), Some(900 * MINUTE)), (true, Some(LOOK_AGAIN)));
        assert_eq!(look(Some(10 * MINUTE), Some(Duration::from_secs(1))), (false, Some(Duration::from_secs(599))));
    }

    #[test]
    fn a_moment_too_early_is_not_followed_by_a_thousand_looks() {
        assert_eq!(look(Some(MINUTE), Some(MINUTE - Duration::from_nanos(1))), (false, Some(LOOK_SOONEST)));
    }

    #[test]
    fn where_nobody_knows_or_nobody_wants_to_nobody_is_away_and_nothing_is_asked() {
        assert_eq!(look(None, Some(900 * MINUTE)), (false, None));
        assert_eq!(look(Some(MINUTE), None), (false, None));
    }

    #[test]
    fn a_wish_is_taken_at_once_and_the_thread_ends_with_the_watcher() {
        let (sender, wishes) = mpsc::channel();
        let (said, heard) = mpsc::channel();
        sender.send(None).unwrap();
        drop(sender);
        watch(Some(Duration::ZERO), &wishes, &move |away| said.send(away).unwrap());
        // Where the system knows, nobody has touched anything for no time at all; without a wish everybody is there again.
        assert!(matches!(heard.iter().collect::<Vec<_>>().as_slice(), [] | [true, false]));
    }
}
