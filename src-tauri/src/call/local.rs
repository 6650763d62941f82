//! What the window's own stream is and what it should be: one job at a time, the newest wish wins when a job ends.

use super::join::{Choice, Devices};
use crate::{
    signal::{Code, Error},
    types::{LOCAL, LocalState, Problem},
};

/// Which of a stream's devices opened, and what is wrong with the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    pub audio: bool,
    pub video: bool,
    pub problems: Vec<Problem>,
}

impl Opened {
    /// Whether there is nothing to publish.
    pub fn is_empty(&self) -> bool {
        !self.audio && !self.video
    }

    /// Why a stream without tracks cannot be published.
    pub fn unpublishable(&self) -> Error {
        let why = self.problems.first().map_or("There is no camera and no microphone.", |problem| problem.message.as_str());
        Error::new(Code::InvalidLocalStream, format!("Nothing can be published. {why}"))
    }
}

/// What to do with the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make a stream of these devices; [`Local::opened`] is to hear of it.
    Open(Devices),
    /// Change to these devices; [`Local::switched`] is to hear of it.
    Switch {
        camera: Option<Choice>,
        microphone: Option<Choice>,
    },
    Close,
    /// Silence or black out the tracks.
    Mute {
        audio: bool,
        video: bool,
    },
}

enum State {
    Closed,
    Opening(Devices),
    Open { devices: Devices, opened: Opened },
    Switching { to: Devices, opened: Opened },
}

pub struct Local {
    /// What the devices should be; none when nobody needs them.
    wish: Option<Devices>,
    state: State,
    audio_muted: bool,
    video_muted: bool,
    /// Whether the stream has yet to hear of the mutes.
    mutes_due: bool,
}

impl Default for Local {
    fn default() -> Self {
        Self { wish: None, state: State::Closed, audio_muted: false, video_muted: false, mutes_due: false }
    }
}

impl Local {
    pub fn want(&mut self, wish: Option<Devices>) {
        self.wish = wish;
    }

    /// The wish, to be changed in part; none where no device is wanted at all.
    pub fn wish_mut(&mut self) -> Option<&mut Devices> {
        self.wish.as_mut()
    }

    /// Silences or blacks out; what is not given stays. It lasts from stream to stream.
    pub fn mute(&mut self, audio: Option<bool>, video: Option<bool>) {
        self.audio_muted = audio.unwrap_or(self.audio_muted);
        self.video_muted = video.unwrap_or(self.video_muted);
        self.mutes_due = true;
    }

    // opening -> opened -> open
    pub fn opened(&mut self, opened: Opened) {
        if let State::Opening(devices) = std::mem::replace(&mut self.state, State::Closed) {
            self.state = State::Open { devices, opened };
            self.mutes_due = true;
        }
    }

    // switching -> switched -> open
    pub fn switched(&mut self, opened: Opened) {
        if let State::Switching { to, .. } = std::mem::replace(&mut self.state, State::Closed) {
            self.state = State::Open { devices: to, opened };
            self.mutes_due = true;
        }
    }

    /// A device is gone, or back: the stream goes on with what is left.
    pub fn changed(&mut self, now: Opened) {
        if let State::Open { opened, .. } | State::Switching { opened, .. } = &mut self.state {
            *opened = now;
        }
    }

    /// The stream, once it is open and while no job runs.
    pub fn open(&self) -> Option<&Opened> {
        match &self.state {
            State::Open { opened, .. } => Some(opened),
            State::Closed | State::Opening(_) | State::Switching { .. } => None,
        }
    }

