//! The networks that this computer is in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use if_addrs::{IfAddr, Interface};

use crate::source::Links;

/// The networks of this computer's interfaces, as far as the operating system says; none where it says nothing.
pub fn own_links() -> Links {
    Links::new(if_addrs::get_if_addrs().unwrap_or_default().iter().filter_map(network))
}

/// An interface's address and the length of its prefix; none for a tunnel's end, whose mask leaves no room for others.
fn network(interface: &Interface) -> Option<(IpAddr, u8)> {
    let (address, length, longest) = match &interface.addr {
        IfAddr::V4(v4) => (IpAddr::V4(v4.ip), prefix_v4(v4.netmask), 32),
        IfAddr::V6(v6) => (IpAddr::V6(v6.ip), prefix_v6(v6.netmask), 128),
    };
    // Without a prefix everything would be on the link.
    (0 < length && length < longest).then_some((address, length))
}

fn prefix_v4(mask: Ipv4Addr) -> u8 {
    mask.to_bits().leading_ones() as u8
}

fn prefix_v6(mask: Ipv6Addr) -> u8 {
    mask.to_bits().leading_ones() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_a_length() {
        assert_eq!(prefix_v4(Ipv4Addr::new(255, 255, 252, 0)), 22);
        assert_eq!(prefix_v6("ffff:ffff:ffff:ffff::".parse().unwrap()), 64);
    }

    #[test]
    fn this_computer_is_on_its_own_links() {
        assert!(own_links().holds(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        for interface in if_addrs::get_if_addrs().unwrap_or_default() {
            assert!(network(&interface).is_none() || own_links().holds(interface.ip()), "{interface:?}");
        }
    }
}
