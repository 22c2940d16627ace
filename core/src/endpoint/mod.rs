//! The server's end of every connection: the map of client addresses, admission, routes.
//!
//! A datagram finds its connection by the connection ID in its head, never by its address, so two people behind one address and one
//! person behind changing ones are no special cases. Nothing is allocated for an address before it has proven, with a cookie, that it
//! receives what is sent to it.

mod admission;
mod assembling;
mod discover;
mod greet;
mod hellos;
mod peers;
mod provisional;
mod queued;
mod roam;
mod sparing;
#[cfg(test)]
mod tests;

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use admission::Admission;
use assembling::Assembling;
pub use discover::Announcement;
use hellos::Hellos;
use peers::{Peer, PeerStage, Peers};
use provisional::Provisional;
use queued::Queues;

use crate::connection::{self, Body, DeliveryTag, Queued, SendError, Tally, Verdict};
use crate::crypto::{Cookies, KeyPair, PublicKey, Suite};
use crate::limits::{DATAGRAM_BYTES_MAX, QUEUED_BYTES_LOW, QUEUED_BYTES_MAX, REASSEMBLY_BYTES_MAX, SPREAD_MAX, SPREAD_RECEIVERS_PER_MILLI};
use crate::rng::{self, Random, Rng};
use crate::source::Links;
use crate::time::Instant;
use crate::wire::datagram::{self, Datagram, ProtectedHead};
use crate::wire::{Channel, CloseCode};

/// Bytes that one connection may send before the others have their turn: a quarter of what a system takes in one piece for segmentation, so
/// that nobody's history keeps everybody's next message waiting for longer than it takes to seal this.
const TURN_BYTES: usize = 16 * 1024;

/// A deadline that has become later is left where it is, and found out when it fires; one that has by so much, as when everything is acknowledged
/// and the connection waits for nothing but its rest, is moved, because to look at a connection in vain costs more.
const DEADLINE_SLACK: Duration = Duration::from_secs(1);

/// Entries that an empty queue keeps room for.
const IDLE_ENTRIES: usize = 1024;

/// What an endpoint is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// The server's identity.
    pub identity: KeyPair,
    /// Identities that it had before and clients may still have pinned, newest first; they are told the present one.
    /// At most [`IDENTITIES_MAX`](crate::limits::IDENTITIES_MAX) with the present one; more are not accepted any more.
    pub retired: Vec<KeyPair>,
}

/// The endpoint's name for one connection; not used again for another while anybody could remember it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u32);

/// Something that happened on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A client has proven its address and its device key.
    Connected {
        /// The new connection.
        peer: PeerId,
        /// Its device key.
        device: PublicKey,
        /// Where it is.
        address: SocketAddr,
    },
    /// A whole message, each once and in the order of its channel.
    Message {
        /// From whom.
        peer: PeerId,
        /// On which channel.
        channel: Channel,
        /// Whole, as the peer sent it.
        body: Vec<u8>,
    },
    /// The client's machine has got the message with this tag, and everything before it on its channel.
    Delivered {
        /// To whom it was sent.
        peer: PeerId,
        /// By what its sender knows it.
        tag: DeliveryTag,
    },
    /// A connection that is [watched](Endpoint::watch) has acknowledged so much that there is room for more. It is watched no longer.
    Room {
        /// By the number that the endpoint has given it.
        peer: PeerId,
    },
    /// The connection is over; nothing more comes from it and nothing can be sent to it.
    Gone {
        /// By the number that the endpoint has given it.
        peer: PeerId,
        /// Why: what the client said, or what ended it here ([`CloseCode::IDLE`] for silence).
        why: CloseCode,
    },
}

/// What the endpoint wants from its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send the datagram in the buffer.
    Transmit {
        /// To here.
        to: SocketAddr,
    },
    /// Take note.
    Event(Event),
    /// Nothing more before this instant, unless something else happens first.
    Wait(Option<Instant>),
}

