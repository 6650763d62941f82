//! The app's windows as people use them: two real processes under WebDriver, each on a screen of its own.
#![cfg(target_os = "linux")]

use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tests::{clip, service::Service, window::Window};

/// Runs a scenario with a service of its own. Two cores carry one pair of windows at a time.
fn scenario(name: &str, body: impl AsyncFnOnce(Service)) {
    static ONE: Mutex<()> = Mutex::new(());
    if !tests::live(name) {
        return;
    }
    let _alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { body(Service::start().await).await });
}

/// A window that shows the clip and sounds a tone.
async fn open(server: &str) -> Window {
    let camera = format!("file:{}", clip::y4m(1280, 720, 30).display());
    let window = Window::open(&["--server", server, "--camera", &camera, "--microphone", "tone", "--speaker", "none"]).await;
    window.run(clip::READ_NUMBER, vec![]).await;
    window
}

async fn join(window: &Window, channel: &str, uid: &str) {
    window.fill("[name=channel]", channel).await;
    window
        .sees(
            "the advanced settings open",
            "const d = document.querySelector('[name=uid]').closest('details'); if (d) d.open = true; return true;",
        )
        .await;
    window.fill("[name=uid]", uid).await;
    window.click("#join").await;
    window.toasts(&format!("join channel: {channel} success, uid: {uid}")).await;
}

/// Waits until the picture in `selector` has shown several different frame numbers.
async fn moves(window: &Window, selector: &str) {
    let body = format!(
        "const number = visavisProbe(document.querySelector('{selector} canvas'));
         const seen = (window.visavisSeen ??= {{}})['{selector}'] ??= new Set();
         if (number !== null) seen.add(number);
         return seen.size >= 5;"
    );
    window.sees(&format!("{selector} moves"), &body).await;
}

#[test]
fn two_windows_see_each_other_unpublish_publish_and_leave() {
    scenario("two windows see each other", async |service| {
        let url = service.url();
        let (ana, ben) = tokio::join!(open(&url), open(&url));
        join(&ana, "demo", "7").await;
        join(&ben, "demo", "8").await;
        for (window, own, other) in [(&ana, 7, 8), (&ben, 8, 7)] {
            moves(window, "#local_stream").await;
            moves(window, &format!("#remote_video_{other}")).await;
            let twice = window.run("return document.querySelectorAll('[id^=remote_video_panel_]').length;", vec![]).await;
            assert_eq!(twice, Value::from(1), "window {own}: one panel a stream");
        }
        ana.screenshot("call-two").await;
        ana.run("document.querySelector('#show_profile')?.click();", vec![]).await;
        ana.sees("the local statistics say the uid", "return document.querySelector('#local_video_info').textContent.includes('Uid: 7');")
            .await;
        ana.sees(
            "the remote statistics say a size",
            "return /\\d+fps \\d+x\\d+/.test(document.querySelector('#remote_video_info_8').textContent);",
        )
        .await;
        ana.screenshot("call-statistics").await;

        ben.click("#unpublish").await;
        ana.toasts("stream-removed uid: 8").await;
        ana.lacks("#remote_video_panel_8").await;
        ana.screenshot("call-alone").await;
        ben.click("#publish").await;
        ana.run("window.visavisSeen = {};", vec![]).await;
        moves(&ana, "#remote_video_8").await;

        ben.click("#leave").await;
        ben.toasts("leave success").await;
        ana.toasts("peer leave").await;
        ana.lacks("#remote_video_panel_8").await;
        ben.lacks("[id^=remote_video_panel_]").await;
        ben.shows("#join").await;
        ana.close().await;
        ben.close().await;
    });
}

#[test]
fn a_reload_in_a_call_finds_the_call_still_running() {
    scenario("a reload in a call", async |service| {
        let url = service.url();
        let (ana, ben) = tokio::join!(open(&url), open(&url));
        join(&ana, "reload", "7").await;
        join(&ben, "reload", "8").await;
        moves(&ana, "#remote_video_8").await;
        ana.page.refresh().await.expect("the page reloads");
        ana.shows("#remote_video_panel_8").await;
        ana.run(clip::READ_NUMBER, vec![]).await;
        moves(&ana, "#remote_video_8").await;
        moves(&ana, "#local_stream").await;
        moves(&ben, "#remote_video_7").await;
        ana.click("#leave").await;
        ana.toasts("leave success").await;
        ben.lacks("#remote_video_panel_7").await;
        ana.close().await;
        ben.close().await;
    });
}

#[test]
fn the_form_says_what_is_wrong_in_the_samples_words() {
    scenario("the form's messages", async |service| {
        let window = open(&service.url()).await;
        let press = async |id: &str| window.run(&format!("document.querySelector('{id}').click();"), vec![]).await;
        let filled = format!("return document.querySelector('[name=appID]').value === '{}';", channel_server::DEFAULT_APP_ID);
        window.sees("the embedded project's App ID is filled in", &filled).await;

        window.fill("[name=channel]", "form").await;
        for (button, text) in
            [("#leave", "Please Join First!"), ("#publish", "Please Join Room First"), ("#unpublish", "Please Join Room First")]
        {
            press(button).await;
            window.toasts(text).await;
        }
        window.screenshot("lobby").await;
        window.fill("[name=channel]", "").await;
        press("#join").await;
        window.toasts("Please Enter channel").await;
        window.fill("[name=appID]", "").await;
        press("#join").await;
        window.toasts("Please Enter appID").await;
        window.fill("[name=channel]", "form").await;
        window.fill("[name=appID]", "nonsense").await;
        press("#join").await;
        window.sees("the App ID's error", "return document.body.textContent.includes('INVALID_VENDOR_KEY');").await;
        window.screenshot("lobby-error").await;

        window.fill("[name=appID]", channel_server::DEFAULT_APP_ID).await;
        press("#join").await;
        press("#join").await;
        window.toasts("stream published success").await;
        for (button, text) in [("#join", "Your already joined"), ("#publish", "Your already published")] {
            press(button).await;
            window.toasts(text).await;
        }
        press("#unpublish").await;
        window.toasts("unpublish").await;
        window.sees("it is unpublished", "return document.querySelector('#unpublish').getAttribute('aria-disabled') === 'true';").await;
        press("#unpublish").await;
        window.toasts("Your didn't publish").await;
        press("#leave").await;
        window.toasts("leave success").await;
        window.shows("#join").await;
        window.close().await;
    });
}

#[test]
fn the_page_is_drawn_in_the_light_and_in_the_dark() {
    scenario("screenshots in both themes", async |service| {
        let window = open(&service.url()).await;
        moves(&window, "#local_stream").await;
        for theme in ["light", "dark"] {
            window
                .run(
                    &format!("localStorage.setItem('visavis.theme', '{theme}'); document.documentElement.dataset.theme = '{theme}';"),
                    vec![],
                )
                .await;
            let background = window.run("return getComputedStyle(document.body).backgroundColor;", vec![]).await;
            assert!(background.as_str().is_some_and(|colour| colour.starts_with("rgb")), "{background}");
            window.screenshot(&format!("lobby-{theme}")).await;
        }
        join(&window, "themes", "7").await;
        moves(&window, "#local_stream").await;
        for theme in ["light", "dark"] {
            window.run(&format!("document.documentElement.dataset.theme = '{theme}';"), vec![]).await;
            window.screenshot(&format!("call-{theme}")).await;
        }
        window.close().await;
    });
}
