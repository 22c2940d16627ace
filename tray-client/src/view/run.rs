//! The thread of the windows: one queue of events, one change at a time, then what is left to draw.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

use winit::window::WindowAttributes;

use super::NoDisplay;

/// The way into the thread of the windows, from any thread.
#[derive(Debug)]
pub struct Post<E> {
    sender: mpsc::Sender<E>,
}

impl<E> Clone for Post<E> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone() }
    }
}

impl<E: Send + 'static> Post<E> {
    /// Hands over an event. Whether there is still somebody to take it.
    pub fn send(&self, event: E) -> bool {
        self.sender.send(event).is_ok() && slint::invoke_from_event_loop(drain).is_ok()
    }
}

/// Takes what the windows' thread is woken for.
pub trait EventHandler<E> {
    /// One event.
    fn handle(&mut self, event: E);
    /// Nothing more waits: draw what has changed.
    fn settle(&mut self);
}

type Drain = Rc<dyn Fn()>;

thread_local! {
    static DRAIN: RefCell<Option<Drain>> = const { RefCell::new(None) };
    static POPUP: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

fn drain() {
    let drain = DRAIN.with_borrow(Clone::clone);
    if let Some(drain) = drain {
        drain();
    }
}

/// Runs the windows until [`quit`].
///
/// # Errors
/// There is no display, or it went away; or `start` failed.
pub fn run<E: Send + 'static, D: EventHandler<E> + 'static, X: From<NoDisplay>>(
    start: impl FnOnce(Post<E>) -> Result<D, X>,
) -> Result<(), X> {
    select()?;
    let (sender, receiver) = mpsc::channel();
    let desk = RefCell::new(start(Post { sender })?);
    let drain: Drain = Rc::new(move || {
        // Every event comes from the loop's own turn, so nobody else holds the desk.
        let Ok(mut desk) = desk.try_borrow_mut() else { return };
        let mut heard = false;
        while let Ok(event) = receiver.try_recv() {
            desk.handle(event);
            heard = true;
        }
        if heard {
            desk.settle();
        }
    });
    DRAIN.set(Some(drain));
    // What was posted before the loop ran.
    slint::invoke_from_event_loop(self::drain).map_err(|_| NoDisplay::NoEventLoopProvider)?;
    let ended = slint::run_event_loop_until_quit();
    DRAIN.set(None);
    Ok(ended?)
}

/// Ends [`run`] after this turn.
pub fn quit() {
    // Without a loop there is nothing to end.
    let _ = slint::quit_event_loop();
}

/// Makes a window that takes neither the focus nor a place in the taskbar.
pub(crate) fn as_popup<T>(make: impl FnOnce() -> T) -> T {
    POPUP.set(true);
    let made = make();
    POPUP.set(false);
    made
}

fn select() -> Result<(), NoDisplay> {
    let mut selector = slint::BackendSelector::new().backend_name("winit".into()).renderer_name("software".into());
    selector = selector.with_winit_window_attributes_hook(attributes);
    #[cfg(windows)]
    {
        selector = selector.with_winit_custom_application_handler(crate::platform::wine::Calm::new());
    }
    #[cfg(target_os = "linux")]
    if std::env::var_os("DISPLAY").is_some() {
        // A Wayland client may not place its popups.
        use winit::platform::x11::EventLoopBuilderExtX11 as _;
        let mut builder = winit::event_loop::EventLoop::<slint::winit_030::SlintEvent>::with_user_event();
        builder.with_x11();
        selector = selector.with_winit_event_loop_builder(builder);
    }
    selector.select()?;
    super::fonts::provide();
    Ok(())
}

fn attributes(attributes: WindowAttributes) -> WindowAttributes {
    let attributes = named(attributes);
    if POPUP.get() { as_bystander(attributes.with_active(false)) } else { attributes }
}

#[cfg(target_os = "linux")]
fn named(attributes: WindowAttributes) -> WindowAttributes {
    use winit::platform::x11::WindowAttributesExtX11 as _;
    attributes.with_name("belfry-tray", "Belfry")
}

#[cfg(not(target_os = "linux"))]
fn named(attributes: WindowAttributes) -> WindowAttributes {
    attributes
}

#[cfg(target_os = "linux")]
fn as_bystander(attributes: WindowAttributes) -> WindowAttributes {
    use winit::platform::x11::{WindowAttributesExtX11 as _, WindowType};
    // The window manager leaves it alone: no frame, no focus, its own place.
    attributes.with_override_redirect(true).with_x11_window_type(vec![WindowType::Notification])
}

#[cfg(windows)]
fn as_bystander(attributes: WindowAttributes) -> WindowAttributes {
    use winit::platform::windows::WindowAttributesExtWindows as _;
    attributes.with_skip_taskbar(true)
}

#[cfg(not(any(windows, target_os = "linux")))]
fn as_bystander(attributes: WindowAttributes) -> WindowAttributes {
    attributes
}

/// One thing to be done later; setting it again replaces the time.
#[derive(Default)]
pub struct Alarm {
    timer: slint::Timer,
}

impl Alarm {
    /// Rings once after `wait`, or not any more.
    pub fn set(&self, wait: Option<Duration>, ring: impl Fn() + 'static) {
        match wait {
            Some(wait) => self.timer.start(slint::TimerMode::SingleShot, wait, ring),
            None => self.timer.stop(),
        }
    }
}
