//! Many people in a call: all of them are seen, and move.

use futures_util::future::join_all;
use tests::window::Window;

use crate::{Caller, Guest, scenario};

/// Names as people have them: short, long, in other scripts.
const NAMES: [&str; 8] = ["Ana", "李娜", "Bartholomew Featherstonehaugh the Third", "Δήμητρα", "مريم", "Zoë", "", "🦊 Fox"];

async fn guests(server: &str, uids: std::ops::Range<u32>) -> Vec<Guest> {
    let caller = |uid: u32| Caller { uid, name: NAMES[uid as usize % NAMES.len()], clip: (320, 180, 15), profile: "320x180@15:150" };
    join_all(uids.map(|uid| Guest::join_as(server, "crowd", caller(uid)))).await
}

/// Waits until there are so many tiles, and each has drawn ten more pictures.
async fn all_draw(window: &Window, tiles: u32) {
    window.run("window.visavisFrom = new Map();", vec![]).await;
    let body = format!(
        "const from = window.visavisFrom;
         const others = visavisFrames.tiles.filter(tile => tile.stream !== 'local' && tile.size.width > 0);
         for (const tile of others) if (!from.has(tile)) from.set(tile, tile.meter.drawn);
         return others.filter(tile => tile.meter.drawn >= from.get(tile) + 10).length === {tiles};"
    );
    window.sees(&format!("{tiles} tiles move"), &body).await;
}

#[test]
fn nine_and_then_sixteen_callers_are_seen_side_by_side() {
    scenario("nine and sixteen callers", async |service| {
        let url = service.url();
        let arguments = ["--server", &url, "--camera", "none", "--microphone", "none", "--speaker", "none"];
        let window = Window::open(&arguments).await;
        let nine = guests(&url, 101..110).await;
        // Among the toasts of nine who are found, the one of one's own join may not get its turn.
        window.fill("[name=channel]", "crowd").await;
        window.click("#join").await;
        window.sees("one is in the call", "return document.documentElement.dataset.state === 'call';").await;
        all_draw(&window, 9).await;
        window.sees("the toasts are gone", "return document.querySelector('.toast') === null;").await;
        window.screenshot("crowd-9").await;

        let more = guests(&url, 110..117).await;
        all_draw(&window, 16).await;
        let apart = "const boxes = [...document.querySelectorAll('#video > .video-view')].filter(e => !e.hidden).map(e => e.getBoundingClientRect());
            const room = document.querySelector('#video').getBoundingClientRect();
            const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
            return boxes.length === 16
                && boxes.every(box => box.left >= room.left && box.right <= room.right && box.top >= room.top && box.bottom <= room.bottom)
                && boxes.every((box, at) => boxes.every((other, index) => index <= at || !meet(box, other)));";
        window.sees("sixteen tiles stand beside each other inside the room", apart).await;
        window.sees("the toasts are gone", "return document.querySelector('.toast') === null;").await;
        window.screenshot("crowd-16").await;

        drop(more);
        all_draw(&window, 9).await;
        drop(nine);
        window.lacks("[id^=remote_video_panel_]").await;
        window.close().await;
    });
}
