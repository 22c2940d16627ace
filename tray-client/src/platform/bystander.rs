//! Windows that are looked at and clicked while somebody types elsewhere: they never take the focus.

#![allow(unsafe_code, reason = "what a click does to the focus is said in window messages, for which there is no safe wrapper")]

use windows_sys::Win32::Foundation::{HWND, LPARAM, LRESULT, WPARAM};
use windows_sys::Win32::UI::Shell::{DefSubclassProc, RemoveWindowSubclass, SetWindowSubclass};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    GWL_EXSTYLE, GetWindowLongPtrW, MA_NOACTIVATE, SetWindowLongPtrW, WM_MOUSEACTIVATE, WM_NCDESTROY, WS_EX_APPWINDOW, WS_EX_NOACTIVATE,
    WS_EX_TOOLWINDOW,
};
use winit::raw_window_handle::{HasWindowHandle as _, RawWindowHandle};
use winit::window::Window;

const SUBCLASS: usize = 0x0be2;

/// Keeps a popup's window out of the focus, the taskbar and Alt+Tab. To be said again when winit may have written its own styles.
pub fn make(window: &Window) {
    let Ok(handle) = window.window_handle() else { return };
    let RawWindowHandle::Win32(handle) = handle.as_raw() else { return };
    let window = handle.hwnd.get() as HWND;
    // SAFETY: the window exists as long as winit's handle to it, is of this thread, and `procedure` has the signature that is asked for.
    unsafe {
        let before = GetWindowLongPtrW(window, GWL_EXSTYLE);
        let wanted = (before | (WS_EX_NOACTIVATE | WS_EX_TOOLWINDOW) as isize) & !(WS_EX_APPWINDOW as isize);
        if wanted != before {
            SetWindowLongPtrW(window, GWL_EXSTYLE, wanted);
        }
        // Setting it again changes nothing.
        SetWindowSubclass(window, Some(procedure), SUBCLASS, 0);
    }
}

/// Wine does not know the style that says the same.
unsafe extern "system" fn procedure(window: HWND, message: u32, wparam: WPARAM, lparam: LPARAM, _subclass: usize, _data: usize) -> LRESULT {
    if message == WM_MOUSEACTIVATE {
        return MA_NOACTIVATE as LRESULT;
    }
    // SAFETY: hands on what came in; the last message takes this procedure away, as comctl32 wants it.
    unsafe {
        if message == WM_NCDESTROY {
            RemoveWindowSubclass(window, Some(procedure), SUBCLASS);
        }
        DefSubclassProc(window, message, wparam, lparam)
    }
}
