//! How much is logged, as it is typed: a level, or levels by part. Every word is one of ours, because the filter takes any other word for
//! the name of a part, and then logs nothing else.

use crate::sentence::quoted;
use tracing_subscriber::EnvFilter;

/// From nothing to everything.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// What can be logged by itself: the packages …
const PACKAGES: [&str; 3] = ["belfry", "belfry_core", "belfry_server"];

/// … and the rooms of the server.
const ROOMS: [&str; 17] = [
    "announce",
    "contents",
    "drive",
    "files",
    "heap",
    "hub",
    "identity",
    "limits",
    "machine",
    "metrics",
    "observe",
    "passwords",
    "restore",
    "serve",
    "session",
    "store",
    "surroundings",
];

/// Reads a filter such as `info` or `info,belfry_server::store=debug`.
///
/// # Errors
/// A sentence that names the nearest word that there is.
pub(crate) fn understand(typed: &str) -> Result<EnvFilter, String> {
    let mut understood = Vec::new();
    for part in typed.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let directive = match part.split_once('=') {
            Some((room, word)) => format!("{}={}", place(room.trim())?, level(word.trim())?),
            None if place(part).is_ok() => return Err(format!("Say how much of {part} is logged, such as {part}=debug.")),
            None => level(part)?.to_owned(),
        };
        let name = |directive: &str| directive.split_once('=').map_or_else(String::new, |(name, _)| name.to_owned());
        if understood.iter().any(|other: &String| name(other) == name(&directive)) {
            return Err(format!("It is said twice how much is logged: leave out {} or the other one.", quoted(part)));
        }
        understood.push(directive);
    }
    if understood.is_empty() {
        return Err(level("").err().unwrap_or_default());
    }
    // A filter by part only logs of the rest what one that says nothing would.
    if understood.iter().all(|directive| directive.contains('=')) {
        understood.push("info".to_owned());
    }
    EnvFilter::try_new(understood.join(",")).map_err(|error| format!("{error}."))
}

/// A level, however it is written.
fn level(word: &str) -> Result<&'static str, String> {
    let found = LEVELS.into_iter().find(|level| level.eq_ignore_ascii_case(word));
    found.ok_or_else(|| {
        format!(
            "Give error, warn, info, debug, trace or off, or by part, as in info,belfry_server=debug; the nearest to {} is \"{}\".",
            quoted(word),
            nearest(word)
        )
    })
}

/// A package, or a room of the server.
fn place(word: &str) -> Result<&str, String> {
    let rooms = || ROOMS.into_iter().map(|room| format!("belfry_server::{room}"));
    if PACKAGES.contains(&word) || rooms().any(|room| room == word) {
        return Ok(word);
    }
    let known = PACKAGES.into_iter().map(str::to_owned).chain(rooms());
    let nearest = known.min_by_key(|known| strsim::damerau_levenshtein(word, known)).unwrap_or_default();
    Err(format!("There is no part {} that could be logged; the nearest one is \"{nearest}\".", quoted(word)))
}

/// Who has typed a word and more means the word.
fn nearest(word: &str) -> &'static str {
    let word = word.to_lowercase();
    let distance = |level: &&str| if word.starts_with(level) { 0 } else { strsim::damerau_levenshtein(&word, level) };
    LEVELS.into_iter().min_by_key(distance).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_understood_alone_and_by_part() {
        for (typed, understood) in [
            ("error", "error"),
            ("TRACE", "trace"),
            ("off", "off"),
            ("info,belfry_server=debug", "belfry_server=debug,info"),
            ("belfry_server::store=trace", "belfry_server::store=trace,info"),
            (" warn , belfry = Debug ", "belfry=debug,warn"),
        ] {
            assert_eq!(understand(typed).unwrap().to_string(), understood, "{typed}");
        }
    }

    #[test]
    fn whatever_is_mistyped_is_named_with_the_nearest_word() {
        for (typed, near) in [
            ("warning", "warn"),
            ("inof", "info"),
            ("debugg", "debug"),
            ("eror", "error"),
            ("none", "off"),
            ("5", ""),
            ("info,warning", "warn"),
            ("belfry_server=loud", ""),
            ("belfry_sever=debug", "belfry_server"),
            ("belfry_server::stroe=trace", "belfry_server::store"),
            ("info,belfry_server::store::apply=trace", "belfry_server::store"),
            ("belfry-server=debug", "belfry_server"),
        ] {
            let said = understand(typed).unwrap_err();
            assert!(said.ends_with('.') && (near.is_empty() || said.contains(&format!("is \"{near}\""))), "{typed}: {said}");
        }
        for typed in ["belfry_server", "info,warn", "belfry=info,belfry=warn", "", ",", "[span]=info", "info=", "=info"] {
            assert!(understand(typed).is_err(), "{typed:?}");
        }
    }

    #[test]
    fn the_rooms_are_those_that_there_are() {
        let declared = include_str!("../../../src/lib.rs").lines().filter_map(|line| {
            let (_, name) = line.split_once("mod ")?;
            name.strip_suffix(';')
        });
        let mut declared: Vec<_> = declared.collect();
        declared.sort_unstable();
        assert_eq!(declared, ROOMS);
    }
}
