//! Calls across networks that lose packets or carry little, on two hosts of their own.
#![cfg(target_os = "linux")]

use std::time::Duration;

use serde_json::{Value, json};
use tests::{
    browser::{self, Browser},
    call::{self, Caller},
    clip,
    hosts::{Host, Hosts},
    process::until,
    wire::{Bottleneck, End, Impairment, Wire},
};

/// For the pictures to come, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Frames of several seconds at 30 a second.
const SEVERAL_SECONDS: u64 = 150;

/// The most that may stand still or be made up, as a share: what a person would call broken.
const BROKEN: f64 = 0.3;

const CLEAN: Impairment = Impairment { loss: 0, bottleneck: None, jitter_ms: 0 };

fn narrow(kbps: u32) -> Impairment {
    Impairment { bottleneck: Some(Bottleneck { kbps, queue_ms: 200 }), ..CLEAN }
}

#[tokio::test]
async fn a_call_keeps_its_picture_and_its_sound_on_a_path_that_loses_every_fifth_packet() {
    across("20-percent-loss", Impairment { loss: 20, ..CLEAN }).await;
}

#[tokio::test]
async fn a_call_keeps_its_picture_and_its_sound_on_a_path_of_500_kbps() {
    across("500-kbps", narrow(500)).await;
}

#[tokio::test]
async fn a_call_keeps_its_picture_and_its_sound_on_a_path_whose_packets_overtake_each_other() {
    across("50-ms-jitter", Impairment { jitter_ms: 50, ..CLEAN }).await;
}

fn join(wire: &Wire, end: End, name: &str, arguments: &[&str]) -> Caller {
    let report = tests::output().join(format!("{name}-{end:?}.jsonl"));
    Caller::join(wire.command(end, tests::binary("headless")), &Wire::server(), report, arguments)
}

async fn until_several_seconds(caller: &Caller) {
    until("several seconds of pictures", PATIENCE, async || (caller.frames() > SEVERAL_SECONDS).then_some(())).await;
}

/// That a stream neither stood still nor was made up for long.
fn assert_whole(caller: &Caller, stream: &str) {
    let line = caller.line().expect("a report");
    let read = |pointer: &str| line.pointer(&format!("/receive/{stream}/{pointer}")).and_then(Value::as_f64).unwrap_or(0.0);
    let (played, concealed, frozen) = (read("audio/played_ms"), read("audio/concealed_ms"), read("video/frozen_ms"));
    assert!(concealed < BROKEN * (played + concealed), "{stream} sounds broken: {line}");
    assert!(frozen < BROKEN * (played + concealed), "{stream} stands still: {line}");
}

/// A call of two, until each has seen several seconds of the other.
async fn across(name: &str, network: Impairment) {
    let Some(wire) = Wire::live(name, network) else { return };
    let _service = wire.service(&[]).await;
    let callers =
        [(End::Left, "7"), (End::Right, "8")].map(|(end, uid)| join(&wire, end, name, &["--uid", uid, "--profile", "640x360@30:2000"]));
    for caller in &callers {
        until_several_seconds(caller).await;
    }
    assert_eq!(callers.each_ref().map(Caller::streams), [["8"], ["7"]]);
    for (caller, other) in callers.iter().zip(["8", "7"]) {
        assert_whole(caller, other);
    }
}

/// What a caller was told by events of this name, in order.
fn told(caller: &Caller, name: &str, what: &str) -> Vec<Value> {
    let events = caller.lines().into_iter().filter_map(|line| line["events"].as_array().cloned()).flatten();
    events.filter(|event| event["name"] == name).map(|event| event[what].clone()).collect()
}

#[tokio::test]
async fn where_no_picture_fits_the_sound_goes_on_alone_until_there_is_room_again() {
    let name = "fallback-to-sound";
    let Some(wire) = Wire::live(name, CLEAN) else { return };
    let _service = wire.service(&[]).await;
    let _shows = join(&wire, End::Left, name, &["--uid", "7", "--profile", "320x180@15:300"]);
    let sees = join(&wire, End::Right, name, &["--uid", "8", "--camera", "none", "--microphone", "none", "--fallback", "2"]);
    let fallbacks = || told(&sees, "stream-fallback", "sound_only");
    let more_frames = async |what: &str| {
        let before = sees.frames();
        until(what, PATIENCE, async || (sees.frames() > before + 30).then_some(())).await;
    };
    more_frames("pictures come").await;

    // The sound and its envelopes fill it.
    wire.impair(narrow(90)).expect("a link can be narrowed");
    until("the picture is given up", PATIENCE, async || (fallbacks() == [json!(true)]).then_some(())).await;
    let played = sees.reads("/receive/7/audio/played_ms");
    until("the sound goes on", PATIENCE, async || (sees.reads("/receive/7/audio/played_ms") > played + 2000.0).then_some(())).await;

    wire.impair(CLEAN).expect("a link can be opened");
    until("the picture is announced", PATIENCE, async || (fallbacks().last() == Some(&json!(false))).then_some(())).await;
    more_frames("pictures come again").await;
}

