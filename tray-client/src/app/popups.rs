//! Popups on the screen: which, where, for how long.

use belfry_core::chat::{Message, NoticeId, NoticeState, Place, Severity};
use belfry_core::time::Instant;
use std::time::Duration;

use super::App;
use crate::model::Intent;
use crate::platform::{sound, work_area};
use crate::popup::place::{self, Rect};
use crate::popup::stack::{Insists, STAYS, Stack};
use crate::popup::window::{MessageRow, Popup};
use crate::scene::{self, NoticeRow};
use crate::words;

/// Pixels between popups, and between them and the edges of the screen.
const GAP: u32 = 12;

/// How often critical notices are heard while they wait.
const SOUND_AGAIN: Duration = Duration::from_mins(1);

/// How often the thinning line of an info popup is drawn.
const THINNING: Duration = Duration::from_millis(250);

/// A screen for the first popup, before any window knows the real ones.
const USUAL: Rect = Rect { x: 0, y: 0, width: 1280, height: 720 };

/// The popups.
#[derive(Default)]
pub(super) struct Popups {
    stack: Stack<String>,
    shown: Vec<(String, Popup)>,
    /// Critical notices on the other monitors: which monitor, which popup.
    copies: Vec<(usize, String, Popup)>,
    messages: Vec<(String, MessageRow)>,
    thinning: bool,
    /// When critical notices are heard again.
    sound_at: Option<Instant>,
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
        let thinner = self.thinning.then(|| now + THINNING);
        [self.stack.next(), thinner, self.sound_at].into_iter().flatten().min()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The notice has new words, on every monitor.
    fn renew(&self, key: &String, row: &NoticeRow) {
        let copies = self.copies.iter().filter(|(_, each, _)| each == key).map(|(_, _, popup)| popup);
        for popup in self.shown.iter().filter(|(each, _)| each == key).map(|(_, popup)| popup).chain(copies) {
            popup.renew(row.clone());
        }
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
        self.popups.sound_at = (insists == Insists::AboveAll).then_some(now).or(self.popups.sound_at);
        let row = scene::notice(entry, self.moment());
        self.popups.renew(&notice_key(id), &row);
        self.arrange_popups();
    }

    /// The screen is locked, or open again: what came meanwhile is there, and only now seen.
    pub(super) fn lock(&mut self, locked: bool) {
        self.locked = locked;
        self.act(Intent::Away(locked));
        let now = self.now().instant;
        self.popups.stack.lock(now, locked);
        self.arrange_popups();
    }

    /// The notice is answered or over: its popup goes at once, or says so first.
    pub(super) fn end_popup(&mut self, id: NoticeId) {
        let (key, now) = (notice_key(id), self.now().instant);
        let over = self.model.notices().get(id).filter(|entry| entry.answer.is_none() && entry.notice.state != NoticeState::Open);
        match over {
            Some(entry) => {
                // Good news stays until it is closed; what was taken back goes by itself.
                let stack = &mut self.popups.stack;
                let there = if entry.notice.state == NoticeState::AllClear { stack.settle(&key) } else { stack.part(now, &key) };
                if there {
                    let row = scene::notice(entry, self.moment());
                    self.popups.renew(&key, &row);
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
            place: match place {
                Place::Room(_) if *place == Place::lobby() => words::say("Lobby"),
                Place::Room(_) => scene::name(place),
                Place::Direct(_) => String::new(),
            },
            text: if self.settings.show_texts { scene::plain(message.text.as_str()) } else { words::say("New message") },
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
        self.sound();
    }

    /// Critical notices are heard, now and each minute until they are answered; behind a lock nobody is there to hear them.
    pub(super) fn sound(&mut self) {
        let now = self.now().instant;
        if self.popups.sound_at.is_none_or(|at| at > now) {
            return;
        }
        let waits = self.model.notices().waiting() == Some(Severity::Critical);
        self.popups.sound_at = waits.then(|| now + SOUND_AGAIN);
        if waits && self.settings.sounds && !self.locked {
            sound::alarm();
        }
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
        self.copy_popups(&seen);
        self.thin();
        self.place_popups();
        self.report_seen(seen.iter().filter_map(|key| notice_of(key)).collect());
    }

    /// These notices are on the screen; whether anybody can see it is another matter.
    pub(super) fn report_seen(&mut self, notices: Vec<NoticeId>) {
        for id in notices {
            self.act(if self.locked { Intent::Locked(id) } else { Intent::Seen(id) });
        }
    }

    /// Critical notices are on every monitor: those beyond the first have copies.
    fn copy_popups(&mut self, seen: &[String]) {
        let monitors = self.chat.monitors().len();
        let critical = |key: &String| {
            let entry = notice_of(key).and_then(|id| self.model.notices().get(id));
            entry.is_some_and(|entry| entry.notice.severity == Severity::Critical)
        };
        let wanted: Vec<String> = seen.iter().filter(|key| critical(key)).cloned().collect();
        self.popups.copies.retain(|(monitor, key, _)| *monitor < monitors && wanted.contains(key));
        for (monitor, key) in (1..monitors).flat_map(|monitor| wanted.iter().map(move |key| (monitor, key))) {
            if self.popups.copies.iter().any(|(there, each, _)| *there == monitor && each == key) {
                continue;
            }
            match self.make_popup(key) {
                Some(Ok(popup)) => self.popups.copies.push((monitor, key.clone(), popup)),
                Some(Err(error)) => self.complain(&error),
                None => {}
            }
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
        self.chat.monitors().first().copied().map_or(USUAL, work_area::of)
    }

    pub(super) fn place_popups(&mut self) {
        // "+n more" makes its popup higher: said before anything is measured.
        let folded = self.popups.stack.folded();
        for (index, (_, popup)) in self.popups.shown.iter().enumerate() {
            popup.set_folded(if index == 0 { folded } else { 0 });
        }
        let sizes: Vec<_> = self.popups.shown.iter().map(|(_, popup)| popup.size()).collect();
        let corners = place::stack(self.screen(), GAP, &sizes);
        // Those that do not fit above stay below the highest one, so that none is lost.
        let last = corners.last().copied();
        for (index, (_, popup)) in self.popups.shown.iter().enumerate() {
            if let Some(corner) = corners.get(index).copied().or(last) {
                popup.place(corner);
            }
        }
        for (index, monitor) in self.chat.monitors().into_iter().enumerate().skip(1) {
            let popups: Vec<_> = self.popups.copies.iter().filter(|(on, ..)| *on == index).map(|(_, _, popup)| popup).collect();
            let sizes: Vec<_> = popups.iter().map(|popup| popup.size()).collect();
            for (popup, corner) in popups.iter().zip(place::stack(work_area::of(monitor), GAP, &sizes)) {
                popup.place(corner);
            }
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
