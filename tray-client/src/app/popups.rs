//! Popups on the screen: which, where, for how long.

use belfry_core::chat::{Message, NoticeId, NoticeState, Place, Severity, Text, visible_in_window};
use belfry_core::time::Instant;
use std::time::Duration;

use super::App;
use crate::alerts::{AlertKind, Alerts};
use crate::geometry::{Corner, Rect};
use crate::model::{Hindrance, Intent};
use crate::platform::sound;
use crate::popup::place;
use crate::popup::stack::{Insists, STAYS, Stack};
use crate::popup::window::{MessageRow, Popup};
use crate::scene::{self, NoticeRow};
use crate::words;

/// Pixels between popups, and between them and the edges of the screen.
const GAP: u32 = 12;

/// How often critical notices are heard while they wait.
const ALARM_AGAIN: Duration = Duration::from_mins(1);

/// How often the thinning line of an info popup is drawn.
const THINNING: Duration = Duration::from_millis(250);

/// A screen for the first popup, before any window knows the real ones.
const USUAL: Rect = Rect { x: 0, y: 0, width: 1280, height: 720 };

struct Shown {
    key: String,
    /// The monitor.
    on: Rect,
    popup: Popup,
}

/// Which popups there are, and their windows.
#[derive(Default)]
pub(super) struct Popups {
    stack: Stack<String>,
    /// In the order of the stack; critical notices once for each monitor.
    shown: Vec<Shown>,
    messages: Vec<(String, MessageRow)>,
    thinning: bool,
    /// When critical notices are heard again.
    alarm_at: Option<Instant>,
    alerts: Alerts,
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
        [self.stack.next(), thinner, self.alarm_at].into_iter().flatten().min()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What somebody was writing in a popup.
    fn take_written(&self, key: &str) -> String {
        self.shown.iter().find(|shown| shown.key == key).map(|shown| shown.popup.take_written()).unwrap_or_default()
    }

