//! The server's settings in layers: what was typed, over the file, over the defaults. Each is text until it is understood.

use belfry_core::net::InWords;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::num::IntErrorKind;
use std::path::{Path, PathBuf};

use belfry_core::text_file;
use toml::{Table, Value};

use crate::ending::{Ending, Outcome};
use crate::sentence::{cannot_be, quoted};

/// Every key, its default and what it is for: what `--print-config` prints is where the defaults come from.
pub(crate) const DEFAULTS: &str = include_str!("defaults.toml");

/// How to make a file that can be read, where the usual way makes another.
const SAVE: &str = "Save it as UTF-8; in PowerShell: belfry serve --print-config | Set-Content -Encoding utf8 FILE.";

/// Settings by their names, such as `retention.message_age`.
type Values = BTreeMap<String, String>;

/// What was typed, over the file, over the defaults.
#[derive(Debug)]
pub(super) struct Layers {
    typed: Values,
    file: Values,
    file_path: PathBuf,
    defaults: Values,
}

impl Layers {
    /// Joins what was typed (flags and environment; nothing empty) with the file, if there is one.
    ///
    /// # Errors
    /// The file cannot be read, is no TOML, or has a key that nobody knows.
    pub(super) fn new(typed: Values, file: Option<&Path>) -> Outcome<Self> {
        let defaults = flat(&parse(DEFAULTS, Path::new("the defaults"))?, Path::new("the defaults"))?;
        let mut layers = Self { typed, file: Values::new(), file_path: file.map(Path::to_owned).unwrap_or_default(), defaults };
        if let Some(path) = file {
            let cannot = |why: &dyn Display| format!("The configuration {} {why}", path.display());
            let bytes =
                std::fs::read(path).map_err(|error| Ending::refused(cannot(&format_args!("cannot be read: {}.", InWords(&error)))))?;
            let text = text_file::read(&bytes).map_err(|why| Ending::usage(cannot(&format_args!("{why}. {SAVE}"))))?;
            layers.file = flat(&parse(&text, path)?, path)?;
            if let Some(unknown) = layers.file.keys().find(|name| !layers.defaults.contains_key(*name)) {
                return Err(layers.unknown(unknown, path));
            }
            layers.file.retain(|_, value| !value.is_empty());
        }
        Ok(layers)
    }

    fn unknown(&self, name: &str, path: &Path) -> Ending {
        let last = |known: &str| known.rsplit('.').next().unwrap_or_default().to_owned();
        let distance = |known: &str| strsim::damerau_levenshtein(name, known).min(strsim::damerau_levenshtein(&last(name), &last(known)));
        if let Some(within) = self.defaults.keys().find(|known| known.split_once('.').is_some_and(|(section, _)| section == name)) {
            let (path, key) = (path.display(), within.split_once('.').map_or("", |(_, key)| key));
            return Ending::usage(format_args!("{name} in {path} is a section: write [{name}], and below it its keys, such as {key}."));
        }
        let nearest = self.defaults.keys().min_by_key(|known| distance(known)).map_or("", String::as_str);
        Ending::usage(format_args!(
            "{} has a key \"{name}\", which there is not; the nearest one is \"{nearest}\". `belfry serve --print-config` shows them all.",
            path.display()
        ))
    }

    /// What a setting comes to, and how to name where it comes from.
    pub(super) fn text(&self, name: &str) -> &str {
        let found = self.typed.get(name).or_else(|| self.file.get(name)).or_else(|| self.defaults.get(name));
        found.map_or("", String::as_str)
    }

    /// Understands a setting.
    ///
    /// # Errors
    /// Wrong usage, with where the value comes from and what is wrong with it.
    pub(super) fn read<T, E: Display>(&self, name: &str, understand: impl FnOnce(&str) -> Result<T, E>) -> Outcome<T> {
        understand(self.text(name)).map_err(|error| self.wrong(name, error))
    }

    /// A setting is not what it can be.
    pub(super) fn wrong(&self, name: &str, error: impl Display) -> Ending {
        self.cannot_be(name, self.text(name), error)
    }

    /// A setting, or one of several things that it names, is not what it can be.
    pub(super) fn cannot_be(&self, name: &str, value: &str, error: impl Display) -> Ending {
        let word = name.rsplit('.').next().unwrap_or_default();
        let place = if self.typed.contains_key(name) {
            format!("--{} or BELFRY_{}", word.replace('_', "-"), word.to_uppercase())
        } else {
            format!("{name} in {}", self.file_path.display())
        };
        Ending::usage(cannot_be(&place, value, &error.to_string()))
    }

    /// The names of all settings.
    #[cfg(test)]
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.defaults.keys().map(String::as_str)
    }
}

