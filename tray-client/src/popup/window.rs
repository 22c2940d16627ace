//! The windows of the popups. A window is made for one notice and dropped with it: only a window that has never been shown can be kept
//! from taking the focus.

use std::cell::Cell;
use std::rc::Rc;

use slint::ComponentHandle;
use slint::winit_030::WinitWindowAccessor as _;

use crate::geometry::{Corner, Rect, Size};
use crate::platform::bystander::{self, KeyboardLoan};
use crate::scene::NoticeRow;
use crate::view::{Gesture, NoDisplay, Sink, look, run, ui};

/// The share of a work area's height that a popup may take.
const HEIGHT_MAX: f32 = 0.6;

/// The same where its answers need it: nothing that can be clicked is below the edge.
const HEIGHT_MOST: f32 = 0.94;

/// Where a popup waits for which there is no room on the screen: beyond every screen, and near enough for X11, which counts with 16 bits.
const ASIDE: Corner = (-30_000, -30_000);

/// A popup on the screen.
pub enum Popup {
    /// Of a notice.
    Notice(ui::NoticePopup),
    /// Of a conversation, which borrows the keyboard while somebody replies in it.
    Message(ui::MessagePopup, Rc<Cell<Option<KeyboardLoan>>>),
}

/// What the popup of a conversation says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// The conversation's key.
    pub key: String,
    /// Who wrote.
    pub who: String,
    /// Where; empty in a direct conversation.
    pub place: String,
    /// What, or that the text is hidden.
    pub text: String,
}

impl Popup {
    /// Shows a notice. `key` comes back with gestures that concern the popup.
    ///
    /// # Errors
    /// There is no display.
    pub fn notice(sink: &Sink, key: &str, row: NoticeRow) -> Result<Self, NoDisplay> {
        let window = run::as_popup(ui::NoticePopup::new)?;
        look::dress(&window);
        let (answered, id) = (sink.clone(), row.key.clone());
        window.on_answered(move |answer| {
            answered(Gesture::Answer { notice: id.clone(), answer: u8::try_from(answer).unwrap_or(u8::MAX) });
        });
        let (dismissed, id) = (sink.clone(), row.key.clone());
        window.on_dismissed(move || dismissed(Gesture::Dismiss(id.clone())));
        let (hovered, popup) = (sink.clone(), key.to_owned());
        window.on_hovered(move |on| hovered(Gesture::Hover { popup: popup.clone(), on }));
        let resized = sink.clone();
        window.on_resized(move || resized(Gesture::PopupResized));
        let follow = sink.clone();
        window.on_follow(move |address| follow(Gesture::Follow(address.into())));
        let more = sink.clone();
        window.on_more(move || more(Gesture::AllNotices));
        let (read, id) = (sink.clone(), row.key.clone());
        window.on_read(move || read(Gesture::Read(id.clone())));
        window.set_notice(row.into());
        window.show()?;
        when_made(&window, sink);
        Ok(Self::Notice(window))
    }

    /// Shows a message.
    ///
    /// # Errors
    /// There is no display.
    pub fn message(sink: &Sink, key: &str, row: &MessageRow) -> Result<Self, NoDisplay> {
        let window = run::as_popup(ui::MessagePopup::new)?;
        look::dress(&window);
        let (opened, place) = (sink.clone(), row.key.clone());
        window.on_opened(move || opened(Gesture::Open(place.clone())));
        let (dismissed, place) = (sink.clone(), row.key.clone());
        window.on_dismissed(move || dismissed(Gesture::DismissMessage(place.clone())));
        let (hovered, popup) = (sink.clone(), key.to_owned());
        window.on_hovered(move |on| hovered(Gesture::Hover { popup: popup.clone(), on }));
        let resized = sink.clone();
        window.on_resized(move || resized(Gesture::PopupResized));
        let (replied, place) = (sink.clone(), row.key.clone());
        window.on_reply(move |text| replied(Gesture::ReplyInPopup { place: place.clone(), text: text.into() }));
        let loan: Rc<Cell<Option<KeyboardLoan>>> = Rc::default();
        let (weak, borrowed) = (window.as_weak(), Rc::clone(&loan));
        window.on_take_keyboard(move || {
            let popup = weak.upgrade();
            let lent = popup.and_then(|popup| popup.window().with_winit_window(bystander::borrow_keyboard).flatten());
            borrowed.set(lent);
        });
        let popup = Self::Message(window.clone_strong(), loan);
        popup.say(row);
        window.show()?;
        when_made(&window, sink);
        Ok(popup)
    }

