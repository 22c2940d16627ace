//! The least that a message to everybody can cost: one thread, `sendmmsg`, a datagram of 240 bytes to each address, no protocol.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket as Receiver};
use std::time::Instant;

use belfry_core::net::{SendBatch, UdpSocket};
use serde_json::json;

use super::workload::{Record, rounded};
use crate::measure::cpu_of;

/// What 200 bytes of text become on the wire, more or less.
const DATAGRAM: [u8; 240] = [7; 240];

/// Sends to so many receivers so many times. The rounds before the first one that counts warm the sockets up.
pub(super) fn measure(receivers: usize, rounds: usize) -> io::Result<Record> {
    let sockets: Vec<_> = (0..receivers).map(|_| Receiver::bind((Ipv4Addr::LOCALHOST, 0))).collect::<io::Result<_>>()?;
    let addresses: Vec<SocketAddr> = sockets.iter().map(Receiver::local_addr).collect::<io::Result<_>>()?;
    for socket in &sockets {
        socket.set_nonblocking(true)?;
    }
    let sender = UdpSocket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let (mut outbox, mut costs, mut times, mut delivered) = (SendBatch::new(), Vec::new(), Vec::new(), 0);
    for round in 0..=rounds {
        let begun = Instant::now();
        let (cpu, ()) = cpu_of(|| {
            for &address in &addresses {
                outbox.push(address, &DATAGRAM);
                if outbox.is_full() {
                    outbox.flush(&sender);
                }
            }
            outbox.flush(&sender);
        });
        let took = begun.elapsed();
        let mut buffer = [0; 300];
        let heard = sockets.iter().filter(|socket| socket.recv(&mut buffer).is_ok()).count();
        if round > 0 {
            costs.push(cpu.as_secs_f64() * 1e6 / receivers as f64);
            times.push(took.as_secs_f64() * 1e3);
            delivered += heard;
        }
    }
    times.sort_by(f64::total_cmp);
    let mut record = Record::new();
    record.insert("clients".to_owned(), json!(receivers + 1));
    record.insert("delivered".to_owned(), json!(delivered));
    record.insert("expected".to_owned(), json!(receivers * rounds));
    record.insert("server_cpu_us".to_owned(), json!(rounded(costs.iter().sum::<f64>() / rounds.max(1) as f64)));
    record.insert("last_ms".to_owned(), json!(times.get(times.len() / 2).copied().map(rounded)));
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_sent_one_datagram_a_round() {
        let record = measure(10, 2).expect("there are sockets");
        assert_eq!((&record["delivered"], &record["expected"]), (&json!(20), &json!(20)));
    }
}
