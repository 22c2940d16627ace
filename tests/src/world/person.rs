//! What one person's program has told, for whoever asks.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use belfry_core::chat::{Answer, Message, Notice, Seq};
use belfry_core::client::{Client, Ticket, Update};
use belfry_core::time::Instant;

use super::Person;

impl Person {
    /// Where the person's program is.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The program and what its computer takes for now, while both run: on a sleeping computer nothing happens, whoever wants it to.
    ///
    /// # Panics
    /// When the clock has gone back since the program last ran. No computer's monotonic clock does, and what a program waits for would
    /// not come; so it is this world that is wrong.
    pub(super) fn running(&mut self, now: Instant) -> Option<(&mut Client, Instant)> {
        let client = self.client.as_mut().filter(|_| self.asleep.is_none())?;
        let local = now + self.ahead;
        assert!(local >= self.last_ran, "a clock went back from {:?} to {local:?}", self.last_ran);
        self.last_ran = local;
        Some((client, local))
    }

    /// Where its next datagram comes from.
    pub(super) const fn next_card(&mut self) -> SocketAddr {
        if let Some(other) = self.second_card {
            self.second_card = Some(self.address);
            self.address = other;
        }
        self.address
    }

    /// Whether what is sent there arrives.
    pub(super) fn is_at(&self, address: SocketAddr) -> bool {
        self.address == address || self.second_card == Some(address)
    }

    /// The messages that were delivered, in order.
    pub fn messages(&self) -> Vec<&Message> {
        self.updates.iter().filter_map(|update| if let Update::Message { message, .. } = update { Some(message) } else { None }).collect()
    }

    /// The texts that were delivered, in order.
    pub fn texts(&self) -> Vec<&str> {
        self.messages().into_iter().map(|message| message.text.as_str()).collect()
    }

    /// The places in the log that were given to this person's own messages.
    pub fn posted(&self) -> BTreeMap<Ticket, Seq> {
        let posted = |update: &Update| if let Update::Posted { ticket, seq, .. } = update { Some((*ticket, *seq)) } else { None };
        self.updates.iter().filter_map(posted).collect()
    }

    /// The answer to a ticket.
    pub fn answer(&self, ticket: Ticket) -> Option<&Answer> {
        self.updates.iter().find_map(|update| match update {
            Update::Answered { ticket: of, answer } if *of == ticket => Some(answer),
            _ => None,
        })
    }

    /// The notices that were told, in order.
    pub fn notices(&self) -> Vec<&Notice> {
        self.updates.iter().filter_map(|update| if let Update::Notice(notice) = update { Some(notice) } else { None }).collect()
    }

    /// Whether the program is connected and has caught up, as far as it has told.
    pub fn is_caught_up(&self) -> bool {
        let last = self.updates.iter().rposition(|update| matches!(update, Update::CaughtUp | Update::Disconnected { .. }));
        last.is_some_and(|last| self.updates[last] == Update::CaughtUp)
    }

    /// How often the program was connected and had caught up.
    pub fn caught_up(&self) -> usize {
        self.updates.iter().filter(|update| **update == Update::CaughtUp).count()
    }
}
