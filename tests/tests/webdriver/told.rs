//! Toasts and banners that no other story raises.

use client::Code;
use tests::{
    clip,
    display::Display,
    process::Group,
    relay::{Fault, Relay},
    window::{Place, Window},
    wire::{End, Impairment, Wire},
};

use crate::{Guest, alone, draws, failures, join, moves, open, press, scenario, start};

#[test]
fn one_whose_pictures_stop_is_being_reconnected_to_and_comes_back() {
    scenario("pictures that stop", async |service| {
        let url = service.url();
        let window = open(&url).await;
        join(&window, "told", "7").await;
        let ana = start::caller(&url, "told", 8, "Ana");
        moves(&window, "#remote_video_8").await;
        ana.signal("STOP");
        let noted = "return document.querySelector('#remote_video_panel_8 .note').textContent === 'Reconnecting…';";
        window.sees("the tile says so", noted).await;
        window
            .sees("the picture is stalled", "return document.querySelector('#remote_video_panel_8').dataset.picture === 'stalled';")
            .await;
        window.screenshot("told-reconnecting").await;
        ana.signal("CONT");
        let live = "return document.querySelector('#remote_video_panel_8').dataset.picture === 'live';";
        window.sees("the picture is live again", live).await;
        draws(&window, "8").await;
        window.close().await;
    });
}

#[test]
fn a_network_that_loses_much_is_named_in_a_banner() {
    let _alone = alone();
    let Some(wire) = Wire::live("a network that loses much", Impairment { loss: 40, ..Impairment::default() }) else { return };
    // All that this thread starts is on that host, the app and its driver too.
    let on_the_left = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let _service = wire.service(&[]).await;
            let window = open(&Wire::server()).await;
            join(&window, "told", "7").await;
            let mut ana = wire.command(End::Right, tests::binary("headless"));
            ana.args(["call", "--server", &Wire::server(), "--app-id", channel_server::DEFAULT_APP_ID, "--channel", "told"]);
            let _ana = Group::start(ana.args(["--mode", "live", "--uid", "8", "--name", "Ana", "--profile", "480p_1"]));
            draws(&window, "8").await;
            window.shows("#slow").await;
            window
                .sees("it says what is slow", "return document.querySelector('#slow').textContent.startsWith('Your network is slow');")
                .await;
            window.screenshot("told-slow").await;
            window.close().await;
        });
    };
    wire.host(End::Left).within(on_the_left).expect("root may go there");
}

#[test]
fn who_speaks_while_muted_is_told() {
    scenario("speech into a muted microphone", async |service| {
        let speech = format!("file:{}", clip::speech().display());
        let arguments = ["--server", &service.url(), "--camera", "pattern", "--microphone", &speech, "--speaker", "none"];
        let window = Window::open(&arguments).await;
        join(&window, "told", "7").await;
        press(&window, "#microphone_toggle").await;
        window.shows("#muted_hint").await;
        window.screenshot("told-muted").await;
        press(&window, "#microphone_toggle").await;
        window.sees("the hint goes", "return document.querySelector('#muted_hint').hidden;").await;
        window.close().await;
    });
}

#[test]
fn a_token_is_renewed_or_the_toast_says_why_not() {
    scenario("a token renewed", async |_| {
        let service = failures::service().await;
        let window = open(&service.url()).await;
        failures::fill(&window, &failures::token(token::Role::Publisher, "demo", 0)).await;
        press(&window, "#join").await;
        window.toasts("stream published success").await;
        for (token, toast, picture) in [
            (failures::token(token::Role::Publisher, "elsewhere", 0), "The token was not renewed", "refused"),
            (failures::token(token::Role::Publisher, "demo", 1), "The token is renewed", "renewed"),
            // One may stay, but no longer be seen and heard.
            (failures::token(token::Role::Subscriber, "demo", 0), "You are not published any more", "ended"),
        ] {
            window.click("#call_more").await;
            // Typed key by key it would take seconds.
            window.run(&format!("document.querySelector('#renew_token').value = '{token}';"), vec![]).await;
            press(&window, "#renew [type=submit]").await;
            window.toasts(toast).await;
            window.screenshot(&format!("told-renewal-{picture}")).await;
            window.run("document.querySelector('#more').hidePopover();", vec![]).await;
        }
        window.sees("one is not published", "return document.querySelector('#unpublish').getAttribute('aria-disabled') === 'true';").await;
        window.close().await;
    });
}

