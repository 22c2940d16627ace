//! Where somebody is, as far as a limit by address can tell one from another.
//!
//! What is on the server's own link is told apart address by address: a whole LAN shares one IPv6 /64. Farther away a /64 is one, because
//! one machine there may use any address of it.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};

/// What counts as one where something is limited by address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(Ipv6Addr);

impl Source {
    /// Its bits, IPv4 in its IPv6 form.
    pub const fn to_bits(self) -> u128 {
        self.0.to_bits()
    }
}

/// The networks whose computers are reached without a router: those of the server's own interfaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    networks: Vec<(Ipv6Addr, u32)>,
}

/// Link-local and unique local addresses (RFC 4291 §2.5.6, RFC 4193): the one are on the link wherever they are, the others are in the
/// house, where a network is one of its floors and not one customer of a provider.
const LOCAL: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    // 169.254.0.0/16 (RFC 3927) and the loopback's addresses.
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0xa9fe, 0), 112),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0x7f00, 0), 104),
];

impl Links {
    /// Networks by an address in each and the length of its prefix in bits, which counts as the family's longest if it is longer.
    pub fn new(networks: impl IntoIterator<Item = (IpAddr, u8)>) -> Self {
        let mut networks: Vec<_> = networks
            .into_iter()
            .map(|(address, length)| {
                let (before, longest) = if address.is_ipv4() { (96, 32) } else { (0, 128) };
                let length = before + u32::from(length).min(longest);
                (shortened(address, length), length)
            })
            .collect();
        networks.sort_unstable();
        networks.dedup();
        Self { networks }
    }

    /// Whether an address is in one of them, or local by its form.
    pub fn holds(&self, address: IpAddr) -> bool {
        address.to_canonical().is_loopback()
            || self.networks.iter().chain(&LOCAL).any(|&(network, length)| shortened(address, length) == network)
    }

    /// What counts as one with this address: nothing else on the link or in IPv4, elsewhere its /64.
    pub fn source(&self, address: IpAddr) -> Source {
        let is_single = address.to_canonical().is_ipv4() || self.holds(address);
        Source(shortened(address, if is_single { 128 } else { 64 }))
    }

    /// The network around an address, whose computers may be one owner's: an IPv4 /24 or IPv6 /48; none on the link.
    pub fn network(&self, address: IpAddr) -> Option<Source> {
        let length = if address.to_canonical().is_ipv4() { 96 + 24 } else { 48 };
        (!self.holds(address)).then(|| Source(shortened(address, length)))
    }
}

/// An address's first `length` bits, the rest zeros; IPv4 in its IPv6 form.
fn shortened(address: IpAddr, length: u32) -> Ipv6Addr {
    let bits = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    };
    Ipv6Addr::from_bits(bits & u128::MAX.checked_shl(128 - length).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Whether two addresses count as one for a server in this network.
    fn are_one(own: Option<(&str, u8)>, one: &str, other: &str) -> bool {
        let links = Links::new(own.map(|(address, length)| (ip(address), length)));
        links.source(ip(one)) == links.source(ip(other))
    }

    #[test]
    fn computers_on_the_link_are_told_apart() {
        assert!(!are_one(None, "fe80::1", "fe80::2"), "link-local");
        assert!(!are_one(None, "fd12:3456:789a:1::1", "fd12:3456:789a:1::2"), "unique local");
        assert!(!are_one(Some(("2001:db8:0:1::5", 64)), "2001:db8:0:1::1", "2001:db8:0:1::2"), "in the server's own network");
        assert!(!are_one(None, "192.0.2.1", "192.0.2.2"), "IPv4");
        assert!(!are_one(None, "::1", "::2"), "the computer itself");
    }

    #[test]
    fn a_64_behind_a_router_is_one() {
        assert!(are_one(None, "2001:db8:0:1::1", "2001:db8:0:1:ffff::2"));
        assert!(are_one(Some(("2001:db8:0:2::5", 64)), "2001:db8:0:1::1", "2001:db8:0:1::2"));
        assert!(!are_one(None, "2001:db8:0:1::1", "2001:db8:0:2::1"));
    }

    #[test]
    fn an_ipv4_address_is_the_same_in_either_form() {
        assert!(are_one(None, "192.0.2.1", "::ffff:192.0.2.1"));
        let links = Links::new([(ip("192.0.2.200"), 24)]);
        assert!(links.holds(ip("192.0.2.1")) && links.holds(ip("::ffff:192.0.2.1")) && !links.holds(ip("192.0.3.1")));
    }

    #[test]
    fn only_what_is_not_on_the_link_has_a_network() {
        let links = Links::new([(ip("10.1.2.3"), 16), (ip("2001:db8::1"), 64)]);
        for near in ["10.1.9.9", "2001:db8::9", "fe80::9", "169.254.7.7", "127.0.0.1", "::1"] {
            assert_eq!(links.network(ip(near)), None, "{near}");
        }
        assert_eq!(links.network(ip("10.2.0.1")), links.network(ip("10.2.0.200")));
        assert_eq!(links.network(ip("2001:db9:0:1::1")), links.network(ip("2001:db9:0:2::1")));
        assert_ne!(links.network(ip("10.2.0.1")), links.network(ip("10.2.1.1")));
    }

    #[test]
    fn every_length_of_a_prefix_is_taken() {
        for length in 0..=255 {
            assert!(Links::new([(ip("198.51.100.7"), length)]).holds(ip("198.51.100.7")));
            assert!(Links::new([(ip("2001:db8::7"), length)]).holds(ip("2001:db8::7")));
        }
        assert!(Links::new([(ip("198.51.100.7"), 0)]).holds(ip("203.0.113.1")));
        assert!(!Links::new([(ip("198.51.100.7"), 0)]).holds(ip("2001:db8::7")), "another family");
    }
}
