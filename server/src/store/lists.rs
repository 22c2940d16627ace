//! Lists, a page at a time: those in order of names, and which file reads the others.

use belfry_core::chat::{Account, AccountId, AccountName, ConversationId, Group, GroupName, Keep, Refusal, Room, RoomName, Standing};
use belfry_core::limits::PAGE_ENTRIES_MAX;
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, Params, Row, params};

use super::column::{clamped, number, optional_number, optional_time, optional_words, time, words};
use super::error::Trouble;
use super::page::{Limit, taken};
use super::{List, Outcome, StoredPerson, accounts, conversations, notices, plans, profiles, timelines, would_go};

const EVERYBODY: &str = "SELECT id, name, last_seen, display, department, telephone, status FROM accounts WHERE name_key > ?1 AND disabled = 0 ORDER BY name_key LIMIT ?2";
const ACCOUNTS: &str = "SELECT id, name, role, disabled, created_at, last_seen, display, department, telephone, status FROM accounts WHERE name_key > ?1 ORDER BY name_key LIMIT ?2";
const MEMBERS: &str = "SELECT a.id, a.name, a.last_seen, a.display, a.department, a.telephone, a.status FROM members m CROSS JOIN accounts a ON a.id = m.account
    WHERE m.conversation = ?3 AND a.name_key > ?1 AND a.disabled = 0 ORDER BY a.name_key LIMIT ?2";
const IN_GROUP: &str = "SELECT a.id, a.name, a.last_seen, a.display, a.department, a.telephone, a.status FROM group_members m CROSS JOIN accounts a ON a.id = m.account
    WHERE m.account_group = ?3 AND a.name_key > ?1 ORDER BY a.name_key LIMIT ?2";
const GROUPS: &str = "SELECT name, (SELECT count(*) FROM group_members WHERE account_group = id) FROM account_groups
    WHERE name_key > ?1 ORDER BY name_key LIMIT ?2";
const ROOMS: &str = "SELECT * FROM (SELECT c.room_name, c.private, o.name, c.keep_age, c.keep_messages,
        c.everyone OR EXISTS (SELECT 1 FROM members WHERE account = ?1 AND conversation = c.id) AS inside,
        EXISTS (SELECT 1 FROM invitations WHERE account = ?1 AND conversation = c.id) AS invited,
        iif(c.everyone, (SELECT count(*) FROM accounts), c.members),
        c.room_key
    FROM conversations c LEFT JOIN accounts o ON o.id = c.owner WHERE c.room_key > ?2 AND c.deleted_at IS NULL)
    WHERE private = 0 OR inside OR invited ORDER BY room_key LIMIT ?3";

pub(super) fn read(connection: &Connection, at: UnixMillis, list: List) -> Result<Outcome, Trouble> {
    match list {
        List::Everybody { after } => everybody(connection, after.as_ref()),
        List::Accounts { after } => all_accounts(connection, after.as_ref()),
        List::Members { account, room, after } => members(connection, account, room, after.as_ref()),
        List::GroupMembers { group, after } => group_members(connection, &group, after.as_ref()),
        List::Groups { after } => groups(connection, after.as_ref()),
        List::Schedules { after } => plans::list(connection, after),
        List::Notices { before, text, limit } => notices::search(connection, at, before, &text, limit),
        List::Rooms { account, after } => rooms(connection, account, after.as_ref()),
        List::Shared { account, timeline, after } => timelines::shared(connection, account, timeline, after),
        List::WouldGo { kept, room } => would_go::count(connection, at, &kept, room),
    }
}

fn key(after: Option<&AccountName>) -> String {
    after.map_or_else(String::new, AccountName::key)
}

fn people(connection: &Connection, query: &str, limit: Limit, row: impl Params) -> Result<Outcome, Trouble> {
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map(row, read_person)?;
    Ok(limit.fill(rows, |person| taken(&(&person.name, person.last_seen, &person.profile)))?.into())
}

fn read_person(row: &Row<'_>) -> rusqlite::Result<StoredPerson> {
    Ok(StoredPerson {
        id: AccountId(number(row, 0)?),
        name: words(row, 1)?,
        last_seen: optional_time(row, 2)?,
        profile: profiles::read(row, 3)?,
    })
}

fn everybody(connection: &Connection, after: Option<&AccountName>) -> Result<Outcome, Trouble> {
    let limit = Limit::new(PAGE_ENTRIES_MAX);
    people(connection, EVERYBODY, limit, params![key(after), limit.rows()])
}

fn all_accounts(connection: &Connection, after: Option<&AccountName>) -> Result<Outcome, Trouble> {
    let limit = Limit::new(PAGE_ENTRIES_MAX);
    let mut statement = connection.prepare_cached(ACCOUNTS)?;
    let rows = statement.query_map(params![key(after), limit.rows()], |row| {
        let account = Account {
            name: words(row, 1)?,
            role: accounts::role(row, 2)?,
            disabled: row.get(3)?,
            created_at: time(row, 4)?,
            last_seen: optional_time(row, 5)?,
            profile: profiles::read(row, 6)?,
        };
        Ok((AccountId(number(row, 0)?), account))
    })?;
    Ok(limit.fill(rows, |(_, account)| taken(account))?.into())
}

