//! What the window's own stream is and what it should be: one job at a time, the newest wish wins when a job ends.

use client::{AudioProcessing as Switches, Lost};

use super::join::{Choice, Devices};
use crate::{
    signal::{Code, Error},
    types::{AudioProcessing, DeviceKind, DeviceProblem, LOCAL, LocalState},
};

/// Which of a stream's devices opened, and what is wrong with the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    pub audio: bool,
    pub video: bool,
    /// Why that device did not open.
    pub camera: Option<Error>,
    pub microphone: Option<Error>,
}

impl Opened {
    /// Whether there is nothing to publish.
    pub fn is_empty(&self) -> bool {
        !self.audio && !self.video
    }

    /// Why a stream without tracks cannot be published.
    pub fn unpublishable(&self) -> Error {
        let problem = self.camera.as_ref().or(self.microphone.as_ref());
        let why = problem.map_or("There is no camera and no microphone.", |problem| problem.message.as_str());
        Error::new(Code::InvalidLocalStream, format!("Nothing can be published. {why}"))
    }
}

/// What became of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    Lost(DeviceProblem),
    Back(DeviceKind),
}

/// What to do with the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make a stream of these devices; [`Local::opened`] is to hear of it.
    Open(Devices),
    /// Change to these devices, or try them again; [`Local::switched`] is to hear of it. `before` is the stream as it is.
    Switch {
        camera: Option<Choice>,
        microphone: Option<Choice>,
        before: Opened,
    },
    Close,
    /// Silence or black out the tracks.
    Mute {
        audio: bool,
        video: bool,
    },
    /// Do this to the microphone's sound.
    Process(AudioProcessing),
}

/// The camera and the microphone to change to.
type Change = (Option<Choice>, Option<Choice>);

enum State {
    Closed,
    Opening(Devices),
    Open { devices: Devices, opened: Opened },
    Switching { from: Devices, to: Devices, opened: Opened },
}

pub struct Local {
    /// What the devices should be; none when nobody needs them.
    wish: Option<Devices>,
    state: State,
    /// Devices that opened, and are gone.
    lost: Lost,
    /// Whether devices that failed are to be tried again.
    again: bool,
    audio_muted: bool,
    video_muted: bool,
    /// What was asked for; without it, what is usual for the microphone.
    processing: Option<AudioProcessing>,
    /// Whether the stream has yet to hear of the mutes and of the processing.
    mutes_due: bool,
}

