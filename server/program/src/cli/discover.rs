//! `belfry discover`: servers on the local network, by DNS-SD and by asking at the server's port. What they say proves nothing.

use belfry_core::net::InWords;
use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use belfry_core::chat::Length;
use belfry_core::crypto::PublicKey;
use belfry_core::net::search::{self, Sighting, Sightings};
use belfry_core::net::{ServerAddress, os_seed, probe};
use serde::Serialize;

use crate::ending::{Ending, Outcome};
use crate::{output, sentence};

/// What `belfry discover` can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Ask only at these addresses (HOST or HOST:PORT) instead of the whole network
    address: Vec<ServerAddress>,
    /// How long to wait for answers
    #[arg(long, default_value = "2s", value_name = "DURATION")]
    timeout: Length,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let targets = resolve(&args.address)?;
    let timeout = args.timeout.into();
    let seen = if args.address.is_empty() { search::search(timeout) } else { ask(&targets, timeout) };
    let seen = seen.map_err(|error| Ending::unreachable(format_args!("The network cannot be asked: {}.", InWords(&error))))?;
    if seen.is_empty() {
        return Err(Ending::unreachable("No server has answered. Name one by its address, or ask your administrator for its link."));
    }
    seen.iter().try_for_each(|(key, sighting)| if args.json { output::json(&object(*key, sighting)) } else { say(*key, sighting) })?;
    if !args.json {
        output::line("An answer proves nothing: compare the key with the one that your administrator gave you.")?;
    }
    Ok(())
}

fn resolve(servers: &[ServerAddress]) -> Outcome<Vec<SocketAddr>> {
    let mut targets = Vec::new();
    for server in servers {
        let found = server.resolve().map_err(|error| {
            let why = InWords(&error);
            Ending::unreachable(format_args!("The server at {} cannot be found: {why}. Check the name, or give the address.", server.host))
        });
        targets.extend(found?);
    }
    Ok(targets)
}

/// Asks at certain addresses only.
fn ask(targets: &[SocketAddr], within: Duration) -> io::Result<Sightings> {
    let nonce = os_seed()?.first_chunk().copied().unwrap_or_default();
    let mut found = Vec::new();
    probe(targets, nonce, within, |answer| found.push(answer))?;
    Ok(search::gather(found))
}

#[derive(Serialize)]
struct ServerObject<'a> {
    name: &'a str,
    addresses: Vec<String>,
    key: String,
    version: &'a str,
    found_by: Vec<String>,
}

fn texts<T: ToString>(things: &BTreeSet<T>) -> Vec<String> {
    things.iter().map(ToString::to_string).collect()
}

fn object(key: PublicKey, sighting: &Sighting) -> ServerObject<'_> {
    let Sighting { name, version, addresses, by } = sighting;
    ServerObject { name, addresses: texts(addresses), key: key.to_string(), version, found_by: texts(by) }
}

/// `tower at 192.0.2.5:7411 (version 0.1.0) says its key is …`.
fn say(key: PublicKey, sighting: &Sighting) -> Outcome {
    let name = if sighting.name.is_empty() { "a server" } else { sighting.name.as_str() };
    output::line(format_args!(
        "{} at {} (version {}) says its key is {key}",
        sentence::visible(name).replace('\n', " "),
        texts(&sighting.addresses).join(", "),
        sentence::visible(&sighting.version).replace('\n', " ")
    ))
}

#[cfg(test)]
mod tests {
    use belfry_core::net::FoundBy;

    use super::*;

    #[test]
    fn a_server_that_was_found_twice_is_one_object() {
        let sighting = Sighting {
            name: "tower".into(),
            version: "0.1.0".into(),
            addresses: ["192.0.2.5:7411".parse().unwrap(), "[2001:db8::5]:7411".parse().unwrap()].into(),
            by: [FoundBy::Probe, FoundBy::DnsSd].into(),
        };
        assert_eq!(
            output::json_text(&object(PublicKey([0; 32]), &sighting)).unwrap(),
            format!(
                r#"{{"name":"tower","addresses":["192.0.2.5:7411","[2001:db8::5]:7411"],"key":"{}","version":"0.1.0","found_by":["dns-sd","probe"]}}"#,
                "a".repeat(52)
            )
        );
    }
}
