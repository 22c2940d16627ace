//! Files on their way in the simulated world: many at once, over a computer that moves, and to one that stops reading.

use std::net::SocketAddr;
use std::time::Duration;

use belfry_core::chat::{Attachment, Message};
use belfry_core::client::transfer::{DownloadStep, FileDownload};
use belfry_core::client::{Command, Start};
use belfry_core::limits::FILE_WINDOW_BYTES;
use belfry_tests::courier::Courier;
use belfry_tests::weather::Weather;
use belfry_tests::world::World;

const PATIENCE: Duration = Duration::from_secs(300);
const STEP: Duration = Duration::from_millis(5);
const MEGABYTE: usize = 1_000_000;

fn joined(weather: Weather, seed: u64, people: usize) -> World {
    let mut world = World::new(weather, seed);
    for person in 0..people {
        world.join(&format!("person{person}"), true, Start::Now);
    }
    assert!(world.run_until(PATIENCE, |world| world.people.iter().all(|person| person.caught_up() == 1)), "seed {seed}");
    world
}

/// A content that no two numbers share.
fn content(number: usize, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| u8::try_from((at * 7 + at / 251 + number) % 256).unwrap_or(0)).collect()
}

/// Carries files until all are done, and does `meanwhile` after each step.
fn carry(world: &mut World, couriers: &mut [Courier], mut meanwhile: impl FnMut(&mut World)) {
    let end = world.clock().instant + PATIENCE;
    while !couriers.iter().all(Courier::is_done) {
        world.run_for(STEP);
        meanwhile(world);
        for courier in &mut *couriers {
            courier.step(world);
            assert_eq!(courier.refused(), None);
        }
        assert!(world.clock().instant < end, "a file does not arrive");
    }
}

/// A file that somebody fetches, as a program does.
struct Fetcher {
    person: usize,
    download: FileDownload,
    fetched: Vec<u8>,
    seen: usize,
    is_done: bool,
}

impl Fetcher {
    fn of(world: &World, person: usize, attachment: &Attachment) -> Self {
        let download = FileDownload::new(attachment.file, attachment.bytes, 0);
        Self { person, download, fetched: Vec::new(), seen: world.people[person].updates.len(), is_done: false }
    }

    fn step(&mut self, world: &mut World) {
        let now = world.clock().instant;
        while let Some(update) = world.people[self.person].updates.get(self.seen).cloned() {
            self.seen += 1;
            self.download.handle_update(now, update);
        }
        loop {
            let ticket = world.ticket(self.person);
            match self.download.poll(now, ticket) {
                DownloadStep::Ask(request) => world.command(self.person, Command::Ask { ticket, request }),
                DownloadStep::Take(block) => self.fetched.extend(block.bytes()),
                DownloadStep::Wait(_) => return,
                DownloadStep::Done => {
                    self.is_done = true;
                    return;
                }
                DownloadStep::Failed(refusal) => panic!("{refusal}"),
            }
        }
    }

    /// Goes on until all is there, and does `meanwhile` after each step; how long it took.
    fn finish(&mut self, world: &mut World, mut meanwhile: impl FnMut(&mut World, u64)) -> Duration {
        let begun = world.clock().instant;
        while !self.is_done {
            self.step(world);
            world.run_for(STEP);
            meanwhile(world, self.download.upto());
            assert!(world.clock().instant.since(begun) < PATIENCE, "a file does not come");
        }
        world.clock().instant.since(begun)
    }
}

/// A file of the first person's, as everybody has heard of it.
fn sent(world: &mut World, content: &[u8]) -> Attachment {
    let mut couriers = [Courier::send(world, 0, "film.mkv".into(), content.to_vec())];
    carry(world, &mut couriers, |_| {});
    let attachment = |message: &&Message| message.attachment.as_deref().cloned();
    assert!(world.run_until(PATIENCE, |world| world.people.iter().all(|person| person.messages().last().and_then(attachment).is_some())));
    world.people[0].messages().last().and_then(attachment).unwrap()
}

