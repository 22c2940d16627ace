//! The tray client: what it hears and knows, what its windows show, and, with the feature `window`, the windows themselves.
//!
//! [`link`] carries plain values between the network's thread and the window's. [`model`] decides what they mean: it is told what
//! was heard and what the person wants, and says what is to be done. [`scene`] turns what the model holds into rows of text. A window
//! draws them and invents nothing.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        reason = "a test that breaks should say so at once"
    )
)]

#[cfg(feature = "window")]
pub mod app;
pub mod cache;
pub mod compose;
pub mod hours;
pub mod link;
pub mod model;
pub mod outbox;
pub mod platform;
pub mod popup;
pub mod scene;
pub mod settings;
pub mod tray;
#[cfg(feature = "window")]
pub mod view;
pub mod when;
pub mod words;
