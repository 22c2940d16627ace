//! Where a server is: what people type, what a link says, and the addresses that come of it.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::str::FromStr;
use std::io;
use std::net::ToSocketAddrs;
use std::string::{String, ToString};
use std::vec::Vec;

use super::socket::natural;
use crate::crypto::PublicKey;

/// The port of a server that was not told another.
pub const PORT: u16 = 7411;

/// What a link begins with.
const SCHEME: &str = "belfry://";

/// The longest name of a host (RFC 1035 §2.3.4), with room for the interface of a link-local address.
const HOST_BYTES_MAX: usize = 255;

/// Where a server is and, when it came as a link, who it must prove to be. Shown as a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// A name, or an address in its usual form: one server has one, however its address was written. An IPv6 address is without its
    /// brackets.
    pub host: String,
    /// The UDP port.
    pub port: u16,
    /// The key that the server must prove, if the address says it.
    pub key: Option<PublicKey>,
}

/// Why a text is no address of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidAddress {
    /// No host, or what cannot be one.
    Host,
    /// The port is no number, zero or too large.
    Port,
    /// What follows the `#` is no key.
    Key,
    /// A link, but none of ours: `http://tower`.
    Scheme,
}

impl fmt::Display for InvalidAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "A server's address is HOST, HOST:PORT, [IPV6]:PORT or a link that begins with belfry://.",
            Self::Port => "The port after the colon is a number from 1 to 65535; an IPv6 address with a port needs brackets, [IPV6]:PORT.",
            Self::Key => "The key after the # is not complete: copy the whole link, which ends with 52 letters and digits.",
            Self::Scheme => {
                "A server is named by HOST, HOST:PORT or a link that begins with belfry://; leave out what stands before the host."
            }
        })
    }
}

impl core::error::Error for InvalidAddress {}

impl ServerAddress {
    /// The server's addresses in the order in which the system prefers them, each once.
    ///
    /// Blocks while the system asks its name servers.
    ///
    /// # Errors
    /// The name is unknown, or the name servers cannot be reached.
    pub fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            // A system may say, and a person may type, an IPv4 address in IPv6 clothes.
            let address = natural(address);
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(addresses) }
    }
}

impl FromStr for ServerAddress {
    type Err = InvalidAddress;

    /// Reads `HOST`, `HOST:PORT`, `IPV6`, `[IPV6]:PORT`, each also as a link: `belfry://HOST:PORT/#KEY`.
    fn from_str(written: &str) -> Result<Self, InvalidAddress> {
        let written = written.trim();
        let written = match written.get(..SCHEME.len()) {
            Some(scheme) if scheme.eq_ignore_ascii_case(SCHEME) => written.get(SCHEME.len()..).unwrap_or_default(),
            _ if written.contains("://") => return Err(InvalidAddress::Scheme),
            _ => written,
        };
        let (place, key) = match written.split_once('#') {
            Some((place, key)) => (place, Some(key.parse().map_err(|_| InvalidAddress::Key)?)),
            None => (written, None),
        };
        let (host, port) = host_and_port(place.strip_suffix('/').unwrap_or(place))?;
        Ok(Self { host: usual(host), port, key })
    }
}

fn host_and_port(place: &str) -> Result<(&str, u16), InvalidAddress> {
    if let Some(bracketed) = place.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']').ok_or(InvalidAddress::Host)?;
        if !is_ipv6(host) {
            return Err(InvalidAddress::Host);
        }
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, parse_port(port)?)),
            None if rest.is_empty() => Ok((host, PORT)),
            None => Err(InvalidAddress::Host),
        };
    }
    if is_ipv6(place) {
        return Ok((place, PORT));
    }
    let (host, port) = match place.split_once(':') {
        // What is wrong with a path is not its port.
        Some((_, port)) if port.contains('/') => return Err(InvalidAddress::Host),
        Some((host, port)) => (host, parse_port(port)?),
        None => (place, PORT),
    };
    let letters = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    if host.is_empty() || host.len() > HOST_BYTES_MAX || !host.chars().all(letters) || host.starts_with(['.', '-']) {
        return Err(InvalidAddress::Host);
    }
    Ok((host, port))
}

