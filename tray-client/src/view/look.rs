//! Colours and sizes, the same for every window.

use std::cell::Cell;

use slint::{ComponentHandle, Global as _};

use super::ui;
use crate::settings::{Settings, Theme};
use crate::words;

thread_local! {
    /// What windows that are made from now on look like.
    static CURRENT: Cell<(Theme, u16)> = const { Cell::new((Theme::System, 100)) };
    /// And speak, in Slint's name for it; empty for English.
    static LANGUAGE: Cell<&'static str> = const { Cell::new("") };
}

/// Windows that are made from now on look like this.
pub fn set(settings: &Settings) {
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
    ui::Palette::get(window).set_color_scheme(match theme {
        Theme::System => slint::language::ColorScheme::Unknown,
        Theme::Light => slint::language::ColorScheme::Light,
        Theme::Dark => slint::language::ColorScheme::Dark,
    });
}

/// Windows of this test have this look.
#[cfg(all(test, feature = "window-tests"))]
pub(super) fn set_for_test(theme: Theme, percent: u16, language: &'static str) {
    CURRENT.set((theme, percent));
    LANGUAGE.set(language);
    words::speak_here(language == "zh");
}