#[tokio::test]
async fn chromium_and_a_caller_see_and_hear_each_other_over_loss_in_both_directions() {
    let name = "chromium-over-loss";
    if tests::live(name) && !browser::available() {
        return;
    }
    let Some(wire) = Wire::live(name, Impairment { loss: 10, ..CLEAN }) else { return };
    // The page is a file, whose origin is called so.
    let _service = wire.service(&["--allow-origin", "null"]).await;
    let ours = join(&wire, End::Left, name, &["--uid", "7", "--profile", "640x360@30:1000"]);
    let browser = Browser::open_at(&wire, End::Right, &clip::y4m(640, 360, 30), &clip::speech()).await;
    let arguments = vec![json!(Wire::server()), json!(channel_server::DEFAULT_APP_ID), json!("hosts"), json!([640, 360])];
    let theirs = browser.call("joinChannel", arguments).await.to_string();

    until_several_seconds(&ours).await;
    let receives = |what: &str| ours.reads(&format!("/receive/{theirs}/{what}"));
    assert!(receives("video/lost") > 0.0 && receives("video/repaired") > 0.0, "packets are lost and sent again: {:?}", ours.line());
    assert_whole(&ours, &theirs);
    until("Chromium decodes our frames and plays our sound", PATIENCE, async || {
        let statistics = browser.call("statistics", vec![]).await;
        let reads = |what: &str| statistics[what].as_f64().unwrap_or(0.0);
        let enough = reads("framesDecoded") > SEVERAL_SECONDS as f64 && reads("audioSamples") > 240_000.0;
        (enough && reads("audioEnergy") > 0.0).then_some(())
    })
    .await;
    assert_eq!(browser.page.execute("return window.problems;", vec![]).await.expect("problems"), json!([]));
}

#[tokio::test]
async fn of_two_subscribers_the_one_on_the_narrow_link_gets_the_small_picture_and_the_other_keeps_the_large_one() {
    let name = "dual-stream";
    if !tests::live(name) {
        return;
    }
    let hosts = match Hosts::up_routed() {
        Ok(hosts) => hosts,
        Err(why) => return eprintln!("skipped: {name} (no network namespaces here: {why})"),
    };
    if let Err(why) = hosts.narrow(Host::Right, Bottleneck { kbps: 250, queue_ms: 200 }) {
        return eprintln!("skipped: {name} (this kernel has no narrow links: {why})");
    }
    let port = "47880";
    let _service = call::service(&hosts, port, &[], &[]);
    hosts.until_open(Host::Middle, "-t", port).await;
    let join = |host, arguments: &[&str]| {
        let report = tests::output().join(format!("{name}-{host:?}.jsonl"));
        Caller::join(hosts.command(host, tests::binary("headless")), &format!("ws://{}", hosts.middle(port)), report, arguments)
    };
    let _shows = join(Host::Middle, &["--uid", "7", "--profile", "640x360@30:1500", "--dual-stream"]);
    let silent = ["--camera", "none", "--microphone", "none"];
    let [wide, thin] = [(Host::Left, "8"), (Host::Right, "9")].map(|(host, uid)| join(host, &[&["--uid", uid], &silent[..]].concat()));

    let width = |caller: &Caller| caller.reads("/receive/7/video/width");
    let layers = |caller| told(caller, "stream-type-changed", "stream_type");
    until("the small picture comes over the narrow link", PATIENCE, async || {
        (layers(&thin) == [json!(1)] && (1.0..=160.0).contains(&width(&thin))).then_some(())
    })
    .await;
    for caller in [&thin, &wide] {
        let before = caller.frames();
        until("pictures go on", PATIENCE, async || (caller.frames() > before + SEVERAL_SECONDS / 2).then_some(())).await;
    }
    assert!(width(&wide) > width(&thin), "{} and {} pixels wide", width(&wide), width(&thin));
    assert_eq!(layers(&wide), Vec::<Value>::new());
}
