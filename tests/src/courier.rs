//! Somebody who sends a file from a program in the world, as a command does: offered, sent in blocks, said; and offered again whenever something
//! came between.

use std::collections::BTreeSet;

use belfry_core::chat::{Answer, Block, ContentHash, FileName, Place, Refusal, Request, block_length_at};
use belfry_core::client::{Command, Ticket, Update};
use belfry_core::limits::FRAGMENTED_MESSAGES_MAX;

use crate::world::{World, text};

/// A file on its way from one program.
#[derive(Debug)]
pub struct Courier {
    /// Whose it is.
    pub program: usize,
    /// What the file holds.
    pub content: Vec<u8>,
    hash: ContentHash,
    words: String,
    /// The program's updates that have been looked at.
    seen: usize,
    stage: Stage,
}

/// How far it is.
#[derive(Debug)]
enum Stage {
    /// It waits to hear what is there.
    Offered(Ticket),
    /// Blocks are on their way, and this is where the next begins.
    Sending { next: u64, on_their_way: BTreeSet<Ticket> },
    /// The message waits to be stored.
    Said(Ticket),
    /// It is there.
    Done,
    /// The server does not want it.
    Refused(Refusal),
}

impl Courier {
    /// Begins to send this to the lobby, with these words beside it.
    pub fn send(world: &mut World, program: usize, words: String, content: Vec<u8>) -> Self {
        let hash = ContentHash(*blake3::hash(&content).as_bytes());
        let seen = world.people[program].updates.len();
        let mut courier = Self { program, content, hash, words, seen, stage: Stage::Done };
        courier.offer(world);
        courier
    }

    /// Whether nothing more is to be done.
    pub fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done | Stage::Refused(_))
    }

    /// Why the server does not want it, if it does not.
    pub fn refused(&self) -> Option<Refusal> {
        if let Stage::Refused(refusal) = self.stage { Some(refusal) } else { None }
    }

    /// What the file is called: what its sender says beside it.
    pub fn name(&self) -> FileName {
        FileName::nearest(&self.words)
    }

    /// Goes on with what has been heard; the ticket and the words of the message once it is said.
    pub fn step(&mut self, world: &mut World) -> Option<(Ticket, String)> {
        let mut said = None;
        while let Some(update) = world.people[self.program].updates.get(self.seen).cloned() {
            self.seen += 1;
            said = said.or(self.hear(world, &update));
        }
        self.send_blocks(world);
        said
    }

    fn hear(&mut self, world: &mut World, update: &Update) -> Option<(Ticket, String)> {
        let heard = match update {
            Update::Answered { ticket, answer } => (*ticket, Ok(Some(answer))),
            Update::Refused { ticket, refusal } => (*ticket, Err(*refusal)),
            Update::Posted { ticket, .. } | Update::Lost { ticket } => (*ticket, Ok(None)),
            _ => return None,
        };
        let length = self.content.len() as u64;
        match (&mut self.stage, heard) {
            (Stage::Offered(asked), (ticket, answer)) if *asked == ticket => match answer {
                Ok(Some(Answer::Upload { from })) if *from == length => return Some(self.say(world)),
                Ok(Some(Answer::Upload { from })) => self.stage = Stage::Sending { next: *from, on_their_way: BTreeSet::new() },
                Err(Refusal::Busy | Refusal::TooManyRequests) | Ok(None) => self.offer(world),
                Err(refusal) => self.stage = Stage::Refused(refusal),
                Ok(other) => panic!("an offer is answered with {other:?}"),
            },
            (Stage::Sending { on_their_way, .. }, (ticket, answer)) if on_their_way.contains(&ticket) => match answer {
                Ok(Some(Answer::Received { upto })) if *upto == length => return Some(self.say(world)),
                Ok(Some(Answer::Received { .. })) => drop(on_their_way.remove(&ticket)),
                Ok(None) | Err(Refusal::Busy | Refusal::TooManyRequests | Refusal::BadRequest) => self.offer(world),
                Err(refusal) => self.stage = Stage::Refused(refusal),
                Ok(other) => panic!("a block is answered with {other:?}"),
            },
            (Stage::Said(asked), (ticket, answer)) if *asked == ticket => {
                self.stage = answer.map_or_else(Stage::Refused, |_| Stage::Done);
            }
            _ => {}
        }
        None
    }

    fn offer(&mut self, world: &mut World) {
        let ticket = world.ticket(self.program);
        let request = Request::OfferFile { to: Place::lobby(), room: None, bytes: self.content.len() as u64, hash: self.hash };
        world.command(self.program, Command::Ask { ticket, request });
        self.stage = Stage::Offered(ticket);
    }

    fn send_blocks(&mut self, world: &mut World) {
        let Stage::Sending { next, on_their_way } = &mut self.stage else { return };
        let length = self.content.len() as u64;
        while on_their_way.len() < FRAGMENTED_MESSAGES_MAX && *next < length {
            let end = *next + block_length_at(*next, length);
            let block = Block::new(self.content[*next as usize..end as usize].to_vec()).expect("a block");
            let ticket = world.ticket(self.program);
            let request = Request::SendBlock { hash: self.hash, offset: *next, block };
            world.command(self.program, Command::Ask { ticket, request });
            on_their_way.insert(ticket);
            *next = end;
        }
    }

    fn say(&mut self, world: &mut World) -> (Ticket, String) {
        let ticket = world.ticket(self.program);
        let (name, hash, words) = (self.name(), self.hash, self.words.clone());
        world.command(self.program, Command::PostFile { ticket, to: Place::lobby(), text: text(words.clone()), name, hash });
        self.stage = Stage::Said(ticket);
        (ticket, words)
    }
}

/// Fetches a file by this program, and waits for it; what it holds, or why it does not come.
///
/// # Errors
/// The server's refusal.
///
/// # Panics
/// When nothing more comes for ten simulated minutes.
pub fn fetch(world: &mut World, program: usize, attachment: &belfry_core::chat::Attachment) -> Result<Vec<u8>, Refusal> {
    let mut content = Vec::new();
    while (content.len() as u64) < attachment.bytes {
        let ticket = world.ticket(program);
        let request = Request::FetchBlock { file: attachment.file, offset: content.len() as u64 };
        world.command(program, Command::Ask { ticket, request });
        let answer = |world: &World| {
            world.people[program].updates.iter().rev().find_map(|update| match update {
                Update::Answered { ticket: of, answer: Answer::Block(block) } if *of == ticket => Some(Ok(block.bytes().to_vec())),
                Update::Refused { ticket: of, refusal } if *of == ticket => Some(Err(*refusal)),
                _ => None,
            })
        };
        assert!(world.run_until(std::time::Duration::from_secs(600), |world| answer(world).is_some()), "nothing more comes of a file");
        match answer(world) {
            Some(Ok(block)) => content.extend(block),
            Some(Err(Refusal::Busy)) | None => {}
            Some(Err(refusal)) => return Err(refusal),
        }
    }
    Ok(content)
}
