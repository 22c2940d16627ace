//! Between the client's machine and the model. Nothing is remembered here: what a ticket stands for is written in its number, so that
//! either thread can translate alone.

use belfry_core::chat::{Answer, ConversationInfo, Page, PostId, Receipt, Request, Seq};
use belfry_core::client::{Command, Ticket, Update};
use belfry_core::limits::{HITS_MAX, PAGE_ENTRIES_MAX};

use super::border::{AskId, Down, OwnId, Up};
use super::desk::{DeskAsk, DeskNews};

/// Messages in one page: several screens full, and few enough to arrive while the scroll bar moves.
const PAGE_MESSAGES: u32 = 100;

const _: () = assert!(PAGE_MESSAGES <= PAGE_ENTRIES_MAX);

/// What a ticket stands for. Its lowest bit tells the two apart.
enum Meaning {
    Post(OwnId),
    Question(AskId),
}

impl Meaning {
    const fn of(ticket: Ticket) -> Self {
        if ticket.0 & 1 == 0 { Self::Post(OwnId(ticket.0 >> 1)) } else { Self::Question(AskId(ticket.0 >> 1)) }
    }
}

const fn post(own: OwnId) -> Ticket {
    Ticket(own.0 << 1)
}

const fn question(ask: AskId) -> Ticket {
    Ticket(ask.0 << 1 | 1)
}

fn asked(ask: AskId, request: Request) -> Command {
    Command::Ask { ticket: question(ask), request }
}

/// What the client's machine is to do.
pub(super) fn down(down: Down, outbox: u64) -> Command {
    match down {
        Down::Post { own, to, text } => Command::PostAs { ticket: post(own), post: PostId { outbox, counter: own.0 }, to, text },
        Down::Answer { notice, answer } => Command::Receipt { notice, receipt: Receipt::Answered(answer) },
        Down::MarkVisible(notice) => Command::Receipt { notice, receipt: Receipt::Visible },
        Down::MarkLocked(notice) => Command::Receipt { notice, receipt: Receipt::Locked },
        Down::AskOlder { ask, place, before } => {
            Command::Ask { ticket: question(ask), request: Request::FetchBefore { place, before, limit: PAGE_MESSAGES } }
        }
        Down::AskNewer { ask, conversation, after } => asked(ask, Request::FetchAfter { conversation, after, limit: PAGE_MESSAGES }),
        Down::AskFirst { ask, conversation } => asked(ask, Request::FetchAfter { conversation, after: Seq(0), limit: 1 }),
        Down::AskPeople { ask, after } => Command::Ask { ticket: question(ask), request: Request::Who { after } },
        Down::AskNotice { ask, notice } => Command::Ask { ticket: question(ask), request: Request::FetchNotice { notice } },
        Down::Desk { ask, what } => desk(question(ask), what),
        Down::Typing(to) => Command::Typing { to },
        Down::Away(away) => Command::Away(away),
        Down::MarkRead { ask, place, upto } => asked(ask, Request::MarkRead { place, upto }),
        Down::Edit { ask, place, seq, text } => asked(ask, Request::Edit { place, seq, text }),
        Down::Delete { ask, place, seq } => asked(ask, Request::Delete { place, seq }),
        Down::AskRooms { ask, after } => asked(ask, Request::ListRooms { after }),
        Down::AskMembers { ask, room, after } => asked(ask, Request::RoomMembers { room, after }),
        Down::CreateRoom { ask, room, private } => asked(ask, Request::CreateRoom { room, private }),
        Down::JoinRoom { ask, room } => asked(ask, Request::JoinRoom { room }),
        Down::LeaveRoom { ask, room } => asked(ask, Request::LeaveRoom { room }),
        Down::Invite { ask, room, account } => asked(ask, Request::Invite { room, account }),
        Down::Search { ask, text, place } => asked(ask, Request::Search { text, place, before: None, limit: HITS_MAX }),
        Down::Wake => Command::Wake,
        Down::Quit => Command::Close,
    }
}

