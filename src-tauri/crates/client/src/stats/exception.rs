//! Agora's `exception` events: something that should work in a call does not, for long enough that it is no moment's matter.

use std::collections::BTreeMap;

use signal::Uid;

/// Agora's exceptions that this client can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Kind {
    FramerateInputTooLow = 1001,
    FramerateSentTooLow = 1002,
    SendVideoBitrateTooLow = 1003,
    RecvVideoDecodeFailed = 1005,
    AudioInputLevelTooLow = 2001,
    AudioOutputLevelTooLow = 2002,
    SendAudioBitrateTooLow = 2003,
    RecvAudioDecodeFailed = 2005,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self::FramerateInputTooLow,
        Self::FramerateSentTooLow,
        Self::SendVideoBitrateTooLow,
        Self::RecvVideoDecodeFailed,
        Self::AudioInputLevelTooLow,
        Self::AudioOutputLevelTooLow,
        Self::SendAudioBitrateTooLow,
        Self::RecvAudioDecodeFailed,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::FramerateInputTooLow => "FRAMERATE_INPUT_TOO_LOW",
            Self::FramerateSentTooLow => "FRAMERATE_SENT_TOO_LOW",
            Self::SendVideoBitrateTooLow => "SEND_VIDEO_BITRATE_TOO_LOW",
            Self::RecvVideoDecodeFailed => "RECV_VIDEO_DECODE_FAILED",
            Self::AudioInputLevelTooLow => "AUDIO_INPUT_LEVEL_TOO_LOW",
            Self::AudioOutputLevelTooLow => "AUDIO_OUTPUT_LEVEL_TOO_LOW",
            Self::SendAudioBitrateTooLow => "SEND_AUDIO_BITRATE_TOO_LOW",
            Self::RecvAudioDecodeFailed => "RECV_AUDIO_DECODE_FAILED",
        }
    }

    /// How many looks in a row it takes: a quiet person is no silent microphone.
    fn patience(self) -> u32 {
        match self {
            Self::AudioInputLevelTooLow | Self::AudioOutputLevelTooLow => 5,
            _ => 2,
        }
    }
}

/// Something began to go wrong, or is right again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    pub kind: Kind,
    /// It is over.
    pub recovered: bool,
    /// Whose stream it is about.
    pub uid: Uid,
}

impl Exception {
    /// What Agora adds to a code when the exception is over.
    const RECOVER: u16 = 2000;

    /// Agora's code.
    pub fn code(&self) -> u16 {
        self.kind as u16 + if self.recovered { Self::RECOVER } else { 0 }
    }

    /// Agora's `msg`.
    pub fn message(&self) -> String {
        format!("{}{}", self.kind.name(), if self.recovered { "_RECOVER" } else { "" })
    }
}

/// What has gone wrong, for whom, and for how many looks; those that were told are counted up to their patience.
#[derive(Debug, Default)]
pub(super) struct Exceptions {
    seen: BTreeMap<(Kind, Uid), u32>,
}

impl Exceptions {
    /// Takes all that is wrong now; answers what begins and what is over.
    pub fn look(&mut self, wrong: &[(Kind, Uid)]) -> Vec<Exception> {
        let mut news = Vec::new();
        self.seen.retain(|(kind, uid), looks| {
            let still = wrong.iter().any(|(other, whose)| (other, whose) == (kind, uid));
            if !still && *looks >= kind.patience() {
                news.push(Exception { kind: *kind, recovered: true, uid: uid.clone() });
            }
            still
        });
        for (kind, uid) in wrong {
            let looks = self.seen.entry((*kind, uid.clone())).or_default();
            *looks = looks.saturating_add(1);
            if *looks == kind.patience() {
                news.push(Exception { kind: *kind, recovered: false, uid: uid.clone() });
            }
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ana() -> Uid {
        Uid::number(7).unwrap()
    }

    #[test]
    fn an_exception_has_agoras_code_and_name_and_its_end_2000_more() {
        let begun = Exception { kind: Kind::RecvAudioDecodeFailed, recovered: false, uid: ana() };
        assert_eq!((begun.code(), begun.message().as_str()), (2005, "RECV_AUDIO_DECODE_FAILED"));
        let over = Exception { recovered: true, ..begun };
        assert_eq!((over.code(), over.message().as_str()), (4005, "RECV_AUDIO_DECODE_FAILED_RECOVER"));
        assert_eq!(Kind::ALL.map(|kind| kind as u16), [1001, 1002, 1003, 1005, 2001, 2002, 2003, 2005]);
    }

    #[test]
    fn what_lasts_is_told_once_and_so_is_its_end() {
        let (mut exceptions, wrong) = (Exceptions::default(), [(Kind::FramerateSentTooLow, ana())]);
        assert_eq!(exceptions.look(&wrong), []);
        let told = exceptions.look(&wrong);
        assert!(matches!(told.as_slice(), [Exception { recovered: false, .. }]));
        assert_eq!(exceptions.look(&wrong), []);
        let over = exceptions.look(&[]);
        assert!(matches!(over.as_slice(), [Exception { recovered: true, .. }]));
        assert_eq!(exceptions.look(&[]), []);
    }

    #[test]
    fn a_moment_is_not_told_and_has_no_end() {
        let mut exceptions = Exceptions::default();
        for _ in 0..3 {
            assert_eq!(exceptions.look(&[(Kind::SendVideoBitrateTooLow, ana())]), []);
            assert_eq!(exceptions.look(&[]), []);
        }
    }

    #[test]
    fn a_microphone_has_to_be_silent_for_longer() {
        let (mut exceptions, wrong) = (Exceptions::default(), [(Kind::AudioInputLevelTooLow, ana())]);
        let told: Vec<usize> = (0..6).map(|_| exceptions.look(&wrong).len()).collect();
        assert_eq!(told, [0, 0, 0, 0, 1, 0]);
    }
}
