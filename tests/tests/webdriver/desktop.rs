//! What people expect of a program on their desktop.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use tests::{
    clip,
    display::{Display, Pixels},
    process::{until, within},
    window::{PATIENCE, Place, Window},
};

use crate::{Caller, Guest, failures, join, moves, press, scenario};

/// How long a key is held that does nothing.
const PRESS: Duration = Duration::from_secs(2);

/// What is no higher is the hint of a control that the pointer rests on.
const HINT: i32 = 100;

/// The X ids of the app's windows that are shown, each with its place on the screen.
pub fn windows(display: &Display) -> Vec<(String, BTreeMap<String, i32>)> {
    let found = display.xdotool(&["search", "--onlyvisible", "--name", "Visavis"]).unwrap_or_default();
    let place = |id: &str| {
        let text = display.xdotool(&["getwindowgeometry", "--shell", id])?;
        let numbers = text.lines().filter_map(|line| {
            let (name, number) = line.split_once('=')?;
            Some((name.to_owned(), number.parse().ok()?))
        });
        Some((id.to_owned(), numbers.filter(|(name, _)| name != "WINDOW").collect::<BTreeMap<_, _>>()))
    };
    found.lines().filter_map(place).filter(|(_, place)| place["HEIGHT"] > HINT).collect()
}

#[test]
fn what_was_chosen_and_where_the_window_was_is_there_at_the_next_start() {
    scenario("a restart", async |service| {
        let url = service.url();
        let arguments = ["--server", &url, "--camera", "pattern", "--microphone", "tone", "--speaker", "none"];
        let display = Display::start(1600, 1000);
        let _manager = display.manage().await;
        let window = Window::open_at(Place::on(display), &arguments).await;
        window.click("#lobby_settings").await;
        window.fill("#settings_name", "Ana").await;
        window.click("#settings_general label:has([value=dark])").await;
        window.screenshot("desktop-settings").await;
        window.click("#settings_general label:has([value='zh-CN'])").await;
        window.sees("the page speaks Chinese", "return document.documentElement.lang === 'zh-CN';").await;
        window.click("#tab_video").await;
        window.click("#settings_video label:has([data-setting=mirror])").await;
        window.screenshot("desktop-settings-chinese").await;
        window.run("document.querySelector('#settings').close();", vec![]).await;

        let id = windows(window.display()).first().expect("a window").0.clone();
        for order in [["windowsize", &id, "900", "640"], ["windowmove", &id, "420", "180"]] {
            window.display().xdotool(&order).expect("the window is there");
        }
        window.sees("the window is smaller", "return innerWidth === 900 && innerHeight === 640;").await;
        let placed = || windows(window.display()).first().map(|(_, place)| place.clone()).filter(|place| (420..=440).contains(&place["X"]));
        let before = until("the window stands where it was put", PATIENCE, async || placed()).await;

        let place = window.quit().await;
        let settings: Value = serde_json::from_slice(&std::fs::read(place.settings()).expect("a file")).expect("JSON");
        assert_eq!((&settings["theme"], &settings["language"], &settings["name"]), (&"dark".into(), &"zh-CN".into(), &"Ana".into()));
        let window = Window::open_at(place, &arguments).await;
        let same = "const { dataset, lang } = document.documentElement;
            return dataset.theme === 'dark' && dataset.mirror === 'off' && lang === 'zh-CN' && document.querySelector('#display_name').value === 'Ana';";
        window.sees("it looks and speaks as before", same).await;
        window.sees("it has the size of before", "return innerWidth === 900 && innerHeight === 640;").await;
        until("the window stands where it was", PATIENCE, async || {
            let now = windows(window.display()).first()?.1.clone();
            let near = |name: &str| (now[name] - before[name]).abs() <= 2;
            (near("X") && near("Y")).then_some(())
        })
        .await;
        window.display().photograph("desktop-restart");
        window.close().await;
    });
}