/// What the desk asks, in the words of the protocol.
fn desk(ticket: Ticket, what: DeskAsk) -> Command {
    let request = match what {
        DeskAsk::Send(draft) => return Command::SendNotice { ticket, draft: *draft },
        DeskAsk::Preview(audience) => Request::PreviewNotice { audience },
        DeskAsk::Notices { before } => Request::ListNotices { before },
        DeskAsk::Ledger { notice, after } => Request::NoticeStatus { notice, after },
        DeskAsk::Change { notice, change } => Request::ChangeNotice { notice, change },
        DeskAsk::Schedules { after } => Request::ListSchedules { after },
        DeskAsk::Unschedule(schedule) => Request::Unschedule { schedule },
        DeskAsk::Templates { after } => Request::ListTemplates { after },
        DeskAsk::SaveTemplate(template) => Request::SaveTemplate(*template),
        DeskAsk::RemoveTemplate(name) => Request::RemoveTemplate { name },
        DeskAsk::Groups { after } => Request::ListGroups { after },
    };
    Command::Ask { ticket, request }
}

/// An answer as the model is to hear it.
fn answered(ask: AskId, answer: Answer) -> Up {
    let news = match answer {
        Answer::Page(page) => return Up::Page { ask, messages: page.messages },
        Answer::People(Page { entries: people, more }) => return Up::People { ask, people, more },
        Answer::NoticeSent { notice, progress } => DeskNews::Sent { notice, progress },
        Answer::NoticeScheduled { at, .. } => DeskNews::Scheduled { at },
        Answer::Preview(preview) => DeskNews::Preview(preview),
        Answer::Notices(Page { entries: notices, more }) => DeskNews::Notices { notices, more },
        Answer::Ledger(page) => DeskNews::Ledger(page),
        Answer::NoticeChanged(summary) => DeskNews::Changed(summary),
        Answer::Schedules(Page { entries: schedules, more }) => DeskNews::Schedules { schedules, more },
        Answer::Templates(Page { entries: templates, more }) => DeskNews::Templates { templates, more },
        Answer::Groups(Page { entries: groups, more }) => DeskNews::Groups { groups, more },
        // Asked for by a screen that was away; it comes on the notices' own channel, which the client has seen to.
        Answer::Notice(notice) => return Up::Notice(notice),
        Answer::Rooms(Page { entries: rooms, more }) => return Up::Rooms { ask, rooms, more },
        Answer::Found(found) => return Up::Found { ask, found },
        Answer::Done => return Up::Done(ask),
        _ => return Up::AskFailed { ask, refusal: None },
    };
    Up::Desk { ask, news }
}