/// The usual form of an address, also of an IPv4 address in IPv6 clothes; names as they are.
fn usual(host: &str) -> String {
    let (address, interface) = host.split_once('%').map_or((host, None), |(address, interface)| (address, Some(interface)));
    match (address.parse::<Ipv6Addr>().map(|address| address.to_canonical()), interface) {
        (Ok(address @ IpAddr::V6(_)), Some(interface)) => std::format!("{address}%{interface}"),
        (Ok(address), _) => address.to_string(),
        (Err(_), _) => ipv4(host).map_or_else(|| host.to_string(), |address| address.to_string()),
    }
}

/// An IPv4 address as systems read what is none of the usual form: fewer parts, of which the last one fills the rest, in octal behind a 0
/// and in hexadecimal behind a 0x (POSIX, `inet_addr`).
fn ipv4(host: &str) -> Option<Ipv4Addr> {
    let number = |part: &str| {
        let (digits, radix) = match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
            Some(digits) => (digits, 16),
            None if part.len() > 1 && part.starts_with('0') => (part, 8),
            None => (part, 10),
        };
        // A sign is no part of a number here.
        digits.chars().all(|digit| digit.is_digit(radix)).then(|| u32::from_str_radix(digits, radix).ok())?
    };
    let parts = host.split('.').map(number).collect::<Option<Vec<u32>>>()?;
    let (&last, first) = parts.split_last()?;
    let rest_bits = 32_u32.checked_sub(8 * u32::try_from(first.len()).ok()?).filter(|&bits| bits > 0)?;
    if u64::from(last) >> rest_bits != 0 || first.iter().any(|&part| part > 255) {
        return None;
    }
    let first = first.iter().zip([24, 16, 8]).fold(0, |sum, (part, shift)| sum | part << shift);
    Some(Ipv4Addr::from_bits(first | last))
}

/// Whether this is an IPv6 address, perhaps with the interface of a link-local one: `fe80::1%eth0`.
fn is_ipv6(host: &str) -> bool {
    let (address, interface) = host.split_once('%').unwrap_or((host, "0"));
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    address.parse::<Ipv6Addr>().is_ok() && !interface.is_empty() && interface.len() < 64 && interface.chars().all(letters)
}