/// Counters since the start, for the log and the status command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Datagrams handed in.
    pub datagrams_received: u64,
    /// Datagrams handed out.
    pub datagrams_sent: u64,
    /// Datagrams that were nothing to anybody.
    pub datagrams_dropped: u64,
    /// Packets declared lost.
    pub packets_lost: u64,
    /// Handshakes completed and confirmed.
    pub handshakes: u64,
    /// Times that a connection was given new keys.
    pub key_changes: u64,
    /// Times that a connection went on from another address.
    pub moves: u64,
    /// Connections ended because all together held too much that was not whole.
    pub reassemblies_ended: u64,
    /// Connections given up before they were confirmed because there were too many, most of them from the same address.
    pub provisional_ended: u64,
    /// Bytes now that have arrived and wait for what is missing, over all connections.
    pub reassembling_bytes: u64,
    /// Queues given up because all together waited for too much to be acknowledged.
    pub queues_dropped: u64,
    /// Bytes now that wait to be acknowledged, over all connections.
    pub queued_bytes: u64,
    /// Established connections now.
    pub connections: u64,
    /// Connections now whose clients have not shown that they have the keys.
    pub provisional: u64,
    /// Median smoothed round-trip time of the connections.
    pub rtt_median: Duration,
}

/// The server's end of every connection.
#[derive(Debug)]
pub struct Endpoint {
    config: Config,
    rng: Rng,
    cookies: Cookies,
    admission: Admission,
    reset_key: [u8; 32],
    quickest_suite: Suite,
    peers: Peers,
    /// When which connection wants to be woken; one entry a connection, moved to earlier times and far later ones, and looked at when it fires.
    deadlines: BTreeSet<(Instant, PeerId)>,
    /// Connections that may have something to send or to tell.
    ready: VecDeque<PeerId>,
    /// Whose turn it is, and how many bytes are left of it.
    turn: Option<(PeerId, usize)>,
    provisional: Provisional,
    hellos: Hellos,
    /// What has arrived and is not whole yet.
    assembling: Assembling,
    reassembly_bytes_max: u64,
    /// What waits to be acknowledged.
    queues: Queues,
    queued_bytes_max: u64,
    /// Answers to datagrams outside of connections.
    replies: VecDeque<(SocketAddr, Vec<u8>)>,
    events: VecDeque<Event>,
    stats: Stats,
    /// What is said to those who look for servers; nothing unless the owner wants to be found.
    announcement: Option<Announcement>,
}

impl Endpoint {
    /// An endpoint without connections.
    pub fn new(config: Config, mut rng: Rng, now: Instant) -> Self {
        Self {
            cookies: Cookies::new(&mut rng::fork(&mut rng), now),
            admission: Admission::new(now, &mut rng),
            peers: Peers::new(rng.next_u32()),
            // The same after a restart, so that a restarted server can say so: from the identity, not from chance.
            reset_key: crate::crypto::reset_key(&config.identity),
            quickest_suite: Suite::default(),
            config,
            rng,
            deadlines: BTreeSet::new(),
            ready: VecDeque::new(),
            turn: None,
            provisional: Provisional::default(),
            hellos: Hellos::default(),
            assembling: Assembling::default(),
            reassembly_bytes_max: REASSEMBLY_BYTES_MAX,
            queues: Queues::default(),
            queued_bytes_max: QUEUED_BYTES_MAX,
            replies: VecDeque::new(),
            events: VecDeque::new(),
            stats: Stats::default(),
            announcement: None,
        }
    }

    /// Lets all peers together hold less unfinished than [`REASSEMBLY_BYTES_MAX`], where there is little memory.
    pub const fn limit_reassembly(&mut self, bytes: u64) {
        self.reassembly_bytes_max = bytes;
    }

    /// Lets less wait for all peers together than [`QUEUED_BYTES_MAX`], where there is little memory.
    pub const fn limit_queues(&mut self, bytes: u64) {
        self.queued_bytes_max = bytes;
    }

    /// This cipher is the quickest on this computer; otherwise [`Suite::default`] is taken for it.
    pub const fn set_quickest_suite(&mut self, suite: Suite) {
        self.quickest_suite = suite;
    }

    /// What messages for these connections are made from, so that they count.
    pub fn tally(&self) -> Tally {
        self.queues.tally().clone()
    }

    /// What waits to be acknowledged by a peer, in bytes with what is kept beside them.
    pub fn queued_bytes(&self, peer: PeerId) -> u64 {
        self.peers.get(peer).map_or(0, |peer| peer.queued.bytes)
    }

    /// Tells with [`Event::Room`] when there is room again for a peer: when no more than [`QUEUED_BYTES_LOW`] waits for it.
    pub fn watch(&mut self, peer: PeerId) {
        if let Some(found) = self.peers.get_mut(peer) {
            found.watched = true;
            self.note_queued(peer);
        }
    }

    /// The server is on these links from now on: what comes from there is limited address by address.
    pub fn set_links(&mut self, links: Links) {
        self.admission.set_links(links);
    }

