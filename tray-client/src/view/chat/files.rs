//! Files in the chat window: what is done with those in messages, and those that are to be sent.

use std::path::Path;

use winit::event::WindowEvent;

use super::ChatView;
use crate::scene::ChosenRow;
use crate::view::{FileGesture, Gesture, Sink, ui};

impl ChatView {
    pub(super) fn listen_for_files(&self, sink: &Sink) {
        let window = &self.window;
        let acted = sink.clone();
        window.on_act_on_file(move |key, action| acted(Gesture::File(FileGesture::Act { key: key.into(), action: action.into() })));
        let chosen = sink.clone();
        window.on_choose_files(move || chosen(Gesture::File(FileGesture::Choose)));
        let removed = sink.clone();
        window.on_file_removed(move |index| {
            usize::try_from(index).into_iter().for_each(|at| removed(Gesture::File(FileGesture::Detach(at))))
        });
    }

    /// The files that are to be sent with what is being written.
    pub fn set_chosen(&self, rows: Vec<ChosenRow>) {
        self.chosen.set(rows);
    }
}

/// A file is held above the window, dropped on it, or taken away. Each of several is an event of its own.
pub(in crate::view) fn mind_files(window: &slint::Weak<ui::ChatWindow>, event: &WindowEvent, sink: &Sink) {
    let dropping = |on: bool| window.upgrade().into_iter().for_each(|window| window.set_dropping(on));
    let drop = |path: &Path| sink(Gesture::File(FileGesture::Drop(path.to_owned())));
    match event {
        WindowEvent::HoveredFile(_) => dropping(true),
        WindowEvent::HoveredFileCancelled => dropping(false),
        WindowEvent::DroppedFile(path) => {
            dropping(false);
            drop(path);
        }
        _ => {}
    }
}
