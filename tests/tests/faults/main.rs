//! The fault tables by which others measure themselves, as named scenarios with the line that each must pass.
//!
//! `cargo test -p belfry-tests --test faults -- --nocapture` prints what each measured. `BELFRY_FAULTS_SEEDS` multiplies the seeds of those
//! that have several, `BELFRY_FAULTS_OFFICE` says how many people the office has.

mod connections;
mod interop;
mod notices;
mod office;
mod presets;
mod transfer;

/// How many seeds a scenario runs through, which by itself has `usual`.
fn seeds(usual: u64) -> u64 {
    usual * std::env::var("BELFRY_FAULTS_SEEDS").ok().and_then(|typed| typed.parse().ok()).unwrap_or(1)
}
