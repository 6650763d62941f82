//! Cameras and microphones that are not there, or go.

use std::{fs, path::PathBuf, time::Duration};

use tests::{
    clip,
    display::Display,
    room::Rooms,
    window::{Place, Window},
};

use crate::{draws, join, moves, open, press, scenario};

#[test]
fn without_camera_and_microphone_one_watches() {
    scenario("no devices", async |service| {
        let arguments = ["--server", &service.url(), "--camera", "camera:none", "--microphone", "microphone:none", "--speaker", "none"];
        let window = Window::open(&arguments).await;
        window.sees("the lobby says so", "return document.querySelector('#problems').textContent.includes('join and watch');").await;
        window.screenshot("lobby-no-devices").await;
        press(&window, "#join").await;
        window.toasts("stream init failed, please open console see more detail").await;
        window.toasts("Media access:NotFoundError").await;
        window.screenshot("call-no-devices").await;
        press(&window, "#leave").await;
        window.toasts("leave success").await;
        window.close().await;
    });
}

/// A camera that can be taken away: a file of its own, which is emptied.
struct Removable {
    path: PathBuf,
}

impl Removable {
    fn new() -> Self {
        let camera = Self { path: std::env::temp_dir().join(format!("visavis-removable-{}.y4m", std::process::id())) };
        camera.plug_in();
        camera
    }

    fn plug_in(&self) {
        fs::copy(clip::y4m(640, 360, 30), &self.path).expect("the temporary folder is writable");
    }

    fn pull_out(&self) {
        fs::File::create(&self.path).expect("the temporary folder is writable");
    }
}

