//! Whatever stands in a window, however large its text and however small the window: what can be used is there.
//!
//! `BELFRY_LAYOUT_SCENES` is how many scenes of each window are looked at (24), `BELFRY_LAYOUT_SEED` the number of the first (1). A failure
//! says the number of its scene, which is the whole of it.

mod geometry;
mod scenes;

use std::env;
use std::path::Path;
use std::time::{Duration, Instant};

use i_slint_backend_testing::{ElementRoot, mock_elapsed_time};
use slint::platform::WindowEvent;
use slint::{ComponentHandle, LogicalPosition, LogicalSize};

use self::geometry::{Area, Survey};
use super::clicks::press;
use super::dice::{Dice, Frame};
use crate::platform::policy::Policy;
use crate::popup::window::{MessageRow, Popup};
use crate::scene::{DeviceRow, ProfileForm};
use crate::settings::UserSettings;
use crate::view::about::AboutView;
use crate::view::account::AccountView;
use crate::view::dialog::{PathUse, PathView};
use crate::view::look;
use crate::view::settings::{SettingsView, WhyView};
use crate::view::sign_in::SignInView;

/// So many scenes of each window, unless somebody wants more.
const SCENES: u64 = 24;
/// Nobody waits longer for the scenes of one window than this in an ordinary run; how far it came is said.
const PATIENCE: Duration = Duration::from_secs(40);
/// The composer's share of a window at most.
const COMPOSER_MOST: f32 = 0.4;
/// The messages above it are never pushed out: a line, with text of the usual size.
const MESSAGES_LEAST: f32 = 19.0;
/// A notice at the top of the window says what it is about: two or three words, with text of the usual size.
const HEADING_LEAST: f32 = 80.0;

pub(super) fn wish(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

fn settle() {
    for _ in 0..8 {
        mock_elapsed_time(Duration::from_millis(20));
    }
}

/// Looks at one scene after the other, and says what is wrong with all of them.
#[track_caller]
fn every_scene(least: impl Fn(f32) -> (f32, f32), look_at: impl Fn(&mut Dice, Frame) -> Vec<String>) {
    i_slint_backend_testing::init_no_event_loop();
    let first = wish("BELFRY_LAYOUT_SEED").unwrap_or(1);
    let wanted = wish("BELFRY_LAYOUT_SCENES");
    let begun = Instant::now();
    let mut wrong = Vec::new();
    for seed in first..first + wanted.unwrap_or(SCENES) {
        if wanted.is_none() && begun.elapsed() > PATIENCE {
            eprintln!("{} scenes in {PATIENCE:?}", seed - first);
            break;
        }
        let mut dice = Dice::new(seed);
        let frame = dice.frame(&least);
        look::set_for_test(frame.theme, frame.percent, frame.language);
        for complaint in look_at(&mut dice, frame) {
            wrong.push(format!("scene {seed}, {frame:?}: {complaint}"));
        }
    }
    assert!(wrong.is_empty(), "{} complaints:\n{}", wrong.len(), wrong.iter().take(40).cloned().collect::<Vec<_>>().join("\n"));
}

/// What is wrong with a window of this size as it stands, and after everything in it was scrolled to its end.
fn complaints<W: ComponentHandle + ElementRoot + 'static>(window: &W, frame: Frame) -> Vec<String> {
    settle();
    let size = Area::of_size(frame.width, frame.height);
    let mut complaints = Survey::of(window, size).complaints(frame.scale());
    // How high a list is, is an estimate until its last rows are made.
    for _ in 0..3 {
        for (x, y) in Survey::of(window, size).scrolled().into_iter().flat_map(Area::wheel_points) {
            let position = LogicalPosition::new(x, y);
            window.window().dispatch_event(WindowEvent::PointerScrolled { position, delta_x: 0.0, delta_y: -1_000_000.0 });
        }
        settle();
    }
    complaints.extend(Survey::of(window, size).complaints_at_the_end(frame.scale()).into_iter().map(|each| format!("scrolled: {each}")));
    complaints
}

