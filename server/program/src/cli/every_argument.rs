//! Every argument of every command, as clap lists them, with values that cannot be meant: whatever is said about it has the form of the
//! contract. A new argument that says nothing of its own fails here.

use std::ffi::OsString;

use belfry_core::chat::Refusal;
use clap::{Arg, Command as Clap, CommandFactory as _, ValueHint};

use super::*;
use crate::ending::Exit;
use crate::sentence::quoted;

/// Values that hardly anything can be; each kind of argument refuses some of them.
fn wrong_values() -> Vec<String> {
    let long = "x".repeat(70_000);
    let odd = [
        "",
        " ",
        "0",
        "-1",
        "-name",
        "1.5",
        "99999999999999999999999",
        "a/b",
        "a\\b:c",
        "two\nlines",
        "\u{1b}[2Jx",
        "\u{202e}x",
        "%s",
        "None",
    ];
    odd.iter().map(|&value| value.to_owned()).chain([long]).collect()
}

/// Values of which each kind of argument takes one.
const RIGHT: [&str; 8] = ["7", "bob", "member", "aaaaaaa", "10s", "jsonl", "true", "127.0.0.1:1"];

/// Arguments that take every word: the first letters of a key are looked for on the server.
const TAKE_ANYTHING: [&str; 1] = ["user revoke DEVICE"];

/// What no sentence to a person has in it: Rust's notation, the system's numbers, clap's and SQLite's words.
const FOREIGN: [&str; 22] = [
    "..=",
    "Some(",
    "None)",
    "Ok(",
    "Err(",
    "os error",
    "invalid value",
    "invalid digit",
    "found in string",
    "ParseInt",
    "unexpected argument",
    "were not provided",
    "unrecognized",
    "possible values",
    "\\\\",
    "\\u{",
    "{:",
    "SQLITE",
    "Utf8Error",
    "\u{1b}",
    "\n",
    "  ",
];

/// That a sentence has the form that people and scripts are promised.
#[track_caller]
fn assert_form(sentence: &str) {
    let foreign = FOREIGN.iter().find(|foreign| sentence.contains(**foreign));
    assert_eq!(foreign, None, "{sentence}");
    assert!(sentence.ends_with('.') && sentence.chars().count() <= 400, "{sentence}");
    assert!(sentence.starts_with(|first: char| !first.is_whitespace()), "{sentence}");
}

/// Every command that does something, with the words that call it.
fn commands(command: &Clap, path: &[String], each: &mut impl FnMut(&Clap, &[String])) {
    for inner in command.get_subcommands() {
        let path = [path, &[inner.get_name().to_owned()]].concat();
        if inner.has_subcommands() { commands(inner, &path, each) } else { each(inner, &path) }
    }
}

fn every_command(mut each: impl FnMut(&Clap, &[String])) {
    let mut root = Arguments::command();
    root.build();
    commands(&root, &[], &mut each);
}

fn typed(path: &[String], rest: &[&str]) -> Vec<OsString> {
    let path = path.iter().map(String::as_str);
    std::iter::once("belfry").chain(path).chain(rest.iter().copied()).map(OsString::from).collect()
}

/// What is said about these words; `None` when nothing is wrong with them, or when the help was asked for.
fn said(path: &[String], rest: &[&str]) -> Option<String> {
    let wrong = match understand(&typed(path, rest)) {
        Ok(Arguments { command: Command::Serve(args) }) => args.understand().map(drop).err(),
        Ok(_) | Err(Wrong::Asked(_)) => None,
        Err(Wrong::Usage(ending)) => Some(ending),
    }?;
    // A file of settings is opened to see what is in it; that it is not there is no matter of how it was typed.
    if wrong.exit == Exit::Refused {
        return None;
    }
    assert_eq!(wrong.exit, Exit::Usage, "{path:?} {rest:?}");
    let sentence = wrong.sentence.expect("wrong usage is explained");
    assert_form(&sentence);
    Some(sentence)
}

/// What an argument is called in a sentence.
fn name(argument: &Arg) -> String {
    match argument.get_long() {
        Some(long) => format!("--{long}"),
        None => {
            argument.get_value_names().and_then(|names| names.first()).map_or_else(|| argument.get_id().to_string(), ToString::to_string)
        }
    }
}

/// Right values for the words that stand before this one.
fn words_before(command: &Clap, path: &[String], argument: &Arg) -> Vec<&'static str> {
    let mut before = vec!["--"];
    for earlier in command.get_positionals().take_while(|earlier| earlier.get_index() < argument.get_index()) {
        let about =
            |sentence: Option<String>| sentence.is_some_and(|sentence| sentence.starts_with(&format!("{} cannot be", name(earlier))));
        let right = RIGHT.into_iter().find(|&right| !about(said(path, &[before.clone(), vec![right]].concat())));
        before.push(right.unwrap_or_else(|| panic!("no right value for {} of {path:?}", name(earlier))));
    }
    before
}

