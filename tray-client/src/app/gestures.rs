//! What a person does, and what the clock does for them.

use std::time::Duration;

use belfry_core::chat::{NoticeId, Text};
use belfry_core::client::Ticket;
use belfry_core::net::InWords;
use belfry_core::time::{Instant, UnixMillis};

use super::{App, AppEvent, UNUSED_AFTER};
use crate::emoji;
use crate::model::{ConnectionState, Intent};
use crate::platform::{autostart, browser};
use crate::popup::place;
use crate::quiet_hours::QuietHours;
use crate::scene;
use crate::tray::host;
use crate::tray::menu::Choice;
use crate::view::about::AboutView;
use crate::view::settings::SettingsView;
use crate::view::{Gesture, PlaceGesture, SettingsForm, dialog, look};

/// As much of a title bar as is needed to take hold of a window, in pixels.
const HANDLE: u32 = 32;

fn notice(key: &str) -> Option<NoticeId> {
    key.parse().ok().map(NoticeId)
}

fn own(key: &str) -> Option<Ticket> {
    key.parse().ok().map(Ticket)
}

/// The hour until which "until tomorrow" lasts.
const MORNING: u32 = 8;

/// So many minutes later.
const fn after(now: UnixMillis, minutes: u64) -> UnixMillis {
    UnixMillis(now.0.saturating_add(minutes * 60_000))
}

impl App {
    pub(super) fn gesture(&mut self, gesture: Gesture) {
        // Whoever does something else in a window that the hotkey has brought up wants to have it.
        self.summoned &= matches!(
            gesture,
            Gesture::Answer { .. }
                | Gesture::Attend(_)
                | Gesture::SeeEnd(_)
                | Gesture::Read(_)
                | Gesture::Hover { .. }
                | Gesture::PopupResized
                | Gesture::ReadBack
                | Gesture::Place(PlaceGesture::ReadOn)
        );
        match gesture {
            Gesture::Open(key) => self.open(&key),
            Gesture::Search(text) => {
                self.search = text;
                self.stale.conversations = true;
                self.stale.people = true;
            }
            Gesture::Say(text) => self.say(text),
            Gesture::ReadBack => {
                if let Some(place) = self.model.shown().map(|shown| shown.place().clone()) {
                    self.act(Intent::ReadBack(place));
                }
            }
            Gesture::Retry(key) => own(&key).into_iter().for_each(|own| {
                self.act(Intent::Retry(own));
                self.forget_own(own);
            }),
            Gesture::Discard(key) => own(&key).into_iter().for_each(|own| {
                self.act(Intent::Discard(own));
                self.forget_own(own);
            }),
            Gesture::Follow(address) => {
                if let Err(error) = browser::open(&address) {
                    self.remark = format!("The link cannot be opened: {}.", InWords(&error));
                    self.stale.connection = true;
                }
            }
            Gesture::Answer { notice: key, answer } => {
                notice(&key).into_iter().for_each(|notice| self.act(Intent::Answer { notice, answer }));
                if std::mem::take(&mut self.summoned) {
                    self.gesture(Gesture::CloseChat);
                    self.chat.hide();
                }
            }
            Gesture::Read(key) => notice(&key).into_iter().for_each(|id| self.read_notice(id)),
            Gesture::Dismiss(key) => notice(&key).into_iter().for_each(|id| self.dismiss_popup(id)),
            Gesture::DismissMessage(key) => self.end_message_popup(&key),
            Gesture::ReplyInPopup { place, text } => self.reply_in_popup(&place, text),
            Gesture::Hover { popup, on } => self.hover_popup(&popup, on),
            Gesture::PopupResized => self.place_popups(),
            Gesture::AllNotices => {
                self.show_chat();
                self.chat.show_notices();
            }
            Gesture::TryNow => self.try_now(),
            Gesture::Why => self.say_how_it_stands(),
            Gesture::WhyAgain => self.say_why(),
            Gesture::WhyUnseen(key) => notice(&key).into_iter().for_each(|id| self.say_why_unseen(id)),
            Gesture::CloseRemark => {
                self.remark.clear();
                self.stale.connection = true;
            }
            Gesture::Choose(id) => host::choice(&id).into_iter().for_each(|choice| self.choose(choice)),
            Gesture::Save => self.ask_where_to_save(),
            Gesture::Attend(attended) => {
                self.attended = attended;
                self.attend();
            }
            Gesture::PickEmoji(text) => {
                emoji::chosen(&mut self.settings.recent_emoji, &text);
                self.chat.set_recent_emoji(self.settings.recent_emoji.clone());
                self.keep_settings();
            }
            Gesture::ArrangeSide { people_percent, people_folded } => {
                (self.settings.people_percent, self.settings.people_folded) = (people_percent, people_folded);
                self.keep_settings();
            }
            Gesture::CloseChat => {
                self.keep_window();
                self.attended = false;
                self.attend();
            }
            Gesture::SeeEnd(sees) => self.act(Intent::SeeEnd(sees)),
            Gesture::SignIn { server, account, password, register } => self.sign_in_as(&server, &account, password, register),
            Gesture::CancelSignIn => self.cancel_sign_in(),
            Gesture::Set(form) => self.set(&form),
            Gesture::OtherServer => self.ask_to_sign_in(),
            Gesture::Desk(gesture) => self.at_the_desk(gesture),
            Gesture::Place(gesture) => self.at_a_place(gesture),
            Gesture::File(gesture) => self.at_a_file(gesture),
            Gesture::Account(gesture) => self.at_the_account(gesture),
        }
    }

