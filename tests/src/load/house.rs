//! A data folder with as many people in it as a run has clients, whose devices are known.
//!
//! The store's own jobs make it, ten thousand people in a second or two: by the command line each account costs a password's hash.

use std::error::Error;
use std::net::Ipv4Addr;
use std::path::Path;

use belfry_core::chat::{AccountId, AccountName, DeviceId, Role, RoomName};
use belfry_core::crypto::KeyPair;
use belfry_core::net::{Clock, os_seed};
use belfry_core::rng::from_seed;
use belfry_core::source::Links;
use belfry_server::identity::DataFolder;
use belfry_server::store::{AccountAdded, Job, JobTicket, Outcome, ProvenBy, RoomJob, Store, Visitor, Work};

use super::history;

/// The number of the client that writes notices: an administrator.
pub(super) const AUTHOR: usize = 0;

/// What the client of this number is called.
pub(super) fn name(number: usize) -> AccountName {
    if number == AUTHOR { AccountName::first_admin() } else { AccountName::new(&format!("person {number}")).expect("it is short") }
}

/// What the room of this number is called; 0 is the lobby.
pub(super) fn room(number: usize) -> String {
    format!("room {number}")
}

/// Makes it, and gives the people's keys. Person `n` alone is in room `n`, if there are so many rooms beside the lobby, in which so many
/// messages were said.
pub(super) fn furnish(folder: &Path, people: usize, rooms: usize, messages: u64) -> Result<Vec<KeyPair>, Box<dyn Error>> {
    let mut rng = from_seed(os_seed()?);
    let now = Clock::start().now().wall;
    let folder = DataFolder::open(folder)?;
    folder.make_identity(&mut rng, now)?;
    let mut store = Store::open(&folder.database())?;
    let mut apply = |works: Vec<Work>| -> Result<Vec<Outcome>, Box<dyn Error>> {
        let job = |(number, work)| Job { ticket: JobTicket(number), at: now, work };
        let done = store.apply((0..).zip(works).map(job).collect());
        done.into_iter().map(|done| done.result.map_err(|refusal| refusal.to_string().into())).collect()
    };
    let account = |number| {
        let role = if number == AUTHOR { Role::Admin } else { Role::Member };
        // No password has this hash: these people have their devices.
        Work::AddAccount { name: name(number), password_hash: "none".to_owned(), role }
    };
    let accounts = apply((0..people).map(account).collect())?.into_iter().filter_map(|outcome| match outcome {
        Outcome::AccountAdded(AccountAdded { account }) => Some(account),
        _ => None,
    });
    let accounts: Vec<AccountId> = accounts.collect();
    let keys: Vec<_> = accounts.iter().map(|_| KeyPair::generate(&mut rng)).collect();
    apply(accounts.iter().zip(&keys).map(|(&account, key)| was_here(account, key)).collect())?;
    let create = |number: usize| {
        let name = RoomName::new(&room(number)).expect("it is short");
        Work::Room(RoomJob::Create { account: accounts[number], name, private: false })
    };
    apply((1..=rooms).map(create).collect())?;
    history::write(&mut store, &accounts, messages, now)?;
    store.close()?;
    Ok(keys)
}

/// Somebody has signed in on a device that is remembered.
fn was_here(account: AccountId, key: &KeyPair) -> Work {
    let address = Ipv4Addr::LOCALHOST;
    Work::SignIn {
        account,
        visitor: Visitor {
            device: DeviceId::from(key.public()),
            address: (address, 7411).into(),
            source: Links::default().source(address.into()),
            remember: true,
            proven_by: ProvenBy::Password,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_house_has_its_people_and_rooms_and_a_server_can_begin_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        assert_eq!(furnish(&data, 5, 2, 1000).expect("it can be made").len(), 5);
        let folder = DataFolder::existing(&data).expect("it is there");
        folder.look().expect("nothing is missing");
        assert_eq!(belfry_server::store::accounts_in(&folder.database()).expect("it can be read"), 5);
    }
}
