//! The thread's work, without the thread: what it asks, what it makes of the answers, and what lies on the disk then.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use belfry_core::chat::{Answer, Attachment, Block, FileId, FileName, Place, block_length_at};

use super::*;

type Asked = Arc<Mutex<VecDeque<(Ticket, Request)>>>;

/// A worker with a server that keeps one content, and answers when it is told to.
struct Pair {
    worker: TransferWorker<Box<dyn Fn(TransferEvent)>>,
    told: Rc<RefCell<Vec<TransferEvent>>>,
    asked: Asked,
    folder: tempfile::TempDir,
    /// Bytes that the server has of what is sent.
    stored: BTreeMap<ContentHash, u64>,
    now: Instant,
}

const CONTENT: usize = 300_000;

fn content() -> Vec<u8> {
    (0..CONTENT).map(|at| u8::try_from(at % 251).unwrap_or(0)).collect()
}

impl Pair {
    fn new() -> Self {
        let told: Rc<RefCell<Vec<TransferEvent>>> = Rc::default();
        let hear = Rc::clone(&told);
        let tell: Box<dyn Fn(TransferEvent)> = Box::new(move |event| hear.borrow_mut().push(event));
        Self {
            worker: TransferWorker::new(tell),
            told,
            asked: Asked::default(),
            folder: tempfile::tempdir().unwrap(),
            stored: BTreeMap::new(),
            now: Instant::START,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn connect(&mut self) {
        self.asked = Asked::default();
        let asked = Arc::clone(&self.asked);
        let line: Line = Box::new(move |command| {
            if let Command::Ask { ticket, request } = command {
                asked.lock().unwrap().push_back((ticket, request));
            }
            true
        });
        self.worker.handle(TransferJob::Connect(Some(line)));
    }

    /// Turns until it waits for an answer.
    fn turn(&mut self) {
        for _ in 0..1000 {
            match self.worker.turn(self.now) {
                Again::Now => {}
                Again::At(at) => self.now = at,
                Again::WhenHeard => return,
            }
        }
        panic!("it never waits");
    }

    /// The server answers so many questions.
    fn answer(&mut self, questions: usize) {
        for _ in 0..questions {
            self.turn();
            let Some((ticket, request)) = self.asked.lock().unwrap().pop_front() else { return };
            let answer = match request {
                Request::OfferFile { hash, .. } => Answer::Upload { from: *self.stored.entry(hash).or_default() },
                Request::SendBlock { hash, offset, block } => {
                    let stored = self.stored.entry(hash).or_default();
                    assert_eq!(*stored, offset);
                    *stored += block.length();
                    Answer::Received { upto: *stored }
                }
                Request::FetchBlock { offset, .. } => {
                    let from = usize::try_from(offset).unwrap();
                    let length = usize::try_from(block_length_at(offset, CONTENT as u64)).unwrap();
                    Answer::Block(Block::new(content()[from..from + length].to_vec()).unwrap())
                }
                other => panic!("{other:?}"),
            };
            self.worker.handle(TransferJob::Heard(Update::Answered { ticket, answer }));
        }
        self.turn();
    }

    /// What was told of this transfer last.
    fn last(&self, key: TransferKey) -> Option<TransferState> {
        let states = self.told.borrow();
        states.iter().rev().find_map(|event| match event {
            TransferEvent::State(of, state) if *of == key => Some(state.clone()),
            _ => None,
        })
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn send(&mut self, ticket: u64, path: &Path) {
        let order = SendOrder { ticket: Ticket(ticket), to: Place::lobby(), room: None, path: path.to_owned(), hash: None };
        self.worker.handle(TransferJob::Send(order));
    }

    fn fetch(&mut self, file: u64, name: &str) {
        let name = FileName::new(name).unwrap();
        let attachment = Attachment { file: FileId(file), name: name.clone(), bytes: CONTENT as u64, hash: hash() };
        let folder = self.folder.path().to_owned();
        self.worker.handle(TransferJob::Fetch(FetchOrder { attachment, folder, name, paused: false }));
    }
}

fn hash() -> ContentHash {
    ContentHash(*blake3::hash(&content()).as_bytes())
}

const fn sent(ticket: u64) -> TransferKey {
    TransferKey::Sent(Ticket(ticket))
}

const fn fetched(file: u64) -> TransferKey {
    TransferKey::Fetched(FileId(file))
}

#[test]
fn a_file_is_sent_whole_and_the_next_one_after_it() {
    let mut pair = Pair::new();
    pair.connect();
    let (first, second) = (pair.write("first", &content()), pair.write("second", b"second"));
    pair.send(1, &first);
    pair.send(2, &second);
    pair.send(1, &first);
    pair.answer(1);
    assert_eq!(pair.last(sent(2)), Some(TransferState::Waiting { done: 0 }));
    pair.answer(100);
    assert_eq!(pair.stored[&hash()], CONTENT as u64);
    assert_eq!(pair.last(sent(1)), Some(TransferState::Stored(hash())));
    assert!(matches!(pair.last(sent(2)), Some(TransferState::Stored(_))));
    assert!(pair.told.borrow().contains(&TransferEvent::Hashed(Ticket(1), hash())));
    assert_eq!(pair.stored.len(), 2, "what was ordered twice is sent once");
}

#[test]
fn on_another_connection_an_upload_goes_on_where_the_server_has_it() {
    let mut pair = Pair::new();
    let file = pair.write("plan.pdf", &content());
    pair.send(1, &file);
    pair.turn();
    assert_eq!(pair.last(sent(1)), Some(TransferState::Waiting { done: 0 }), "without a server it waits");
    pair.connect();
    pair.answer(3);
    pair.worker.handle(TransferJob::Connect(None));
    pair.turn();
    assert!(matches!(pair.last(sent(1)), Some(TransferState::Waiting { done }) if done > 0));
    pair.connect();
    pair.answer(100);
    assert_eq!(pair.last(sent(1)), Some(TransferState::Stored(hash())));
}

#[test]
fn a_file_that_is_not_what_an_earlier_run_has_read_is_not_sent() {
    let mut pair = Pair::new();
    pair.connect();
    let path = pair.write("plan.pdf", b"another");
    let order = SendOrder { ticket: Ticket(1), to: Place::lobby(), room: None, path: path.clone(), hash: Some(hash()) };
    pair.worker.handle(TransferJob::Send(order));
    pair.answer(9);
    assert_eq!(pair.last(sent(1)), Some(TransferState::Failed(FileTrouble::Changed(path).to_string())));
    assert!(pair.stored.is_empty());
}

#[test]
fn a_fetched_file_has_its_name_when_it_is_whole_and_takes_none_that_is_there() {
    let mut pair = Pair::new();
    pair.connect();
    pair.write("plan.pdf", b"mine");
    pair.fetch(7, "plan.pdf");
    pair.answer(2);
    assert!(pair.names().iter().all(|name| name == "plan.pdf" || name.ends_with(".part")), "{:?}", pair.names());
    pair.answer(100);
    assert_eq!(pair.last(fetched(7)), Some(TransferState::Saved(pair.path("plan (2).pdf"))));
    assert_eq!(fs::read(pair.path("plan (2).pdf")).unwrap(), content());
    assert_eq!(fs::read(pair.path("plan.pdf")).unwrap(), b"mine");
}

#[test]
fn a_download_is_stopped_gone_on_with_and_given_up_and_then_nothing_is_left_of_it() {
    let mut pair = Pair::new();
    pair.connect();
    pair.fetch(7, "plan.pdf");
    pair.answer(3);
    pair.worker.handle(TransferJob::Pause(fetched(7)));
    pair.answer(100);
    let Some(TransferState::Paused { done }) = pair.last(fetched(7)) else { panic!("{:?}", pair.last(fetched(7))) };
    assert!(done > 0 && done < CONTENT as u64, "{done}");
    pair.worker.handle(TransferJob::Resume(fetched(7)));
    pair.turn();
    let next = pair.asked.lock().unwrap().front().cloned();
    assert!(matches!(next, Some((_, Request::FetchBlock { offset, .. })) if offset == done), "{next:?}");
    pair.worker.handle(TransferJob::Cancel(fetched(7)));
    pair.answer(100);
    assert_eq!(pair.names(), Vec::<String>::new());
}

#[test]
fn another_run_goes_on_with_what_an_earlier_one_has_fetched() {
    let mut first = Pair::new();
    first.connect();
    first.fetch(7, "plan.pdf");
    first.answer(4);
    let mut second = Pair::new();
    second.folder = first.folder;
    drop(first.worker);
    second.connect();
    second.fetch(7, "plan.pdf");
    second.turn();
    let next = second.asked.lock().unwrap().front().cloned();
    assert!(matches!(next, Some((_, Request::FetchBlock { offset, .. })) if offset > 0), "{next:?}");
    second.answer(100);
    assert_eq!(fs::read(second.path("plan.pdf")).unwrap(), content());
    assert_eq!(second.names(), ["plan.pdf"]);
}

#[test]
fn three_files_are_fetched_at_once_and_the_fourth_waits() {
    let mut pair = Pair::new();
    pair.connect();
    (1..=4).for_each(|file| pair.fetch(file, &format!("{file}.pdf")));
    pair.turn();
    let going: Vec<_> = (1..=4).map(|file| matches!(pair.last(fetched(file)), Some(TransferState::Running { .. }))).collect();
    assert_eq!(going, [true, true, true, false]);
    pair.answer(1000);
    assert_eq!(pair.names().len(), 4);
}

#[test]
fn what_cannot_be_read_or_written_says_so() {
    let mut pair = Pair::new();
    pair.connect();
    let nothing = pair.path("nothing");
    pair.send(1, &nothing);
    pair.fetch(7, "plan.pdf");
    pair.worker.fetched[0].order.folder = nothing.join("deeper");
    pair.turn();
    for key in [sent(1), fetched(7)] {
        let Some(TransferState::Failed(why)) = pair.last(key) else { panic!("{key:?}") };
        assert!(why.ends_with("there is no such file or folder."), "{why}");
    }
    pair.worker.handle(TransferJob::Look { place: "lobby".into(), paths: vec![pair.write("a.txt", b"x"), nothing] });
    let looked: Vec<_> = pair
        .told
        .borrow()
        .iter()
        .filter_map(|event| match event {
            TransferEvent::Looked { found, .. } => Some(found.as_ref().map(|found| found.bytes).map_err(Clone::clone)),
            _ => None,
        })
        .collect();
    assert!(matches!(&looked[..], [Ok(1), Err(why)] if why.contains("cannot be read")), "{looked:?}");
}

#[test]
fn it_is_told_a_few_times_a_second_how_fast_it_goes() {
    let mut meter = Meter::default();
    let at = |millis: u64| Instant::from_micros(millis * 1000);
    let running = |done: u64| TransferState::Running { done, rate: 0 };
    let told =
        [(0, 0), (10, 1000), (250, 50_000), (300, 60_000), (500, 100_000)].map(|(millis, done)| meter.measure(at(millis), running(done)));
    let rate = |done, rate| Some(TransferState::Running { done, rate });
    assert_eq!(told, [rate(0, 0), None, rate(50_000, 200_000), None, rate(100_000, 200_000)]);
    let paused = TransferState::Paused { done: 100_000 };
    assert_eq!([meter.measure(at(501), paused.clone()), meter.measure(at(502), paused.clone())], [Some(paused), None]);
}
