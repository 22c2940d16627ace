//! What the administrator's window shows as chosen is what is sent, whatever is clicked in whatever order.

use belfry_core::chat::{
    AccountName, Answer, Audience, Group, GroupName, NoticeId, Page, Person, PersonProfile, Presence, Progress, Request, Role,
};
use belfry_core::client::{Command, Ticket, Update};
use belfry_core::time::{Instant, Now, UnixMillis};
use i_slint_backend_testing::{AccessibleRole, ElementHandle};
use slint::platform::{PointerEventButton, WindowEvent};
use slint::{ComponentHandle, LogicalPosition};

use super::clicks::{begin, find, press};
use super::*;
use crate::compose::NoticeForm;
use crate::model::tests::{answered, lists_people};
use crate::model::{Effect, Intent, Model};
use crate::scene::{self, AudienceRow};
use crate::view::DeskGesture;
use crate::view::desk::DeskView;
use crate::when::Wall;

const NOW: Now = Now { instant: Instant::START, wall: UnixMillis(0) };

/// The pointer goes to the middle of an element and clicks.
pub(super) fn click<W: ComponentHandle>(window: &W, element: &ElementHandle) {
    let (corner, size) = (element.absolute_position(), element.size());
    let position = LogicalPosition::new(corner.x + size.width / 2.0, corner.y + size.height / 2.0);
    let button = PointerEventButton::Left;
    for event in [
        WindowEvent::PointerMoved { position },
        WindowEvent::PointerPressed { position, button },
        WindowEvent::PointerReleased { position, button },
    ] {
        window.window().dispatch_event(event);
    }
}

/// The window with the model behind it, as the program joins them.
struct World {
    model: Model,
    view: DeskView,
    heard: Heard,
}

fn asked(effects: &[Effect], wanted: impl Fn(&Command) -> Option<Ticket>) -> Ticket {
    let ask = |effect: &Effect| match effect {
        Effect::Tell(command) => wanted(command),
        _ => None,
    };
    effects.iter().find_map(ask).unwrap_or_else(|| panic!("not asked: {effects:?}"))
}

impl World {
    fn new() -> Self {
        let (heard, sink) = begin();
        let mut model = Model::new("lan-host");
        model.apply(NOW, Update::SignedIn { account: AccountName::new("admin").unwrap(), role: Role::Admin });
        let anna = Person {
            account: AccountName::new("anna").unwrap(),
            presence: Presence::Offline,
            last_seen: None,
            profile: PersonProfile::default(),
        };
        lists_people(&mut model, vec![anna]);
        let effects = model.act(NOW, Intent::OpenDesk);
        let ask = asked(&effects, |command| match command {
            Command::Ask { ticket, request: Request::ListGroups { .. } } => Some(*ticket),
            _ => None,
        });
        let groups = ["Fire wardens", "Ward 4"].map(|name| Group { name: GroupName::new(name).unwrap(), members: 8 });
        model.apply(NOW, answered(ask, Answer::Groups(Page { entries: groups.into(), more: false })));
        let mut world = Self { model, view: DeskView::show(&sink).unwrap(), heard };
        world.follow();
        world
    }

    /// What was done in the window becomes what the model holds, and that what the window shows.
    fn follow(&mut self) {
        for gesture in self.heard.take() {
            if let Gesture::Desk(DeskGesture::Choose(key)) = gesture {
                self.model.act(NOW, Intent::Choose(key.parse().unwrap()));
            }
        }
        let reach = scene::reach(self.model.desk().preview());
        self.view.set_audiences(scene::audiences(&self.model, ""), scene::chosen(&self.model), reach);
    }

    /// The rows' ticks and the chips' crosses from above to below, each once: an element that is made of several is found as often.
    fn elements(&self) -> Vec<ElementHandle> {
        let all = i_slint_backend_testing::ElementQuery::from_root(self.view.window()).match_descendants().find_all();
        let wanted = |element: &ElementHandle| match element.accessible_role() {
            Some(AccessibleRole::Checkbox) => true,
            Some(AccessibleRole::Button) => element.accessible_label().is_some_and(|label| label.ends_with(" out")),
            _ => false,
        };
        let mut found: Vec<ElementHandle> = all.into_iter().filter(wanted).collect();
        let spot = |element: &ElementHandle| (element.absolute_position().y.to_bits(), element.accessible_label());
        found.sort_by(|one, other| one.absolute_position().y.total_cmp(&other.absolute_position().y));
        found.dedup_by(|one, other| spot(one) == spot(other));
        found
    }

    fn ticks(elements: &[ElementHandle]) -> Vec<&ElementHandle> {
        elements.iter().filter(|element| element.accessible_role() == Some(AccessibleRole::Checkbox)).collect()
    }

