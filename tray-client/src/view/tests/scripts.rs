//! Nothing that somebody writes is a gap: every emoji and every script has ink, whichever fonts the system has.

use slint::platform::software_renderer::MinimalSoftwareWindow;
use slint::{ComponentHandle as _, PhysicalSize, Rgb8Pixel};

use super::pictures::Easel;
use super::*;
use crate::popup::window::{MessageRow, Popup};
use crate::settings::Theme;
use crate::view::chat::ChatHead;

slint::slint! {
    export component Sample inherits Window {
        in property <string> written;
        background: white;
        Text { x: 8px; y: 4px; text: root.written; font-size: 24px; color: black; }
    }
}

const WIDE: u32 = 240;
const HIGH: u32 = 48;
/// Of a character that never was one; no font has it.
const UNKNOWN: &str = "\u{10fffd}";
/// Emoji newer than the font that is shipped are boxes until it is renewed: the last version of Unicode that it knows.
const SHIPPED: emojis::UnicodeVersion = emojis::UnicodeVersion::new(17, 0);

fn drawn(sample: &Sample, window: &MinimalSoftwareWindow, text: &str) -> Vec<bool> {
    sample.set_written(text.into());
    let mut pixels = vec![Rgb8Pixel::default(); (WIDE * HIGH) as usize];
    window.request_redraw();
    window.draw_if_needed(|renderer| {
        renderer.render(&mut pixels, WIDE as usize);
    });
    pixels.iter().map(|pixel| pixel.r < 128).collect()
}

fn sample() -> (Easel, Sample) {
    let easel = Easel::new(Theme::Light, 100, "");
    let sample = Sample::new().unwrap();
    sample.show().unwrap();
    easel.window.set_size(PhysicalSize::new(WIDE, HIGH));
    (easel, sample)
}

#[test]
fn every_emoji_of_unicode_is_drawn_and_is_no_box() {
    let (easel, sample) = sample();
    let boxes = drawn(&sample, &easel.window, UNKNOWN);
    assert!(boxes.contains(&true), "what no font has is a box");
    // Each also in every colour of skin.
    let all: Vec<_> = emojis::iter().flat_map(|emoji| emoji.skin_tones().into_iter().flatten().chain([emoji])).collect();
    let wrong: Vec<_> = all
        .iter()
        .filter(|emoji| {
            let drawn = drawn(&sample, &easel.window, emoji.as_str());
            !drawn.contains(&true) || (emoji.unicode_version() <= SHIPPED && drawn == boxes)
        })
        .map(|emoji| emoji.as_str())
        .collect();
    assert!(wrong.is_empty(), "{} of {}: {}", wrong.len(), all.len(), wrong.join(" "));
}

#[test]
fn every_script_has_ink() {
    let (easel, sample) = sample();
    let gaps: Vec<_> = [
        "สวัสดี",
        "नमस्ते",
        "ສະບາຍດີ",
        "မင်္ဂလာပါ",
        "ជំរាបសួរ",
        "ഹലോ",
        "வணக்கம்",
        "నమస్కారం",
        "ನಮಸ್ಕಾರ",
        "নমস্কার",
        "ਸਤ ਸ੍ਰੀ",
        "નમસ્તે",
        "ආයුබෝවන්",
        "བཀྲ་ཤིས།",
        "ሰላም",
        "ᎣᏏᏲ",
        "ᠰᠠᠢᠨ",
        "ⵣⵓⵍ",
        "بەخێربێن",
        "שלום",
        "ߒߞߏ",
        "გამარჯობა",
        "բարեւ",
        "γειά",
        "привет",
        "안녕",
        "こんにちは",
        "你好",
        "𞤔𞤢𞤪𞤢𞤥",
        "𐎀𐎁",
    ]
    .into_iter()
    .filter(|word| !drawn(&sample, &easel.window, word).contains(&true))
    .collect();
    assert!(gaps.is_empty(), "{gaps:?}");
}

fn choosing(theme: Theme, percent: u16, language: &'static str, name: &str, (width, height): (u32, u32)) {
    let easel = Easel::new(theme, percent, language);
    let mut view = super::pictures::chat();
    view.set_notices(vec![], vec![]);
    view.set_recent_emoji(vec!["🚒".into(), "👩🏽‍🚒".into()]);
    view.window().set_list_shown(false);
    easel.settle(width, height);
    view.window().invoke_open_emoji();
    easel.check(name, width, height);
}

