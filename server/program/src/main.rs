//! The `belfry` program: the server, and the commands that people, administrators and scripts use.

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
