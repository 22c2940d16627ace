//! libFuzzer's door to `belfry_tests::fuzzing`. `BELFRY_FUZZ_TARGET` says which target.

#![no_main]

use std::sync::LazyLock;

use belfry_tests::fuzzing::{Target, target};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("BELFRY_FUZZ_TARGET").expect("BELFRY_FUZZ_TARGET names a target");
    target(&name).expect("BELFRY_FUZZ_TARGET names a target of belfry_tests::fuzzing")
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| (TARGET.run)(data));