#[test]
fn the_command_line_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn a_value_that_cannot_be_is_told_with_its_argument_and_what_can_be() {
    every_command(|command, path| {
        for argument in command.get_arguments().filter(|argument| argument.get_action().takes_values()) {
            let name = name(argument);
            let takes_anything = matches!(argument.get_value_hint(), ValueHint::AnyPath | ValueHint::DirPath)
                || TAKE_ANYTHING.contains(&format!("{} {name}", path.join(" ")).as_str());
            let mut refused = 0;
            for wrong in wrong_values() {
                let with_flag = format!("{name}={wrong}");
                // Two values stand behind the flag, one stands in one word with it: that way it may begin with a dash.
                let two = argument.get_num_args().is_some_and(|count| count.min_values() > 1);
                let mut words = match (argument.is_positional(), two) {
                    (true, _) => words_before(command, path, argument),
                    (false, true) => vec![name.as_str(), &wrong, "bob"],
                    (false, false) => vec![with_flag.as_str()],
                };
                if argument.is_positional() {
                    words.push(&wrong);
                }
                let Some(sentence) = said(path, &words)
                    .filter(|sentence| sentence.starts_with(&format!("{name} ")) && !sentence.contains("needs all of its values"))
                else {
                    continue;
                };
                refused += 1;
                // Of a list, the part that is wrong is told.
                let shown = argument.get_value_delimiter().is_some()
                    || sentence.contains(&quoted(wrong.trim()))
                    || sentence.contains(&quoted(&wrong));
                assert!(shown || wrong.trim().is_empty(), "{sentence}");
                assert!(sentence.contains(": ") && sentence.len() < name.len() + 300, "{sentence}");
            }
            assert!(refused > 0 || takes_anything, "{} {name} takes every word; give it a value parser of its own", path.join(" "));
        }
    });
}

#[test]
fn an_option_without_its_value_is_told() {
    every_command(|command, path| {
        for argument in command.get_opts() {
            let flag = name(argument);
            for words in [vec![flag.as_str()], vec![flag.as_str(), "--help"], vec![flag.as_str(), "-name"]] {
                if argument.is_allow_negative_numbers_set() && words.len() > 1 {
                    continue;
                }
                let sentence = said(path, &words).unwrap_or_else(|| panic!("{path:?} {words:?}"));
                assert!(sentence.starts_with(&flag), "{sentence}");
            }
        }
    });
}

#[test]
fn a_switch_with_a_value_or_given_twice_is_told() {
    every_command(|command, path| {
        for argument in command.get_arguments().filter(|argument| argument.get_long().is_some() && !argument.get_action().takes_values()) {
            let flag = name(argument);
            if flag == "--help" {
                continue;
            }
            assert_eq!(said(path, &[&format!("{flag}=3")]), Some(format!("{flag} takes no value.")));
            assert_eq!(said(path, &[&flag, &flag]), Some(format!("{flag} is given twice; give it once.")));
        }
    });
}

#[test]
fn what_a_command_does_not_know_is_told() {
    every_command(|_, path| {
        for strange in ["--nonsense", "-x", "--jsno"] {
            let sentence = said(path, &[strange]).expect("it is wrong");
            assert!(sentence.contains(strange) && sentence.starts_with(&path.join(" ")), "{sentence}");
        }
        let many = ["7"; 9];
        let Some(sentence) = said(path, &[&["--"][..], &many].concat()) else { return };
        assert!(sentence.contains(&path.join(" ")), "{sentence}");
    });
}

#[test]
fn a_command_that_needs_more_says_what() {
    every_command(|command, path| {
        let required: Vec<_> = command.get_arguments().filter(|argument| argument.is_required_set()).map(name).collect();
        if let Some(sentence) = said(path, &[]) {
            assert!(required.iter().all(|name| sentence.contains(name.as_str())), "{sentence}");
            assert!(sentence.contains(" --help explains."), "{sentence}");
        } else {
            assert!(required.is_empty(), "{path:?}");
        }
    });
}

#[test]
fn a_group_of_commands_alone_says_which_there_are() {
    let bare = said(&[], &[]).unwrap();
    assert!(bare.contains("belfry serve") && bare.contains("belfry --help"), "{bare}");
    let notice = said(&["notice".to_owned()], &[]).unwrap();
    assert!(
        notice.starts_with("notice needs one of send, list, status,") && notice.ends_with("belfry notice --help explains them."),
        "{notice}"
    );
}

