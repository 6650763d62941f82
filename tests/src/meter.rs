//! What leaves a host by its interface, and what waits there, ten times a second.

use std::{
    process::{Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::namespace::{Namespace, enter};

const INTERVAL: Duration = Duration::from_millis(100);

/// What the interface's queue says at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub at: Instant,
    /// Bytes that have left so far.
    pub sent: u64,
    /// Bytes that wait.
    pub waiting: u64,
}

/// A meter at work.
pub struct Meter {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<Vec<Reading>>,
}

impl Meter {
    /// Reads an interface of a host, which has a [`Bottleneck`](crate::namespace::Bottleneck).
    ///
    /// # Panics
    /// If there is no room for a thread.
    pub fn start((host, interface): (&Namespace, &'static str)) -> Self {
        let (stop, stopped) = mpsc::channel();
        let name = host.name().to_owned();
        let measure = move || {
            enter(&name).expect("the host is there");
            let mut readings = Vec::new();
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                readings.extend(read(interface));
            }
            readings
        };
        let thread = std::thread::Builder::new().name("meter".into()).spawn(measure).expect("room for one more thread");
        Self { stop, thread }
    }

    /// All that was read, in order.
    ///
    /// # Panics
    /// If the host could not be entered.
    pub fn readings(self) -> Vec<Reading> {
        drop(self.stop);
        self.thread.join().expect("the host is there")
    }
}

fn read(interface: &str) -> Option<Reading> {
    let mut tc = Command::new("tc");
    let output = tc.args(["-s", "-j", "qdisc", "show", "dev", interface]).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    reading(&output.stdout, Instant::now())
}

/// Of what `tc -s -j qdisc show` prints.
fn reading(text: &[u8], at: Instant) -> Option<Reading> {
    let queues: Value = serde_json::from_slice(text).ok()?;
    let root = queues.as_array()?.iter().find(|queue| queue["root"] == true)?;
    Some(Reading { at, sent: root["bytes"].as_u64()?, waiting: root["backlog"].as_u64()? })
}

/// The rate in kb/s between two readings.
pub fn kbps(from: &Reading, to: &Reading) -> f64 {
    to.sent.saturating_sub(from.sent) as f64 * 8.0 / 1000.0 / to.at.saturating_duration_since(from.at).as_secs_f64().max(1e-3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_read_as_tc_prints_it() {
        let at = Instant::now();
        let text = br#"[{"kind":"tbf","handle":"1:","root":true,"options":{"rate":250000},"bytes":1200,"backlog":300,"qlen":1}]"#;
        assert_eq!(reading(text, at), Some(Reading { at, sent: 1200, waiting: 300 }));
        assert_eq!(reading(b"[]", at), None);
    }

    #[test]
    fn a_rate_is_what_has_left_over_the_time_it_took() {
        let at = Instant::now();
        let from = Reading { at, sent: 1000, waiting: 0 };
        assert_eq!(kbps(&from, &Reading { at: at + Duration::from_secs(2), sent: 251_000, waiting: 0 }), 1000.0);
    }
}
