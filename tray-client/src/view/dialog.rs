//! The system's own dialogs. Only the asynchronous ones: a blocking one would stop the popups.

use std::path::PathBuf;

use crate::words::say;

/// Asks for a file to save into; `chosen` is called with it, and not at all if the person changes their mind.
pub fn save_file(title: &str, name: &str, chosen: impl FnOnce(PathBuf) + 'static) {
    let dialog = rfd::AsyncFileDialog::new()
        .set_title(say(title))
        .set_file_name(name)
        .add_filter(say("Text file"), &["txt"])
        .add_filter(say("Table (CSV)"), &["csv"])
        .save_file();
    let asked = slint::spawn_local(async move {
        if let Some(file) = dialog.await {
            chosen(file.path().to_owned());
        }
    });
    // Without a loop there is no window from which to ask.
    drop(asked);
}
