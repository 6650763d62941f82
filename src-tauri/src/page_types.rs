//! Holds `ui/types/app.d.ts` to the types in [`crate::types`], [`crate::projects`], [`crate::stats`] and [`crate::events`].

use std::path::Path;

use ts_rs::{Config, TS};

use crate::{
    events::{PageEvent, StreamRef, Volume},
    links::{OpenedLink, PageLink},
    nearby::NearbyCall,
    projects::{MadeToken, Place, ProjectList, ProjectRow, TokenOrder},
    settings::values::*,
    stats::*,
    types::*,
};

const HEAD: &str = "// What crosses between the app and its page. Generated from the types in src-tauri/src (see page_types.rs) by their test:\n\
                    // change those and run `cargo test -p app`.\n";

fn declaration<T: TS>(config: &Config) -> String {
    format!("\n{}export {}\n", T::docs().unwrap_or_default(), T::decl(config))
}

fn generated() -> String {
    let config = Config::new();
    macro_rules! all {
        ($($name:ty),* $(,)?) => { [$(declaration::<$name>(&config)),*].concat() };
    }
    let declarations = all![
        Problem,
        DeviceKind,
        DeviceProblem,
        Phase,
        Connection,
        RemoteMedia,
        AudioProcessing,
        LocalState,
        RemoteState,
        CallState,
        JoinParams,
        PreviewSpec,
        Joined,
        Device,
        Devices,
        DeviceChange,
        Presence,
        ScreenKind,
        ScreenSource,
        SharePreference,
        ShareResolution,
        ShareSpec,
        ScreenState,
        Defaults,
        FrameSocket,
        Place,
        ProjectRow,
        ProjectList,
        TokenOrder,
        MadeToken,
        SentVideo,
        SentAudio,
        SentStats,
        ReceivedVideo,
        ReceivedAudio,
        ReceivedStats,
        CallStats,
        Theme,
        Language,
        VideoPath,
        FormSettings,
        DeviceSettings,
        HotkeySettings,
        Settings,
        HotkeyReport,
        SettingsReport,
        PageLink,
        OpenedLink,
        NearbyCall,
        StreamRef,
        Volume,
        PageEvent,
    ];
    format!("{HEAD}{declarations}")
}

#[test]
fn the_pages_types_are_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/types/app.d.ts");
    let (committed, generated) = (std::fs::read_to_string(&path).unwrap_or_default(), generated());
    if committed.replace("\r\n", "\n") != generated {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, generated).unwrap();
        panic!("ui/types/app.d.ts was out of date and is written anew: look at it and commit it");
    }
}
