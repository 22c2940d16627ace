//! Values as the database keeps them. Its integers are 64 bits with a sign; everything read is checked on the way out.

use std::error::Error;

use belfry_core::chat::DeviceId;
use belfry_core::time::UnixMillis;
use rusqlite::Row;
use rusqlite::types::Type;

/// A number that the database gives out or compares by size. None as large as the largest is ever stored, so clamping finds nothing.
pub(super) fn clamped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that a client drew: all 64 bits matter, their order does not.
pub(super) fn bits(number: u64) -> i64 {
    number.cast_signed()
}

/// A stored number; negative is damage.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let stored: i64 = row.get(column)?;
    u64::try_from(stored).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, stored))
}

/// A stored number, if there is one.
pub(super) fn optional_number(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    match row.get::<_, Option<i64>>(column)? {
        None => Ok(None),
        Some(_) => number(row, column).map(Some),
    }
}

/// A stored number that is counted in 32 bits.
pub(super) fn small(row: &Row<'_>, column: usize) -> rusqlite::Result<u32> {
    let stored: i64 = row.get(column)?;
    u32::try_from(stored).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, stored))
}

/// A stored device key.
pub(super) fn device(row: &Row<'_>, column: usize) -> rusqlite::Result<DeviceId> {
    row.get(column).map(DeviceId)
}

/// A stored time.
pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<UnixMillis> {
    number(row, column).map(UnixMillis)
}

/// A stored time, if there is one.
pub(super) fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<UnixMillis>> {
    Ok(optional_number(row, column)?.map(UnixMillis))
}

/// A stored name or text, checked like one that is typed.
pub(super) fn words<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: TryFrom<String>,
    T::Error: Error + Send + Sync + 'static,
{
    T::try_from(row.get(column)?).map_err(|error| invalid(column, error))
}

/// A stored name or text, if there is one.
pub(super) fn optional_words<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>>
where
    T: TryFrom<String>,
    T::Error: Error + Send + Sync + 'static,
{
    match row.get::<_, Option<String>>(column)? {
        None => Ok(None),
        Some(stored) => T::try_from(stored).map(Some).map_err(|error| invalid(column, error)),
    }
}

/// Something stored is not what it can be.
pub(super) fn invalid(column: usize, error: impl Into<Box<dyn Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
}
