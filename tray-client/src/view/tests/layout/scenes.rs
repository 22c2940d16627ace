//! Every window with anything in it.

use slint::{ComponentHandle as _, LogicalSize};

use crate::scene::{
    AlterationMark, AudienceRow, ChatRow, ChosenRow, ConversationRow, DeliveryMark, FileAction, FileRow, FoundHead, HitRow, InvitationRow,
    LedgerHead, LedgerRow, LineRow, MemberRow, MissingQuote, NoticeRow, PartRow, PersonRow, PresenceDot, QuoteRow, ReactionRow,
    ReactorsRow, RoomRow, SentRow,
};
use crate::view::Sink;
use crate::view::chat::{ChatHead, ChatView};
use crate::view::desk::DeskView;
use crate::view::tests::dice::Dice;
use crate::view::ui::Pane;

fn here(dice: &mut Dice) -> PresenceDot {
    dice.one_of(&[PresenceDot::No, PresenceDot::Away, PresenceDot::Online])
}

fn many<T>(dice: &mut Dice, most: usize, mut make: impl FnMut(&mut Dice, usize) -> T) -> Vec<T> {
    let count = match dice.below(3) {
        0 => most,
        1 => 0,
        _ => dice.up_to(most.min(6)),
    };
    (0..count).map(|index| make(dice, index)).collect()
}

pub(super) fn notice(dice: &mut Dice, index: usize) -> NoticeRow {
    let (title, body) = (if dice.coin() { dice.name().repeat(2) } else { String::new() }, dice.text());
    NoticeRow {
        key: index.to_string(),
        level: dice.level(),
        author: dice.name(),
        time: "14:52".into(),
        gist: body.replace('\n', " "),
        links: crate::scene::links(&body).into_iter().map(Into::into).collect(),
        answers: dice.answers(),
        title,
        body,
        ..NoticeRow::default()
    }
}

fn line(dice: &mut Dice, index: usize) -> LineRow {
    let text = dice.text();
    let mark = dice.one_of(&[DeliveryMark::None, DeliveryMark::Waiting, DeliveryMark::Stored, DeliveryMark::Failed]);
    let own = mark != DeliveryMark::None;
    LineRow::Message(Box::new(ChatRow {
        who: if dice.coin() { dice.name() } else { String::new() },
        by: dice.name(),
        own,
        time: "10:02".into(),
        links: crate::scene::links(&text).into_iter().map(Into::into).collect(),
        file: (dice.below(3) == 0).then(|| file(dice)),
        text,
        mark,
        why: if mark == DeliveryMark::Failed { dice.name() } else { String::new() },
        own_key: index.to_string(),
        key: if mark == DeliveryMark::Stored { index.to_string() } else { String::new() },
        altered: dice.one_of(&[AlterationMark::None, AlterationMark::Edited, AlterationMark::Deleted]),
        sought: false,
        reactions: many(dice, 20, |dice, index| ReactionRow {
            emoji: "👍".into(),
            count: (index * index * 7).to_string(),
            who: dice.name(),
            own: dice.coin(),
        }),
        quote: dice.coin().then(|| quote(dice)),
        seq: if own { String::new() } else { index.to_string() },
    }))
}

fn file(dice: &mut Dice) -> FileRow {
    use FileAction::{Cancel, DoNotSave, Pause, Resume, Save, SaveAnyway, SaveAs, Show};
    let actions = dice.one_of(&[&[][..], &[Save, SaveAs], &[DoNotSave, SaveAnyway], &[Pause, Cancel], &[Resume, Cancel], &[Show, SaveAs]]);
    FileRow {
        key: "file 1".into(),
        stem: dice.text().replace('\n', " "),
        ending: dice.one_of(&["", ".pdf", ".settingcontent-ms"]).into(),
        note: dice.one_of(&["1.4 MiB", "75.0 MiB / 300 MiB · 11.0 MiB/s"]).into(),
        why: dice.sentence(),
        percent: dice.coin().then_some(40),
        actions: actions.to_vec(),
        ..FileRow::default()
    }
}

fn quote(dice: &mut Dice) -> QuoteRow {
    let missing = dice.one_of(&[MissingQuote::None, MissingQuote::None, MissingQuote::Deleted, MissingQuote::Gone, MissingQuote::Unknown]);
    let text = if missing == MissingQuote::None { dice.text() } else { String::new() };
    QuoteRow { seq: "1".into(), who: dice.name(), own: dice.coin(), text, missing }
}

