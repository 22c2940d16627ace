//! Where Windows and Linux differ, and where the operating system keeps things: one file per need.

pub mod autostart;
pub mod browser;
#[cfg(feature = "window")]
pub mod bystander;
pub mod files;
pub mod instance;
pub mod keys;
#[cfg(feature = "window")]
pub mod session;
pub mod sound;
pub mod work_area;