    /// What to do now. A `published` stream is not opened anew.
    pub fn settle(&mut self, published: bool) -> Vec<Step> {
        let mut steps = Vec::new();
        match (&self.state, &self.wish) {
            // closed -> wish -> opening
            (State::Closed, Some(wish)) => {
                steps.push(Step::Open(wish.clone()));
                self.state = State::Opening(wish.clone());
            }
            // open -> no wish -> closed
            (State::Open { .. }, None) => {
                steps.push(Step::Close);
                self.state = State::Closed;
            }
            (State::Open { devices, opened }, Some(wish)) if devices != wish => {
                // open -> other devices -> switching
                if let Some((camera, microphone)) = devices.switch_to(wish) {
                    steps.push(Step::Switch { camera, microphone });
                    self.state = State::Switching { to: wish.clone(), opened: opened.clone() };
                // open -> another profile, or fewer devices -> opening
                } else if !published {
                    steps.extend([Step::Close, Step::Open(wish.clone())]);
                    self.state = State::Opening(wish.clone());
                }
            }
            // A job runs, or all is as wished.
            (State::Opening(_) | State::Switching { .. } | State::Open { .. } | State::Closed, _) => {}
        }
        if self.mutes_due && matches!(self.state, State::Open { .. } | State::Switching { .. }) {
            self.mutes_due = false;
            steps.push(Step::Mute { audio: self.audio_muted, video: self.video_muted });
        }
        steps
    }

    /// What the page shows of it; `speaker` is what is wrong with that.
    pub fn snapshot(&self, speaker: Option<&Problem>) -> Option<LocalState> {
        let (State::Open { opened, .. } | State::Switching { opened, .. }) = &self.state else { return None };
        Some(LocalState {
            stream: LOCAL.into(),
            audio: opened.audio,
            video: opened.video,
            audio_muted: self.audio_muted,
            video_muted: self.video_muted,
            problems: opened.problems.iter().chain(speaker).cloned().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::join::profile;

    fn devices(camera: &str) -> Devices {
        Devices { camera: Choice::Id(camera.into()), microphone: Choice::Any, profile: profile(None).unwrap() }
    }

    fn both() -> Opened {
        Opened { audio: true, video: true, problems: Vec::new() }
    }

    const UNMUTED: Step = Step::Mute { audio: false, video: false };

    fn open(camera: &str) -> Local {
        let mut local = Local::default();
        local.want(Some(devices(camera)));
        assert_eq!(local.settle(false), [Step::Open(devices(camera))]);
        local.opened(both());
        assert_eq!(local.settle(false), [UNMUTED]);
        local
    }

    #[test]
    fn while_a_job_runs_only_the_newest_wish_is_kept() {
        let mut local = Local::default();
        local.want(Some(devices("a")));
        local.settle(false);
        local.want(Some(devices("b")));
        local.want(Some(devices("c")));
        assert_eq!(local.settle(false), []);
        local.opened(both());
        assert_eq!(local.settle(false), [Step::Switch { camera: Some(Choice::Id("c".into())), microphone: None }, UNMUTED]);
        local.switched(both());
        assert_eq!(local.settle(false), [UNMUTED]);
        assert_eq!(local.settle(false), []);
    }

    #[test]
    fn another_profile_opens_the_stream_anew_unless_it_is_published() {
        let mut local = open("a");
        let wish = Devices { profile: profile(Some("480p")).unwrap(), ..devices("a") };
        local.want(Some(wish.clone()));
        assert_eq!(local.settle(true), []);
        assert_eq!(local.settle(false), [Step::Close, Step::Open(wish)]);
    }

    #[test]
    fn what_nobody_wants_is_closed_even_if_it_was_just_opening() {
        let mut local = Local::default();
        local.want(Some(devices("a")));
        local.settle(false);
        local.want(None);
        assert_eq!(local.settle(false), []);
        local.opened(both());
        assert_eq!(local.settle(false), [Step::Close]);
        assert!(local.snapshot(None).is_none());
    }

    #[test]
    fn a_mute_lasts_from_stream_to_stream() {
        let mut local = open("a");
        local.mute(Some(true), None);
        let muted = Step::Mute { audio: true, video: false };
        assert_eq!(local.settle(false), std::slice::from_ref(&muted));
        local.want(None);
        local.settle(false);
        local.want(Some(devices("a")));
        local.settle(false);
        local.opened(both());
        assert_eq!(local.settle(false), [muted]);
        assert!(local.snapshot(None).unwrap().audio_muted);
    }

    #[test]
    fn a_lost_device_is_shown_as_gone() {
        let mut local = open("a");
        let problem = Problem { code: "DEVICES_NOT_FOUND".into(), message: "The camera is gone.".into() };
        local.changed(Opened { video: false, problems: vec![problem.clone()], ..both() });
        let state = local.snapshot(None).unwrap();
        assert!(!state.video && state.audio && state.problems == [problem]);
    }
}
