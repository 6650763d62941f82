//! What a service counts, and how Prometheus reads it (text exposition format 0.0.4).

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use signal::Code;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Everything that is counted as it happens. Labels are our own words, so there are few of them.
#[derive(Debug, Default)]
pub struct Metrics {
    pub messages_received: Counter,
    pub messages_sent: Counter,
    pub slow_readers: Counter,
    pub mistakes: Counter,
    pub handshakes_failed: Counter,
    joins: Mutex<BTreeMap<&'static str, u64>>,
    refused: Mutex<BTreeMap<&'static str, u64>>,
}

/// What is so at the moment of asking.
#[derive(Clone, Copy, Debug, Default)]
pub struct Now {
    pub connections: usize,
    pub channels: usize,
    pub members: usize,
    pub draining: bool,
}

impl Metrics {
    /// A join that was answered with `Ok`, or refused with a code.
    pub fn joined(&self, result: Result<(), Code>) {
        add(&self.joins, result.map_or_else(Code::as_str, |()| "OK"));
    }

    /// A connection turned away by one of the limits.
    pub fn refused(&self, limit: &'static str) {
        add(&self.refused, limit);
    }

    /// The page that Prometheus reads.
    pub fn exposition(&self, now: Now) -> String {
        let mut page = String::new();
        let gauges: [(&str, &str, usize); 4] = [
            ("visavis_connections", "WebSockets that are open.", now.connections),
            ("visavis_channels", "Channels with someone in them.", now.channels),
            ("visavis_members", "Members of all channels, those included whose connection broke a moment ago.", now.members),
            ("visavis_draining", "1 when the service is about to stop.", now.draining.into()),
        ];
        for (name, help, value) in gauges {
            family(&mut page, name, "gauge", help);
            line(&mut page, name, "", value as u64);
        }
        let counters = [
            ("visavis_messages_received_total", "Messages that clients sent.", &self.messages_received),
            ("visavis_messages_sent_total", "Messages written to clients.", &self.messages_sent),
            ("visavis_slow_readers_total", "Connections dropped since they did not read.", &self.slow_readers),
            ("visavis_mistakes_total", "Messages out of protocol.", &self.mistakes),
            ("visavis_tls_failures_total", "TLS handshakes that failed or took too long.", &self.handshakes_failed),
        ];
        for (name, help, counter) in counters {
            family(&mut page, name, "counter", help);
            line(&mut page, name, "", counter.get());
        }
        let labelled = [
            ("visavis_joins_total", "Joins by the code of their answer.", "code", &self.joins),
            ("visavis_refused_total", "Connections turned away by a limit.", "limit", &self.refused),
        ];
        for (name, help, label, counts) in labelled {
            family(&mut page, name, "counter", help);
            for (value, count) in counts.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                line(&mut page, name, &format!("{{{label}=\"{value}\"}}"), *count);
            }
        }
        page
    }
}

fn add(counts: &Mutex<BTreeMap<&'static str, u64>>, label: &'static str) {
    *counts.lock().unwrap_or_else(PoisonError::into_inner).entry(label).or_default() += 1;
}

fn family(page: &mut String, name: &str, kind: &str, help: &str) {
    writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a String takes any text");
}

fn line(page: &mut String, name: &str, labels: &str, value: u64) {
    writeln!(page, "{name}{labels} {value}").expect("a String takes any text");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_what_was_counted() {
        let metrics = Metrics::default();
        metrics.joined(Ok(()));
        metrics.joined(Ok(()));
        metrics.joined(Err(Code::UidConflict));
        metrics.slow_readers.add();
        metrics.refused("address");
        let page = metrics.exposition(Now { connections: 4, channels: 1, members: 3, draining: true });
        for expected in [
            "# TYPE visavis_connections gauge\nvisavis_connections 4\n",
            "visavis_members 3\n",
            "visavis_draining 1\n",
            "visavis_joins_total{code=\"OK\"} 2\nvisavis_joins_total{code=\"UID_CONFLICT\"} 1\n",
            "visavis_slow_readers_total 1\n",
            "visavis_refused_total{limit=\"address\"} 1\n",
        ] {
            assert!(page.contains(expected), "{expected:?} is not in\n{page}");
        }
    }

    #[test]
    fn every_line_is_a_comment_or_a_name_and_a_number() {
        let page = Metrics::default().exposition(Now::default());
        assert!(page.ends_with('\n'));
        for line in page.lines().filter(|line| !line.starts_with("# ")) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("visavis_") && value.parse::<u64>().is_ok(), "{line}");
        }
    }
}
