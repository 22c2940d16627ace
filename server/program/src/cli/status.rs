//! `belfry status`: how the server is doing.

use belfry_core::chat::{Answer, Request, ServerStatus};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{session, zone};
use crate::config::ConnectionArgs;
use crate::ending::{Ending, Outcome};
use crate::{output, sentence};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    session::with(&args.connection, |session| {
        let Answer::Status(status) = session.ask(Request::Status)? else {
            return Err(Ending::unexpected());
        };
        if args.json {
            return output::json(&object(&status));
        }
        for (what, value) in rows(&status, &zone::local()) {
            output::line(format_args!("{what:<24} {}", sentence::visible(&value)))?;
        }
        Ok(())
    })
}

#[derive(Serialize)]
struct StatusObject<'a> {
    version: &'a str,
    started_at: String,
    connections: u64,
    sessions: u64,
    people_online: u64,
    accounts: u64,
    messages: u64,
    datagrams_received: u64,
    datagrams_sent: u64,
    datagrams_dropped: u64,
    packets_retransmitted: u64,
    handshakes: u64,
    rtt_median_micros: u64,
    store_latency_median_micros: u64,
    database_bytes: u64,
    receive_buffer_bytes: u64,
}

fn object(status: &ServerStatus) -> StatusObject<'_> {
    StatusObject {
        version: &status.version,
        started_at: status.started_at.rfc3339(),
        connections: status.connections,
        sessions: status.sessions,
        people_online: status.people_online,
        accounts: status.accounts,
        messages: status.messages,
        datagrams_received: status.datagrams_received,
        datagrams_sent: status.datagrams_sent,
        datagrams_dropped: status.datagrams_dropped,
        packets_retransmitted: status.packets_retransmitted,
        handshakes: status.handshakes,
        rtt_median_micros: status.rtt_median_micros,
        store_latency_median_micros: status.store_latency_median_micros,
        database_bytes: status.database_bytes,
        receive_buffer_bytes: status.receive_buffer_bytes,
    }
}

fn rows(status: &ServerStatus, zone: &TimeZone) -> Vec<(&'static str, String)> {
    vec![
        ("version", status.version.clone()),
        ("running since", output::minute(status.started_at, zone)),
        ("people online", format!("{} of {}", status.people_online, status.accounts)),
        ("sessions", status.sessions.to_string()),
        ("connections", status.connections.to_string()),
        ("messages stored", status.messages.to_string()),
        ("datagrams received", status.datagrams_received.to_string()),
        ("datagrams sent", status.datagrams_sent.to_string()),
        ("datagrams dropped", status.datagrams_dropped.to_string()),
        ("packets sent again", status.packets_retransmitted.to_string()),
        ("handshakes", status.handshakes.to_string()),
        ("round trip, median", milliseconds(status.rtt_median_micros)),
        ("storing, median", milliseconds(status.store_latency_median_micros)),
        ("database", bytes(status.database_bytes)),
        ("receive buffer", bytes(status.receive_buffer_bytes)),
    ]
}

fn milliseconds(micros: u64) -> String {
    format!("{}.{:03} ms", micros / 1000, micros % 1000)
}

fn bytes(bytes: u64) -> String {
    match bytes {
        0..0x400 => format!("{bytes} B"),
        0x400..0x10_0000 => format!("{} KiB", bytes >> 10),
        0x10_0000..0x4000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_shown_in_units_that_people_read() {
        assert_eq!([bytes(12), bytes(2048), bytes(5 << 20), bytes(3 << 30)], ["12 B", "2 KiB", "5 MiB", "3 GiB"]);
        assert_eq!(milliseconds(1_234), "1.234 ms");
    }

    #[test]
    fn a_script_reads_every_counter() {
        let status = ServerStatus { version: "0.1.0".into(), messages: 12, ..ServerStatus::default() };
        let text = output::json_text(&object(&status)).unwrap();
        assert!(text.starts_with(r#"{"version":"0.1.0","started_at":"1970-01-01T00:00:00.000Z","#), "{text}");
        assert!(text.contains(r#""messages":12"#), "{text}");
    }
}