    /// Names of the rows that have a tick, and of the chips.
    fn shown(elements: &[ElementHandle]) -> (Vec<String>, Vec<String>) {
        let ticked = Self::ticks(elements).into_iter().filter(|tick| tick.accessible_checked() == Some(true));
        let mut ticked: Vec<String> = ticked.filter_map(ElementHandle::accessible_label).map(Into::into).collect();
        ticked.sort();
        let labels = elements.iter().filter_map(ElementHandle::accessible_label);
        let chips = labels.filter_map(|label| Some(label.strip_prefix("Take ")?.strip_suffix(" out")?.to_owned()));
        (ticked, chips.collect())
    }

    /// Whom a notice is for that is sent now.
    fn sent(&self) -> Vec<String> {
        let mut model = self.model.clone();
        let audience = model.desk().audience().iter().map(ToString::to_string).collect();
        let form = NoticeForm { title: "Drill".into(), audience, ..NoticeForm::default() };
        let Ok(draft) = form.draft(NOW.wall, &Wall::new(jiff::tz::TimeZone::UTC)) else { return vec![] };
        let effects = model.act(NOW, Intent::SendNotice(draft));
        let sent = |effect: Effect| match effect {
            Effect::Tell(Command::SendNotice { draft, .. }) => Some(draft.audience),
            _ => None,
        };
        let name = |audience: Audience| match audience {
            Audience::Everyone => "Everyone".to_owned(),
            Audience::Account(name) => name.to_string(),
            Audience::Group(name) => name.to_string(),
            Audience::Room(name) => name.to_string(),
        };
        effects.into_iter().find_map(sent).unwrap().into_iter().map(name).collect()
    }

    #[track_caller]
    fn check(&self, elements: &[ElementHandle], after: &str) {
        let (ticked, chips) = Self::shown(elements);
        let mut sent = self.sent();
        // As many as there is room for; the others are a turn of the wheel away.
        assert_eq!(chips, sent[..chips.len()], "the chips after {after}");
        assert!(chips.len() >= sent.len().min(3), "{} chips after {after}", chips.len());
        sent.sort();
        assert_eq!(ticked, sent, "the ticks after {after}");
        let names: Vec<_> = Self::ticks(elements).into_iter().filter_map(ElementHandle::accessible_label).collect();
        assert_eq!(names, ["Everyone", "Fire wardens", "Ward 4", "anna"], "nothing has moved");
    }
}

#[test]
fn what_is_ticked_is_what_is_sent_for_every_order_of_clicks() {
    let mut world = World::new();
    // Every sequence of three clicks out of four: on a row, or on the first chip's cross.
    let mut elements = world.elements();
    for sequence in 0..4_usize.pow(3) {
        for step in [sequence / 16, sequence / 4 % 4, sequence % 4] {
            let is_cross = |element: &&ElementHandle| element.accessible_role() == Some(AccessibleRole::Button);
            let target = match step {
                3 => elements.iter().find(is_cross),
                row => World::ticks(&elements).get(row).copied(),
            };
            let Some(target) = target else { continue };
            click(world.view.window(), target);
            world.follow();
            elements = world.elements();
            world.check(&elements, &format!("step {step} of sequence {sequence}"));
        }
    }
}

#[test]
fn after_sending_nothing_is_left_of_what_was_chosen() {
    let mut world = World::new();
    for name in ["Ward 4", "Everyone"] {
        click(world.view.window(), &find(world.view.window(), name));
        world.follow();
    }
    assert_eq!(world.sent(), ["Ward 4", "Everyone"]);
    let audience = vec!["group:Ward 4".into(), "everyone".into()];
    let draft = NoticeForm { title: "Drill".into(), audience, ..NoticeForm::default() };
    let draft = draft.draft(NOW.wall, &Wall::new(jiff::tz::TimeZone::UTC)).unwrap();
    let effects = world.model.act(NOW, Intent::SendNotice(draft));
    let ask = asked(&effects, |command| if let Command::SendNotice { ticket, .. } = command { Some(*ticket) } else { None });
    world.model.apply(NOW, answered(ask, Answer::NoticeSent { notice: NoticeId(7), progress: Progress::default() }));
    world.follow();
    assert_eq!(World::shown(&world.elements()), (vec![], vec![]));
    assert_eq!((world.model.desk().audience(), world.model.desk().preview()), (&[][..], None));
}

#[test]
fn a_row_that_is_clicked_still_shows_what_it_is_told() {
    let (_, sink) = begin();
    let mut view = DeskView::show(&sink).unwrap();
    let row = |chosen: bool| vec![AudienceRow { key: "everyone".into(), name: "Everyone".into(), chosen, ..AudienceRow::default() }];
    let is_ticked = |view: &DeskView| find(view.window(), "Everyone").accessible_checked();
    view.set_audiences(row(false), vec![], String::new());
    click(view.window(), &find(view.window(), "Everyone"));
    assert_eq!(is_ticked(&view), Some(false), "nobody has said that it is chosen");
    view.set_audiences(row(true), vec![], String::new());
    assert_eq!(is_ticked(&view), Some(true));
    press(view.window(), "Everyone");
    view.set_audiences(row(false), vec![], String::new());
    assert_eq!(is_ticked(&view), Some(false));
}

