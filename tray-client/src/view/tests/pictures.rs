//! Windows drawn off-screen by the program's own renderer, and compared with pictures that a person has looked at.
//!
//! `BELFRY_PICTURES=renew` writes the references anew, to be looked at before they are committed. Fonts differ from machine to machine:
//! pixels are compared only where `SLINT_DEFAULT_FONT` names the font of the references (`scripts/test` does so where it is there);
//! elsewhere it is only seen that something is drawn. What was drawn is kept in the target folder in any case.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;
use std::{env, fs};

use slint::platform::software_renderer::{MinimalSoftwareWindow, RepaintBufferType};
use slint::platform::{Platform, WindowAdapter, WindowEvent, update_timers_and_animations};
use slint::{ComponentHandle as _, PhysicalSize, PlatformError, Rgb8Pixel};

use super::*;
use crate::platform::policy::Policy;
use crate::popup::window::Popup;
use crate::scene::{FoundHead, InvitationRow};
use crate::settings::{Theme, UserSettings};
use crate::view::chat::{ChatHead, ChatView};
use crate::view::settings::SettingsView;
use crate::view::sign_in::SignInView;
use crate::view::ui::Pane;
use crate::view::{fonts, look};

/// Pixels that may differ in a thousand: the edges of letters, where a font was hinted otherwise.
const DIFFERENT_PER_MILLE_MAX: usize = 5;
/// By how much a channel must differ to count.
const SHADES: u8 = 40;

pub(super) struct Easel {
    pub(super) window: Rc<MinimalSoftwareWindow>,
    time: Rc<Cell<Duration>>,
}

struct Canvas(Rc<MinimalSoftwareWindow>, Rc<Cell<Duration>>);

impl Platform for Canvas {
    fn create_window_adapter(&self) -> Result<Rc<dyn WindowAdapter>, PlatformError> {
        Ok(self.0.clone())
    }

    fn duration_since_start(&self) -> Duration {
        self.1.get()
    }
}

impl Easel {
    /// Sets up: every test has a thread of its own, and a platform with it.
    pub(super) fn new(theme: Theme, percent: u16, language: &'static str) -> Self {
        let easel = Self { window: MinimalSoftwareWindow::new(RepaintBufferType::NewBuffer), time: Rc::default() };
        slint::platform::set_platform(Box::new(Canvas(easel.window.clone(), easel.time.clone()))).unwrap();
        fonts::provide();
        look::set_for_test(theme, percent, language);
        easel
    }

    /// A frame at this size, that nobody looks at.
    pub(super) fn settle(&self, width: u32, height: u32) {
        self.window.set_size(PhysicalSize::new(width, height));
        let mut pixels = vec![Rgb8Pixel::default(); (width * height) as usize];
        self.time.set(self.time.get() + Duration::from_millis(20));
        update_timers_and_animations();
        self.window.request_redraw();
        self.window.draw_if_needed(|renderer| {
            renderer.render(&mut pixels, width as usize);
        });
    }

    /// So much later; and drawn a few times, so that lists are laid out.
    fn wait(&self, wait: Duration, width: u32, height: u32) {
        self.time.set(self.time.get() + wait);
        (0..5).for_each(|_| self.settle(width, height));
    }

    /// Draws at this size, compares, and keeps the picture.
    #[track_caller]
    pub(super) fn check(&self, name: &str, width: u32, height: u32) {
        self.window.set_size(PhysicalSize::new(width, height));
        self.window.dispatch_event(WindowEvent::WindowActiveChanged(true));
        let mut pixels = vec![Rgb8Pixel::default(); (width * height) as usize];
        // Lists are laid out, animations end.
        for _ in 0..8 {
            self.time.set(self.time.get() + Duration::from_millis(400));
            update_timers_and_animations();
            self.window.request_redraw();
            self.window.draw_if_needed(|renderer| {
                renderer.render(&mut pixels, width as usize);
            });
        }
        let drawn: Vec<u8> = pixels.iter().flat_map(|pixel| [pixel.r, pixel.g, pixel.b]).collect();
        assert!(drawn.chunks(3).any(|pixel| pixel != &drawn[..3]), "{name}: one colour only");
        let kept = kept().join(format!("{name}.png"));
        write(&kept, width, height, &drawn);
        let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures").join(format!("{name}.png"));
        if env::var("BELFRY_PICTURES").is_ok_and(|wish| wish == "renew") {
            fs::create_dir_all(reference.parent().unwrap()).unwrap();
            return write(&reference, width, height, &drawn);
        }
        if env::var_os("SLINT_DEFAULT_FONT").is_none() {
            return;
        }
        let (seen_width, seen_height, seen) = read(&reference);
        assert_eq!((seen_width, seen_height), (width, height), "{name}");
        let differs = |(one, other): (&[u8], &[u8])| one.iter().zip(other).any(|(one, other)| one.abs_diff(*other) > SHADES);
        let different = drawn.chunks(3).zip(seen.chunks(3)).filter(|pair| differs(*pair)).count();
        let per_mille = different * 1000 / pixels.len();
        assert!(
            per_mille <= DIFFERENT_PER_MILLE_MAX,
            "{name}: {different} pixels differ ({per_mille} in a thousand); see {}",
            kept.display()
        );
    }
}

