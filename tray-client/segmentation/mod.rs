// What ICU4X's crates of data include instead of their own data (`ICU4X_DATA_DIR` in .cargo/config.toml): one file for each of them, which
// for all but one takes the crate's own data after all. Cargo does not notice changes here: `cargo clean -p icu_segmenter_data -p icu_segmenter`.
include!(concat!(env!("ICU4X_DATA_DIR"), "/", env!("CARGO_PKG_NAME"), ".rs"));
