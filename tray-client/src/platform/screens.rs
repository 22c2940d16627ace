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

    /// What of this monitor no taskbar and no panel covers.
    pub fn work_area(&self, monitor: Rect) -> Rect {
        self.system.work_area(monitor)
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
    use x11rb::protocol::xproto::{AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, Window};
    use x11rb::rust_connection::RustConnection;

    use super::super::work_area;
    use crate::geometry::{Corner, Rect};

    /// What panels leave free, for each virtual desktop one area of all monitors together (EWMH, "Root Window Properties").
    const AREAS: &str = "_NET_WORKAREA";
    /// Which virtual desktop is shown.
    const DESKTOP: &str = "_NET_CURRENT_DESKTOP";
    /// The same area for each monitor, with the number of the desktop behind it: GNOME's own, since the other one cannot tell monitors apart.
    const AREAS_OF_EACH: &str = "_GTK_WORKAREAS_D";
    /// Numbers of a property that are read: sixty monitors or virtual desktops.
    const NUMBERS_MAX: u32 = 240;

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

        pub(super) fn work_area(&self, monitor: Rect) -> Rect {
            self.areas().map_or(monitor, |areas| work_area::within(monitor, &areas))
        }

        fn areas(&self) -> Option<Vec<Rect>> {
            let desktop = self.numbers(DESKTOP).and_then(|numbers| numbers.first().copied()).unwrap_or(0);
            let rects = |numbers: Vec<u32>| -> Vec<Rect> {
                let number = |number: u32| i32::try_from(number).unwrap_or(0);
                let rect = |area: &[u32]| match *area {
                    [x, y, width, height] => Some(Rect { x: number(x), y: number(y), width, height }),
                    _ => None,
                };
                numbers.chunks(4).filter_map(rect).collect()
            };
            if let Some(of_each) = self.numbers(&format!("{AREAS_OF_EACH}{desktop}")) {
                return Some(rects(of_each));
            }
            let all = rects(self.numbers(AREAS)?);
            let shown = all.get(usize::try_from(desktop).ok()?).or_else(|| all.first()).copied();
            Some(shown.into_iter().collect())
        }

        fn numbers(&self, property: &str) -> Option<Vec<u32>> {
            let (connection, root) = self.0.as_ref()?;
            let name = connection.intern_atom(true, property.as_bytes()).ok()?.reply().ok()?.atom;
            if name == x11rb::NONE {
                return None;
            }
            let said = connection.get_property(false, *root, name, AtomEnum::CARDINAL, 0, NUMBERS_MAX).ok()?.reply().ok()?;
            said.value32().map(Iterator::collect).filter(|numbers: &Vec<u32>| !numbers.is_empty())
        }

        pub(super) fn pointer(&self) -> Option<Corner> {
            let (connection, root) = self.0.as_ref()?;
            let pointer = connection.query_pointer(*root).ok()?.reply().ok()?;
            Some((pointer.root_x.into(), pointer.root_y.into()))
        }
    }

    /// Calls `hear` whenever monitors or panels come, go or move, on a thread of its own.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn watch(hear: impl Fn() + Send + 'static) -> io::Result<()> {
        let listen = move || -> Option<()> {
            let (connection, root) = connect()?;
            let mask = NotifyMask::SCREEN_CHANGE | NotifyMask::CRTC_CHANGE | NotifyMask::OUTPUT_CHANGE;
            connection.randr_select_input(root, mask).ok()?.check().ok()?;
            // What is a monitor by the person's wish only is told as a change of the root window.
            let changes = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY | EventMask::PROPERTY_CHANGE);
            connection.change_window_attributes(root, &changes).ok()?.check().ok()?;
            let areas = connection.intern_atom(false, AREAS.as_bytes()).ok()?.reply().ok()?.atom;
            loop {
                let event = connection.wait_for_event().ok()?;
                match event {
                    Event::RandrScreenChangeNotify(_) | Event::RandrNotify(_) | Event::ConfigureNotify(_) => hear(),
                    Event::PropertyNotify(changed) if changed.atom == areas => hear(),
                    _ => {}
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
        pub(super) fn work_area(&self, monitor: Rect) -> Rect {
            super::super::work_area::of(monitor)
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

        pub(super) const fn work_area(&self, monitor: Rect) -> Rect {
            monitor
        }

        pub(super) const fn pointer(&self) -> Option<Corner> {
            None
        }
    }
}