fn members(connection: &Connection, account: AccountId, room: ConversationId, after: Option<&AccountName>) -> Result<Outcome, Trouble> {
    let room = conversations::find_room(connection, room)?;
    if room.private {
        conversations::since(connection, &room, account)?;
    }
    if room.everyone {
        return everybody(connection, after);
    }
    let limit = Limit::new(PAGE_ENTRIES_MAX);
    people(connection, MEMBERS, limit, params![key(after), limit.rows(), clamped(room.id.0)])
}

fn group_members(connection: &Connection, group: &GroupName, after: Option<&AccountName>) -> Result<Outcome, Trouble> {
    let group = super::groups::find(connection, group)?.ok_or(Refusal::UnknownGroup)?;
    let limit = Limit::new(PAGE_ENTRIES_MAX);
    people(connection, IN_GROUP, limit, params![key(after), limit.rows(), group])
}

fn groups(connection: &Connection, after: Option<&GroupName>) -> Result<Outcome, Trouble> {
    let limit = Limit::new(PAGE_ENTRIES_MAX);
    let after = after.map_or_else(String::new, GroupName::key);
    let mut statement = connection.prepare_cached(GROUPS)?;
    let rows = statement.query_map(params![after, limit.rows()], |row| Ok(Group { name: words(row, 0)?, members: number(row, 1)? }))?;
    Ok(Outcome::Read(limit.fill(rows, taken)?.into()))
}

