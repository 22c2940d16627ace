//! Popups on the screen: which, where, for how long.

use belfry_core::chat::{Message, NoticeId, Place, Severity};
use belfry_core::time::Instant;
use std::time::Duration;

use super::{App, Event};
use crate::model::Intent;
use crate::popup::place::{self, Rect};
use crate::popup::stack::{Insists, STAYS, Stack};
use crate::popup::window::{MessageRow, Popup};
use crate::scene;

/// Pixels between popups, and between them and the edges of the screen.
const GAP: u32 = 12;

/// How often the thinning line of an info popup is drawn.
const THINNING: Duration = Duration::from_millis(250);

/// A screen for the first popup, before any window knows the real ones.
const USUAL: Rect = Rect { x: 0, y: 0, width: 1280, height: 720 };

/// The popups.
#[derive(Default)]
pub(super) struct Popups {
    stack: Stack<String>,
    shown: Vec<(String, Popup)>,
    messages: Vec<(String, MessageRow)>,
    thinning: bool,
}

fn notice_key(id: NoticeId) -> String {
    format!("notice {}", id.0)
}

fn message_key(place: &str) -> String {
    format!("message {place}")
}

fn notice_of(key: &str) -> Option<NoticeId> {
    key.strip_prefix("notice ")?.parse().ok().map(NoticeId)
}

