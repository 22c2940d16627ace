//! The part of a monitor that no taskbar covers.

use crate::geometry::Rect;

/// The work area of the monitor of these bounds; where the system does not say, the whole monitor.
#[cfg(windows)]
#[allow(unsafe_code, reason = "the work area has no safe wrapper")]
pub(super) fn of(monitor: Rect) -> Rect {
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

/// What of a monitor no panel covers, where the desktop has said what is free: one area for each monitor, or one for all of them together.
/// Where it says nothing of this monitor, all of it is free.
#[cfg(any(test, all(target_os = "linux", feature = "window")))]
pub(super) fn within(monitor: Rect, areas: &[Rect]) -> Rect {
    let shared = |area: &&Rect| {
        let size = monitor.overlap(**area);
        u64::from(size.width) * u64::from(size.height)
    };
    let Some(area) = areas.iter().max_by_key(shared).filter(|area| shared(area) > 0) else { return monitor };
    let size = monitor.overlap(*area);
    Rect { x: monitor.x.max(area.x), y: monitor.y.max(area.y), width: size.width, height: size.height }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: Rect = Rect { x: 0, y: 0, width: 1280, height: 800 };
    const RIGHT: Rect = Rect { x: 1280, y: 0, width: 1920, height: 1080 };

    #[test]
    fn a_panel_takes_its_part_of_the_monitor_that_it_is_on() {
        // A panel below the left one and a bar above the right one, as GNOME says it: one area for each monitor.
        let areas = [Rect { height: 760, ..LEFT }, Rect { y: 30, height: 1050, ..RIGHT }];
        assert_eq!(within(LEFT, &areas), areas[0]);
        assert_eq!(within(RIGHT, &areas), areas[1]);
        // One area for all of them together.
        let all = [Rect { x: 0, y: 30, width: 3200, height: 1050 }];
        assert_eq!(within(LEFT, &all), Rect { y: 30, height: 770, ..LEFT });
    }

    #[test]
    fn where_nothing_is_said_of_a_monitor_all_of_it_is_free() {
        assert_eq!(within(RIGHT, &[LEFT]), RIGHT);
        assert_eq!(within(RIGHT, &[]), RIGHT);
        assert_eq!(within(LEFT, &[Rect { x: 0, y: 0, width: 0, height: 0 }]), LEFT);
    }
}
