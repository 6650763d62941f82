//! What stands outside the window: notices and the tray's icon.

use tests::{
    desk::{Desk, Entry, Notice},
    display::Display,
    process::{Group, until},
    service::Service,
    window::{PATIENCE, Place, Window},
};

use crate::{Guest, desktop::windows, join, press, scenario};

/// A window in a call, on a screen where it can lose the keyboard.
async fn in_a_call(service: &Service, desk: &Desk) -> (Window, Group) {
    let display = Display::start(1600, 1000);
    let manager = display.manage().await;
    let arguments = ["--server", &service.url(), "--camera", "pattern", "--microphone", "tone", "--speaker", "none"];
    let window = Window::open_at(Place::on(display).with_bus(desk.address()), &arguments).await;
    join(&window, "desk", "7").await;
    (window, manager)
}

async fn minimize(window: &Window) {
    let (id, _) = windows(window.display()).swap_remove(0);
    window.display().xdotool(&["windowminimize", &id]).expect("the window is there");
    until("nobody sees the window", PATIENCE, async || windows(window.display()).is_empty().then_some(())).await;
}

/// The menu's entry of this name, once it is so.
async fn entry(desk: &Desk, label: &str, is: impl Fn(&Entry) -> bool) -> Entry {
    let found = async || desk.menu().await?.into_iter().find(|entry| entry.label == label && is(entry));
    until(&format!("the tray has {label:?}"), PATIENCE, found).await
}

#[test]
fn who_comes_while_nobody_looks_is_told_by_a_notice() {
    scenario("notices", async |service| {
        let desk = Desk::start().await;
        let (window, manager) = in_a_call(&service, &desk).await;
        let guest = |uid, name| crate::Caller { uid, name, clip: (1280, 720, 30), profile: "180p_1" };
        // Whom one finds right after one's own join did not come.
        window.run("window.visavisJoined = performance.now();", vec![]).await;
        window.sees("the call has lasted for a while", "return performance.now() - visavisJoined > 2500;").await;
        let _ana = Guest::join_as(&service.url(), "desk", guest(8, "Ana")).await;
        window.shows("#remote_video_panel_8").await;
        minimize(&window).await;
        let _bo = Guest::join_as(&service.url(), "desk", guest(9, "Bo")).await;
        let notices = async || Some(desk.notices()).filter(|notices| !notices.is_empty());
        let notices = until("a notice", PATIENCE, notices).await;
        assert_eq!(notices, [Notice { title: "Visavis".into(), text: "Bo joined".into() }]);
        window.close().await;
        drop(manager);
    });
}

#[test]
fn the_tray_mutes_brings_the_window_back_and_leaves() {
    scenario("the tray", async |service| {
        let desk = Desk::start().await;
        let (window, manager) = in_a_call(&service, &desk).await;
        minimize(&window).await;
        let microphone = entry(&desk, "Mute microphone", |entry| entry.enabled && !entry.checked).await;
        desk.choose(&microphone).await;
        entry(&desk, "Mute microphone", |entry| entry.checked).await;
        window
            .sees("nobody is heard", "return document.querySelector('#microphone_toggle').getAttribute('aria-pressed') === 'false';")
            .await;
        let camera = entry(&desk, "Turn camera off", |entry| entry.enabled && !entry.checked).await;
        desk.choose(&camera).await;
        window.sees("nobody is seen", "return document.querySelector('#camera_toggle').getAttribute('aria-pressed') === 'false';").await;
        let show = entry(&desk, "Show Visavis", |entry| entry.enabled).await;
        desk.choose(&show).await;
        until("the window is back", PATIENCE, async || {
            let (_, place) = windows(window.display()).pop()?;
            let now = window.display().pixels((place["X"], place["Y"]), (place["WIDTH"], place["HEIGHT"]))?;
            (now.brightness() > 20.0).then_some(())
        })
        .await;
        window.display().photograph("tray-back");
        let leave = entry(&desk, "Leave call", |entry| entry.enabled).await;
        desk.choose(&leave).await;
        window.sees("the call has ended", "return document.documentElement.dataset.state === 'lobby';").await;
        entry(&desk, "Leave call", |entry| !entry.enabled).await;
        press(&window, "#lobby_settings").await;
        window.click("#settings_general label:has([value='zh-CN'])").await;
        entry(&desk, "离开通话", |entry| !entry.enabled).await;
        window.close().await;
        drop(manager);
    });
}
