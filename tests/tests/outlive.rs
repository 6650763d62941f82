//! Calls outlive their channel service, and a short silence: a service killed and started again under fifty callers is what it was, and
//! nobody's picture stopped; a caller without a network is missed only if it stays away.
#![cfg(target_os = "linux")]

use std::{
    collections::BTreeSet,
    path::PathBuf,
    time::{Duration, Instant},
};

use client::{Client, Config, Event, Events, LeaveReason, SubscribeOptions};
use serde_json::Value;
use tests::{
    process::{Group, free_port, quiet, until},
    service::Service,
};

const CHANNELS: u32 = 10;
const MEMBERS: u32 = 5;

/// For fifty callers on two cores to see each other.
const PATIENCE: Duration = Duration::from_secs(120);

/// A caller without a window, and its report.
struct Caller {
    uid: u32,
    report: PathBuf,
    process: Group,
}

impl Caller {
    fn start(url: &str, folder: &std::path::Path, channel: u32, member: u32) -> Self {
        let uid = channel * 100 + member + 1;
        let report = folder.join(format!("{uid}.jsonl"));
        let mut command = quiet(tests::binary("headless"));
        command.args(["call", "--server", url, "--app-id", channel_server::DEFAULT_APP_ID, "--channel", &name(channel)]);
        command.args(["--uid", &uid.to_string(), "--camera", "pattern", "--microphone", "none", "--profile", "160x120@10:65"]);
        command.arg("--report").arg(&report);
        Self { uid, report, process: Group::start(&mut command) }
    }

    /// The report's lines so far; a line that is just being written is left out.
    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.report).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

fn name(channel: u32) -> String {
    format!("outlive-{channel}")
}

/// How many frames of each other member a line of a report counts.
fn frames(line: &Value) -> Vec<u64> {
    let streams = line["receive"].as_object().into_iter().flatten();
    streams.filter_map(|(_, stream)| stream["video"]["frames"].as_u64()).collect()
}

/// Whether everyone's picture moves in a line.
fn sees_everyone(line: &Value) -> bool {
    let frames = frames(line);
    frames.len() == MEMBERS as usize - 1 && frames.iter().all(|count| *count > 0)
}

fn serve(port: u16) -> Group {
    Group::start(quiet(tests::binary("channel-server")).args(["--listen", &format!("127.0.0.1:{port}")]))
}

/// A member of a channel that watches the others.
async fn watcher(url: &str, channel: &str) -> (Client, Events) {
    let config = Config { server: url.into(), speaker: "none".into(), ..Config::default() };
    let (client, events) = Client::with_config(config);
    client.init(channel_server::DEFAULT_APP_ID).await.expect("init");
    until("the service is there", PATIENCE, async || client.join(None, channel, None).await.ok()).await;
    (client, events)
}

async fn next(events: &mut Events) -> Event {
    tokio::time::timeout(PATIENCE, events.recv()).await.expect("an event comes").expect("the client lives")
}

/// Joins a channel and waits until it is told of every member and stream.
async fn finds_everyone(url: &str, channel: u32) {
    let (client, mut events) = watcher(url, &name(channel)).await;
    let (mut online, mut streams) = (BTreeSet::new(), BTreeSet::new());
    while online.len() < MEMBERS as usize || streams.len() < MEMBERS as usize {
        match next(&mut events).await {
            Event::PeerOnline { uid } => _ = online.insert(uid),
            Event::StreamAdded { stream } => _ = streams.insert(stream.id),
            Event::PeerLeave { uid, reason } => panic!("{uid} left: {reason:?}"),
            _ => {}
        }
    }
    client.leave().await.expect("leave");
}

/// Stopped in its tracks a caller is as silent as one without a network, and its sockets stay open.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_caller_who_comes_back_in_time_is_missed_by_nobody_and_one_who_does_not_is_gone() {
    if !tests::live("a caller that falls silent") {
        return;
    }
    let service = Service::start().await;
    let (client, mut events) = watcher(&service.url(), &name(0)).await;
    let folder = tests::output().join("silent");
    std::fs::create_dir_all(&folder).expect("the output folder is writable");
    let caller = Caller::start(&service.url(), &folder, 0, 0);
    let stream = loop {
        match next(&mut events).await {
            Event::StreamAdded { stream } => client.subscribe(&stream.id, SubscribeOptions::default()).await.expect("subscribe"),
            Event::StreamSubscribed { stream } => break stream,
            _ => {}
        }
    };
    until("the picture moves", PATIENCE, async || stream.frames().peek()).await;

    caller.process.signal("STOP");
    let names = until_event(&mut events, |event| matches!(event, Event::StreamReconnectStart { .. })).await;
    caller.process.signal("CONT");
    let more = until_event(&mut events, |event| matches!(event, Event::StreamReconnectEnd { success: true, .. })).await;
    let missed = ["peer-leave", "stream-removed"];
    assert!(!names.iter().chain(&more).any(|name| missed.contains(name)), "{names:?} {more:?}");

    caller.process.signal("STOP");
    let stopped = Instant::now();
    let gone = |event: &Event| matches!(event, Event::PeerLeave { reason: LeaveReason::ServerTimeOut, .. });
    let names = until_event(&mut events, gone).await;
    let removed = names.iter().position(|name| *name == "stream-removed");
    assert!(removed.is_some_and(|at| at < names.len() - 1), "the stream is removed before its publisher leaves: {names:?}");
    eprintln!("a caller that fell silent was gone after {:?}", stopped.elapsed());
    caller.process.signal("CONT");
    client.leave().await.expect("leave");
    service.stop().await;
}

