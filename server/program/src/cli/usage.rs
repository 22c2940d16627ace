//! What is wrong with a command line, in one sentence of the program's own. clap finds the fault and says where; its words are for
//! programmers, so none of them is shown.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use crate::sentence::{cannot_be, quoted};

/// Explains `error`, which clap has found in the words `typed` (the first is the program) for `root`.
pub(super) fn explain(error: &clap::Error, root: &Command, typed: &[OsString]) -> String {
    let line = TypedLine::read(root, typed);
    let argument = text(error, ContextKind::InvalidArg);
    match error.kind() {
        ErrorKind::MissingRequiredArgument => line.missing(&texts(error, ContextKind::InvalidArg)),
        ErrorKind::UnknownArgument => line.unknown(&argument, &text(error, ContextKind::SuggestedArg)),
        ErrorKind::ArgumentConflict => conflict(&argument, &texts(error, ContextKind::PriorArg)),
        ErrorKind::InvalidValue => {
            line.not_among(&argument, &text(error, ContextKind::InvalidValue), &texts(error, ContextKind::ValidValue))
        }
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            line.cannot_be(&argument, &text(error, ContextKind::InvalidValue), &why)
        }
        ErrorKind::TooManyValues => format!("{} takes no value.", named(&argument)),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            let (flag, values) = argument.split_once(' ').unwrap_or((&argument, ""));
            format!("{flag} needs all of its values: {}.", plain(values))
        }
        ErrorKind::InvalidSubcommand => {
            let nearest = texts(error, ContextKind::SuggestedSubcommand);
            let (path, typed) = (line.path(), quoted(&text(error, ContextKind::InvalidSubcommand)));
            match nearest.last() {
                Some(nearest) => format!("{path} has no command {typed}; the nearest one is {nearest}."),
                None => format!("{path} has no command {typed}; {} lists them.", line.help()),
            }
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => line.no_command(),
        ErrorKind::InvalidUtf8 => not_utf8(typed),
        // clap has no other faults to find in these commands; should it find one, the way to the help is told.
        _ => format!("This is not how {} is written; {} explains.", line.path(), line.help()),
    }
}

/// The command line as it was typed, and how far its words name a command.
struct TypedLine<'a> {
    typed: &'a [OsString],
    command: &'a Command,
    /// `notice send`; empty for the program itself.
    words: Vec<&'a str>,
}

impl<'a> TypedLine<'a> {
    fn read(root: &'a Command, typed: &'a [OsString]) -> Self {
        let (mut command, mut words) = (root, Vec::new());
        for word in typed.iter().skip(1) {
            let Some(inner) = command.find_subcommand(word) else { break };
            command = inner;
            words.push(inner.get_name());
        }
        Self { typed, command, words }
    }

    /// `notice send`, or the program's name.
    fn path(&self) -> String {
        if self.words.is_empty() { "belfry".to_owned() } else { self.words.join(" ") }
    }

    fn help(&self) -> String {
        let words: String = self.words.iter().flat_map(|word| [word, " "]).collect();
        format!("belfry {words}--help")
    }

    fn missing(&self, arguments: &[String]) -> String {
        let arguments: Vec<_> = arguments.iter().map(|argument| plain(argument)).collect();
        format!("{} needs {}; {} explains.", self.path(), joined(&arguments, "and"), self.help())
    }

    fn no_command(&self) -> String {
        if self.words.is_empty() {
            return "Say what to do, as in \"belfry serve\" or \"belfry chat\"; belfry --help lists all commands.".to_owned();
        }
        let names: Vec<_> = self.command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        format!("{} needs one of {}; {} explains them.", self.path(), joined(&names, "and"), self.help())
    }

    fn unknown(&self, argument: &str, nearest: &str) -> String {
        // clap takes "-name" apart and tells its first letter.
        let is =
            |exactly: bool| move |word: &OsString| if exactly { word == argument } else { word.to_string_lossy().starts_with(argument) };
        let at = self.typed.iter().skip(1).position(is(true)).or_else(|| self.typed.iter().skip(1).position(is(false))).map(|at| at + 1);
        let word = at.and_then(|at| self.typed.get(at)).map_or_else(|| argument.to_owned(), |word| word.to_string_lossy().into_owned());
        let before = at.and_then(|at| at.checked_sub(1)).and_then(|before| self.typed.get(before));
        if let Some(flag) = before.and_then(|before| self.flag_with_a_value(before)) {
            return format!(
                "--{flag} has no value; one that begins with a dash is written with a sign of equality, as in --{flag}={}.",
                shown(&word)
            );
        }
        let (path, help) = (self.path(), self.help());
        let takes_words = self.command.get_positionals().next().is_some();
        match (word.starts_with('-'), takes_words) {
            (true, _) if !nearest.is_empty() => format!("{path} has no option {}; the nearest one is {nearest}.", quoted(&word)),
            (true, true) => {
                format!(
                    "{path} has no option {}; put -- before words that begin with a dash, and see {help} for the options.",
                    quoted(&word)
                )
            }
            (true, false) => format!("{path} has no option {}; {help} lists them.", quoted(&word)),
            (false, true) => {
                format!("{path} does not know what {} is for; put quotation marks around a text of several words.", quoted(&word))
            }
            (false, false) => format!("{path} does not know what {} is for; {help} explains.", quoted(&word)),
        }
    }