#[test]
fn everything_in_the_chat_window_can_be_reached() {
    every_scene(
        |scale| (360.0 * scale, (420.0 * scale).min(690.0)),
        |dice, frame| {
            let sink: crate::view::Sink = std::rc::Rc::new(|_| {});
            let view = scenes::chat(dice, &sink, (frame.width, frame.height));
            let mut complaints = complaints(view.window(), frame);
            let survey = Survey::of(view.window(), Area::of_size(frame.width, frame.height));
            let heights = survey.of_kind("Composer").map(|composer| composer.area().height());
            complaints.extend(
                heights
                    .filter(|height| *height > frame.height * COMPOSER_MOST + 1.0)
                    .map(|height| format!("the composer is {height} high")),
            );
            let heights = survey.of_kind("Messages").map(|messages| messages.area().height());
            complaints.extend(
                heights.filter(|height| *height < MESSAGES_LEAST * frame.scale()).map(|height| format!("the messages have {height}")),
            );
            let widths = survey.of_id("NoticeLine::heading").map(|heading| heading.area().width());
            complaints.extend(
                widths.filter(|width| *width < HEADING_LEAST * frame.scale()).map(|width| format!("a notice's heading has {width}")),
            );
            complaints
        },
    );
}

#[test]
fn everything_in_the_administrators_window_can_be_reached() {
    every_scene(
        |scale| (640.0 * scale, (480.0 * scale).min(690.0)),
        |dice, frame| {
            let sink: crate::view::Sink = std::rc::Rc::new(|_| {});
            let view = scenes::desk(dice, &sink, (frame.width, frame.height));
            settle();
            if !view.window().get_composing() {
                let button = dice.one_of(&["", "Update…", "Withdraw…", "All clear…"]);
                if !button.is_empty() && frame.language.is_empty() {
                    press(view.window(), button);
                }
            }
            complaints(view.window(), frame)
        },
    );
}

#[test]
fn every_part_of_a_popup_can_be_reached() {
    every_scene(
        |scale| (360.0 * scale, 600.0),
        |dice, frame| {
            let sink: crate::view::Sink = std::rc::Rc::new(|_| {});
            let popup = Popup::notice(&sink, "notice 7", scenes::notice(dice, 7)).unwrap();
            let Popup::Notice(window) = &popup else { panic!("a notice") };
            popup.set_folded(dice.below(3));
            if dice.coin() {
                popup.renew(scenes::notice(dice, 7));
            }
            grown(
                window,
                frame,
                |frame| popup.fit(crate::geometry::Rect { x: 0, y: 0, width: 4000, height: frame as u32 }),
                || (window.get_wanted_width(), window.get_wanted_height()),
            )
        },
    );
}

#[test]
fn every_part_of_a_messages_popup_can_be_reached() {
    every_scene(
        |scale| (300.0 * scale, 600.0),
        |dice, frame| {
            let sink: crate::view::Sink = std::rc::Rc::new(|_| {});
            let row = MessageRow {
                key: "lobby".into(),
                who: dice.name(),
                place: if dice.coin() { dice.name() } else { String::new() },
                text: dice.text(),
            };
            let popup = Popup::message(&sink, "message lobby", &row).unwrap();
            let Popup::Message(window, _) = &popup else { panic!("a message") };
            if dice.coin() {
                window.set_replying(true);
                // No key writes a line break there.
                window.set_written(dice.text().replace(char::is_control, " ").into());
            }
            if dice.coin() {
                popup.complain("Sign in first.");
            }
            grown(window, frame, |_| {}, || (window.get_wanted_width(), window.get_wanted_height()))
        },
    );
}

/// A window that is as large as it says it wants to be.
fn grown<W: ComponentHandle + ElementRoot + 'static>(
    window: &W,
    frame: Frame,
    fit: impl Fn(f32),
    wanted: impl Fn() -> (f32, f32),
) -> Vec<String> {
    fit(frame.height);
    for _ in 0..6 {
        let (width, height) = wanted();
        window.window().set_size(LogicalSize::new(width, height));
        settle();
    }
    let (width, height) = wanted();
    let mut complaints = complaints(window, Frame { width, height, ..frame });
    if height > frame.height {
        complaints.push(format!("{height} high where there are {}", frame.height));
    }
    complaints
}

