//! What rises above the desktop: which popups are seen, where they stand, and, with the feature `window`, the windows themselves.

pub mod place;
pub mod stack;
#[cfg(feature = "window")]
pub mod window;