    /// The world sent a datagram. It is decrypted in place.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) {
        self.stats.datagrams_received += 1;
        let taken = datagram.len() <= DATAGRAM_BYTES_MAX
            && match datagram::decode(datagram) {
                Ok(Datagram::Protected(head)) => self.on_protected(now, from, head, datagram),
                Ok(Datagram::Hello0(hello)) => self.on_hello0(now, from, &hello),
                Ok(Datagram::Hello(hello)) => self.on_hello(now, from, &hello),
                Ok(Datagram::Discover(discover)) => self.on_discover(now, from, discover),
                // Only clients are sent the others; answering them could go on for ever.
                Ok(Datagram::Retry(_) | Datagram::Response(_) | Datagram::Reject(_) | Datagram::NoSession(_) | Datagram::Here(_))
                | Err(_) => false,
            };
        self.stats.datagrams_dropped += u64::from(!taken);
    }

    fn on_protected(&mut self, now: Instant, from: SocketAddr, head: ProtectedHead, datagram: &mut [u8]) -> bool {
        let id = PeerId(head.to.0);
        let Some(peer) = self.peers.get_mut(id) else { return self.on_unknown_session(now, from, head.to, datagram.len()) };
        let Verdict::Authentic { newest } = peer.connection.handle_datagram(now, head, datagram, &mut self.rng) else { return false };
        if !peer.connection.has_prepared_keys()
            && let Some(renewal) = peer.renewal.take()
        {
            peer.renewal_secret = renewal.secret;
        }
        if peer.note_source(now, from, newest, datagram.len(), &mut self.rng) {
            self.on_moved(id);
        } else if matches!(peer.stage, PeerStage::Provisional) {
            self.confirm(now, id);
        }
        self.mark_ready(id);
        self.note_backlog(now, id);
        self.note_queued(id);
        true
    }

    /// Keeps the books of what is not whole, and their bound.
    fn note_backlog(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get(id) else { return };
        self.assembling.note(now, id, peer.connection.backlog());
        while let Some(oldest) = self.assembling.beyond(self.reassembly_bytes_max) {
            self.assembling.leave(oldest);
            self.stats.reassemblies_ended += 1;
            self.end(now, oldest, CloseCode::LIMIT_EXCEEDED);
        }
    }

    /// Keeps the books of what waits to be acknowledged.
    fn note_queued(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let queued = match peer.stage {
            PeerStage::Leaving => Queued::default(),
            PeerStage::Provisional | PeerStage::Confirmed => peer.connection.queued(),
        };
        let before = core::mem::replace(&mut peer.queued, queued);
        if peer.watched && queued.bytes <= QUEUED_BYTES_LOW && matches!(peer.stage, PeerStage::Confirmed) {
            peer.watched = false;
            self.events.push_back(Event::Room { peer: id });
        }
        self.queues.note(id, before, queued);
    }

    /// Keeps their bound: those for whom the most waits are told to fetch it from the log.
    fn relieve(&mut self) {
        while let Some(heaviest) = self.queues.beyond(self.queued_bytes_max)
            && let Some(peer) = self.peers.get_mut(heaviest)
        {
            peer.connection.shed();
            self.stats.queues_dropped += 1;
            self.note_queued(heaviest);
            self.mark_ready(heaviest);
        }
    }

    /// A client's first packet under the new keys: now they are known to be its own, and it takes its device's place.
    fn confirm(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.stage = PeerStage::Confirmed;
        self.provisional.remove(id);
        self.admission.confirmed(peer.source);
        if peer.knows_retired {
            peer.connection.announce_key(self.config.identity.public());
        }
        let (device, address) = (peer.device, peer.address);
        self.stats.handshakes += 1;
        if let Some(before) = self.peers.claim_device(device, id) {
            self.end(now, before, CloseCode::REPLACED);
        }
        self.events.push_back(Event::Connected { peer: id, device, address });
    }

    /// Ends a connection and tells the owner, for whom one that was sent away already is no news.
    fn end(&mut self, now: Instant, id: PeerId, why: CloseCode) {
        let known = self.peers.get(id).is_some_and(|peer| matches!(peer.stage, PeerStage::Confirmed));
        self.close(now, id, why);
        if known {
            self.events.push_back(Event::Gone { peer: id, why });
        }
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(&(at, id)) = self.deadlines.first().filter(|(at, _)| *at <= now) {
            self.deadlines.remove(&(at, id));
            if let Some(peer) = self.peers.get_mut(id) {
                peer.armed = None;
                peer.connection.handle_timeout(now);
                self.mark_ready(id);
            }
        }
        while let Some(id) = self.provisional.take_overdue(now) {
            self.remove(id);
        }
        self.admission.forget_hellos(now);
        self.answer_waiting(now);
    }

    /// Queues a message. A peer too slow for its queue is resynchronised, never waited for.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send(&mut self, peer: PeerId, channel: Channel, body: Body) -> Result<(), SendError> {
        // What goes to many at once is answered by many at once, unless they are asked to take their time.
        let spread = if channel == Channel::Notice || body.is_unhurried() {
            Duration::from_millis(self.peers.len() as u64 / SPREAD_RECEIVERS_PER_MILLI).min(SPREAD_MAX)
        } else {
            Duration::ZERO
        };
        self.peers.get_mut(peer).ok_or(SendError::Gone)?.connection.send_spread(channel, body, spread)?;
        self.note_queued(peer);
        self.relieve();
        self.mark_ready(peer);
        Ok(())
    }

    /// How many bytes of files a peer may have on their way from now on; see [the connection's word](crate::connection::Connection::set_file_window).
    pub fn set_file_window(&mut self, peer: PeerId, bytes: u64) {
        if let Some(found) = self.peers.get_mut(peer) {
            found.connection.set_file_window(bytes);
            self.mark_ready(peer);
        }
    }

    /// Ends a connection and tells the client why. [`Event::Gone`] does not follow.
    pub fn close(&mut self, now: Instant, peer: PeerId, why: CloseCode) {
        if let Some(found) = self.peers.get_mut(peer) {
            if matches!(core::mem::replace(&mut found.stage, PeerStage::Leaving), PeerStage::Provisional) {
                self.provisional.remove(peer);
            }
            found.connection.close(now, why);
            self.assembling.leave(peer);
            self.note_queued(peer);
            self.mark_ready(peer);
        }
    }

    /// Tells every client that the server stops, and to come back no earlier than `retry_after` plus up to `jitter`; then closes.
    pub fn go_away(&mut self, now: Instant, retry_after: Duration, jitter: Duration) {
        for id in self.peers.ids() {
            if let Some(peer) = self.peers.get_mut(id) {
                if matches!(core::mem::replace(&mut peer.stage, PeerStage::Leaving), PeerStage::Provisional) {
                    self.provisional.remove(id);
                }
                peer.connection.go_away(now, retry_after, jitter);
                self.mark_ready(id);
            }
        }
    }

    /// No connection is left, not even one that waits for the answer to its goodbye.
    pub fn is_empty(&self) -> bool {
        self.peers.len() == 0
    }

    /// Nothing is left to do or to tell: [`Endpoint::poll`] would say [`Output::Wait`].
    pub fn is_settled(&self) -> bool {
        self.turn.is_none() && self.ready.is_empty() && self.events.is_empty() && self.replies.is_empty()
    }

    /// Nobody has begun to send who may send more before the others have their turn.
    pub const fn is_between_turns(&self) -> bool {
        self.turn.is_none()
    }

    /// What to do next. Called until it says [`Output::Wait`].
    pub fn poll(&mut self, now: Instant, out: &mut Vec<u8>) -> Output {
        loop {
            if let Some((to, reply)) = self.replies.pop_front() {
                out.clear();
                out.extend_from_slice(&reply);
                self.stats.datagrams_sent += 1;
                return Output::Transmit { to };
            }
            if let Some(event) = self.events.pop_front() {
                return Output::Event(event);
            }
            let next = self.turn.take().or_else(|| Some((self.ready.pop_front()?, TURN_BYTES)));
            let Some((id, left)) = next else {
                self.give_back();
                self.hellos.look_up();
                return Output::Wait(self.deadline());
            };
            if let Some(to) = self.poll_peer(now, id, out) {
                // Once more while it is at hand, also to see whether there is more; then behind the others.
                match left.checked_sub(out.len()) {
                    Some(left) => self.turn = Some((id, left)),
                    None => self.ready.push_back(id),
                }
                self.stats.datagrams_sent += 1;
                return Output::Transmit { to };
            }
        }
    }

    /// Nothing is left to do: a storm's room is given back.
    fn give_back(&mut self) {
        self.replies.shrink_to(IDLE_ENTRIES);
        self.events.shrink_to(IDLE_ENTRIES);
        self.ready.shrink_to(IDLE_ENTRIES);
    }

    /// Lets one connection send a datagram, to the address that it gives, or settle.
    fn poll_peer(&mut self, now: Instant, id: PeerId, out: &mut Vec<u8>) -> Option<SocketAddr> {
        let peer = self.peers.get_mut(id)?;
        while let Some(event) = peer.connection.poll_event() {
            if let Some(event) = peer.on_event(now, id, event) {
                self.events.push_back(event);
            }
        }
        if peer.connection.poll_transmit(now, &mut self.rng, out) {
            return Some(peer.address);
        }
        let challenge = peer.candidate().and_then(|candidate| candidate.take_due(now));
        if let Some((to, challenge)) = challenge
            && peer.connection.write_challenge(challenge, out)
        {
            return Some(to);
        }
        peer.ready = false;
        if peer.connection.is_over() {
            // Sending the last word may have said that it was the last.
            while let Some(event) = peer.connection.poll_event() {
                if let Some(event) = peer.on_event(now, id, event) {
                    self.events.push_back(event);
                }
            }
            self.remove(id);
        } else if let Some(at) = peer.deadline()
            && peer.armed.is_none_or(|armed| at < armed || at.since(armed) >= DEADLINE_SLACK)
        {
            if let Some(armed) = peer.armed.replace(at) {
                self.deadlines.remove(&(armed, id));
            }
            self.deadlines.insert((at, id));
        }
        None
    }

    fn mark_ready(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(id)
            && !core::mem::replace(&mut peer.ready, true)
        {
            self.ready.push_back(id);
        }
    }

    fn remove(&mut self, id: PeerId) {
        let Some(peer) = self.peers.remove(id) else { return };
        if matches!(peer.stage, PeerStage::Provisional) {
            self.provisional.remove(id);
        }
        self.assembling.leave(id);
        self.queues.note(id, peer.queued, Queued::default());
        self.admission.remove_peer(peer.source);
        if let Some(armed) = peer.armed {
            self.deadlines.remove(&(armed, id));
        }
        self.stats.packets_lost += peer.connection.stats().packets_lost;
    }

    fn deadline(&self) -> Option<Instant> {
        let connections = self.deadlines.first().map(|&(at, _)| at);
        let provisional = self.provisional.deadline();
        [connections, provisional, self.hellos.deadline()].into_iter().flatten().min()
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        let (reassembling_bytes, queued_bytes) = (self.assembling.bytes(), self.queues.bytes());
        let mut stats = Stats { reassembling_bytes, queued_bytes, ..self.stats };
        let mut round_trips = Vec::new();
        for peer in self.peers.iter() {
            round_trips.extend(peer.connection.round_trip());
            stats.packets_lost += peer.connection.stats().packets_lost;
            match peer.stage {
                PeerStage::Provisional => stats.provisional += 1,
                PeerStage::Confirmed => stats.connections += 1,
                PeerStage::Leaving => {}
            }
        }
        let middle = round_trips.len() / 2;
        if !round_trips.is_empty() {
            stats.rtt_median = *round_trips.select_nth_unstable(middle).1;
        }
        stats
    }
}

