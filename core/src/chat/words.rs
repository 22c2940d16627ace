//! The words that people type and scripts read for the values of an enumeration: each has one, and is read from it.

use core::fmt;

/// A word that is none of those that are known; displays as a sentence for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownWord(pub(super) &'static [&'static str]);

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Give ")?;
        for (at, word) in self.0.iter().enumerate() {
            let before = if at == 0 {
                ""
            } else if at + 1 == self.0.len() {
                " or "
            } else {
                ", "
            };
            write!(f, "{before}{word}")?;
        }
        f.write_str(".")
    }
}

impl core::error::Error for UnknownWord {}

/// Gives each value of an enumeration its word: to be written, to be read, and to be offered for choice.
macro_rules! words {
    ($type:ident { $($value:ident $(($inner:path))? => $word:literal,)+ }) => {
        impl $type {
            /// All of them, in their order.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$value $(($inner))?),+];

            /// The word for it on the command line and in JSON.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value $(($inner))? => $word,)+
                }
            }
        }

        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl core::str::FromStr for $type {
            type Err = $crate::chat::UnknownWord;

            fn from_str(typed: &str) -> Result<Self, Self::Err> {
                let known = Self::ALL.into_iter().find(|value| value.as_str() == typed);
                known.ok_or($crate::chat::UnknownWord(&[$($word),+]))
            }
        }
    };
}

pub(super) use words;

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString};
    use core::fmt::{Debug, Display};
    use core::str::FromStr;

    use super::super::*;

    /// Others rely on the words, so each stands here a second time.
    #[track_caller]
    fn check<T: Copy + Debug + PartialEq + Display + FromStr<Err = UnknownWord>>(all: &[T], words: &[&str], sentence: &str) {
        assert_eq!(all.iter().map(ToString::to_string).collect::<alloc::vec::Vec<_>>(), words);
        for (value, word) in all.iter().zip(words) {
            assert_eq!(word.parse(), Ok(*value));
        }
        for wrong in ["", "none", " info", "Admin"] {
            assert_eq!(wrong.parse::<T>().unwrap_err().to_string(), sentence, "{wrong:?}");
        }
    }

    #[test]
    fn the_words_of_the_command_line_and_of_json_stay_as_they_are() {
        check(&Severity::ALL, &["info", "important", "critical"], "Give info, important or critical.");
        check(&NoticeState::ALL, &["open", "expired", "withdrawn", "all-clear"], "Give open, expired, withdrawn or all-clear.");
        check(&Role::ALL, &["member", "admin"], "Give member or admin.");
        check(&Presence::ALL, &["online", "away", "offline"], "Give online, away or offline.");
        let reasons = [
            "never_connected",
            "offline",
            "on_its_way",
            "locked",
            "unanswered",
            "answered_elsewhere",
            "open",
            "expired",
            "withdrawn",
            "all-clear",
        ];
        let sentence =
            "Give never_connected, offline, on_its_way, locked, unanswered, answered_elsewhere, open, expired, withdrawn or all-clear.";
        check(&GapReason::ALL, &reasons, sentence);
        check(&Standing::ALL, &["outside", "invited", "inside"], "Give outside, invited or inside.");
    }

    #[test]
    fn an_audience_is_read_as_it_is_written() {
        let read = |typed: &str| typed.parse::<Audience>();
        assert_eq!(read("everyone"), Ok(Audience::Everyone));
        assert_eq!(read("user:Anna Berg"), Ok(Audience::Account(AccountName::new("Anna Berg").unwrap())));
        assert_eq!(read("group:nurses"), Ok(Audience::Group("nurses".parse().unwrap())));
        assert_eq!(read("room:Ward 4"), Ok(Audience::Room("Ward 4".parse().unwrap())));
        for written in ["everyone", "user:Anna Berg", "group:nurses", "room:Ward 4"] {
            assert_eq!(read(written).unwrap().to_string(), written);
        }
        for wrong in ["", "all", "alice", "team:x", "everyone:", "Everyone"] {
            assert_eq!(read(wrong).unwrap_err().to_string(), "Write everyone, user:NAME, group:NAME or room:NAME.", "{wrong:?}");
        }
        assert_eq!(read("user:").unwrap_err().to_string(), InvalidName::Empty.to_string());
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
}
