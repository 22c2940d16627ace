//! The keyboard is never lost: what had it may be gone by the time of the next key.

use slint::private_unstable_api::re_exports::WindowInner;
use slint::{ComponentHandle, Weak};
use winit::event::WindowEvent;

/// Something that is seen has the keyboard: where it is nothing, `take` gives it to what the window is for. (Slint drops keys where what
/// had the keyboard is gone, and tells nobody.)
pub(super) fn mind<C: ComponentHandle>(window: &C, take: fn(&C)) {
    let focused = WindowInner::from_pub(window.window()).focus_item.borrow().upgrade();
    if !focused.is_some_and(|item| item.is_visible()) {
        take(window);
    }
}

/// The same before each key that comes to the window.
pub(super) fn keep<C: ComponentHandle + 'static>(window: &C, take: fn(&C)) {
    use slint::winit_030::{EventResult, WinitWindowAccessor as _};
    let weak = window.as_weak();
    window.window().on_winit_window_event(move |_, event| {
        if let Some(window) = weak.upgrade().filter(|_| is_key(event)) {
            mind(&window, take);
        }
        EventResult::Propagate
    });
}

/// Whoever leaves a window by a key finds it as it was.
pub(super) fn leave<C: ComponentHandle>(window: &Weak<C>) {
    if let Some(window) = window.upgrade() {
        // A window that cannot be hidden is not there.
        let _ = window.hide();
    }
}

/// Whether a key was pressed or let go.
pub(super) const fn is_key(event: &WindowEvent) -> bool {
    matches!(event, WindowEvent::KeyboardInput { .. })
}

/// What a key writes, if it writes anything: other keys are control characters or in the private use area.
pub(super) fn writes(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|letter| letter.is_control() || ('\u{e000}'..='\u{f8ff}').contains(&letter))
}
