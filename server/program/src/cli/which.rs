//! Which of several names the server does not know: its refusal says only that there is one.

use belfry_core::chat::{AccountName, Audience, Refusal, Request};
use belfry_core::limits::AUDIENCES_MAX;

use super::session::Session;
use crate::ending::{Ending, Outcome};
use crate::sentence;

/// Names that a sentence lists.
const NAMED_MAX: usize = 5;

/// Refusals that are about one of the names.
const UNKNOWN: [Refusal; 3] = [Refusal::UnknownAccount, Refusal::UnknownGroup, Refusal::UnknownRoom];

/// The same outcome; where the server has refused because of one of several names, with that name.
pub(super) fn named<T>(session: &mut Session, asked: &[Audience], outcome: Outcome<T>) -> Outcome<T> {
    outcome.map_err(|ending| {
        if asked.len() < 2 || !UNKNOWN.iter().any(|&unknown| ending == Ending::from(unknown)) {
            return ending;
        }
        let refuses = |part: &[Audience]| {
            let preview = session.ask(Request::PreviewNotice { audience: part.to_vec() });
            preview.is_err_and(|refused| refused == ending)
        };
        about(&unknown(asked, refuses), ending.clone())
    })
}

/// Those of the names that `refuses` refuses, each group of them asked about as a whole first.
fn unknown(asked: &[Audience], mut refuses: impl FnMut(&[Audience]) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut parts: Vec<&[Audience]> = asked.chunks(AUDIENCES_MAX).rev().collect();
    while let Some(part) = parts.pop() {
        if found.len() >= NAMED_MAX || !refuses(part) {
            continue;
        }
        match part {
            [one] => found.push(name(one)),
            part => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
        }
    }
    found
}

fn name(audience: &Audience) -> String {
    match audience {
        Audience::Everyone => "everyone".to_owned(),
        Audience::Account(name) => name.to_string(),
        Audience::Group(name) => name.to_string(),
        Audience::Room(name) => name.to_string(),
    }
}

/// An ending with whom it is about before its sentence.
fn about(names: &[String], ending: Ending) -> Ending {
    match ending.sentence {
        Some(sentence) if !names.is_empty() => Ending { sentence: Some(format!("{}: {sentence}", names.join(", "))), ..ending },
        _ => ending,
    }
}

/// Does something with each of several people. One with whom it cannot be done is named on standard error, and the others' turn comes all
/// the same; the exit code is the one of the first of them. What is no matter of the person ends it.
pub(super) fn each(session: &mut Session, people: Vec<AccountName>, act: impl Fn(&mut Session, AccountName) -> Outcome) -> Outcome {
    let several = people.len() > 1;
    let mut first = None;
    for person in people {
        match act(session, person.clone()) {
            Err(ending) if several && is_of_the_person(&ending) => {
                let ending = about(&[person.to_string()], ending);
                if let Some(sentence) = &ending.sentence {
                    sentence::complain(sentence);
                }
                first.get_or_insert(ending.exit);
            }
            outcome => outcome?,
        }
    }
    first.map_or(Ok(()), |exit| Err(Ending::quiet(exit)))
}

fn is_of_the_person(ending: &Ending) -> bool {
    [Refusal::UnknownAccount, Refusal::NobodyThere].iter().any(|&refusal| *ending == Ending::from(refusal))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(names: &[&str]) -> Vec<Audience> {
        names.iter().map(|name| Audience::Account(name.parse().unwrap())).collect()
    }

    #[test]
    fn those_that_are_unknown_are_found_with_few_questions() {
        let asked: Vec<_> = (0..200).map(|n| format!("person{n}")).collect();
        let asked = people(&asked.iter().map(String::as_str).collect::<Vec<_>>());
        let strange = people(&["person7", "person150"]);
        let mut questions = 0;
        let found = unknown(&asked, |part| {
            questions += 1;
            assert!(part.len() <= AUDIENCES_MAX);
            part.iter().any(|one| strange.contains(one))
        });
        assert_eq!(found, ["person7", "person150"]);
        assert!(questions < 40, "{questions}");
    }

    #[test]
    fn a_sentence_lists_a_few_of_many() {
        let asked = people(&["a", "b", "c", "d", "e", "f", "g"]);
        assert_eq!(unknown(&asked, |_| true).len(), NAMED_MAX);
        let ending = about(&["a".to_owned(), "b".to_owned()], Refusal::UnknownAccount.into());
        assert_eq!(ending, Ending::refused("a, b: There is no account of that name."));
    }
}
