//! A combination of keys that works wherever the keyboard is: popups take no keys, so this is the way to them without a mouse.

use global_hotkey::hotkey::HotKey;
use global_hotkey::{GlobalHotKeyEvent, GlobalHotKeyManager, HotKeyState};

/// Holds the combination until it is dropped.
pub struct Hotkey {
    manager: GlobalHotKeyManager,
    keys: HotKey,
}

impl Hotkey {
    /// Takes a combination such as `Ctrl+Alt+B`. On Windows it is heard as long as this thread runs its windows.
    ///
    /// # Errors
    /// The sentence that says why nobody will hear it: another program has it, or it is none.
    pub fn take(keys: &str, pressed: impl Fn() + Send + Sync + 'static) -> Result<Self, String> {
        if keys.is_empty() {
            return Err("None is set.".into());
        }
        let parsed: HotKey = keys.parse().map_err(|error| format!("{keys} is no combination of keys: {error}."))?;
        let taken = GlobalHotKeyManager::new().and_then(|manager| {
            manager.register(parsed)?;
            Ok(manager)
        });
        let manager = taken.map_err(|error| format!("{keys} cannot be used: {error}."))?;
        GlobalHotKeyEvent::set_event_handler(Some(move |event: GlobalHotKeyEvent| {
            if event.state() == HotKeyState::Pressed {
                pressed();
            }
        }));
        Ok(Self { manager, keys: parsed })
    }
}

impl Drop for Hotkey {
    fn drop(&mut self) {
        // A program that ends gives its keys back in any case.
        let _ = self.manager.unregister(self.keys);
    }
}
