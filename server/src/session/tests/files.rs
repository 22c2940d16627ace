//! Files on their way: offered, sent in blocks, posted, fetched; and what stands in their way.

use belfry_core::chat::{Answer, Block, ContentHash, FileId, FileName, Place, PostId, Refusal, Request, Seq, Text, block_length_at};
use belfry_core::endpoint::PeerId;
use belfry_core::limits::{FILE_BLOCK_BYTES, FILE_WINDOW_BYTES};
use belfry_core::wire::Channel;

use super::world::World;
use crate::hub::{Registration, Rules};
use crate::limits::{CONTENTS_SWEPT_EVERY, DISK_RESERVE_BYTES, UPLOADS_KEPT, UPLOADS_OPEN_MAX, UPLOADS_PER_ACCOUNT_MAX};
use crate::surroundings::Surroundings;

fn content(bytes: usize, of: u8) -> Vec<u8> {
    (0..bytes).map(|at| (at % 251) as u8 ^ of).collect()
}

fn hash(content: &[u8]) -> ContentHash {
    ContentHash(*blake3::hash(content).as_bytes())
}

fn offer(world: &mut World, peer: PeerId, content: &[u8]) -> Result<u64, Refusal> {
    let offer = Request::OfferFile { to: Place::lobby(), room: None, bytes: content.len() as u64, hash: hash(content) };
    match world.ask(peer, offer)? {
        Answer::Upload { from } => Ok(from),
        other => panic!("{other:?}"),
    }
}

/// Sends the block at an offset; how much is there then.
fn send(world: &mut World, peer: PeerId, content: &[u8], offset: u64) -> Result<u64, Refusal> {
    let end = offset + block_length_at(offset, content.len() as u64);
    let block = Block::new(content[offset as usize..end as usize].to_vec()).unwrap();
    match world.ask(peer, Request::SendBlock { hash: hash(content), offset, block })? {
        Answer::Received { upto } => Ok(upto),
        other => panic!("{other:?}"),
    }
}

/// Sends all that is not there.
fn upload(world: &mut World, peer: PeerId, content: &[u8]) -> Result<(), Refusal> {
    let mut there = offer(world, peer, content)?;
    while there < content.len() as u64 {
        there = send(world, peer, content, there)?;
    }
    Ok(())
}

fn post(world: &mut World, peer: PeerId, counter: u64, content: &[u8]) -> Result<Seq, Refusal> {
    let (text, name) = (Text::new("look").unwrap(), FileName::new("plan.pdf").unwrap());
    let post = PostId { outbox: 5, counter };
    match world.ask(peer, Request::PostFile { post, to: Place::lobby(), room: None, text, name, hash: hash(content) })? {
        Answer::Posted { seq, .. } => Ok(seq),
        other => panic!("{other:?}"),
    }
}

fn fetch(world: &mut World, peer: PeerId, file: u64, offset: u64) -> Result<Vec<u8>, Refusal> {
    match world.ask(peer, Request::FetchBlock { file: FileId(file), offset })? {
        Answer::Block(block) => Ok(block.bytes().to_vec()),
        other => panic!("{other:?}"),
    }
}

fn window(world: &World, peer: PeerId) -> u64 {
    world.file_windows.get(&peer).copied().unwrap_or(0)
}

#[test]
fn a_file_is_sent_posted_and_fetched_and_its_blocks_come_on_their_channel() {
    let mut world = World::with_people(&["anna", "bob"]);
    let (anna, bob) = (world.sign_in("anna"), world.sign_in("bob"));
    let plan = content(2 * FILE_BLOCK_BYTES + 10, 1);
    upload(&mut world, anna, &plan).unwrap();
    assert_eq!(post(&mut world, anna, 1, &plan), Ok(Seq(1)));
    let mut fetched = Vec::new();
    for offset in [0, FILE_BLOCK_BYTES, 2 * FILE_BLOCK_BYTES] {
        let id = world.send(bob, Request::FetchBlock { file: FileId(1), offset: offset as u64 });
        let heard = world.heard(bob);
        let answer = heard.iter().find(|heard| heard.is_answer()).unwrap();
        assert_eq!(answer.channel, Channel::File, "{id}");
        fetched.extend(fetch(&mut world, bob, 1, offset as u64).unwrap());
    }
    assert!(fetched == plan);
    assert_eq!(fetch(&mut world, bob, 1, plan.len() as u64), Err(Refusal::BeyondTheEnd));
    assert_eq!(fetch(&mut world, bob, 2, 0), Err(Refusal::UnknownFile));
}

