//! The server's process in the world: starts, crashes, stops; and its identities.

use std::net::SocketAddr;
use std::path::Path;

use belfry_core::chat::Timeline;
use belfry_core::crypto::{KeyPair, PublicKey, Suite};
use belfry_core::endpoint;
use belfry_core::rng;
use belfry_core::time::UnixMillis;
use belfry_server::hub::{self, Registration, Rules};
use belfry_server::machine::{self, Input, Machine};
use jiff::tz::TimeZone;

use super::World;

impl World {
    /// Starts a server process on what is stored.
    pub fn start_server(&mut self) {
        self.incarnation += 1;
        let opening = self.desk.open();
        let config = machine::Config {
            endpoint: endpoint::Config { identity: self.identity.clone(), retired: self.retired.clone() },
            hub: hub::Config { registration: Registration::Open, started_at: self.clock().wall, time_zone: TimeZone::UTC },
        };
        let mut machine = Machine::new(config, opening, rng::fork(&mut self.rng), self.clock());
        machine.set_quickest_suite(Suite::Aes256Gcm);
        self.machine = Some(machine);
        self.finished = false;
    }

    /// Kills the server process: what it had not handed to the disk is gone, also what its store had begun.
    pub fn kill_server(&mut self) {
        self.machine = None;
        self.desk.crash();
    }

    /// Makes a backup while the server runs, of a world in a folder.
    ///
    /// # Panics
    /// When the disk refuses, or the world is in none.
    pub fn back_up(&self, to: &Path) {
        self.desk.back_up(to);
    }

    /// Kills the server, puts a backup back and starts a server on it.
    ///
    /// # Panics
    /// When the disk refuses, or the world is in none.
    pub fn restore(&mut self, backup: &Path, timeline: Timeline) {
        self.kill_server();
        self.desk.restore(backup, timeline);
        self.start_server();
    }

    /// Gives the server a new identity from its next start on; the old one is retired.
    pub fn rotate_identity(&mut self) {
        let new = KeyPair::generate(&mut self.rng);
        self.retired.insert(0, core::mem::replace(&mut self.identity, new));
    }

    /// Removes what is left of earlier identities.
    pub fn forget_retired_identities(&mut self) {
        self.retired.clear();
    }

    /// The server's present public key.
    pub fn server_key(&self) -> PublicKey {
        self.identity.public()
    }

    /// Changes the server's rules as reading its configuration again does.
    pub fn set_rules(&mut self, rules: Rules) {
        self.tell_server(Input::Rules(rules));
    }

    /// The server's wall clock is set, forward or back.
    pub fn set_wall_clock(&mut self, beginning: UnixMillis) {
        self.beginning = beginning;
    }

    /// Asks the server to stop as a service manager does.
    pub fn stop_server(&mut self) {
        let now = self.clock();
        if let Some(machine) = &mut self.machine {
            machine.handle(now, Input::Stop);
        }
    }

    /// The server has stopped after being asked to.
    pub fn is_stopped(&self) -> bool {
        self.finished
    }

    /// The store has done something and not committed it: a moment for a crash, as the next one is.
    pub fn is_before_commit(&self) -> bool {
        self.desk.is_before_commit()
    }

    /// Something is on disk, and the server has not heard so yet.
    pub fn is_after_commit(&self) -> bool {
        self.desk.is_after_commit()
    }

    /// The server's counters.
    pub fn server(&self) -> Option<&Machine> {
        self.machine.as_ref()
    }

    /// Where the server is.
    pub const fn server_address(&self) -> SocketAddr {
        self.server_address
    }
}