impl Drop for Removable {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[test]
fn a_camera_that_vanishes_in_a_call_is_named_and_comes_back() {
    scenario("a camera that vanishes", async |service| {
        let camera = Removable::new();
        let (url, id) = (service.url(), format!("file:{}", camera.path.display()));
        let arguments = ["--server", &url, "--camera", &id, "--microphone", "tone", "--speaker", "none"];
        let (ana, ben) = tokio::join!(Window::open(&arguments), open(&url));
        ana.run(clip::READ_NUMBER, vec![]).await;
        join(&ana, "devices", "7").await;
        join(&ben, "devices", "8").await;
        moves(&ben, "#remote_video_7").await;

        camera.pull_out();
        ana.toasts("The camera is gone").await;
        ana.shows("#cameras").await;
        ana.screenshot("call-camera-gone").await;
        ana.run("window.visavisSeen = {};", vec![]).await;
        moves(&ana, "#remote_video_8").await;

        camera.plug_in();
        ana.toasts("The camera is back").await;
        ben.run("window.visavisSeen = {};", vec![]).await;
        moves(&ben, "#remote_video_7").await;
        ana.lacks("#cameras .problem").await;
        ana.close().await;
        ben.close().await;
    });
}

#[test]
fn a_camera_that_vanishes_in_the_lobby_is_named_and_comes_back() {
    scenario("a camera that vanishes in the lobby", async |service| {
        let camera = Removable::new();
        let id = format!("file:{}", camera.path.display());
        let window = Window::open(&["--server", &service.url(), "--camera", &id, "--microphone", "tone", "--speaker", "none"]).await;
        window.run(clip::READ_NUMBER, vec![]).await;
        moves(&window, "#local_stream").await;
        camera.pull_out();
        window.shows("#problems .problem").await;
        window.screenshot("lobby-camera-gone").await;
        // Choosing it again is an attempt, and says what comes of it.
        press(&window, "#problems .retry").await;
        window.shows("#problems .problem").await;
        camera.plug_in();
        window.lacks("#problems .problem").await;
        window.run("window.visavisSeen = {};", vec![]).await;
        moves(&window, "#local_stream").await;
        window.close().await;
    });
}

#[test]
fn a_lobby_that_nobody_attends_to_rests_until_somebody_does() {
    scenario("a lobby that rests", async |service| {
        let camera = format!("file:{}", clip::y4m(1280, 720, 30).display());
        let window = Window::open(&["--server", &service.url(), "--camera", &camera, "--microphone", "tone", "--speaker", "none"]).await;
        window.run(clip::READ_NUMBER, vec![]).await;
        moves(&window, "#local_stream").await;
        window.run("dispatchEvent(new Event('blur'));", vec![]).await;
        window.shows("#local_video_panel[data-picture=resting]").await;
        window.sees("the microphone rests", "return document.querySelector('#heard').textContent === '';").await;
        window.screenshot("lobby-resting").await;
        window.run("window.visavisSeen = {};", vec![]).await;
        moves(&window, "#local_stream").await;
        window.close().await;
    });
}

#[test]
fn a_microphone_that_is_unplugged_in_a_call_is_named_and_goes_on_when_it_is_back() {
    scenario("a microphone that is unplugged", async |service| {
        let rooms = match Rooms::open(&["desk"], Duration::from_millis(20)).await {
            Ok(rooms) => rooms,
            Err(why) => return eprintln!("skipped: a microphone that is unplugged ({why})"),
        };
        let (url, (variable, value)) = (service.url(), rooms.variable());
        let (microphone, speaker) = (Rooms::microphone("desk"), Rooms::speaker("desk"));
        let arguments = ["--server", &url, "--camera", "pattern", "--microphone", &microphone, "--speaker", &speaker];
        let place = Place::on(Display::start(1100, 800)).with(variable, value);
        let (ana, ben) = tokio::join!(Window::open_at(place, &arguments), open(&url));
        join(&ana, "devices", "7").await;
        join(&ben, "devices", "8").await;
        ana.run(clip::READ_NUMBER, vec![]).await;
        moves(&ana, "#remote_video_8").await;

        // A sound server takes all its devices along.
        drop(rooms);
        ana.toasts("The microphone is gone").await;
        ana.shows("#microphones .problem").await;
        ana.screenshot("devices-microphone-gone").await;
        draws(&ben, "7").await;
        draws(&ana, "8").await;

        let _rooms = Rooms::open(&["desk"], Duration::from_millis(20)).await.expect("it came up before");
        ana.toasts("The microphone is back").await;
        ana.lacks("#microphones .problem").await;
        ana.close().await;
        ben.close().await;
    });
}

/// Waits until this stream's tile shows that somebody speaks, or that nobody does.
async fn speaks(window: &Window, stream: &str, speaks: bool) {
    let body = format!("return document.querySelector('#remote_video_panel_{stream}')?.classList.contains('speaking') === {speaks};");
    window.sees(&format!("{stream} speaks: {speaks}"), &body).await;
}

#[test]
fn a_microphone_that_is_plugged_in_is_switched_to_and_another_stands_in_when_it_is_unplugged() {
    scenario("a microphone that is plugged in", async |service| {
        let rooms = match Rooms::open(&["desk"], Duration::from_millis(20)).await {
            Ok(rooms) => rooms,
            Err(why) => return eprintln!("skipped: a microphone that is plugged in ({why})"),
        };
        let (url, (variable, value)) = (service.url(), rooms.variable());
        let (desk, headset) = (Rooms::microphone("desk"), Rooms::microphone("headset"));
        let place = Place::on(Display::start(1100, 800)).with(variable, value);
        // A tone that does not end is noise, and would be suppressed.
        place.set(r#"{"version": 1, "sound": {"AEC": false, "ANS": false, "AGC": false}}"#);
        let arguments = ["--server", &url, "--camera", "pattern", "--microphone", &desk, "--speaker", "none"];
        let (ana, ben) = tokio::join!(Window::open_at(place, &arguments), open(&url));
        join(&ana, "devices", "7").await;
        join(&ben, "devices", "8").await;
        draws(&ben, "7").await;
        speaks(&ben, "7", false).await;

        rooms.plug_in("headset");
        ana.toasts("Connected: headset").await;
        ana.click("#microphone_pick").await;
        ana.screenshot("devices-microphone-there").await;
        ana.click(&format!("#microphones label:has([value='{headset}'])")).await;
        speaks(&ben, "7", true).await;

        rooms.unplug("headset");
        ana.toasts("The microphone “headset” was unplugged. “").await;
        ana.sees("another is chosen", &format!("return document.querySelector('#microphoneId').value === '{desk}';")).await;
        ana.screenshot("devices-microphone-replaced").await;
        speaks(&ben, "7", false).await;
        rooms.sound_in("desk");
        speaks(&ben, "7", true).await;

        // The server would give its place to what the speaker plays: the others would hear themselves.
        ana.forget_toasts().await;
        rooms.unplug("desk");
        ana.toasts("The microphone is gone").await;
        speaks(&ben, "7", false).await;
        draws(&ben, "7").await;
        let stayed = "return !visavisToasts.some(toast => /peer leave|stream-removed/.test(toast.text));";
        ben.sees("nobody left meanwhile", stayed).await;
        ana.close().await;
        ben.close().await;
    });
}
