//! The networks that this computer is in.

use std::net::IpAddr;

use if_addrs::{IfAddr, Interface};

use crate::source::Links;

/// The networks of this computer's interfaces, as far as the operating system says; none where it says nothing.
pub fn own_links() -> Links {
    Links::new(if_addrs::get_if_addrs().unwrap_or_default().iter().filter_map(network))
}

/// An interface's address and the length of its prefix; none for a tunnel's end, whose mask leaves no room for others.
fn network(interface: &Interface) -> Option<(IpAddr, u8)> {
    let (address, length, longest) = match &interface.addr {
        IfAddr::V4(v4) => (IpAddr::V4(v4.ip), v4.prefixlen, 32),
        IfAddr::V6(v6) => (IpAddr::V6(v6.ip), v6.prefixlen, 128),
    };
    // Without a prefix everything would be on the link.
    (0 < length && length < longest).then_some((address, length))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use if_addrs::{Ifv4Addr, Ifv6Addr};

    use super::*;

    /// This computer's own loopback, as if it had this address and prefix.
    fn with(address: IpAddr, prefixlen: u8) -> Interface {
        let mut interface = if_addrs::get_if_addrs().unwrap().remove(0);
        interface.addr = match address {
            IpAddr::V4(ip) => IfAddr::V4(Ifv4Addr { ip, netmask: Ipv4Addr::UNSPECIFIED, prefixlen, broadcast: None }),
            IpAddr::V6(ip) => IfAddr::V6(Ifv6Addr { ip, netmask: Ipv6Addr::UNSPECIFIED, prefixlen, broadcast: None }),
        };
        interface
    }

    #[test]
    fn an_interface_is_in_a_network_unless_its_prefix_leaves_room_for_nobody_or_is_none() {
        for (address, longest) in [("192.0.2.7", 32), ("2001:db8::7", 128)] {
            let address: IpAddr = address.parse().unwrap();
            for length in 1..longest {
                assert_eq!(network(&with(address, length)), Some((address, length)));
            }
            assert_eq!([0, longest].map(|length| network(&with(address, length))), [None, None]);
        }
    }

    #[test]
    fn this_computer_is_on_its_own_links() {
        assert!(own_links().holds(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        for interface in if_addrs::get_if_addrs().unwrap_or_default() {
            assert!(network(&interface).is_none() || own_links().holds(interface.ip()), "{interface:?}");
        }
    }
}
