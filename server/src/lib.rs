//! The Belfry server: the machine without input and output, the store behind it, the loop that drives both.

mod announce;
pub mod contents;
mod drive;
pub mod files;
mod heap;
pub mod hub;
pub mod identity;
pub mod limits;
pub mod machine;
mod metrics;
mod observe;
pub mod passwords;
mod restore;
mod serve;
mod session;
pub mod store;
mod surroundings;

pub use drive::Order;
pub use restore::{Restored, restore};
pub use serve::{FirstPassword, Ready, ServeError, Settings, serve};
