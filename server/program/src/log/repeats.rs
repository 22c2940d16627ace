//! What strangers do again and again is summed up: a line at once for each address and kind, and then one in each interval, so that
//! nobody fills the disk by knocking.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// After its first line an address is summed up for this long.
const INTERVAL: Duration = Duration::from_secs(60);

/// Addresses and kinds that are told apart within an interval; whatever else comes is counted together.
const KEPT_MAX: usize = 100;

/// The field by which the server names where something came from that anybody can send.
const FROM: &str = "from";

/// What came from where within the interval. Shared by whoever logs and the thread that says what it came to.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// By where in the program and from which address.
    kept: BTreeMap<(&'static str, IpAddr), Summed>,
    others: Option<Summed>,
}

#[derive(Debug)]
struct Summed {
    since: Instant,
    again: u64,
    what: String,
}

impl Repeats {
    /// Whether this is said by itself.
    fn is_new(&self, event: &Event<'_>, now: Instant) -> bool {
        let mut named = Named::default();
        event.record(&mut named);
        let Some(address) = named.from else { return true };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (event.metadata().name(), address.to_canonical());
        if let Some(summed) = seen.kept.get_mut(&key) {
            summed.again += 1;
            return false;
        }
        if seen.kept.len() < KEPT_MAX {
            seen.kept.insert(key, Summed { since: now, again: 0, what: named.message });
            return true;
        }
        seen.others.get_or_insert_with(|| Summed { since: now, again: 0, what: String::new() }).again += 1;
        false
    }

    /// Says what has come again since the beginning of each interval that is over.
    pub(super) fn tell(&self, now: Instant) {
        for (address, Summed { again, what, .. }) in self.over(now) {
            match address {
                Some(address) => tracing::warn!(%address, again, "the same again within a minute: {what}"),
                None => tracing::warn!(again, "further addresses did the like within a minute"),
            }
        }
    }

    /// The lock is not held while anything is said.
    fn over(&self, now: Instant) -> Vec<(Option<IpAddr>, Summed)> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |summed: &Summed| now.duration_since(summed.since) >= INTERVAL;
        let kept = seen.kept.extract_if(.., |_, summed| is_over(summed)).map(|((_, address), summed)| (Some(address), summed));
        let mut over: Vec<_> = kept.filter(|(_, summed)| summed.again > 0).collect();
        over.extend(seen.others.take_if(|others| is_over(others)).map(|others| (None, others)));
        over
    }
}

/// Before anything is formatted.
pub(super) struct Summing(pub(super) Arc<Repeats>);

impl<S: Subscriber> Layer<S> for Summing {
    fn event_enabled(&self, event: &Event<'_>, _context: Context<'_, S>) -> bool {
        self.0.is_new(event, Instant::now())
    }
}

/// Where an event says it came from, and what it says.
#[derive(Default)]
struct Named {
    from: Option<IpAddr>,
    message: String,
}

impl Visit for Named {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            FROM => self.from = format!("{value:?}").parse::<SocketAddr>().ok().map(|address| address.ip()),
            "message" => self.message = format!("{value:?}"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    fn knock(from: [u8; 4], port: u16) {
        let from = SocketAddr::from((from, port));
        tracing::warn!(session = 1, %from, "refused");
    }

    /// What is said of these events.
    fn said(act: impl FnOnce(&Repeats)) -> Vec<String> {
        #[derive(Clone, Default)]
        struct Heard(Arc<Mutex<Vec<String>>>);
        impl<S: Subscriber> Layer<S> for Heard {
            fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
                struct Line(String);
                impl Visit for Line {
                    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                        self.0.push_str(&format!("{}={value:?} ", field.name()));
                    }
                }
                let mut line = Line(String::new());
                event.record(&mut line);
                self.0.lock().unwrap().push(line.0);
            }
        }
        let (repeats, heard) = (Arc::new(Repeats::default()), Heard::default());
        let subscriber = tracing_subscriber::registry().with(Summing(Arc::clone(&repeats))).with(heard.clone());
        tracing::subscriber::with_default(subscriber, || act(&repeats));
        heard.0.lock().unwrap().clone()
    }

    #[test]
    fn an_address_is_named_at_once_and_summed_up_after_the_interval() {
        let said = said(|repeats| {
            for port in 0..1000 {
                knock([192, 0, 2, 1], port);
            }
            knock([192, 0, 2, 2], 1);
            tracing::warn!("something else");
            repeats.tell(Instant::now());
            repeats.tell(Instant::now() + INTERVAL);
            knock([192, 0, 2, 1], 1);
        });
        assert_eq!(said.len(), 5, "{said:#?}");
        assert!(said[3].contains("again=999") && said[3].contains("address=192.0.2.1") && said[3].contains("refused"), "{said:#?}");
        assert!(said[4].contains("from=192.0.2.1:1"), "{said:#?}");
    }

    #[test]
    fn a_crowd_of_addresses_is_counted_together() {
        let said = said(|repeats| {
            for n in 0..10_000_u32 {
                knock(n.to_be_bytes(), 1);
            }
            assert_eq!(repeats.seen.lock().unwrap().kept.len(), KEPT_MAX);
            repeats.tell(Instant::now() + INTERVAL);
            assert_eq!(repeats.seen.lock().unwrap().kept.len(), 0);
        });
        assert_eq!(said.len(), KEPT_MAX + 1);
        assert!(said[KEPT_MAX].contains(&format!("again={}", 10_000 - KEPT_MAX)), "{said:?}");
    }
}
