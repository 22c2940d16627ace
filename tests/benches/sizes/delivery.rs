//! Whether long reads hold up what others say: how long a message takes to a reader while nobody searches, and while ten clients do.
//!
//! The real server on the loopback interface, in this process; the clients are this process, too, and use the same processors.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use belfry_core::chat::{Password, Place, Request, RoomName, SearchText, Text};
use belfry_core::client::{Command, Config, Credentials, Proof, Start, Ticket, Trust, Update};
use belfry_core::crypto::KeyPair;
use belfry_core::net::{self, Handle};
use belfry_core::rng::{Rng, below, from_seed};
use belfry_server::hub::{Registration, Rules};
use belfry_server::{Order, Settings, serve};

use crate::generate::{PASSWORD, name};

const SEARCHERS: u64 = 10;
/// Between two messages: the pace of the measurement, not something that is waited for.
const PACE: Duration = Duration::from_millis(20);
const MESSAGES: usize = 1500;
const PATIENCE: Duration = Duration::from_secs(30);

/// What is searched for, in turn: rare, common, two letters, a number.
const TEXTS: [&str; 6] = ["quaggamire", "server", "the", "qu", "T-0", "the server"];

pub(crate) fn measure(folder: &Path) {
    let rules = Rules::with_registration(Registration::Open);
    let settings = Settings {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        data: folder.to_owned(),
        rules,
        admin_password: None,
        metrics: None,
        announce: None,
        file_scanner: None,
    };
    let (ready, is_ready) = mpsc::channel();
    let (orders, to_server) = mpsc::channel();
    let server = thread::spawn(move || serve(settings, move |told| ready.send(told.addresses[0]).unwrap(), to_server));
    let address = is_ready.recv_timeout(PATIENCE).unwrap();
    let room = Place::Room(RoomName::new("room 2").unwrap());
    let (writer, written) = client(address, 2);
    let (_reader, read) = client(address, 3);
    println!("\n{:<66} {:>10} {:>10} {:>10} {:>10}", "ms from saying to hearing", "median", "p99", "most", "searches");
    println!("{:<66} {}", "while nobody searches", line(&talk(&writer, &written, &read, &room), 0));
    let (going, searched) = (AtomicBool::new(true), AtomicU64::new(0));
    thread::scope(|scope| {
        for number in 0..SEARCHERS {
            let (going, searched) = (&going, &searched);
            scope.spawn(move || search(address, 4 + number, going, searched));
        }
        // All are in and searching.
        let until = Instant::now() + PATIENCE;
        while searched.load(Ordering::Relaxed) < SEARCHERS {
            assert!(Instant::now() < until, "nobody searches");
            thread::park_timeout(PACE);
        }
        searched.store(0, Ordering::Relaxed);
        let took = talk(&writer, &written, &read, &room);
        println!("{:<66} {}", "while ten clients search", line(&took, searched.load(Ordering::Relaxed)));
        going.store(false, Ordering::Relaxed);
    });
    orders.send(Order::Stop).unwrap();
    server.join().unwrap().unwrap();
}

fn client(address: SocketAddr, number: u64) -> (Handle, Receiver<Update>) {
    let mut rng: Rng = from_seed(net::os_seed().unwrap());
    let password = Password::new(PASSWORD.to_owned()).unwrap();
    let proof = Proof::Password { password, register: false, remember: false };
    let config = Config {
        servers: vec![address],
        trust: Trust::FirstUse,
        device: KeyPair::generate(&mut rng),
        credentials: Credentials { account: name(number), proof },
        start: Start::Now,
        shows_notices: false,
    };
    let (handle, updates) = net::spawn(config).unwrap();
    until(&updates, |update| matches!(update, Update::CaughtUp).then_some(()));
    (handle, updates)
}

fn until<T>(updates: &Receiver<Update>, wanted: impl Fn(Update) -> Option<T>) -> T {
    loop {
        let update = updates.recv_timeout(PATIENCE).unwrap();
        assert!(!matches!(update, Update::Failed(_)), "{update:?}");
        if let Some(found) = wanted(update) {
            return found;
        }
    }
}

/// One says something every now and then, the other notes when it comes.
fn talk(writer: &Handle, written: &Receiver<Update>, read: &Receiver<Update>, room: &Place) -> Vec<Duration> {
    let mut took = Vec::new();
    for number in 0..MESSAGES {
        let said = format!("measured {number}");
        let at = Instant::now();
        let text = Text::new(said.as_str()).unwrap();
        writer.send(Command::Post { ticket: Ticket(number as u64), to: room.clone(), text, reply_to: None }).unwrap();
        until(read, |update| matches!(&update, Update::Message { message, .. } if message.text.as_str() == said).then_some(()));
        took.push(at.elapsed());
        while written.try_recv().is_ok() {}
        thread::park_timeout(PACE.saturating_sub(at.elapsed()));
    }
    took.sort_unstable();
    took
}

/// Searches as fast as the server lets one, which is what it takes and no more than five a second.
fn search(address: SocketAddr, number: u64, going: &AtomicBool, searched: &AtomicU64) {
    let (handle, updates) = client(address, number);
    let mut rng = from_seed([u8::try_from(number).unwrap(); 32]);
    let mut asked = 0;
    while going.load(Ordering::Relaxed) {
        let at = Instant::now();
        asked += 1;
        let text = TEXTS[usize::try_from(below(&mut rng, TEXTS.len() as u64)).unwrap()];
        let request = Request::Search { text: SearchText::new(text).unwrap(), place: None, before: None, limit: 10 };
        handle.send(Command::Ask { ticket: Ticket(asked), request }).unwrap();
        until(&updates, |update| match update {
            Update::Answered { ticket, .. } if ticket.0 == asked => Some(()),
            Update::Refused { refusal, .. } => panic!("{refusal}"),
            _ => None,
        });
        searched.fetch_add(1, Ordering::Relaxed);
        thread::park_timeout(Duration::from_millis(205).saturating_sub(at.elapsed()));
    }
}

fn line(took: &[Duration], searches: u64) -> String {
    let millis = |duration: Duration| duration.as_secs_f64() * 1e3;
    let (median, p99) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    format!("{:>10.2} {:>10.2} {:>10.2} {searches:>10}", millis(median), millis(p99), millis(took[took.len() - 1]))
}
