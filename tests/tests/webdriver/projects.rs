//! The Projects panel, from a new project to a call with its token.

use tests::{clip, process::free_port, window::Window};

use crate::{moves, press, refused, scenario};

/// A window that brings its own service along.
async fn open() -> Window {
    let camera = format!("file:{}", clip::y4m(1280, 720, 30).display());
    let listen = format!("127.0.0.1:{}", free_port());
    let window = Window::open(&["--listen", &listen, "--camera", &camera, "--microphone", "tone", "--speaker", "none"]).await;
    window.run(clip::READ_NUMBER, vec![]).await;
    window
}

async fn open_panel(window: &Window) {
    window.click("#form [data-do=projects]").await;
    window.shows("#project_list .project").await;
}

/// A selector inside the card of the project that was made last.
fn card(rest: &str) -> String {
    format!(".project:last-child {rest}")
}

#[test]
fn a_project_is_made_secured_and_joined_with_its_token() {
    scenario("the Projects panel", async |_| {
        let window = open().await;
        let says = async |selector: &str, text: &str| {
            let body = format!("return document.querySelector('{selector}')?.textContent.includes('{text}');");
            window.sees(&format!("{selector} says {text:?}"), &body).await;
        };
        open_panel(&window).await;
        says("#projects_place", "which this Visavis runs").await;
        says(".project .badge.default", "Default").await;
        window.fill("#project_name", "Lessons").await;
        window.click("#projects_new button").await;
        says(&card("h3"), "Lessons").await;
        says(&card(".badge.open"), "Open").await;

        window.click(&card(".switch.certificate")).await;
        says(&card(".question"), "everyone needs a token").await;
        window.screenshot("projects-question").await;
        window.click(&card(".question .primary")).await;
        says(&card(".badge.secured"), "Tokens").await;

        // Without a token nobody joins, and the form says why.
        window.click(&card(".use")).await;
        window.toasts("Filled in. Press JOIN.").await;
        press(&window, "#join").await;
        refused(&window, "ERR_DYNAMIC_USE_STATIC_KE").await;
        window.screenshot("projects-join-refused").await;

        open_panel(&window).await;
        window.click(&card(".token summary")).await;
        window.fill(&card("[name=channel]"), "lessons").await;
        window.fill(&card("[name=uid]"), "7").await;
        window.click(&card(".token [type=submit]")).await;
        window.shows(&card(".use-token")).await;
        window.screenshot("projects-token").await;
        window.click(&card(".use-token")).await;
        window.sees("the form has the token", "return document.querySelector('[name=token]').value.startsWith('007');").await;
        press(&window, "#join").await;
        window.toasts("join channel: lessons success, uid: 7").await;
        window.toasts("stream published success").await;
        moves(&window, "#local_stream").await;
        press(&window, "#leave").await;
        window.toasts("leave success").await;

        open_panel(&window).await;
        window.click(&card(".switch.enabled")).await;
        window.click(&card(".question .primary")).await;
        says(&card(".badge.off"), "Off").await;
        window.click("#projects_close").await;
        press(&window, "#join").await;
        refused(&window, "INVALID_VENDOR_KEY").await;
        window.close().await;
    });
}

#[test]
fn a_service_that_is_not_this_windows_has_projects_of_its_own() {
    scenario("projects elsewhere", async |service| {
        let window = crate::open(&service.url()).await;
        window.click("#form [data-do=projects]").await;
        window
            .sees("the panel says where they are", "return document.querySelector('#projects_place').textContent.includes('are its own');")
            .await;
        window.lacks(".project").await;
        window.screenshot("projects-external").await;
        window.close().await;
        let address = service.address().to_string();
        let window = Window::open(&["--listen", &address, "--camera", "pattern", "--microphone", "tone", "--speaker", "none"]).await;
        window.click("#form [data-do=projects]").await;
        let body = "return document.querySelector('#projects_place').textContent.includes('Another program');";
        window.sees("the panel says that a stranger serves", body).await;
        window.close().await;
    });
}
