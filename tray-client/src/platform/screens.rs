//! The monitors: which there are, on which of them somebody works, and when that changes.

use crate::geometry::{Corner, Rect};

/// Asks the system.
pub struct Screens {
    system: system::ScreenSource,
}

impl Screens {
    /// Ready to be asked.
    pub fn open() -> Self {
        Self { system: system::ScreenSource::open() }
    }

    /// The monitors, the main one first; `None` where the windows' own library knows them as well.
    pub fn all(&self) -> Option<Vec<Rect>> {
        self.system.all()
    }

    /// Where the mouse pointer is.
    pub fn pointer(&self) -> Option<Corner> {
        self.system.pointer()
    }
}

#[cfg(target_os = "linux")]
pub use system::watch;

/// X11 in its own words: a large monitor may be two by the person's wish, which winit does not hear of.
#[cfg(target_os = "linux")]
mod system {
    use std::io;
    use std::thread;

    use x11rb::connection::Connection as _;
    use x11rb::protocol::Event;
    use x11rb::protocol::randr::{ConnectionExt as _, NotifyMask};
    use x11rb::protocol::xproto::{ChangeWindowAttributesAux, ConnectionExt as _, EventMask, Window};
    use x11rb::rust_connection::RustConnection;

    use crate::geometry::{Corner, Rect};

    pub(super) struct ScreenSource(Option<(RustConnection, Window)>);

    fn connect() -> Option<(RustConnection, Window)> {
        let (connection, screen) = x11rb::connect(None).ok()?;
        let root = connection.setup().roots.get(screen)?.root;
        // Monitors are of this version.
        let version = connection.randr_query_version(1, 5).ok()?.reply().ok()?;
        ((version.major_version, version.minor_version) >= (1, 5)).then_some((connection, root))
    }

    impl ScreenSource {
        pub(super) fn open() -> Self {
            Self(connect())
        }

        pub(super) fn all(&self) -> Option<Vec<Rect>> {
            let (connection, root) = self.0.as_ref()?;
            let mut monitors = connection.randr_get_monitors(*root, true).ok()?.reply().ok()?.monitors;
            monitors.sort_by_key(|monitor| !monitor.primary);
            let rects = monitors.iter().map(|monitor| Rect {
                x: monitor.x.into(),
                y: monitor.y.into(),
                width: monitor.width.into(),
                height: monitor.height.into(),
            });
            Some(rects.filter(|rect| rect.width > 0 && rect.height > 0).collect())
        }

        pub(super) fn pointer(&self) -> Option<Corner> {
            let (connection, root) = self.0.as_ref()?;
            let pointer = connection.query_pointer(*root).ok()?.reply().ok()?;
            Some((pointer.root_x.into(), pointer.root_y.into()))
        }
    }

    /// Calls `hear` whenever monitors come, go or move, on a thread of its own.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn watch(hear: impl Fn() + Send + 'static) -> io::Result<()> {
        let listen = move || -> Option<()> {
            let (connection, root) = connect()?;
            let mask = NotifyMask::SCREEN_CHANGE | NotifyMask::CRTC_CHANGE | NotifyMask::OUTPUT_CHANGE;
            connection.randr_select_input(root, mask).ok()?.check().ok()?;
            // What is a monitor by the person's wish only is told as a change of the root window.
            let changes = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
            connection.change_window_attributes(root, &changes).ok()?.check().ok()?;
            loop {
                let event = connection.wait_for_event().ok()?;
                if matches!(event, Event::RandrScreenChangeNotify(_) | Event::RandrNotify(_) | Event::ConfigureNotify(_)) {
                    hear();
                }
            }
        };
        thread::Builder::new().name("screens".into()).spawn(listen)?;
        Ok(())
    }
}

/// winit asks Windows each time; the icon's window hears of changes (`windows_messages.rs`).
#[cfg(windows)]
#[allow(unsafe_code, reason = "the place of the mouse pointer has no safe wrapper")]
mod system {
    use windows_sys::Win32::Foundation::POINT;
    use windows_sys::Win32::UI::WindowsAndMessaging::GetCursorPos;

    use crate::geometry::{Corner, Rect};

    pub(super) struct ScreenSource;

    impl ScreenSource {
        pub(super) const fn open() -> Self {
            Self
        }

        #[expect(clippy::unused_self, reason = "other systems have to be asked through something")]
        pub(super) const fn all(&self) -> Option<Vec<Rect>> {
            None
        }

        #[expect(clippy::unused_self, reason = "other systems have to be asked through something")]
        pub(super) fn pointer(&self) -> Option<Corner> {
            let mut at = POINT::default();
            // SAFETY: `at` outlives the call.
            (unsafe { GetCursorPos(&raw mut at) } != 0).then_some((at.x, at.y))
        }
    }
}

#[cfg(not(any(windows, target_os = "linux")))]
mod system {
    use crate::geometry::{Corner, Rect};

    pub(super) struct ScreenSource;

    impl ScreenSource {
        pub(super) const fn open() -> Self {
            Self
        }

        pub(super) const fn all(&self) -> Option<Vec<Rect>> {
            None
        }

        pub(super) const fn pointer(&self) -> Option<Corner> {
            None
        }
    }
}
