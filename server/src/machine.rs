//! The whole server without sockets, threads or clocks: the connections, the sessions and the hub joined.

mod mail;

use std::net::SocketAddr;

use belfry_core::chat::ServerStatus;
use belfry_core::connection::SendError;
use belfry_core::crypto::Suite;
use belfry_core::endpoint::{self, Announcement, Endpoint};
use belfry_core::rng::{self, Rng};
use belfry_core::time::{Instant, Now};

use self::mail::{Letter, Mail};
use crate::contents::{ContentDone, ContentJob};
use crate::hub::{self, FileCounts, Headcount, Hub, Rules};
use crate::limits::{GOODBYES_WITHIN, RETURN_AFTER, RETURN_JITTER};
use crate::observe::Observed;
use crate::passwords::{PasswordDone, PasswordJob};
use crate::session::{self, Sessions};
use crate::store::{Done, Job, Opening, Outcome};
use crate::surroundings::Surroundings;

/// What a server is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// The transport.
    pub endpoint: endpoint::Config,
    /// The house rules.
    pub hub: hub::Config,
}

/// Numbers that only the driver can measure, for the status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Effective size of the receive buffer of the first socket, in bytes.
    pub receive_buffer_bytes: u64,
    /// Median time from a job's arrival at the store to its commit over the last batches, in microseconds.
    pub store_latency_micros: u64,
}

/// What can happen to a server. This list is complete.
#[derive(Debug)]
pub enum Input<'a> {
    /// A datagram has arrived. It is decrypted in place.
    Datagram {
        /// The address that it says it comes from; anybody can write it.
        from: SocketAddr,
        /// All of it, as the socket gave it.
        bytes: &'a mut [u8],
    },
    /// The store has answered a [`Output::Store`], or had no room for it (`Err(Busy)`).
    Stored(Done),
    /// The folder of contents has answered a [`Output::Content`], or had no room for it (`Err(Busy)`).
    Content(ContentDone),
    /// The password thread has answered a [`Output::Password`], or had no room for it (`Err(Busy)`).
    Password(PasswordDone),
    /// The instant of [`Output::Wait`] has come.
    Timeout,
    /// It shall stop: everybody is told, then comes [`Output::Finished`].
    Stop,
    /// The house rules have changed.
    Rules(Rules),
    /// They have changed while the server runs; what would delete much waits for the next start.
    Reload(Rules),
    /// What is around the server has changed.
    Surroundings(Surroundings),
}

/// What a server wants.
#[derive(Debug)]
pub enum Output {
    /// Send the datagram in the buffer.
    Transmit {
        /// To here.
        to: SocketAddr,
    },
    /// Hand this to the store.
    Store(Job),
    /// Hand this to the folder of contents.
    Content(ContentJob),
    /// Hand this to the password thread.
    Password(PasswordJob),
    /// Nothing more before this instant, unless something else happens first.
    Wait(Option<Instant>),
    /// It has stopped: everybody has been told.
    Finished,
}

/// A server. One input, then [`poll`](Self::poll) until it waits.
#[derive(Debug)]
pub struct Machine {
    endpoint: Endpoint,
    sessions: Sessions,
    /// What the sessions have said and the endpoint has not been given yet.
    mail: Mail,
    is_handing_over: bool,
    measured: Measured,
    disk_free_bytes: Option<u64>,
    /// It is stopping, and has stopped at this instant even if somebody has not answered the goodbye.
    stopped_by: Option<Instant>,
}

impl Machine {
    /// A server that knows what was stored; nobody is connected. `rng` is all the chance there is in it.
    pub fn new(config: Config, opening: Opening, mut rng: Rng, now: Now) -> Self {
        let for_endpoint = rng::fork(&mut rng);
        let endpoint = Endpoint::new(config.endpoint, for_endpoint, now.instant);
        let mut sessions = Sessions::new(Hub::new(opening, config.hub), rng);
        sessions.set_tally(endpoint.tally());
        Self {
            endpoint,
            sessions,
            mail: Mail::default(),
            is_handing_over: false,
            measured: Measured::default(),
            disk_free_bytes: None,
            stopped_by: None,
        }
    }

