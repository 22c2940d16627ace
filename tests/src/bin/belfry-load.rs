//! Makes load on a server of its own making and says what it costs, also other servers: see `belfry_tests::load`. Linux only.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    belfry_tests::load::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("belfry-load reads what the system counts from /proc, so it runs on Linux only");
    ExitCode::FAILURE
}