fn kept() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
    let folder = target.join("pictures");
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn write(path: &Path, width: u32, height: u32, rgb: &[u8]) {
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    encoder.write_header().unwrap().write_image_data(rgb).unwrap();
}

fn read(path: &Path) -> (u32, u32, Vec<u8>) {
    let file = std::io::BufReader::new(fs::File::open(path).unwrap_or_else(|_| panic!("there is no {}", path.display())));
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut rgb).unwrap();
    (info.width, info.height, rgb)
}

pub(super) fn sink() -> Sink {
    Rc::new(|_| {})
}

pub(super) fn chat() -> ChatView {
    let mut view = ChatView::new(&sink()).unwrap();
    view.window().show().unwrap();
    view.set_conversations(conversations());
    view.set_people(people());
    view.set_notices(vec![notice(SeverityLevel::Important, &["I know"])], vec![]);
    let head = ChatHead { key: "lobby".into(), name: "Lobby".into(), note: "3 here".into(), ..ChatHead::default() };
    view.set_lines(head, lines(), true);
    view
}

#[test]
fn the_chat_window_in_light_colours() {
    let easel = Easel::new(Theme::Light, 100, "");
    let _view = chat();
    easel.check("chat-light", 720, 560);
}

#[test]
fn the_chat_window_in_dark_colours_without_a_server() {
    let easel = Easel::new(Theme::Dark, 100, "");
    let view = chat();
    view.set_trouble("Server unreachable since 10:02. Trying again in 8 s.".into(), true);
    easel.check("chat-dark-offline", 720, 560);
}

#[test]
fn the_chat_window_in_chinese() {
    let easel = Easel::new(Theme::Light, 100, "zh");
    let mut view = chat();
    // As the clock on the wall writes it in Chinese.
    let day = "11月17日 星期二".into();
    let head = ChatHead { key: "lobby".into(), name: "Lobby".into(), note: "3 here".into(), ..ChatHead::default() };
    view.set_lines(head, std::iter::once(LineRow::Day(day)).chain(lines().into_iter().skip(1)).collect(), true);
    easel.check("chat-chinese", 720, 560);
}

#[test]
fn the_chat_window_with_text_twice_as_large() {
    let easel = Easel::new(Theme::Light, 200, "");
    let _view = chat();
    easel.check("chat-large", 1000, 760);
}

#[test]
fn the_chat_window_as_narrow_as_it_gets_shows_one_pane() {
    let easel = Easel::new(Theme::Light, 100, "");
    let view = chat();
    view.window().set_list_shown(false);
    easel.check("chat-narrow", 360, 480);
}

fn found(view: &mut ChatView) {
    let head = FoundHead {
        words: "printer".into(),
        sentence: "3 messages found.".into(),
        name: "Lobby".into(),
        place: "lobby".into(),
        ..FoundHead::default()
    };
    view.set_found(head, super::places::hits());
    view.window().set_pane(Pane::Found);
}

#[test]
fn what_a_search_has_found() {
    let easel = Easel::new(Theme::Light, 100, "");
    found(&mut chat());
    easel.check("chat-found", 720, 560);
}

#[test]
fn what_a_search_has_found_in_chinese_and_dark() {
    let easel = Easel::new(Theme::Dark, 100, "zh");
    let mut view = chat();
    found(&mut view);
    easel.check("chat-found-chinese-dark", 720, 560);
}

