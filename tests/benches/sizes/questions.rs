//! What each question costs the server's processor: one at a time, on the thread that asks.

use std::path::Path;
use std::time::{Duration, Instant};

use belfry_core::chat::{AccountId, Answer, Audience, ConversationId, DeviceId, MessagePage, Page, SearchText, Seq};
use belfry_core::crypto::KeyPair;
use belfry_core::endpoint;
use belfry_core::rng::{Rng, below, from_seed};
use belfry_core::source::Links;
use belfry_core::time::{Now, UnixMillis};
use belfry_server::hub::{self, Registration};
use belfry_server::machine::{Config, Machine};
use belfry_server::store::{Job, JobTicket, List, MessageJob, Outcome, Overview, ProvenBy, Reachable, Store, Target, Visitor, Work};
use belfry_tests::measure::{Figure, cpu_of};

use crate::generate::{DEEP, LOBBY, RARE, READER, ROOMS_OF_READER, Scale, name};

/// What a question may cost at the median.
const LINE_MS: f64 = 20.0;
const REPETITIONS: usize = 101;
/// A server is opened that often.
const OPENINGS: usize = 5;
const PAGE: u32 = 50;
const HITS: u32 = 10;
/// The one that the person who looks around signs in with.
const DEVICE: DeviceId = DeviceId([9; 32]);

pub(crate) fn ask(folder: &Path, scale: Scale) {
    println!("\n{:<66} {:>10} {:>10} {:>10} {:>10}", "ms of CPU", "median", "least", "most", "wall");
    let path = folder.join("belfry.db");
    opening(&path);
    let mut store = Store::open(&path).unwrap();
    let mut rng = from_seed([7; 32]);
    let deep = scale.messages / 10;
    let each = (scale.messages - 3 * deep) / (scale.rooms - 2);
    // One of the reader's ordinary rooms.
    let room = |rng: &mut Rng| ConversationId(DEEP.0 + 1 + below(rng, ROOMS_OF_READER - 1));

    let catch_up = |conversation, after| Work::FetchAfter { account: READER, conversation, after: Seq(after), limit: PAGE };
    row("catch up one client by 50 messages", &mut store, |rng| catch_up(room(rng), each - 50), full_page, &mut rng);
    row("… by 50 anywhere in a room of a tenth of all", &mut store, |rng| catch_up(DEEP, below(rng, deep - 50)), full_page, &mut rng);
    let back = |of, before| Work::FetchBefore { account: READER, of: Target::Room(of), before: Some(Seq(before)), limit: PAGE };
    row("a page of 50 deep in the past", &mut store, |rng| back(DEEP, 51 + below(rng, deep - 51)), full_page, &mut rng);
    row("… in the lobby", &mut store, |rng| back(LOBBY, 51 + below(rng, deep - 51)), full_page, &mut rng);

    let search = |text: &str, within| {
        let text = SearchText::new(text).unwrap();
        Work::Message(MessageJob::Search { account: READER, text, within, before: None, limit: HITS })
    };
    let ten = |outcome: &Outcome| matches!(outcome, Outcome::Read(Answer::Found(found)) if found.hits.len() == HITS as usize);
    let any = |outcome: &Outcome| matches!(outcome, Outcome::Read(Answer::Found(_)));
    row("search: a rare word with 10 hits, in all 101 rooms", &mut store, |_| search(RARE.0, None), ten, &mut rng);
    row("… a common word", &mut store, |_| search("server", None), ten, &mut rng);
    row("… a very common part of words", &mut store, |_| search("the", None), ten, &mut rng);
    row("… two words", &mut store, |_| search("the server", None), any, &mut rng);
    row("… two rare words of common letters, in no message", &mut store, |_| search("thereon stationery", None), any, &mut rng);
    let number = |rng: &mut Rng| format!("T-{:06}", below(rng, 1 << 20));
    row("… a number", &mut store, |rng| search(&number(rng), None), any, &mut rng);
    row("… a number, in one room", &mut store, |rng| search(&number(rng), Some(Target::Room(DEEP))), any, &mut rng);
    row("… a common word, in one room", &mut store, |_| search("server", Some(Target::Room(DEEP))), ten, &mut rng);
    row("… two letters", &mut store, |_| search("qu", None), any, &mut rng);

    let sees = |outcome: &Outcome| matches!(outcome, Outcome::Overview(Overview { conversations, .. }) if conversations.len() as u64 > ROOMS_OF_READER);
    row("unread counts of a person in 100 rooms", &mut store, |_| Work::Overview { account: READER }, sees, &mut rng);
    let overview = |rng: &mut Rng| Work::Overview { account: AccountId(2 + below(rng, scale.accounts - 2)) };
    row("… of anybody", &mut store, overview, |outcome| matches!(outcome, Outcome::Overview(_)), &mut rng);
    let room_of_reader = room(&mut rng);
    let list = |list: &List| Work::List(list.clone());
    let is_page = |outcome: &Outcome| match outcome {
        Outcome::People(Page { entries: people, .. }) => !people.is_empty(),
        Outcome::Read(Answer::Rooms(Page { entries: rooms, .. })) => rooms.len() as u64 > ROOMS_OF_READER,
        Outcome::Reachable(Reachable { people, .. }) => people.len() as u64 + 1 == scale.accounts,
        _ => false,
    };
    let anybody = |rng: &mut Rng| Some(name(1 + below(rng, scale.accounts)));
    row("a page of everybody, 500 people", &mut store, |rng| Work::List(List::Everybody { after: anybody(rng) }), people, &mut rng);
    let members = List::Members { account: READER, room: room_of_reader, after: None };
    row("… of those in a room", &mut store, |_| list(&members), is_page, &mut rng);
    let rooms = List::Rooms { account: READER, after: None };
    row("… of the rooms, with how many are in each", &mut store, |_| list(&rooms), is_page, &mut rng);
    let preview = |_: &mut Rng| Work::Preview { author: READER, audience: vec![Audience::Everyone] };
    row("whom a notice to everyone would reach", &mut store, preview, is_page, &mut rng);
    let look_up = |rng: &mut Rng| Work::LookUp {
        name: name(1 + below(rng, scale.accounts)),
        device: DEVICE,
        source: Links::default().source([192, 0, 2, 77].into()),
    };
    row("who is at the door", &mut store, look_up, |outcome| matches!(outcome, Outcome::LookedUp(Some(_))), &mut rng);
    let sign_in = |_: &mut Rng| {
        let address: std::net::SocketAddr = ([192, 0, 2, 9], 40_000).into();
        let source = Links::default().source(address.ip());
        Work::SignIn {
            account: READER,
            visitor: Visitor { device: DEVICE, address, source, remember: true, proven_by: ProvenBy::Password },
        }
    };
    row("(signing in, of a person in 100 rooms)", &mut store, sign_in, sees, &mut rng);
    let posted = |outcome: &Outcome| matches!(outcome, Outcome::Posted(_));
    let mut counter = 0;
    let post = |rng: &mut Rng| {
        counter += 1;
        let post = belfry_core::chat::PostId { outbox: rng_number(rng), counter };
        let text = belfry_core::chat::Text::new("somebody has seen the key of the cold room").unwrap();
        Work::Post { account: READER, post, to: Target::Room(room(rng)), text, reply_to: None }
    };
    row("(a message, stored alone)", &mut store, post, posted, &mut rng);
    store.close().unwrap();
}

