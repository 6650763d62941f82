//! When a connection is disconnected or over, pure.
//!
//! `webrtc` says nothing when the other end is killed, when its own driver stops or when packets stop; so life is what
//! arrives, and silence has deadlines.

use std::time::{Duration, Instant};

use crate::error::{Failure, Phase};

/// The deadlines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// From [`Watchdog::begin`] until the first packet of the other end.
    pub connect: Duration,
    /// Without any packet after the first one.
    pub silence: Duration,
}

/// A lost ICE consent counts only once packets have stopped too: a lossy path loses consent checks as well.
const QUIET: Duration = Duration::from_secs(1);

/// How long a suspected path has to bring a packet: a few of sound, and a round trip around the world.
const SUSPICION: Duration = Duration::from_millis(400);

/// Packets that follow each other like this are a stream; a muted one has reports only, which say nothing by not coming.
const STREAM: Duration = Duration::from_millis(250);

/// What the owner should be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Fine,
    /// To be told once; a new state of the connection follows.
    Disconnected,
    Failed(Failure),
}

/// Watches one connection.
#[derive(Debug)]
pub(crate) struct Watchdog {
    limits: Limits,
    phase: Phase,
    begun: Option<Instant>,
    last_packet: Option<Instant>,
    /// The last packets followed each other within [`STREAM`].
    streams: bool,
    /// ICE consent is lost; true once the owner was told.
    disconnected: Option<bool>,
    /// Since when there is reason to doubt the path.
    suspected: Option<Instant>,
}