#[test]
fn a_message_that_was_found_stands_in_the_middle_of_many() {
    let easel = Easel::new(Theme::Light, 100, "");
    let mut view = chat();
    view.set_notices(vec![], vec![]);
    let text = |number: usize| {
        if number.is_multiple_of(7) {
            "A longer message that takes more than one line of the window. ".repeat(3)
        } else {
            format!("Message {number}")
        }
    };
    let mut rows: Vec<_> = (0..400).map(|number| said("Anna Berg", "10:00", &text(number), DeliveryMark::None)).collect();
    if let Some(LineRow::Message(message)) = rows.get_mut(251) {
        message.sought = true;
        message.text = "The printer on floor 2 is back.".into();
    }
    let head = ChatHead {
        key: "lobby".into(),
        name: "Lobby".into(),
        note: "3 here".into(),
        has_older: true,
        has_newer: true,
        ..ChatHead::default()
    };
    view.set_lines(head, rows, false);
    easel.settle(720, 560);
    view.bring_up(251);
    for _ in 0..30 {
        easel.settle(720, 560);
    }
    easel.check("chat-sought", 720, 560);
}

#[test]
fn a_message_that_is_being_edited_beside_altered_ones() {
    let easel = Easel::new(Theme::Light, 100, "");
    let mut view = chat();
    let mut rows = lines();
    rows.truncate(4);
    let altered = super::places::altered;
    rows.push(altered(said("Anna Berg", "10:03", "Great. Who has the keys?", DeliveryMark::None), AlterationMark::Edited));
    rows.push(altered(said("", "10:03", "(deleted)", DeliveryMark::None), AlterationMark::Deleted));
    let mut quoting = super::places::quoting(super::places::own("7", "Thnaks!"), super::places::printer());
    if let LineRow::Message(message) = &mut quoting {
        let sign = |emoji: &str, count: &str, own| ReactionRow { emoji: emoji.into(), count: count.into(), who: "ben".into(), own };
        message.reactions = vec![sign("👍", "2", true), sign("🎉", "1", false), sign("❤\u{fe0f}", "104", false)];
    }
    rows.push(quoting);
    let head = ChatHead { key: "lobby".into(), name: "Lobby".into(), note: "3 here".into(), ..ChatHead::default() };
    view.set_lines(head, rows, true);
    view.set_editing(Some("Thnaks!"));
    view.set_draft("Thanks!".into());
    view.set_typing("Anna Berg is typing…".into());
    // The pointer rests on the own message: its buttons are seen.
    easel.settle(720, 560);
    easel.window.dispatch_event(WindowEvent::PointerMoved { position: slint::LogicalPosition::new(400.0, 305.0) });
    easel.check("chat-editing", 720, 560);
}

fn rooms(theme: Theme, percent: u16, language: &'static str, name: &str, (width, height): (u32, u32)) {
    let easel = Easel::new(theme, percent, language);
    let mut view = chat();
    view.set_notices(vec![], vec![]);
    view.set_invitations(vec![InvitationRow { room: "Board".into(), by: "Anna Berg".into() }]);
    view.set_rooms(super::places::rooms());
    view.window().set_pane(Pane::Places);
    view.window().set_list_shown(false);
    easel.check(name, width, height);
}

#[test]
fn rooms_to_join_and_to_make() {
    rooms(Theme::Light, 100, "", "chat-rooms", (720, 560));
}

#[test]
fn rooms_in_chinese() {
    rooms(Theme::Light, 100, "zh", "chat-rooms-chinese", (720, 560));
}

#[test]
fn rooms_in_dark_colours_with_text_twice_as_large() {
    rooms(Theme::Dark, 200, "", "chat-rooms-large-dark", (1000, 760));
}

#[test]
fn a_message_that_is_edited_in_chinese_and_dark_with_text_twice_as_large() {
    let easel = Easel::new(Theme::Dark, 200, "zh");
    let mut view = chat();
    view.set_notices(vec![], vec![]);
    view.window().set_list_shown(false);
    let head = ChatHead { key: "lobby".into(), name: "Lobby".into(), note: "3 here".into(), ..ChatHead::default() };
    view.set_lines(
        head,
        vec![said("王伟", "10:02", "早上好，今天的会议在三楼。", DeliveryMark::None), super::places::own("7", "谢谢")],
        true,
    );
    view.set_editing(Some("谢谢"));
    view.set_draft("谢谢！".into());
    view.set_typing("王伟 is typing…".into());
    easel.check("chat-editing-large-chinese", 720, 560);
}

#[test]
fn who_is_in_a_room() {
    let easel = Easel::new(Theme::Light, 100, "");
    let mut view = chat();
    view.set_lines(ChatHead { key: "Ward 4".into(), name: "Ward 4".into(), is_room: true, ..ChatHead::default() }, lines(), true);
    view.set_members(super::places::members());
    view.window().set_pane(Pane::Members);
    easel.check("chat-members", 720, 560);
}

