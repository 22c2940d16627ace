//! The adapter of the window that says what this program is.

use slint::ComponentHandle as _;

use super::{NoDisplay, keyboard, look, ui};

/// Of the font and of the names that the program brings along: with every copy go these.
const EMOJI_LICENCES: &str =
    concat!(include_str!("../../fonts/NotoEmoji-OFL.txt"), "\n\n", include_str!("../../emoji/LICENSE-emojibase.txt"));

/// The window that says what this program is.
pub struct AboutView {
    window: ui::AboutWindow,
}

impl AboutView {
    /// The window itself, for tests.
    #[cfg(test)]
    #[cfg(feature = "window-tests")]
    pub(super) const fn window(&self) -> &ui::AboutWindow {
        &self.window
    }

    /// The window, shown.
    ///
    /// # Errors
    /// There is no display.
    pub fn show() -> Result<Self, NoDisplay> {
        let window = ui::AboutWindow::new()?;
        look::dress(&window);
        window.set_version(env!("CARGO_PKG_VERSION").into());
        window.set_emoji_licences(EMOJI_LICENCES.into());
        keyboard::keep(&window, ui::AboutWindow::invoke_take_keyboard);
        let weak = window.as_weak();
        window.on_closed(move || keyboard::leave(&weak));
        window.show()?;
        Ok(Self { window })
    }

    /// Brings it back.
    ///
    /// # Errors
    /// There is no display.
    pub fn raise(&self) -> Result<(), NoDisplay> {
        self.window.show()
    }

    /// Colours, sizes or the language have changed.
    pub fn dress(&self) {
        look::dress(&self.window);
    }
}
