//! What has become of what was asked.

use belfry_core::chat::{Answer, Refusal, Request};
use belfry_core::client::{Command, Ticket};

use super::desk::Desk;
use super::numbers::Numbers;
use super::people::NextPart;
use super::{Effect, Model, ScreenPart};

impl Model {
    /// The server has answered.
    pub(super) fn hear_answer(&mut self, ticket: Ticket, answer: Answer, effects: &mut Vec<Effect>) {
        match answer {
            Answer::Page(page) => self.hear_page(ticket, page.messages, effects),
            Answer::People(page) if self.rooms.asks_members(ticket) => {
                let part = self.rooms.hear_members(ticket, page, &mut self.numbers);
                Self::go_on(part, ScreenPart::Rooms, effects);
            }
            Answer::People(page) => match self.people.part(ticket, page.entries, page.more) {
                NextPart::After(name) => effects.push(Effect::ask(ticket, Request::Who { after: Some(name) })),
                NextPart::Complete => {
                    // Names stand everywhere.
                    effects
                        .extend([ScreenPart::People, ScreenPart::Conversations, ScreenPart::Rooms, ScreenPart::Desk].map(Effect::Redraw));
                    effects.extend(self.shown().map(|shown| Effect::Redraw(ScreenPart::Lines(shown.place().clone()))));
                    effects.extend(self.ask_people());
                }
                NextPart::Stale => {}
            },
            Answer::Rooms(page) => {
                let part = self.rooms.hear_rooms(ticket, page, &mut self.numbers);
                Self::go_on(part, ScreenPart::Rooms, effects);
            }
            Answer::Devices(page) => self.hear_devices(ticket, page, effects),
            Answer::Reactors(page) => self.hear_reactors(ticket, page, effects),
            Answer::Found(found) => {
                let answered = self.search.as_mut().is_some_and(|search| search.answer(ticket, Ok(found)));
                effects.extend(answered.then_some(Effect::Redraw(ScreenPart::Search)));
            }
            // It comes on the notices' own channel, which the client has seen to.
            Answer::Notice(notice) => {
                self.doubts.remove(&ticket);
                self.hear_notice(notice, effects);
            }
            // What was asked at a place is of no interest once it is done; the desk goes on.
            Answer::Done => {
                if !self.account_done(ticket, effects) && !self.act_done(ticket, effects) {
                    self.hear_at_the_desk(effects, |desk, numbers| desk.hear_done(ticket, numbers));
                }
            }
            Answer::NoticeSent { notice, .. } => self.hear_at_the_desk(effects, |desk, numbers| desk.hear_sent(ticket, notice, numbers)),
            Answer::NoticeScheduled { at, .. } => self.hear_at_the_desk(effects, |desk, numbers| desk.hear_scheduled(ticket, at, numbers)),
            Answer::NoticeChanged(summary) => {
                self.hear_at_the_desk(effects, |desk, numbers| desk.hear_changed(ticket, *summary, numbers));
            }
            Answer::Preview(preview) => self.hear_at_the_desk(effects, |desk, numbers| desk.hear_preview(ticket, preview, numbers)),
            Answer::Ledger(page) => self.hear_at_the_desk(effects, |desk, numbers| desk.hear_ledger(ticket, *page, numbers)),
            Answer::Notices(page) => {
                self.hear_at_the_desk(effects, |desk, numbers| desk.hear_notices(ticket, page, numbers));
            }
            Answer::Templates(page) => {
                self.hear_at_the_desk(effects, |desk, numbers| desk.hear_templates(ticket, page, numbers));
            }
            Answer::Groups(page) => {
                self.hear_at_the_desk(effects, |desk, numbers| desk.hear_groups(ticket, page, numbers));
            }
            Answer::Schedules(page) => {
                self.hear_at_the_desk(effects, |desk, numbers| desk.hear_schedules(ticket, page, numbers));
            }
            // To questions that no window asks, whichever there are: whoever hears it has asked something else, and gets nothing.
            _ => self.ask_failed(ticket, None, effects),
        }
    }

    /// A question has come to nothing: refused, or the connection was lost (`None`).
    pub(super) fn ask_failed(&mut self, ticket: Ticket, refusal: Option<Refusal>, effects: &mut Vec<Effect>) {
        if let Some(notice) = self.doubts.remove(&ticket)
            && refusal == Some(Refusal::UnknownNotice)
            && self.notices.forget(notice)
        {
            effects.push(Effect::EndPopUp(notice));
            effects.push(Effect::Redraw(ScreenPart::Notices));
        }
        if self.account_failed(ticket, refusal, effects)
            || self.reactors_unknown(ticket)
            || self.place_ask_failed(ticket, refusal, effects)
            || self.beginning_unknown(ticket, effects)
        {
            return;
        }
        effects.extend(self.desk.failed(ticket, refusal).then_some(Effect::Redraw(ScreenPart::Desk)));
        // Whoever scrolls asks again; the list of people is asked for when the window is shown the next time.
        if !self.people.abandon(ticket)
            && let Some(conversation) = self.conversations.values_mut().find(|conversation| conversation.asked(ticket))
        {
            conversation.ask_failed(ticket);
            effects.push(Effect::Redraw(ScreenPart::Lines(conversation.place().clone())));
        }
    }

    /// Something has come for the desk.
    pub(super) fn hear_at_the_desk(
        &mut self,
        effects: &mut Vec<Effect>,
        hear: impl FnOnce(&mut Desk, &mut Numbers) -> (bool, Vec<Command>),
    ) {
        let (drawn, asks) = hear(&mut self.desk, &mut self.numbers);
        effects.extend(asks.into_iter().map(Effect::Tell));
        effects.extend(drawn.then_some(Effect::Redraw(ScreenPart::Desk)));
    }

    /// A part of a list has come.
    fn go_on((complete, next): (bool, Option<Command>), list: ScreenPart, effects: &mut Vec<Effect>) {
        effects.extend(next.map(Effect::Tell));
        effects.extend(complete.then_some(Effect::Redraw(list)));
    }
}
