//! One peer's state machine: packets in, messages out, messages in, packets out; over a network that loses, repeats and reorders.
//!
//! Its directions are separate files: `arrive` (one arm a frame), `depart` (fills one datagram), `expire` (one arm a timer). The owner
//! makes one change, then drains [`Connection::poll_transmit`] and [`Connection::poll_event`], then waits for [`Connection::next_timeout`].

mod acks;
mod active;
mod arrive;
mod body;
mod congestion;
mod depart;
mod epoch;
mod expire;
mod incoming;
mod outgoing;
mod pacer;
mod park;
#[cfg(test)]
mod peer;
mod recovery;
mod rtt;
mod sent;
#[cfg(test)]
mod tests;
mod timer;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use active::{Active, State};
pub use arrive::Verdict;
pub use body::{Body, DeliveryTag, Tally};
use incoming::Incoming;
use outgoing::Outgoing;
use park::{Heard, Parked};
pub use timer::Timer;

use crate::crypto::{DataKey, PublicKey};
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::datagram::{ConnectionId, ProtectedHead};
use crate::wire::{Channel, CloseCode};

/// Which end this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Speaks first, keeps the path alive, pads what it sends.
    Client,
    /// Answers, and drops whoever falls silent.
    Server,
}

impl Side {
    /// The one at the other end.
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What a handshake leaves behind for the connection.
#[derive(Debug)]
pub struct Established {
    /// Which end this is.
    pub side: Side,
    /// The number by which the peer wants to be addressed.
    pub remote: ConnectionId,
    /// Protects what leaves.
    pub sealing: DataKey,
    /// Opens what arrives.
    pub opening: DataKey,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A whole message, each once and in the order of its channel.
    Message {
        /// On which it came, in its order.
        channel: Channel,
        /// Whole, as the peer sent it.
        body: Vec<u8>,
        /// So many get the same that the sender asks for reactions to be spread over this time.
        spread: Duration,
    },
    /// The peer has acknowledged the message with this tag and everything before it on its channel: its owner has got it.
    Delivered(DeliveryTag),
    /// Messages of this channel are missing for good: fetch them from the log.
    Resync(Channel),
    /// The server stops: come back no earlier than `retry_after` plus a random time up to `jitter`. A close follows.
    GoAway {
        /// The shortest pause.
        retry_after: Duration,
        /// What is added at random, at most.
        jitter: Duration,
    },
    /// The server has this key from now on: it is to be trusted as the one that it proved.
    KeyAnnounced(PublicKey),
    /// The peer has ended the connection.
    Closed(CloseCode),
    /// The peer does not answer any more. A server's connection is over with that; a client's keeps probing.
    Silent,
    /// Our own goodbye has been heard, or said often enough. The connection is over.
    Ended,
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The connection is closing or over, or was never there.
    Gone,
    /// No bytes at all, or more than the channel's messages may have.
    Size,
}

/// Counters since the connection's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Packets declared lost.
    pub packets_lost: u64,
    /// Of those, packets that arrived after all.
    pub spurious_losses: u64,
    /// Times that the path was taken for full, less those that were found to be mistakes.
    pub congestions: u64,
    /// Times that nothing was answered in time.
    pub probe_timeouts: u64,
    /// Packets that arrived a second time, or too late to tell.
    pub duplicates: u64,
    /// Datagrams that were not the peer's.
    pub forged: u64,
    /// Times that the keys were changed.
    pub key_changes: u64,
}

/// What a peer has sent that its owner has not got yet, because something before it or of it is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiveBacklog {
    /// Its bytes, with what is kept beside them.
    pub bytes: u64,
    /// Bytes that the owner has got since the connection's start.
    pub delivered: u64,
}

/// What waits to be acknowledged by a peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queued {
    /// Its bytes, with what is kept beside them, whether others wait for the same bytes or not.
    pub bytes: u64,
    /// What is kept beside them, which is this peer's alone.
    pub beside: u64,
}

/// One peer's state machine.
///
/// While nothing happens it is parked: a few hundred bytes of keys and counters. Whatever happens wakes it up.
#[derive(Debug)]
pub struct Connection {
    form: Form,
}

#[derive(Debug)]
enum Form {
    Active(Box<Active>),
    Parked(Box<Parked>),
    /// From one to the other, within one call.
    Between,
}

impl Connection {
    /// A connection whose handshake is done.
    pub fn new(established: Established, now: Instant, rng: &mut Rng) -> Self {
        Self { form: Form::Active(Box::new(Active::new(established, now, rng))) }
    }

