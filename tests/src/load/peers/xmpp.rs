//! XMPP with rooms (XEP-0045) as far as it is needed here, and prosody with its archive in SQLite. Who speaks to a room hears it, which says
//! that it was taken.

use std::io;
use std::process::Stdio;

use super::Recipe;
use super::stream::{Dialect, Sense};
use crate::load::server::Server;

const HOST: &str = "load.test";
const ROOMS: &str = "rooms.load.test";

const PROSODY: Recipe = Recipe {
    program: "prosody",
    settings: |folder, address| {
        let folder = folder.display();
        let (ip, port) = (address.ip(), address.port());
        // Rooms do not tell everybody who comes and goes: with a thousand people that is all they would do.
        format!(
            "run_as_root = true\ndata_path = \"{folder}\"\nmodules_enabled = {{ \"saslauth\" }}\nmodules_disabled = {{ \"s2s\", \"offline\" }}\n\
             interfaces = {{ \"{ip}\" }}\nc2s_ports = {{ {port} }}\ns2s_ports = {{ }}\nc2s_require_encryption = false\n\
             allow_unencrypted_plain_auth = true\nnetwork_backend = \"epoll\"\nlog = {{ error = \"*console\" }}\n\
             sql = {{ driver = \"SQLite3\", database = \"{folder}/archive.sqlite\" }}\n\
             VirtualHost \"{HOST}\"\n  authentication = \"anonymous\"\n\
             Component \"{ROOMS}\" \"muc\"\n  modules_enabled = {{ \"muc_mam\" }}\n  storage = {{ muc_log = \"sql\" }}\n\
             \x20 muc_log_by_default = true\n  muc_room_locking = false\n  muc_room_default_public = true\n\
             \x20 muc_room_default_presence_broadcast = {{ visitor = false, participant = false, moderator = false }}\n"
        )
    },
    arguments: |settings| vec!["-F".to_owned(), "--config".to_owned(), settings.display().to_string()],
};

/// Starts prosody.
pub(in crate::load) fn prosody(log: Stdio) -> io::Result<Server> {
    super::start(&PROSODY, log)
}

/// A client.
pub(in crate::load) struct Xmpp {
    number: usize,
    room: usize,
    signed_in: bool,
    /// Messages said so far: each needs an id.
    said: u64,
}

/// The client of this number, which hears this room.
pub(in crate::load) fn client(number: usize, room: usize) -> Xmpp {
    Xmpp { number, room, signed_in: false, said: 0 }
}

impl Dialect for Xmpp {
    fn greet(&mut self, out: &mut Vec<u8>) {
        open_stream(out);
    }

    fn hear<'a>(&mut self, input: &'a [u8], out: &mut Vec<u8>) -> (usize, Sense<'a>) {
        let Some((element, bytes)) = first(input) else { return (0, Sense::Partial) };
        let is = |name: &str| element.strip_prefix(b"<").is_some_and(|rest| rest.starts_with(name.as_bytes()));
        let own = format!("/c{}'", self.number);
        let sense = if is("stream:features") {
            out.extend(if self.signed_in {
                b"<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>".to_vec()
            } else {
                b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>".to_vec()
            });
            Sense::Noise
        } else if is("success") {
            self.signed_in = true;
            open_stream(out);
            Sense::Noise
        } else if is("iq") && has(element, "id='bind'") && has(element, "type='result'") {
            let Self { number, room, .. } = self;
            out.extend(
                format!(
                    "<presence to='r{room}@{ROOMS}/c{number}'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>"
                )
                .into_bytes(),
            );
            Sense::Noise
        } else if is("presence") && has(element, "code='110'") {
            Sense::Connected
        } else if is("message") && has(element, "type='groupchat'") {
            match between(element, b"<body>", b"</body>") {
                // With the name it has in the room.
                Some(_) if has(element, &own) => Sense::Taken,
                Some(body) => Sense::Delivered(body),
                None => Sense::Noise,
            }
        } else if is("stream:error") || is("failure") || has(element, "type='error'") {
            Sense::Wrong(element)
        } else {
            Sense::Noise
        };
        (bytes, sense)
    }

    fn say(&mut self, room: usize, body: &str, out: &mut Vec<u8>) {
        self.said += 1;
        let message = format!("<message to='r{room}@{ROOMS}' type='groupchat' id='m{}'><body>{body}</body></message>", self.said);
        out.extend(message.into_bytes());
    }

    fn keep_alive(&mut self, out: &mut Vec<u8>) {
        out.push(b' ');
    }
}

fn open_stream(out: &mut Vec<u8>) {
    let stream = format!(
        "<?xml version='1.0'?><stream:stream to='{HOST}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
    );
    out.extend(stream.into_bytes());
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn has(element: &[u8], what: &str) -> bool {
    find(element, what.as_bytes()).is_some()
}

fn between<'a>(element: &'a [u8], before: &[u8], behind: &[u8]) -> Option<&'a [u8]> {
    let begin = find(element, before)? + before.len();
    let end = begin + find(&element[begin..], behind)?;
    Some(&element[begin..end])
}

/// The first element, if it is whole, with what stands before it. No element that servers send holds one of its own name, and the head of
/// a stream counts as an element of its own.
fn first(input: &[u8]) -> Option<(&[u8], usize)> {
    let begin = input.iter().position(|&byte| byte == b'<')?;
    let text = &input[begin..];
    let head = text.iter().position(|&byte| byte == b'>')? + 1;
    let alone = text.starts_with(b"<?") || text.starts_with(b"<stream:stream") || text.starts_with(b"</") || text[..head].ends_with(b"/>");
    let end = if alone {
        head
    } else {
        let name = text[1..head].split(|byte| b" >\n".contains(byte)).next()?;
        let closing = [b"</", name, b">"].concat();
        head + find(&text[head..], &closing)? + closing.len()
    };
    Some((&text[..end], begin + end))
}

#[cfg(test)]
mod tests {
    use super::super::stream::tests::senses;
    use super::*;

    #[test]
    fn a_client_signs_in_enters_and_hears() {
        let mut client = client(7, 0);
        let said = b"<?xml version='1.0'?><stream:stream id='1'><stream:features><mechanisms/></stream:features><success xmlns='x'/>\
            <stream:features><bind/></stream:features><iq type='result' id='bind'><bind><jid>a</jid></bind></iq>\
            <presence from='r0@rooms.load.test/c7'><x><status code='110'/></x></presence>\
            <message from='r0@rooms.load.test/c1' type='groupchat'><body>hey</body></message>\
            <message from='r0@rooms.load.test/c7' type='groupchat'><body>ho</body></message><message from='r0";
        let (senses, out) = senses(&mut client, said);
        let heard: Vec<_> = senses.into_iter().filter(|sense| *sense != Sense::Noise).collect();
        assert_eq!(heard, [Sense::Connected, Sense::Delivered(b"hey"), Sense::Taken]);
        let out = String::from_utf8_lossy(&out);
        assert!(out.contains("ANONYMOUS") && out.contains("to='r0@rooms.load.test/c7'"), "{out}");
    }
}