/// What the model is to hear; `None` for what no window shows.
pub(super) fn up(update: Update) -> Option<Up> {
    Some(match update {
        Update::ServerKey { key, first_use } => Up::Identity { key, first_use },
        Update::NewServerKey { key } => Up::Identity { key, first_use: false },
        Update::SignedIn { account, role } => Up::SignedIn { account, role },
        Update::CaughtUp => Up::CaughtUp,
        Update::Message { place, message } => Up::Message { place, message },
        Update::Notice(notice) => Up::Notice(notice),
        Update::Presence(changes) => Up::Presence(changes),
        Update::Posted { ticket, seq, .. } => match Meaning::of(ticket) {
            Meaning::Post(own) => Up::Stored { own, seq },
            Meaning::Question(_) => return None,
        },
        Update::Answered { ticket, answer } => match Meaning::of(ticket) {
            Meaning::Question(ask) => answered(ask, answer),
            Meaning::Post(_) => return None,
        },
        Update::Refused { ticket, refusal } => match Meaning::of(ticket) {
            Meaning::Post(own) => Up::PostRefused { own, refusal },
            Meaning::Question(ask) => Up::AskFailed { ask, refusal: Some(refusal) },
        },
        Update::Lost { ticket } => match Meaning::of(ticket) {
            Meaning::Question(ask) => Up::AskFailed { ask, refusal: None },
            // Posts are never lost: the client's outbox keeps them until they are stored or refused.
            Meaning::Post(_) => return None,
        },
        Update::Disconnected { why, retry_in } => Up::Interrupted { why, retry_in },
        Update::Failed(failure) => Up::Failed(failure),
        Update::Closed => Up::Closed,
        Update::Progress { notice, progress } => Up::Progress { notice, progress },
        Update::Renamed { from, to } => Up::Renamed { from, to },
        Update::Conversation(info) => {
            let ConversationInfo { id, place, last, read, unread, alterations, .. } = info;
            Up::Conversation { id, place, last, read, unread, alterations }
        }
        Update::Left { place } => Up::Left(place),
        Update::Altered { place, message } => Up::Altered { place, message },
        Update::Read { place, read, unread } => Up::Read { place, read, unread },
        Update::Invited { room, by } => Up::Invited { room, by },
        Update::Typing { place, account } => Up::Typing { place, account },
    })
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Audience, ConversationId, NoticeDraft, NoticeId, Place, Progress, Refusal, Severity, Text};

    use super::*;

    fn ticket(command: Command) -> Ticket {
        match command {
            Command::PostAs { ticket, .. } | Command::Ask { ticket, .. } => ticket,
            other => panic!("{other:?} has no ticket"),
        }
    }

    #[test]
    fn a_stored_post_comes_back_under_its_own_number() {
        let posted = ticket(down(Down::Post { own: OwnId(7), to: Place::lobby(), text: Text::new("hi").unwrap() }, 9));
        let update = Update::Posted { ticket: posted, conversation: ConversationId(1), seq: Seq(3) };
        assert_eq!(up(update), Some(Up::Stored { own: OwnId(7), seq: Seq(3) }));
    }

    #[test]
    fn a_post_and_a_question_of_the_same_number_are_not_confused() {
        let asked = ticket(down(Down::AskPeople { ask: AskId(7), after: None }, 9));
        assert_eq!(
            up(Update::Refused { ticket: asked, refusal: Refusal::Busy }),
            Some(Up::AskFailed { ask: AskId(7), refusal: Some(Refusal::Busy) })
        );
    }

    #[test]
    fn an_answer_of_another_kind_than_the_question_fails_it() {
        let asked = ticket(down(Down::AskOlder { ask: AskId(1), place: Place::lobby(), before: None }, 9));
        let answer = Answer::Devices(Page { entries: Vec::new(), more: false });
        assert_eq!(up(Update::Answered { ticket: asked, answer }), Some(Up::AskFailed { ask: AskId(1), refusal: None }));
    }

    #[test]
    fn what_is_done_comes_back_under_its_question() {
        let asked = ticket(down(Down::MarkRead { ask: AskId(5), place: Place::lobby(), upto: Seq(3) }, 9));
        assert_eq!(up(Update::Answered { ticket: asked, answer: Answer::Done }), Some(Up::Done(AskId(5))));
    }

    #[test]
    fn answering_and_seeing_a_notice_become_receipts() {
        let answered = down(Down::Answer { notice: NoticeId(4), answer: 1 }, 9);
        assert!(matches!(answered, Command::Receipt { notice: NoticeId(4), receipt: Receipt::Answered(1) }));
        let seen = down(Down::MarkVisible(NoticeId(4)), 9);
        assert!(matches!(seen, Command::Receipt { notice: NoticeId(4), receipt: Receipt::Visible }));
    }

    #[test]
    fn a_sent_notice_comes_back_under_its_question() {
        let draft = NoticeDraft { confirmed: true, ..NoticeDraft::new(Severity::Info, Text::new("hi").unwrap(), vec![Audience::Everyone]) };
        let what = DeskAsk::Send(Box::new(draft));
        let Command::SendNotice { ticket, draft: NoticeDraft { confirmed: true, .. } } = down(Down::Desk { ask: AskId(3), what }, 9) else {
            panic!("a notice")
        };
        let answer = Answer::NoticeSent { notice: NoticeId(9), progress: Progress::default() };
        let news = DeskNews::Sent { notice: NoticeId(9), progress: Progress::default() };
        assert_eq!(up(Update::Answered { ticket, answer }), Some(Up::Desk { ask: AskId(3), news }));
    }
}
