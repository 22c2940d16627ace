//! Which of the changes in this copy of the sources is in force, and which ones are passed by.
//!
//! BELFRY_MUTANT          the number of the change in force; none where it is not set
//! BELFRY_MUTANTS_SEEN    a file to which the number of each change is appended when it is first reached

use std::{
    fs::{File, OpenOptions},
    io::Write,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

struct Switch {
    in_force: usize,
    seen: Option<File>,
}

static SWITCH: OnceLock<Switch> = OnceLock::new();
static REACHED: [AtomicBool; 1 << 16] = [const { AtomicBool::new(false) }; 1 << 16];

/// Whether the change with this number is in force. What the compiler computes is never changed.
pub const fn on(number: usize) -> bool {
    core::intrinsics::const_eval_select((number,), never, is_in_force)
}

const fn never(_: usize) -> bool {
    false
}

fn is_in_force(number: usize) -> bool {
    let switch = SWITCH.get_or_init(|| Switch {
        in_force: std::env::var("BELFRY_MUTANT").ok().and_then(|number| number.parse().ok()).unwrap_or(0),
        seen: std::env::var_os("BELFRY_MUTANTS_SEEN").and_then(|file| OpenOptions::new().append(true).create(true).open(file).ok()),
    });
    if let (Some(mut seen), Some(reached)) = (switch.seen.as_ref(), REACHED.get(number)) {
        if !reached.swap(true, Ordering::Relaxed) {
            // Without an allocation: some tests count them.
            let mut line = [0; 24];
            let mut rest = &mut line[..];
            let _ = writeln!(rest, "{number}");
            let unused = rest.len();
            let _ = seen.write_all(&line[..line.len() - unused]);
        }
    }
    switch.in_force == number
}
