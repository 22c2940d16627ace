//! Being found by DNS-SD: the server as a service of the local network, for as long as it runs.

use std::net::SocketAddr;

use belfry_core::crypto::PublicKey;
use belfry_core::net::search::{KEY_PROPERTY, NAME_PROPERTY, SERVICE_TYPE, VERSION_PROPERTY};
use mdns_sd::{ServiceDaemon, ServiceInfo};

/// A service that the network knows of.
pub(crate) struct Announcer {
    daemon: ServiceDaemon,
    service: String,
}

impl Announcer {
    /// Tells the network about a server that listens there. A network without multicast is no reason not to serve: the log says so.
    pub(crate) fn start(listening: &[SocketAddr], name: &str, key: PublicKey) -> Option<Self> {
        let service = describe(listening, name, key)?;
        let name = service.get_fullname().to_owned();
        let started = ServiceDaemon::new().and_then(|daemon| {
            daemon.register(service)?;
            Ok(Self { daemon, service: name })
        });
        started.inspect_err(|error| tracing::warn!(%error, "the server cannot be announced on the local network")).ok()
    }

    /// Tells the network that the service is gone.
    pub(crate) fn stop(self) {
        if let Ok(told) = self.daemon.unregister(&self.service) {
            // The goodbye has left when this is answered; nobody waits longer for it than for a datagram.
            let _ = told.recv_timeout(std::time::Duration::from_millis(200));
        }
        let _ = self.daemon.shutdown();
    }
}

/// The service; `None` for one that only this computer can reach.
fn describe(listening: &[SocketAddr], name: &str, key: PublicKey) -> Option<ServiceInfo> {
    let port = listening.iter().find(|address| !address.ip().is_loopback())?.port();
    let everywhere = listening.iter().any(|address| address.ip().is_unspecified());
    let certain: Vec<_> = listening.iter().map(SocketAddr::ip).filter(|ip| !ip.is_loopback() && !ip.is_unspecified()).collect();
    let key = key.to_string();
    let short: String = key.chars().take(8).collect();
    let properties = [(KEY_PROPERTY, key.as_str()), (VERSION_PROPERTY, env!("CARGO_PKG_VERSION")), (NAME_PROPERTY, name)];
    // A host name of our own: the computer's belongs to whatever else answers for it here.
    let host = format!("belfry-{short}.local.");
    let service = ServiceInfo::new(SERVICE_TYPE, &format!("Belfry on {name} ({short})"), &host, certain.as_slice(), port, &properties[..]);
    let service = service.inspect_err(|error| tracing::warn!(%error, "the server cannot be announced on the local network")).ok()?;
    Some(if everywhere { service.enable_addr_auto() } else { service })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(listening: &[&str]) -> Option<ServiceInfo> {
        let listening: Vec<SocketAddr> = listening.iter().map(|address| address.parse().unwrap()).collect();
        describe(&listening, "tower", PublicKey([0; 32]))
    }

    #[test]
    fn a_server_for_this_computer_only_is_not_announced() {
        assert!(described(&["127.0.0.1:7411", "[::1]:7411"]).is_none());
    }

    #[test]
    fn a_server_on_every_address_is_announced_with_all_of_them_as_they_come_and_go() {
        let service = described(&["[::]:7411"]).unwrap();
        assert!(service.is_addr_auto());
        assert_eq!((service.get_type(), service.get_port()), (SERVICE_TYPE, 7411));
        assert_eq!(service.get_property_val_str(KEY_PROPERTY), Some("a".repeat(52).as_str()));
    }

    #[test]
    fn a_server_on_certain_addresses_is_announced_with_those_that_others_can_reach() {
        let service = described(&["127.0.0.1:1", "192.0.2.5:2"]).unwrap();
        assert!(!service.is_addr_auto());
        assert_eq!((service.get_addresses().len(), service.get_port()), (1, 2));
    }
}
