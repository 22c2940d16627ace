//! What a database of many years costs: `cargo bench -p belfry-tests --bench sizes`.
//!
//! 100,000 accounts, 1,000 rooms and 10 million messages, or as many messages as `BELFRY_SIZES_MESSAGES` says and of the rest in
//! proportion, unless `BELFRY_SIZES_ACCOUNTS` says how many accounts there are. The database takes about 3 GB below `BELFRY_BENCH_DIR`, or below the system's folder for temporary files, and is kept for the
//! next run: delete the folder `belfry-sizes` afterwards.

mod delivery;
mod generate;
mod questions;

use std::path::PathBuf;

use generate::Scale;

fn main() {
    let base = std::env::var_os("BELFRY_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let number = |name| std::env::var(name).ok().map(|number| number.parse().unwrap());
    let messages = number("BELFRY_SIZES_MESSAGES").unwrap_or(10_000_000);
    let scale = Scale::of(messages, number("BELFRY_SIZES_ACCOUNTS").unwrap_or(messages / 100));
    let folder = base.join("belfry-sizes");
    println!("database in {}: {scale:?}", folder.display());
    generate::generate(&folder, scale);
    if std::env::var_os("BELFRY_SIZES_MAKE_ONLY").is_some() {
        return;
    }
    questions::ask(&folder, scale);
    delivery::measure(&folder);
}