    pub(super) fn choose(&mut self, choice: Choice) {
        match choice {
            Choice::Open => self.raise(),
            Choice::Status => self.say_how_it_stands(),
            Choice::DoNotDisturb => {
                let timed = self.settings.do_not_disturb_until.take().is_some_and(|until| until > self.now().wall);
                self.settings.do_not_disturb = !self.settings.do_not_disturb && !timed;
                self.keep_quiet();
            }
            Choice::QuietHalfHour => self.quiet_until(Some(after(self.now().wall, 30))),
            Choice::QuietHour => self.quiet_until(Some(after(self.now().wall, 60))),
            Choice::QuietUntilMorning => self.quiet_until(self.wall.tomorrow(MORNING, self.now().wall)),
            Choice::SendNotice => self.write_notice(),
            Choice::Settings => {
                match SettingsView::show(&self.sink, &self.settings, self.starts_with_system(), self.held_until(), &self.policy) {
                    Ok(view) => self.settings_view = Some(view),
                    Err(error) => self.complain(&error),
                }
            }
            Choice::About => {
                let shown = match &self.about {
                    Some(view) => view.raise(),
                    None => AboutView::show().map(|view| self.about = Some(view)),
                };
                if let Err(error) = shown {
                    self.complain(&error);
                }
            }
            Choice::Quit => {
                self.keep_window();
                self.remember();
                if self.link.is_some() {
                    self.act(Intent::Quit);
                    // The goodbye is a courtesy: it does not keep the program.
                    self.quit_at = Some(self.now().instant + Duration::from_secs(1));
                } else {
                    self.end();
                }
            }
        }
    }

    fn quiet_until(&mut self, until: Option<UnixMillis>) {
        // What an administrator has settled holds for a while, too.
        self.settings.do_not_disturb_until = until.filter(|_| self.policy.do_not_disturb.is_none());
        self.keep_quiet();
    }

    fn keep_quiet(&mut self) {
        self.policy.lay_over(&mut self.settings);
        self.tell_settings();
        self.keep_settings();
        self.hold_back();
    }

    /// The person asks for the program: the window, or what stands between them and it.
    pub(super) fn raise(&mut self) {
        if self.link.is_none() && matches!(self.model.connection(), ConnectionState::Connecting) {
            self.ask_to_sign_in();
        } else {
            self.show_chat();
        }
    }

    /// The keyboard's way to the notices: popups take no keys, the window lists what is open.
    /// Where the window was not there, it goes again with the answer: whoever was at work elsewhere is there again.
    pub(super) fn show_newest_notice(&mut self) {
        self.summoned |= !self.chat.is_visible();
        self.raise();
        self.redraw();
        self.chat.focus_notice();
    }

    fn open(&mut self, key: &str) {
        self.turn_to(key);
        self.chat.show_talk();
        if !self.chat.is_visible() {
            self.show_chat();
        }
    }

    /// The chat window shows this conversation, when it is shown.
    pub(super) fn turn_to(&mut self, key: &str) {
        let Ok(place) = key.parse() else { return };
        self.leave_composer(key);
        self.act(Intent::Open(place));
        self.stale.lines = true;
        self.stale.conversations = true;
        self.stale.to_end = true;
    }

    fn say(&mut self, typed: String) {
        if self.say_anew(&typed) {
            return;
        }
        let Some(to) = self.model.shown().map(|shown| shown.place().clone()) else { return };
        if self.whose.1.is_empty() {
            // Nobody knows yet whose words these are.
            return self.chat.set_complaint("Sign in first.".into());
        }
        if self.say_with_files(&to, &typed) {
            return;
        }
        match Text::new(typed) {
            Ok(text) => {
                self.chat.set_draft(String::new());
                self.chat.set_complaint(String::new());
                let reply_to = self.take_reply();
                self.act(Intent::Say { to, text, reply_to });
                self.stale.to_end = true;
            }
            Err(error) => self.chat.set_complaint(error.to_string()),
        }
    }