#[test]
fn a_template_stays_the_one_that_was_chosen_when_others_come_and_go() {
    let (heard, sink) = begin();
    let mut view = DeskView::show(&sink).unwrap();
    let names = |names: &[&str]| std::iter::once("No template").chain(names.iter().copied()).map(ToOwned::to_owned).collect::<Vec<_>>();
    view.set_templates(names(&["Drill", "Storm"]), Some(1));
    view.set_templates(names(&["Cake", "Drill", "Storm"]), Some(2));
    i_slint_backend_testing::mock_elapsed_time(std::time::Duration::from_millis(50));
    assert_eq!(find(view.window(), "Template").accessible_value().unwrap(), "Storm");
    press(view.window(), "Forget template");
    assert_eq!(heard.take(), [Gesture::Desk(DeskGesture::RemoveTemplate)]);
    view.set_templates(names(&["Cake", "Drill"]), None);
    i_slint_backend_testing::mock_elapsed_time(std::time::Duration::from_millis(50));
    assert_eq!(find(view.window(), "Template").accessible_value().unwrap(), "No template");
}

#[test]
fn what_was_begun_for_one_notice_is_not_done_to_another() {
    let (heard, sink) = begin();
    let mut view = DeskView::show(&sink).unwrap();
    let (head, rows) = ledger();
    view.set_ledger(head.clone(), rows.clone());
    view.show_ledger();
    press(view.window(), "Update…");
    super::clicks::field(view.window(), "New text").set_accessible_value("Stay where you are.");
    view.set_ledger(crate::scene::LedgerHead { key: "8".into(), title: "Lunch".into(), ..head }, rows);
    i_slint_backend_testing::mock_elapsed_time(std::time::Duration::from_millis(50));
    assert!(!super::clicks::is_there(view.window(), "Update on every screen"));
    press(view.window(), "Remind 3 without an answer");
    let change = crate::view::Change::Remind;
    assert_eq!(heard.take(), [Gesture::Desk(DeskGesture::Change { notice: "8".into(), change })]);
}

#[test]
fn the_parts_of_a_ledger_are_one_stop_and_arrows_go_from_one_to_the_next() {
    let (heard, sink) = begin();
    let mut view = DeskView::show(&sink).unwrap();
    let (head, rows) = ledger();
    view.set_parts(parts(), groups(), 0);
    view.show_ledger();
    view.set_ledger(head.clone(), rows.clone());
    view.window().invoke_take_keyboard();
    let strike = |text: slint::SharedString| {
        super::clicks::key(view.window().window(), text);
        i_slint_backend_testing::mock_elapsed_time(std::time::Duration::from_millis(50));
    };
    click(view.window(), &find(view.window(), "Everybody: 4"));
    assert_eq!(heard.take(), [Gesture::Desk(DeskGesture::LookAt(0))]);
    for part in [1, 2] {
        strike(slint::platform::Key::RightArrow.into());
        assert_eq!(heard.take(), [Gesture::Desk(DeskGesture::LookAt(part))], "the keyboard has gone with what it chose");
        view.window().set_head(crate::scene::LedgerHead { part, ..head.clone() }.into());
        i_slint_backend_testing::mock_elapsed_time(std::time::Duration::from_millis(50));
    }
    strike(slint::platform::Key::LeftArrow.into());
    assert_eq!(heard.take(), [Gesture::Desk(DeskGesture::LookAt(1))]);
}

#[test]
fn what_a_notice_is_changed_to_is_written_in_no_more_room_than_it_takes() {
    let (_, sink) = begin();
    let mut view = DeskView::show(&sink).unwrap();
    view.window().window().set_size(slint::LogicalSize::new(900.0, 640.0));
    let (head, rows) = ledger();
    view.set_ledger(head, rows);
    view.show_ledger();
    for (begins, ends) in [("Update…", "Update on every screen"), ("All clear…", "Give the all-clear"), ("Withdraw…", "Withdraw")] {
        press(view.window(), begins);
        i_slint_backend_testing::mock_elapsed_time(std::time::Duration::from_millis(50));
        let button = find(view.window(), ends);
        assert!(button.size().height < 50.0, "{ends}: {:?}", button.size());
        assert!(find(view.window(), "Ledger").size().height >= 160.0, "the ledger stays while {begins}");
        press(view.window(), "Cancel");
        i_slint_backend_testing::mock_elapsed_time(std::time::Duration::from_millis(50));
    }
}