#[test]
fn the_small_window_shows_the_other_and_goes_with_the_call() {
    scenario("the small window on top", async |service| {
        let display = Display::start(1600, 1000);
        let manager = display.manage().await;
        let arguments = ["--server", &service.url(), "--camera", "pattern", "--microphone", "tone", "--speaker", "none"];
        let window = Window::open_at(Place::on(display), &arguments).await;
        window.run(clip::READ_NUMBER, vec![]).await;
        join(&window, "desktop", "7").await;
        let ana = Caller { uid: 8, name: "Ana", clip: (1280, 720, 30), profile: "720p_2" };
        let _ana = Guest::join_as(&service.url(), "desktop", ana).await;
        moves(&window, "#remote_video_8").await;
        let main = windows(window.display()).first().expect("a window").0.clone();
        window.click("#call_more").await;
        window.click("#more [data-do=pip]").await;
        let small = async || windows(window.display()).into_iter().find(|(id, _)| *id != main);
        let (pip, place) = until("the small window is there", PATIENCE, small).await;
        until("it stays above others", PATIENCE, async || {
            let state = window.display().command("xprop").args(["-id", &pip, "_NET_WM_STATE"]).output().expect("xprop is installed");
            String::from_utf8_lossy(&state.stdout).contains("_NET_WM_STATE_ABOVE").then_some(())
        })
        .await;
        let mut before: Option<Pixels> = None;
        until("its picture moves", PATIENCE, async || {
            let now = window.display().pixels((place["X"], place["Y"]), (place["WIDTH"], place["HEIGHT"]));
            let now = now.filter(|now| now.brightness() > 20.0)?;
            let moved = before.replace(now.clone()).is_some_and(|before| before.difference(&now) > 0.05);
            moved.then_some(())
        })
        .await;
        window.display().photograph("desktop-pip");

        press(&window, "#leave").await;
        window.toasts("leave success").await;
        until("the small window goes with the call", PATIENCE, async || (windows(window.display()).len() == 1).then_some(())).await;
        window.close().await;
        drop(manager);
    });
}

#[test]
fn a_link_that_is_opened_fills_in_the_form_of_the_window_that_is_there() {
    scenario("links", async |service| {
        let arguments = ["--server", &service.url(), "--camera", "pattern", "--microphone", "tone", "--speaker", "none"];
        let window = Window::open(&arguments).await;
        let open = async |link: &str| {
            let mut another = window.place().another(&[link]);
            let ended = tokio::task::spawn_blocking(move || another.status()).await.expect("waiting does not panic");
            assert!(ended.expect("it starts").success(), "{link}");
        };
        let app_id = channel_server::DEFAULT_APP_ID;
        open(&format!("visavis://join?appId={app_id}&channel=design%20review")).await;
        let filled = "return document.querySelector('[name=channel]').value === 'design review';";
        window.sees("the form is filled in", filled).await;
        window.shows("#link_note").await;
        window.screenshot("desktop-link").await;
        window.sees("nobody joined", "return document.documentElement.dataset.state === 'lobby';").await;

        for hostile in [
            "visavis://join?appId=1&channel=<img src=x onerror=visavisHacked=1>".to_owned(),
            format!("visavis://join?appId={app_id}&channel=%3Cscript%3EvisavisHacked%3D1%3C%2Fscript%3E"),
            format!("visavis://join?appId={app_id}&channel={}", "x".repeat(20_000)),
            "visavis:javascript:visavisHacked=1".to_owned(),
        ] {
            window.run("document.querySelector('#link_note button').click();", vec![]).await;
            open(&hostile).await;
            let named =
                "return document.querySelector('#link_note .code')?.textContent === 'LINK_INVALID' && window.visavisHacked === undefined;";
            window.sees("the note says what is wrong", named).await;
        }
        window.screenshot("desktop-link-invalid").await;
        window.sees("the form is as before", filled).await;

        press(&window, "#join").await;
        window.toasts("join channel: design review success").await;
        open(&format!("visavis://join?appId={app_id}&channel=standup")).await;
        window.toasts("A link to “standup” was opened").await;
        window.screenshot("desktop-link-in-call").await;
        open("visavis://nowhere").await;
        window.toasts("That link cannot be used").await;
        press(&window, "#leave").await;
        window.sees("it waited in the lobby", "return document.querySelector('[name=channel]').value === 'standup';").await;
        window.close().await;
    });
}

