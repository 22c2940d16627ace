//! Conversations as the person has arranged them: pinned, muted, marked as unread. The server keeps it, so that it is so on every device.

use std::cmp::Reverse;

use belfry_core::chat::{Arrangement, ArrangementFlag, Place, Request};

use super::{Conversation, Effect, Model, PlaceKey, ScreenPart};

impl Model {
    /// The conversations: those that are pinned, the lobby, then those with the newest message first.
    pub fn conversations(&self) -> Vec<&Conversation> {
        let lobby = PlaceKey::of(&Place::lobby());
        let mut sorted: Vec<_> = self.conversations.iter().collect();
        sorted.sort_by_key(|&(key, conversation)| {
            (!conversation.arrangement().pinned, *key != lobby, Reverse(conversation.last().map(|last| last.sent_at)), key)
        });
        sorted.into_iter().map(|(_, conversation)| conversation).collect()
    }

    /// Messages of others that have not been read, and conversations that are marked without any; muted ones do not count.
    pub fn unread(&self) -> u64 {
        let heard = self.conversations.values().filter(|conversation| !conversation.arrangement().muted);
        heard.map(|conversation| conversation.unread().max(u64::from(conversation.arrangement().marked_unread))).sum()
    }

    pub(super) fn hear_arranged(&mut self, place: &Place, arrangement: Arrangement, effects: &mut Vec<Effect>) {
        self.conversation_mut(place).arrange(arrangement);
        effects.push(Effect::Redraw(ScreenPart::Conversations));
        effects.push(Effect::Redraw(ScreenPart::Lines(place.clone())));
    }

    /// It is so when the server has said so: also here, what it refuses is not.
    pub(super) fn ask_to_arrange(&mut self, place: Place, flag: ArrangementFlag, on: bool, effects: &mut Vec<Effect>) {
        let room = self.room_at(&place);
        self.request(Request::Arrange { place, room, flag, on }, effects);
    }

    /// Whoever comes back to what they have marked has done what the mark was for.
    pub(super) fn unmark(&mut self, place: &Place, effects: &mut Vec<Effect>) {
        let is_marked = self.conversation(place).is_some_and(|conversation| conversation.arrangement().marked_unread);
        if is_marked {
            self.ask_to_arrange(place.clone(), ArrangementFlag::MarkedUnread, false, effects);
        }
    }

    pub(super) fn mark_all_read(&mut self, place: &Place, effects: &mut Vec<Effect>) {
        self.unmark(place, effects);
        if self.conversation_mut(place).read() {
            effects.extend(self.tell_read(place));
            effects.push(Effect::Redraw(ScreenPart::Conversations));
            effects.push(Effect::Redraw(ScreenPart::Lines(place.clone())));
        }
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountName, ConversationInfo, Message, Role, Seq, Text};
    use belfry_core::client::{Command, Update};
    use belfry_core::time::{Instant, Now, UnixMillis};

    use super::*;
    use crate::model::tests::conversation;
    use crate::model::{Intent, Summary};

    const NOW: Now = Now { instant: Instant::START, wall: UnixMillis(1000) };

    fn place(typed: &str) -> Place {
        typed.parse().unwrap()
    }

    fn model(listed: &[(u64, &str, Arrangement)]) -> Model {
        let mut model = Model::new("lan-host");
        model.apply(NOW, Update::SignedIn { account: AccountName::new("me").unwrap(), role: Role::Member });
        for &(id, typed, arrangement) in listed {
            model.apply(NOW, Update::Conversation(ConversationInfo { arrangement, ..conversation(id, place(typed), 0) }));
        }
        model.apply(NOW, Update::CaughtUp);
        model
    }

    fn say(model: &mut Model, id: u64, typed: &str, seq: u64) -> Vec<Effect> {
        let (from, text) = (AccountName::new("anna").unwrap(), Text::new("hello").unwrap());
        let conversation = belfry_core::chat::ConversationId(id);
        model
            .apply(NOW, Update::Message { place: place(typed), message: Message::new(conversation, Seq(seq), from, text, UnixMillis(seq)) })
    }

    fn asked(effects: &[Effect]) -> Vec<&Request> {
        let request = |effect| if let &Effect::Tell(Command::Ask { ref request, .. }) = effect { Some(request) } else { None };
        effects.iter().filter_map(request).collect()
    }

    const PINNED: Arrangement = Arrangement { pinned: true, muted: false, marked_unread: false };
    const MUTED: Arrangement = Arrangement { pinned: false, muted: true, marked_unread: false };
    const MARKED: Arrangement = Arrangement { pinned: false, muted: false, marked_unread: true };

    #[test]
    fn what_is_pinned_stands_before_the_lobby_whatever_is_newer() {
        let mut model = model(&[(1, "lobby", Arrangement::default()), (2, "attic", PINNED), (3, "@anna", Arrangement::default())]);
        say(&mut model, 3, "@anna", 1);
        let places = |model: &Model| model.conversations().iter().map(|shown| shown.place().to_string()).collect::<Vec<_>>();
        assert_eq!(places(&model), ["attic", "lobby", "@anna"]);
        model.apply(NOW, Update::Arranged { place: place("attic"), arrangement: Arrangement::default() });
        assert_eq!(places(&model), ["lobby", "@anna", "attic"]);
    }

    #[test]
    fn what_is_muted_pops_nothing_up_and_the_icon_does_not_count_it() {
        let mut model = model(&[(1, "lobby", Arrangement::default()), (2, "attic", MUTED)]);
        let pops = |effects: &[Effect]| effects.iter().any(|effect| matches!(effect, Effect::PopUpMessage { .. }));
        assert!(!pops(&say(&mut model, 2, "attic", 1)));
        assert_eq!((model.conversation(&place("attic")).unwrap().unread(), model.unread()), (1, 0));
        assert_eq!(model.summary(), Summary::Connected);
        model.apply(NOW, Update::Arranged { place: place("attic"), arrangement: Arrangement::default() });
        assert!(pops(&say(&mut model, 2, "attic", 2)));
        assert_eq!(model.unread(), 2);
    }

    #[test]
    fn what_is_marked_as_unread_counts_as_one_until_it_is_opened() {
        let mut model = model(&[(1, "lobby", Arrangement::default()), (2, "attic", MARKED)]);
        assert_eq!(model.unread(), 1);
        say(&mut model, 2, "attic", 1);
        assert_eq!(model.unread(), 1, "with what is unread in it, and not besides");
        let effects = model.act(NOW, Intent::Open(place("attic")));
        let room = Some(belfry_core::chat::ConversationId(2));
        let unmark = Request::Arrange { place: place("attic"), room, flag: ArrangementFlag::MarkedUnread, on: false };
        assert!(asked(&effects).contains(&&unmark), "{effects:?}");
        let effects = model.act(NOW, Intent::MarkRead(place("attic")));
        assert!(asked(&effects).contains(&&unmark));
        assert!(asked(&effects).iter().any(|request| matches!(request, Request::MarkRead { upto: Seq(1), .. })));
    }

    #[test]
    fn how_it_is_arranged_is_what_the_server_says() {
        let mut model = model(&[(2, "attic", Arrangement::default())]);
        model.act(NOW, Intent::Arrange { place: place("attic"), flag: ArrangementFlag::Pinned, on: true });
        assert_eq!(model.conversation(&place("attic")).unwrap().arrangement(), Arrangement::default());
        model.apply(NOW, Update::Arranged { place: place("attic"), arrangement: PINNED });
        assert_eq!(model.conversation(&place("attic")).unwrap().arrangement(), PINNED);
    }
}
