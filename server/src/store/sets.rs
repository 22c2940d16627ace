//! Statements that write many lines of the ledger at once.
//!
//! Each takes 64 lines, or half as many, down to one. What SQLite does for each statement, most of all the copies of pages that it keeps
//! to undo it, is then done for all of them together.

use belfry_core::chat::AccountId;
use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, ValueRef};

/// How many lines there are in each form of a statement.
pub(super) const SIZES: [usize; 7] = [64, 32, 16, 8, 4, 2, 1];

/// The forms of a statement for so many lines as [`SIZES`] says.
macro_rules! for_lines {
    ($before:expr, $line:literal, $after:expr) => {
        [
            concat!($before, twice!(twice!(twice!(twice!(twice!(twice!($line)))))), $after),
            concat!($before, twice!(twice!(twice!(twice!(twice!($line))))), $after),
            concat!($before, twice!(twice!(twice!(twice!($line)))), $after),
            concat!($before, twice!(twice!(twice!($line))), $after),
            concat!($before, twice!(twice!($line)), $after),
            concat!($before, twice!($line), $after),
            concat!($before, $line, $after),
        ]
    };
}

macro_rules! twice {
    ($line:expr) => {
        concat!($line, ", ", $line)
    };
}

/// On which line of a person's it is noted what a device does: its own if it is remembered and has one or finds room, or that of the others.
macro_rules! own_or_shared_line {
    () => {
        "iif(EXISTS (SELECT 1 FROM devices d WHERE d.account = v.column1 AND d.device = v.column2 AND d.remembered = 1)
            AND ((SELECT count(*) FROM ledger_devices c WHERE c.notice = ?1 AND c.account = v.column1) < ?3
                OR EXISTS (SELECT 1 FROM ledger_devices o WHERE o.notice = ?1 AND o.account = v.column1 AND o.device = v.column2)),
            v.column2, zeroblob(32))"
    };
}

pub(super) use {for_lines, own_or_shared_line, twice};

/// Writes lines, which are in order of account, those of one account's devices one after the other: a statement sees how many lines
/// there were before it.
pub(super) fn one_of_each<T: Copy>(
    lines: &[T],
    account: impl Fn(&T) -> AccountId,
    mut write: impl FnMut(&[T]) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut rest = lines.to_vec();
    while !rest.is_empty() {
        let mut last = None;
        let (firsts, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(|line| last.replace(account(line)) != Some(account(line)));
        write(&firsts)?;
        rest = others;
    }
    Ok(())
}

/// Executes the forms of a statement until all lines are through. `notes` are its first values, the lines' follow. How many rows were
/// changed.
pub(super) fn execute<T, const N: usize>(
    connection: &Connection,
    statements: &[&str; SIZES.len()],
    notes: &[i64],
    lines: &[T],
    values: impl for<'a> Fn(&'a T) -> [ValueRef<'a>; N],
) -> rusqlite::Result<usize> {
    let (mut rest, mut changed) = (lines, 0);
    for (size, query) in SIZES.into_iter().zip(statements) {
        while let Some((set, others)) = rest.split_at_checked(size) {
            let mut statement = connection.prepare_cached(query)?;
            let notes = notes.iter().map(|&note| ValueRef::Integer(note));
            for (at, value) in notes.chain(set.iter().flat_map(&values)).enumerate() {
                statement.raw_bind_parameter(at + 1, ToSqlOutput::Borrowed(value))?;
            }
            changed += statement.raw_execute()?;
            rest = others;
        }
    }
    Ok(changed)
}
