//! How much of what a call plays comes back from a room whose microphone hears the speaker 100 ms later.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{
    measure::round,
    room::{self, Echo},
};

const DELAY: Duration = Duration::from_millis(100);
/// How long an echo canceller learns before it is measured.
const SETTLE: Duration = Duration::from_secs(10);
/// What processing is to take off an echo, in dB.
const GOAL: f64 = 30.0;
/// An echo that nobody could miss, in dB of full scale.
const HEARD: f64 = -50.0;

/// The first is what the others are compared with.
const PROCESSINGS: [&str; 3] = ["off", "aec", "on"];

/// Each processing for so many seconds.
pub async fn echo(seconds: u64) -> Value {
    let rooms = match room::Rooms::open(&PROCESSINGS, DELAY).await {
        Ok(rooms) => rooms,
        Err(why) => return json!({"bench": "echo", "skipped": why}),
    };
    let echoes = room::echoes(&rooms, &PROCESSINGS, SETTLE, Duration::from_secs(seconds)).await;
    let loss = |echo: &Echo| echoes[0].median - echo.median;
    let rows: Vec<Value> = (PROCESSINGS.iter().zip(&echoes))
        .map(|(processing, echo)| {
            json!({
                "processing": processing,
                "echo_db": round(echo.median),
                "loudest_second_db": round(echo.loudest),
                "echo_return_loss_db": round(loss(echo)),
            })
        })
        .collect();
    // Without processing there has to be an echo.
    let met = echoes[0].median > HEARD && echoes[1..].iter().all(|echo| loss(echo) >= GOAL);
    json!({"bench": "echo", "seconds": seconds, "delay_ms": DELAY.as_millis() as u64, "goal_db": GOAL, "met": met, "rows": rows})
}