#[test]
fn thirty_people_send_a_file_at_once_and_a_message_does_not_wait_for_them() {
    const PEOPLE: usize = 30;
    let mut world = joined(Weather::office(), 1, PEOPLE + 2);
    let contents: Vec<_> = (0..PEOPLE).map(|number| content(number, MEGABYTE / 5)).collect();
    let mut couriers: Vec<_> = contents
        .iter()
        .enumerate()
        .map(|(person, content)| Courier::send(&mut world, person, format!("file {person}"), content.clone()))
        .collect();
    let (teller, listener) = (PEOPLE, PEOPLE + 1);
    let mut said = None;
    let mut heard = None;
    carry(&mut world, &mut couriers, |world| {
        let now = world.clock().instant;
        if said.is_none() && world.server().unwrap().file_counts().uploads > 20 {
            world.say(teller, "Fire drill at three");
            said = Some(now);
        }
        if heard.is_none() && world.people[listener].texts().contains(&"Fire drill at three") {
            heard = Some(now);
        }
    });
    let late = heard.unwrap().since(said.unwrap());
    assert!(late < Duration::from_millis(500), "{late:?}");
    let counts = world.server().unwrap().file_counts();
    assert_eq!((counts.uploads, counts.received, counts.failed), (0, PEOPLE as u64, 0));
    assert_eq!(counts.received_bytes, (PEOPLE * (MEGABYTE / 5)) as u64, "nothing is sent twice");
}

#[test]
fn a_computer_that_gets_another_address_in_the_middle_goes_on_in_either_direction() {
    for seed in 0..3 {
        let mut world = joined(Weather::office(), seed, 2);
        let film = content(7, MEGABYTE);
        let mut couriers = [Courier::send(&mut world, 0, "film.mkv".into(), film.clone())];
        let mut moved = false;
        carry(&mut world, &mut couriers, |world| {
            if !moved && world.server().unwrap().file_counts().received_bytes > film.len() as u64 / 2 {
                world.relocate(0, SocketAddr::from(([192, 0, 2, 200], 40_000)));
                moved = true;
            }
        });
        assert!(moved, "seed {seed}");
        let attachment = |message: &&Message| message.attachment.as_deref().cloned();
        assert!(world.run_until(PATIENCE, |world| !world.people[1].messages().is_empty()), "seed {seed}");
        let attachment = world.people[1].messages().last().and_then(attachment).unwrap();
        let mut fetcher = Fetcher::of(&world, 1, &attachment);
        let mut moved = false;
        fetcher.finish(&mut world, |world, upto| {
            if !moved && upto > film.len() as u64 / 2 {
                world.relocate(1, SocketAddr::from(([192, 0, 2, 201], 40_000)));
                moved = true;
            }
        });
        assert!(moved && fetcher.fetched == film, "seed {seed}");
        let transport = world.server().unwrap().transport();
        assert_eq!((transport.moves, transport.handshakes), (2, 2), "seed {seed}: both are the connections that they were");
    }
}

#[test]
fn a_receiver_that_stops_reading_holds_no_more_than_it_was_granted_and_slows_nobody() {
    let mut world = joined(Weather::office(), 5, 3);
    let film = content(7, 3 * MEGABYTE);
    let attachment = sent(&mut world, &film);
    let alone = Fetcher::of(&world, 2, &attachment).finish(&mut world, |_, _| {});
    let mut reader = Fetcher::of(&world, 1, &attachment);
    while reader.download.upto() < film.len() as u64 / 4 {
        reader.step(&mut world);
        world.run_for(STEP);
    }
    reader.step(&mut world);
    world.run_for(STEP);
    world.suspend(1);
    let mut most = 0;
    let beside = Fetcher::of(&world, 2, &attachment).finish(&mut world, |world, _| {
        most = most.max(world.server().unwrap().transport().queued_bytes);
    });
    assert!(beside < alone + alone / 2, "{beside:?} beside it, {alone:?} alone");
    assert!(most <= 2 * FILE_WINDOW_BYTES, "{most} bytes wait for two readers");
    world.resume(1, false, true);
    reader.finish(&mut world, |_, _| {});
    assert!(reader.fetched == film);
}
