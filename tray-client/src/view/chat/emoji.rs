//! The panel in which an emoji is chosen.

use std::rc::Rc;

use slint::platform::WindowEvent;
use slint::{ComponentHandle as _, ModelRc, VecModel};

use super::{ChatView, Gesture, Sink, ui};
use crate::{emoji, words};

impl ChatView {
    pub(super) fn listen_for_emoji(&self, sink: &Sink) {
        let (weak, recent) = (self.window.as_weak(), Rc::clone(&self.recent_emoji));
        self.window.on_emoji_searched(move |typed| {
            let Some(window) = weak.upgrade() else { return };
            let (found, chinese) = (emoji::find(&typed, &recent.borrow()), words::is_chinese());
            let columns = usize::try_from(window.get_emoji_columns()).unwrap_or(1).max(1);
            let cell = |emoji: &emoji::Emoji| ui::EmojiCell { text: emoji.text.into(), name: emoji.name(chinese).into() };
            let row = |row: &[emoji::Emoji]| ui::EmojiRow { cells: ModelRc::new(row.iter().map(cell).collect::<VecModel<_>>()) };
            window.set_emoji_count(i32::try_from(found.len()).unwrap_or(0));
            window.set_emoji_rows(ModelRc::new(found.chunks(columns).map(row).collect::<VecModel<_>>()));
        });
        let (weak, picked) = (self.window.as_weak(), sink.clone());
        self.window.on_emoji_picked(move |text| {
            let Some(window) = weak.upgrade() else { return };
            picked(Gesture::PickEmoji(text.clone().into()));
            // Where the keyboard is in the composer, as if there were a key for it.
            window.invoke_close_emoji();
            window.window().dispatch_event(WindowEvent::KeyPressed { text: text.clone() });
            window.window().dispatch_event(WindowEvent::KeyReleased { text });
        });
    }

    /// Those that were chosen last, newest first.
    pub fn set_recent_emoji(&self, recent: Vec<String>) {
        self.recent_emoji.replace(recent);
    }
}
