//! The system's own dialogs. Only the asynchronous ones: a blocking one would stop the popups.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use directories::UserDirs;
use slint::ComponentHandle as _;

use super::{NoDisplay, keyboard, look, ui};
use crate::words::say;

/// Nobody changes their mind sooner than this: a dialog that is gone by then was never there. On Linux it is a service of the desktop, which
/// a plain window manager has not, and whoever asks for it learns no more than that no file was chosen.
const NEVER_THERE: Duration = Duration::from_millis(500);

thread_local! {
    /// The window that stands in for a dialog that is not there.
    static PATH: RefCell<Option<PathView>> = const { RefCell::new(None) };
}

/// Asks for a file to save into; `chosen` is called with it, and not at all if the person changes their mind. Where the desktop has no
/// dialog for that, the path is asked for in a window of the program's own.
pub fn save_file(title: &str, name: &str, chosen: impl Fn(PathBuf) + 'static) {
    let dialog = rfd::AsyncFileDialog::new().add_filter(say("Text file"), &["txt"]).add_filter(say("Table (CSV)"), &["csv"]);
    save(dialog, title, name, PathUse::Replace, chosen);
}

/// The same for a file that replaces none: where the name is taken, it gets another one.
pub fn save_new_file(title: &str, name: &str, chosen: impl Fn(PathBuf) + 'static) {
    save(rfd::AsyncFileDialog::new(), title, name, PathUse::Beside, chosen);
}

fn save(dialog: rfd::AsyncFileDialog, title: &str, name: &str, purpose: PathUse, chosen: impl Fn(PathBuf) + 'static) {
    let asked_at = Instant::now();
    let name = name.replace(['/', '\\'], "_");
    let dialog = dialog.set_title(say(title)).set_file_name(&name).save_file();
    let asked = slint::spawn_local(async move {
        if let Some(file) = dialog.await {
            chosen(file.path().to_owned());
        } else if asked_at.elapsed() < NEVER_THERE {
            // Without a display there is nobody to ask.
            PATH.set(PathView::show(&usual(&name), purpose, chosen).ok());
        }
    });
    // Without a loop there is no window from which to ask.
    drop(asked);
}

/// Asks for files that are there, several at once; without a dialog of the desktop's, for one.
pub fn open_files(title: &str, chosen: impl Fn(Vec<PathBuf>) + 'static) {
    let asked_at = Instant::now();
    let dialog = rfd::AsyncFileDialog::new().set_title(say(title)).pick_files();
    let asked = slint::spawn_local(async move {
        if let Some(files) = dialog.await {
            chosen(files.iter().map(|file| file.path().to_owned()).collect());
        } else if asked_at.elapsed() < NEVER_THERE {
            PATH.set(PathView::show(&usual(""), PathUse::Open, move |path| chosen(vec![path])).ok());
        }
    });
    drop(asked);
}

/// What a path is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathUse {
    /// Something is saved there, in the place of what is there.
    Replace,
    /// Something is saved there, beside what is there.
    Beside,
    /// What is there is read.
    Open,
}

/// Where people look for what they have saved.
fn usual(name: &str) -> PathBuf {
    let folders = UserDirs::new();
    let folder =
        folders.as_ref().map(|folders| folders.document_dir().filter(|folder| folder.is_dir()).unwrap_or_else(|| folders.home_dir()));
    folder.unwrap_or_else(|| Path::new("")).join(name)
}

/// The window that asks for a path.
pub struct PathView {
    window: ui::PathWindow,
}

impl PathView {
    /// The window itself, for tests.
    #[cfg(test)]
    #[cfg(feature = "window-tests")]
    pub(super) const fn window(&self) -> &ui::PathWindow {
        &self.window
    }

    /// The window, shown, with a path that will do. A file that is there is replaced only when that has been said and is wanted again.
    ///
    /// # Errors
    /// There is no display.
    pub fn show(path: &Path, purpose: PathUse, chosen: impl Fn(PathBuf) + 'static) -> Result<Self, NoDisplay> {
        let window = ui::PathWindow::new()?;
        look::dress(&window);
        window.set_path(path.display().to_string().into());
        window.set_opens(purpose == PathUse::Open);
        keyboard::keep(&window, ui::PathWindow::invoke_take_keyboard);
        let weak = window.as_weak();
        window.on_closed(move || keyboard::leave(&weak));
        let (weak, warned) = (window.as_weak(), Rc::new(RefCell::new(PathBuf::new())));
        window.on_chosen(move |typed| {
            let Some(window) = weak.upgrade() else { return };
            let path = PathBuf::from(typed.trim());
            if purpose == PathUse::Replace && path.exists() && *warned.borrow() != path {
                window.set_complaint(say("There is a file of that name already. Save again to replace it.").into());
                warned.replace(path);
                return;
            }
            keyboard::leave(&weak);
            chosen(path);
        });
        window.show()?;
        window.invoke_take_keyboard();
        Ok(Self { window })
    }
}

impl Drop for PathView {
    fn drop(&mut self) {
        // A window that cannot be hidden is not there.
        let _ = self.window.hide();
    }
}
