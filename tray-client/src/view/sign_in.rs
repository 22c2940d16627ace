//! The adapter of the window for signing in and registering.

use slint::ComponentHandle as _;

use super::{Gesture, NoDisplay, Sink, keyboard, look, ui};
use crate::words::say;

/// The window for signing in.
pub struct SignInView {
    window: ui::SignInWindow,
}

impl SignInView {
    /// The window itself, for tests.
    #[cfg(test)]
    #[cfg(feature = "window-tests")]
    pub(super) const fn window(&self) -> &ui::SignInWindow {
        &self.window
    }

    /// The window, shown, with what is known already.
    ///
    /// # Errors
    /// There is no display.
    pub fn show(sink: &Sink, server: &str, account: &str) -> Result<Self, NoDisplay> {
        let window = ui::SignInWindow::new()?;
        look::dress(&window);
        window.set_server(server.into());
        window.set_account(account.into());
        let (weak, submitted) = (window.as_weak(), sink.clone());
        window.on_submitted(move || {
            let Some(window) = weak.upgrade() else { return };
            submitted(Gesture::SignIn {
                server: window.get_server().into(),
                account: window.get_account().into(),
                password: window.get_password().into(),
                register: window.get_register(),
            });
        });
        let cancelled = sink.clone();
        window.on_cancelled(move || cancelled(Gesture::CancelSignIn));
        let closed = sink.clone();
        window.window().on_close_requested(move || {
            closed(Gesture::CancelSignIn);
            slint::CloseRequestResponse::HideWindow
        });
        keyboard::keep(&window, ui::SignInWindow::invoke_take_keyboard);
        let weak = window.as_weak();
        window.on_resized(move || {
            if let Some(window) = weak.upgrade() {
                window.window().set_size(slint::LogicalSize::new(window.get_wanted_width(), window.get_wanted_height()));
            }
        });
        window.show()?;
        window.invoke_focus_first();
        Ok(Self { window })
    }

    /// Brings it to the front.
    ///
    /// # Errors
    /// There is no display.
    pub fn raise(&self) -> Result<(), NoDisplay> {
        use slint::winit_030::WinitWindowAccessor as _;
        self.window.show()?;
        self.window.window().with_winit_window(winit::window::Window::focus_window);
        Ok(())
    }

    /// Colours, sizes or the language have changed.
    pub fn dress(&self) {
        look::dress(&self.window);
    }

    /// Somebody is looking for servers on this network.
    pub fn set_looking(&self) {
        self.window.set_looking(true);
    }

    /// Servers that answered, as (name, address). A single one is taken, unless the person has typed another meanwhile.
    pub fn set_found(&self, servers: &[(String, String)]) {
        self.window.set_looking(false);
        if let [(_, address)] = servers
            && self.window.get_server().is_empty()
        {
            self.window.set_server(address.into());
        }
        let rows: Vec<_> = servers.iter().map(|(name, address)| ui::FoundServer { name: name.into(), address: address.into() }).collect();
        self.window.set_found(slint::ModelRc::from(rows.as_slice()));
    }

    /// Trying, and what is being done.
    pub fn set_busy(&self, status: &str) {
        self.window.set_busy(true);
        self.window.set_complaint("".into());
        self.window.set_status(say(status).into());
    }

    /// It came to nothing: why, and what to do.
    pub fn set_complaint(&self, sentence: &str) {
        self.window.set_busy(false);
        self.window.set_status("".into());
        self.window.set_complaint(say(sentence).into());
    }

    /// Ready for another try.
    pub fn set_idle(&self) {
        self.window.set_busy(false);
        self.window.set_status("".into());
    }
}

impl Drop for SignInView {
    fn drop(&mut self) {
        // A window that cannot be hidden is not there.
        let _ = self.window.hide();
    }
}
