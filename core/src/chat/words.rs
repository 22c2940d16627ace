//! The words that people type and scripts read: others rely on them, so each stands here a second time.

use alloc::format;
use alloc::string::{String, ToString};

use super::*;

#[test]
fn the_words_of_the_command_line_and_of_json_stay_as_they_are() {
    for (word, expected) in [
        (Severity::Info.as_str(), "info"),
        (Severity::Important.as_str(), "important"),
        (Severity::Critical.as_str(), "critical"),
        (NoticeState::Open.as_str(), "open"),
        (NoticeState::Expired.as_str(), "expired"),
        (NoticeState::Withdrawn.as_str(), "withdrawn"),
        (NoticeState::AllClear.as_str(), "all-clear"),
        (Role::Member.as_str(), "member"),
        (Role::Admin.as_str(), "admin"),
        (Presence::Online.as_str(), "online"),
        (Presence::Away.as_str(), "away"),
        (Presence::Offline.as_str(), "offline"),
        (Standing::Outside.as_str(), "outside"),
        (Standing::Invited.as_str(), "invited"),
        (Standing::Inside.as_str(), "inside"),
    ] {
        assert_eq!(word, expected);
    }
}

#[test]
fn each_obstacle_is_told_in_words_of_its_own() {
    let mut told = Obstacle::ALL.map(Obstacle::as_str);
    told.sort_unstable();
    for pair in told.windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
    assert!(told.iter().all(|words| words.contains(' ')), "{told:?}");
}

#[test]
fn places_parties_and_devices_are_written_as_they_are_read() {
    let account = |typed| AccountName::new(typed).unwrap();
    assert_eq!(Place::lobby().to_string(), "lobby");
    assert_eq!(Place::Direct(account("bob")).to_string(), "@bob");
    assert_eq!(Parties::Room(RoomName::lobby()).to_string(), "lobby");
    assert_eq!(Parties::Direct(account("alice"), account("bob")).to_string(), "@alice @bob");
    let (device, written) = (DeviceId([0xff; 32]), "7".repeat(51) + "q");
    assert_eq!(device.to_string(), written);
    assert_eq!(format!("{device:?}"), String::from("DeviceId(") + &written + ")");
}
