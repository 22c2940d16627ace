//! The audit log: who did what on whom, noted in the transaction that did it.

use belfry_core::chat::AuditEntry;
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, params};

use super::column::{clamped, number, time, words};
use super::error::Trouble;
use super::page::{Limit, taken};
use super::{AuditRecord, NoticeSent, Outcome};

const ADD: &str = "INSERT INTO audit (at, account, act, object, detail) VALUES (?1, ?2, ?3, ?4, ?5)";
const BEFORE: &str = "SELECT e.id, e.at, a.name, e.act, e.object, e.detail FROM audit e CROSS JOIN accounts a ON a.id = e.account
    WHERE e.id < ?1 ORDER BY e.id DESC LIMIT ?2";

/// Notes that something was done, unless it had been done before: a notice that is sent again has been noted.
pub(super) fn note(connection: &Connection, at: UnixMillis, entry: AuditRecord, outcome: &Outcome) -> Result<(), Trouble> {
    let object = match outcome {
        Outcome::NoticeSent(NoticeSent { repeated: true, .. }) => return Ok(()),
        Outcome::NoticeSent(NoticeSent { sent, .. }) => format!("notice {}", sent.notice.id.0),
        Outcome::Scheduled(schedule) => format!("schedule {}", schedule.id.0),
        _ => entry.object,
    };
    connection.prepare_cached(ADD)?.execute(params![clamped(at.0), clamped(entry.account.0), entry.act, object, entry.detail])?;
    Ok(())
}

pub(super) fn read(connection: &Connection, before: Option<u64>, limit: u32) -> Result<Outcome, Trouble> {
    let limit = Limit::new(limit);
    let before = before.map_or(i64::MAX, clamped);
    let mut statement = connection.prepare_cached(BEFORE)?;
    let rows = statement.query_map([before, i64::from(limit.rows())], |row| {
        Ok(AuditEntry {
            id: number(row, 0)?,
            at: time(row, 1)?,
            who: words(row, 2)?,
            act: row.get(3)?,
            object: row.get(4)?,
            detail: row.get(5)?,
        })
    })?;
    Ok(Outcome::Read(limit.fill(rows, taken)?.into()))
}

#[cfg(test)]
mod tests {
    use super::super::{NamedAccount, Overview, Store, Work};
    use belfry_core::chat::{AccountId, Answer, Page, Refusal, Role};

    use super::super::fixture::{add, ask, each_store, named, notice_to, sent};
    use super::*;

    fn audited(by: AccountId, act: &'static str, object: &str, work: Work) -> Work {
        let entry = AuditRecord { account: by, act, object: object.into(), detail: String::new() };
        Work::Audited { entry, work: Box::new(work) }
    }

    fn lines(store: &mut Store, before: Option<u64>, limit: u32) -> (Vec<(u64, String)>, bool) {
        let outcome = ask(store, 99, Work::ReadAudit { before, limit });
        let Ok(Outcome::Read(Answer::Audit(Page { entries, more }))) = outcome else { panic!("{outcome:?}") };
        (entries.into_iter().map(|entry| (entry.at.0, format!("{} {} {}", entry.who, entry.act, entry.object))).collect(), more)
    }

    #[test]
    fn what_was_done_is_noted_and_what_was_refused_is_not() {
        each_store(|store| {
            let (root, anna) = (add(store, "root"), add(store, "anna"));
            let promote = |typed| audited(root, "user.role", "anna", Work::SetRole { account: named(typed), role: Role::Admin });
            assert_eq!(ask(store, 7, promote("anna")), Ok(Outcome::NamedAccount(NamedAccount { account: anna })));
            assert_eq!(ask(store, 8, promote("nobody")), Err(Refusal::UnknownAccount));
            assert_eq!(lines(store, None, 9), (vec![(7, "root user.role anna".into())], false));
        });
    }

    #[test]
    fn a_notice_is_noted_with_its_number_and_once() {
        each_store(|store| {
            let (root, _anna) = (add(store, "root"), add(store, "anna"));
            for at in 1..=2 {
                sent(ask(store, at, audited(root, "notice.send", "", notice_to(root, 1, &["anna"]))));
            }
            assert_eq!(lines(store, None, 9), (vec![(1, "root notice.send notice 1".into())], false));
        });
    }

    #[test]
    fn an_act_that_cannot_be_noted_is_not_done() {
        each_store(|store| {
            let anna = add(store, "anna");
            let work = audited(AccountId(99), "user.role", "anna", Work::SetRole { account: named("anna"), role: Role::Admin });
            assert_eq!(ask(store, 7, work), Err(Refusal::StoreFailed));
            let Ok(Outcome::Overview(Overview { account, .. })) = ask(store, 8, Work::Overview { account: anna }) else { panic!() };
            assert_eq!(account.role, Role::Member);
        });
    }

    #[test]
    fn the_log_is_read_in_pages_from_the_newest_back() {
        each_store(|store| {
            let root = add(store, "root");
            for at in 1..=5 {
                ask(store, at, audited(root, "user.enable", "anna", Work::SetDisabled { account: named("root"), disabled: false }))
                    .unwrap();
            }
            let ats = |(lines, more): (Vec<(u64, String)>, bool)| (lines.into_iter().map(|line| line.0).collect::<Vec<_>>(), more);
            assert_eq!(ats(lines(store, None, 2)), (vec![5, 4], true));
            assert_eq!(ats(lines(store, Some(2), 2)), (vec![1], false));
        });
    }
}