    /// The connection, awake.
    fn active(&mut self) -> &mut Active {
        if matches!(self.form, Form::Parked(_))
            && let Form::Parked(parked) = core::mem::replace(&mut self.form, Form::Between)
        {
            self.form = Form::Active(Box::new(parked.resume()));
        }
        match &mut self.form {
            Form::Active(active) => active,
            Form::Parked(_) | Form::Between => unreachable!("a connection is awake once it has been woken"),
        }
    }

    fn park_if_resting(&mut self) {
        if matches!(&self.form, Form::Active(active) if active.is_resting && active.can_park())
            && let Form::Active(active) = core::mem::replace(&mut self.form, Form::Between)
        {
            self.form = Form::Parked(Box::new(active.park()));
        }
    }

    #[cfg(test)]
    fn go_back_to_rest(&mut self) {
        self.active().is_resting = true;
        self.park_if_resting();
    }

    fn awake(&self) -> Option<&Active> {
        match &self.form {
            Form::Active(active) => Some(active),
            Form::Parked(_) | Form::Between => None,
        }
    }

    /// A protected datagram for this connection has arrived. It is decrypted in place.
    pub fn handle_datagram(&mut self, now: Instant, head: ProtectedHead, datagram: &mut [u8], rng: &mut Rng) -> Verdict {
        let Form::Parked(parked) = &mut self.form else { return self.active().handle_datagram(now, head, datagram, rng) };
        match parked.handle_datagram(now, head, datagram) {
            Heard::Asleep(verdict) => verdict,
            Heard::TooManyForgeries => {
                self.active().close(now, CloseCode::AEAD_LIMIT);
                Verdict::Forged
            }
            Heard::Awake { number, newest, full, payload } => {
                let active = self.active();
                active.window.mark(number);
                active.handle_payload(now, number, payload, full, rng);
                Verdict::Authentic { newest }
            }
        }
    }

