//! A window that does not take the keyboard when it is clicked, and is not in the list of windows to switch to.

use winit::window::Window;

/// Makes it one. The system forgets it whenever other styles of the window change, so it is said each time the window is placed.
#[cfg(windows)]
#[allow(unsafe_code, reason = "these styles have no safe wrapper")]
pub fn keep(window: &Window) {
    use windows_sys::Win32::Foundation::HWND;
    use windows_sys::Win32::UI::WindowsAndMessaging::{
        GWL_EXSTYLE, GetWindowLongPtrW, SetWindowLongPtrW, WS_EX_NOACTIVATE, WS_EX_TOOLWINDOW,
    };
    use winit::raw_window_handle::{HasWindowHandle as _, RawWindowHandle};

    let Ok(handle) = window.window_handle() else { return };
    let RawWindowHandle::Win32(handle) = handle.as_raw() else { return };
    let handle = handle.hwnd.get() as HWND;
    // Both are small numbers, whatever the width of the style.
    let wanted = (WS_EX_NOACTIVATE | WS_EX_TOOLWINDOW) as isize;
    // SAFETY: the handle is of a window that lives as long as `window`, which is borrowed, and of this thread; reading and changing its
    // styles touches no memory of ours.
    unsafe {
        let style = GetWindowLongPtrW(handle, GWL_EXSTYLE);
        if style & wanted != wanted {
            SetWindowLongPtrW(handle, GWL_EXSTYLE, style | wanted);
        }
    }
}

/// On X11 the window manager was told when the window was made.
#[cfg(not(windows))]
pub const fn keep(_window: &Window) {}
