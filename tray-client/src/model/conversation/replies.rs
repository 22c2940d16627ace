//! What messages of a conversation reply to: shown as it stands now.

use belfry_core::chat::{Message, Quote, Seq};

use super::Conversation;

impl Conversation {
    /// A message as it is quoted; `None` where it is not held.
    pub(in crate::model) fn quote(&self, seq: Seq) -> Option<Quote> {
        let last = self.last.as_ref().filter(|last| last.seq == seq);
        self.messages.get(&seq).or(last).map(Quote::of)
    }

    /// A message was altered: what replies to it quotes it as it is now. Whether that is shown here.
    pub(super) fn requote(&mut self, altered: &Message) -> bool {
        let new = Quote::of(altered);
        let quotes = self.messages.values_mut().chain(&mut self.last).filter_map(|message| message.reply_to.as_deref_mut());
        let own = self.own.iter_mut().filter_map(|own| own.reply_to.as_mut());
        let mut shown = false;
        for quote in quotes.chain(own).filter(|quote| quote.seq == new.seq) {
            quote.clone_from(&new);
            shown = true;
        }
        shown
    }

    /// What stands before this message is kept no longer, and is not quoted any more either.
    pub(super) fn forget_quoted(&mut self, first: Seq) {
        let quotes = self.messages.values_mut().chain(&mut self.last).filter_map(|message| message.reply_to.as_deref_mut());
        let own = self.own.iter_mut().filter_map(|own| own.reply_to.as_mut());
        quotes.chain(own).filter(|quote| quote.seq < first).for_each(|quote| quote.quoted = None);
    }

    /// Messages of a page may have been read before what they reply to was altered.
    pub(super) fn requote_page(&self, page: &mut [Message]) {
        for quote in page.iter_mut().filter_map(|message| message.reply_to.as_deref_mut()) {
            if let Some(altered) = self.altered_meanwhile.get(&quote.seq) {
                *quote = Quote::of(altered);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountName, Alteration, ConversationId, Place, Text};
    use belfry_core::client::Ticket;
    use belfry_core::time::UnixMillis;

    use super::*;

    fn message(seq: u64, text: &str) -> Message {
        let (from, text) = (AccountName::new("anna").unwrap(), Text::new(text).unwrap());
        Message::new(ConversationId(1), Seq(seq), from, text, UnixMillis(seq))
    }

    fn reply(seq: u64, to: u64) -> Message {
        Message { reply_to: Some(Box::new(Quote::of(&message(to, "as it was")))), ..message(seq, "yes") }
    }

    fn altered(seq: u64, number: u64, text: &str) -> Message {
        Message { altered: Some(Alteration::edited(number, UnixMillis(9))), ..message(seq, text) }
    }

    /// What the lines quote, in their order; `-` for what is kept no longer.
    fn quoted(conversation: &Conversation) -> Vec<String> {
        let line = |quote: &Quote| quote.quoted.as_ref().map_or("-".to_owned(), |quoted| quoted.line.as_ref().unwrap().to_string());
        conversation.lines(None).filter_map(|shown| shown.reply_to.map(line)).collect()
    }

    #[test]
    fn a_quote_follows_what_it_quotes_also_where_that_is_not_held() {
        let mut conversation = Conversation::new(Place::lobby());
        conversation.arrive(reply(7, 2), None, false);
        conversation.say(Ticket(1), Text::new("me too").unwrap(), Some(Quote::of(&message(2, "as it was"))), UnixMillis(9));
        assert_eq!(quoted(&conversation), ["as it was", "as it was"]);
        assert!(conversation.alter(altered(2, 1, "as it is")), "it is shown");
        assert_eq!(quoted(&conversation), ["as it is", "as it is"]);
        assert_eq!(conversation.last().unwrap().reply_to.as_deref().cloned(), conversation.lines(None).next().unwrap().reply_to.cloned());
        assert!(!conversation.alter(altered(3, 2, "another")), "nothing that is shown quotes it");
        conversation.begins_with(Seq(3));
        assert_eq!(quoted(&conversation), ["-", "-"], "what is kept no longer is not quoted either");
    }

    #[test]
    fn a_page_that_was_read_before_an_alteration_quotes_what_was_heard_since() {
        let mut conversation = Conversation::new(Place::lobby());
        conversation.arrive(message(3, "later"), None, false);
        conversation.ask_older(Ticket(5)).unwrap();
        conversation.alter(altered(3, 1, "as it is"));
        conversation.alter(altered(1, 2, "the first"));
        let page = vec![message(1, "x"), Message { reply_to: Some(Box::new(Quote::of(&message(1, "x")))), ..message(2, "yes") }];
        conversation.page(Ticket(5), page);
        assert_eq!(quoted(&conversation), ["the first"]);
    }

    #[test]
    fn only_what_is_held_is_quoted_by_what_one_writes() {
        let mut conversation = Conversation::new(Place::lobby());
        conversation.arrive(message(3, "hello"), None, false);
        assert_eq!(conversation.quote(Seq(3)), Some(Quote::of(&message(3, "hello"))));
        assert_eq!(conversation.quote(Seq(2)), None);
    }
}