    /// The notice has changed, or is over.
    pub fn renew(&self, row: NoticeRow) {
        if let Self::Notice(window) = self {
            if row.ended.is_empty() {
                window.set_updates(window.get_updates().wrapping_add(1));
            }
            window.set_notice(row.into());
        }
    }

    /// Colours, sizes or the language have changed; a notice is told again, which is no news of it.
    pub fn dress(&self, row: Option<NoticeRow>) {
        match self {
            Self::Notice(window) => {
                look::dress(window);
                if let Some(row) = row {
                    window.set_notice(row.into());
                }
            }
            Self::Message(window, _) => look::dress(window),
        }
    }

    /// The conversation has gone on.
    pub fn say(&self, row: &MessageRow) {
        if let Self::Message(window, _) = self {
            window.set_who(row.who.as_str().into());
            window.set_place(row.place.as_str().into());
            window.set_text(row.text.as_str().into());
        }
    }

    /// What stands in the field for a reply; taken out of it.
    pub fn take_written(&self) -> String {
        let Self::Message(window, _) = self else { return String::new() };
        let written = window.get_written().into();
        window.set_written(slint::SharedString::new());
        written
    }

    /// What was written in reply could not be sent: why.
    pub fn complain(&self, sentence: &str) {
        if let Self::Message(window, _) = self {
            window.set_complaint(crate::words::say(sentence).into());
        }
    }

    /// So many more do not fit on the screen; 0 for none.
    pub fn set_folded(&self, more: usize) {
        if let Self::Notice(window) = self {
            window.set_folded(i32::try_from(more).unwrap_or(i32::MAX));
        }
    }

    /// The share of its time that is left to it; `None` for one that stays.
    pub fn set_left(&self, left: Option<f32>) {
        if let Self::Notice(window) = self {
            window.set_left(left.unwrap_or(-1.0));
        }
    }

    /// It takes so much of the work area at most, and what it says beyond that scrolls.
    #[expect(clippy::cast_precision_loss, reason = "screens are a few thousand pixels high")]
    pub fn fit(&self, work_area: Rect) {
        if let Self::Notice(window) = self {
            let height = work_area.height as f32 / self.window().scale_factor();
            window.set_height_max(height * HEIGHT_MAX);
            window.set_height_most(height * HEIGHT_MOST);
        }
    }

    /// How large it wants to be, in physical pixels.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a popup is smaller than a screen")]
    pub fn size(&self) -> Size {
        let (width, height) = match self {
            Self::Notice(window) => (window.get_wanted_width(), window.get_wanted_height()),
            Self::Message(window, _) => (window.get_wanted_width(), window.get_wanted_height()),
        };
        let scale = self.window().scale_factor();
        Size { width: (width * scale).ceil() as u32, height: (height * scale).ceil() as u32 }
    }

    /// Puts it there; `None` puts it aside until there is room. `watched` says that somebody uses the screen.
    pub fn place(&self, corner: Option<Corner>, watched: bool) {
        let (x, y) = corner.unwrap_or(ASIDE);
        if let Self::Notice(window) = self {
            window.set_spot(y);
            window.set_watched(watched && corner.is_some());
        }
        self.window().set_position(slint::PhysicalPosition::new(x, y));
    }

    fn window(&self) -> &slint::Window {
        match self {
            Self::Notice(window) => window.window(),
            Self::Message(window, _) => window.window(),
        }
    }
}

/// The system's window is made only after this turn of the loop. Then it is told to stay out of the way, and its scale is known.
fn when_made<C: ComponentHandle + 'static>(popup: &C, sink: &Sink) {
    let (popup, sink) = (popup.as_weak(), Rc::clone(sink));
    let waiting = async move {
        let Some(popup) = popup.upgrade() else { return };
        if let Ok(window) = popup.window().winit_window().await {
            bystander::keep(&window);
            sink(Gesture::PopupResized);
        }
    };
    // Without a loop there is no window to be made: the views' tests.
    let _ = slint::spawn_local(waiting);
}

impl Drop for Popup {
    fn drop(&mut self) {
        // A window that cannot be hidden is not there.
        let _ = self.window().hide();
    }
}
