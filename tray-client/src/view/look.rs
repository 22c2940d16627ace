//! Colours and sizes, the same for every window.

use std::cell::Cell;
use std::time::Duration;

use slint::{ComponentHandle, Global as _};

use super::ui;
use crate::letters;
use crate::settings::{Theme, UserSettings};
use crate::words;

/// What has just come up, moved or changed takes neither key nor click for so long: nobody decides in less than half a second what they
/// want to say to something new, so a key that comes sooner was meant for something else.
pub const CALM: Duration = Duration::from_millis(500);

/// What has been on the screen for so long without a break counts as visible, if the screen is open and somebody uses it: half a second
/// until an eye has gone there, and a heading of six words at four words a second. It is shorter than the eight seconds of an info popup,
/// so whoever is there has seen it; it does not grow with the text, because visible says that it could be read, and the answer that it was.
pub const READ_AFTER: Duration = Duration::from_secs(2);

thread_local! {
    /// What windows that are made from now on look like.
    static CURRENT: Cell<(Theme, u16)> = const { Cell::new((Theme::System, 100)) };
    /// And speak, in Slint's name for it; empty for English.
    static LANGUAGE: Cell<&'static str> = const { Cell::new("") };
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Windows that are made from now on look like this.
pub fn set(settings: &UserSettings) {
    CURRENT.set((settings.theme, settings.text_percent));
    LANGUAGE.set(words::speak(settings.language));
}

/// Gives a window the look of the others.
pub(crate) fn dress<C: ComponentHandle>(window: &C)
where
    for<'a> ui::Look<'a>: slint::Global<'a, C>,
    for<'a> ui::Palette<'a>: slint::Global<'a, C>,
{
    let (theme, percent) = CURRENT.get();
    // Only an unknown name is refused, and there is none.
    let _ = slint::select_bundled_translation(LANGUAGE.get());
    ui::Look::get(window).set_text_scale(f32::from(percent) / 100.0);
    ui::Look::get(window).on_runs_from_the_right(|text| letters::runs_from_the_right(&text));
    ui::Look::get(window).set_calm(millis(CALM));
    ui::Look::get(window).set_read_after(millis(READ_AFTER));
    ui::Palette::get(window).set_color_scheme(match theme {
        Theme::System => slint::language::ColorScheme::Unknown,
        Theme::Light => slint::language::ColorScheme::Light,
        Theme::Dark => slint::language::ColorScheme::Dark,
    });
}

/// Windows of this test have this look.
#[cfg(test)]
#[cfg(feature = "window-tests")]
pub(super) fn set_for_test(theme: Theme, percent: u16, language: &'static str) {
    CURRENT.set((theme, percent));
    LANGUAGE.set(language);
    words::speak_here(language == "zh");
}
