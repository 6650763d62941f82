//! What this app's windows are doing, as far as tray and hotkeys care. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    nearby::Call,
    types::{CallState, Phase},
};

/// A window, or all of them. `None` is a device that no window has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub in_call: bool,
    pub microphone_muted: Option<bool>,
    pub camera_muted: Option<bool>,
}

impl Summary {
    fn of(state: &CallState) -> Self {
        let local = state.local.as_ref();
        Self {
            in_call: matches!(state.state, Phase::Joining | Phase::Call),
            microphone_muted: local.filter(|local| local.audio).map(|local| local.audio_muted),
            camera_muted: local.filter(|local| local.video).map(|local| local.video_muted),
        }
    }
}

/// What tray and hotkeys ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    ToggleMicrophone,
    ToggleCamera,
    /// The push-to-talk key goes down, or up.
    Talk(bool),
}

/// A change of what is muted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mute {
    pub audio: Option<bool>,
    pub video: Option<bool>,
}

/// All windows.
#[derive(Debug, Default)]
pub struct Calls {
    windows: BTreeMap<String, (Summary, Option<Call>)>,
    /// Whether the push-to-talk key is what lets one be heard.
    talking: bool,
}

impl Calls {
    /// Takes in a window's state. Whether it is another one.
    pub fn hear(&mut self, window: &str, state: &CallState) -> bool {
        let call = state.params.as_ref().filter(|_| state.joined).map(|params| (params.app_id.clone(), params.channel.clone()));
        let now = (Summary::of(state), call);
        let before = self.windows.insert(window.to_owned(), now.clone());
        before.unwrap_or_default() != now
    }

    /// The window is closed.
    pub fn gone(&mut self, window: &str) -> bool {
        self.windows.remove(window).is_some()
    }

    /// One who is heard in any window is heard.
    pub fn total(&self) -> Summary {
        let windows = || self.windows.values().map(|(summary, _)| summary);
        let all = |muted: fn(&Summary) -> Option<bool>| windows().filter_map(muted).reduce(|all, one| all && one);
        Summary {
            in_call: windows().any(|window| window.in_call),
            microphone_muted: all(|window| window.microphone_muted),
            camera_muted: all(|window| window.camera_muted),
        }
    }

    /// The calls that the windows are in.
    pub fn channels(&self) -> BTreeSet<Call> {
        self.windows.values().filter_map(|(_, call)| call.clone()).collect()
    }

    pub fn in_call(&self, window: &str) -> bool {
        self.windows.get(window).is_some_and(|(window, _)| window.in_call)
    }

    /// What all windows are to be told; none where the action means nothing now.
    pub fn act(&mut self, action: Action) -> Option<Mute> {
        let Summary { microphone_muted, camera_muted, .. } = self.total();
        let audio = |muted| Mute { audio: Some(muted), video: None };
        match action {
            Action::ToggleMicrophone => {
                self.talking = false;
                microphone_muted.map(|muted| audio(!muted))
            }
            Action::ToggleCamera => camera_muted.map(|muted| Mute { audio: None, video: Some(!muted) }),
            // One who is heard anyway stays heard when the key goes up.
            Action::Talk(true) => {
                let muted = microphone_muted == Some(true);
                self.talking |= muted;
                muted.then(|| audio(false))
            }
            Action::Talk(false) => std::mem::take(&mut self.talking).then(|| audio(true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Machine;

    fn state(phase: Phase, muted: Option<bool>) -> CallState {
        let mut state = Machine::default().snapshot(0);
        state.state = phase;
        state.local = muted.map(|muted| crate::types::LocalState {
            stream: crate::types::LOCAL.into(),
            audio: true,
            video: true,
            audio_muted: muted,
            video_muted: false,
            audio_processing: crate::types::AudioProcessing { aec: true, ans: true, agc: true },
            problems: Vec::new(),
        });
        state
    }

    #[test]
    fn the_windows_are_summed_up_and_only_news_is_news() {
        let mut calls = Calls::default();
        assert!(!calls.hear("main", &state(Phase::Lobby, None)));
        assert!(calls.hear("main", &state(Phase::Call, Some(true))));
        assert!(!calls.hear("main", &state(Phase::Call, Some(true))));
        assert!(calls.hear("main-2", &state(Phase::Lobby, Some(false))), "one who is heard in one window is heard");
        assert_eq!(calls.total(), Summary { in_call: true, microphone_muted: Some(false), camera_muted: Some(false) });
        assert!(calls.gone("main") && !calls.total().in_call);
    }

    #[test]
    fn mute_is_toggled_for_all_windows_and_means_nothing_without_a_microphone() {
        let mut calls = Calls::default();
        assert_eq!((calls.act(Action::ToggleMicrophone), calls.act(Action::Talk(true))), (None, None));
        calls.hear("main", &state(Phase::Call, Some(false)));
        assert_eq!(calls.act(Action::ToggleMicrophone), Some(Mute { audio: Some(true), video: None }));
        assert_eq!(calls.act(Action::ToggleCamera), Some(Mute { audio: None, video: Some(true) }));
    }

    #[test]
    fn the_talk_key_lets_one_who_is_muted_be_heard_while_it_is_down() {
        let mut calls = Calls::default();
        calls.hear("main", &state(Phase::Call, Some(true)));
        assert_eq!(calls.act(Action::Talk(true)), Some(Mute { audio: Some(false), video: None }));
        calls.hear("main", &state(Phase::Call, Some(false)));
        assert_eq!(calls.act(Action::Talk(true)), None, "a key that repeats");
        assert_eq!(calls.act(Action::Talk(false)), Some(Mute { audio: Some(true), video: None }));
        assert_eq!(calls.act(Action::Talk(false)), None);
    }

    #[test]
    fn one_who_is_heard_anyway_stays_heard_when_the_key_goes_up() {
        let mut calls = Calls::default();
        calls.hear("main", &state(Phase::Call, Some(false)));
        assert_eq!((calls.act(Action::Talk(true)), calls.act(Action::Talk(false))), (None, None));
        calls.hear("main", &state(Phase::Call, Some(true)));
        calls.act(Action::Talk(true));
        calls.act(Action::ToggleMicrophone);
        assert_eq!(calls.act(Action::Talk(false)), None, "who unmutes by hand meanwhile stays heard");
    }
}
