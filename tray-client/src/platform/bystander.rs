//! A window that is looked at and clicked while somebody types elsewhere: it never takes the keyboard, and is not in the list of windows
//! to switch to.

use winit::window::Window;

/// Makes it one: winit writes the styles it knows of whenever one of them changes, so the window's procedure writes these into each.
#[cfg(windows)]
pub fn keep(window: &Window) {
    system::keep(window);
}

/// On X11 the window manager was told when the window was made.
#[cfg(not(windows))]
pub const fn keep(_window: &Window) {}

/// The keyboard, as long as somebody writes in a bystander; dropped, it goes back to where it was.
#[derive(Debug)]
pub struct KeyboardLoan {
    #[cfg(target_os = "linux")]
    _loan: x11::Loan,
}

/// Somebody has clicked where they want to write: the keyboard comes to this window. `None` where it does not.
#[cfg(windows)]
pub fn borrow_keyboard(window: &Window) -> Option<KeyboardLoan> {
    system::release(window);
    window.focus_window();
    Some(KeyboardLoan {})
}

/// Somebody has clicked where they want to write: the keyboard comes to this window. `None` where it does not.
#[cfg(target_os = "linux")]
pub fn borrow_keyboard(window: &Window) -> Option<KeyboardLoan> {
    x11::borrow(window).map(|loan| KeyboardLoan { _loan: loan })
}

/// Nobody is asked for it elsewhere.
#[cfg(not(any(windows, target_os = "linux")))]
pub fn borrow_keyboard(window: &Window) -> Option<KeyboardLoan> {
    window.focus_window();
    Some(KeyboardLoan {})
}

/// A window that the window manager leaves alone gets the keyboard from nobody else.
#[cfg(target_os = "linux")]
mod x11 {
    use winit::raw_window_handle::{HasWindowHandle as _, RawWindowHandle};
    use winit::window::Window;
    use x11rb::CURRENT_TIME;
    use x11rb::connection::Connection as _;
    use x11rb::protocol::xproto::{ConnectionExt as _, InputFocus};
    use x11rb::rust_connection::RustConnection;

    /// Who had it before.
    #[derive(Debug)]
    pub(super) struct Loan {
        connection: RustConnection,
        before: u32,
    }

    pub(super) fn borrow(window: &Window) -> Option<Loan> {
        let own = match window.window_handle().ok()?.as_raw() {
            RawWindowHandle::Xlib(handle) => u32::try_from(handle.window).ok()?,
            RawWindowHandle::Xcb(handle) => handle.window.get(),
            _ => return None,
        };
        let (connection, _) = x11rb::connect(None).ok()?;
        let before = connection.get_input_focus().ok()?.reply().ok()?.focus;
        connection.set_input_focus(InputFocus::POINTER_ROOT, own, CURRENT_TIME).ok()?;
        connection.flush().ok()?;
        Some(Loan { connection, before })
    }

    impl Drop for Loan {
        fn drop(&mut self) {
            // Whose window is gone meanwhile gets nothing, and the window manager decides.
            let _ = self.connection.set_input_focus(InputFocus::POINTER_ROOT, self.before, CURRENT_TIME);
            let _ = self.connection.flush();
        }
    }
}

#[cfg(windows)]
#[allow(unsafe_code, reason = "neither these styles nor what a click does to the keyboard has a safe wrapper")]
mod system {
    use windows_sys::Win32::Foundation::{HWND, LPARAM, LRESULT, WPARAM};
    use windows_sys::Win32::Graphics::Dwm::{DWMWA_WINDOW_CORNER_PREFERENCE, DWMWCP_ROUND, DwmSetWindowAttribute};
    use windows_sys::Win32::UI::Shell::{DefSubclassProc, RemoveWindowSubclass, SetWindowSubclass};
    use windows_sys::Win32::UI::WindowsAndMessaging::{
        GWL_EXSTYLE, GetWindowLongPtrW, MA_NOACTIVATE, STYLESTRUCT, SetWindowLongPtrW, WM_MOUSEACTIVATE, WM_NCDESTROY, WM_STYLECHANGING,
        WS_EX_APPWINDOW, WS_EX_NOACTIVATE, WS_EX_TOOLWINDOW,
    };
    use winit::raw_window_handle::{HasWindowHandle as _, RawWindowHandle};
    use winit::window::Window;

    const SUBCLASS: usize = 0x0be2;

    pub(super) fn keep(window: &Window) {
        let Ok(handle) = window.window_handle() else { return };
        let RawWindowHandle::Win32(handle) = handle.as_raw() else { return };
        let handle = handle.hwnd.get() as HWND;
        // SAFETY: the handle is of a window that lives as long as `window`, which is borrowed, and of this thread; reading and changing
        // its styles touches no memory of ours, and `procedure` has the signature that is asked for. Setting it again changes nothing. The
        // wish for round corners outlives the call that is told its size.
        unsafe {
            SetWindowSubclass(handle, Some(procedure), SUBCLASS, 0);
            // Whatever is written, the procedure makes a bystander's of it.
            SetWindowLongPtrW(handle, GWL_EXSTYLE, GetWindowLongPtrW(handle, GWL_EXSTYLE));
            // Windows 11 rounds the corners and casts a shadow; older ones and Wine refuse, and leave it square.
            let wish = DWMWCP_ROUND;
            let _ =
                DwmSetWindowAttribute(handle, DWMWA_WINDOW_CORNER_PREFERENCE as u32, (&raw const wish).cast(), size_of_val(&wish) as u32);
        }
    }

    /// It takes part: a click brings it the keyboard.
    pub(super) fn release(window: &Window) {
        let Ok(handle) = window.window_handle() else { return };
        let RawWindowHandle::Win32(handle) = handle.as_raw() else { return };
        let handle = handle.hwnd.get() as HWND;
        // SAFETY: as above; the style is a number that the system copies.
        unsafe {
            RemoveWindowSubclass(handle, Some(procedure), SUBCLASS);
            let style = GetWindowLongPtrW(handle, GWL_EXSTYLE) & !(WS_EX_NOACTIVATE as isize);
            SetWindowLongPtrW(handle, GWL_EXSTYLE, style);
        }
    }

    const fn of_a_bystander(style: u32) -> u32 {
        (style | WS_EX_NOACTIVATE | WS_EX_TOOLWINDOW) & !WS_EX_APPWINDOW
    }

    /// Keeps the styles, and the keyboard where it is when the window is clicked: Wine does not know the style that says the same.
    unsafe extern "system" fn procedure(
        window: HWND,
        message: u32,
        wparam: WPARAM,
        lparam: LPARAM,
        _subclass: usize,
        _data: usize,
    ) -> LRESULT {
        if message == WM_MOUSEACTIVATE {
            return MA_NOACTIVATE as LRESULT;
        }
        // SAFETY: the system says of this message that `lparam` points to the styles that are to be, for us to change; everything else is
        // handed on as it came in; the last message takes this procedure away, as comctl32 wants it.
        unsafe {
            if message == WM_STYLECHANGING && wparam as i32 == GWL_EXSTYLE {
                let styles = lparam as *mut STYLESTRUCT;
                (*styles).styleNew = of_a_bystander((*styles).styleNew);
            }
            if message == WM_NCDESTROY {
                RemoveWindowSubclass(window, Some(procedure), SUBCLASS);
            }
            DefSubclassProc(window, message, wparam, lparam)
        }
    }
}
