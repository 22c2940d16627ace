//! Windows' event log, where administrators look for what services have to say.

use std::ptr;

use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, RegisterEventSourceW, ReportEventW,
};

/// The one message of the source: its text is all there is to say. The installer names `EventCreate.exe` as the file with the words
/// of messages; there, number 1 stands for its first argument alone.
const MESSAGE: u32 = 1;

/// How bad it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum EntryKind {
    /// Nothing to do.
    Information,
    /// The service has ended.
    Error,
}

/// Writes one entry. Where there is no event log, the log files have to do.
pub(super) fn write(kind: EntryKind, text: &str) {
    let kind = match kind {
        EntryKind::Information => EVENTLOG_INFORMATION_TYPE,
        EntryKind::Error => EVENTLOG_ERROR_TYPE,
    };
    let (source, text) = (wide(super::NAME), wide(text));
    let lines = [text.as_ptr()];
    // SAFETY: the strings end with a zero and outlive the calls, the one line is counted as one, no user and no data are given, and
    // the source is used only where it was opened and closed once.
    unsafe {
        let log = RegisterEventSourceW(ptr::null(), source.as_ptr());
        if !log.is_null() {
            ReportEventW(log, kind, 0, MESSAGE, ptr::null_mut(), 1, 0, lines.as_ptr(), ptr::null());
            DeregisterEventSource(log);
        }
    }
}

/// UTF-16 with the zero that Windows expects.
fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().filter(|&unit| unit != 0).chain([0]).collect()
}