impl Watchdog {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, phase: Phase::Candidates, begun: None, last_packet: None, streams: false, disconnected: None, suspected: None }
    }

    /// Both descriptions are known: from now on the two ends should find each other.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.begun.get_or_insert(now);
    }

    /// A candidate pair works.
    pub(crate) fn on_pair(&mut self) {
        if self.phase == Phase::Candidates {
            self.phase = Phase::Dtls;
        }
    }

    /// Media can flow. True if the owner should be told: at first, and after it was told of a disconnection.
    pub(crate) fn on_connected(&mut self) -> bool {
        let first = matches!(self.phase, Phase::Candidates | Phase::Dtls);
        if first {
            self.phase = Phase::Media;
        }
        self.suspected = None;
        first || self.disconnected.take() == Some(true)
    }

    /// ICE consent is lost.
    pub(crate) fn on_disconnected(&mut self) {
        if matches!(self.phase, Phase::Media | Phase::Flowing) {
            self.disconnected.get_or_insert(false);
        }
    }

    /// There is reason to think that the other end has moved: without a packet within [`SUSPICION`] it has.
    pub(crate) fn suspect(&mut self, now: Instant) {
        if self.streams && self.phase == Phase::Flowing && self.disconnected != Some(true) {
            self.suspected.get_or_insert(now);
        }
    }

    /// The newest packet of the other end came at `at`.
    pub(crate) fn on_packet(&mut self, at: Instant) {
        match self.last_packet.replace(at) {
            Some(before) if before == at => {}
            before => self.streams = before.is_some_and(|before| at.saturating_duration_since(before) <= STREAM),
        }
        if self.phase == Phase::Media {
            self.phase = Phase::Flowing;
        }
    }

    /// ICE or DTLS gave up.
    pub(crate) fn on_failed(&self) -> Failure {
        Failure::Connection { phase: self.phase }
    }

    pub(crate) fn poll(&mut self, now: Instant) -> Verdict {
        let Some(begun) = self.begun else { return Verdict::Fine };
        let quiet = now.saturating_duration_since(self.last_packet.unwrap_or(begun));
        if self.phase != Phase::Flowing {
            if now.saturating_duration_since(begun) >= self.limits.connect {
                return Verdict::Failed(Failure::Deadline { phase: self.phase });
            }
        } else if quiet >= self.limits.silence {
            return Verdict::Failed(Failure::Silence { seconds: self.limits.silence.as_secs() as u32 });
        }
        if let Some(since) = self.suspected {
            if self.last_packet.is_some_and(|at| at > since) {
                self.suspected = None;
            } else if now.saturating_duration_since(since) >= SUSPICION {
                self.suspected = None;
                return self.disconnect();
            }
        }
        if self.disconnected == Some(false) && quiet >= QUIET {
            return self.disconnect();
        }
        Verdict::Fine
    }

    /// Tells of a disconnection once.
    fn disconnect(&mut self) -> Verdict {
        if self.disconnected.replace(true) == Some(true) { Verdict::Fine } else { Verdict::Disconnected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { connect: Duration::from_secs(3), silence: Duration::from_secs(10) };

    fn secs(value: u64) -> Duration {
        Duration::from_secs(value)
    }

    fn begun() -> (Watchdog, Instant) {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(LIMITS);
        watchdog.begin(start);
        (watchdog, start)
    }

    /// Connected, with packets that follow each other up to `now`.
    fn flow(watchdog: &mut Watchdog, now: Instant) {
        watchdog.on_connected();
        watchdog.on_packet(now - STREAM / 2);
        watchdog.on_packet(now);
    }

    fn deadline(phase: Phase) -> Verdict {
        Verdict::Failed(Failure::Deadline { phase })
    }

    #[test]
    fn nothing_is_due_before_the_descriptions_are_known() {
        let mut watchdog = Watchdog::new(LIMITS);
        assert_eq!(watchdog.poll(Instant::now() + secs(100)), Verdict::Fine);
    }

    #[test]
    fn a_missed_connect_deadline_says_which_phase_it_hung_in() {
        let (mut watchdog, start) = begun();
        assert_eq!(watchdog.poll(start + secs(2)), Verdict::Fine);
        assert_eq!(watchdog.poll(start + secs(3)), deadline(Phase::Candidates));
        watchdog.on_pair();
        assert_eq!(watchdog.poll(start + secs(3)), deadline(Phase::Dtls));
        assert!(watchdog.on_connected());
        assert_eq!(watchdog.poll(start + secs(3)), deadline(Phase::Media));
        watchdog.on_packet(start + secs(3));
        assert_eq!(watchdog.poll(start + secs(3)), Verdict::Fine);
    }

    #[test]
    fn silence_after_media_ends_the_connection() {
        let (mut watchdog, start) = begun();
        watchdog.on_connected();
        watchdog.on_packet(start + secs(1));
        assert_eq!(watchdog.poll(start + secs(10)), Verdict::Fine);
        assert_eq!(watchdog.poll(start + secs(11)), Verdict::Failed(Failure::Silence { seconds: 10 }));
    }

    #[test]
    fn lost_consent_counts_only_when_packets_have_stopped_and_is_told_once() {
        let (mut watchdog, start) = begun();
        watchdog.on_connected();
        watchdog.on_packet(start + secs(2));
        watchdog.on_disconnected();
        assert_eq!(watchdog.poll(start + secs(2)), Verdict::Fine);
        assert_eq!(watchdog.poll(start + secs(3)), Verdict::Disconnected);
        assert_eq!(watchdog.poll(start + secs(4)), Verdict::Fine);
        assert!(watchdog.on_connected());
        assert!(!watchdog.on_connected());
    }

    #[test]
    fn a_disconnection_that_heals_unnoticed_is_not_told() {
        let (mut watchdog, start) = begun();
        watchdog.on_connected();
        watchdog.on_packet(start);
        watchdog.on_disconnected();
        assert!(!watchdog.on_connected());
        watchdog.on_packet(start + secs(1));
        assert_eq!(watchdog.poll(start + secs(2)), Verdict::Fine);
    }

    #[test]
    fn a_suspected_path_that_brings_nothing_is_disconnected_at_once_and_told_once() {
        let (mut watchdog, start) = begun();
        flow(&mut watchdog, start);
        watchdog.suspect(start);
        assert_eq!(watchdog.poll(start + SUSPICION / 2), Verdict::Fine);
        assert_eq!(watchdog.poll(start + SUSPICION), Verdict::Disconnected);
        watchdog.on_disconnected();
        watchdog.suspect(start + SUSPICION);
        assert_eq!(watchdog.poll(start + secs(5)), Verdict::Fine);
        assert!(watchdog.on_connected());
    }

    #[test]
    fn a_suspected_path_that_brings_a_packet_is_fine() {
        let (mut watchdog, start) = begun();
        flow(&mut watchdog, start);
        watchdog.suspect(start);
        watchdog.on_packet(start + SUSPICION / 2);
        assert_eq!(watchdog.poll(start + SUSPICION), Verdict::Fine);
        assert_eq!(watchdog.poll(start + SUSPICION * 3), Verdict::Fine);
    }

    #[test]
    fn a_muted_stream_is_not_suspected_for_its_silence() {
        let (mut watchdog, start) = begun();
        watchdog.on_connected();
        for second in 0..3 {
            watchdog.on_packet(start + secs(second));
        }
        watchdog.suspect(start + secs(2));
        assert_eq!(watchdog.poll(start + secs(3)), Verdict::Fine);
    }

    #[test]
    fn a_path_without_media_yet_is_not_suspected() {
        let (mut watchdog, start) = begun();
        watchdog.on_connected();
        watchdog.suspect(start);
        assert_eq!(watchdog.poll(start + secs(2)), Verdict::Fine);
    }

    #[test]
    fn an_ice_failure_says_how_far_the_connection_came() {
        let (mut watchdog, _) = begun();
        assert_eq!(watchdog.on_failed(), Failure::Connection { phase: Phase::Candidates });
        watchdog.on_pair();
        assert_eq!(watchdog.on_failed(), Failure::Connection { phase: Phase::Dtls });
    }
}