fn parse(text: &str, path: &Path) -> Outcome<Table> {
    text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| 1 + text.bytes().take(span.start).filter(|&byte| byte == b'\n').count());
        let (path, written) = (path.display(), quoted(text.lines().nth(line - 1).unwrap_or_default().trim()));
        let (_, value) = text.lines().nth(line - 1).unwrap_or_default().split_once('=').unwrap_or_default();
        let number = value.split('#').next().unwrap_or_default().trim().replace('_', "").parse::<i64>();
        Ending::usage(if error.message().contains("duplicate key") {
            format!("Line {line} of {path} says something a second time: {written}; keep one of the two.")
        } else if number.is_err_and(|error| matches!(error.kind(), IntErrorKind::PosOverflow | IntErrorKind::NegOverflow)) {
            format!("Line {line} of {path} has a number that is too large: {written}.")
        } else {
            format!(
                "Line {line} of {path} is not as TOML is written: {written}; words stand between quotation marks, as in log = \"info\", and \
                 numbers, true and false do not."
            )
        })
    })
}

/// The table without its sections.
fn flat(table: &Table, path: &Path) -> Outcome<Values> {
    let mut values = Values::new();
    for (name, value) in table {
        if let Value::Table(section) = value {
            for (inner, value) in section {
                let name = format!("{name}.{inner}");
                values.insert(name.clone(), typed(&name, value, path)?);
            }
        } else {
            values.insert(name.clone(), typed(name, value, path)?);
        }
    }
    Ok(values)
}

/// A value as it would be typed behind a flag; a list with commas.
fn typed(name: &str, value: &Value, path: &Path) -> Outcome<String> {
    match value {
        Value::String(text) => Ok(text.trim().to_owned()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Boolean(flag) => Ok(flag.to_string()),
        Value::Array(list) => Ok(list.iter().map(|value| typed(name, value, path)).collect::<Outcome<Vec<_>>>()?.join(",")),
        // As long as the name is a known one, what it wants is said when the value is read.
        Value::Float(number) => Ok(number.to_string()),
        Value::Datetime(time) => Ok(time.to_string()),
        Value::Table(_) => Err(Ending::usage(format_args!("{name} in {} is a section within a section; there are none.", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(content: &str) -> Outcome<Layers> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("belfry.toml");
        std::fs::write(&path, content).unwrap();
        Layers::new(Values::new(), Some(&path))
    }

    fn complaint(content: &str) -> String {
        with_file(content).unwrap_err().sentence.unwrap()
    }

    #[test]
    fn what_was_typed_goes_over_the_file_and_that_over_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("belfry.toml");
        std::fs::write(&path, "log = \"warn\"\nregistration = \"closed\"\n").unwrap();
        let typed = Values::from([("log".to_owned(), "trace".to_owned())]);
        let layers = Layers::new(typed, Some(&path)).unwrap();
        assert_eq!(["log", "registration", "log_format"].map(|name| layers.text(name)), ["trace", "closed", "text"]);
    }

    #[test]
    fn a_mistyped_key_is_named_with_the_nearest_known_one() {
        for (typed, near) in [
            ("registraton = \"open\"", "registration"),
            ("[retention]\nmesage_age = \"1d\"", "retention.message_age"),
            ("notice_age = \"1d\"", "retention.notice_age"),
            ("[limit]\nposts_per_second = 1", "limits.posts_per_second"),
        ] {
            let said = complaint(typed);
            assert!(said.contains(&format!("the nearest one is \"{near}\"")), "{said}");
        }
    }

    #[test]
    fn what_is_no_toml_is_said_with_its_line() {
        let said = complaint("log = \"info\"\nregistration = open\n");
        assert!(said.starts_with("Line 2 of "), "{said}");
        let said = complaint("[limits]\nmegabytes_a_day = 18_446_744_073_709_551_615 # all\n");
        assert!(said.starts_with("Line 2 of ") && said.contains(" has a number that is too large: "), "{said}");
    }

    #[test]
    fn a_value_in_the_place_of_a_section_is_told_what_stands_there() {
        let said = complaint("limits = \"x\"\n");
        assert!(said.contains("limits in ") && said.contains(" is a section: write [limits]"), "{said}");
    }

    #[test]
    fn an_empty_value_is_none() {
        assert_eq!(with_file("log = \"\"\n").unwrap().text("log"), "info");
    }

    #[test]
    fn every_key_has_a_comment_above_it_or_above_its_neighbours() {
        let mut explained = false;
        for line in DEFAULTS.lines() {
            match line.chars().next() {
                Some('#') => explained = true,
                None | Some('[') => explained = false,
                Some(_) => assert!(explained, "{line}"),
            }
        }
    }
}