/// Receives events up to the one that is waited for; their names.
async fn until_event(events: &mut Events, wanted: impl Fn(&Event) -> bool) -> Vec<&'static str> {
    let mut names = Vec::new();
    loop {
        let event = next(events).await;
        names.push(event.name());
        if wanted(&event) {
            return names;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_killed_and_started_again_under_fifty_callers_is_what_it_was() {
    if !tests::live("fifty callers whose service is killed") {
        return;
    }
    let port = free_port();
    let url = format!("ws://127.0.0.1:{port}");
    let service = serve(port);
    let folder = tests::output().join("outlive");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the output folder is writable");
    until("the service answers", PATIENCE, async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()).await;
    let callers: Vec<Caller> = (0..CHANNELS)
        .flat_map(|channel| (0..MEMBERS).map(move |member| (channel, member)))
        .map(|(channel, member)| Caller::start(&url, &folder, channel, member))
        .collect();
    for caller in &callers {
        let all = format!("caller {} sees everyone", caller.uid);
        until(&all, PATIENCE, async || caller.lines().last().is_some_and(sees_everyone).then_some(())).await;
    }

    service.signal("KILL");
    drop(service);
    let killed: Vec<usize> = callers.iter().map(|caller| caller.lines().len()).collect();
    for (caller, before) in callers.iter().zip(&killed) {
        until("four seconds without the service", PATIENCE, async || (caller.lines().len() >= before + 5).then_some(())).await;
    }

    let service = serve(port);
    let returned = Instant::now();
    for channel in 0..CHANNELS {
        finds_everyone(&url, channel).await;
    }
    let whole = returned.elapsed();
    let back: Vec<usize> = callers.iter().map(|caller| caller.lines().len()).collect();
    for (caller, before) in callers.iter().zip(&back) {
        until("two more seconds", PATIENCE, async || (caller.lines().len() >= before + 3).then_some(())).await;
    }
    let mut frozen = 0.0;
    for (caller, killed) in callers.iter().zip(&killed) {
        frozen += never_stopped(caller, &caller.lines()[killed - 1..]);
    }
    eprintln!(
        "the channels were whole {whole:?} after the service's return; {frozen} ms frozen in all over {} streams",
        CHANNELS * MEMBERS * (MEMBERS - 1)
    );
    drop(service);
}

/// Every stream showed new frames from each line of the report to the next, over the connection it began with. How long its pictures
/// stood still in all, in milliseconds.
fn never_stopped(caller: &Caller, lines: &[Value]) -> f64 {
    let first_frames = |line: &Value| -> Vec<Value> {
        line["receive"].as_object().into_iter().flatten().map(|(_, stream)| stream["video"]["first_frame_ms"].clone()).collect()
    };
    for pair in lines.windows(2) {
        let (then, now) = (frames(&pair[0]), frames(&pair[1]));
        assert_eq!(first_frames(&pair[0]), first_frames(&pair[1]), "caller {} subscribed anew", caller.uid);
        assert!(
            then.iter().zip(&now).all(|(then, now)| then < now),
            "caller {}: a picture stopped between\n{}\n{}",
            caller.uid,
            pair[0],
            pair[1]
        );
    }
    let states: BTreeSet<&str> = lines.iter().filter_map(|line| line["state"].as_str()).collect();
    assert!(states.contains("CONNECTING"), "caller {} was never without the service", caller.uid);
    assert_eq!(lines.last().map(|line| &line["state"]), Some(&Value::from("CONNECTED")), "caller {}", caller.uid);
    let frozen = |line: &Value| -> f64 {
        line["receive"].as_object().into_iter().flatten().filter_map(|(_, stream)| stream["video"]["frozen_ms"].as_f64()).sum()
    };
    frozen(&lines[lines.len() - 1]) - frozen(&lines[0])
}
