//! What the system counts of a process: processor, memory, datagrams that did not fit its socket. Linux only.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

/// What all threads of a process have used of the processors. A thread that has ended is not in it; servers keep theirs.
pub(super) fn processor_of(process: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let used = threads.filter_map(|thread| {
        let statistics = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        statistics.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(used.sum())
}

/// The memory that a process has in use, in KiB.
pub(super) fn resident_kib(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    kib_after(&status, "VmRSS:")
}

/// What the kernel has allocated for itself, in KiB: sockets among it, those of the clients too.
pub(super) fn kernel_kib() -> f64 {
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    kib_after(&memory, "SUnreclaim:")
}

fn kib_after(text: &str, label: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(label)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(f64::NAN)
}

/// Datagrams that found the receive buffer of the UDP socket at this address full.
pub(super) fn dropped_at(address: SocketAddr) -> u64 {
    ["/proc/net/udp", "/proc/net/udp6"].iter().map(|table| dropped_in(&fs::read_to_string(table).unwrap_or_default(), address.port())).sum()
}

/// In the system's table, the sockets bound to this port.
fn dropped_in(table: &str, port: u16) -> u64 {
    let bound = |line: &&str| line.split_whitespace().nth(1).is_some_and(|local| local.ends_with(&format!(":{port:04X}")));
    table.lines().filter(bound).filter_map(|line| line.split_whitespace().next_back()?.parse::<u64>().ok()).sum()
}

/// Processes that wanted a processor over the last minute.
pub(super) fn load_average() -> f64 {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_used_something_and_is_somewhere() {
        let me = std::process::id();
        assert!(processor_of(me) > Duration::ZERO);
        assert!(resident_kib(me) > 100.0);
        assert!(kernel_kib() > 100.0);
    }

    #[test]
    fn the_datagrams_that_did_not_fit_are_those_of_the_socket_with_the_port() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
             10: 0100007F:1CF3 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 11 2 0000000000000000 42\n\
             11: 0100007F:1CF4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12 2 0000000000000000 7\n";
        assert_eq!(dropped_in(table, 7411), 42);
        assert_eq!(dropped_in(table, 80), 0);
    }
}
