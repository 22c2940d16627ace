//! Where Windows and Linux differ, and where the operating system keeps things: one file per need.

pub mod autostart;
pub mod browser;
#[cfg(feature = "window")]
pub mod bystander;
pub mod files;
#[cfg(all(windows, feature = "window"))]
pub mod fonts;
#[cfg(feature = "window")]
pub mod hotkey;
#[cfg(all(windows, feature = "window"))]
pub mod identity;
#[cfg(feature = "window")]
pub mod idle;
pub mod instance;
pub mod keys;
pub mod policy;
#[cfg(windows)]
mod registry;
#[cfg(feature = "window")]
pub mod screens;
#[cfg(feature = "window")]
pub mod session;
#[cfg(all(unix, feature = "window"))]
pub mod signals;
pub mod sound;
pub mod vault;
#[cfg(all(windows, feature = "window"))]
pub mod windows_messages;
#[cfg(all(windows, feature = "window"))]
pub mod wine;
#[cfg(any(test, feature = "window"))]
mod work_area;
