//! The registry of Windows; what belongs to the 64 bit system is read by a 64 bit program as it stands.

#![allow(unsafe_code, reason = "reading the registry has no safe wrapper")]

use windows_sys::Win32::System::Registry::{HKEY, REG_DWORD, REG_SZ, RRF_RT_REG_DWORD, RRF_RT_REG_SZ, RegGetValueW};

use super::policy::PolicyValue;

/// Longer than a link with a key and the longest host name, and than the paths of fonts.
const CHARS_MAX: usize = 512;

/// A text or a number; `None` if there is no such value, or it is something else.
pub(super) fn value(root: HKEY, key: &str, name: &str) -> Option<PolicyValue> {
    let wide = |text: &str| text.encode_utf16().chain([0]).collect::<Vec<_>>();
    let (key, name) = (wide(key), wide(name));
    let mut buffer = [0_u16; CHARS_MAX];
    let mut bytes = u32::try_from(size_of_val(&buffer)).ok()?;
    let mut kind = 0;
    // SAFETY: both texts end with a zero and outlive the call, `buffer` has as many bytes as `bytes` says, and `kind` and `bytes`
    // outlive it. Only a number or a text that ends with a zero is asked for.
    let told = unsafe {
        RegGetValueW(
            root,
            key.as_ptr(),
            name.as_ptr(),
            RRF_RT_REG_DWORD | RRF_RT_REG_SZ,
            &raw mut kind,
            buffer.as_mut_ptr().cast(),
            &raw mut bytes,
        )
    };
    if told != 0 {
        return None;
    }
    match kind {
        REG_DWORD => {
            let [low, high, ..] = buffer;
            Some(PolicyValue::Number(u32::from(low) | u32::from(high) << 16))
        }
        REG_SZ => {
            let text = buffer.split(|unit| *unit == 0).next().unwrap_or_default();
            Some(PolicyValue::Text(String::from_utf16_lossy(text)))
        }
        _ => None,
    }
}