#[test]
fn an_emoji_that_is_being_chosen() {
    choosing(Theme::Light, 100, "", "chat-emoji", (720, 560));
}

#[test]
fn an_emoji_that_is_being_chosen_in_the_narrowest_window_dark_and_in_chinese() {
    choosing(Theme::Dark, 100, "zh", "chat-emoji-narrow", (360, 420));
}

#[test]
fn an_emoji_that_is_being_chosen_with_text_twice_as_large() {
    choosing(Theme::Light, 200, "", "chat-emoji-large", (720, 560));
}

/// Longer than a line of a list, and in the words of its script.
const SCRIPTS: [(&str, &str); 4] = [
    (
        "نورة عبد الرحمن من قسم الطوارئ والتمريض",
        "مرحبا، الاجتماع اليوم في الطابق الثالث الساعة العاشرة صباحا. لا تنسوا المفاتيح والتقارير من فضلكم.",
    ),
    ("נועה בן־דוד ממחלקת הילדים והיולדות", "שלום, הישיבה היום בקומה השלישית בשעה עשר. נא לא לשכוח את המפתחות ואת הדוחות."),
    ("王伟", "早上好，今天的会议在三楼。"),
    ("Anna 👩🏽‍🚒 Berg", "👨‍👩‍👧‍👦 🇩🇪 🏴󠁧󠁢󠁳󠁣󠁴󠁿 1️⃣ ❤️‍🔥 👍🏿 ✌️ 😀 and a character that no font has: \u{10fffd}"),
];

/// Nothing is left out at the end where such a line begins: neither where it is the whole, nor behind words that run the other way.
#[test]
fn names_and_messages_in_many_scripts() {
    let easel = Easel::new(Theme::Light, 100, "");
    let mut view = super::pictures::chat();
    view.set_notices(vec![], vec![]);
    let row = |name: &str, last: &str| ConversationRow {
        key: format!("@{name}"),
        name: name.into(),
        last: last.into(),
        time: "10:04".into(),
        direct: true,
        ..ConversationRow::default()
    };
    view.set_conversations(
        SCRIPTS.iter().map(|(name, text)| row(name, text)).chain([row("Board", &format!("Anna Berg: {}", SCRIPTS[0].1))]).collect(),
    );
    let head = ChatHead { key: "lobby".into(), name: SCRIPTS[0].0.into(), note: "3 here".into(), ..ChatHead::default() };
    view.set_lines(head, SCRIPTS.iter().map(|(name, text)| said(name, "10:02", text, DeliveryMark::None)).collect(), true);
    easel.check("chat-scripts", 720, 560);
}

#[test]
fn a_popup_of_a_message_that_is_being_answered() {
    let easel = Easel::new(Theme::Light, 100, "");
    let text = "Can you bring the projector to room 4 before the meeting at ten?".into();
    let row = MessageRow { key: "@anna".into(), who: "Anna".into(), place: "Kitchen".into(), text };
    let popup = Popup::message(&(Rc::new(|_| {}) as Sink), "message 1", &row).unwrap();
    let Popup::Message(window, _) = &popup else { panic!("a message") };
    window.set_replying(true);
    window.set_written("It is on its way".into());
    let size = popup.size();
    easel.settle(size.width, size.height);
    let size = popup.size();
    easel.check("popup-message-reply", size.width, size.height);
}

/// Letters of a font that is higher than the window's own are in every line, the first too.
#[test]
fn a_popup_of_a_message_in_chinese_has_its_three_lines_whole() {
    for (name, text) in [("popup-message-chinese", "国".repeat(90)), ("popup-message-mixed", "国 Belfry 国家 👍 ok ".repeat(12))] {
        let drawing = std::thread::spawn(move || {
            let easel = Easel::new(Theme::Light, 100, "");
            let row = MessageRow { key: "@anna".into(), who: "Anna".into(), place: String::new(), text };
            let popup = Popup::message(&(Rc::new(|_| {}) as Sink), "message 1", &row).unwrap();
            let size = popup.size();
            easel.settle(size.width, size.height);
            easel.check(name, size.width, size.height);
        });
        drawing.join().unwrap();
    }
}