    /// Time has passed. All datagrams that arrived until `now` must have been handled before.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Form::Parked(parked) = &mut self.form
            && parked.sleeps_on(now)
        {
            return;
        }
        self.active().handle_timeout(now);
        self.park_if_resting();
    }

    /// Queues a message. When the channel's queue is full, all of it is given up and the peer told to fetch it from the log.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send(&mut self, channel: Channel, body: Body) -> Result<(), SendError> {
        self.send_spread(channel, body, Duration::ZERO)
    }

    /// Queues a message that many get at the same time: they may spread their acknowledgements over `spread`.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send_spread(&mut self, channel: Channel, body: Body, spread: Duration) -> Result<(), SendError> {
        self.active().send_spread(channel, body, spread)
    }

    /// How many bytes of files the peer may have on their way from now on: none before this is said, because nobody has accepted a
    /// transfer. What was granted stays granted, so a smaller number only keeps more from being granted.
    pub fn set_file_window(&mut self, bytes: u64) {
        self.active().set_file_window(bytes);
    }

    /// Asks the peer for a sign of life at once: the computer woke, or its network changed.
    pub fn ping(&mut self) {
        self.active().ping();
    }

    /// Tells a client that knows an older one the server's present public key.
    pub fn announce_key(&mut self, key: PublicKey) {
        self.active().announce_key(key);
    }

    /// The peer has proven that it is somewhere else now; `far` when that is more than another port of the same address.
    pub fn on_moved(&mut self, far: bool) {
        self.active().on_moved(far);
    }

    /// Writes a datagram of its own that asks whoever is at another address to prove that it is the peer.
    pub fn write_challenge(&mut self, challenge: [u8; 8], out: &mut Vec<u8>) -> bool {
        self.active().write_challenge(challenge, out)
    }

    /// The newest answer to a challenge that [`Connection::write_challenge`] wrote.
    pub fn take_path_proof(&mut self) -> Option<[u8; 8]> {
        match &mut self.form {
            Form::Active(active) => active.path_proof.take(),
            Form::Parked(_) | Form::Between => None,
        }
    }

    /// The client's handshake for new keys is done: uses them from now on.
    pub fn change_keys(&mut self, now: Instant, sealing: DataKey, opening: DataKey) {
        self.active().change_keys(now, sealing, opening);
    }

    /// The server's handshake for new keys is done: uses them as soon as the client does.
    pub fn prepare_keys(&mut self, sealing: DataKey, opening: DataKey) {
        self.active().prepare_keys(sealing, opening);
    }

    /// Keys are prepared that the client has not used yet.
    pub fn has_prepared_keys(&self) -> bool {
        self.awake().is_some_and(Active::has_prepared_keys)
    }

    /// The keys have protected so much that they should be changed.
    pub fn wants_new_keys(&self) -> bool {
        self.awake().is_some_and(Active::wants_new_keys)
    }

    /// As if the keys in use had opened all that they should, but for so many packets.
    #[cfg(test)]
    pub(crate) fn wear_keys(&mut self, left: u64) {
        self.active().wear_keys(left);
    }

    /// Says goodbye. [`Event::Ended`] follows when it is heard or was said often enough.
    pub fn close(&mut self, now: Instant, code: CloseCode) {
        self.active().close(now, code);
    }

    /// Says goodbye because the server stops.
    pub fn go_away(&mut self, now: Instant, retry_after: Duration, jitter: Duration) {
        self.active().go_away(now, retry_after, jitter);
    }

    /// Writes the next datagram into `out`; `false` when there is nothing to send now.
    pub fn poll_transmit(&mut self, now: Instant, rng: &mut Rng, out: &mut Vec<u8>) -> bool {
        match &mut self.form {
            Form::Active(active) => active.poll_transmit(now, rng, out),
            Form::Parked(parked) => parked.poll_transmit(now, out),
            Form::Between => false,
        }
    }

    /// What happened, in order.
    pub fn poll_event(&mut self) -> Option<Event> {
        match &mut self.form {
            Form::Active(active) => active.events.pop_front(),
            Form::Parked(_) | Form::Between => None,
        }
    }

    /// When to call [`Connection::handle_timeout`], and what for.
    pub fn next_timeout(&self) -> Option<(Instant, Timer)> {
        match &self.form {
            Form::Active(active) => active.timers.next(),
            Form::Parked(parked) => parked.wakes(),
            Form::Between => None,
        }
    }

    /// Nothing will leave and nothing can arrive any more.
    pub fn is_over(&self) -> bool {
        self.awake().is_some_and(|active| active.state == State::Closed)
    }

    /// Everything that was sent has been acknowledged.
    pub fn is_idle(&self) -> bool {
        self.awake().is_none_or(|active| active.outgoing.iter().all(Outgoing::is_idle))
    }

    /// Bytes on a channel that wait to be acknowledged, with what is kept beside them; at `queue_bytes_max` the queue is full.
    pub fn waiting_bytes(&self, channel: Channel) -> u64 {
        self.awake().map_or(0, |active| {
            active.outgoing.iter().zip(Channel::ALL).find(|(_, of)| *of == channel).map_or(0, |(outgoing, _)| outgoing.waiting_bytes())
        })
    }

    /// What waits to be acknowledged, over all channels.
    pub fn queued(&self) -> Queued {
        self.awake().map_or_else(Queued::default, |active| {
            active.outgoing.iter().fold(Queued::default(), |sum, channel| Queued {
                bytes: sum.bytes + channel.waiting_bytes(),
                beside: sum.beside + channel.beside_bytes(),
            })
        })
    }

    /// Gives up what waits on the channel on which the most does, and lets the peer know that it is to be fetched from the log.
    pub fn shed(&mut self) {
        if let Form::Active(active) = &mut self.form
            && let Some(fullest) = active.outgoing.iter_mut().max_by_key(|channel| channel.waiting_bytes())
        {
            fullest.shed();
        }
    }

    /// What has arrived and cannot be delivered yet, over all channels.
    pub fn backlog(&self) -> ReceiveBacklog {
        self.awake().map_or_else(ReceiveBacklog::default, |active| {
            active.incoming.iter().map(Incoming::backlog).fold(ReceiveBacklog::default(), |sum, channel| ReceiveBacklog {
                bytes: sum.bytes + channel.bytes,
                delivered: sum.delivered + channel.delivered,
            })
        })
    }

    /// Only its keys and counters are in memory.
    pub const fn is_parked(&self) -> bool {
        matches!(self.form, Form::Parked(_))
    }

    /// The smoothed round-trip time; `None` before it was measured.
    pub fn round_trip(&self) -> Option<Duration> {
        match &self.form {
            Form::Active(active) => active.rtt.smoothed(),
            Form::Parked(parked) => parked.round_trip(),
            Form::Between => None,
        }
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        match &self.form {
            Form::Active(active) => active.stats,
            Form::Parked(parked) => parked.stats(),
            Form::Between => Stats::default(),
        }
    }
}