fn rng_number(rng: &mut Rng) -> u64 {
    below(rng, u64::from(u32::MAX))
}

fn people(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::People(_))
}

fn full_page(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Read(Answer::Page(MessagePage { messages, .. })) if messages.len() == PAGE as usize)
}

/// From the file to a server that could take its first datagram.
fn opening(path: &Path) {
    let (mut files, mut reads, mut hubs, mut all) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..OPENINGS {
        let begun = Instant::now();
        let (file, mut store) = cpu_of(|| Store::open(path).unwrap());
        let (read, opening) = cpu_of(|| store.opening().unwrap());
        let hub = hub::Config { registration: Registration::Open, started_at: UnixMillis(0), time_zone: jiff::tz::TimeZone::UTC };
        let mut rng = from_seed([1; 32]);
        let identity = KeyPair::generate(&mut rng);
        let config = Config { endpoint: endpoint::Config { identity, retired: Vec::new() }, hub };
        let (hub, machine) = cpu_of(|| Machine::new(config, opening, rng, Now::default()));
        let wall = begun.elapsed();
        drop(machine);
        store.close().unwrap();
        for (figures, used) in [(&mut files, file), (&mut reads, read), (&mut hubs, hub), (&mut all, file + read + hub)] {
            figures.push((used, wall));
        }
    }
    print("opening: the file", files);
    print("… what the server has to know, read from it", reads);
    print("… the hub made of that", hubs);
    print("opening the server, all together", all);
}

fn row(title: &str, store: &mut Store, mut work: impl FnMut(&mut Rng) -> Work, is_right: impl Fn(&Outcome) -> bool, rng: &mut Rng) {
    let mut figures = Vec::new();
    for turn in 0..=REPETITIONS {
        let job = Job { ticket: JobTicket(1), at: UnixMillis(1_793_500_000_000), work: work(rng) };
        let begun = Instant::now();
        let (used, mut done) = cpu_of(|| store.apply(vec![job]));
        let wall = begun.elapsed();
        let outcome = done.remove(0).result.unwrap();
        assert!(is_right(&outcome), "{title}: {outcome:?}");
        // The first one goes before the measurement.
        if turn > 0 {
            figures.push((used, wall));
        }
    }
    print(title, figures);
}

fn print(title: &str, figures: Vec<(Duration, Duration)>) {
    let millis = |duration: Duration| duration.as_secs_f64() * 1e3;
    let cpu = Figure::of(figures.iter().map(|(used, _)| millis(*used)).collect());
    let wall = Figure::of(figures.iter().map(|(_, wall)| millis(*wall)).collect());
    let missed = if cpu.median > LINE_MS { "  MISSED" } else { "" };
    println!("{title:<66} {:>10.3} {:>10.3} {:>10.3} {:>10.3}{missed}", cpu.median, cpu.least, cpu.most, wall.median);
}
