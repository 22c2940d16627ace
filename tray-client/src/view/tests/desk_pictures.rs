//! The administrator's window as it looks.

use super::pictures::{Easel, sink};
use super::*;
use crate::settings::Theme;
use crate::view::desk::DeskView;

#[test]
fn a_notice_that_is_being_written() {
    let easel = Easel::new(Theme::Light, 100, "");
    let mut view = DeskView::show(&sink()).unwrap();
    view.set_sent(sent(), vec![]);
    view.set_templates(vec!["No template".into(), "Fire drill".into()], None);
    let row = |key: &str, name: &str, note: &str, chosen: bool| crate::scene::AudienceRow {
        key: key.into(),
        name: name.into(),
        note: note.into(),
        here: if key == "user:anna" { PresenceDot::Online } else { PresenceDot::No },
        chosen,
    };
    let rows = vec![
        row("everyone", "Everyone", "Every account, also new ones", false),
        row("group:nurses", "Nurses", "Group, 8 people", true),
        row("user:anna", "Anna Berg", "", true),
    ];
    view.set_audiences(rows.clone(), rows.into_iter().skip(1).collect(), "Reaches 8 people · 5 online · 3 offline".into());
    view.set_form(crate::compose::NoticeForm {
        title: "Fire drill today 15:00".into(),
        body: "Leave by the nearest exit; do not use the lifts.".into(),
        severity: 1,
        answers: "I know, I will be away".into(),
        expires: "2h".into(),
        ..crate::compose::NoticeForm::default()
    });
    view.set_author(
        "admin",
        crate::compose::times_ahead(belfry_core::time::UnixMillis(0), &crate::when::Wall::new(jiff::tz::TimeZone::UTC)),
        crate::compose::reminders(),
    );
    view.set_choices(0, 1);
    easel.check("desk-compose", 900, 640);
    easel.check("desk-compose-wide", 1280, 720);
}

#[test]
fn the_preview_of_a_critical_notice_in_the_dark() {
    let easel = Easel::new(Theme::Dark, 100, "zh");
    let mut view = DeskView::show(&sink()).unwrap();
    view.set_author(
        "王伟",
        crate::compose::times_ahead(belfry_core::time::UnixMillis(0), &crate::when::Wall::new(jiff::tz::TimeZone::UTC)),
        crate::compose::reminders(),
    );
    view.set_form(crate::compose::NoticeForm {
        title: "立即疏散".into(),
        body: "三楼有烟。请走北侧楼梯。".into(),
        severity: 2,
        answers: "平安，我在外面，和别人在一起，需要帮助".into(),
        ..crate::compose::NoticeForm::default()
    });
    easel.check("desk-compose-dark", 1280, 640);
}

#[test]
fn the_ledger_of_a_notice() {
    let easel = Easel::new(Theme::Light, 100, "");
    let mut view = DeskView::show(&sink()).unwrap();
    view.set_sent(sent(), vec![]);
    let (head, rows) = ledger();
    view.set_ledger(head, rows);
    view.set_parts(parts(), groups(), 0);
    view.show_ledger();
    easel.check("desk-ledger", 900, 560);
}

#[test]
fn the_ledger_of_a_notice_with_six_long_answers_in_the_smallest_window() {
    let easel = Easel::new(Theme::Dark, 100, "zh");
    let mut view = DeskView::show(&sink()).unwrap();
    view.set_sent(sent(), vec![]);
    let (head, mut rows) = ledger();
    rows[0].answer = "I cannot leave the building alone".into();
    view.set_ledger(head, rows);
    let answer = |number: u64| PartRow { name: format!("{number}. I am with others on floor {number}!"), is_answer: true, count: number };
    let [first, .., last] = &parts()[..] else { panic!() };
    view.set_parts(std::iter::once(first.clone()).chain((1..=6).map(answer)).chain([last.clone()]).collect(), groups(), 0);
    view.show_ledger();
    easel.check("desk-ledger-answers", 640, 480);
}
