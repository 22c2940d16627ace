//! The `belfry` program: the server, and the commands that people, administrators and scripts use.
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

use std::process::ExitCode;

mod cli;
mod config;
mod ending;
mod log;
mod output;
mod profile;
mod ready;
mod sentence;
#[cfg(windows)]
mod service;

fn main() -> ExitCode {
    let arguments = match cli::parse(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(exit) => return exit,
    };
    match cli::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(ending) => ending.report(),
    }
}
