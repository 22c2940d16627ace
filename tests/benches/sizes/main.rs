//! What a database of many years costs: `cargo bench -p belfry-tests --bench sizes`.
//!
//! 100,000 accounts, 1,000 rooms and 10 million messages, or as many messages as `BELFRY_SIZES_MESSAGES` says and of the rest in
//! proportion. The database takes about 3 GB below `BELFRY_BENCH_DIR`, or below the system's folder for temporary files, and is kept for the
//! next run: delete the folder `belfry-sizes` afterwards.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a measurement that breaks should say so at once")]

mod delivery;
mod generate;
mod questions;

use std::path::PathBuf;

use generate::Scale;

fn main() {
    let base = std::env::var_os("BELFRY_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let messages = std::env::var("BELFRY_SIZES_MESSAGES").map_or(10_000_000, |number| number.parse().unwrap());
    let scale = Scale::of(messages);
    let folder = base.join("belfry-sizes");
    println!("database in {}: {scale:?}", folder.display());
    generate::generate(&folder, scale);
    if std::env::var_os("BELFRY_SIZES_MAKE_ONLY").is_some() {
        return;
    }
    questions::ask(&folder, scale);
    delivery::measure(&folder);
}