/// The chat window, whatever stands in it.
pub(super) fn chat(dice: &mut Dice, sink: &Sink, (width, height): (f32, f32)) -> ChatView {
    let mut view = ChatView::new(sink).unwrap();
    view.show().unwrap();
    view.window().window().set_size(LogicalSize::new(width, height));
    view.set_conversations(many(dice, 60, |dice, index| ConversationRow {
        key: format!("@{index}"),
        name: dice.name(),
        last: dice.text().replace('\n', " "),
        time: "17 November".into(),
        unread: dice.one_of(&["", "1", "99+"]).into(),
        direct: true,
        here: here(dice),
        last_own: dice.coin(),
        pinned: dice.coin(),
        muted: dice.coin(),
        marked: dice.coin(),
        shown: index == 0,
    }));
    view.set_people(many(dice, 60, |dice, index| PersonRow {
        key: format!("@{index}"),
        name: dice.name(),
        here: here(dice),
        note: "2 d".into(),
        status: if dice.coin() { dice.name() } else { String::new() },
        about: dice.name(),
        me: index == 3,
    }));
    let head = ChatHead {
        key: "Ward 4".into(),
        name: dice.name(),
        note: dice.name(),
        about: dice.name(),
        is_room: dice.coin(),
        has_newer: dice.coin(),
        ..ChatHead::default()
    };
    let lines = many(dice, 20, line);
    view.set_lines(head, lines, true);
    let open = many(dice, 5, notice);
    let past = many(dice, 4, |dice, index| NoticeRow { ended: dice.sentence(), answers: vec![], ..notice(dice, 100 + index) });
    view.set_notices(open, past);
    view.set_trouble(dice.sentence(), dice.coin());
    view.set_remark(dice.sentence());
    view.set_complaint(dice.sentence());
    view.set_typing(dice.sentence());
    view.set_invitations(many(dice, 4, |dice, _| InvitationRow { room: dice.name(), by: dice.name() }));
    view.set_rooms(many(dice, 30, |dice, index| RoomRow {
        key: index.to_string(),
        name: dice.name(),
        note: dice.name(),
        private: dice.coin(),
        inside: dice.coin(),
        ..RoomRow::default()
    }));
    view.set_rooms_complaint(dice.sentence());
    view.set_members(many(dice, 30, |dice, index| MemberRow {
        key: format!("@{index}"),
        name: dice.name(),
        here: here(dice),
        me: index == 0,
        inside: dice.coin(),
        invited: dice.coin(),
    }));
    let found =
        FoundHead { words: dice.name(), only_here: dice.coin(), place: "Ward 4".into(), name: dice.name(), sentence: dice.sentence() };
    let hits = many(dice, 30, |dice, index| HitRow {
        key: index.to_string(),
        place: "Ward 4".into(),
        name: dice.name(),
        who: dice.name(),
        time: "10:02".into(),
        before: dice.name(),
        hit: dice.name(),
        after: dice.name(),
    });
    let pane = dice.one_of(&[Pane::Talk, Pane::Talk, Pane::Talk, Pane::Notices, Pane::Found, Pane::Places, Pane::Members, Pane::Reactors]);
    if pane == Pane::Found || dice.coin() {
        view.set_found(found, hits);
    }
    if dice.coin() {
        view.set_editing(Some("as it was"));
    }
    if dice.coin() {
        view.set_reply(Some(quote(dice)));
    }
    let rows = many(dice, 20, |dice, index| ReactorsRow { emoji: "👍".into(), count: index.to_string(), names: dice.text() });
    view.set_reactors(rows);
    view.set_draft(dice.draft());
    view.set_chosen(many(dice, 9, |dice, _| ChosenRow { name: dice.name(), size: "1.4 MiB".into() }));
    if dice.coin() {
        view.ask_to_delete("7");
    }
    view.window().set_pane(pane);
    view.window().set_list_shown(dice.coin());
    view
}

fn sent(dice: &mut Dice, index: usize) -> SentRow {
    SentRow {
        key: index.to_string(),
        level: dice.level(),
        title: dice.name(),
        time: "17 November".into(),
        state: dice.name(),
        open: dice.coin(),
        shown: index == 0,
    }
}

/// The administrator's window, while a notice is written or a ledger read.
pub(super) fn desk(dice: &mut Dice, sink: &Sink, (width, height): (f32, f32)) -> DeskView {
    let mut view = DeskView::show(sink).unwrap();
    view.window().window().set_size(LogicalSize::new(width, height));
    view.set_sent(many(dice, 40, sent), many(dice, 5, sent));
    let names = many(dice, 5, |dice, _| dice.name());
    let chosen = (!names.is_empty() && dice.coin()).then_some(0);
    view.set_templates(std::iter::once("No template".to_owned()).chain(names).collect(), chosen);
    let audience = |dice: &mut Dice, index: usize| AudienceRow {
        key: format!("user:{index}"),
        name: dice.name(),
        note: dice.name(),
        here: here(dice),
        chosen: dice.coin(),
    };
    let (rows, chosen) = (many(dice, 40, audience), many(dice, 12, audience));
    view.set_audiences(rows, chosen, dice.sentence());
    view.set_choices(dice.below(2) * 64, dice.below(2) * 64);
    view.set_author(
        &dice.name(),
        crate::compose::times_ahead(belfry_core::time::UnixMillis(0), &crate::when::Wall::new(jiff::tz::TimeZone::UTC)),
        crate::compose::reminders(),
    );
    view.set_outcome(dice.sentence(), dice.coin(), false);
    view.set_form(crate::compose::NoticeForm {
        title: dice.name(),
        body: dice.draft(),
        answers: dice.answers().join(", "),
        at: if dice.coin() { "14:30".into() } else { String::new() },
        ..crate::compose::NoticeForm::default()
    });
    let head = LedgerHead {
        key: "7".into(),
        level: dice.level(),
        title: dice.text().replace('\n', " "),
        body: dice.text(),
        note: dice.name(),
        open: true,
        waiting: 9_999,
        part: dice.below(3),
        rest: if dice.coin() { 9_700 } else { 0 },
    };
    let rows = many(dice, 60, |dice, _| LedgerRow {
        name: dice.name(),
        online: dice.coin(),
        stage: u8::try_from(dice.below(4)).unwrap(),
        time: "17 November".into(),
        answer: dice.name(),
        why: dice.name(),
    });
    view.set_ledger(head, rows);
    let answers = dice.answers().into_iter().map(|name| PartRow { name, is_answer: true, count: 10_000 });
    let all = PartRow { name: "Everybody".into(), is_answer: false, count: 10_000 };
    let groups = many(dice, 40, |dice, _| dice.name());
    view.set_parts(std::iter::once(all).chain(answers).collect(), std::iter::once("Everybody".to_owned()).chain(groups).collect(), 0);
    view.window().set_composing(dice.coin());
    view.set_to_confirm(dice.below(5) == 0);
    view
}
