//! MQTT 3.1.1 as far as it is needed here, and mosquitto. Rooms are topics; who speaks to one hears it, too.

use std::io;
use std::process::Stdio;

use super::stream::{Dialect, Sense};
use super::{KEEP_ALIVE_SECONDS, Recipe};
use crate::load::server::Server;

const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const PUBACK: u8 = 0x40;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 0x90;
const PINGREQ: u8 = 0xC0;
/// Quality of service 1, in the head of a PUBLISH: acknowledged.
const ACKNOWLEDGED: u8 = 0x02;
/// In the head of a CONNECT: nothing is kept of an earlier session.
const CLEAN: u8 = 0x02;

const MOSQUITTO: Recipe = Recipe {
    program: "mosquitto",
    settings: |_, address| {
        format!(
            "listener {} {}\nallow_anonymous true\nuser root\nmax_connections -1\nmax_queued_messages 0\nmax_inflight_messages 0\n\
             persistence false\nlog_type error\nset_tcp_nodelay true\n",
            address.port(),
            address.ip()
        )
    },
    arguments: |settings| vec!["-c".to_owned(), settings.display().to_string()],
};

/// Starts mosquitto.
pub(in crate::load) fn mosquitto(log: Stdio) -> io::Result<Server> {
    super::start(&MOSQUITTO, log)
}

/// A client.
pub(in crate::load) struct Mqtt {
    number: usize,
    room: usize,
    packet: u16,
}

/// The client of this number, which hears this room.
pub(in crate::load) fn client(number: usize, room: usize) -> Mqtt {
    Mqtt { number, room, packet: 1 }
}

impl Dialect for Mqtt {
    fn greet(&mut self, out: &mut Vec<u8>) {
        // The server ends a connection that is silent for one and a half times what is promised.
        let [high, low] = (KEEP_ALIVE_SECONDS as u16).to_be_bytes();
        let mut body = string("MQTT");
        body.extend([4, CLEAN, high, low]);
        body.extend(string(&format!("c{}", self.number)));
        packet(CONNECT, &body, out);
    }

    fn hear<'a>(&mut self, input: &'a [u8], out: &mut Vec<u8>) -> (usize, Sense<'a>) {
        let Some((head, body, bytes)) = first(input) else { return (0, Sense::Partial) };
        let sense = match head & 0xF0 {
            CONNACK if body.get(1) == Some(&0) => {
                let mut subscription = vec![0, 1];
                subscription.extend(string(&topic(self.room)));
                subscription.push(0);
                packet(SUBSCRIBE, &subscription, out);
                Sense::Noise
            }
            CONNACK => Sense::Wrong(b"CONNACK refuses"),
            SUBACK => Sense::Connected,
            PUBACK => Sense::Taken,
            PUBLISH => match body {
                [high, low, rest @ ..] => match rest.get(usize::from(u16::from_be_bytes([*high, *low]))..) {
                    Some(message) => Sense::Delivered(message),
                    None => Sense::Wrong(b"a PUBLISH that is too short"),
                },
                _ => Sense::Wrong(b"a PUBLISH that is too short"),
            },
            _ => Sense::Noise,
        };
        (bytes, sense)
    }

    fn say(&mut self, room: usize, body: &str, out: &mut Vec<u8>) {
        self.packet = self.packet.checked_add(1).unwrap_or(1);
        let mut message = string(&topic(room));
        message.extend(self.packet.to_be_bytes());
        message.extend(body.as_bytes());
        packet(PUBLISH | ACKNOWLEDGED, &message, out);
    }

    fn keep_alive(&mut self, out: &mut Vec<u8>) {
        packet(PINGREQ, &[], out);
    }
}

fn topic(room: usize) -> String {
    format!("room/{room}")
}

fn string(text: &str) -> Vec<u8> {
    let mut encoded = (text.len() as u16).to_be_bytes().to_vec();
    encoded.extend(text.as_bytes());
    encoded
}

/// A packet: its head, its length in groups of seven bits, its body.
fn packet(head: u8, body: &[u8], out: &mut Vec<u8>) {
    out.push(head);
    let mut length = body.len();
    loop {
        let group = (length & 0x7F) as u8;
        length >>= 7;
        out.push(if length > 0 { group | 0x80 } else { group });
        if length == 0 {
            break;
        }
    }
    out.extend(body);
}

/// The first packet, if it is whole: its head, its body, its bytes.
fn first(input: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (&head, rest) = input.split_first()?;
    let mut length = 0;
    for (index, &group) in rest.iter().take(4).enumerate() {
        length |= usize::from(group & 0x7F) << (7 * index);
        if group & 0x80 == 0 {
            let begin = 2 + index;
            return Some((head, input.get(begin..begin + length)?, begin + length));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::stream::tests::senses;
    use super::*;

    #[test]
    fn a_client_signs_in_subscribes_and_hears() {
        let mut client = client(7, 0);
        let (senses, out) =
            senses(&mut client, b"\x20\x02\x00\x00\x90\x03\x00\x01\x00\x30\x0b\x00\x06room/0hey\x40\x02\x00\x02\x30\x0b\x00");
        assert_eq!(senses, [Sense::Noise, Sense::Connected, Sense::Delivered(b"hey"), Sense::Taken]);
        assert_eq!(out, b"\x82\x0b\x00\x01\x00\x06room/0\x00");
    }

    #[test]
    fn lengths_beyond_127_take_two_bytes() {
        let mut out = Vec::new();
        client(1, 0).say(0, &"x".repeat(200), &mut out);
        assert_eq!(out[..3], [0x32, 210 & 0x7F | 0x80, 1]);
        assert_eq!(first(&out).map(|(head, body, bytes)| (head, body.len(), bytes)), Some((0x32, 210, 213)));
    }
}
