//! What is said once the server is ready: by `belfry serve` on standard output, by the Windows service in the event log.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use belfry_server::Ready;

/// How this program was started, for lines that a person copies.
fn program() -> &'static str {
    if std::env::var_os("CARGO").is_some() { "cargo run --release --" } else { "belfry" }
}

/// What a person and a script read once the server is ready.
pub(crate) fn announcement(ready: &Ready) -> String {
    announcement_by(ready, &gethostname::gethostname().into_string().unwrap_or_default(), program())
}

fn announcement_by(ready: &Ready, host: &str, program: &str) -> String {
    let mut text = String::new();
    for address in &ready.addresses {
        let _ = writeln!(text, "listening on {address}");
    }
    let (public, port) = public_address(&ready.addresses, host);
    let _ = writeln!(text, "join belfry://{public}:{port}/#{}", ready.key);
    if let Some(first) = &ready.first_password {
        let _ = writeln!(text, "admin password: {} (shown once)", first.password.as_str());
    }
    if let Some(address) = ready.metrics {
        let _ = writeln!(text, "metrics http://{address}/metrics");
    }
    let (near, port) = public_address(&ready.addresses, "localhost");
    let _ = writeln!(text, "Try it in a second terminal:");
    let _ = writeln!(text, "  {program} register --server {near}:{port} --user alice");
    let _ = writeln!(text, "  {program} chat --server {near}:{port} --user alice");
    text
}

/// What others call a server that listens on `addresses`: its one address, or the host's name where it listens on all of them.
fn public_address(addresses: &[SocketAddr], host_name: &str) -> (String, u16) {
    let written = |address: &SocketAddr| match address.ip() {
        IpAddr::V6(ip) => (format!("[{ip}]"), address.port()),
        IpAddr::V4(ip) => (ip.to_string(), address.port()),
    };
    let wildcard = addresses.iter().find(|address| address.ip().is_unspecified());
    let elsewhere = addresses.iter().find(|address| !address.ip().is_loopback());
    match (wildcard, elsewhere.or(addresses.first())) {
        (Some(wildcard), _) => {
            let host = if host_name.is_empty() { "localhost" } else { host_name };
            (host.to_owned(), wildcard.port())
        }
        (None, Some(address)) => written(address),
        (None, None) => written(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::Password;
    use belfry_core::crypto::PublicKey;
    use belfry_server::FirstPassword;

    use super::*;

    #[test]
    fn the_lines_of_the_contract_come_first() {
        let ready = Ready {
            addresses: vec!["[::]:7411".parse().unwrap()],
            key: PublicKey([0; 32]),
            first_password: Some(FirstPassword { password: Password::new("correct-horse").unwrap(), file: "first-start.txt".into() }),
            metrics: None,
        };
        let said = announcement_by(&ready, "tower", "belfry");
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines[0], "listening on [::]:7411");
        assert_eq!(lines[1], format!("join belfry://tower:7411/#{}", "a".repeat(52)));
        assert_eq!(lines[2], "admin password: correct-horse (shown once)");
        assert!(lines[3..].iter().all(|line| !line.starts_with("listening on") && !line.starts_with("join")));
        assert!(said.contains("belfry register --server localhost:7411 --user alice"), "{said}");
    }

    #[test]
    fn the_join_link_names_the_host_unless_the_server_listens_on_one_address_only() {
        let on = |addresses: &[&str]| {
            let addresses: Vec<SocketAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
            let (host, port) = public_address(&addresses, "tower");
            format!("{host}:{port}")
        };
        assert_eq!(on(&["[::]:7411"]), "tower:7411");
        assert_eq!(on(&["127.0.0.1:4000"]), "127.0.0.1:4000");
        assert_eq!(on(&["[::1]:4000"]), "[::1]:4000");
        assert_eq!(on(&["127.0.0.1:1", "192.0.2.5:2"]), "192.0.2.5:2");
        assert_eq!(on(&["127.0.0.1:1", "0.0.0.0:2"]), "tower:2");
    }
}
