//! What is remembered from one run to the next, and when it is written down.

use std::time::Duration;

use belfry_core::chat::{AccountName, Place};
use belfry_core::client::Start;
use belfry_core::time::Instant;
use belfry_core::wire::codec;
use serde::{Deserialize, Serialize};

use super::App;
use crate::link::{Down, OwnId};
use crate::model::{Intent, Memory, Model};
use crate::outbox::Waiting;

const FILE: &str = "memory";

/// Counts the forms of the file. Another one is not read: the server has everything.
const FORM: u32 = 1;

/// Far above what a model holds, and far below what a computer holds.
const BYTES_MAX: usize = 256 * 1024 * 1024;

/// After news it is written down so much later, together with what comes meanwhile.
const SOON: Duration = Duration::from_secs(10);

#[derive(Serialize, Deserialize)]
struct Kept {
    form: u32,
    server: String,
    memory: Memory,
}

impl App {
    /// A model for this account on this server, with what is remembered of it.
    pub(super) fn recalled_model(&mut self, server: &str, account: &str) -> Model {
        let mut model = Model::new(server).numbered_from(self.outbox.begin());
        let Ok(account) = AccountName::new(account) else { return model };
        // A memory that cannot be read costs a question to the server, no more.
        let kept = self.folder.read_bytes(FILE).ok().flatten().and_then(|bytes| codec::decode::<BYTES_MAX, Kept>(&bytes).ok());
        if let Some(kept) = kept.filter(|kept| kept.form == FORM && kept.server == server && *kept.memory.account() == account) {
            model.recall(kept.memory);
        }
        for Waiting { own, to, text, at } in self.outbox.waiting(server, &account) {
            model.recall_own(own, &to, text, at);
        }
        self.whose = (server.to_owned(), account.to_string());
        let now = self.now();
        model.act(now, Intent::DoNotDisturb(self.held_back()));
        model.act(now, Intent::Open(Place::lobby()));
        model
    }

    /// From where messages are delivered: from what is remembered on, the first time from now on.
    pub(super) fn start_from(&self) -> Start {
        let positions = self.model.positions();
        if positions.is_empty() { Start::Now } else { Start::After(positions) }
    }

    /// Tells a new connection what an earlier one, or an earlier run, did not get rid of.
    pub(super) fn empty_outbox(&self) {
        let (server, account) = &self.whose;
        let Ok(account) = AccountName::new(account) else { return };
        if let Some(link) = &self.link {
            for Waiting { own, to, text, .. } in self.outbox.waiting(server, &account) {
                // A connection that has ended already is heard of by itself.
                let _ = link.tell(Down::Post { own, to, text });
            }
        }
    }

    /// An own message goes onto the disk before it goes anywhere else.
    pub(super) fn keep_own(&mut self, down: &Down) {
        let Down::Post { own, to, text } = down else { return };
        let waiting = Waiting { own: *own, to: to.clone(), text: text.clone(), at: self.now().wall };
        let Ok(account) = AccountName::new(&self.whose.1) else { return };
        if let Err(error) = self.outbox.keep(&self.whose.0, &account, &waiting) {
            self.remark = format!("What you write cannot be kept on the disk: {error}. It is lost if the program ends before it is sent.");
            self.stale.connection = true;
        }
    }

    /// An own message is stored, or given up.
    pub(super) fn forget_own(&mut self, own: OwnId) {
        // What stays there is sent once more after a restart, and recognised by the server.
        let _ = self.outbox.forget(own);
    }

    /// There is something new to remember.
    pub(super) fn remember_soon(&mut self) {
        let at = self.now().instant + SOON;
        self.remember_at.get_or_insert(at);
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

    /// Writes down what the window shows.
    pub(super) fn remember(&mut self) {
        if self.remember_at.take().is_none() {
            return;
        }
        let Some(memory) = self.model.memory() else { return };
        let kept = Kept { form: FORM, server: self.whose.0.clone(), memory };
        // Without it the next start is slower, nothing else.
        if let Ok(bytes) = codec::encode::<BYTES_MAX>(&kept) {
            let _ = self.folder.write(FILE, bytes);
        }
    }
}
