//! How a client behaves towards servers that are rude or busy: a real client, a real endpoint, and a server that says what the test wants.

use std::time::Duration;

use belfry_core::chat::{
    Answer, ConversationId, ConversationInfo, Event, FromClient, FromServer, Message, MessagePage, Page, Place, Refusal, Request, Role,
    Seq, Text, Timeline, decode_from_client, encode,
};
use belfry_core::client::{self, Client, Credentials, Proof, Start, Trust, Update};
use belfry_core::crypto::KeyPair;
use belfry_core::endpoint::{self, Endpoint, PeerId};
use belfry_core::time::{Instant, UnixMillis};
use belfry_core::wire::{Channel, CloseCode};
use belfry_tests::pair::seeded;

const SECOND: Duration = Duration::from_secs(1);
const CLIENT: ([u8; 4], u16) = ([10, 0, 0, 2], 5000);
const SERVER: ([u8; 4], u16) = ([10, 0, 0, 1], 4801);

/// The endpoint and the time, for a server that is asked something.
struct Desk<'a> {
    endpoint: &'a mut Endpoint,
    peer: PeerId,
    now: Instant,
}

impl Desk<'_> {
    fn say(&mut self, channel: Channel, message: &FromServer) {
        let bytes = encode(message).expect("it is short");
        self.endpoint.send(self.peer, channel, bytes.into()).expect("it is here");
    }

    fn reply(&mut self, id: u32, channel: Channel, result: Result<Answer, Refusal>) {
        self.say(channel, &FromServer::Reply { id, result });
    }

    fn welcome(&mut self, id: u32) {
        let account = "alice".parse().expect("a name");
        self.reply(
            id,
            Channel::Control,
            Ok(Answer::Welcome { account, role: Role::Member, now: UnixMillis(0), timeline: Timeline::FIRST }),
        );
    }
}

/// What a client tells in this time that asks this server.
fn live(time: Duration, mut asked: impl FnMut(&mut Desk<'_>, FromClient)) -> Vec<Update> {
    let mut now = Instant::from_micros(1_000_000);
    let identity = KeyPair::generate(&mut seeded(1));
    let mut endpoint = Endpoint::new(endpoint::Config { identity, retired: Vec::new() }, seeded(2), now);
    let config = client::Config {
        servers: vec![SERVER.into()],
        trust: Trust::FirstUse,
        device: KeyPair::generate(&mut seeded(3)),
        credentials: Credentials { account: "alice".parse().expect("a name"), proof: Proof::Device },
        start: Start::After(Default::default()),
        shows_notices: false,
    };
    let mut client = Client::new(config, seeded(4), now);
    let (mut told, mut out, end) = (Vec::new(), Vec::new(), now + time);
    while now < end {
        let next;
        loop {
            let of_client = client.poll(now, &mut out);
            if matches!(of_client, client::Output::Transmit { .. }) {
                endpoint.handle_datagram(now, CLIENT.into(), &mut out);
            }
            let of_server = endpoint.poll(now, &mut out);
            match &of_server {
                endpoint::Output::Transmit { .. } => client.handle_datagram(now, SERVER.into(), &mut out),
                endpoint::Output::Event(endpoint::Event::Message { peer, body, .. }) => {
                    let request = decode_from_client(body).expect("a client asks what can be read");
                    asked(&mut Desk { endpoint: &mut endpoint, peer: *peer, now }, request);
                }
                endpoint::Output::Event(_) | endpoint::Output::Wait(_) => {}
            }
            match (of_client, of_server) {
                (client::Output::Wait(one), endpoint::Output::Wait(other)) => {
                    next = [one, other].into_iter().flatten().min().unwrap_or(end);
                    break;
                }
                (client::Output::Update(update), _) => told.push(update),
                _ => {}
            }
        }
        now = next.max(now + Duration::from_millis(1));
        endpoint.handle_timeout(now);
        client.handle_timeout(now);
    }
    told
}

#[test]
fn a_server_that_ends_every_session_at_once_is_asked_less_and_less_often() {
    let mut sessions = 0;
    live(300 * SECOND, |desk, request| {
        sessions += 1;
        desk.welcome(request.id);
        desk.endpoint.close(desk.now, desk.peer, CloseCode::INTERNAL);
    });
    // Pauses are drawn from up to ten seconds in the end: one in five.
    assert!((5..90).contains(&sessions), "{sessions} in five minutes");
}

#[test]
fn a_busy_server_is_asked_again_for_the_history_and_the_conversation_stays() {
    let lobby = ConversationInfo { unread: 3, ..ConversationInfo::new(ConversationId(1), Place::lobby(), Seq(3)) };
    let message = |seq: u64| {
        Message::new(
            ConversationId(1),
            Seq(seq),
            "bob".parse().expect("a name"),
            Text::new(format!("m{seq}")).expect("a text"),
            UnixMillis(seq),
        )
    };
    let mut tries = 0;
    let told = live(10 * SECOND, |desk, FromClient { id, request }| match request {
        Request::SignInByDevice { .. } => {
            desk.welcome(id);
            let conversations = vec![lobby.clone()];
            desk.say(Channel::Chat, &FromServer::Event(Event::Conversations(Page { entries: conversations, more: false })));
        }
        Request::FetchAfter { .. } => {
            tries += 1;
            let page = MessagePage { conversation: lobby.clone(), messages: (1..=3).map(message).collect() };
            desk.reply(id, Channel::History, if tries < 4 { Err(Refusal::Busy) } else { Ok(Answer::Page(page)) });
        }
        other => panic!("{other:?}"),
    });
    let delivered = told.iter().filter(|update| matches!(update, Update::Message { .. })).count();
    assert_eq!((tries, delivered), (4, 3), "{told:?}");
    assert!(told.contains(&Update::CaughtUp) && !told.iter().any(|update| matches!(update, Update::Left { .. })), "{told:?}");
}
