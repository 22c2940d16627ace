//! Numbers for what is asked and said, each once.

use belfry_core::chat::PostId;
use belfry_core::client::Ticket;

/// The next number. An own message has the same one as a ticket and in its outbox.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    outbox: u64,
    last: u64,
}

impl Numbers {
    /// Begins with this one, in this outbox.
    pub(super) const fn from(first: PostId) -> Self {
        Self { outbox: first.outbox, last: first.counter.saturating_sub(1) }
    }

    /// For a question.
    pub(super) const fn ticket(&mut self) -> Ticket {
        self.last += 1;
        Ticket(self.last)
    }

    /// By what the server recognises the own message of this ticket.
    pub(super) const fn post_of(&self, ticket: Ticket) -> PostId {
        PostId { outbox: self.outbox, counter: ticket.0 }
    }

    /// For an own message.
    pub(super) const fn post(&mut self) -> (Ticket, PostId) {
        let ticket = self.ticket();
        (ticket, self.post_of(ticket))
    }
}