#[test]
fn nothing_may_come_before_it_was_offered_and_after_it_is_there() {
    let mut world = World::with_people(&["anna", "bob"]);
    let (anna, bob) = (world.sign_in("anna"), world.sign_in("bob"));
    let plan = content(FILE_BLOCK_BYTES + 1, 1);
    assert_eq!(send(&mut world, anna, &plan, 0), Err(Refusal::BadRequest));
    assert_eq!(offer(&mut world, anna, &plan), Ok(0));
    assert_eq!((window(&world, anna), window(&world, bob)), (FILE_WINDOW_BYTES, 0));
    assert_eq!(send(&mut world, bob, &plan, 0), Err(Refusal::BadRequest), "it is not theirs");
    assert_eq!(post(&mut world, anna, 1, &plan), Err(Refusal::NotUploaded));
    upload(&mut world, anna, &plan).unwrap();
    assert_eq!(window(&world, anna), 0);
    assert_eq!(send(&mut world, anna, &plan, 0), Err(Refusal::BadRequest), "it is there");
    assert_eq!(offer(&mut world, anna, &plan), Ok(plan.len() as u64));
    assert_eq!(offer(&mut world, bob, &plan), Ok(0), "and nobody else is told so");
}

#[test]
fn what_differs_is_thrown_away_and_may_be_sent_again() {
    let mut world = World::with_people(&["anna"]);
    let anna = world.sign_in("anna");
    let plan = content(1000, 1);
    offer(&mut world, anna, &plan).unwrap();
    let block = Block::new(content(1000, 2)).unwrap();
    let lie = Request::SendBlock { hash: hash(&plan), offset: 0, block };
    assert_eq!(world.ask(anna, lie), Err(Refusal::ContentDiffers));
    assert_eq!(window(&world, anna), 0);
    assert_eq!(offer(&mut world, anna, &plan), Ok(0));
    upload(&mut world, anna, &plan).unwrap();
    let longer = Request::OfferFile { to: Place::lobby(), room: None, bytes: 1001, hash: hash(&plan) };
    assert_eq!(world.ask(anna, longer), Err(Refusal::ContentDiffers), "of what they have they know how long it is");
}

#[test]
fn another_session_of_the_same_person_goes_on_and_a_session_that_ends_leaves_its_part() {
    let mut world = World::with_people(&["anna"]);
    let (first, second) = (world.sign_in("anna"), world.sign_in("anna"));
    let plan = content(3 * FILE_BLOCK_BYTES, 1);
    offer(&mut world, first, &plan).unwrap();
    let there = send(&mut world, first, &plan, 0).unwrap();
    assert_eq!(offer(&mut world, second, &plan), Ok(there));
    assert_eq!(send(&mut world, first, &plan, there), Err(Refusal::BadRequest), "it is the other one's now");
    send(&mut world, second, &plan, there).unwrap();
    world.gone(second);
    // What was not synced is sent again.
    assert_eq!(offer(&mut world, first, &plan), Ok(0));
    upload(&mut world, first, &plan).unwrap();
}

#[test]
fn an_upload_that_ends_while_the_folder_has_no_room_to_hear_of_it_takes_nobodys_place_for_ever() {
    let mut world = World::with_people(&["anna", "bob"]);
    let bob = world.sign_in("bob");
    for number in 0..=UPLOADS_OPEN_MAX {
        let anna = world.sign_in("anna");
        assert_eq!(offer(&mut world, anna, &number.to_le_bytes()), Ok(0), "the upload {number}");
        world.contents_are_full = true;
        world.gone(anna);
        world.contents_are_full = false;
    }
    assert_eq!(offer(&mut world, bob, &content(1000, 1)), Ok(0));
}

