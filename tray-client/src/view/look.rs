//! Colours and sizes, the same for every window.

use std::cell::Cell;

use slint::{ComponentHandle, Global as _};

use super::ui;
use crate::settings::{Settings, Theme};

thread_local! {
    /// What windows that are made from now on look like.
    static CURRENT: Cell<(Theme, u16)> = const { Cell::new((Theme::System, 100)) };
}

/// Windows that are made from now on look like this.
pub fn set(settings: &Settings) {
    CURRENT.set((settings.theme, settings.text_percent));
}

/// Gives a window the look of the others.
pub(crate) fn dress<C: ComponentHandle>(window: &C)
where
    for<'a> ui::Look<'a>: slint::Global<'a, C>,
    for<'a> ui::Palette<'a>: slint::Global<'a, C>,
{
    let (theme, percent) = CURRENT.get();
    ui::Look::get(window).set_text_scale(f32::from(percent) / 100.0);
    ui::Palette::get(window).set_color_scheme(match theme {
        Theme::System => slint::language::ColorScheme::Unknown,
        Theme::Light => slint::language::ColorScheme::Light,
        Theme::Dark => slint::language::ColorScheme::Dark,
    });
}
