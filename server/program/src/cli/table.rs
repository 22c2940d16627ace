//! Tables for spreadsheets: CSV as RFC 4180 has it, whose cells no spreadsheet runs.
//!
//! Every line ends with CR LF, also those within a cell. A cell that a spreadsheet would take for a formula begins with an apostrophe, which
//! spreadsheets take for "this is text"; so does one that begins with an apostrophe by itself, so that taking one away gives what it was.

use std::borrow::Cow;

use belfry_core::chat::is_blank;

use crate::ending::{Ending, Outcome};
use crate::output;

/// One line of a table on standard output, with its end.
pub(super) fn print<'a>(cells: impl IntoIterator<Item = &'a str>) -> Outcome {
    output::exactly(&line(cells)?)
}

/// One line of a table, with its end.
pub(super) fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> Outcome<Vec<u8>> {
    let unwritten = |error: &dyn std::fmt::Display| Ending::refused(format_args!("The table cannot be written as CSV: {error}."));
    let mut writer = csv::WriterBuilder::new().has_headers(false).terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for cell in cells {
        writer.write_field(&*harmless(cell)).map_err(|error| unwritten(&error))?;
    }
    writer.write_record(None::<&[u8]>).map_err(|error| unwritten(&error))?;
    writer.into_inner().map_err(|error| unwritten(&error))
}

/// The cell as text and nothing else.
fn harmless(cell: &str) -> Cow<'_, str> {
    let is_run = |c: char| matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠' | '﹦' | '﹢' | '﹣' | '﹫' | '−');
    // Some look for the formula behind spaces and what shows nothing.
    let first = cell.chars().find(|&c| !is_blank(c));
    let is_text_anyway = !cell.starts_with(['\'', '\t', '\r', '\n']) && !first.is_some_and(is_run);
    match (is_text_anyway, cell.contains('\n')) {
        (true, false) => Cow::Borrowed(cell),
        (true, true) => Cow::Owned(cell.replace('\n', "\r\n")),
        (false, _) => Cow::Owned(format!("'{}", cell.replace('\n', "\r\n"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(cells: &[&str]) -> String {
        String::from_utf8(line(cells.iter().copied()).unwrap()).unwrap()
    }

    #[test]
    fn what_spreadsheets_would_run_is_text() {
        for cell in ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "＝1+1", "＋1", "－1", "＠x", "  =1", "\u{200b}=1", "\u{a0}=1"] {
            assert_eq!(harmless(cell), format!("'{cell}"), "{cell:?}");
        }
        assert_eq!(harmless("\t=1"), "'\t=1");
        assert_eq!(harmless("\n=1"), "'\r\n=1");
        assert_eq!(harmless("'quoted"), "''quoted");
        for cell in ["", "hello", "a=b", "1-2", "me@example.org", "2026-11-21T10:02:03.123Z", "true"] {
            assert_eq!(harmless(cell), cell);
        }
    }

    #[test]
    fn lines_end_as_the_standard_says_also_within_a_cell() {
        assert_eq!(written(&["a", "one, \"two\"\nthree", ""]), "a,\"one, \"\"two\"\"\r\nthree\",\r\n");
        assert_eq!(written(&["=1", "x"]), "'=1,x\r\n");
    }
}
