//! The page at the sizes that people have, in both themes, saved for people to look at.

use tests::{clip, display::Display, window::Window};

use crate::{Caller, Guest, join, moves, press, scenario};

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

/// What each language's page may show of the other's letters: names, Agora's words, and what people typed.
const WORDS: &str = include_str!("words.js");

/// The parts of the page that are opened one after the other to be read.
const OPENED: [(&str, &str); 10] = [
    ("general", "document.querySelector('#lobby_settings').click(); document.querySelector('#tab_general').click();"),
    ("video", "document.querySelector('#tab_video').click();"),
    ("sound", "document.querySelector('#tab_sound').click();"),
    ("shortcuts", "document.querySelector('#tab_shortcuts').click();"),
    ("service", "document.querySelector('#tab_service').click();"),
    ("about", "document.querySelector('#tab_about').click();"),
    ("projects", "document.querySelector('#settings').close(); document.querySelector('#form [data-do=projects]').click();"),
    ("more", "document.querySelector('#projects').close(); document.querySelector('#more').showPopover();"),
    ("microphones", "document.querySelector('#microphones').showPopover();"),
    ("cameras", "document.querySelector('#cameras').showPopover();"),
];

#[test]
fn both_languages_fit_a_narrow_window_and_a_screen_of_4k_in_both_themes() {
    scenario("languages, themes and sizes", async |service| {
        let camera = format!("file:{}", clip::y4m(1280, 720, 30).display());
        let arguments = ["--server", &service.url(), "--camera", &camera, "--microphone", "tone", "--speaker", "none"];
        let window = Window::open_on(Display::start(3840, 2160), &arguments).await;
        window.run(clip::READ_NUMBER, vec![]).await;
        window.run(WORDS, vec![]).await;
        moves(&window, "#local_stream").await;
        window.fill("[name=channel]", "looks").await;
        every_way(&window, "lobby").await;
        for language in ["en", "zh-CN"] {
            look(&window, "light", language).await;
            for (name, open) in OPENED {
                window.run(open, vec![]).await;
                fits(&window, &format!("{name} in {language}")).await;
            }
            window.run("for (const open of document.querySelectorAll(':popover-open')) open.hidePopover();", vec![]).await;
        }
        look(&window, "light", "en").await;
        let ana = Caller { uid: 8, name: "Ana", clip: (1280, 720, 30), profile: "720p_2" };
        let _ana = Guest::join_as(&service.url(), "looks", ana).await;
        join(&window, "looks", "7").await;
        moves(&window, "#remote_video_8").await;
        window.sees("the toasts are gone", "return document.querySelector('.toast') === null;").await;
        every_way(&window, "call").await;
        press(&window, "#leave").await;
        window.close().await;
    });
}

/// Looks at the page in both languages and themes, small and very large.
async fn every_way(window: &Window, name: &str) {
    for (width, height) in [(3840, 2160), (480, 800)] {
        window.resize(width, height).await;
        for (theme, language) in [("light", "en"), ("light", "zh-CN"), ("dark", "zh-CN"), ("dark", "en")] {
            look(window, theme, language).await;
            fits(window, &format!("{name} at {width}×{height} in {language}")).await;
            window.screenshot(&format!("looks-{name}-{width}-{theme}-{language}")).await;
        }
    }
}

/// Has the page look and speak like this, as the settings would.
async fn look(window: &Window, theme: &str, language: &str) {
    let change = format!(
        "window.__TAURI__.core.invoke('set_settings', {{ change: {{ theme: '{theme}', language: '{language}' }} }}).catch(console.error);"
    );
    window.run(&change, vec![]).await;
    let body =
        format!("const {{ dataset, lang }} = document.documentElement; return dataset.theme === '{theme}' && lang === '{language}';");
    window.sees(&format!("the page is {theme} and speaks {language}"), &body).await;
}

/// Nothing stands out of the window to the side, and nothing is in another language.
async fn fits(window: &Window, what: &str) {
    let wide = window.run("return visavisTooWide();", vec![]).await;
    assert_eq!(wide.as_array().map(Vec::len), Some(0), "{what}: {wide}");
    let foreign = window.run("return visavisForeign();", vec![]).await;
    assert_eq!(foreign.as_array().map(Vec::len), Some(0), "{what}: {foreign}");
}