#[test]
fn diagnostics_hide_what_is_secret_and_tell_what_helps() {
    scenario("diagnostics", async |_| {
        let service = failures::service().await;
        let token = failures::token(token::Role::Publisher, "demo", 0);
        let arguments = ["--server", &service.url(), "--camera", "pattern", "--microphone", "tone", "--speaker", "none"];
        let window = Window::open(&arguments).await;
        failures::fill(&window, &token).await;
        press(&window, "#join").await;
        window.toasts("stream published success").await;
        window.click("#call_more").await;
        window.click("#more [data-do=settings]").await;
        window.click("#tab_about").await;
        window.click("#settings_about [data-do=diagnostics]").await;
        window.sees("they are copied", "return document.querySelector('#settings_status').textContent.startsWith('Copied');").await;
        window.screenshot("desktop-diagnostics").await;
        let ask = "const done = arguments[arguments.length - 1]; window.__TAURI__.core.invoke('get_diagnostics').then(done, error => done(String(error)));";
        let text = window.page.execute_async(ask, vec![]).await.expect("they are collected");
        let text = text.as_str().expect("a text");
        for told in ["Visavis: ", "System: ", "Webview: ", "Log:"] {
            assert!(text.contains(told), "{told} is told: {text}");
        }
        for secret in [&token[..], &token[3..40], failures::APP_ID] {
            assert!(!text.contains(secret), "{secret} is hidden: {text}");
        }
        window.close().await;
    });
}

#[test]
fn keys_that_work_in_every_program_mute_and_let_one_speak() {
    scenario("keys for every program", async |service| {
        let keys = r#"{"mute": "Ctrl+Shift+M", "pushToTalk": "F9"}"#;
        for (chosen_before, uid) in [(true, "7"), (false, "8")] {
            let place = Place::on(Display::start(1100, 800));
            if chosen_before {
                place.set(&format!(r#"{{"version": 1, "hotkeys": {keys}}}"#));
            }
            let arguments = ["--server", &service.url(), "--camera", "pattern", "--microphone", "tone", "--speaker", "none"];
            let window = Window::open_at(place, &arguments).await;
            join(&window, "desktop", uid).await;
            press(&window, "#microphone_toggle").await;
            if !chosen_before {
                let change = format!("window.__TAURI__.core.invoke('set_settings', {{ change: {{ hotkeys: {keys} }} }});");
                window.run(&change, vec![]).await;
            }
            mute_and_talk(&window).await;
            window.close().await;
        }
    });
}

/// Presses the keys of one who is muted. Nobody has the keyboard meanwhile: the app's own window does not, either.
async fn mute_and_talk(window: &Window) {
    let type_in = |keys: [&str; 2]| window.display().xdotool(&keys).expect("keys can be pressed");
    let heard = async || window.run("return document.querySelector('#microphone_toggle').ariaPressed === 'true';", vec![]).await;
    // The desktop takes them a moment after the settings have; one that speaks to nobody until then lets go and presses again.
    until("a key lets one speak", PATIENCE, async || {
        type_in(["keydown", "F9"]);
        let spoken = within(PRESS, async || (heard().await == true).then_some(())).await;
        if spoken.is_none() {
            type_in(["keyup", "F9"]);
        }
        spoken
    })
    .await;
    for (keys, expected) in [(["keyup", "F9"], false), (["key", "ctrl+shift+m"], true), (["key", "ctrl+shift+m"], false)] {
        type_in(keys);
        until(&format!("after {keys:?} one is heard: {expected}"), PATIENCE, async || (heard().await == expected).then_some(())).await;
    }
}
