//! The tray client: what it hears and knows, what its windows show, and, with the feature `window`, the windows themselves.
//!
//! [`model`] speaks the client's language: it is told what was heard ([`Update`](belfry_core::client::Update)) and what the person wants, and
//! says what is to be done, of which what the server is to hear is a [`Command`](belfry_core::client::Command). [`scene`] turns what the model holds into rows of text. A window
//! draws them and invents nothing.

pub mod alerts;
#[cfg(feature = "window")]
pub mod app;
pub mod cache;
pub mod compose;
pub mod downloads;
pub mod emoji;
pub mod geometry;
pub mod letters;
pub mod model;
pub mod outbox;
pub mod platform;
pub mod popup;
pub mod quiet_hours;
pub mod scene;
pub mod settings;
pub mod transfer;
pub mod tray;
#[cfg(feature = "window")]
pub mod view;
pub mod when;
pub mod words;