impl Default for Local {
    fn default() -> Self {
        Self {
            wish: None,
            state: State::Closed,
            lost: Lost::default(),
            again: false,
            audio_muted: false,
            video_muted: false,
            processing: None,
            mutes_due: false,
        }
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

    /// Somebody chose devices, the same ones perhaps: what failed before is tried again.
    pub fn try_again(&mut self) {
        self.again = true;
    }

    /// Silences or blacks out; what is not given stays. It lasts from stream to stream.
    pub fn mute(&mut self, audio: Option<bool>, video: Option<bool>) {
        self.audio_muted = audio.unwrap_or(self.audio_muted);
        self.video_muted = video.unwrap_or(self.video_muted);
        self.mutes_due = true;
    }

    /// Says what is done to the microphone's sound. It lasts from stream to stream.
    pub fn process(&mut self, switches: AudioProcessing) {
        self.processing = Some(switches);
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
        if let State::Switching { from, to, .. } = std::mem::replace(&mut self.state, State::Closed) {
            // One that was changed for another is not waited for any more.
            if opened.camera.is_none() && from.camera != to.camera {
                self.lost.camera = None;
            }
            if opened.microphone.is_none() && from.microphone != to.microphone {
                self.lost.microphone = None;
            }
            self.state = State::Open { devices: to, opened };
            self.mutes_due = true;
        }
    }

    /// Devices are gone, or back: the stream goes on with what is left. Answers what the page is to be told.
    pub fn lost(&mut self, lost: Lost) -> Vec<News> {
        let (State::Open { opened, .. } | State::Switching { opened, .. }) = &mut self.state else { return Vec::new() };
        let mut news = Vec::new();
        for (device, before, now, problem) in [
            (DeviceKind::Camera, &self.lost.camera, &lost.camera, &mut opened.camera),
            (DeviceKind::Microphone, &self.lost.microphone, &lost.microphone, &mut opened.microphone),
        ] {
            match (before, now) {
                (None, Some(error)) => news.push(News::Lost(DeviceProblem::lost(device, error.clone()))),
                (Some(_), None) => {
                    *problem = None;
                    news.push(News::Back(device));
                }
                (None, None) | (Some(_), Some(_)) => {}
            }
        }
        self.lost = lost;
        news
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
                self.again = false;
            }
            // open -> no wish -> closed
            (State::Open { .. }, None) => {
                steps.push(Step::Close);
                self.state = State::Closed;
            }
            (State::Open { devices, opened }, Some(wish)) => {
                let change = devices.switch_to(wish).map(|change| if self.again { self.with_failed(wish, opened, change) } else { change });
                match change {
                    // open -> as wished -> open
                    Some((None, None)) => self.again = false,
                    // open -> other devices, or the same again -> switching
                    Some((camera, microphone)) => {
                        let (from, before) = (devices.clone(), opened.clone());
                        steps.push(Step::Switch { camera, microphone, before: before.clone() });
                        self.state = State::Switching { from, to: wish.clone(), opened: before };
                        self.again = false;
                    }
                    // open -> another profile, or fewer devices -> opening
                    None if !published => {
                        steps.extend([Step::Close, Step::Open(wish.clone())]);
                        self.state = State::Opening(wish.clone());
                        self.again = false;
                    }
                    None => {}
                }
            }
            // A job runs, or nothing is wished.
            (State::Opening(_) | State::Switching { .. } | State::Closed, _) => {}
        }
        if matches!(self.state, State::Closed | State::Opening(_)) {
            self.lost = Lost::default();
        }
        // What is off is off before its device is opened.
        if (self.audio_muted || self.video_muted) && matches!(steps.last(), Some(Step::Open(_))) {
            steps.push(Step::Mute { audio: self.audio_muted, video: self.video_muted });
        }
        if self.mutes_due && matches!(self.state, State::Open { .. } | State::Switching { .. }) {
            self.mutes_due = false;
            steps.push(Step::Mute { audio: self.audio_muted, video: self.video_muted });
            steps.extend(self.processing.map(Step::Process));
        }
        steps
    }

    /// The change, and the devices of `wish` with which something is wrong besides.
    fn with_failed(&self, wish: &Devices, opened: &Opened, change: Change) -> Change {
        let failed = |choice: &Choice, problem: &Option<Error>, lost: &Option<Error>| {
            (*choice != Choice::Nothing && (problem.is_some() || lost.is_some())).then(|| choice.clone())
        };
        (
            change.0.or_else(|| failed(&wish.camera, &opened.camera, &self.lost.camera)),
            change.1.or_else(|| failed(&wish.microphone, &opened.microphone, &self.lost.microphone)),
        )
    }

    /// What is wrong with the stream's devices now.
    fn problems(&self, opened: &Opened) -> impl Iterator<Item = DeviceProblem> {
        let Lost { camera, microphone } = &self.lost;
        let of = |device, lost: &Option<Error>, problem: &Option<Error>| {
            let lost = lost.clone().map(|error| DeviceProblem::lost(device, error));
            lost.or_else(|| problem.clone().map(|error| DeviceProblem::new(device, error)))
        };
        let camera = of(DeviceKind::Camera, camera, &opened.camera);
        camera.into_iter().chain(of(DeviceKind::Microphone, microphone, &opened.microphone))
    }

    /// What the page shows of it; `speaker` is what is wrong with that.
    pub fn snapshot(&self, speaker: Option<&Error>) -> Option<LocalState> {
        let (State::Open { devices, opened } | State::Switching { to: devices, opened, .. }) = &self.state else { return None };
        let usual = match &devices.microphone {
            Choice::Id(id) => Switches::usual(id),
            Choice::Any | Choice::Nothing => Switches::ALL,
        };
        Some(LocalState {
            stream: LOCAL.into(),
            audio: opened.audio,
            video: opened.video,
            audio_muted: self.audio_muted,
            video_muted: self.video_muted,
            audio_processing: self.processing.unwrap_or_else(|| usual.into()),
            problems: self.problems(opened).chain(speaker.map(|error| DeviceProblem::new(DeviceKind::Speaker, error.clone()))).collect(),
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
        Opened { audio: true, video: true, ..Opened::default() }
    }

    fn switch(camera: Option<Choice>, microphone: Option<Choice>, before: Opened) -> Step {
        Step::Switch { camera, microphone, before }
    }

    fn gone() -> Error {
        Error::new(Code::DevicesNotFound, "No camera found.")
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
        assert_eq!(local.settle(false), [switch(Some(Choice::Id("c".into())), None, both()), UNMUTED]);
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
    fn a_camera_that_is_off_is_muted_before_it_is_opened() {
        let mut local = Local::default();
        local.mute(None, Some(true));
        local.want(Some(devices("a")));
        assert_eq!(local.settle(false), [Step::Open(devices("a")), Step::Mute { audio: false, video: true }]);
    }

    #[test]
    fn what_is_done_to_the_sound_lasts_from_stream_to_stream() {
        let mut local = open("a");
        let shown = |local: &Local| local.snapshot(None).unwrap().audio_processing;
        assert_eq!(shown(&local), Switches::ALL.into());
        let switches = AudioProcessing { aec: true, ans: false, agc: true };
        local.process(switches);
        assert_eq!(local.settle(false), [UNMUTED, Step::Process(switches)]);
        local.want(None);
        local.settle(false);
        local.want(Some(Devices { microphone: Choice::Id("tone".into()), ..devices("a") }));
        local.settle(false);
        local.opened(both());
        assert_eq!(local.settle(false), [UNMUTED, Step::Process(switches)]);
        assert_eq!(shown(&local), switches);
    }

    #[test]
    fn a_file_is_played_as_it_is_unless_somebody_asks() {
        let mut local = Local::default();
        local.want(Some(Devices { microphone: Choice::Id("file:/voice.wav".into()), ..devices("a") }));
        local.settle(false);
        local.opened(both());
        assert_eq!(local.snapshot(None).unwrap().audio_processing, Switches::NONE.into());
    }

    #[test]
    fn a_lost_device_is_told_and_shown_until_it_is_back() {
        let mut local = open("a");
        let problem = DeviceProblem::lost(DeviceKind::Camera, gone());
        let lost = Lost { camera: Some(gone()), microphone: None };
        assert_eq!(local.lost(lost.clone()), [News::Lost(problem.clone())]);
        assert_eq!(local.lost(lost), []);
        assert_eq!(local.snapshot(None).unwrap().problems, [problem]);
        assert_eq!(local.lost(Lost::default()), [News::Back(DeviceKind::Camera)]);
        assert_eq!(local.snapshot(None).unwrap().problems, []);
    }

    #[test]
    fn a_lost_device_that_was_changed_for_another_does_not_come_back() {
        let mut local = open("a");
        local.lost(Lost { camera: Some(gone()), microphone: None });
        local.want(Some(devices("b")));
        local.settle(false);
        local.switched(both());
        assert_eq!(local.snapshot(None).unwrap().problems, []);
        assert_eq!(local.lost(Lost::default()), []);
    }

    #[test]
    fn the_same_device_is_tried_again_only_if_something_is_wrong_with_it() {
        let mut local = open("a");
        local.try_again();
        assert_eq!(local.settle(false), []);
        local.lost(Lost { camera: Some(gone()), microphone: None });
        assert_eq!(local.settle(false), [], "nobody chose it since");
        local.try_again();
        assert_eq!(local.settle(false), [switch(Some(Choice::Id("a".into())), None, both())]);
        let failed = Opened { camera: Some(gone()), ..both() };
        local.switched(failed);
        assert_eq!(local.lost(Lost::default()), [News::Back(DeviceKind::Camera)]);
        assert_eq!(local.snapshot(None).unwrap().problems, []);
    }

    #[test]
    fn a_microphone_that_did_not_open_stays_a_problem_when_the_camera_changes() {
        let mut local = Local::default();
        local.want(Some(devices("a")));
        local.settle(false);
        let mute = Opened { audio: false, microphone: Some(Error::new(Code::DevicesNotFound, "No microphone found.")), ..both() };
        local.opened(mute.clone());
        local.want(Some(devices("b")));
        assert_eq!(local.settle(false)[0], switch(Some(Choice::Id("b".into())), None, mute));
    }
}