#[test]
fn so_many_files_come_from_one_person_at_a_time() {
    let mut world = World::with_people(&["anna", "bob"]);
    let (anna, bob) = (world.sign_in("anna"), world.sign_in("bob"));
    for number in 0..UPLOADS_PER_ACCOUNT_MAX as u8 {
        assert_eq!(offer(&mut world, anna, &content(1000, number)), Ok(0));
    }
    let one_more = content(1000, 99);
    assert_eq!(offer(&mut world, anna, &one_more), Err(Refusal::TooManyUploads));
    assert_eq!(offer(&mut world, anna, &content(1000, 0)), Ok(0), "one of them may be offered again");
    assert_eq!(offer(&mut world, bob, &one_more), Ok(0));
    upload(&mut world, anna, &content(1000, 0)).unwrap();
    assert_eq!(offer(&mut world, anna, &one_more), Ok(0));
}

/// A world with these limits, in bytes: of a file, of one person in a day, of all.
fn limited(file: u64, a_day: u64, all: u64) -> World {
    let mut world = World::with_people(&["admin", "anna", "bob"]);
    let mut rules = Rules::with_registration(Registration::Open);
    (rules.rates.file_bytes_max, rules.rates.file_bytes_a_day, rules.rates.files_bytes_max) = (file, a_day, all);
    world.sessions.set_rules(world.now, rules);
    world.settle();
    world
}

#[test]
fn a_file_is_as_long_as_it_may_be() {
    let mut world = limited(1000, 1 << 30, 1 << 30);
    let admin = world.sign_in("admin");
    assert_eq!(offer(&mut world, admin, &content(1000, 1)), Ok(0));
    assert_eq!(offer(&mut world, admin, &content(1001, 1)), Err(Refusal::FileTooLarge));
    assert_eq!(offer(&mut world, admin, &[]), Err(Refusal::FileEmpty));
    let huge = Request::OfferFile { to: Place::lobby(), room: None, bytes: (4 << 30) + 1, hash: ContentHash([1; 32]) };
    assert_eq!(world.ask(admin, huge), Err(Refusal::FileTooLarge));
}

#[test]
fn a_member_sends_so_much_in_a_day_and_an_administrator_more() {
    let mut world = limited(1 << 30, 2500, 1 << 30);
    let (admin, anna, bob) = (world.sign_in("admin"), world.sign_in("anna"), world.sign_in("bob"));
    for number in 1..=2 {
        upload(&mut world, anna, &content(1000, number)).unwrap();
    }
    assert_eq!(upload(&mut world, anna, &content(501, 3)), Err(Refusal::FileQuotaUsedUp));
    assert_eq!(upload(&mut world, anna, &content(500, 3)), Ok(()));
    assert_eq!(upload(&mut world, bob, &content(1000, 4)), Ok(()));
    assert_eq!(upload(&mut world, admin, &content(5000, 5)), Ok(()));
    world.pass(std::time::Duration::from_secs(24 * 3600 + 1));
    let anna = world.sign_in("anna");
    assert_eq!(upload(&mut world, anna, &content(1000, 6)), Ok(()));
}

#[test]
fn all_files_together_are_as_much_as_the_server_keeps_with_those_that_are_coming() {
    let mut world = limited(1 << 30, 1 << 30, 3000);
    let (admin, anna) = (world.sign_in("admin"), world.sign_in("anna"));
    upload(&mut world, anna, &content(1000, 1)).unwrap();
    assert_eq!(offer(&mut world, anna, &content(1500, 2)), Ok(0));
    assert_eq!(offer(&mut world, admin, &content(501, 3)), Err(Refusal::FilesFull));
    assert_eq!(offer(&mut world, admin, &content(500, 3)), Ok(0));
    assert_eq!(offer(&mut world, anna, &content(1000, 1)), Ok(1000), "what is there needs no room");
}

