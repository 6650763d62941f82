//! The page at the sizes that people have, in both themes, saved for people to look at.

use tests::{clip, display::Display, window::Window};

use crate::{Guest, join, moves, scenario};

const SIZES: [(u32, u32); 3] = [(480, 800), (1000, 700), (1920, 1080)];

#[test]
fn the_page_is_drawn_at_every_size_in_the_light_and_in_the_dark() {
    scenario("screenshots at every size in both themes", async |service| {
        let camera = format!("file:{}", clip::y4m(1280, 720, 30).display());
        let arguments = ["--server", &service.url(), "--camera", &camera, "--microphone", "tone", "--speaker", "none"];
        let window = Window::open_on(Display::start(1920, 1080), &arguments).await;
        window.run(clip::READ_NUMBER, vec![]).await;
        moves(&window, "#local_stream").await;
        photograph(&window, "lobby").await;

        let _ben = Guest::join(&service.url(), "looks", 8).await;
        join(&window, "looks", "7").await;
        moves(&window, "#remote_video_8").await;
        window.sees("the toasts are gone", "return document.querySelector('.toast') === null;").await;
        photograph(&window, "call").await;
        window.close().await;
    });
}

async fn photograph(window: &Window, name: &str) {
    let mut backgrounds = Vec::new();
    for (width, height) in SIZES {
        window.resize(width, height).await;
        let wide = window.run("return document.documentElement.scrollWidth - innerWidth;", vec![]).await;
        assert!(wide.as_i64().is_some_and(|wide| wide <= 0), "{name} at {width}×{height} is {wide} px too wide");
        for theme in ["light", "dark"] {
            let body =
                format!("document.documentElement.dataset.theme = '{theme}'; return getComputedStyle(document.body).backgroundColor;");
            backgrounds.push(window.run(&body, vec![]).await);
            window.run("window.visavisSeen = {};", vec![]).await;
            moves(window, "#local_stream").await;
            window.screenshot(&format!("{name}-{width}-{theme}")).await;
        }
    }
    assert_ne!(backgrounds[0], backgrounds[1], "the themes differ");
}
