//! The icon in the notification area: state → picture, words and menu; what is chosen comes back as a plain value.

#[cfg(feature = "window")]
pub mod host;
pub mod icon;
pub mod menu;
