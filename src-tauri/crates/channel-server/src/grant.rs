//! What a member may do, and until when. Pure; its ends are instants, so that a clock that is set does not move them.
//!
//! Agora (AGORA.md's source calls it "kicked at once when either validity ends"): the membership ends with the token or with its
//! privilege to join, whichever is first, however long publishing would have been allowed. The end of a privilege to publish takes
//! that track only. 30 s before any of these ends the member is told.

use std::time::{Duration, Instant};

use signal::{Code, Error, MayPublish, StreamInfo};

use crate::ban::{Ban, Verdict};

/// How long before an end its member is told: Agora's.
pub const WARNING: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// When the membership ends; `None` is never.
    stay: Option<Instant>,
    audio: Right,
    video: Right,
}

/// The right to publish one kind of track: what the token gives, less what a ban takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Right {
    token: Lease,
    ban: Option<Ban>,
}

/// For how long something is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    Never,
    Until(Instant),
    Always,
}

impl Lease {
    fn holds(self, now: Instant) -> bool {
        match self {
            Self::Never => false,
            Self::Until(end) => now < end,
            Self::Always => true,
        }
    }

    fn end(self) -> Option<Instant> {
        match self {
            Self::Until(end) => Some(end),
            Self::Never | Self::Always => None,
        }
    }
}

impl Right {
    fn holds(self, now: Instant) -> bool {
        self.token.holds(now) && self.ban(now).is_none()
    }

    fn ban(self, now: Instant) -> Option<Ban> {
        self.ban.filter(|ban| now < ban.until)
    }

    /// Why it does not hold.
    fn refusal(self, track: &str, now: Instant) -> Error {
        match (self.ban(now), self.token) {
            (Some(ban), _) => {
                let Error { code, message } = ban.refusal(now);
                Error::new(code, format!("{message} Until then you may not publish {track}."))
            }
            (None, Lease::Until(_)) => Error::new(
                Code::DynamicKeyExpired,
                format!("Your token's privilege to publish {track} has ended; renew the token with one that has it."),
            ),
            (None, _) => {
                Error::new(Code::NoAuthorized, format!("Your token does not allow you to publish {track}; ask for one that does."))
            }
        }
    }
}

impl Grant {
    /// Everything, for ever: what a project without a certificate gives.
    pub const ALL: Self = {
        let right = Right { token: Lease::Always, ban: None };
        Self { stay: None, audio: right, video: right }
    };

    /// What a token gives; `stay` is the end of the token, or of its privilege to join if that is earlier.
    pub fn of_token(stay: Instant, audio: Lease, video: Lease) -> Self {
        let right = |token| Right { token, ban: None };
        Self { stay: Some(stay), audio: right(audio), video: right(video) }
    }

    /// The same, less what the rules take from publishing.
    pub fn under(self, verdict: Verdict) -> Self {
        let audio = Right { ban: verdict.audio, ..self.audio };
        Self { audio, video: Right { ban: verdict.video, ..self.video }, ..self }
    }

    /// The same, also under another grant's bans; of two, the longer counts.
    pub fn under_bans_of(self, other: &Self) -> Self {
        let under = |right: Right, other: Right| Right { ban: right.ban.into_iter().chain(other.ban).max_by_key(|ban| ban.until), ..right };
        Self { audio: under(self.audio, other.audio), video: under(self.video, other.video), ..self }
    }

    /// Whether the membership is over.
    pub fn is_over(&self, now: Instant) -> bool {
        self.stay.is_some_and(|end| end <= now)
    }

    pub fn may_publish(&self, now: Instant) -> MayPublish {
        MayPublish { audio: self.audio.holds(now), video: self.video.holds(now) }
    }

    /// Whether a stream with these tracks may be published.
    pub fn allow_publishing(&self, stream: &StreamInfo, now: Instant) -> Result<(), Error> {
        match self.first_missing(MayPublish { audio: stream.audio, video: stream.video }, now) {
            Some(refusal) => Err(refusal),
            None => Ok(()),
        }
    }

    /// Whether anything may be published, as a host of a channel in `live` mode has to.
    pub fn allow_hosting(&self, now: Instant) -> Result<(), Error> {
        match (self.first_missing(MayPublish { audio: true, video: false }, now), self.may_publish(now).video) {
            (Some(refusal), false) => Err(Error::new(refusal.code, format!("{} A host has to publish something.", refusal.message))),
            _ => Ok(()),
        }
    }

    /// Why the first of these tracks that may not be published may not.
    pub fn first_missing(&self, wanted: MayPublish, now: Instant) -> Option<Error> {
        let tracks = [(wanted.audio, self.audio, "sound"), (wanted.video, self.video, "video")];
        tracks.into_iter().find(|(wanted, right, _)| *wanted && !right.holds(now)).map(|(_, right, track)| right.refusal(track, now))
    }

