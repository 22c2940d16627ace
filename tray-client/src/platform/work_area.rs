//! The part of a monitor that no taskbar covers.

use crate::geometry::Rect;

/// The work area of the monitor of these bounds; where the system does not say, the whole monitor.
#[cfg(windows)]
#[allow(unsafe_code, reason = "the work area has no safe wrapper")]
pub fn of(monitor: Rect) -> Rect {
    use windows_sys::Win32::Foundation::RECT;
    use windows_sys::Win32::Graphics::Gdi::{GetMonitorInfoW, MONITOR_DEFAULTTONEAREST, MONITORINFO, MonitorFromRect};

    const EMPTY: RECT = RECT { left: 0, top: 0, right: 0, bottom: 0 };
    let bounds = RECT {
        left: monitor.x,
        top: monitor.y,
        right: monitor.x.saturating_add_unsigned(monitor.width),
        bottom: monitor.y.saturating_add_unsigned(monitor.height),
    };
    let Ok(size) = u32::try_from(size_of::<MONITORINFO>()) else { return monitor };
    let mut info = MONITORINFO { cbSize: size, rcMonitor: EMPTY, rcWork: EMPTY, dwFlags: 0 };
    // SAFETY: the rectangle outlives the call.
    let handle = unsafe { MonitorFromRect(&raw const bounds, MONITOR_DEFAULTTONEAREST) };
    // SAFETY: the structure outlives the call and names its own size.
    if unsafe { GetMonitorInfoW(handle, &raw mut info) } == 0 {
        return monitor;
    }
    let work = info.rcWork;
    match (u32::try_from(work.right - work.left), u32::try_from(work.bottom - work.top)) {
        (Ok(width), Ok(height)) if width > 0 && height > 0 => Rect { x: work.left, y: work.top, width, height },
        _ => monitor,
    }
}

/// The work area of the monitor of these bounds. X11 has one for the whole desktop at best, which is wrong for several monitors.
#[cfg(not(windows))]
pub const fn of(monitor: Rect) -> Rect {
    monitor
}
