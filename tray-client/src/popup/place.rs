//! Where popups and windows go on the desktop.

use crate::geometry::{Corner, Rect, Size};

/// The corners of popups in the order given, from the bottom right of the work area upwards, `gap` pixels from its edges and from one
/// another.
///
/// Those that do not fit any more are left out; the first one is always there, with its upper edge inside, because a notice that cannot
/// be seen is worse than one whose end is cut off.
pub fn stack(work_area: Rect, gap: u32, popups: &[Size]) -> Vec<Corner> {
    let mut corners = Vec::new();
    let mut floor = work_area.bottom();
    for popup in popups {
        let y = floor.saturating_sub_unsigned(popup.height.saturating_add(gap));
        let fits = y >= work_area.y;
        if !fits && !corners.is_empty() {
            break;
        }
        let x = work_area.right().saturating_sub_unsigned(popup.width.saturating_add(gap));
        corners.push((x.max(work_area.x), y.max(work_area.y)));
        floor = y;
    }
    corners
}

/// The monitor on which somebody works: where the mouse pointer is, otherwise the main one, which is the first. `None` when there is none.
pub fn active(monitors: &[Rect], pointer: Option<Corner>) -> Option<Rect> {
    let under = pointer.and_then(|pointer| monitors.iter().find(|monitor| monitor.holds(pointer)));
    under.or_else(|| monitors.first()).copied()
}

/// Where a remembered window goes now that there are these work areas: where it was if enough of it is on one of them to be taken
/// hold of, otherwise into the middle of the first. `None` when there is no work area.
pub fn restore(window: Rect, work_areas: &[Rect], handle: u32) -> Option<Rect> {
    let visible = work_areas.iter().any(|area| {
        // The title bar is what a window is taken hold of.
        let title_bar = Rect { height: handle, ..window };
        let seen = title_bar.overlap(*area);
        seen.width >= handle.min(window.width) && seen.height >= handle / 2
    });
    if visible {
        return Some(window);
    }
    let area = work_areas.first()?;
    let (width, height) = (window.width.min(area.width), window.height.min(area.height));
    Some(Rect {
        x: area.x.saturating_add_unsigned((area.width - width) / 2),
        y: area.y.saturating_add_unsigned((area.height - height) / 2),
        width,
        height,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Full HD with a taskbar of 40 pixels at the bottom.
    const AREA: Rect = Rect { x: 0, y: 0, width: 1920, height: 1040 };

    const fn popup(height: u32) -> Size {
        Size { width: 360, height }
    }

    #[test]
    fn popups_stack_upwards_from_the_bottom_right() {
        assert_eq!(stack(AREA, 10, &[popup(100), popup(200)]), [(1550, 930), (1550, 720)]);
    }

    #[test]
    fn a_monitor_left_of_the_main_one_has_negative_places() {
        let area = Rect { x: -1280, y: -200, width: 1280, height: 1024 };
        assert_eq!(stack(area, 10, &[popup(100)]), [(-370, 714)]);
    }

    #[test]
    fn somebody_works_where_the_pointer_is() {
        let left = Rect { x: -1280, y: -200, width: 1280, height: 1024 };
        assert_eq!(active(&[AREA, left], Some((-1, 0))), Some(left));
        assert_eq!(active(&[AREA, left], Some((0, 0))), Some(AREA));
        assert_eq!(active(&[AREA, left], Some((-1, 900))), Some(AREA), "between monitors of different heights");
        assert_eq!(active(&[AREA, left], None), Some(AREA));
        assert_eq!(active(&[], Some((0, 0))), None);
    }

    #[test]
    fn what_does_not_fit_any_more_is_left_out() {
        assert_eq!(stack(AREA, 10, &[popup(500); 4]).len(), 2);
    }

    #[test]
    fn the_first_popup_is_shown_however_small_the_screen() {
        let tiny = Rect { x: 0, y: 0, width: 300, height: 200 };
        assert_eq!(stack(tiny, 10, &[popup(400), popup(100)]), [(0, 0)]);
    }

    #[test]
    fn a_window_stays_where_its_title_bar_can_be_reached() {
        let window = Rect { x: -100, y: 900, width: 720, height: 560 };
        assert_eq!(restore(window, &[AREA], 32), Some(window));
    }

    #[test]
    fn a_window_of_a_monitor_that_is_gone_comes_to_the_middle() {
        let window = Rect { x: 2500, y: 100, width: 720, height: 560 };
        assert_eq!(restore(window, &[AREA], 32), Some(Rect { x: 600, y: 240, ..window }));
        assert_eq!(restore(window, &[], 32), None);
    }

    #[test]
    fn a_window_whose_title_bar_is_above_the_screen_comes_back() {
        let window = Rect { x: 100, y: -300, width: 720, height: 560 };
        assert_ne!(restore(window, &[AREA], 32), Some(window));
    }

    #[test]
    fn a_window_larger_than_the_screen_is_made_to_fit() {
        let window = Rect { x: 5000, y: 0, width: 3000, height: 2000 };
        assert_eq!(restore(window, &[AREA], 32), Some(AREA));
    }
}
