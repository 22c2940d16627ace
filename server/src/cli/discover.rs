//! `belfry discover`: servers on the local network, by DNS-SD and by asking at the server's port. What they say proves nothing.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use belfry_core::crypto::PublicKey;
use belfry_core::net::{PORT, ServerAddress, everybody, os_seed, probe};
use belfry_server::announce::{KEY_PROPERTY, NAME_PROPERTY, SERVICE_TYPE, VERSION_PROPERTY};
use mdns_sd::{ResolvedService, ServiceDaemon, ServiceEvent};
use serde::Serialize;

use super::{Ending, Outcome, output};
use crate::config;

/// What `belfry discover` can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Ask only at these addresses (HOST or HOST:PORT) instead of the whole network
    address: Vec<ServerAddress>,
    /// How long to wait for answers
    #[arg(long, default_value = "2s", value_parser = config::duration, value_name = "DURATION")]
    timeout: Duration,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let mut found = Servers::default();
    let (tell, told) = mpsc::channel();
    let browsing = args.address.is_empty().then(|| ServiceDaemon::new().ok()).flatten();
    if let Some(daemon) = &browsing {
        browse(daemon, args.timeout, tell.clone());
    }
    let targets = targets(&args.address)?;
    let within = args.timeout;
    let nonce = os_seed().ok().and_then(|seed| seed.first_chunk().copied()).unwrap_or_default();
    let probing = thread::spawn(move || {
        probe(&targets, nonce, within, |answer| {
            let sighting =
                Sighting { address: answer.address, key: answer.key, name: answer.name, version: answer.program, found_by: "probe" };
            // The command may have ended.
            let _ = tell.send(sighting);
        })
    });
    for sighting in told {
        found.note(sighting);
    }
    let asked = probing.join().unwrap_or(Ok(()));
    if let Some(daemon) = browsing {
        let _ = daemon.shutdown();
    }
    if found.by_key.is_empty() {
        return Err(match asked {
            Err(error) => Ending::unreachable(format_args!("The network cannot be asked: {error}.")),
            Ok(()) => Ending::unreachable("No server has answered. Name one by its address, or ask your administrator for its link."),
        });
    }
    found.by_key.iter().try_for_each(|(key, server)| if args.json { output::json(&object(key, server)) } else { say(key, server) })?;
    if !args.json {
        output::line("An answer proves nothing: compare the key with the one that your administrator gave you.")?;
    }
    Ok(())
}

/// One answer, as far as it can be believed.
struct Sighting {
    address: SocketAddr,
    key: PublicKey,
    name: String,
    version: String,
    found_by: &'static str,
}

/// What answers say of the server with one key.
#[derive(Debug, Default, PartialEq, Eq)]
struct Server {
    name: String,
    version: String,
    addresses: Vec<SocketAddr>,
    found_by: Vec<&'static str>,
}

#[derive(Debug, Default)]
struct Servers {
    by_key: BTreeMap<String, Server>,
}

impl Servers {
    fn note(&mut self, sighting: Sighting) {
        let server = self.by_key.entry(sighting.key.to_string()).or_default();
        if server.name.is_empty() {
            server.name = sighting.name;
        }
        if server.version.is_empty() {
            server.version = sighting.version;
        }
        if !server.addresses.contains(&sighting.address) {
            server.addresses.push(sighting.address);
            server.addresses.sort_unstable();
        }
        if !server.found_by.contains(&sighting.found_by) {
            server.found_by.push(sighting.found_by);
            server.found_by.sort_unstable();
        }
    }
}

/// The given addresses, or everybody on each of this computer's networks.
fn targets(given: &[ServerAddress]) -> Outcome<Vec<SocketAddr>> {
    if given.is_empty() {
        let networks = if_addrs::get_if_addrs().unwrap_or_default().into_iter().filter_map(|interface| match interface.addr {
            if_addrs::IfAddr::V4(v4) => v4.broadcast.map(|all| SocketAddr::new(IpAddr::V4(all), PORT)),
            if_addrs::IfAddr::V6(_) => None,
        });
        return Ok(std::iter::once(everybody(PORT)).chain(networks).collect());
    }
    let mut targets = Vec::new();
    for server in given {
        let resolved = server.resolve().map_err(|error| Ending::unreachable(format_args!("{} cannot be found: {error}.", server.host)))?;
        targets.extend(resolved);
    }
    Ok(targets)
}