    /// The first end of something that the token gives, of those after `after`.
    fn next_end(&self, after: Instant) -> Option<Instant> {
        [self.stay, self.audio.token.end(), self.video.token.end()].into_iter().flatten().filter(|end| *end > after).min()
    }

    /// The end that its member is to be told of now, unless that was done: `told` is the last one told of.
    pub fn end_to_tell(&self, told: Option<Instant>, now: Instant) -> Option<Instant> {
        let end = self.next_end(told.unwrap_or(now).max(now))?;
        (end <= now + WARNING).then_some(end)
    }

    /// When time alone changes something next: an end, the warning of one, or the end of a ban.
    pub fn next_change(&self, told: Option<Instant>, now: Instant) -> Option<Instant> {
        let warning = self.next_end(told.unwrap_or(now).max(now)).map(|end| end.checked_sub(WARNING).unwrap_or(now).max(now));
        let bans = [self.audio.ban(now), self.video.ban(now)].into_iter().flatten().map(|ban| ban.until);
        bans.chain(warning).chain(self.next_end(now)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal::{StreamId, Uid};

    const SECOND: Duration = Duration::from_secs(1);

    fn stream(audio: bool, video: bool) -> StreamInfo {
        StreamInfo { id: StreamId::camera(Uid::number(7).unwrap()), audio, video, audio_muted: false, video_muted: false }
    }

    #[test]
    fn a_privilege_to_publish_ends_alone() {
        let now = Instant::now();
        let grant = Grant::of_token(now + 100 * SECOND, Lease::Until(now + 50 * SECOND), Lease::Until(now + 100 * SECOND));
        assert_eq!(grant.may_publish(now), MayPublish::ALL);
        let later = now + 50 * SECOND;
        assert_eq!(grant.may_publish(later), MayPublish { audio: false, video: true });
        assert!(!grant.is_over(later) && grant.is_over(now + 100 * SECOND));
        assert_eq!(grant.allow_publishing(&stream(true, true), later).unwrap_err().code, Code::DynamicKeyExpired);
        assert!(grant.allow_publishing(&stream(false, true), later).is_ok());
    }

    #[test]
    fn each_end_is_told_once_30_s_before() {
        let now = Instant::now();
        let (first, last) = (now + 100 * SECOND, now + 200 * SECOND);
        let grant = Grant::of_token(last, Lease::Until(first), Lease::Until(last));
        assert_eq!(grant.next_change(None, now), Some(first - WARNING));
        assert_eq!(grant.end_to_tell(None, first - WARNING - SECOND), None);
        assert_eq!(grant.end_to_tell(None, first - WARNING), Some(first));
        assert_eq!(grant.end_to_tell(Some(first), first - WARNING), None);
        assert_eq!(grant.next_change(Some(first), first - WARNING), Some(first));
        assert_eq!(grant.next_change(Some(first), first), Some(last - WARNING));
        assert_eq!(grant.end_to_tell(Some(first), last - WARNING), Some(last));
        assert_eq!(Grant::ALL.next_change(None, now), None);
    }

    #[test]
    fn a_ban_takes_a_track_until_it_ends_and_survives_a_renewal() {
        let now = Instant::now();
        let ban = Ban { code: Code::UidBanned, until: now + 60 * SECOND };
        let grant = Grant::ALL.under(Verdict { audio: Some(ban), ..Verdict::default() });
        let renewed = Grant::of_token(now + 900 * SECOND, Lease::Always, Lease::Never).under_bans_of(&grant);
        assert_eq!(renewed.may_publish(now), MayPublish { audio: false, video: false });
        assert_eq!(renewed.next_change(None, now), Some(now + 60 * SECOND));
        assert_eq!(renewed.may_publish(now + 60 * SECOND), MayPublish { audio: true, video: false });
        assert_eq!(renewed.first_missing(MayPublish::ALL, now).unwrap().code, Code::UidBanned);
        assert_eq!(renewed.first_missing(MayPublish::ALL, now + 60 * SECOND).unwrap().code, Code::NoAuthorized);
    }

    #[test]
    fn who_may_publish_one_kind_of_track_may_host() {
        let now = Instant::now();
        let (audio, neither) = (Grant::of_token(now, Lease::Always, Lease::Never), Grant::of_token(now, Lease::Never, Lease::Never));
        assert!(audio.allow_hosting(now).is_ok());
        assert_eq!(neither.allow_hosting(now).unwrap_err().code, Code::NoAuthorized);
    }
}