fn popup(theme: Theme, name: &str, row: NoticeRow) {
    let easel = Easel::new(theme, 100, "");
    let popup = Popup::notice(&sink(), "notice 7", row).unwrap();
    update_timers_and_animations();
    let size = popup.size();
    easel.check(name, size.width, size.height);
}

#[test]
fn a_critical_notice() {
    popup(Theme::Light, "popup-critical", notice(SeverityLevel::Critical, &["Safe", "Need help"]));
}

#[test]
fn an_important_notice() {
    popup(Theme::Light, "popup-important", notice(SeverityLevel::Important, &["Acknowledge"]));
}

#[test]
fn an_info_notice_in_dark_colours() {
    popup(Theme::Dark, "popup-info-dark", notice(SeverityLevel::Info, &["Acknowledge"]));
}

#[test]
fn an_all_clear() {
    let row = NoticeRow { ended: "All clear, says admin".into(), clear: true, ..notice(SeverityLevel::Critical, &[]) };
    popup(Theme::Light, "popup-all-clear", row);
}

const LONG: &str = "I am away and somebody else looks after it";

fn answers(count: usize, long: bool) -> Vec<String> {
    (0..count).map(|number| if long { format!("{LONG} {number}") } else { format!("No. {number}") }).collect()
}

fn asking(count: usize, long: bool) -> NoticeRow {
    NoticeRow { answers: answers(count, long), ..notice(SeverityLevel::Important, &[]) }
}

/// Every number and length of answers, at the usual and at the largest size of text.
fn every_asking() -> impl Iterator<Item = (u16, usize, bool)> {
    [100, 200].into_iter().flat_map(|percent| (0..=8).flat_map(move |count| [(percent, count, false), (percent, count, true)]))
}

fn inside(element: &i_slint_backend_testing::ElementHandle, (width, height): (f32, f32)) -> bool {
    let (corner, size) = (element.absolute_position(), element.size());
    corner.x >= 0.0 && corner.y >= 0.0 && corner.x + size.width <= width + 0.5 && corner.y + size.height <= height + 0.5
}

#[test]
fn every_answer_of_a_popup_is_given_by_keys_and_is_seen_when_it_is() {
    let heard = Heard::default();
    let easel = Easel::new(Theme::Light, 100, "");
    for (percent, count, long) in every_asking() {
        look::set_for_test(Theme::Light, percent, "");
        let popup = Popup::notice(&heard.sink(), "notice 7", asking(count, long)).unwrap();
        let Popup::Notice(window) = &popup else { panic!("a notice") };
        popup.fit(crate::geometry::Rect { x: 0, y: 0, width: 1280, height: 680 });
        // As the program does: what it wants to be changes until it is laid out.
        let mut size = popup.size();
        for _ in 0..6 {
            easel.settle(size.width, size.height);
            size = popup.size();
        }
        let what = format!("{count} answers, long: {long}, at {percent} %");
        assert!(size.height <= 680, "{what}: {} pixels high", size.height);
        let mut given = Vec::new();
        for _ in 0..count + 2 {
            super::clicks::key(window.window(), slint::platform::Key::Tab);
            easel.wait(look::CALM, size.width, size.height);
            super::clicks::key(window.window(), slint::platform::Key::Return);
            for gesture in heard.take() {
                let Gesture::Answer { answer, .. } = gesture else { continue };
                let label = &answers(count, long)[usize::from(answer)];
                #[expect(clippy::cast_precision_loss, reason = "screens are a few thousand pixels high")]
                let edges = (size.width as f32, size.height as f32);
                let at = super::clicks::find(window, label);
                assert!(inside(&at, edges), "{what}: {label} at {:?}, {:?} of {edges:?}", at.absolute_position(), at.size());
                given.push(usize::from(answer));
            }
        }
        given.dedup();
        assert_eq!(given.iter().copied().take(count).collect::<Vec<_>>(), (0..count).collect::<Vec<_>>(), "{what}");
    }
}