fn parse_port(port: &str) -> Result<u16, InvalidAddress> {
    match port.parse() {
        Ok(0) | Err(_) => Err(InvalidAddress::Port),
        Ok(port) => Ok(port),
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{SCHEME}{open}{}{close}:{}/", self.host, self.port)?;
        self.key.map_or(Ok(()), |key| write!(f, "#{key}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> PublicKey {
        PublicKey([7; 32])
    }

    #[track_caller]
    fn check(written: &str, host: &str, port: u16) {
        let expected = ServerAddress { host: host.to_string(), port, key: None };
        assert_eq!(written.parse(), Ok(expected), "{written}");
    }

    #[track_caller]
    fn refuse(written: &str, why: InvalidAddress) {
        assert_eq!(written.parse::<ServerAddress>(), Err(why), "{written}");
    }

    #[test]
    fn a_host_alone_gets_the_usual_port() {
        check("chat.example", "chat.example", PORT);
        check("  chat.example\n", "chat.example", PORT);
        check("192.0.2.1", "192.0.2.1", PORT);
        check("2001:db8::1", "2001:db8::1", PORT);
        check("[2001:db8::1]", "2001:db8::1", PORT);
        check("büro-server", "büro-server", PORT);
    }

    #[test]
    fn a_port_may_follow() {
        check("chat.example:9000", "chat.example", 9000);
        check("192.0.2.1:1", "192.0.2.1", 1);
        check("[2001:db8::1]:65535", "2001:db8::1", 65535);
        check("[fe80::1%eth0]:7000", "fe80::1%eth0", 7000);
    }

    #[test]
    fn an_address_has_one_form_however_it_is_written() {
        for written in ["127.0.0.01", "[::ffff:127.0.0.1]", "[::FFFF:7f00:1]", "127.1", "0x7f.0.0x1", "0177.0.0.1", "2130706433", "127.0.1"]
        {
            check(written, "127.0.0.1", PORT);
        }
        check("[2001:DB8:0:0::1]:9000", "2001:db8::1", 9000);
        check("[FE80::0:1%Eth0]", "fe80::1%Eth0", PORT);
        for name in ["127.0.0.08", "127.0.0.256", "1.2.3.4.5", "127..1", "0x", "256.1", "4294967296", "tower.1x"] {
            check(name, name, PORT);
        }
    }

    #[test]
    fn a_link_is_read_with_and_without_its_ornaments() {
        for written in ["belfry://chat.example:9000/", "BELFRY://chat.example:9000", "chat.example:9000/"] {
            check(written, "chat.example", 9000);
        }
    }

    #[test]
    fn a_link_brings_its_key() {
        let address: ServerAddress = std::format!("belfry://chat.example/#{}", key()).parse().unwrap();
        assert_eq!(address, ServerAddress { host: "chat.example".to_string(), port: PORT, key: Some(key()) });
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for host in ["chat.example", "192.0.2.1", "2001:db8::1", "fe80::1%eth0"] {
            for key in [None, Some(key())] {
                let address = ServerAddress { host: host.to_string(), port: 9000, key };
                assert_eq!(address.to_string().parse(), Ok(address.clone()), "{address}");
            }
        }
    }

    #[test]
    fn the_link_looks_as_documented() {
        let address = ServerAddress { host: "2001:db8::1".to_string(), port: PORT, key: Some(key()) };
        assert_eq!(address.to_string(), std::format!("belfry://[2001:db8::1]:7411/#{}", key()));
    }

    #[test]
    fn a_host_and_an_interface_may_be_so_long_and_no_longer() {
        let (host, interface) = ("a".repeat(HOST_BYTES_MAX), "e".repeat(63));
        check(&host, &host, PORT);
        refuse(&std::format!("{host}a"), InvalidAddress::Host);
        let local = std::format!("fe80::1%{interface}");
        check(&std::format!("[{local}]"), &local, PORT);
        refuse(&std::format!("[{local}e]"), InvalidAddress::Host);
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let endless = "a".repeat(256);
        for written in
            ["", " ", ":7411", "two words", "user@chat", "chat/path", "chat:7411/path", "[::1", "[::1]x", "[chat]:1", "-chat", &endless]
        {
            refuse(written, InvalidAddress::Host);
        }
    }

    #[test]
    fn a_link_of_another_kind_is_told_as_one() {
        for written in ["http://chat", "https://chat:7411/", "udp://192.0.2.1", "belfry2://chat"] {
            refuse(written, InvalidAddress::Scheme);
        }
    }

    #[test]
    fn what_is_no_port_is_refused() {
        for written in ["chat:", "chat:0", "chat:65536", "chat:-1", "chat:x", "chat:1:2", "[::1]:", "[::1]:0"] {
            refuse(written, InvalidAddress::Port);
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for written in ["chat#", "chat#abc", "belfry://chat:7411/#not a key"] {
            refuse(written, InvalidAddress::Key);
        }
    }

    #[test]
    fn every_error_is_a_sentence() {
        for error in [InvalidAddress::Host, InvalidAddress::Port, InvalidAddress::Key, InvalidAddress::Scheme] {
            assert!(error.to_string().ends_with('.'));
        }
    }

    #[test]
    fn an_address_resolves_to_itself() {
        let v4: ServerAddress = "127.0.0.1:9000".parse().unwrap();
        assert_eq!(v4.resolve().unwrap(), ["127.0.0.1:9000".parse().unwrap()]);
        let v6: ServerAddress = "[::1]:9000".parse().unwrap();
        assert_eq!(v6.resolve().unwrap(), ["[::1]:9000".parse().unwrap()]);
    }

    #[test]
    fn an_ipv4_address_in_ipv6_clothes_resolves_to_the_ipv4_address() {
        for written in ["[::ffff:127.0.0.1]:9000", "[::FFFF:7f00:1]:9000", "belfry://[::ffff:127.0.0.1]:9000/"] {
            let address: ServerAddress = written.parse().unwrap();
            assert_eq!(address.resolve().unwrap(), ["127.0.0.1:9000".parse().unwrap()], "{written}");
        }
    }

    #[test]
    fn each_address_of_a_name_comes_once() {
        let addresses = "localhost".parse::<ServerAddress>().unwrap().resolve().unwrap();
        let mut once = addresses.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), addresses.len());
    }
}