impl Popups {
    /// When something about them changes by itself.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        let leaves = self.stack.next()?;
        Some(if self.thinning { leaves.min(now + THINNING) } else { leaves })
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl App {
    pub(super) fn pop_up_notice(&mut self, id: NoticeId) {
        let Some(entry) = self.model.notices().get(id) else { return };
        let insists = match entry.notice.severity {
            Severity::Info => Insists::Not,
            Severity::Important => Insists::UntilAnswered,
            Severity::Critical => Insists::AboveAll,
        };
        let now = self.now().instant;
        self.popups.stack.show(now, notice_key(id), insists);
        let row = scene::notice(entry, self.moment());
        if let Some((_, popup)) = self.popups.shown.iter().find(|(key, _)| *key == notice_key(id)) {
            popup.renew(row);
        }
        self.arrange_popups();
    }

    /// The screen is locked, or open again: what came meanwhile is there, and only now seen.
    pub(super) fn lock(&mut self, locked: bool) {
        self.locked = locked;
        let now = self.now().instant;
        self.popups.stack.lock(now, locked);
        self.arrange_popups();
    }

    /// The notice is answered or over: its popup goes at once, or says so first.
    pub(super) fn end_popup(&mut self, id: NoticeId) {
        let (key, now) = (notice_key(id), self.now().instant);
        let over = self
            .model
            .notices()
            .get(id)
            .filter(|entry| entry.answer.is_none() && entry.notice.state != belfry_core::chat::NoticeState::Open);
        match over {
            Some(entry) if self.popups.stack.part(now, &key) => {
                let row = scene::notice(entry, self.moment());
                if let Some((_, popup)) = self.popups.shown.iter().find(|(each, _)| *each == key) {
                    popup.renew(row);
                }
            }
            _ => self.popups.stack.remove(&key),
        }
        self.arrange_popups();
    }

    pub(super) fn pop_up_message(&mut self, place: &Place, message: &Message) {
        let looking = self.chat.is_visible() && self.attended && self.model.shown().is_some_and(|shown| shown.place() == place);
        if looking {
            return;
        }
        let row = MessageRow {
            key: place.to_string(),
            who: message.from.to_string(),
            place: if matches!(place, Place::Room(_)) { scene::name(place) } else { String::new() },
            text: if self.settings.show_texts { message.text.to_string() } else { "New message".into() },
        };
        let (key, now) = (message_key(&row.key), self.now().instant);
        self.popups.stack.show(now, key.clone(), Insists::Not);
        if let Some((_, popup)) = self.popups.shown.iter().find(|(each, _)| *each == key) {
            popup.say(&row);
        }
        self.popups.messages.retain(|(each, _)| *each != key);
        self.popups.messages.push((key, row));
        self.arrange_popups();
    }

    pub(super) fn hover_popup(&mut self, key: &String, on: bool) {
        let now = self.now().instant;
        self.popups.stack.hover(now, key, on);
    }

    pub(super) fn end_message_popup(&mut self, place: &str) {
        self.popups.stack.remove(&message_key(place));
        self.arrange_popups();
    }

    /// The person closed the popup of a notice.
    pub(super) fn dismiss_popup(&mut self, id: NoticeId) {
        self.act(Intent::Dismiss(id));
        self.popups.stack.remove(&notice_key(id));
        self.arrange_popups();
    }

    /// Takes away what has had its time; an info notice that has left by itself is dismissed.
    pub(super) fn expire_popups(&mut self) {
        let now = self.now().instant;
        let gone = self.popups.stack.expire(now);
        for id in gone.iter().filter_map(|key| notice_of(key)) {
            self.act(Intent::Dismiss(id));
        }
        if !gone.is_empty() {
            self.arrange_popups();
        }
        self.thin();
    }

    /// Makes the windows that are to be seen, takes away the others, and puts all in their places.
    pub(super) fn arrange_popups(&mut self) {
        let seen: Vec<String> = self.popups.stack.seen().into_iter().cloned().collect();
        self.popups.shown.retain(|(key, _)| seen.contains(key));
        self.popups.messages.retain(|(key, _)| seen.contains(key));
        for key in &seen {
            if self.popups.shown.iter().any(|(each, _)| each == key) {
                continue;
            }
            match self.make_popup(key) {
                Some(Ok(popup)) => self.popups.shown.push((key.clone(), popup)),
                Some(Err(error)) => self.complain(&error),
                None => {}
            }
        }
        self.popups.shown.sort_by_key(|(key, _)| seen.iter().position(|each| each == key));
        self.thin();
        self.place_popups();
        // A window knows its scale only once it is on the screen.
        self.post.send(Event::PopupsPlaced);
        self.report_seen(seen.iter().filter_map(|key| notice_of(key)).collect());
    }

    /// These notices are on the screen; whether anybody can see it is another matter.
    pub(super) fn report_seen(&mut self, notices: Vec<NoticeId>) {
        for id in notices {
            self.act(if self.locked { Intent::Locked(id) } else { Intent::Seen(id) });
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "screens are a few thousand pixels high")]
    fn make_popup(&self, key: &str) -> Option<Result<Popup, crate::view::NoDisplay>> {
        if let Some((_, row)) = self.popups.messages.iter().find(|(each, _)| each == key) {
            return Some(Popup::message(&self.sink, key, row));
        }
        let entry = self.model.notices().get(notice_of(key)?)?;
        let height_max = self.screen().height as f32 * 0.6;
        Some(Popup::notice(&self.sink, key, scene::notice(entry, self.moment()), height_max))
    }

    fn screen(&self) -> Rect {
        self.chat.monitors().first().copied().unwrap_or(USUAL)
    }

    pub(super) fn place_popups(&mut self) {
        let sizes: Vec<_> = self.popups.shown.iter().map(|(_, popup)| popup.size()).collect();
        let corners = place::stack(self.screen(), GAP, &sizes);
        // Those that do not fit above stay below the highest one, so that none is lost.
        let last = corners.last().copied();
        let folded = self.popups.stack.folded();
        for (index, (_, popup)) in self.popups.shown.iter().enumerate() {
            if let Some(corner) = corners.get(index).copied().or(last) {
                popup.place(corner);
            }
            popup.set_folded(if index == 0 { folded } else { 0 });
        }
    }

    /// How much of its time each info popup has left.
    fn thin(&mut self) {
        let now = self.now().instant;
        let mut thinning = false;
        for (key, popup) in &self.popups.shown {
            let left = self.popups.stack.left(now, key).filter(|_| notice_of(key).is_some());
            thinning |= left.is_some();
            popup.set_left(left.map(|left| left.as_secs_f32() / STAYS.as_secs_f32()));
        }
        self.popups.thinning = thinning;
    }
}
