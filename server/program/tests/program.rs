//! The program as a program. Being here makes `cargo test --workspace` build it, which the process tests of `tests/` need.

use std::process::Command;

#[test]
fn the_program_says_its_version() {
    let said = Command::new(env!("CARGO_BIN_EXE_belfry")).arg("--version").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout), concat!("belfry ", env!("CARGO_PKG_VERSION"), "\n"));
}
