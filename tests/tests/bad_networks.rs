//! Calls across networks that lose packets or carry little, on two hosts of their own.
#![cfg(target_os = "linux")]

use std::time::Duration;

use serde_json::Value;
use tests::{
    call::Caller,
    process::until,
    wire::{Bottleneck, End, Impairment, Wire},
};

/// For the pictures to come, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Frames of several seconds at 30 a second.
const SEVERAL_SECONDS: u64 = 150;

/// The most that may stand still or be made up, as a share: what a person would call broken.
const BROKEN: f64 = 0.3;

#[tokio::test]
async fn a_call_keeps_its_picture_and_its_sound_on_a_path_that_loses_every_fifth_packet() {
    across("20-percent-loss", Impairment { loss: 20, bottleneck: None }).await;
}

#[tokio::test]
async fn a_call_keeps_its_picture_and_its_sound_on_a_path_of_500_kbps() {
    across("500-kbps", Impairment { loss: 0, bottleneck: Some(Bottleneck { kbps: 500, queue_ms: 200 }) }).await;
}

/// A call of two, until each has seen several seconds of the other.
async fn across(name: &str, network: Impairment) {
    if !tests::live(name) {
        return;
    }
    let wire = match Wire::up() {
        Ok(wire) => wire,
        Err(why) => return eprintln!("skipped: {name} (no network namespaces here: {why})"),
    };
    if let Err(why) = wire.impair(network) {
        return eprintln!("skipped: {name} (this kernel cannot make such a network: {why})");
    }
    let _service = wire.service(&[]).await;
    let callers = [(End::Left, "7"), (End::Right, "8")].map(|(end, uid)| {
        let report = tests::output().join(format!("{name}-{uid}.jsonl"));
        let command = wire.command(end, tests::binary("headless"));
        Caller::join(command, &Wire::server(), report, &["--uid", uid, "--profile", "640x360@30:2000"])
    });
    for caller in &callers {
        until("several seconds of pictures", PATIENCE, async || (caller.frames() > SEVERAL_SECONDS).then_some(())).await;
    }
    assert_eq!(callers.each_ref().map(Caller::streams), [["8"], ["7"]]);
    for (caller, other) in callers.iter().zip(["8", "7"]) {
        let line = caller.line().expect("a report");
        let read = |pointer: &str| line.pointer(&format!("/receive/{other}/{pointer}")).and_then(Value::as_f64).unwrap_or(0.0);
        let (played, concealed, frozen) = (read("audio/played_ms"), read("audio/concealed_ms"), read("video/frozen_ms"));
        assert!(concealed < BROKEN * (played + concealed), "{other} sounds broken: {line}");
        assert!(frozen < BROKEN * (played + concealed), "{other} stands still: {line}");
    }
}