#[test]
fn sentences_as_they_are_read() {
    let line = |line: &str| said(&[], &line.split(' ').collect::<Vec<_>>()).unwrap();
    for (typed, expected) in [
        ("histroy --room lobby", "belfry has no command \"histroy\"; the nearest one is history."),
        ("notice sned x", "notice has no command \"sned\"; the nearest one is send."),
        ("send --room lobby", "send needs TEXT; belfry send --help explains."),
        ("send hi", "send needs --room ROOM or --to USER; belfry send --help explains."),
        ("send --room lobby --to bob hi", "--room and --to exclude each other; give one of them."),
        ("send --to a/b hi", "--to cannot be \"a/b\": a name cannot contain '/'."),
        ("send --room a\\b hi", "--room cannot be \"a\\b\": a name cannot contain '\\'."),
        ("send --to -name hi", "--to has no value; one that begins with a dash is written with a sign of equality, as in --to=-name."),
        ("send --room lobby a b", "send does not know what \"b\" is for; put quotation marks around a text of several words."),
        ("send --rom lobby hi", "send has no option \"--rom\"; the nearest one is --room."),
        ("history --room lobby --limit 0", "--limit cannot be \"0\": give a whole number of at least 1."),
        ("history --room lobby --limit x", "--limit cannot be \"x\": give a whole number of at least 1."),
        ("search --limit 101 x", "--limit cannot be \"101\": give a whole number from 1 to 100."),
        ("notice status x", "ID cannot be \"x\": give a whole number of at least 1."),
        ("notice status -- -5", "ID cannot be \"-5\": give a whole number of at least 1."),
        ("notice status -5", "ID cannot be \"-5\": give a whole number of at least 1."),
        ("notice status 1 --json --csv", "--json and --csv exclude each other; give one of them."),
        ("notice send --severity loud hi", "--severity cannot be \"loud\": give info, important or critical."),
        (
            "notice update 1",
            "notice update needs --severity SEVERITY, --title TITLE, --expires DURATION or BODY; belfry notice update --help explains.",
        ),
        ("who --connect-timeout 2h", "--connect-timeout cannot be \"2h\": give a length of time from 1s to 1h, such as 30s."),
        (
            "who --server http://tower",
            "--server cannot be \"http://tower\": a server is named by HOST, HOST:PORT or a link that begins with belfry://; leave out what stands before the host.",
        ),
        ("who extra", "who does not know what \"extra\" is for; belfry who --help explains."),
        ("originals --room lobby --between a b 3", "--room and --between exclude each other; give one of them."),
        ("group add nurses", "group add needs MEMBERS; belfry group add --help explains."),
        ("serve --log-format xml", "--log-format or BELFRY_LOG_FORMAT cannot be \"xml\": give text or json."),
    ] {
        assert_eq!(line(typed), expected, "{typed}");
    }
}

#[test]
fn a_word_that_is_not_unicode_is_told() {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt as _;
        let line: Vec<_> =
            ["belfry", "send", "--room", "lobby"].into_iter().map(OsString::from).chain([OsString::from_vec(vec![b'a', 0xff])]).collect();
        let Err(Wrong::Usage(ending)) = understand(&line) else { panic!() };
        assert_form(&ending.sentence.unwrap());
    }
}

#[test]
fn every_refusal_of_the_server_has_the_form() {
    for number in 0..200 {
        let refusal = Refusal::from(number);
        if !matches!(refusal, Refusal::Other(_)) {
            assert_form(&refusal.to_string());
        }
    }
}

#[test]
fn whatever_a_data_folder_or_its_database_is_refused_for_has_the_form() {
    use std::io::{Error, ErrorKind};
    use std::path::PathBuf;

    use belfry_server::identity::DataError;
    use belfry_server::store::StoreError;

    let path = || PathBuf::from("house");
    for number in 1..=133 {
        let error = || Error::from_raw_os_error(number);
        assert_form(&DataError::Folder { path: path(), error: error() }.to_string());
        assert_form(&DataError::Copy { path: path(), error: error() }.to_string());
        assert_form(&DataError::BackupUnread { path: path(), error: error() }.to_string());
        assert_form(&StoreError::Unusable { file: path(), reason: error() }.to_string());
    }
    for error in [
        DataError::LeadsNowhere { link: path(), to: path() },
        DataError::IdentityLeadsNowhere { link: path(), to: path() },
        DataError::BackupDamaged { path: path(), what: "it is not a Belfry database".to_owned() },
        DataError::Identity { path: path() },
        DataError::NoHouse { path: path() },
    ] {
        assert_form(&error.to_string());
    }
    let full = DataError::Copy { path: path(), error: ErrorKind::StorageFull.into() }.to_string();
    assert!(full.starts_with("The backup house cannot be written: the disk is full."), "{full}");
}
