//! From the model to windows and icon, when nothing more waits.

use std::time::Duration;

use belfry_core::chat::{Place, Presence, Role};
use belfry_core::time::Instant;

use super::{App, Stale};
use crate::model::{ConnectionState, Conversation, Model};
use crate::scene::{self, Moment};
use crate::tray::host::IconState;
use crate::view::chat::ChatHead;
use crate::when;
use crate::words;

/// What the icon says of this model.
pub(super) fn icon_state(model: &Model) -> IconState {
    IconState {
        summary: model.summary(),
        tooltip: words::say_list(&model.tooltip()),
        role: model.role(),
        do_not_disturb: model.do_not_disturb(),
        chinese: words::is_chinese(),
    }
}

impl App {
    pub(super) fn moment(&self) -> Moment<'_> {
        Moment { now: self.now().wall, wall: &self.wall }
    }

    pub(super) fn mark_everything(&mut self) {
        self.stale = Stale::EVERYTHING;
    }

    pub(super) fn redraw(&mut self) {
        let stale = std::mem::take(&mut self.stale);
        if stale.connection {
            self.icon.tell(icon_state(&self.model));
            self.draw_connection();
        }
        if stale.notices {
            let (open, past) = (scene::open_notices(&self.model, self.moment()), scene::past_notices(&self.model, self.moment()));
            self.chat.set_notices(open, past);
        }
        if stale.people {
            let rows = scene::people(&self.model, &self.search, self.moment());
            self.chat.set_people(rows);
        }
        if stale.conversations {
            let rows = scene::conversations(&self.model, &self.search, self.moment());
            self.chat.set_conversations(rows);
        }
        if stale.account || stale.connection {
            self.draw_account();
        }
        if stale.desk || stale.connection {
            self.draw_desk();
        }
        if (stale.lines || stale.people)
            && let Some(shown) = self.model.shown()
        {
            let head = self.head(shown);
            let rows = scene::lines(&self.model, shown.place(), self.moment());
            self.chat.set_lines(head, rows.clone(), stale.to_end);
            self.bring_up_sought(&rows);
            self.draw_reply();
            self.draw_chosen();
        }
        if stale.rooms || stale.lines {
            self.draw_rooms();
        }
        if stale.found || stale.connection || stale.lines {
            self.draw_found();
        }
        if stale.typing || stale.lines {
            self.draw_typing();
        }
    }

    pub(super) fn draw_connection(&self) {
        let trouble = self.model.connection().trouble(self.now().instant, |at| self.wall.time(at));
        let stopped = matches!(self.model.connection(), ConnectionState::Stopped(_) | ConnectionState::Closed);
        let sentence = match trouble {
            Some(sentence) => sentence,
            None if self.link.is_none() => "Not signed in.".into(),
            None => String::new(),
        };
        self.chat.set_trouble(sentence, !stopped && self.link.is_some());
        self.chat.set_remark(self.remark.clone());
        self.chat.set_held_back(self.model.do_not_disturb(), self.held_until());
        self.chat.set_admin(self.model.role() == Some(Role::Admin));
    }

    /// Who is writing, and that nobody is any more.
    pub(super) fn draw_typing(&self) {
        self.chat.set_typing(scene::typing(&self.model, self.now().instant));
    }

    fn head(&self, shown: &Conversation) -> ChatHead {
        let place = shown.place();
        let note = match place {
            // Who is here is known as long as the server is.
            _ if !self.model.connection().is_up() => String::new(),
            Place::Room(_) if *place == Place::lobby() => format!("{} here", self.model.people().here()),
            Place::Room(_) => String::new(),
            Place::Direct(account) => match self.model.people().find(account) {
                Some(person) if person.presence == Presence::Online => "online".into(),
                Some(person) if person.presence == Presence::Away => "away".into(),
                Some(person) => person.last_seen.map_or_else(String::new, |at| match self.now().wall {
                    now if self.wall.day(at) == self.wall.day(now) => format!("was here at {}", self.wall.time(at)),
                    now => format!("last seen {} ago", when::ago(at, now)),
                }),
                None => String::new(),
            },
        };
        let arrangement = shown.arrangement();
        ChatHead {
            key: place.to_string(),
            name: scene::name(&self.model, place),
            note,
            about: scene::about_place(&self.model, place),
            has_older: shown.has_older(),
            has_newer: !shown.is_at_end(),
            span: shown.span(),
            unread: scene::count(shown.unread()),
            arranged: [arrangement.pinned, arrangement.muted, arrangement.marked_unread],
            is_room: matches!(place, Place::Room(_)) && *place != Place::lobby(),
        }
    }

    /// When the sentence about the connection has another number of seconds.
    pub(super) fn countdown(&self, now: Instant) -> Option<Instant> {
        let ConnectionState::Interrupted { retry_at, .. } = self.model.connection() else { return None };
        let counts = self.chat.is_visible() && *retry_at > now;
        counts.then(|| now + Duration::from_secs(1))
    }
}
