//! What was written and has not reached the server: on the disk before it is on its way, and gone from there when it is stored.
//!
//! Each outbox has a number that was drawn when it was made, and counts what is written; the server recognises a message by the two, so
//! that one that is sent again after a restart is stored once ([decision 5](../../docs/decisions)).

use std::io;

use belfry_core::chat::{AccountName, ContentHash, ConversationId, FileName, Place, PostId, Seq, Text, Timeline};
use belfry_core::time::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::platform::files::Folder;
use crate::transfer::{FoundFile, OutgoingFile};

const FILE: &str = "outbox.toml";

/// Numbers that are reserved at once, so that not every message writes the file twice. What is not used is passed over.
const RESERVED: u64 = 1000;

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingPost {
    /// By what the server recognises it.
    pub post: PostId,
    /// Where it is to be said.
    pub to: Place,
    /// The room's number, where it was known: the room is that one, whatever it is called by now.
    pub room: Option<ConversationId>,
    /// The message's text, as it is sent.
    pub text: Text,
    /// The message there that it replies to.
    pub reply_to: Option<Seq>,
    /// When it was written.
    pub at: UnixMillis,
    /// The file that it brings.
    pub file: Option<OutgoingFile>,
}

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OutboxLine {
    server: String,
    account: String,
    number: u64,
    to: String,
    /// Lines of 0.1.0 have none.
    room: Option<u64>,
    /// In which timeline of the server's database the room has that number.
    timeline: Option<u64>,
    at: u64,
    text: String,
    /// Most reply to none.
    reply_to: Option<u64>,
    /// Where the file is that it brings; most bring none.
    file: Option<String>,
    /// As that is called, how long it is, and what it held when it was read.
    file_name: Option<String>,
    file_bytes: Option<u64>,
    file_hash: Option<String>,
}

impl OutboxLine {
    fn is_of(&self, server: &str, account: &AccountName) -> bool {
        self.server.eq_ignore_ascii_case(server) && AccountName::known(&self.account).is_ok_and(|name| name.key() == account.key())
    }