    /// One thing has happened.
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        match input {
            Input::Datagram { from, bytes } => self.endpoint.handle_datagram(now.instant, from, bytes),
            Input::Stored(done) => {
                // A status is about to be answered; its numbers of the transport cost a look at every connection.
                if matches!(done.result, Ok(Outcome::Size(_))) {
                    self.sessions.set_transport_status(self.transport_status());
                }
                self.sessions.handle_done(now, done);
            }
            Input::Content(done) => self.sessions.handle_content(now, done),
            Input::Password(done) => self.sessions.handle_password(now, done),
            Input::Timeout => {
                self.endpoint.handle_timeout(now.instant);
                self.sessions.handle_timeout(now);
            }
            Input::Stop if self.stopped_by.is_some() => {}
            Input::Stop => {
                self.stopped_by = Some(now.instant + GOODBYES_WITHIN);
                self.sessions.stop(now);
                self.endpoint.go_away(now.instant, RETURN_AFTER, RETURN_JITTER);
            }
            Input::Rules(rules) => self.sessions.set_rules(now, rules),
            Input::Reload(rules) => self.sessions.reload_rules(now, rules),
            Input::Surroundings(Surroundings { links, disk_free_bytes }) => {
                self.disk_free_bytes = disk_free_bytes;
                self.sessions.set_surroundings(links.clone(), disk_free_bytes);
                self.endpoint.set_links(links);
            }
        }
    }

    /// What to do next. Called until it says [`Output::Wait`] or [`Output::Finished`].
    pub fn poll(&mut self, now: Now, datagram: &mut Vec<u8>) -> Output {
        loop {
            match self.sessions.poll() {
                Some(session::Output::Send { peer, channel, body, answers }) => {
                    self.mail.add(Letter { to: peer, channel, body, answers });
                    continue;
                }
                Some(session::Output::Close { peer, why }) => {
                    self.hand_over_all();
                    self.endpoint.close(now.instant, peer, why);
                    continue;
                }
                Some(session::Output::Watch { peer }) => {
                    self.hand_over_all();
                    self.endpoint.watch(peer);
                    continue;
                }
                Some(session::Output::FileWindow { peer, bytes }) => {
                    self.endpoint.set_file_window(peer, bytes);
                    continue;
                }
                Some(session::Output::Content(job)) => return Output::Content(job),
                Some(session::Output::Store(job)) => return Output::Store(job),
                Some(session::Output::Password(job)) => return Output::Password(job),
                None => {}
            }
            self.hand_over_next();
            match self.endpoint.poll(now.instant, datagram) {
                endpoint::Output::Transmit { to } => return Output::Transmit { to },
                endpoint::Output::Event(event) => self.note(now, event),
                endpoint::Output::Wait(_) if !self.mail.is_empty() || self.sessions.has_outputs() => {}
                endpoint::Output::Wait(_) if self.stopped_by.is_some_and(|by| by <= now.instant || self.endpoint.is_empty()) => {
                    return Output::Finished;
                }
                endpoint::Output::Wait(until) => {
                    return Output::Wait([until, self.sessions.deadline(now), self.stopped_by].into_iter().flatten().min());
                }
            }
        }
    }

    /// Gives the endpoint what the next receiver gets, once it has dealt with whoever has arrived: what they say may lead to more for the same
    /// people. When somebody gets more than a turn's worth everybody else has theirs at once.
    fn hand_over_next(&mut self) {
        if self.endpoint.is_settled() {
            self.is_handing_over = !self.mail.is_empty();
            if let Some(first) = self.mail.next() {
                self.hand_over(first);
            }
        } else if self.is_handing_over && self.endpoint.is_between_turns() {
            self.is_handing_over = false;
            self.hand_over_all();
        }
    }

    /// Gives the endpoint everything for one receiver.
    fn hand_over(&mut self, first: Letter) {
        let mut next = Some(first);
        while let Some(Letter { to, channel, body, answers }) = next {
            // One that is gone needs nothing more.
            if self.endpoint.send(to, channel, body) == Err(SendError::Size) {
                self.sessions.note_unsendable(to, channel, answers);
            }
            next = self.mail.next_to(to);
        }
    }

    fn hand_over_all(&mut self) {
        while let Some(first) = self.mail.next() {
            self.hand_over(first);
        }
    }

    /// Answers those who look for servers from now on, or no longer.
    pub fn announce(&mut self, announcement: Option<Announcement>) {
        self.endpoint.announce(announcement);
    }

    /// This cipher is the quickest on this computer.
    pub const fn set_quickest_suite(&mut self, suite: Suite) {
        self.endpoint.set_quickest_suite(suite);
    }

    /// So many passwords are handed out at a time.
    pub const fn set_hashes_at_once(&mut self, at_once: usize) {
        self.sessions.set_hashes_at_once(at_once);
    }

    /// The driver has measured.
    pub fn set_measured(&mut self, measured: Measured) {
        self.measured = measured;
    }

    /// Bytes that are free where the database is, as far as the operating system says.
    pub const fn disk_free_bytes(&self) -> Option<u64> {
        self.disk_free_bytes
    }

    /// Counters of the sessions.
    pub const fn observed(&self) -> Observed {
        self.sessions.observed()
    }

    /// How many are here.
    pub fn headcount(&self) -> Headcount {
        self.sessions.headcount()
    }

    /// What has happened to files.
    pub fn file_counts(&self) -> FileCounts {
        self.sessions.file_counts()
    }

    /// Counters of the transport.
    pub fn transport(&self) -> endpoint::Stats {
        self.endpoint.stats()
    }

    fn note(&mut self, now: Now, event: endpoint::Event) {
        match event {
            endpoint::Event::Connected { peer, device, address } => {
                self.sessions.handle_connected(now, peer, device.into(), address);
            }
            endpoint::Event::Message { peer, channel, body } => {
                let queued = self.endpoint.queued_bytes(peer);
                self.sessions.handle_message(now, peer, channel, &body, queued);
            }
            endpoint::Event::Delivered { peer, tag } => self.sessions.handle_delivered(now, peer, tag),
            endpoint::Event::Room { peer } => self.sessions.handle_room(now, peer, self.endpoint.queued_bytes(peer)),
            endpoint::Event::Gone { peer, .. } => self.sessions.handle_gone(now, peer),
        }
    }

    /// What of the status the hub cannot know.
    fn transport_status(&self) -> ServerStatus {
        let stats = self.endpoint.stats();
        ServerStatus {
            connections: stats.connections,
            datagrams_received: stats.datagrams_received,
            datagrams_sent: stats.datagrams_sent,
            datagrams_dropped: stats.datagrams_dropped,
            packets_retransmitted: stats.packets_lost,
            handshakes: stats.handshakes,
            rtt_median_micros: u64::try_from(stats.rtt_median.as_micros()).unwrap_or(u64::MAX),
            store_latency_median_micros: self.measured.store_latency_micros,
            receive_buffer_bytes: self.measured.receive_buffer_bytes,
            ..ServerStatus::default()
        }
    }
}