#[test]
fn everything_in_the_window_for_signing_in_can_be_reached() {
    every_scene(
        |scale| (380.0 * scale, 600.0),
        |dice, frame| {
            let sink: crate::view::Sink = std::rc::Rc::new(|_| {});
            let view = SignInView::show(&sink, &dice.name(), &dice.name()).unwrap();
            view.window().set_register(dice.coin());
            view.window().set_repeated(if dice.coin() { dice.name().into() } else { "".into() });
            let found: Vec<_> = (0..dice.up_to(8)).map(|_| (dice.name(), "192.168.178.111:4242".into())).collect();
            view.set_found(&found);
            match dice.below(3) {
                0 => view.set_looking(),
                1 => view.set_busy(&dice.sentence()),
                _ => view.set_complaint(&dice.sentence()),
            }
            grown(
                view.window(),
                frame,
                |height| view.window().set_height_most(height),
                || (view.window().get_wanted_width(), view.window().get_wanted_height()),
            )
        },
    );
}

#[test]
fn everything_in_the_settings_can_be_reached() {
    every_scene(
        |scale| (340.0 * scale, 300.0 * scale),
        |dice, frame| {
            let sink: crate::view::Sink = std::rc::Rc::new(|_| {});
            let settings = UserSettings { server: dice.name(), account: dice.name(), ..UserSettings::default() };
            let view =
                SettingsView::show(&sink, &settings, dice.coin(), dice.coin().then(|| "1 December 2026, 08:00".into()), &Policy::default())
                    .unwrap();
            view.set_complaint(dice.sentence());
            view.set_hours_complaint(dice.sentence());
            view.window().window().set_size(LogicalSize::new(frame.width, frame.height));
            complaints(view.window(), frame)
        },
    );
}

#[test]
fn everything_about_the_account_can_be_reached() {
    every_scene(
        |scale| (340.0 * scale, 300.0 * scale),
        |dice, frame| {
            let sink: crate::view::Sink = std::rc::Rc::new(|_| {});
            let mut view = AccountView::show(&sink).unwrap();
            let form = ProfileForm { display: dice.name(), department: dice.name(), telephone: dice.name(), status: dice.sentence() };
            view.set_profile(&dice.name(), form);
            let row = |number: u64| DeviceRow { key: number.to_string(), name: dice.name(), note: dice.name(), own: number == 0 };
            view.set_devices((0..9).map(row).collect());
            view.set_outcome(&dice.sentence(), dice.coin());
            view.window().set_leaving(dice.below(9).to_string().into());
            view.window().window().set_size(LogicalSize::new(frame.width, frame.height));
            complaints(view.window(), frame)
        },
    );
}

#[test]
fn everything_in_the_window_that_asks_for_a_path_can_be_reached() {
    every_scene(
        |scale| (320.0 * scale, 300.0 * scale),
        |dice, frame| {
            let view = PathView::show(Path::new(&dice.name()), dice.one_of(&[PathUse::Beside, PathUse::Open]), |_| {}).unwrap();
            view.window().set_complaint(dice.sentence().into());
            view.window().window().set_size(LogicalSize::new(frame.width, frame.height));
            complaints(view.window(), frame)
        },
    );
}

#[test]
fn everything_in_the_report_can_be_reached() {
    every_scene(
        |scale| (320.0 * scale, 240.0 * scale),
        |dice, frame| {
            let sink: crate::view::Sink = std::rc::Rc::new(|_| {});
            let view = WhyView::show(&sink, dice.text()).unwrap();
            view.window().window().set_size(LogicalSize::new(frame.width, frame.height));
            complaints(view.window(), frame)
        },
    );
}

#[test]
fn everything_about_the_program_can_be_reached() {
    every_scene(
        |scale| (380.0 * scale, 420.0 * scale),
        |_, frame| {
            let view = AboutView::show().unwrap();
            let frame = Frame { width: 380.0 * frame.scale(), ..frame };
            view.window().window().set_size(LogicalSize::new(frame.width, frame.height));
            complaints(view.window(), frame)
        },
    );
}
