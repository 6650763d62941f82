//! Who is in the channel and what they publish, as the application was told.
//!
//! Invariant: the application hears of every difference exactly once, whatever the order and repetition of the
//! service's messages. Functions that take such a message answer the [`Change`]s it makes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use signal::{LeaveReason, Name, Peer, StreamId, StreamInfo, StreamSource, Uid};

/// One difference to what the application knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Online(Uid),
    Named(Uid, Option<Name>),
    Left(Uid, LeaveReason),
    Added(StreamInfo),
    Updated { before: StreamInfo, after: StreamInfo },
    Removed(StreamId),
}

#[derive(Debug)]
struct Stream {
    info: StreamInfo,
    missing: bool,
}

#[derive(Debug, Default)]
struct Entry {
    name: Option<Name>,
    streams: BTreeMap<StreamSource, Stream>,
    missing: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Roster {
    peers: BTreeMap<Uid, Entry>,
    /// When those still missing after the service forgot everyone are gone.
    grace: Option<Instant>,
}

impl Roster {
    /// After a restart of the service everybody comes back one by one; who is not back by then has left.
    const GRACE: Duration = Duration::from_secs(10);

    pub fn stream(&self, id: &StreamId) -> Option<&StreamInfo> {
        self.peers.get(&id.uid)?.streams.get(&id.source).map(|stream| &stream.info)
    }

    pub fn online(&mut self, uid: Uid) -> Vec<Change> {
        match self.peers.get_mut(&uid) {
            Some(entry) => {
                entry.missing = false;
                Vec::new()
            }
            None => {
                self.peers.insert(uid.clone(), Entry::default());
                vec![Change::Online(uid)]
            }
        }
    }

    /// Somebody who is there goes by this name, or by none.
    pub fn named(&mut self, uid: &Uid, name: Option<Name>) -> Vec<Change> {
        let Some(entry) = self.peers.get_mut(uid).filter(|entry| entry.name != name) else { return Vec::new() };
        entry.name.clone_from(&name);
        vec![Change::Named(uid.clone(), name)]
    }

    pub fn left(&mut self, uid: &Uid, reason: LeaveReason) -> Vec<Change> {
        let Some(entry) = self.peers.remove(uid) else { return Vec::new() };
        let removed = entry.streams.into_values().map(|stream| Change::Removed(stream.info.id));
        removed.chain([Change::Left(uid.clone(), reason)]).collect()
    }

    /// A stream is there, new or changed.
    pub fn put(&mut self, info: StreamInfo) -> Vec<Change> {
        let mut changes = self.online(info.id.uid.clone());
        let entry = self.peers.entry(info.id.uid.clone()).or_default();
        match entry.streams.get_mut(&info.id.source) {
            None => {
                entry.streams.insert(info.id.source, Stream { info: info.clone(), missing: false });
                changes.push(Change::Added(info));
            }
            Some(stream) => {
                stream.missing = false;
                if stream.info != info {
                    let before = std::mem::replace(&mut stream.info, info.clone());
                    changes.push(Change::Updated { before, after: info });
                }
            }
        }
        changes
    }

    pub fn removed(&mut self, id: &StreamId) -> Vec<Change> {
        let stream = self.peers.get_mut(&id.uid).and_then(|entry| entry.streams.remove(&id.source));
        stream.map(|stream| Change::Removed(stream.info.id)).into_iter().collect()
    }

    /// The channel as a join answered it. If the service knew us (`resumed`), it is the whole truth; if not, it has
    /// restarted, and others are about to come back like us.
    pub fn reconcile(&mut self, peers: Vec<Peer>, resumed: bool, now: Instant) -> Vec<Change> {
        for entry in self.peers.values_mut() {
            entry.missing = true;
            entry.streams.values_mut().for_each(|stream| stream.missing = true);
        }
        let mut changes = Vec::new();
        for peer in peers {
            changes.extend(self.online(peer.uid.clone()));
            changes.extend(self.named(&peer.uid, peer.name.clone()));
            let own = |info: &StreamInfo| info.id.uid == peer.uid;
            for info in peer.streams.into_iter().filter(own) {
                changes.extend(self.put(info));
            }
        }
        if resumed {
            changes.extend(self.drop_missing());
        } else {
            self.grace = Some(now + Self::GRACE);
        }
        changes
    }

    /// The service is lost again: nobody can come back to it, so nobody is late.
    pub fn service_lost(&mut self) {
        self.grace = None;
    }

    pub fn time_passed(&mut self, now: Instant) -> Vec<Change> {
        match self.grace {
            Some(end) if end <= now => self.drop_missing(),
            _ => Vec::new(),
        }
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        self.grace
    }

