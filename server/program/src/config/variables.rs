//! Environment variables that nobody reads: a mistyped one must not be as good as none.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::Command;

use crate::ending::{Ending, Outcome};

/// Variables that are read elsewhere than beside a flag.
const MORE: [&str; 4] = ["BELFRY_PASSWORD", "BELFRY_NEW_PASSWORD", "BELFRY_PROFILE", "BELFRY_ADMIN_PASSWORD"];

/// So many letters are a slip of the fingers.
const SLIP: usize = 2;

/// Looks for variables that begin as ours do and are none. Gives those that are like none of ours, for the log.
///
/// # Errors
/// Wrong usage where one is nearly one of ours: what it was to say would not be heard.
pub(crate) fn check_variables(command: &Command, environment: impl IntoIterator<Item = (OsString, OsString)>) -> Outcome<Vec<String>> {
    let mut known: BTreeSet<String> = MORE.iter().map(ToString::to_string).collect();
    collect(command, &mut known);
    let mut others = Vec::new();
    for (name, value) in environment {
        let name = name.to_string_lossy().into_owned();
        if value.is_empty() || !name.to_uppercase().starts_with("BELFRY_") || known.contains(&name) {
            continue;
        }
        let distance = |known: &&String| strsim::damerau_levenshtein(&name.to_uppercase(), known);
        match known.iter().min_by_key(distance).filter(|nearest| distance(nearest) <= SLIP) {
            // Windows does not tell capitals from others in names.
            Some(nearest) if cfg!(windows) && *nearest == name.to_uppercase() => {}
            Some(nearest) => {
                return Err(Ending::usage(format_args!("{name} is set, and there is no such variable; the nearest one is {nearest}.")));
            }
            None => others.push(name),
        }
    }
    Ok(others)
}

fn collect(command: &Command, known: &mut BTreeSet<String>) {
    known.extend(command.get_arguments().filter_map(|argument| Some(argument.get_env()?.to_string_lossy().into_owned())));
    command.get_subcommands().for_each(|command| collect(command, known));
}

#[cfg(test)]
mod tests {
    use clap::Args as _;

    use super::*;
    use crate::config::{ConnectionArgs, ServeArgs};

    fn commands() -> Command {
        ServeArgs::augment_args(Command::new("belfry").subcommand(ConnectionArgs::augment_args(Command::new("chat"))))
    }

    fn check(name: &str) -> Outcome<Vec<String>> {
        check_variables(&commands(), [(name.into(), "x".into())])
    }

    #[test]
    fn a_mistyped_variable_is_refused_with_the_nearest_one() {
        for (typed, near) in
            [("BELFRY_REGISTRATON", "BELFRY_REGISTRATION"), ("BELFRY_LSITEN", "BELFRY_LISTEN"), ("BELFRY_LOGS", "BELFRY_LOG")]
        {
            let said = check(typed).unwrap_err().sentence.unwrap();
            assert!(said.ends_with(&format!("the nearest one is {near}.")), "{said}");
        }
        if cfg!(not(windows)) {
            assert!(check("belfry_log").is_err());
        }
    }

    #[test]
    fn ours_are_ours_and_those_of_others_are_told_only() {
        for ours in MORE.into_iter().chain(["BELFRY_LOG", "BELFRY_SERVER", "BELFRY_CONFIG", "PATH", "BELFRYX"]) {
            assert_eq!(check(ours), Ok(Vec::new()), "{ours}");
        }
        assert_eq!(check("BELFRY_BACKUP_TARGET"), Ok(vec!["BELFRY_BACKUP_TARGET".to_owned()]));
        assert_eq!(check_variables(&commands(), [("BELFRY_LOGS".into(), "".into())]), Ok(Vec::new()));
    }
}