#[test]
fn a_file_leaves_the_disks_reserve_free() {
    let mut world = limited(1 << 40, 1 << 40, 1 << 40);
    let (admin, anna) = (world.sign_in("admin"), world.sign_in("anna"));
    world.sessions.set_surroundings(Surroundings::default().links, Some(DISK_RESERVE_BYTES + 1500));
    assert_eq!(offer(&mut world, anna, &content(1000, 1)), Ok(0));
    assert_eq!(offer(&mut world, anna, &content(501, 2)), Err(Refusal::DiskAlmostFull), "beside the other one");
    assert_eq!(offer(&mut world, anna, &content(500, 2)), Ok(0));
    assert_eq!(offer(&mut world, admin, &content(5000, 3)), Ok(0), "what is kept is kept for them");
    world.sessions.set_surroundings(Surroundings::default().links, Some(DISK_RESERVE_BYTES - 1));
    assert_eq!(send(&mut world, anna, &content(1000, 1), 0), Err(Refusal::DiskAlmostFull));
    assert_eq!(send(&mut world, admin, &content(5000, 3), 0), Ok(5000));
    world.sessions.set_surroundings(Surroundings::default().links, Some(1000));
    assert_eq!(offer(&mut world, admin, &content(1001, 4)), Err(Refusal::DiskFull));
}

#[test]
fn what_no_message_brings_any_more_goes_within_two_hours_and_what_was_never_posted_after_a_day() {
    let mut world = World::with_people(&["anna", "bob"]);
    let anna = world.sign_in("anna");
    let (posted, unposted, taken_back) = (content(1000, 1), content(1000, 2), content(1000, 3));
    for (counter, content) in [(1, &posted), (2, &taken_back)] {
        upload(&mut world, anna, content).unwrap();
        post(&mut world, anna, counter, content).unwrap();
    }
    upload(&mut world, anna, &unposted).unwrap();
    assert_eq!(world.kept().len(), 3);
    world.pass(UPLOADS_KEPT / 2);
    assert_eq!(world.kept().len(), 3);
    world.pass(UPLOADS_KEPT / 2 + CONTENTS_SWEPT_EVERY);
    assert_eq!(world.kept(), [hash(&posted), hash(&taken_back)].into());
    let anna = world.sign_in("anna");
    world.ask(anna, Request::Delete { place: Place::lobby(), room: None, seq: Seq(2) }).unwrap();
    assert_eq!(fetch(&mut world, anna, 2, 0), Err(Refusal::UnknownFile));
    world.pass(2 * CONTENTS_SWEPT_EVERY);
    assert_eq!(world.kept(), [hash(&posted)].into());
    assert_eq!(fetch(&mut world, anna, 1, 0), Ok(posted));
}

#[test]
fn what_somebody_is_sending_is_not_removed_because_nobody_refers_to_it() {
    let mut world = World::with_people(&["anna", "bob"]);
    let (anna, bob) = (world.sign_in("anna"), world.sign_in("bob"));
    let plan = content(FILE_BLOCK_BYTES + 1, 1);
    upload(&mut world, anna, &plan).unwrap();
    world.pass(UPLOADS_KEPT - CONTENTS_SWEPT_EVERY / 2);
    offer(&mut world, bob, &plan).unwrap();
    send(&mut world, bob, &plan, 0).unwrap();
    world.pass(2 * CONTENTS_SWEPT_EVERY);
    assert_eq!(world.kept(), [hash(&plan)].into(), "it waits until he is done");
    send(&mut world, bob, &plan, FILE_BLOCK_BYTES as u64).unwrap();
    assert_eq!(post(&mut world, bob, 1, &plan), Ok(Seq(1)));
    world.pass(2 * CONTENTS_SWEPT_EVERY);
    assert_eq!(world.kept(), [hash(&plan)].into());
}
