//! Tables for spreadsheets: CSV as RFC 4180 has it, whose cells no spreadsheet runs.
//!
//! Every line ends with CR LF, also those within a cell. A cell that a spreadsheet would take for a formula begins with an apostrophe, which
//! spreadsheets take for "this is text"; so does one that begins with an apostrophe by itself, so that taking one away gives what it was.

use alloc::string::String;

use super::hidden::is_blank;

/// What spreadsheets take for the beginning of a formula, also in the letters of East Asian keyboards.
const FORMULA: [char; 13] = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫', '−'];

/// One line of a table, with its end.
pub fn table_line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            line.push(',');
        }
        push(&mut line, cell);
    }
    line.push_str("\r\n");
    line
}

fn push(line: &mut String, cell: &str) {
    // Some look for the formula behind spaces and what shows nothing.
    let is_formula = cell.chars().find(|&c| !is_blank(c)).is_some_and(|first| FORMULA.contains(&first));
    let apostrophe = if is_formula || cell.starts_with(['\'', '\t', '\r', '\n']) { "'" } else { "" };
    if !cell.contains([',', '"', '\r', '\n']) {
        line.push_str(apostrophe);
        line.push_str(cell);
        return;
    }
    line.push('"');
    line.push_str(apostrophe);
    let mut before = '\0';
    for c in cell.chars() {
        match c {
            '"' => line.push('"'),
            '\n' if before != '\r' => line.push('\r'),
            _ => {}
        }
        line.push(c);
        before = c;
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn what_spreadsheets_would_run_is_text() {
        for cell in [
            "=cmd|' /C calc'!A0",
            "+1",
            "-1",
            "@SUM(A1)",
            "＝1+1",
            "＋1",
            "－1",
            "＠x",
            "  =1",
            "\u{200b}=1",
            "\u{a0}=1",
            "'quoted",
            "\t=1",
        ] {
            assert_eq!(table_line([cell]), format!("'{cell}\r\n"), "{cell:?}");
        }
        assert_eq!(table_line(["\n=1"]), "\"'\r\n=1\"\r\n");
        for cell in ["", "hello", "a=b", "1-2", "me@example.org", "2026-11-21T10:02:03.123Z", "true"] {
            assert_eq!(table_line([cell]), format!("{cell}\r\n"));
        }
    }

    #[test]
    fn lines_end_as_the_standard_says_also_within_a_cell() {
        assert_eq!(table_line(["a", "one, \"two\"\nthree", ""]), "a,\"one, \"\"two\"\"\r\nthree\",\r\n");
        assert_eq!(table_line(["=1", "x", "a\r\nb"]), "'=1,x,\"a\r\nb\"\r\n");
    }
}
