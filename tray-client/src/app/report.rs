//! "Why did I not see it?": everything that decides whether a notice comes to the screen, in one text to copy.

use belfry_core::chat::NoticeId;

use super::App;
use crate::model::ConnectionState;
use crate::scene;
use crate::view::settings::WhyView;
use crate::words::say;

impl App {
    pub(super) fn say_how_it_stands(&mut self) {
        self.why_about = None;
        self.say_why();
    }

    /// Why one notice was not seen.
    pub(super) fn say_why_unseen(&mut self, notice: NoticeId) {
        self.why_about = Some(notice);
        self.say_why();
    }

    /// The same again, as it is now.
    pub(super) fn say_why(&mut self) {
        let report = self.report();
        let shown = match &self.why {
            Some(view) => view.renew(report),
            None => WhyView::show(&self.sink, report).map(|view| self.why = Some(view)),
        };
        if let Err(error) = shown {
            self.complain(&error);
        }
    }

    pub(super) fn report(&self) -> String {
        let now = self.now();
        let moment = scene::Moment { now: now.wall, wall: &self.wall };
        if let Some(unseen) = self.why_about.and_then(|notice| scene::why_unseen(&self.model, notice, moment)) {
            return unseen;
        }
        let connection = match self.model.connection() {
            ConnectionState::Connected => "Connected.".to_owned(),
            ConnectionState::Connecting if self.link.is_some() => "Connecting for the first time.".to_owned(),
            ConnectionState::Connecting => "Not signed in: nothing can arrive.".to_owned(),
            other => other.trouble(now.instant, |at| self.wall.time(at)).unwrap_or_else(|| "Closed.".to_owned()),
        };
        let me = self.model.me().map_or_else(|| "nobody".to_owned(), ToString::to_string);
        let until = self.held_until().map(|until| format!("On until {until}: popups are held back, except critical notices."));
        let held_back =
            until.unwrap_or_else(|| match (self.settings.do_not_disturb, self.settings.quiet_hours, self.model.do_not_disturb()) {
                (true, ..) => "On: popups are held back, except critical notices.".to_owned(),
                (false, Some(hours), true) => format!("On by the hour ({hours}): popups are held back, except critical notices."),
                (false, Some(hours), false) => format!("Off; every day on in the hours {hours}."),
                (false, None, _) => "Off.".to_owned(),
            });
        let notices = self.model.notices();
        let lines = [
            ("Version", env!("CARGO_PKG_VERSION").to_owned()),
            ("Server", self.settings.server.clone()),
            ("Server's identity", self.connecting.key.map_or_else(|| "not seen yet".to_owned(), |key| key.to_string())),
            ("This device", self.keys.device().public().to_string()),
            ("Connection", connection),
            ("Signed in as", me),
            ("This computer's clock", format!("{} {}", self.wall.day(now.wall), self.wall.time(now.wall))),
            ("Do not disturb", held_back),
            (
                "Icon",
                if self.icon_visible {
                    "In the notification area."
                } else {
                    "There is no notification area; the window opens when the program is started again."
                }
                .to_owned(),
            ),
            ("Screen", if self.locked { "Locked: popups wait for the unlocking." } else { "Unlocked." }.to_owned()),
            ("Key to the newest notice", self.hotkey.as_ref().map_or_else(Clone::clone, |_| self.settings.hotkey.clone())),
            ("Open notices", notices.open().len().to_string()),
            ("Messages that wait to be sent", self.model.waiting().to_string()),
            ("Profile folder", self.folder.path().display().to_string()),
        ];
        lines.into_iter().map(|(what, how)| format!("{}: {}\n", say(what), say(&how))).collect()
    }
}