    /// The notice has new words, on every monitor.
    fn renew(&self, key: &String, row: &NoticeRow) {
        for shown in self.shown.iter().filter(|shown| shown.key == *key) {
            shown.popup.renew(row.clone());
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
        let (kind, row) = (entry.notice.severity.into(), scene::notice(entry, self.moment()));
        self.popups.renew(&notice_key(id), &row);
        self.call(kind);
        self.arrange_popups();
    }

    /// The screen is locked, or open again: what came meanwhile is there, and only now seen.
    pub(super) fn lock(&mut self, locked: bool) {
        self.locked = locked;
        self.act(Intent::Hindered(Hindrance::Locked, locked));
        self.watch();
    }

    /// Nobody has touched anything for long, or somebody has again.
    pub(super) fn idle(&mut self, idle: bool) {
        self.idle = idle;
        self.watch();
    }

    fn watch(&mut self) {
        self.tell_away();
        let (now, used) = (self.now().instant, self.is_used());
        self.popups.stack.watch(now, used);
        self.arrange_popups();
        self.attend();
    }

    /// The chat window is before somebody's eyes, or is not: what comes there is read, or waits.
    pub(super) fn attend(&mut self) {
        if self.attended {
            self.chat.call_attention(false);
        }
        self.act(Intent::Attend(self.attended && self.is_used()));
        self.watch_chat();
    }

    /// The chat window is told whether what it shows is before somebody's eyes.
    fn watch_chat(&self) {
        self.chat.set_watched(self.is_used() && self.attended);
    }

    /// Whoever cannot see the screen is away, and who touches nothing.
    pub(super) fn tell_away(&mut self) {
        self.act(Intent::Away(self.is_away()));
    }

    pub(super) fn is_away(&self) -> bool {
        self.locked || (self.idle && self.settings.away_after().is_some())
    }

    /// Whether the screen is open and somebody uses it: only then has anybody something before their eyes. Whoever is never to be said
    /// to be away is so all the same for this, after a while.
    pub(super) const fn is_used(&self) -> bool {
        !self.locked && !self.idle
    }

    /// The notice is answered or over: its popup goes at once, or says so first.
    pub(super) fn end_popup(&mut self, id: NoticeId) {
        let (key, now) = (notice_key(id), self.now().instant);
        let over = self.model.notices().get(id).filter(|entry| entry.answer.is_none() && entry.notice.state != NoticeState::Open);
        match over {
            Some(entry) => {
                // Good news stays until it is closed; what was taken back goes by itself.
                let stack = &mut self.popups.stack;
                let there = if entry.notice.state == NoticeState::AllClear { stack.settle(now, &key) } else { stack.part(now, &key) };
                if there {
                    let row = scene::notice(entry, self.moment());
                    self.popups.renew(&key, &row);
                }
            }
            _ => self.popups.stack.remove(now, &key),
        }
        self.arrange_popups();
    }

    pub(super) fn pop_up_message(&mut self, place: &Place, message: &Message) {
        let looking = self.chat.is_visible() && self.model.is_looking() && self.model.shown().is_some_and(|shown| shown.place() == place);
        if looking {
            return;
        }
        let row = MessageRow {
            key: place.to_string(),
            who: scene::person_name(&self.model, &message.from),
            place: match place {
                Place::Room(_) if *place == Place::lobby() => words::say("Lobby"),
                Place::Room(_) => scene::name(&self.model, place),
                Place::Direct(_) => String::new(),
            },
            text: if self.settings.show_texts { visible_in_window(message.text.as_str()) } else { words::say("New message") },
        };
        let (key, now) = (message_key(&row.key), self.now().instant);
        self.popups.stack.show(now, key.clone(), Insists::Passing);
        self.call(AlertKind::Message);
        if let Some(shown) = self.popups.shown.iter().find(|shown| shown.key == key) {
            shown.popup.say(&row);
        }
        self.popups.messages.retain(|(each, _)| *each != key);
        self.popups.messages.push((key, row));
        self.arrange_popups();
    }

    pub(super) fn hover_popup(&mut self, key: &String, on: bool) {
        let now = self.now().instant;
        self.popups.stack.hover(now, key, on);
    }

    /// The popup of a conversation goes. What somebody was writing in it stays in that conversation's composer, below what stands there.
    pub(super) fn end_message_popup(&mut self, place: &str) {
        let (key, now) = (message_key(place), self.now().instant);
        let written = self.popups.take_written(&key);
        if !written.trim().is_empty() {
            let is_shown = self.model.shown().is_some_and(|shown| shown.place().to_string() == place);
            let before = if is_shown { self.chat.draft() } else { self.drafts.remove(place).unwrap_or_default() };
            let both = if before.trim().is_empty() { written } else { format!("{before}\n{written}") };
            if is_shown {
                self.chat.set_draft(both);
            } else {
                self.drafts.insert(place.to_owned(), both);
            }
        }
        self.popups.stack.remove(now, &key);
        self.arrange_popups();
    }

    /// What was written in the popup of a conversation is said there; what cannot be stays as it is written.
    pub(super) fn reply_in_popup(&mut self, key: &str, typed: String) {
        let Ok(to) = key.parse::<Place>() else { return };
        let said =
            if self.whose.1.is_empty() { Err("Sign in first.".to_owned()) } else { Text::new(typed).map_err(|error| error.to_string()) };
        match said {
            Ok(text) => {
                self.popups.take_written(&message_key(key));
                self.act(Intent::Say { to, text, reply_to: None });
                self.end_message_popup(key);
            }
            Err(sentence) => {
                let key = message_key(key);
                self.popups.shown.iter().filter(|shown| shown.key == key).for_each(|shown| shown.popup.complain(&sentence));
            }
        }
    }

    /// The person closed the popup of a notice.
    pub(super) fn dismiss_popup(&mut self, id: NoticeId) {
        self.act(Intent::Dismiss(id));
        let now = self.now().instant;
        self.popups.stack.remove(now, &notice_key(id));
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
        self.call_again();
    }

    /// Something has come that calls for attention: it is heard, and the window flashes in the taskbar where it has a place there. Behind a
    /// lock nobody is there to hear it.
    fn call(&mut self, kind: AlertKind) {
        let now = self.now().instant;
        if kind == AlertKind::Critical {
            self.popups.alarm_at = Some(now + ALARM_AGAIN);
        }
        if self.locked || !self.popups.alerts.call(now, kind) {
            return;
        }
        if self.settings.sounds.of(kind) {
            sound::play(kind);
        }
        if self.settings.flashes.of(kind) && !self.attended {
            self.chat.call_attention(true);
        }
    }

    /// Critical notices are heard each minute until they are answered.
    fn call_again(&mut self) {
        if self.popups.alarm_at.is_none_or(|at| at > self.now().instant) {
            return;
        }
        self.popups.alarm_at = None;
        if self.model.notices().waiting() == Some(Severity::Critical) {
            self.call(AlertKind::Critical);
        }
    }

    /// Makes the windows that are to be seen, takes away the others, and puts all in their places.
    pub(super) fn arrange_popups(&mut self) {
        let seen: Vec<String> = self.popups.stack.seen().into_iter().cloned().collect();
        let screens = self.screens();
        let active = place::active(&screens, self.screens.pointer()).unwrap_or(USUAL);
        // Whose monitor is gone comes to where somebody works; a critical notice is there already.
        let critical: Vec<&String> = seen.iter().filter(|key| self.is_critical(key)).collect();
        self.popups.shown.retain(|shown| seen.contains(&shown.key) && (screens.contains(&shown.on) || !critical.contains(&&shown.key)));
        for shown in self.popups.shown.iter_mut().filter(|shown| !screens.contains(&shown.on)) {
            shown.on = active;
        }
        self.popups.messages.retain(|(key, _)| seen.contains(key));
        for key in &seen {
            let there = |on: Option<Rect>| self.popups.shown.iter().any(|shown| shown.key == *key && on.is_none_or(|on| on == shown.on));
            let missing: Vec<Rect> = if critical.contains(&key) {
                screens.iter().copied().filter(|screen| !there(Some(*screen))).collect()
            } else {
                (!there(None)).then_some(active).into_iter().collect()
            };
            for on in missing {
                match self.make_popup(key) {
                    Some(Ok(popup)) => self.popups.shown.push(Shown { key: key.clone(), on, popup }),
                    Some(Err(error)) => self.complain(&error),
                    None => {}
                }
            }
        }
        self.popups.shown.sort_by_key(|shown| seen.iter().position(|each| *each == shown.key));
        self.thin();
        self.place_popups();
        if self.locked {
            for id in seen.iter().filter_map(|key| notice_of(key)) {
                self.act(Intent::Locked(id));
            }
        }
    }

    /// A window says that a notice has been before the eyes long enough to be read.
    pub(super) fn read_notice(&mut self, id: NoticeId) {
        if self.is_used() {
            self.act(Intent::Seen(id));
        }
    }

    /// Critical notices are on every monitor, everything else where somebody works.
    fn is_critical(&self, key: &str) -> bool {
        let entry = notice_of(key).and_then(|id| self.model.notices().get(id));
        entry.is_some_and(|entry| entry.notice.severity == Severity::Critical)
    }

    /// Colours, sizes or the language have changed.
    pub(super) fn dress_popups(&mut self) {
        for shown in &self.popups.shown {
            let entry = notice_of(&shown.key).and_then(|id| self.model.notices().get(id));
            shown.popup.dress(entry.map(|entry| scene::notice(entry, self.moment())));
        }
        self.place_popups();
    }

    fn make_popup(&self, key: &str) -> Option<Result<Popup, crate::view::NoDisplay>> {
        if let Some((_, row)) = self.popups.messages.iter().find(|(each, _)| each == key) {
            return Some(Popup::message(&self.sink, key, row));
        }
        let entry = self.model.notices().get(notice_of(key)?)?;
        Some(Popup::notice(&self.sink, key, scene::notice(entry, self.moment())))
    }

    /// The monitors, the main one first; none where they are known only with the first window.
    pub(super) fn known_screens(&self) -> Vec<Rect> {
        self.screens.all().unwrap_or_else(|| self.chat.monitors())
    }

    /// The same, and there is always one.
    fn screens(&self) -> Vec<Rect> {
        let screens = self.known_screens();
        if screens.is_empty() { vec![USUAL] } else { screens }
    }

    pub(super) fn place_popups(&mut self) {
        let (now, used) = (self.now().instant, self.is_used());
        let folded = self.popups.stack.folded();
        let first = self.popups.shown.first().map(|shown| shown.key.clone());
        let mut placed = Vec::new();
        for screen in self.screens() {
            let area = self.screens.work_area(screen);
            let popups: Vec<_> = self.popups.shown.iter().filter(|shown| shown.on == screen).collect();
            let arrange = |more: usize| {
                for shown in &popups {
                    shown.popup.set_folded(if first.as_ref() == Some(&shown.key) { more } else { 0 });
                    shown.popup.fit(area);
                }
                let sizes: Vec<_> = popups.iter().map(|shown| shown.popup.size()).collect();
                place::stack(area, GAP, &sizes)
            };
            // Those for which there is no room wait behind "+n more", which makes its popup higher.
            let without = |corners: &[Corner]| folded + popups.len().saturating_sub(corners.len());
            let mut corners = arrange(folded);
            if without(&corners) > folded {
                corners = arrange(without(&corners));
                corners = arrange(without(&corners));
            }
            for (index, shown) in popups.iter().enumerate() {
                shown.popup.place(corners.get(index).copied(), used);
            }
            placed.extend(popups.iter().take(corners.len()).map(|shown| shown.key.clone()));
        }
        self.popups.stack.fit(now, &placed);
        // Behind a lock nothing is seen.
        let seen = placed.iter().filter(|_| !self.locked).filter_map(|key| notice_of(key)).collect();
        self.act(Intent::OnScreen(seen));
    }

    /// How much of its time each info popup has left.
    fn thin(&mut self) {
        let now = self.now().instant;
        let mut thinning = false;
        for Shown { key, popup, .. } in &self.popups.shown {
            let left = self.popups.stack.left(now, key).filter(|_| notice_of(key).is_some());
            thinning |= left.is_some();
            popup.set_left(left.map(|left| left.as_secs_f32() / STAYS.as_secs_f32()));
        }
        self.popups.thinning = thinning;
    }
}