impl Peer {
    fn deadline(&mut self) -> Option<Instant> {
        let connection = self.connection.next_timeout().map(|(at, _)| at);
        let candidate = self.candidate().and_then(|candidate| candidate.deadline());
        [connection, candidate].into_iter().flatten().min()
    }

    /// What a connection's event means to the endpoint's owner, who knows only confirmed connections.
    fn on_event(&mut self, now: Instant, peer: PeerId, event: connection::Event) -> Option<Event> {
        if !matches!(self.stage, PeerStage::Confirmed) {
            return None;
        }
        let why = match event {
            connection::Event::Message { channel, body, .. } => return Some(Event::Message { peer, channel, body }),
            connection::Event::Delivered(tag) => return Some(Event::Delivered { peer, tag }),
            connection::Event::Closed(why) => why,
            connection::Event::Silent => CloseCode::IDLE,
            // Only the server's key can be used up while nobody closes.
            connection::Event::Ended => CloseCode::AEAD_LIMIT,
            // A client has no log to fetch from; it must not drop what it said it would send.
            connection::Event::Resync(_) | connection::Event::GoAway { .. } | connection::Event::KeyAnnounced(_) => {
                self.connection.close(now, CloseCode::PROTOCOL_VIOLATION);
                CloseCode::PROTOCOL_VIOLATION
            }
        };
        self.stage = PeerStage::Leaving;
        Some(Event::Gone { peer, why })
    }
}
