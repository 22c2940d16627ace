use std::fs;

use belfry_core::crypto::KeyPair;
use belfry_core::limits::IDENTITIES_MAX;
use belfry_core::rng::from_seed;

use super::keys::RETIRED_KEY_MILLIS;
use super::*;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const DAY: u64 = 24 * 60 * 60 * 1000;

fn folder() -> (tempfile::TempDir, DataFolder) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(&temporary.path().join("new").join("data")).unwrap();
    (temporary, folder)
}

fn after(millis: u64) -> UnixMillis {
    UnixMillis(NOW.0 + millis)
}

fn begun(folder: &DataFolder, millis: u64) -> Identities {
    folder.begin(after(millis)).unwrap().unwrap()
}

fn house() -> (tempfile::TempDir, DataFolder, PublicKey) {
    let (temporary, folder) = folder();
    let key = folder.make_identity(&mut from_seed([1; 32]), NOW).unwrap().present.public();
    (temporary, folder, key)
}

#[test]
fn the_identity_is_made_once_and_read_from_then_on() {
    let (_temporary, folder) = folder();
    assert!(folder.begin(NOW).unwrap().is_none());
    let made = folder.make_identity(&mut from_seed([1; 32]), NOW).unwrap().present.public();
    assert_eq!(begun(&folder, 0).present.public(), made);
    assert!(matches!(folder.make_identity(&mut from_seed([2; 32]), NOW), Err(DataError::NotLost { .. })));
    assert_eq!(begun(&folder, 0).present.public(), made);
}

