//! What people do in the world: start programs, say something, carry their computers about.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use belfry_core::chat::Place;
use belfry_core::client::{Client, Command, Config, Credentials, Proof, Start, Ticket, Trust};
use belfry_core::crypto::{KeyPair, Suite};
use belfry_core::rng;
use belfry_core::time::Instant;

use super::{Person, World, name, password, text};
use crate::weather::Link;

impl World {
    /// Someone starts a program and registers or signs in; says their number.
    pub fn join(&mut self, account: &str, register: bool, start: Start) -> usize {
        let device = self.device();
        self.join_with(account, device, Proof::Password { password: password(account), register, remember: false }, start)
    }

    /// The key of a new device.
    pub fn device(&mut self) -> KeyPair {
        KeyPair::generate(&mut self.rng)
    }

    /// Someone starts a program on a device of theirs; says their number.
    pub fn join_with(&mut self, account: &str, device: KeyPair, proof: Proof, start: Start) -> usize {
        let number = self.people.len();
        let config = Config {
            servers: vec![self.server_address],
            trust: Trust::FirstUse,
            device,
            credentials: Credentials { account: name(account), proof },
            start,
            shows_notices: true,
        };
        let ahead = Duration::from_secs(7200);
        let mut client = Client::new(config, rng::fork(&mut self.rng), self.now + ahead);
        // Every fourth has an old processor.
        if number % 4 != 3 {
            client.set_quickest_suite(Suite::Aes256Gcm);
        }
        let link_seed = self.seed.wrapping_mul(1_000_003).wrapping_add(2 * number as u64);
        let host = u8::try_from(number % 250).expect("below 250") + 1;
        // Every third is at home in IPv6.
        let address = if number % 3 == 2 {
            IpAddr::from(Ipv6Addr::from([0x2001, 0xdb8, 0, number as u16, 0, 0, 0, 1]))
        } else {
            IpAddr::from(Ipv4Addr::new(192, 0, 2, host))
        };
        self.people.push(Person {
            client: Some(client),
            updates: Vec::new(),
            asleep: None,
            put_off: Vec::new(),
            last_ran: Instant::START,
            ahead,
            address: SocketAddr::from((address, 40_000 + number as u16)),
            second_card: None,
            to_server: Link::new(self.weather, link_seed),
            to_client: Link::new(self.weather, link_seed + 1),
            next_ticket: 1,
            connections: 0,
        });
        self.ready.insert(number);
        number
    }

    /// Tells one person's program something. On a sleeping computer it hears it when it wakes up.
    pub fn command(&mut self, person: usize, command: Command) {
        let now = self.now;
        let told = &mut self.people[person];
        if told.asleep.is_some() {
            told.put_off.push(command);
        } else if let Some((client, local)) = told.running(now) {
            client.handle_command(local, command);
        }
        self.ready.insert(person);
    }

    /// A person's computer falls asleep: nothing goes out, and what comes in is lost.
    pub fn suspend(&mut self, person: usize) {
        let local = self.now + self.people[person].ahead;
        self.people[person].asleep.get_or_insert(local);
    }

    /// It wakes up. Its clock has gone on or stood still, and its system says so to the program or does not.
    pub fn resume(&mut self, person: usize, clock_stood_still: bool, told: bool) {
        let now = self.now;
        let woken = &mut self.people[person];
        let Some(since) = woken.asleep.take() else { return };
        if clock_stood_still {
            woken.ahead = woken.ahead.saturating_sub((now + woken.ahead).since(since));
        }
        let put_off = core::mem::take(&mut woken.put_off);
        self.arm(person, Some(now));
        put_off.into_iter().for_each(|command| self.command(person, command));
        if told {
            self.command(person, Command::Wake);
        }
    }

    /// A person's clock is set forward.
    pub fn jump(&mut self, person: usize, ahead: Duration) {
        self.people[person].ahead += ahead;
        self.arm(person, Some(self.now));
    }

    /// A person says something in the lobby; the ticket of it.
    pub fn say(&mut self, person: usize, words: impl Into<String>) -> Ticket {
        let ticket = self.ticket(person);
        self.command(person, Command::Post { ticket, to: Place::lobby(), text: text(words), reply_to: None });
        ticket
    }

    /// A fresh ticket of a person.
    pub fn ticket(&mut self, person: usize) -> Ticket {
        let ticket = Ticket(self.people[person].next_ticket);
        self.people[person].next_ticket += 1;
        ticket
    }

    /// A person's computer has another address from now on.
    pub fn relocate(&mut self, person: usize, address: SocketAddr) {
        self.people[person].address = address;
    }

    /// A person's computer has a second network card, and its system uses both in turn.
    pub fn plug_in(&mut self, person: usize, address: SocketAddr) {
        self.people[person].second_card = Some(address);
    }

    /// One of the two is pulled out.
    pub fn pull_out(&mut self, person: usize) {
        self.people[person].second_card = None;
    }

    /// Where a person's computer is.
    pub fn address(&self, person: usize) -> SocketAddr {
        self.people[person].address
    }

    /// Ends a person's program without a word.
    pub fn kill(&mut self, person: usize) {
        self.people[person].client = None;
    }
}
