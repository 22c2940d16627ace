//! What is being written replies to a message: chosen, shown above the composer, kept with the draft, and the way from a quote to what it quotes.

use std::collections::BTreeMap;

use belfry_core::chat::{Place, Quote, Seq};

use super::App;
use super::places::seq;
use crate::model::Intent;
use crate::scene;

/// To what the drafts reply, by their places as they are written.
pub(super) type Replies = BTreeMap<String, Quote>;

impl App {
    fn shown_place(&self) -> Option<Place> {
        self.model.shown().map(|shown| shown.place().clone())
    }

    /// What is written in the shown conversation replies to this message.
    pub(super) fn begin_reply(&mut self, seq: Seq) {
        let Some(place) = self.shown_place() else { return };
        if let Some(quote) = self.model.quote(&place, seq) {
            self.end_edit();
            self.replies.insert(place.to_string(), quote);
            self.draw_reply();
        }
    }

    /// The newest message, or the one before the one that is being replied to.
    pub(super) fn reply_before(&mut self) {
        let replied = self.replied().map(|quote| quote.seq);
        let before = |seq: &Seq| replied.is_none_or(|replied| *seq < replied);
        self.answerable().into_iter().rfind(before).into_iter().for_each(|seq| self.begin_reply(seq));
    }

    /// The message behind the one that is being replied to; behind the newest, none.
    pub(super) fn reply_behind(&mut self) {
        let Some(replied) = self.replied().map(|quote| quote.seq) else { return };
        match self.answerable().into_iter().find(|seq| *seq > replied) {
            Some(seq) => self.begin_reply(seq),
            None => self.end_reply(),
        }
    }

    pub(super) fn end_reply(&mut self) {
        let _: Option<Quote> = self.take_reply();
        self.draw_reply();
    }

    /// What the shown conversation's draft replies to, which is being sent.
    pub(super) fn take_reply(&mut self) -> Option<Quote> {
        self.shown_place().and_then(|place| self.replies.remove(&place.to_string()))
    }

    /// Shows the message that one of the shown conversation replies to.
    pub(super) fn lead(&mut self, seq: Seq) {
        if let Some(place) = self.shown_place() {
            self.act(Intent::Seek { place, seq });
            self.bring_up_soon();
        }
    }

    /// Reacts to a message of the shown conversation, or takes that back.
    pub(super) fn react(&mut self, key: &str, emoji: &str, set: bool) {
        if let (Some(place), Some(seq), Ok(emoji)) = (self.shown_place(), seq(key), emoji.parse()) {
            self.act(Intent::React { place, seq, emoji, set });
        }
    }

    pub(super) fn list_reactors(&mut self, key: &str) {
        if let (Some(place), Some(seq)) = (self.shown_place(), seq(key)) {
            self.act(Intent::ListReactors { place, seq });
        }
    }

    pub(super) fn draw_reply(&self) {
        self.chat.set_reply(self.replied().map(|quote| scene::quote_row(&self.model, &quote, true)));
    }

    /// As it stands now, where that is known.
    fn replied(&self) -> Option<Quote> {
        let place = self.shown_place()?;
        let chosen = self.replies.get(&place.to_string())?;
        Some(self.model.quote(&place, chosen.seq).unwrap_or_else(|| chosen.clone()))
    }

    /// The messages of the shown conversation that can be replied to, oldest first.
    fn answerable(&self) -> Vec<Seq> {
        let shown = self.model.shown().map(|shown| shown.lines(None));
        let standing = shown.into_iter().flatten().filter(|line| line.altered.is_none_or(|altered| !altered.deleted));
        standing.filter_map(|line| line.seq).collect()
    }
}