    fn file(&self) -> Option<OutgoingFile> {
        let found =
            FoundFile { path: self.file.as_ref()?.into(), name: FileName::known(self.file_name.as_ref()?).ok()?, bytes: self.file_bytes? };
        Some(OutgoingFile { found, hash: self.file_hash.as_ref().and_then(|hash| hash.parse().ok()) })
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct OutboxFile {
    /// Hexadecimal: TOML has no number that large.
    outbox: String,
    /// The first number that was never used.
    next: u64,
    #[serde(default)]
    posts: Vec<OutboxLine>,
}

/// The outbox of a profile; messages of every account that was used in it.
#[derive(Debug)]
pub struct Outbox {
    folder: Folder,
    outbox: u64,
    next: u64,
    posts: Vec<OutboxLine>,
}

impl Outbox {
    /// The outbox of this profile. One that cannot be read is set aside, not thrown away, and a new one begun.
    ///
    /// # Errors
    /// The operating system said no.
    pub fn open(folder: &Folder) -> io::Result<Self> {
        let written = folder.read(FILE)?;
        let read = written.as_deref().map(toml::from_str::<OutboxFile>);
        let content = match read {
            Some(Ok(content)) => content,
            Some(Err(_)) => {
                folder.write(&format!("{FILE}.damaged"), written.unwrap_or_default())?;
                OutboxFile::default()
            }
            None => OutboxFile::default(),
        };
        let mut drawn = [0; 8];
        getrandom::fill(&mut drawn).map_err(io::Error::other)?;
        let known = u64::from_str_radix(&content.outbox, 16).ok();
        let outbox = Self {
            folder: folder.clone(),
            outbox: known.unwrap_or_else(|| u64::from_be_bytes(drawn)),
            next: content.next.max(1),
            posts: content.posts,
        };
        outbox.write()?;
        Ok(outbox)
    }

    /// By what the server recognises the next message that is written: larger than any before, also than those of earlier runs.
    pub const fn next(&self) -> PostId {
        PostId { outbox: self.outbox, counter: self.next }
    }

    /// A message was written, while the server's database was in this timeline: it is on the disk when this returns.
    ///
    /// # Errors
    /// The disk does not take it; it is kept until the program ends.
    pub fn keep(&mut self, server: &str, account: &AccountName, timeline: Option<Timeline>, waiting: &WaitingPost) -> io::Result<()> {
        self.next = self.next.max(waiting.post.counter.saturating_add(1));
        let file = waiting.file.as_ref();
        self.posts.push(OutboxLine {
            server: server.into(),
            account: account.to_string(),
            number: waiting.post.counter,
            to: waiting.to.to_string(),
            room: waiting.room.map(|room| room.0),
            timeline: timeline.map(|timeline| timeline.0),
            at: waiting.at.0,
            text: waiting.text.to_string(),
            reply_to: waiting.reply_to.map(|seq| seq.0),
            file: file.map(|file| file.found.path.to_string_lossy().into_owned()),
            file_name: file.map(|file| file.found.name.as_str().to_owned()),
            file_bytes: file.map(|file| file.found.bytes),
            file_hash: file.and_then(|file| file.hash).map(|hash| hash.to_string()),
        });
        self.write()
    }

    /// The file of a message was read: it is to hold this still when it is sent.
    ///
    /// # Errors
    /// The disk does not take it; until the program ends it is known all the same.
    pub fn hashed(&mut self, counter: u64, hash: ContentHash) -> io::Result<()> {
        let posts = self.posts.iter_mut().filter(|post| post.number == counter);
        posts.for_each(|post| post.file_hash = Some(hash.to_string()));
        self.write()
    }

    /// A message is stored, or its writer gave it up.
    ///
    /// # Errors
    /// The disk does not take it: the message may be sent once more after a restart, and the server will recognise it.
    pub fn forget(&mut self, counter: u64) -> io::Result<()> {
        let before = self.posts.len();
        self.posts.retain(|post| post.number != counter);
        if self.posts.len() == before { Ok(()) } else { self.write() }
    }

    /// The server's database is in this timeline now: a room's number of another one is forgotten, it may be another room's here, and so is
    /// the number of what a message replies to.
    ///
    /// # Errors
    /// The disk does not take it; until the program ends the numbers are forgotten all the same.
    pub fn enter_timeline(&mut self, server: &str, account: &AccountName, timeline: Timeline) -> io::Result<()> {
        let of_another = |post: &&mut OutboxLine| {
            (post.room.is_some() || post.reply_to.is_some()) && post.timeline != Some(timeline.0) && post.is_of(server, account)
        };
        let numbered: Vec<_> = self.posts.iter_mut().filter(of_another).map(|post| (post.room, post.reply_to) = (None, None)).collect();
        if numbered.is_empty() { Ok(()) } else { self.write() }
    }

    /// What this person has written for this server and it has not got, in the order it was written.
    pub fn waiting(&self, server: &str, account: &AccountName) -> Vec<WaitingPost> {
        let read = |post: &OutboxLine| {
            let (to, text) = (post.to.parse().ok()?, Text::try_from(post.text.clone()).ok()?);
            let own = PostId { outbox: self.outbox, counter: post.number };
            Some(WaitingPost {
                post: own,
                to,
                room: post.room.map(ConversationId),
                text,
                reply_to: post.reply_to.map(Seq),
                at: UnixMillis(post.at),
                file: post.file(),
            })
        };
        self.posts.iter().filter(|post| post.is_of(server, account)).filter_map(read).collect()
    }

    fn write(&self) -> io::Result<()> {
        let next = self.next.saturating_add(RESERVED);
        let content = OutboxFile { outbox: format!("{:016x}", self.outbox), next, posts: self.posts.clone() };
        self.folder.write(FILE, &toml::to_string(&content).map_err(io::Error::other)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path().join("profile")).unwrap();
        (dir, folder)
    }

    fn me() -> AccountName {
        AccountName::new("me").unwrap()
    }

    fn written(post: PostId, to: &str, text: &str) -> WaitingPost {
        let room = (to == "lobby").then_some(ConversationId(1));
        WaitingPost {
            post,
            to: to.parse().unwrap(),
            room,
            text: Text::new(text).unwrap(),
            reply_to: Some(Seq(7)),
            at: UnixMillis(5),
            file: None,
        }
    }

    #[test]
    fn what_was_written_survives_a_restart_in_its_order_and_under_its_number() {
        let (_dir, folder) = folder();
        let mut outbox = Outbox::open(&folder).unwrap();
        let first = outbox.next();
        let posts = [written(first, "lobby", "one\ntwo \"three\""), written(PostId { counter: first.counter + 1, ..first }, "@王伟", "早")];
        for post in &posts {
            outbox.keep("lan-host", &me(), Some(Timeline::FIRST), post).unwrap();
        }
        drop(outbox);
        let outbox = Outbox::open(&folder).unwrap();
        assert_eq!(outbox.waiting("LAN-host", &AccountName::new("ME").unwrap()), posts);
        assert_eq!(outbox.next().outbox, first.outbox);
        assert!(outbox.next().counter > posts[1].post.counter, "no number is used twice");
    }

    #[test]
    fn a_message_brings_its_file_after_a_restart_still_and_what_that_held() {
        let (_dir, folder) = folder();
        let mut outbox = Outbox::open(&folder).unwrap();
        let found = FoundFile { path: "C:/plans/plan \"2\".pdf".into(), name: FileName::new("plan.pdf").unwrap(), bytes: 9 };
        let file = Some(OutgoingFile { found, hash: None });
        let post = WaitingPost { file, ..written(outbox.next(), "lobby", "look") };
        outbox.keep("lan-host", &me(), Some(Timeline::FIRST), &post).unwrap();
        assert_eq!(Outbox::open(&folder).unwrap().waiting("lan-host", &me()), std::slice::from_ref(&post));
        outbox.hashed(post.post.counter, ContentHash([7; 32])).unwrap();
        let waiting = Outbox::open(&folder).unwrap().waiting("lan-host", &me());
        assert_eq!(waiting[0].file.as_ref().and_then(|file| file.hash), Some(ContentHash([7; 32])));
    }

    #[test]
    fn what_was_written_before_rooms_had_their_numbers_here_waits_still() {
        let (_dir, folder) = folder();
        let line = "server = \"lan-host\"\naccount = \"me\"\nnumber = 3\nto = \"lobby\"\nat = 5\ntext = \"hi\"\n";
        folder.write(FILE, format!("outbox = \"00000000000000ab\"\nnext = 4\n\n[[posts]]\n{line}")).unwrap();
        let waiting = Outbox::open(&folder).unwrap().waiting("lan-host", &me());
        let post = PostId { outbox: 0xab, counter: 3 };
        assert_eq!(waiting, [WaitingPost { room: None, reply_to: None, ..written(post, "lobby", "hi") }]);
    }

    #[test]
    fn a_rooms_number_is_forgotten_where_it_may_be_another_rooms_by_now() {
        let (_dir, folder) = folder();
        let mut outbox = Outbox::open(&folder).unwrap();
        let hi = written(outbox.next(), "lobby", "hi");
        outbox.keep("lan-host", &me(), Some(Timeline::FIRST), &hi).unwrap();
        outbox.enter_timeline("lan-host", &me(), Timeline::FIRST).unwrap();
        outbox.enter_timeline("another-host", &me(), Timeline(77)).unwrap();
        assert_eq!(Outbox::open(&folder).unwrap().waiting("lan-host", &me()), std::slice::from_ref(&hi));
        outbox.enter_timeline("LAN-host", &me(), Timeline(77)).unwrap();
        assert_eq!(Outbox::open(&folder).unwrap().waiting("lan-host", &me()), [WaitingPost { room: None, reply_to: None, ..hi }]);
    }

    #[test]
    fn what_is_stored_is_forgotten() {
        let (_dir, folder) = folder();
        let mut outbox = Outbox::open(&folder).unwrap();
        let hi = written(outbox.next(), "lobby", "hi");
        outbox.keep("lan-host", &me(), Some(Timeline::FIRST), &hi).unwrap();
        outbox.forget(1).unwrap();
        assert_eq!(Outbox::open(&folder).unwrap().waiting("lan-host", &me()), []);
    }

    #[test]
    fn numbers_are_never_used_again_also_when_everything_was_stored() {
        let (_dir, folder) = folder();
        let first = Outbox::open(&folder).unwrap();
        let second = Outbox::open(&folder).unwrap();
        assert!(second.next().counter >= first.next().counter + RESERVED);
        assert_eq!(second.next().outbox, first.next().outbox, "it is the same outbox");
    }

    #[test]
    fn nobody_sends_what_another_account_has_written() {
        let (_dir, folder) = folder();
        let mut outbox = Outbox::open(&folder).unwrap();
        let hi = written(outbox.next(), "lobby", "hi");
        outbox.keep("lan-host", &me(), Some(Timeline::FIRST), &hi).unwrap();
        assert_eq!(outbox.waiting("lan-host", &AccountName::new("other").unwrap()), []);
        assert_eq!(outbox.waiting("elsewhere", &me()), []);
    }

    #[test]
    fn a_damaged_outbox_is_set_aside() {
        let (_dir, folder) = folder();
        folder.write(FILE, "posts = nonsense").unwrap();
        assert_eq!(Outbox::open(&folder).unwrap().waiting("lan-host", &me()), []);
        assert_eq!(folder.read("outbox.toml.damaged").unwrap().as_deref(), Some("posts = nonsense"));
    }
}