#[test]
fn in_the_narrowest_window_every_answer_is_there_or_the_way_to_it() {
    let easel = Easel::new(Theme::Light, 100, "");
    for (percent, count, long) in every_asking().filter(|(_, count, _)| *count > 0) {
        look::set_for_test(Theme::Light, percent, "");
        let heard = Heard::default();
        let mut view = ChatView::new(&heard.sink()).unwrap();
        view.window().show().unwrap();
        view.set_notices(vec![asking(count, long)], vec![]);
        easel.settle(360, 420);
        let window = view.window();
        let what = format!("{count} answers, long: {long}, at {percent} %");
        let labels = answers(count, long);
        let direct = labels.iter().filter(|label| super::clicks::is_there(window, label)).count();
        assert!(direct == 0 || direct == count, "{what}: {direct} of them");
        let seen: Vec<&str> = if direct == 0 { vec!["Answer…"] } else { labels.iter().map(String::as_str).collect() };
        for label in seen {
            assert!(inside(&super::clicks::find(window, label), (360.0, 420.0)), "{what}: {label}");
        }
        // In the list, by keys alone.
        view.show_notices();
        easel.wait(look::CALM, 360, 420);
        let mut given = Vec::new();
        for (target, label) in labels.iter().enumerate() {
            // Past the text, which can be selected.
            for _ in 0..target + 2 {
                super::clicks::key(window.window(), slint::platform::Key::Tab);
                easel.settle(360, 420);
            }
            easel.wait(look::CALM, 360, 420);
            let answer = super::clicks::find(window, label);
            let (corner, size) = (answer.absolute_position(), answer.size());
            assert!(direct > 0 || inside(&answer, (360.0, 420.0)), "{what}: {label} at {corner:?}, {size:?}");
            super::clicks::key(window.window(), slint::platform::Key::Return);
            given.extend(heard.take().into_iter().filter_map(|gesture| match gesture {
                Gesture::Answer { answer, .. } => Some(usize::from(answer)),
                _ => None,
            }));
        }
        assert_eq!(given, (0..count).collect::<Vec<_>>(), "{what}");
    }
}

fn answers_in_a_popup(theme: Theme, percent: u16, language: &'static str, name: &str, row: NoticeRow) {
    let easel = Easel::new(theme, percent, language);
    let popup = Popup::notice(&sink(), "notice 7", row).unwrap();
    popup.fit(crate::geometry::Rect { x: 0, y: 0, width: 1280, height: 760 });
    update_timers_and_animations();
    let size = popup.size();
    easel.check(name, size.width, size.height);
}

#[test]
fn a_notice_with_six_answers() {
    answers_in_a_popup(Theme::Light, 100, "", "popup-six-answers", asking(6, false));
}

#[test]
fn a_notice_with_eight_long_answers_and_a_long_text_with_text_twice_as_large_in_chinese() {
    let row = NoticeRow { body: "请从最近的出口离开；不要使用电梯。在大门口集合。".repeat(12), ..asking(8, true) };
    answers_in_a_popup(Theme::Dark, 200, "zh", "popup-eight-answers-large-chinese", row);
}

#[test]
fn notices_with_many_answers_in_the_narrowest_window() {
    let easel = Easel::new(Theme::Light, 100, "");
    let mut view = chat();
    view.window().set_list_shown(false);
    view.set_notices(vec![asking(6, false), NoticeRow { key: "8".into(), ..asking(2, false) }], vec![]);
    easel.check("chat-narrow-answers", 360, 480);
}

#[test]
fn the_list_of_notices_with_six_answers() {
    let easel = Easel::new(Theme::Light, 100, "");
    let mut view = chat();
    let past = NoticeRow { key: "5".into(), title: "Canteen".into(), ended: "Answered: Safe".into(), ..notice(SeverityLevel::Info, &[]) };
    let closed = NoticeRow { key: "6".into(), title: "Cake in the kitchen".into(), ..notice(SeverityLevel::Info, &["Acknowledge"]) };
    view.set_notices(vec![asking(6, false)], vec![closed, past]);
    view.show_notices();
    easel.check("chat-notices", 720, 560);
}

#[test]
fn the_settings() {
    let easel = Easel::new(Theme::Light, 100, "");
    let settings = UserSettings { server: "lan-host".into(), account: "Anna Berg".into(), ..UserSettings::default() };
    let _view = SettingsView::show(&sink(), &settings, true, Some("14:30".into()), &Policy::default()).unwrap();
    easel.check("settings", 460, 600);
}

#[test]
fn signing_in() {
    let easel = Easel::new(Theme::Light, 100, "");
    let view = SignInView::show(&sink(), "lan-host", "Anna Berg").unwrap();
    view.set_complaint("The account name or the password is wrong.");
    easel.settle(380, 420);
    // It has grown with what it says.
    let size = view.window().window().size();
    easel.check("sign-in", size.width, size.height);
}