#[test]
fn what_the_service_does_not_take_is_told_and_the_call_goes_on() {
    scenario("commands that fail", async |service| {
        let relay = Relay::start(&service.url()).await;
        let window = open(&relay.url()).await;
        join(&window, "told", "7").await;
        window.click("#alone [data-do=invite]").await;
        window.toasts("copy success").await;
        window.screenshot("told-copied").await;

        relay.fault("set-name", Some(Fault::Refuse(Code::InvalidOperation)));
        window.run("document.querySelector('#call_more').click();", vec![]).await;
        window.click("#more [data-do=settings]").await;
        window.fill("#settings_name", "Ana").await;
        window.run("document.querySelector('#settings_name').dispatchEvent(new Event('change', { bubbles: true }));", vec![]).await;
        window.toasts("Your name could not be changed").await;
        window.run("document.querySelector('#settings').close();", vec![]).await;
        window.screenshot("told-name-refused").await;

        let _ben = Guest::join(&service.url(), "told", 8).await;
        moves(&window, "#remote_video_8").await;
        // The second press comes while the first is under way.
        relay.fault("leave", Some(Fault::Swallow));
        window.forget_toasts().await;
        window.run("for (let n = 0; n < 2; n += 1) document.querySelector('#leave').click();", vec![]).await;
        window.toasts("You are not in channel").await;
        window.toasts("leave success").await;
        window.close().await;
    });
}

#[test]
fn what_the_app_itself_does_not_do_is_told_and_the_page_goes_on() {
    scenario("the app refuses", async |service| {
        let window = open(&service.url()).await;
        refuse(&window, "new_window").await;
        window.click("#lobby_more").await;
        press(&window, "#more [data-do=window]").await;
        window.toasts("No new window could be opened").await;
        window.screenshot("told-window-refused").await;

        join(&window, "told", "7").await;
        let _ben = Guest::join(&service.url(), "told", 8).await;
        moves(&window, "#remote_video_8").await;
        refuse(&window, "open_pip").await;
        window.run("document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'o', bubbles: true }));", vec![]).await;
        window.toasts("The small window could not be opened").await;
        window.screenshot("told-pip-refused").await;

        refuse(&window, "leave").await;
        press(&window, "#leave").await;
        window.toasts("leave failed").await;
        window.screenshot("told-leave-refused").await;
        // Nobody is in a call that the page no longer shows.
        window.shows("#leave").await;
        refuse(&window, "").await;
        press(&window, "#leave").await;
        window.toasts("leave success").await;
        window.close().await;
    });
}

/// Has this command alone fail from now on, on its way from the page to the app: nothing that one can do to the app makes it refuse these.
async fn refuse(window: &Window, command: &str) {
    let body = "const [command] = arguments;
        const through = (window.visavisThrough ??= window.fetch);
        const no = { code: 'ERR_INTERNAL_ERROR', message: 'No.' };
        const answer = () => new Response(JSON.stringify(no), { headers: { 'Tauri-Response': 'error', 'content-type': 'application/json' } });
        window.fetch = async (place, ...rest) => (String(place).endsWith(`/${command}`) && command ? answer() : through(place, ...rest));";
    window.run(body, vec![command.into()]).await;
}

#[test]
fn settings_that_cannot_be_read_are_told_and_nothing_is_lost() {
    scenario("settings cut in half", async |service| {
        let place = Place::on(Display::start(1100, 800));
        let half = r#"{"schema": 1, "theme": "dark", "name": "An"#;
        place.set(half);
        let arguments = ["--server", &service.url(), "--camera", "pattern", "--microphone", "tone", "--speaker", "none"];
        let window = Window::open_at(place, &arguments).await;
        window.toasts("The settings could not be kept").await;
        window.screenshot("told-settings").await;
        join(&window, "told", "7").await;
        let folder = window.place().settings().parent().expect("a folder").to_owned();
        let kept = std::fs::read_dir(folder).expect("the folder is there").flatten();
        let texts: Vec<String> = kept.filter_map(|entry| std::fs::read_to_string(entry.path()).ok()).collect();
        assert!(texts.iter().any(|text| text == half), "what somebody wrote is still there: {texts:?}");
        window.close().await;
    });
}