    fn set(&mut self, form: &SettingsForm) {
        let hours: Result<Option<QuietHours>, _> = if form.quiet_hours.is_empty() { Ok(None) } else { form.quiet_hours.parse().map(Some) };
        if let Some(view) = &self.settings_view {
            view.set_hours_complaint(hours.as_ref().err().map(ToString::to_string).unwrap_or_default());
        }
        if let Ok(hours) = hours {
            self.settings.quiet_hours = hours;
        }
        self.settings.do_not_disturb = form.do_not_disturb;
        self.settings.show_texts = form.show_texts;
        self.settings.sounds = form.sounds;
        self.settings.flashes = form.flashes;
        self.settings.away_after_minutes = form.away_after_minutes;
        self.settings.theme = form.theme;
        self.settings.text_percent = form.text_percent;
        self.settings.language = form.language;
        self.policy.lay_over(&mut self.settings);
        let complaint = match autostart::is_on() {
            // Whoever starts for everybody must not start a second time for this person.
            _ if self.policy.autostart => Ok(()),
            Ok(on) if on == form.autostart => Ok(()),
            _ => std::env::current_exe().and_then(|program| autostart::set(&program, form.autostart)),
        };
        self.watcher.set(Some(self.settings.away_after().unwrap_or(UNUSED_AFTER)));
        self.tell_away();
        look::set(&self.settings);
        self.mark_everything();
        self.chat.dress();
        self.desk.dress();
        self.account.dress();
        self.dress_popups();
        if let Some(view) = &self.sign_in {
            view.dress();
        }
        if let Some(view) = &self.about {
            view.dress();
        }
        if let Some(view) = &self.why {
            view.dress();
            view.reword(self.report());
        }
        if let Some(view) = &self.settings_view {
            view.dress();
            view.set_complaint(
                complaint.err().map(|error| format!("Starting with the system cannot be set: {}.", InWords(&error))).unwrap_or_default(),
            );
        }
        self.tell_settings();
        self.keep_settings();
        self.hold_back();
    }

    /// What cannot be asked is shown as off.
    fn starts_with_system(&self) -> bool {
        self.policy.autostart || autostart::is_on().unwrap_or(false)
    }

    /// The window shows what is set.
    fn tell_settings(&self) {
        if let Some(view) = &self.settings_view {
            view.tell(&self.settings, self.starts_with_system(), self.held_until());
        }
    }

    /// Whether popups are held back now: by wish, or by the hour.
    pub(super) fn held_back(&self) -> bool {
        let quiet = |hours: QuietHours| self.wall.minute(self.now().wall).is_some_and(|minute| hours.contains(minute));
        let timed = self.settings.do_not_disturb_until.is_some_and(|until| until > self.now().wall);
        self.settings.do_not_disturb || timed || self.settings.quiet_hours.is_some_and(quiet)
    }

    /// The time until which popups are held back; nothing where that is not for a time.
    pub(super) fn held_until(&self) -> Option<String> {
        let now = self.now().wall;
        let until = self.settings.do_not_disturb_until.filter(|&until| until > now && !self.settings.do_not_disturb);
        until.map(|until| self.wall.short(until, now))
    }

    fn hold_back(&mut self) {
        let held_back = self.held_back();
        if held_back != self.model.do_not_disturb() {
            self.act(Intent::DoNotDisturb(held_back));
            self.tell_settings();
        }
    }

    /// Quiet hours begin and end with a minute.
    pub(super) fn quiet_change(&self, now: Instant) -> Option<Instant> {
        let minute = Duration::from_millis(60_000 - self.now().wall.0 % 60_000);
        let hours = self.settings.quiet_hours.map(|_| now + minute);
        let timed = self.settings.do_not_disturb_until.and_then(|until| until.0.checked_sub(self.now().wall.0));
        let timed = timed.filter(|&left| left > 0).map(|left| now + Duration::from_millis(left));
        [hours, timed, self.quit_at].into_iter().flatten().min()
    }

    pub(super) fn alarm_rang(&mut self) {
        if self.quit_at.is_some_and(|at| at <= self.now().instant) {
            self.end();
        }
        self.expire_popups();
        self.remember_if_due();
        self.read_members_if_due();
        self.hold_back();
        self.draw_connection();
        self.draw_typing();
    }

    fn ask_where_to_save(&self) {
        let Some(shown) = self.model.shown() else { return };
        let name = format!("{}.txt", scene::name(&self.model, shown.place()));
        let post = self.post.clone();
        dialog::save_file("Save conversation", &name, move |file| {
            post.send(AppEvent::SaveInto(file));
        });
    }

    pub(super) fn save_into(&mut self, file: &std::path::Path) {
        let Some(shown) = self.model.shown() else { return };
        let rows = scene::lines(&self.model, shown.place(), self.moment());
        let is_table = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        self.remark = match std::fs::write(file, if is_table { scene::as_table(&rows) } else { scene::as_text(&rows) }) {
            Ok(()) => format!("Saved what is shown here into {}.", file.display()),
            Err(error) => format!("{} cannot be written: {}.", file.display(), InWords(&error)),
        };
        self.stale.connection = true;
    }

    pub(super) fn restore_window(&self) {
        self.chat.set_recent_emoji(self.settings.recent_emoji.clone());
        self.chat.arrange_side(self.settings.people_percent, self.settings.people_folded);
        let Some(rect) = self.settings.window else { return };
        // Where the monitors are not known yet, a place that turns out to be nowhere is mended by the desktop.
        self.chat.place(place::restore(rect, &self.known_screens(), HANDLE).unwrap_or(rect));
    }

    fn keep_window(&mut self) {
        if self.chat.is_visible() {
            self.settings.window = Some(self.chat.rect());
            self.keep_settings();
        }
    }
}