    /// The long name of the option that is typed here and still wants its value.
    fn flag_with_a_value(&self, word: &OsStr) -> Option<&'a str> {
        let name = word.to_str()?.strip_prefix("--")?;
        let flag = self.command.get_arguments().find(|argument| argument.get_long() == Some(name))?;
        flag.get_action().takes_values().then(|| flag.get_long()).flatten()
    }

    fn not_among(&self, argument: &str, value: &str, among: &[String]) -> String {
        let among = joined(among, "or");
        match (value.is_empty(), among.is_empty()) {
            (true, true) => match argument.split_once(' ') {
                Some((_, value)) => format!("{} needs a value: {}.", named(argument), plain(value)),
                None => format!("{} cannot be empty: {} explains.", named(argument), self.help()),
            },
            (true, false) => format!("{} needs a value: {among}.", named(argument)),
            (false, _) => self.cannot_be(argument, value, &format!("Give {among}.")),
        }
    }

    fn cannot_be(&self, argument: &str, value: &str, why: &str) -> String {
        let name = named(argument);
        let typed = |flag: &Arg| {
            self.typed.iter().any(|word| word.to_string_lossy().starts_with(&format!("--{}", flag.get_long().unwrap_or_default())))
        };
        let flag = name.strip_prefix("--").and_then(|name| self.command.get_arguments().find(|argument| argument.get_long() == Some(name)));
        // What nobody typed stands in the environment.
        let variable = flag.filter(|flag| !typed(flag)).and_then(Arg::get_env).and_then(OsStr::to_str);
        cannot_be(variable.unwrap_or(&name), value, why)
    }
}

fn conflict(argument: &str, others: &[String]) -> String {
    let (argument, others) = (named(argument), others.iter().map(|other| named(other)).collect::<Vec<_>>());
    if others.is_empty() || others.contains(&argument) {
        return format!("{argument} is given twice; give it once.");
    }
    format!("{argument} and {} exclude each other; give one of them.", joined(&others, "and"))
}

/// The words are not UTF-8, or a variable is not: clap does not say which.
fn not_utf8(typed: &[OsString]) -> String {
    let word = typed.iter().find(|word| word.to_str().is_none()).map(|word| quoted(&word.to_string_lossy()));
    let variable = || std::env::vars_os().find(|(name, value)| name.to_string_lossy().starts_with("BELFRY_") && value.to_str().is_none());
    let what = word.or_else(|| variable().map(|(name, _)| name.to_string_lossy().into_owned())).unwrap_or_else(|| "A word".to_owned());
    format!("{what} is not UTF-8; set this terminal to UTF-8, or write it anew.")
}

/// `--limit <N>` is `--limit`, `<USER>...` is `USER`.
fn named(argument: &str) -> String {
    plain(argument.split(' ').next().unwrap_or(argument))
}

/// Without the marks of a usage line: `<--room <ROOM>|--to <USER>>` is `--room ROOM or --to USER`.
fn plain(argument: &str) -> String {
    let letters: String = argument.replace("...", "").chars().filter(|c| !matches!(c, '<' | '>' | '[' | ']')).collect();
    joined(&letters.split('|').map(str::to_owned).collect::<Vec<_>>(), "or")
}

/// `a, b or c`.
fn joined(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [word] => word.clone(),
        [words @ .., word] => format!("{} {last} {word}", words.join(", ")),
    }
}

/// A value within an example of how to write it, short and without what moves a cursor.
fn shown(value: &str) -> String {
    quoted(value).trim_matches('"').to_owned()
}

fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

fn text(error: &clap::Error, kind: ContextKind) -> String {
    texts(error, kind).into_iter().next().unwrap_or_default()
}