/// Listens to DNS-SD on a thread of its own until the time is over.
fn browse(daemon: &ServiceDaemon, within: Duration, tell: Sender<Sighting>) {
    let Ok(events) = daemon.browse(SERVICE_TYPE) else { return };
    let until = Instant::now() + within;
    thread::spawn(move || {
        while let Ok(event) = events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if let ServiceEvent::ServiceResolved(service) = event {
                for sighting in sightings(&service) {
                    let _ = tell.send(sighting);
                }
            }
        }
    });
}

fn sightings(service: &ResolvedService) -> Vec<Sighting> {
    let said = |name| service.get_property_val_str(name).unwrap_or_default().to_owned();
    let Ok(key) = said(KEY_PROPERTY).parse::<PublicKey>() else { return Vec::new() };
    let reachable =
        service.get_addresses().iter().map(|address| address.to_ip_addr()).filter(|ip| !ip.is_loopback() && !is_link_local(*ip));
    reachable
        .map(|ip| Sighting {
            address: SocketAddr::new(ip, service.get_port()),
            key,
            name: said(NAME_PROPERTY),
            version: said(VERSION_PROPERTY),
            found_by: "dns-sd",
        })
        .collect()
}

/// Of no use without naming the interface.
const fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(v6) if Ipv6Addr::is_unicast_link_local(&v6))
}

#[derive(Serialize)]
struct Object<'a> {
    name: &'a str,
    addresses: Vec<String>,
    key: &'a str,
    version: &'a str,
    found_by: &'a [&'static str],
}

fn object<'a>(key: &'a str, server: &'a Server) -> Object<'a> {
    let Server { name, version, addresses, found_by } = server;
    Object { name, addresses: addresses.iter().map(ToString::to_string).collect(), key, version, found_by }
}

/// `tower at 192.0.2.5:7411 (version 0.1.0) says its key is …`.
fn say(key: &str, server: &Server) -> Outcome {
    let name = if server.name.is_empty() { "a server" } else { server.name.as_str() };
    let addresses: Vec<_> = server.addresses.iter().map(ToString::to_string).collect();
    output::line(format_args!(
        "{} at {} (version {}) says its key is {key}",
        output::visible(name).replace('\n', " "),
        addresses.join(", "),
        output::visible(&server.version).replace('\n', " ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(address: &str, found_by: &'static str) -> Sighting {
        Sighting { address: address.parse().unwrap(), key: PublicKey([0; 32]), name: "tower".into(), version: "0.1.0".into(), found_by }
    }

    #[test]
    fn answers_with_one_key_are_one_server() {
        let mut servers = Servers::default();
        for (address, found_by) in [("192.0.2.5:7411", "probe"), ("192.0.2.5:7411", "dns-sd"), ("[2001:db8::5]:7411", "dns-sd")] {
            servers.note(sighting(address, found_by));
        }
        let (key, server) = servers.by_key.first_key_value().unwrap();
        assert_eq!(
            output::json_text(&object(key, server)).unwrap(),
            format!(
                r#"{{"name":"tower","addresses":["192.0.2.5:7411","[2001:db8::5]:7411"],"key":"{}","version":"0.1.0","found_by":["dns-sd","probe"]}}"#,
                "a".repeat(52)
            )
        );
    }

    #[test]
    fn the_whole_network_is_asked_unless_addresses_are_given() {
        assert!(targets(&[]).unwrap().contains(&everybody(PORT)));
        assert_eq!(targets(&["127.0.0.1:99".parse().unwrap()]).unwrap(), ["127.0.0.1:99".parse().unwrap()]);
    }
}
