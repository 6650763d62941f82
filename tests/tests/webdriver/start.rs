//! The first start: from nothing to a call.

use tests::{
    clip,
    process::{Group, free_port, quiet},
    window::Window,
};

use crate::{draws, moves, press};

/// A caller without a window, in a process of its own, that shows the clip.
pub fn caller(server: &str, channel: &str, uid: u32, name: &str) -> Group {
    let mut command = quiet(tests::binary("headless"));
    command.args(["call", "--server", server, "--app-id", channel_server::DEFAULT_APP_ID, "--channel", channel, "--mode", "live"]);
    command.args(["--uid", &uid.to_string(), "--name", name, "--no-subscribe", "--profile", "720p_2", "--camera"]);
    Group::start(command.arg(clip::y4m(1280, 720, 30)))
}

#[test]
fn from_a_first_start_one_press_leads_into_a_call_where_the_next_who_comes_is_seen() {
    crate::scenario("the first start", async |_| {
        let listen = format!("127.0.0.1:{}", free_port());
        let window = Window::open(&["--listen", &listen, "--camera", "pattern", "--microphone", "tone", "--speaker", "none"]).await;
        assert!(!window.place().settings().exists(), "nothing was chosen before");
        window.run(clip::READ_NUMBER, vec![]).await;
        draws(&window, "local").await;
        window.screenshot("start-lobby").await;

        press(&window, "#join").await;
        window.toasts("join channel: demo success").await;
        window.toasts("stream published success").await;
        draws(&window, "local").await;
        window.shows("#alone").await;
        window.screenshot("start-alone").await;

        let _ana = caller(&format!("ws://{listen}"), "demo", 8, "Ana");
        window.toasts("stream-added uid: 8").await;
        window.toasts("stream-subscribed remote-uid: 8").await;
        moves(&window, "#remote_video_8").await;
        let named = "return document.querySelector('#remote_video_panel_8 .name').textContent === 'Ana';";
        window.sees("the caller goes by her name", named).await;
        window.sees("the hint is gone", "return document.querySelector('#alone').hidden;").await;
        window.sees("the toasts are gone", "return document.querySelector('.toast') === null;").await;
        window.screenshot("start-call").await;
        let settings = std::fs::read_to_string(window.place().settings()).expect("what was joined is kept");
        assert!(settings.contains("\"channel\": \"demo\""), "{settings}");
        window.close().await;
    });
}
