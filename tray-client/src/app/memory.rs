//! What is remembered from one run to the next, and when it is written down.

use std::time::Duration;

use belfry_core::chat::{AccountName, Place, Timeline};
use belfry_core::client::{Command, Start, Ticket};
use belfry_core::net::InWords;
use belfry_core::net::ServerAddress;
use belfry_core::time::Instant;

use super::{App, connect};
use crate::cache::{CacheAnswer, CacheOwner};
use crate::model::{Intent, Lookup, Model, Unsent};
use crate::outbox::WaitingPost;

/// What was said or altered is written down so much later, together with what comes meanwhile.
const SOON: Duration = Duration::from_secs(3);

/// Who was seen when, and how far was read, can wait for longer.
const LATER: Duration = Duration::from_secs(30);

/// More than this does not wait: after a long absence much comes at once.
const NEWS_MAX: usize = 2_000;

impl App {
    /// Whose data the cache is to hold; `None` while nobody is known.
    pub(super) fn owner(&self, server: &str, account: &str) -> Option<CacheOwner> {
        let address: ServerAddress = server.trim().parse().ok()?;
        let name = connect::name(&address);
        let key = address.key.or_else(|| self.keys.known(&name)).map(|key| key.to_string());
        Some(CacheOwner { server: name, account: AccountName::known(account).ok()?, key })
    }

    /// Turns to this account on this server, with what is remembered of it.
    pub(super) fn recall(&mut self, server: &str, account: &str) {
        let mut model = Model::new(server).numbered_from(self.outbox.next());
        // What was written before anybody had signed in belongs to whoever does.
        if !self.whose.1.is_empty() && self.whose != (server.to_owned(), account.to_owned()) {
            self.forget_drafts();
        }
        self.whose = (server.to_owned(), account.to_owned());
        self.owner = self.owner(server, account);
        if let Some(memory) = self.owner.as_ref().and_then(|owner| self.cache.turn_to(owner)) {
            let witness = memory.witness.clone();
            model.recall(memory);
            model.recall_witness(witness, self.now().wall);
        }
        if let Ok(account) = AccountName::known(account) {
            for WaitingPost { post, to, room, text, reply_to, at, file } in self.outbox.waiting(server, &account) {
                model.recall_own(Unsent { ticket: Ticket(post.counter), to, room, text, reply_to, at, file });
            }
        }
        self.begin_with(model);
    }

    /// Nothing of what was remembered of this account is theirs to see any more.
    pub(super) fn forget_everything(&mut self) {
        self.cache.forget();
        if let Ok(account) = AccountName::known(&self.whose.1)
            && let Err(error) = self.downloads.forget_all(&self.whose.0, &account)
        {
            self.remark = format!("The list of files that were fetched cannot be removed: {}.", InWords(&error));
        }
        self.owner = None;
        self.forget_drafts();
        self.begin_with(Model::new(self.whose.0.as_str()).numbered_from(self.outbox.next()));
    }

    /// What somebody was writing is nobody else's to see, nor to say.
    fn forget_drafts(&mut self) {
        self.end_edit();
        self.popups.clear();
        self.drafts.clear();
        self.chat.set_draft(String::new());
    }

    fn begin_with(&mut self, model: Model) {
        self.model = model;
        self.recall_downloads();
        self.replies.clear();
        self.popups.clear();
        self.mark_everything();
        self.act(Intent::Open(Place::lobby()));
        // What waited for an answer when the program ended rises again.
        self.act(Intent::DoNotDisturb(self.held_back()));
    }

    /// From where messages are delivered: from what is remembered on, the first time from now on.
    pub(super) fn start_from(&mut self) -> Start {
        let known = self.model.known();
        if known.marks.is_empty() { Start::Now } else { Start::After(known) }
    }

    /// Tells a new connection what an earlier one, or an earlier run, did not get rid of.
    pub(super) fn empty_outbox(&mut self) {
        let (server, account) = &self.whose;
        let Ok(account) = AccountName::known(account) else { return };
        for waiting in self.outbox.waiting(server, &account) {
            if waiting.file.is_some() {
                self.send_waiting(&waiting);
            } else if let Some(link) = &self.link {
                let WaitingPost { post, to, room, text, reply_to, .. } = waiting;
                // A connection that has ended already is heard of by itself.
                let _ = link.send(Command::PostAs { ticket: Ticket(post.counter), post, to, room, text, reply_to });
            }
        }
    }

    /// An own message goes onto the disk before it goes anywhere else.
    pub(super) fn keep_own(&mut self, command: &Command) {
        let Command::PostAs { post, to, room, text, reply_to, .. } = command else { return };
        let (to, room, text, reply_to) = (to.clone(), *room, text.clone(), *reply_to);
        self.keep(&WaitingPost { post: *post, to, room, text, reply_to, at: self.now().wall, file: None });
    }

    pub(super) fn keep(&mut self, waiting: &WaitingPost) {
        let Ok(account) = AccountName::known(&self.whose.1) else { return };
        if let Err(error) = self.outbox.keep(&self.whose.0, &account, self.model.timeline(), waiting) {
            self.remark = format!(
                "What you write cannot be kept on the disk: {}. It is lost if the program ends before it is sent.",
                InWords(&error)
            );
            self.stale.connection = true;
        }
    }

    /// The server says in which timeline its database is.
    pub(super) fn enter_timeline(&mut self, timeline: Timeline) {
        if self.model.timeline().is_none_or(|known| known != timeline) {
            self.replies.clear();
        }
        let Ok(account) = AccountName::known(&self.whose.1) else { return };
        // What stays there is written once more with the next message.
        let _ = self.outbox.enter_timeline(&self.whose.0, &account, timeline);
    }

    /// An own message is stored, or given up.
    pub(super) fn forget_own(&mut self, ticket: Ticket) {
        // What stays there is sent once more after a restart, and recognised by the server.
        let _ = self.outbox.forget(ticket.0);
    }

    /// There may be something new to remember.
    pub(super) fn remember_soon(&mut self) {
        if self.model.news() > NEWS_MAX {
            self.remember();
        }
        let at = self.now().instant + if self.model.news() > 0 { SOON } else { LATER };
        self.remember_at = Some(self.remember_at.map_or(at, |before| before.min(at)));
    }

    /// When it is to be written down.
    pub(super) const fn remember_at(&self) -> Option<Instant> {
        self.remember_at
    }

    pub(super) fn remember_if_due(&mut self) {
        if self.remember_at.is_some_and(|at| at <= self.now().instant) {
            self.remember();
        }
    }

    /// Gives what is new to the cache's thread. Whether the cache knows now all that the model does.
    pub(super) fn remember(&mut self) -> bool {
        self.remember_at = None;
        let now = self.now().wall;
        let mut news = self.model.take_news();
        news.extend(self.model.take_witness(now));
        if news.is_empty() {
            return true;
        }
        let refused = self.cache.write(news).err();
        let taken = refused.is_none();
        if let Some(news) = refused {
            self.model.put_back(news);
            self.remember_at = Some(self.now().instant + SOON);
        }
        taken
    }

    /// Looks among what is remembered, which is first brought up to date.
    pub(super) fn remind(&mut self, lookup: Lookup) {
        if !self.remember() || !self.cache.look_up(lookup) {
            let effects = self.model.looked_up(lookup.ticket, Vec::new());
            self.perform(effects);
        }
    }

    pub(super) fn looked_up(&mut self, found: CacheAnswer) {
        if found.turn == self.cache.turn() {
            let effects = self.model.looked_up(found.ticket, found.messages);
            self.perform(effects);
        }
    }
}
