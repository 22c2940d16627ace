//! Tells one's own messages, which stand on the screen as they were typed, from those written on another device.

use std::collections::BTreeSet;

use belfry_core::chat::{ConversationId, Message, Seq, Text};
use belfry_core::client::Ticket;

/// Confirmed messages whose echo has not come; more would mean that the server sends none.
const CONFIRMED_MAX: usize = 1000;

/// A message that was typed here and is not confirmed.
#[derive(Debug)]
struct Typed {
    ticket: Ticket,
    text: Text,
    echoed: bool,
}

/// One's own messages between typing and their echo. The confirmation and the echo may come in either order.
#[derive(Debug, Default)]
pub(super) struct Echo {
    typed: Vec<Typed>,
    confirmed: BTreeSet<(ConversationId, Seq)>,
}

impl Echo {
    /// A message was typed here.
    pub(super) fn typed(&mut self, ticket: Ticket, text: Text) {
        self.typed.push(Typed { ticket, text, echoed: false });
    }

    /// It is stored.
    pub(super) fn posted(&mut self, ticket: Ticket, conversation: ConversationId, seq: Seq) {
        if self.remove(ticket).is_some_and(|typed| !typed.echoed) {
            self.confirmed.insert((conversation, seq));
            if self.confirmed.len() > CONFIRMED_MAX {
                self.confirmed.pop_first();
            }
        }
    }

    /// It will not be stored; its text.
    pub(super) fn failed(&mut self, ticket: Ticket) -> Option<Text> {
        self.remove(ticket).map(|typed| typed.text)
    }

    /// A message of one's own has come: whether it is one that was typed here.
    pub(super) fn is_echo(&mut self, message: &Message) -> bool {
        if self.confirmed.remove(&(message.conversation, message.seq)) {
            return true;
        }
        match self.typed.iter_mut().find(|typed| !typed.echoed && typed.text == message.text) {
            Some(typed) => {
                typed.echoed = true;
                true
            }
            None => false,
        }
    }

    /// Numbers mean other messages from now on.
    pub(super) fn forget_numbers(&mut self) {
        self.confirmed.clear();
    }

    /// Messages that are not confirmed.
    pub(super) const fn waiting(&self) -> usize {
        self.typed.len()
    }

    fn remove(&mut self, ticket: Ticket) -> Option<Typed> {
        let at = self.typed.iter().position(|typed| typed.ticket == ticket)?;
        Some(self.typed.remove(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::tests::message;

    fn typed(text: &str) -> Echo {
        let mut echo = Echo::default();
        echo.typed(Ticket(1), Text::new(text).unwrap());
        echo
    }

    #[test]
    fn an_echo_before_the_confirmation_is_recognised_once() {
        let mut echo = typed("hi");
        assert!(echo.is_echo(&message("hi")));
        echo.posted(Ticket(1), ConversationId(1), Seq(7));
        assert!(!echo.is_echo(&message("hi")));
    }

    #[test]
    fn an_echo_after_the_confirmation_is_recognised_once() {
        let mut echo = typed("hi");
        echo.posted(Ticket(1), ConversationId(1), Seq(7));
        assert!(echo.is_echo(&message("hi")));
        assert!(!echo.is_echo(&message("hi")));
    }

    #[test]
    fn a_message_from_another_device_is_no_echo() {
        assert!(!typed("hi").is_echo(&message("something else")));
    }

    #[test]
    fn a_failed_message_gives_its_text_back() {
        let mut echo = typed("hi");
        assert_eq!(echo.failed(Ticket(1)), Some(Text::new("hi").unwrap()));
        assert_eq!(echo.waiting(), 0);
    }
}