fn rooms(connection: &Connection, account: AccountId, after: Option<&RoomName>) -> Result<Outcome, Trouble> {
    let limit = Limit::new(PAGE_ENTRIES_MAX);
    let after = after.map_or_else(String::new, RoomName::key);
    let mut statement = connection.prepare_cached(ROOMS)?;
    let rows = statement.query_map(params![clamped(account.0), after, limit.rows()], |row| {
        let standing = match (row.get(5)?, row.get(6)?) {
            (true, _) => Standing::Inside,
            (false, true) => Standing::Invited,
            (false, false) => Standing::Outside,
        };
        Ok(Room {
            name: words(row, 0)?,
            private: row.get(1)?,
            members: number(row, 7)?,
            standing,
            owner: optional_words(row, 2)?,
            keep: Keep { age_ms: optional_number(row, 3)?, messages: optional_number(row, 4)? },
        })
    })?;
    Ok(Outcome::Read(limit.fill(rows, taken)?.into()))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{LOBBY, add, ask, create, create_private, each_store, named};
    use super::super::{RoomJob, Store, Work};
    use super::*;
    use belfry_core::chat::{Answer, Page};

    fn list(store: &mut Store, list: List) -> Result<(Vec<String>, bool), Refusal> {
        match ask(store, 9, Work::List(list))? {
            Outcome::People(Page { entries: people, more }) => Ok((people.iter().map(|person| person.name.to_string()).collect(), more)),
            Outcome::Read(Answer::Rooms(Page { entries: rooms, more })) => {
                Ok((rooms.iter().map(|room| format!("{} {:?} {}", room.name, room.standing, room.members)).collect(), more))
            }
            Outcome::Read(Answer::Groups(Page { entries: groups, more })) => {
                Ok((groups.iter().map(|group| format!("{} {}", group.name, group.members)).collect(), more))
            }
            other => panic!("{other:?}"),
        }
    }

    fn members_of(store: &mut Store, account: AccountId, room: ConversationId, after: Option<&str>) -> Result<Vec<String>, Refusal> {
        list(store, List::Members { account, room, after: after.map(named) }).map(|(names, _)| names)
    }

    #[test]
    fn the_people_of_a_room_come_in_order_of_names_and_continue_after_any_of_them() {
        each_store(|store| {
            let [carol, anna, bob] = ["carol", "Anna", "bob"].map(|name| add(store, name));
            let attic = create(store, carol, "attic");
            for account in [anna, bob] {
                ask(store, 1, Work::Room(RoomJob::Join { account, room: attic })).unwrap();
            }
            assert_eq!(members_of(store, carol, attic, None).unwrap(), ["Anna", "bob", "carol"]);
            assert_eq!(members_of(store, carol, attic, Some("ANNA")).unwrap(), ["bob", "carol"]);
            assert_eq!(members_of(store, carol, attic, Some("carol")).unwrap(), [""; 0]);
            let dora = add(store, "dora");
            assert_eq!(members_of(store, dora, LOBBY, Some("bob")).unwrap(), ["carol", "dora"]);
            ask(store, 1, Work::SetDisabled { account: named("bob"), disabled: true }).unwrap();
            assert_eq!(members_of(store, dora, attic, None).unwrap(), ["Anna", "carol"]);
            assert_eq!(members_of(store, dora, LOBBY, None).unwrap(), ["Anna", "carol", "dora"]);
        });
    }

    #[test]
    fn who_is_in_a_private_room_is_told_to_those_who_are_in_it() {
        each_store(|store| {
            let [anna, bob, eve] = ["anna", "bob", "eve"].map(|name| add(store, name));
            let board = create_private(store, anna, "board");
            ask(store, 1, Work::Room(RoomJob::Invite { by: anna, any: false, account: named("bob"), room: board })).unwrap();
            assert_eq!(members_of(store, anna, board, None).unwrap(), ["anna"]);
            assert_eq!(members_of(store, bob, board, None), Err(Refusal::NotInRoom));
            assert_eq!(members_of(store, eve, board, None), Err(Refusal::InvitationNeeded));
            assert_eq!(members_of(store, eve, ConversationId(99), None), Err(Refusal::UnknownConversation));
            let rooms_of = |store: &mut Store, account| list(store, List::Rooms { account, after: None }).unwrap().0;
            assert_eq!(rooms_of(store, anna), ["board Inside 1", "lobby Inside 3"]);
            assert_eq!(rooms_of(store, bob), ["board Invited 1", "lobby Inside 3"]);
            assert_eq!(rooms_of(store, eve), ["lobby Inside 3"]);
            let after = Some(RoomName::new("BOARD").unwrap());
            assert_eq!(list(store, List::Rooms { account: anna, after }).unwrap().0, ["lobby Inside 3"]);
            for _ in 0..2 {
                ask(store, 2, Work::Room(RoomJob::Join { account: bob, room: board })).unwrap();
            }
            assert_eq!(rooms_of(store, anna)[0], "board Inside 2", "who comes twice is counted once");
            ask(store, 3, Work::Room(RoomJob::Leave { account: anna, room: board })).unwrap();
            assert_eq!(ask(store, 3, Work::Room(RoomJob::Leave { account: anna, room: board })), Err(Refusal::NotInRoom));
            assert_eq!(rooms_of(store, bob)[0], "board Inside 1");
        });
    }

    #[test]
    fn groups_and_who_is_in_them_come_in_order_of_names() {
        each_store(|store| {
            let _ = ["carol", "bob", "Anna"].map(|name| add(store, name));
            for (group, members) in [("Nurses", &["carol", "BOB", "anna"][..]), ("drivers", &["bob"])] {
                let members = members.iter().map(|member| named(member)).collect();
                ask(store, 1, Work::AddToGroup { group: group.parse().unwrap(), members }).unwrap();
            }
            ask(store, 1, Work::SetDisabled { account: named("bob"), disabled: true }).unwrap();
            let members = |after: Option<&str>| List::GroupMembers { group: "NURSES".parse().unwrap(), after: after.map(named) };
            assert_eq!(list(store, members(None)).unwrap().0, ["Anna", "bob", "carol"], "also who is shut out");
            assert_eq!(list(store, members(Some("bob"))).unwrap().0, ["carol"]);
            assert_eq!(list(store, List::GroupMembers { group: "cooks".parse().unwrap(), after: None }), Err(Refusal::UnknownGroup));
            assert_eq!(list(store, List::Groups { after: None }).unwrap().0, ["drivers 1", "Nurses 3"]);
            assert_eq!(list(store, List::Groups { after: Some("Drivers".parse().unwrap()) }).unwrap().0, ["Nurses 3"]);
        });
    }

    #[test]
    fn a_page_of_people_has_an_end_and_says_that_more_follow() {
        let mut store = Store::open_in_memory().unwrap();
        let anna = add(&mut store, "anna");
        for n in 0..PAGE_ENTRIES_MAX {
            add(&mut store, &format!("person {n}"));
        }
        let page = |after| List::Members { account: anna, room: LOBBY, after };
        let (names, more) = list(&mut store, page(None)).unwrap();
        assert_eq!((names.len(), more), (PAGE_ENTRIES_MAX as usize, true));
        let after = Some(named(names.last().unwrap()));
        assert_eq!(list(&mut store, page(after)).map(|(names, more)| (names.len(), more)), Ok((1, false)));
    }

    #[test]
    fn no_page_of_a_list_looks_through_a_whole_table() {
        let store = Store::open_in_memory().unwrap();
        for query in [EVERYBODY, ACCOUNTS, MEMBERS, IN_GROUP, GROUPS, ROOMS] {
            let mut statement = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
            let plan: Vec<String> = statement
                .query_map(rusqlite::params_from_iter((0..statement.parameter_count()).map(|_| 1)), |row| row.get("detail"))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            let scans = plan.iter().filter(|step| step.starts_with("SCAN") && !step.contains("COVERING INDEX")).count();
            assert_eq!(scans, 0, "{query}: {plan:?}");
        }
    }
}
