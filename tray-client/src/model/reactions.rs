//! Who has reacted to a message, as somebody has asked.

use belfry_core::chat::{Page, Place, Reactor, Request, Seq};
use belfry_core::client::Ticket;

use super::{Effect, Model, ScreenPart};

/// So many are listed at most: whoever wants to know more asks the command line.
const LISTED_MAX: usize = 2_000;

/// The list that was asked for last.
#[derive(Clone, Debug)]
pub(super) struct ReactorList {
    asked: Option<Ticket>,
    place: Place,
    seq: Seq,
    reactors: Vec<Reactor>,
}

impl Model {
    pub(super) fn list_reactors(&mut self, place: Place, seq: Seq, effects: &mut Vec<Effect>) {
        let ticket = self.numbers.ticket();
        effects.push(Effect::ask(ticket, Request::FetchReactors { place: place.clone(), seq, after: 0 }));
        self.reactors = Some(ReactorList { asked: Some(ticket), place, seq, reactors: Vec::new() });
        effects.push(Effect::Redraw(ScreenPart::Reactors));
    }

    /// A page of the list has come.
    pub(super) fn hear_reactors(&mut self, ticket: Ticket, page: Page<Reactor>, effects: &mut Vec<Effect>) {
        let Some(list) = self.reactors.as_mut().filter(|list| list.asked == Some(ticket)) else { return };
        let goes_on = page.more && !page.entries.is_empty();
        list.reactors.extend(page.entries);
        list.asked = None;
        if goes_on && list.reactors.len() < LISTED_MAX {
            let (place, seq, after) = (list.place.clone(), list.seq, u32::try_from(list.reactors.len()).unwrap_or(u32::MAX));
            let next = self.numbers.ticket();
            list.asked = Some(next);
            effects.push(Effect::ask(next, Request::FetchReactors { place, seq, after }));
        }
        effects.push(Effect::Redraw(ScreenPart::Reactors));
    }

    /// The question has come to nothing. Whether it was this one.
    pub(super) fn reactors_unknown(&mut self, ticket: Ticket) -> bool {
        self.reactors.take_if(|list| list.asked == Some(ticket)).is_some()
    }

    /// Who has reacted to the message that was asked about, by sign; nobody while that is not known.
    pub fn reactors(&self) -> &[Reactor] {
        self.reactors.as_ref().map_or(&[], |list| &list.reactors)
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Answer, Refusal};
    use belfry_core::client::{Command, Update};
    use belfry_core::time::{Instant, Now, UnixMillis};

    use super::*;
    use crate::model::Intent;

    const NOW: Now = Now { instant: Instant::START, wall: UnixMillis(9) };

    fn asked(effects: &[Effect]) -> Option<(Ticket, u32)> {
        effects.iter().find_map(|effect| match effect {
            Effect::Tell(Command::Ask { ticket, request: Request::FetchReactors { after, .. } }) => Some((*ticket, *after)),
            _ => None,
        })
    }

    fn page(names: &[&str], more: bool) -> Answer {
        let one = |name: &&str| Reactor { emoji: "👍".parse().unwrap(), account: name.parse().unwrap(), at: UnixMillis(5) };
        Answer::Reactors(Page { entries: names.iter().map(one).collect(), more })
    }

    #[test]
    fn who_has_reacted_is_listed_page_by_page_and_an_answer_to_an_earlier_question_is_not_believed() {
        let mut model = Model::new("lan-host");
        let list = |seq| Intent::ListReactors { place: Place::lobby(), seq: Seq(seq) };
        let (earlier, _) = asked(&model.act(NOW, list(7))).unwrap();
        let (ticket, after) = asked(&model.act(NOW, list(8))).unwrap();
        assert_eq!(after, 0);
        model.apply(NOW, Update::Answered { ticket: earlier, answer: page(&["eve"], false) });
        let effects = model.apply(NOW, Update::Answered { ticket, answer: page(&["anna", "ben"], true) });
        let (ticket, after) = asked(&effects).unwrap();
        assert_eq!(after, 2);
        model.apply(NOW, Update::Answered { ticket, answer: page(&["carol"], false) });
        let names: Vec<_> = model.reactors().iter().map(|reactor| reactor.account.as_str()).collect();
        assert_eq!(names, ["anna", "ben", "carol"]);
        let (ticket, _) = asked(&model.act(NOW, list(9))).unwrap();
        model.apply(NOW, Update::Refused { ticket, refusal: Refusal::UnknownMessage });
        assert_eq!(model.reactors(), []);
    }
}
