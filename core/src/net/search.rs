//! Looking for servers on the local network by every means there is. For owners with a thread to spare: it waits.

use core::net::{IpAddr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::string::{String, ToString};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Instant;
use std::vec::Vec;

use mdns_sd::{ResolvedService, ServiceDaemon, ServiceEvent};

use super::{FoundBy, FoundServer, PORT, everybody, os_seed, probe};
use crate::crypto::PublicKey;

/// What kind of service a server is, in the words of DNS-SD (RFC 6763).
pub const SERVICE_TYPE: &str = "_belfry._udp.local.";

/// In the service's record: the server's public key, which proves nothing until a handshake has.
pub const KEY_PROPERTY: &str = "key";

/// In the service's record: the program's version.
pub const VERSION_PROPERTY: &str = "version";

/// In the service's record: the computer's name.
pub const NAME_PROPERTY: &str = "name";

/// What answers say of the server with one key. Whatever it says of itself may be a lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// What it says it is called.
    pub name: String,
    /// Which version of the program it says it runs.
    pub version: String,
    /// Where answers came from.
    pub addresses: BTreeSet<SocketAddr>,
    /// How it was found.
    pub by: BTreeSet<FoundBy>,
}

/// Servers by the keys that they say they have.
pub type Sightings = BTreeMap<PublicKey, Sighting>;

/// Looks for servers for `within`: in the network's directory of services, and by asking everybody on this computer's networks at
/// [`PORT`].
///
/// # Errors
/// Nobody can be asked, and nobody was found either.
pub fn search(within: Duration) -> io::Result<Sightings> {
    let (tell, told) = mpsc::channel();
    // A network without multicast has other ways to be asked.
    let browsing = ServiceDaemon::new().ok();
    if let Some(daemon) = &browsing {
        browse(daemon, within, tell.clone());
    }
    let targets = this_computers_networks();
    let seed = os_seed()?;
    let nonce = seed.first_chunk().copied().unwrap_or_default();
    let asked = probe(&targets, nonce, within, |found| {
        // The receiver is below.
        let _ = tell.send(found);
    });
    drop(tell);
    let seen = gather(told);
    if let Some(daemon) = browsing {
        let _ = daemon.shutdown();
    }
    if seen.is_empty() {
        asked?;
    }
    Ok(seen)
}

/// What was found, by key: of one that was found twice, its first name.
pub fn gather(found: impl IntoIterator<Item = FoundServer>) -> Sightings {
    let mut seen = Sightings::new();
    for FoundServer { address, key, name, version, by } in found {
        let sighting = seen.entry(key).or_default();
        if sighting.name.is_empty() {
            sighting.name = name;
        }
        if sighting.version.is_empty() {
            sighting.version = version;
        }
        sighting.addresses.insert(address);
        sighting.by.insert(by);
    }
    seen
}

/// Everybody on each of this computer's networks.
fn this_computers_networks() -> Vec<SocketAddr> {
    let networks = if_addrs::get_if_addrs().unwrap_or_default().into_iter().filter_map(|interface| match interface.addr {
        if_addrs::IfAddr::V4(v4) => v4.broadcast.map(|all| SocketAddr::new(IpAddr::V4(all), PORT)),
        if_addrs::IfAddr::V6(_) => None,
    });
    core::iter::once(everybody(PORT)).chain(networks).collect()
}

/// Listens to DNS-SD on a thread of its own until the time is over.
fn browse(daemon: &ServiceDaemon, within: Duration, tell: Sender<FoundServer>) {
    let Ok(events) = daemon.browse(SERVICE_TYPE) else { return };
    let until = Instant::now() + within;
    thread::spawn(move || {
        while let Ok(event) = events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if let ServiceEvent::ServiceResolved(service) = event {
                for found in read(&service) {
                    let _ = tell.send(found);
                }
            }
        }
    });
}

fn read(service: &ResolvedService) -> Vec<FoundServer> {
    let said = |name| service.get_property_val_str(name).unwrap_or_default().to_string();
    let Ok(key) = said(KEY_PROPERTY).parse::<PublicKey>() else { return Vec::new() };
    let reachable =
        service.get_addresses().iter().map(|address| address.to_ip_addr()).filter(|ip| !ip.is_loopback() && !is_link_local(*ip));
    reachable
        .map(|ip| FoundServer {
            address: SocketAddr::new(ip, service.get_port()),
            key,
            name: said(NAME_PROPERTY),
            version: said(VERSION_PROPERTY),
            by: FoundBy::DnsSd,
        })
        .collect()
}

/// Of no use without naming the interface.
const fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(v6) if Ipv6Addr::is_unicast_link_local(&v6))
}

#[cfg(test)]
mod tests {
    use mdns_sd::ServiceInfo;

    use super::*;

    fn found(address: &str, by: FoundBy) -> FoundServer {
        FoundServer { address: address.parse().unwrap(), key: PublicKey([0; 32]), name: "tower".into(), version: "0.1.0".into(), by }
    }

    #[test]
    fn answers_with_one_key_are_one_server() {
        let seen = gather([
            found("192.0.2.5:7411", FoundBy::Probe),
            found("192.0.2.5:7411", FoundBy::DnsSd),
            found("[2001:db8::5]:7411", FoundBy::DnsSd),
        ]);
        let sighting = seen.get(&PublicKey([0; 32])).unwrap();
        assert_eq!(seen.len(), 1);
        assert_eq!(sighting.name, "tower");
        assert_eq!(sighting.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), ["192.0.2.5:7411", "[2001:db8::5]:7411"]);
        assert_eq!(sighting.by.iter().copied().collect::<Vec<_>>(), [FoundBy::DnsSd, FoundBy::Probe]);
    }

    fn service(properties: &[(&str, &str)]) -> ResolvedService {
        let addresses = ["192.0.2.5", "127.0.0.1", "2001:db8::5", "::1", "fe80::5"];
        let service = ServiceInfo::new(SERVICE_TYPE, "tower", "tower.local.", &addresses[..], 7500, properties).unwrap();
        service.as_resolved_service()
    }

    #[test]
    fn a_service_is_found_at_each_address_that_others_can_reach() {
        let key = PublicKey([7; 32]);
        let mut seen = read(&service(&[("key", &key.to_string()), ("name", "tower"), ("version", "0.2.0")]));
        seen.sort_by_key(|found| found.address);
        let at = |address: &str| FoundServer {
            address: address.parse().unwrap(),
            key,
            version: "0.2.0".into(),
            ..found("[::]:0", FoundBy::DnsSd)
        };
        assert_eq!(seen, [at("192.0.2.5:7500"), at("[2001:db8::5]:7500")]);
    }

    #[test]
    fn a_service_that_does_not_say_its_key_is_none_of_ours() {
        assert_eq!(read(&service(&[("name", "tower")])), []);
        assert_eq!(read(&service(&[("key", "tower")])), []);
    }

    #[test]
    fn everybody_is_asked() {
        assert!(this_computers_networks().contains(&everybody(PORT)));
    }
}
