//! Reads lines for another thread, no faster than it asks for them.

use std::io::{self, BufRead};
use std::string::FromUtf8Error;
use std::sync::mpsc::{Receiver, Sender};

use belfry_core::limits::TEXT_BYTES_MAX;

use crate::cli::session::Wake;

/// Bytes that are kept of one line: enough to see that it is too long.
const LINE_BYTES_MAX: usize = TEXT_BYTES_MAX + 1;

/// Reads a line for each permission and hands it to `waker`, until the input or the permissions end.
pub(super) fn read(mut input: impl BufRead, permissions: &Receiver<()>, waker: &Sender<Wake>) {
    while permissions.recv().is_ok() {
        let (wake, last) = match next_line(&mut input) {
            Ok(Some(line)) => (Wake::Line(line), false),
            Ok(None) => (Wake::InputEnded, true),
            Err(error) => (Wake::InputFailed(error), true),
        };
        if waker.send(wake).is_err() || last {
            return;
        }
    }
}

/// The next line without its line break, cut off after [`LINE_BYTES_MAX`]; `None` at the input's end.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut anything = false;
    loop {
        let chunk = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            chunk => chunk?,
        };
        if chunk.is_empty() {
            break;
        }
        anything = true;
        let (text, rest) = match chunk.iter().position(|&byte| byte == b'\n') {
            Some(end) => (chunk.get(..end).unwrap_or_default(), true),
            None => (chunk, false),
        };
        let room = (LINE_BYTES_MAX + 1).saturating_sub(line.len());
        line.extend_from_slice(text.get(..room.min(text.len())).unwrap_or_default());
        let used = text.len() + usize::from(rest);
        input.consume(used);
        if rest {
            break;
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    line.truncate(LINE_BYTES_MAX);
    Ok(anything.then_some(line))
}

/// The line as text. The longest are cut off, perhaps within a letter: their length is what is wrong with them.
///
/// # Errors
/// It is not UTF-8.
pub(super) fn text(line: Vec<u8>) -> Result<String, FromUtf8Error> {
    if line.len() > TEXT_BYTES_MAX { Ok("x".repeat(line.len())) } else { String::from_utf8(line) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<Vec<u8>> {
        // A buffer of three bytes: lines come in pieces.
        let mut input = io::BufReader::with_capacity(3, text);
        std::iter::from_fn(|| next_line(&mut input).unwrap()).collect()
    }

    #[test]
    fn lines_end_with_either_line_break_or_the_input() {
        assert_eq!(all(b"one\ntwo\r\n\nfour"), [b"one".to_vec(), b"two".to_vec(), b"".to_vec(), b"four".to_vec()]);
        assert!(all(b"").is_empty());
    }

    #[test]
    fn a_line_without_end_does_not_fill_the_memory() {
        let lines = all(&[vec![b'x'; 5 * LINE_BYTES_MAX], b"\nnext".to_vec()].concat());
        assert_eq!(lines[0].len(), LINE_BYTES_MAX);
        assert_eq!(lines[1], b"next");
    }

    #[test]
    fn the_longest_text_fits_with_its_line_break() {
        let lines = all(&[vec![b'x'; TEXT_BYTES_MAX], b"\r\n".to_vec()].concat());
        assert_eq!(lines[0].len(), TEXT_BYTES_MAX);
    }

    #[test]
    fn nothing_is_read_without_permission() {
        let (permit, permissions) = std::sync::mpsc::channel();
        let (waker, wakes) = std::sync::mpsc::channel();
        permit.send(()).unwrap();
        drop(permit);
        read(&b"one\ntwo\n"[..], &permissions, &waker);
        drop(waker);
        assert_eq!(wakes.iter().count(), 1);
    }
}
