//! Two people in a call.

use serde_json::Value;
use tests::clip;

use crate::{join, moves, open, scenario};

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