#[test]
fn a_damaged_identity_is_refused_and_kept() {
    let (_temporary, folder) = folder();
    let (path, key) = (folder.path.join(IDENTITY_FILE), "0".repeat(64));
    let twice = format!("{key}\n{key} next\n{key} next\n");
    for damaged in ["", "00", &"g".repeat(64), &"0".repeat(63), &"0".repeat(100), &format!("{key}\nrest"), &twice] {
        fs::write(&path, damaged).unwrap();
        assert!(matches!(folder.begin(NOW), Err(DataError::Identity { .. })), "{damaged:?}");
        assert!(matches!(folder.rotate_identity(&mut from_seed([1; 32]), NOW, true), Err(DataError::Identity { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
    }
}

#[test]
fn a_new_key_is_used_from_the_next_start_on_and_the_old_one_accepted_for_thirty_days_from_then() {
    let (_temporary, folder, old) = house();
    let new = folder.rotate_identity(&mut from_seed([2; 32]), NOW, false).unwrap().key;
    assert_ne!(new, old);
    let start = 40 * DAY;
    assert_eq!(begun(&folder, start).present.public(), new);
    let retired = |millis| begun(&folder, millis).retired.iter().map(KeyPair::public).collect::<Vec<_>>();
    assert_eq!(retired(start + RETIRED_KEY_MILLIS - 1), [old]);
    assert_eq!(retired(start + RETIRED_KEY_MILLIS), []);
}

#[test]
fn a_key_that_no_server_has_begun_with_is_replaced_and_named() {
    let (_temporary, folder, old) = house();
    let mut rng = from_seed([2; 32]);
    let mut before = None;
    for _ in 0..2 * IDENTITIES_MAX {
        let planned = folder.rotate_identity(&mut rng, NOW, false).unwrap();
        assert_eq!((planned.replaced, planned.pushed_out), (before, None));
        before = Some(planned.key);
    }
    let begun = begun(&folder, 1);
    assert_eq!(Some(begun.present.public()), before);
    assert_eq!(begun.retired.iter().map(KeyPair::public).collect::<Vec<_>>(), [old]);
}

#[test]
fn a_key_that_clients_may_know_is_pushed_out_only_by_who_says_so() {
    let (_temporary, folder, first) = house();
    let mut rng = from_seed([2; 32]);
    for start in 1..IDENTITIES_MAX as u64 {
        folder.rotate_identity(&mut rng, after(start), false).unwrap();
        begun(&folder, start);
    }
    let refused = folder.rotate_identity(&mut rng, after(9), false).unwrap_err();
    assert!(matches!(&refused, DataError::PushesOut { key, .. } if *key == first), "{refused}");
    assert!(refused.to_string().contains(&first.to_string()) && refused.to_string().contains("2027-02-14T"), "{refused}");
    assert_eq!(folder.rotate_identity(&mut rng, after(9), true).unwrap().pushed_out, Some(first));
    let late = 1 + RETIRED_KEY_MILLIS;
    assert_eq!(folder.rotate_identity(&mut rng, after(late), false).unwrap().pushed_out, None);
}

/// Whatever an administrator does in whatever order, whoever was here while a key was in use can follow for thirty days after it was not.
#[test]
fn every_client_can_follow() {
    for seed in 0..100 {
        let (_temporary, folder, first) = house();
        let mut rng = from_seed([seed; 32]);
        let mut millis = 0;
        let mut server = begun(&folder, millis);
        // What each client has pinned, and since when it is no longer the server's.
        let mut clients = [(first, None); 4];
        for _ in 0..40 {
            millis += rng::below(&mut rng, 5 * DAY);
            match rng::below(&mut rng, 6) {
                0 | 1 => drop(folder.rotate_identity(&mut rng, after(millis), false)),
                2 => {
                    server = begun(&folder, millis);
                    for (known, retired) in &mut clients {
                        if *known != server.present.public() {
                            retired.get_or_insert(millis);
                        }
                    }
                }
                _ => {
                    let client = usize::try_from(rng::below(&mut rng, clients.len() as u64)).unwrap();
                    let (known, retired) = clients[client];
                    let knows = server.retired.iter().chain([&server.present]).any(|key| key.public() == known);
                    let late = retired.is_some_and(|retired| millis >= retired + RETIRED_KEY_MILLIS);
                    assert!(knows || late, "seed {seed}: client {client} cannot follow");
                    clients[client] = (server.present.public(), None);
                }
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn an_identity_behind_a_link_stays_there_and_one_whose_link_leads_nowhere_is_never_made_anew() {
    let (temporary, folder, old) = house();
    let elsewhere = temporary.path().join("elsewhere");
    fs::rename(folder.identity(), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, folder.identity()).unwrap();
    let new = folder.rotate_identity(&mut from_seed([2; 32]), NOW, false).unwrap().key;
    assert!(folder.identity().is_symlink());
    assert_eq!(begun(&folder, 0).present.public(), new);
    assert_eq!(Keys::read(&elsewhere).unwrap().unwrap().coming(), new);
    fs::remove_file(&elsewhere).unwrap();
    let refused = [
        folder.look().unwrap_err(),
        folder.begin(NOW).unwrap_err(),
        folder.make_identity(&mut from_seed([3; 32]), NOW).unwrap_err(),
        folder.rotate_identity(&mut from_seed([3; 32]), NOW, true).unwrap_err(),
        folder.copy_identity(&temporary.path().join("copy")).unwrap_err(),
    ];
    for refused in refused {
        assert!(refused.to_string().contains("identity.key is a link to "), "{refused}");
    }
    assert!(!elsewhere.exists() && folder.identity().is_symlink() && old != new);
}

#[test]
fn an_identity_of_0_1_0_is_read() {
    let (_temporary, folder) = folder();
    fs::write(folder.identity(), format!("{}\n{} retired {}\n", "1".repeat(64), "2".repeat(64), NOW.0)).unwrap();
    assert_eq!(begun(&folder, 1).retired.len(), 1);
}

#[test]
fn an_identity_whose_writing_was_interrupted_is_made_anew() {
    let (_temporary, folder) = folder();
    fs::write(folder.path.join("identity.key.new"), "half").unwrap();
    assert!(folder.make_identity(&mut from_seed([1; 32]), NOW).is_ok());
}

#[test]
fn a_folder_that_no_server_has_used_has_no_key_to_change_and_is_not_made() {
    let (temporary, folder) = folder();
    let refused = folder.rotate_identity(&mut from_seed([1; 32]), NOW, false).unwrap_err();
    assert!(refused.to_string().contains("There is no server's identity in "), "{refused}");
    let nowhere = temporary.path().join("nowhere");
    assert!(matches!(DataFolder::existing(&nowhere), Err(DataError::NoHouse { .. })));
    assert!(!nowhere.exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_explained() {
    let temporary = tempfile::tempdir().unwrap();
    let file = temporary.path().join("file");
    fs::write(&file, "").unwrap();
    let error = DataFolder::open(&file.join("data")).unwrap_err();
    assert!(error.to_string().contains("another folder with --data."), "{error}");
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_the_folder_or_the_key() {
    use std::os::unix::fs::PermissionsExt;
    let (_temporary, folder, _) = house();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path), 0o700);
    assert_eq!(mode(&folder.path.join(IDENTITY_FILE)), 0o600);
    assert_eq!(folder.open_to_others(), []);
    fs::set_permissions(folder.identity(), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(folder.open_to_others(), [(folder.identity(), 0o644)]);
}

#[test]
fn generated_passwords_are_long_and_differ() {
    let mut rng = from_seed([1; 32]);
    let one = generate_password(&mut rng).unwrap();
    assert_eq!(one.as_str().chars().filter(|c| c.is_ascii_alphanumeric()).count(), PASSWORD_LETTERS);
    assert_ne!(one, generate_password(&mut rng).unwrap());
}
