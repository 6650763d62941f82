//! The echo of a room in which the microphone hears the speaker.
#![cfg(target_os = "linux")]

use std::time::Duration;

use tests::room::{self, Rooms};

#[tokio::test]
async fn what_a_call_plays_comes_back_thirty_decibels_softer_from_a_room_a_tenth_of_a_second_deep() {
    let name = "the echo of a room";
    if !tests::live(name) {
        return;
    }
    let processings = ["off", "aec"];
    let rooms = match Rooms::open(&processings, Duration::from_millis(100)).await {
        Ok(rooms) => rooms,
        Err(why) => return eprintln!("skipped: {name} ({why})"),
    };
    let echoes = room::echoes(&rooms, &processings, Duration::from_secs(10), Duration::from_secs(10)).await;
    assert!(echoes[0].median > -50.0, "without processing the echo is heard: {echoes:?}");
    assert!(echoes[0].median - echoes[1].median >= 30.0, "without and with: {echoes:?}");
}
