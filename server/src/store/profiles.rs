//! What is said of people beside the names of their accounts.

use belfry_core::chat::{AccountName, NamedProfile, PersonProfile, ProfileChange, Refusal};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Outcome;
use super::column::{optional_words, words};
use super::confusables::{self, NameKind};
use super::error::Trouble;

/// The step of the schema.
pub(super) const STEP: &str = "
ALTER TABLE accounts ADD COLUMN display TEXT;
ALTER TABLE accounts ADD COLUMN department TEXT;
ALTER TABLE accounts ADD COLUMN telephone TEXT;
ALTER TABLE accounts ADD COLUMN status TEXT;
";

const OF: &str = "SELECT id, name, display, department, telephone, status FROM accounts WHERE name_key = ?1";
const SET: &str = "UPDATE accounts SET display = ?2, department = ?3, telephone = ?4, status = ?5 WHERE id = ?1";

/// What programs call the person before them: whoever were called so would seem to be everybody.
const OF_ONESELF: [&str; 6] = ["you", "me", "myself", "我", "你", "您"];

/// Reads four columns from this one on: `display`, `department`, `telephone`, `status`.
pub(super) fn read(row: &Row<'_>, from: usize) -> rusqlite::Result<PersonProfile> {
    Ok(PersonProfile {
        display: optional_words(row, from)?,
        department: optional_words(row, from + 1)?,
        telephone: optional_words(row, from + 2)?,
        status: optional_words(row, from + 3)?,
    })
}

/// Says something else of somebody. Nobody is called by the name of another's account, nor by what looks like it.
pub(super) fn set(connection: &Connection, account: &AccountName, changes: Vec<ProfileChange>) -> Result<Outcome, Trouble> {
    let found = connection
        .prepare_cached(OF)?
        .query_row([account.key()], |row| Ok((row.get::<_, i64>(0)?, words(row, 1)?, read(row, 2)?)))
        .optional()?;
    let (id, name, before): (_, AccountName, _) = found.ok_or(Refusal::UnknownAccount)?;
    let mut profile = before.clone();
    changes.into_iter().for_each(|change| profile.change(change));
    if let Some(display) = profile.display.as_ref().filter(|display| before.display.as_ref() != Some(display))
        && (OF_ONESELF.contains(&display.key().as_str())
            || confusables::is_anothers(connection, NameKind::Account, id, display.as_str(), &display.key())?)
    {
        return Err(Refusal::NameTaken.into());
    }
    let PersonProfile { display, department, telephone, status } = &profile;
    let row = params![
        id,
        display.as_ref().map(|display| display.as_str()),
        department.as_ref().map(|department| department.as_str()),
        telephone.as_ref().map(|telephone| telephone.as_str()),
        status.as_ref().map(|status| status.as_str()),
    ];
    connection.prepare_cached(SET)?.execute(row)?;
    Ok(NamedProfile { account: name, profile }.into())
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{DisplayName, ProfileLine, StatusText};

    use super::super::fixture::{add, ask, each_store};
    use super::super::{List, Store, StoredPerson, Work};
    use super::*;

    fn named(typed: &str) -> AccountName {
        AccountName::new(typed).unwrap()
    }

    fn called(typed: &str) -> ProfileChange {
        ProfileChange::Display(Some(DisplayName::new(typed).unwrap()))
    }

    fn set(store: &mut Store, account: &str, changes: Vec<ProfileChange>) -> Result<PersonProfile, Refusal> {
        match ask(store, 5, Work::SetProfile { account: named(account), changes })? {
            Outcome::ProfileSet(NamedProfile { profile, .. }) => Ok(profile),
            other => panic!("{other:?}"),
        }
    }

    fn listed(store: &mut Store) -> Vec<(String, PersonProfile)> {
        match ask(store, 9, Work::List(List::Everybody { after: None })) {
            Ok(Outcome::People(page)) => {
                page.entries.into_iter().map(|StoredPerson { name, profile, .. }| (name.to_string(), profile)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_said_of_somebody_stays_until_something_else_is() {
        each_store(|store| {
            add(store, "anna");
            add(store, "bob");
            let line = |typed: &str| Some(ProfileLine::new(typed).unwrap());
            let status = StatusText::new("in the workshop ☕️").unwrap();
            let all = PersonProfile {
                display: Some(DisplayName::new("Anna Berg").unwrap()),
                department: line("Research / hall 3"),
                telephone: line("+49 30 1234-56"),
                status: Some(status.clone()),
            };
            let changes = vec![
                called("Anna Berg"),
                ProfileChange::Department(all.department.clone()),
                ProfileChange::Telephone(all.telephone.clone()),
                ProfileChange::Status(Some(status)),
            ];
            assert_eq!(set(store, "ANNA", changes), Ok(all.clone()));
            assert_eq!(listed(store), [("anna".to_owned(), all.clone()), ("bob".to_owned(), PersonProfile::default())]);
            let less = PersonProfile { telephone: None, ..all };
            assert_eq!(set(store, "anna", vec![ProfileChange::Telephone(None)]), Ok(less.clone()));
            assert_eq!(listed(store)[0].1, less);
        });
    }

    #[test]
    fn nobody_is_called_by_anothers_account_nor_by_what_looks_like_it() {
        each_store(|store| {
            add(store, "anna");
            add(store, "Alice");
            for twin in ["Alice", "ALICE", "Аlice", "AIice", "You", "ME", "我", "您"] {
                assert_eq!(set(store, "anna", vec![called(twin)]), Err(Refusal::NameTaken), "{twin}");
            }
            for own in ["anna", "Anna", "Anna Berg"] {
                assert!(set(store, "anna", vec![called(own)]).is_ok(), "{own}");
            }
            assert!(set(store, "Alice", vec![called("Anna Berg")]).is_ok(), "two people may be called the same");
        });
    }

    #[test]
    fn one_who_was_called_so_before_somebody_had_that_account_goes_on() {
        each_store(|store| {
            add(store, "anna");
            set(store, "anna", vec![called("Dora")]).unwrap();
            add(store, "dora");
            assert!(set(store, "anna", vec![called("Dora"), ProfileChange::Status(None)]).is_ok());
            assert_eq!(set(store, "nobody", vec![]), Err(Refusal::UnknownAccount));
        });
    }
}
