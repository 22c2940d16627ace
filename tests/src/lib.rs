//! The simulated world and what every test here leans on.

pub mod anything;
pub mod arrivals;
pub mod caller;
pub mod courier;
pub mod crowd;
pub mod fuzzing;
pub mod line;
#[cfg(target_os = "linux")]
pub mod load;
pub mod measure;
pub mod nonces;
pub mod pair;
pub mod process;
pub mod relay;
pub mod soak;
pub mod stranger;
pub mod weather;
pub mod world;
