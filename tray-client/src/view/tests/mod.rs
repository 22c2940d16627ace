//! The windows, clicked and typed into as a screen reader would, without a display; and photographed.

mod account;
mod answers;
mod clicks;
mod desk;
mod desk_pictures;
mod dice;
mod files;
mod keyboard;
mod layout;
mod menus;
mod pictures;
mod places;
mod scripts;

use std::cell::RefCell;
use std::rc::Rc;

use super::{Gesture, Sink};
use crate::scene::{
    AlterationMark, ChatRow, ConversationRow, DeliveryMark, LedgerHead, LedgerRow, LineRow, NoticeRow, PartRow, PersonRow, PresenceDot,
    ReactionRow, SentRow, SeverityLevel,
};

/// What a person did, in order.
#[derive(Clone, Default)]
struct Heard(Rc<RefCell<Vec<Gesture>>>);

impl Heard {
    fn sink(&self) -> Sink {
        let heard = Rc::clone(&self.0);
        Rc::new(move |gesture| heard.borrow_mut().push(gesture))
    }

    /// What was done since the last time; that a popup has found its size or a line has come into view is nobody's doing.
    fn take(&self) -> Vec<Gesture> {
        let mut done = std::mem::take(&mut *self.0.borrow_mut());
        done.retain(|gesture| !matches!(gesture, Gesture::PopupResized | Gesture::SeeEnd(_)));
        done
    }
}

fn notice(level: SeverityLevel, answers: &[&str]) -> NoticeRow {
    NoticeRow {
        key: "7".into(),
        level,
        author: "admin".into(),
        time: "14:52".into(),
        title: "Fire drill today 15:00".into(),
        body: "Leave by the nearest exit; do not use the lifts. Meet at the gate.".into(),
        gist: "Leave by the nearest exit; do not use the lifts. Meet at the gate.".into(),
        answers: answers.iter().map(|answer| (*answer).to_owned()).collect(),
        ..NoticeRow::default()
    }
}

fn conversations() -> Vec<ConversationRow> {
    let row = |key: &str, name: &str, last: &str, unread: &str| ConversationRow {
        key: key.into(),
        name: name.into(),
        last: last.into(),
        time: "10:04".into(),
        unread: unread.into(),
        direct: key.starts_with('@'),
        here: if key.starts_with('@') { PresenceDot::Online } else { PresenceDot::No },
        last_own: key == "lobby",
        pinned: key == "Ward 4",
        muted: key == "Ward 4",
        marked: false,
        shown: key == "lobby",
    };
    vec![
        row("lobby", "Lobby", "Thanks!", ""),
        row("Ward 4", "Ward 4", "ben: The keys are back.", "3"),
        row("@Anna Berg", "Anna Berg", "See you at noon", "12"),
    ]
}

fn people() -> Vec<PersonRow> {
    let row = |name: &str, here: PresenceDot, note: &str, me: bool| PersonRow {
        key: format!("@{name}"),
        name: name.into(),
        here,
        note: note.into(),
        me,
        ..PersonRow::default()
    };
    vec![
        row("Anna Berg", PresenceDot::Online, "", false),
        row("me", PresenceDot::Online, "", true),
        row("王伟", PresenceDot::Away, "", false),
        row("Ben Ode", PresenceDot::No, "2 d", false),
    ]
}

fn said(who: &str, time: &str, text: &str, mark: DeliveryMark) -> LineRow {
    LineRow::Message(Box::new(ChatRow {
        who: who.into(),
        by: who.into(),
        own: mark != DeliveryMark::None,
        time: time.into(),
        text: text.into(),
        mark,
        ..ChatRow::default()
    }))
}

fn lines() -> Vec<LineRow> {
    vec![
        LineRow::Day("Tuesday 17 November".into()),
        said("王伟", "10:02", "The printer on floor 2 is back.", DeliveryMark::None),
        said("", "10:02", "早上好，今天的会议在三楼。", DeliveryMark::None),
        LineRow::New,
        said(
            "Anna Berg",
            "10:03",
            "Great. Who has the keys to the long cupboard beside the kitchen on the second floor?",
            DeliveryMark::None,
        ),
        said("You", "10:04", "Thanks!", DeliveryMark::Stored),
        said("", "10:04", "I am looking for them.", DeliveryMark::Waiting),
    ]
}

fn ledger() -> (LedgerHead, Vec<LedgerRow>) {
    let head = LedgerHead {
        key: "7".into(),
        level: SeverityLevel::Critical,
        title: "Evacuate now".into(),
        body: "Smoke on floor 3. Leave the building by the north stairs.".into(),
        note: "Open · admin · 14:52".into(),
        open: true,
        waiting: 3,
        part: 0,
        rest: 0,
    };
    let row = |name: &str, online: bool, stage: u8, time: &str, answer: &str, why: &str| LedgerRow {
        name: name.into(),
        online,
        stage,
        time: time.into(),
        answer: answer.into(),
        why: why.into(),
    };
    let rows = vec![
        row("Anna Berg", true, 3, "14:53", "Safe", ""),
        row("Ben Ode", false, 0, "", "", "Offline since 17 Nov"),
        row("Carla", true, 2, "14:52", "", "Here, has not answered"),
        row("王伟", true, 1, "14:52", "", "Screen locked since 14:40"),
    ];
    (head, rows)
}

/// The parts of that ledger.
fn parts() -> Vec<PartRow> {
    let row = |name: &str, is_answer: bool, count: u64| PartRow { name: name.into(), is_answer, count };
    vec![
        row("Everybody", false, 4),
        row("Need help", true, 0),
        row("No answer", false, 3),
        row("Safe", true, 1),
        row("Not reached", false, 1),
        row("Reached", false, 3),
        row("Visible", false, 2),
        row("Answered", false, 1),
    ]
}

fn groups() -> Vec<String> {
    ["Everybody", "Fire wardens", "Ward 4"].map(Into::into).into()
}

fn sent() -> Vec<SentRow> {
    let row = |key: &str, level: SeverityLevel, title: &str, state: &str, open: bool| SentRow {
        key: key.into(),
        level,
        title: title.into(),
        time: "14:52".into(),
        state: state.into(),
        open,
        shown: key == "7",
    };
    vec![
        row("7", SeverityLevel::Critical, "Evacuate now", "1 of 4 answered", true),
        row("6", SeverityLevel::Important, "Fire drill today 15:00", "Withdrawn", false),
        row("5", SeverityLevel::Info, "Canteen", "Expired", false),
    ]
}
