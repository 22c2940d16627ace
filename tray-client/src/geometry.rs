//! Sizes and places on the desktop, in physical pixels of all monitors together; (0, 0) is the upper left corner of the main one.

use serde::{Deserialize, Serialize};

/// A size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// From the left edge to the right one.
    pub width: u32,
    /// From the upper edge to the lower one.
    pub height: u32,
}

/// An upright rectangle; a monitor, its work area, a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rect {
    /// The left edge; negative on a monitor left of the main one.
    pub x: i32,
    /// The upper edge; negative on a monitor above the main one.
    pub y: i32,
    /// From the left edge to the right one.
    pub width: u32,
    /// From the upper edge to the lower one.
    pub height: u32,
}

/// An upper left corner: from the left, from above.
pub type Corner = (i32, i32);

impl Rect {
    pub(crate) const fn right(self) -> i32 {
        self.x.saturating_add_unsigned(self.width)
    }

    pub(crate) const fn bottom(self) -> i32 {
        self.y.saturating_add_unsigned(self.height)
    }

    pub(crate) const fn holds(self, (x, y): Corner) -> bool {
        x >= self.x && x < self.right() && y >= self.y && y < self.bottom()
    }

    pub(crate) fn overlap(self, other: Self) -> Size {
        let side = |near: i32, far: i32| u32::try_from(i64::from(far) - i64::from(near)).unwrap_or(0);
        Size {
            width: side(self.x.max(other.x), self.right().min(other.right())),
            height: side(self.y.max(other.y), self.bottom().min(other.bottom())),
        }
    }
}
