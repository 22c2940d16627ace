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

/// The colours behind white letters that stand for somebody, red, green and blue.
const TINTS: [u32; 12] = [
    0x0000_63b1,
    0x0000_6f74,
    0x000b_6a0b,
    0x0049_8205,
    0x008e_562e,
    0x00a4_262c,
    0x00d1_3438,
    0x00bf_0077,
    0x009a_0089,
    0x005c_2e91,
    0x004f_6bed,
    0x0069_797e,
];

/// Which of them stands for a name.
pub(super) fn tint(name: &str) -> i32 {
    let colours = u32::try_from(TINTS.len()).unwrap_or(1);
    i32::try_from(letters::tint(name, colours)).unwrap_or(0)
}

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
    ui::Look::get(window).on_in_one_font(|text| letters::in_one_font(&text));
    ui::Look::get(window).on_beginning(|text, width, lines| letters::beginning(&text, width, usize::try_from(lines).unwrap_or(0)).into());
    let opaque = |tint| slint::Color::from_argb_encoded(0xff00_0000 | tint);
    ui::Look::get(window).set_tints(slint::ModelRc::from(TINTS.map(opaque)));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// How bright a colour is (WCAG 2.2, "relative luminance").
    fn luminance(colour: u32) -> f64 {
        let channel = |shift: u32| {
            let value = f64::from((colour >> shift) & 0xff) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0)
    }

    fn contrast(one: u32, other: u32) -> f64 {
        let (bright, dark) = (luminance(one).max(luminance(other)), luminance(one).min(luminance(other)));
        (bright + 0.05) / (dark + 0.05)
    }

    #[test]
    fn white_letters_can_be_read_on_every_tint_and_every_tint_is_seen_in_both_themes() {
        for tint in TINTS {
            assert!(contrast(tint, 0x00ff_ffff) >= 4.5, "{tint:06x}: {}", contrast(tint, 0x00ff_ffff));
            // Behind it: the sides and the pages, light and dark.
            for behind in [0x00f3_f3f3, 0x00fd_fdfd, 0x0024_2424, 0x001c_1c1c] {
                assert!(contrast(tint, behind) >= 1.5, "{tint:06x} on {behind:06x}: {}", contrast(tint, behind));
            }
        }
    }
}