    fn drop_missing(&mut self) -> Vec<Change> {
        self.grace = None;
        let mut changes = Vec::new();
        self.peers.retain(|uid, entry| {
            entry.streams.retain(|_, stream| {
                if stream.missing {
                    changes.push(Change::Removed(stream.info.id.clone()));
                }
                !stream.missing
            });
            if entry.missing {
                changes.push(Change::Left(uid.clone(), LeaveReason::ServerTimeOut));
            }
            !entry.missing
        });
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(n: u32) -> Uid {
        Uid::number(n).unwrap()
    }

    fn info(n: u32) -> StreamInfo {
        StreamInfo { id: StreamId::camera(uid(n)), audio: true, video: true, audio_muted: false, video_muted: false }
    }

    fn peer(n: u32) -> Peer {
        Peer { uid: uid(n), name: None, streams: vec![info(n)] }
    }

    fn with(numbers: &[u32], now: Instant) -> Roster {
        let mut roster = Roster::default();
        roster.reconcile(numbers.iter().map(|n| peer(*n)).collect(), true, now);
        roster
    }

    #[test]
    fn a_stream_brings_its_publisher_online() {
        let mut roster = Roster::default();
        assert_eq!(roster.put(info(7)), [Change::Online(uid(7)), Change::Added(info(7))]);
        assert_eq!(roster.put(info(7)), []);
        assert_eq!(roster.online(uid(7)), []);
    }

    #[test]
    fn a_name_is_told_once_and_only_of_who_is_there() {
        let (ana, now) = (Name::clean("Ana"), Instant::now());
        let mut roster = Roster::default();
        assert_eq!(roster.named(&uid(7), ana.clone()), []);
        let peers = || vec![Peer { name: ana.clone(), ..peer(7) }];
        let changes = roster.reconcile(peers(), true, now);
        assert_eq!(changes, [Change::Online(uid(7)), Change::Named(uid(7), ana.clone()), Change::Added(info(7))]);
        assert_eq!(roster.reconcile(peers(), true, now), []);
        assert_eq!(roster.named(&uid(7), None), [Change::Named(uid(7), None)]);
        roster.left(&uid(7), LeaveReason::Quit);
        assert_eq!(roster.online(uid(7)), [Change::Online(uid(7))], "who comes again comes without a name");
    }

    #[test]
    fn a_mute_is_an_update() {
        let mut roster = with(&[7], Instant::now());
        let muted = StreamInfo { audio_muted: true, ..info(7) };
        assert_eq!(roster.put(muted.clone()), [Change::Updated { before: info(7), after: muted }]);
    }

    #[test]
    fn who_leaves_takes_the_streams_along() {
        let mut roster = with(&[7], Instant::now());
        let changes = roster.left(&uid(7), LeaveReason::Quit);
        assert_eq!(changes, [Change::Removed(info(7).id), Change::Left(uid(7), LeaveReason::Quit)]);
        assert_eq!(roster.left(&uid(7), LeaveReason::Quit), []);
    }

    #[test]
    fn a_resumed_membership_sees_what_changed_while_it_was_away() {
        let now = Instant::now();
        let mut roster = with(&[7, 8], now);
        let changes = roster.reconcile(vec![peer(8), peer(9)], true, now);
        assert_eq!(
            changes,
            [Change::Online(uid(9)), Change::Added(info(9)), Change::Removed(info(7).id), Change::Left(uid(7), LeaveReason::ServerTimeOut)]
        );
    }

    #[test]
    fn after_a_restart_of_the_service_those_not_yet_back_have_time() {
        let now = Instant::now();
        let mut roster = with(&[7, 8], now);
        assert_eq!(roster.reconcile(vec![Peer { uid: uid(7), name: None, streams: vec![] }], false, now), []);
        assert_eq!(roster.put(info(7)), []);
        let end = roster.next_deadline().unwrap();
        assert_eq!(roster.time_passed(now), []);
        let changes = roster.time_passed(end);
        assert_eq!(changes, [Change::Removed(info(8).id), Change::Left(uid(8), LeaveReason::ServerTimeOut)]);
        assert_eq!(roster.next_deadline(), None);
    }

    #[test]
    fn a_service_lost_again_stops_the_clock_for_those_not_yet_back() {
        let now = Instant::now();
        let mut roster = with(&[7], now);
        roster.reconcile(vec![], false, now);
        roster.service_lost();
        assert_eq!(roster.next_deadline(), None);
        assert_eq!(roster.time_passed(now + 2 * Roster::GRACE), []);
        assert_eq!(roster.reconcile(vec![peer(7)], false, now), []);
    }

    #[test]
    fn a_stream_under_a_false_name_is_ignored() {
        let mut roster = Roster::default();
        let changes = roster.reconcile(vec![Peer { uid: uid(7), name: None, streams: vec![info(8)] }], true, Instant::now());
        assert_eq!(changes, [Change::Online(uid(7))]);
    }
}
