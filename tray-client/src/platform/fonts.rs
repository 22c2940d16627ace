//! A font in any case: where Windows has not its usual one (a bare Windows, Wine), Slint would find none to begin with, and end.

#![allow(unsafe_code, reason = "Slint is told of a font by the environment, which is not safe to change once there are threads")]

use std::path::PathBuf;

use windows_sys::Win32::System::Registry::HKEY_LOCAL_MACHINE;

use super::policy::PolicyValue;
use super::registry;

/// Where Windows lists its fonts, by name with the file: in the folder of fonts, or anywhere by its whole path.
const FONTS: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Fonts";

/// The one that Slint looks for.
const USUAL: &str = "Segoe UI (TrueType)";

/// Those that are taken instead, the best first.
const OTHERS: [&str; 5] =
    ["Arial (TrueType)", "Tahoma (TrueType)", "Verdana (TrueType)", "DejaVu Sans (TrueType)", "Liberation Sans (TrueType)"];

/// How Slint is told of a font.
const VARIABLE: &str = "SLINT_DEFAULT_FONT";

/// Sees to it that there is a font, while the program has no thread but its first. Whether there is one.
pub fn provide() -> bool {
    let file = |name| match registry::value(HKEY_LOCAL_MACHINE, FONTS, name) {
        Some(PolicyValue::Text(file)) => Some(file),
        _ => None,
    };
    if file(USUAL).is_some() || std::env::var_os(VARIABLE).is_some() {
        return true;
    }
    let folder = PathBuf::from(std::env::var_os("SystemRoot").unwrap_or_else(|| r"C:\Windows".into())).join("Fonts");
    let Some(found) = OTHERS.into_iter().filter_map(file).map(|file| folder.join(file)).find(|file| file.exists()) else { return false };
    // SAFETY: this is the program's first act, on its only thread: nobody reads the environment meanwhile.
    unsafe { std::env::set_var(VARIABLE, found) };
    true
}
