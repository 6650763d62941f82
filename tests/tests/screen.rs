//! A real window on a real (virtual) screen, shared: what the other side sees of its letters, and what becomes of it when the window is
//! resized, minimised and closed.

#![cfg(target_os = "linux")]

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use client::{Client, Config, Event, Events, RemoteStream, StreamId, StreamSource, SubscribeOptions, Uid, VideoFrame};
use media::latest::Next;
use serde_json::Value;
use tests::{
    display::Display,
    live,
    process::{Group, logged, until},
    service::Service,
};

const PATIENCE: Duration = Duration::from_secs(30);
const WIDTH: usize = 800;
const HEIGHT: usize = 600;
/// The size of a letter's dots in pixels: strokes as thin as those of a desktop's text.
const DOT: usize = 1;
const TITLE: &str = "Visavis notes";

/// Letters of 5×7 dots, a row each.
const LETTERS: [[u8; 7]; 6] = [
    [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111],
    [0b10001, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001],
    [0b01110, 0b10001, 0b10000, 0b01110, 0b00001, 0b10001, 0b01110],
    [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100],
    [0b10001, 0b11011, 0b10101, 0b10101, 0b10001, 0b10001, 0b10001],
    [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001],
];
/// The colours below the letters.
const BARS: [[u8; 3]; 4] = [[200, 30, 30], [30, 160, 30], [30, 30, 200], [230, 220, 40]];
/// Where they begin, in rows.
const BELOW: usize = HEIGHT * 3 / 4;

/// A page of black letters on white, and bars below.
fn page() -> Vec<[u8; 3]> {
    let mut page = vec![[255; 3]; WIDTH * HEIGHT];
    for (index, pixel) in page.iter_mut().enumerate() {
        let (x, y) = (index % WIDTH, index / WIDTH);
        if y >= BELOW {
            *pixel = BARS[x * BARS.len() / WIDTH];
            continue;
        }
        let (column, row) = (x / DOT, y / DOT);
        let letter = LETTERS[(column / 7 + row / 11 * 5) % LETTERS.len()];
        let (across, down) = (column % 7, row % 11);
        if across < 5 && down < 7 && letter[down] >> (4 - across) & 1 == 1 {
            *pixel = [0; 3];
        }
    }
    page
}

/// A window manager, once it has taken over: a window that comes while it starts may never be shown.
async fn manage(display: &Display) -> Group {
    let ready = tests::output().join("screen-manager.ready");
    let _ = fs::remove_file(&ready);
    let mut command = logged("openbox", &tests::output().join("screen-manager.log"));
    let manager = Group::start(command.arg("--startup").arg(format!("touch '{}'", ready.display())).env("DISPLAY", display.name()));
    until("the window manager has started", PATIENCE, async || ready.exists().then_some(())).await;
    manager
}

/// A window that shows the page.
fn show(display: &Display) -> Group {
    let path = tests::output().join("screen.ppm");
    let pixels: Vec<u8> = page().into_iter().flatten().collect();
    fs::write(&path, [format!("P6\n{WIDTH} {HEIGHT}\n255\n").as_bytes(), &pixels].concat()).expect("tests/output is writable");
    let mut command = logged("display", &tests::output().join("screen-window.log"));
    Group::start(command.arg(path).env("DISPLAY", display.name()))
}

fn headless(display: &Display) -> Command {
    let mut command = Command::new(tests::binary("headless"));
    command.env("DISPLAY", display.name()).env_remove("WAYLAND_DISPLAY").env_remove("XDG_SESSION_TYPE").stdin(Stdio::null());
    command
}

/// What can be shared on that display.
fn screens(display: &Display) -> Vec<Value> {
    let output = headless(display).arg("screens").output().expect("headless runs");
    let text = String::from_utf8(output.stdout).expect("JSON is text");
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

/// What a pixel's luma is in a frame: BT.601, limited range.
fn luma([red, green, blue]: [u8; 3]) -> f64 {
    16.0 + (65.481 * f64::from(red) + 128.553 * f64::from(green) + 24.966 * f64::from(blue)) / 255.0
}

/// How the letters of a frame differ from the page's: the peak signal-to-noise ratio of their luma in dB, and the share of their pixels
/// that an eye takes for the wrong one of black and white.
fn compare(frame: &VideoFrame) -> (f64, f64) {
    let page = page();
    let pairs = || page.iter().zip(frame.y()).take(WIDTH * BELOW).map(|(pixel, seen)| (luma(*pixel), f64::from(*seen)));
    let error = pairs().map(|(wanted, seen)| (wanted - seen).powi(2)).sum::<f64>() / (WIDTH * BELOW) as f64;
    let wrong = pairs().filter(|(wanted, seen)| (*wanted > 126.0) != (*seen > 126.0)).count() as f64 / (WIDTH * BELOW) as f64;
    (10.0 * (255.0_f64.powi(2) / error.max(1e-9)).log10(), wrong)
}

/// How far the bars' colour differences are from what they should be, at most.
fn colour_error(frame: &VideoFrame) -> f64 {
    let row = (BELOW + HEIGHT) / 4 * (WIDTH / 2);
    let of_bar = |(bar, [red, green, blue]): (usize, &[u8; 3])| {
        let at = row + (2 * bar + 1) * WIDTH / 2 / (2 * BARS.len());
        let mix = |weights: [f64; 3]| {
            128.0 + (weights[0] * f64::from(*red) + weights[1] * f64::from(*green) + weights[2] * f64::from(*blue)) / 255.0
        };
        let (u, v) = (mix([-37.797, -74.203, 112.0]), mix([112.0, -93.786, -18.214]));
        (f64::from(frame.u()[at]) - u).abs().max((f64::from(frame.v()[at]) - v).abs())
    };
    BARS.iter().enumerate().map(of_bar).fold(0.0, f64::max)
}

/// Looks at a stream until a picture is as wanted; answers it.
async fn seen(what: &str, stream: &RemoteStream, wanted: impl Fn(&VideoFrame) -> bool + Send + 'static) -> VideoFrame {
    let mut frames = stream.frames();
    let look = move || {
        let end = Instant::now() + PATIENCE;
        let mut last = None;
        // What is there already is not new.
        let _ = frames.next(Duration::ZERO);
        while Instant::now() < end {
            match frames.next(Duration::from_secs(1)) {
                Next::Value(frame) if wanted(&frame) => return Ok(frame),
                Next::Value(frame) => last = Some(frame),
                Next::Timeout => {}
                Next::Closed => break,
            }
        }
        Err(last.map(|frame| (frame.width(), frame.height(), compare(&frame))))
    };
    let found = tokio::task::spawn_blocking(look).await.expect("looking does not panic");
    found.unwrap_or_else(|last| panic!("{what}: the last picture was {last:?}"))
}

/// Somebody who watches, without a window.
async fn viewer(service: &Service) -> (Client, Events) {
    let (client, events) = Client::with_config(Config { server: service.url(), speaker: "none".into(), ..Config::default() });
    client.init(channel_server::DEFAULT_APP_ID).await.expect("an App ID");
    client.join(None, "screen", Some(Uid::Number(2))).await.expect("joins");
    (client, events)
}

async fn event<T>(events: &mut Events, what: &str, find: impl Fn(Event) -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = find(events.recv().await.expect("the client lives")) {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

/// Gives a window its title as today's programs do; ImageMagick knows only the old property, which is not read.
fn entitle(display: &Display, id: &str) {
    let mut xprop = Command::new("xprop");
    xprop.args(["-id", id.trim_start_matches("window:"), "-f", "_NET_WM_NAME", "8u", "-set", "_NET_WM_NAME", TITLE]);
    let done = xprop.env("DISPLAY", display.name()).status();
    assert!(done.expect("xprop is installed").success(), "a title for {id}");
}

fn xdotool(display: &Display, arguments: &[&str]) {
    let done = Command::new("xdotool").args(arguments).env("DISPLAY", display.name()).status();
    assert!(done.expect("xdotool is installed").success(), "xdotool {arguments:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_window_is_readable_follows_its_size_and_ends_with_it() {
    if !live("a_shared_window_is_readable_follows_its_size_and_ends_with_it") {
        return;
    }
    let display = Display::start(1280, 900);
    let _manager = manage(&display).await;
    let window = show(&display);
    let size = |screen: &Value| (screen["width"].as_u64(), screen["height"].as_u64());
    let whole = (Some(WIDTH as u64), Some(HEIGHT as u64));
    let id = until("the window is there", PATIENCE, async || {
        let listed = screens(&display);
        let window = |screen: &&Value| screen["id"].as_str().is_some_and(|id| id.starts_with("window:"));
        let found = listed.iter().filter(window).find(|screen| size(screen) == whole)?;
        found["id"].as_str().map(str::to_owned)
    })
    .await;
    entitle(&display, &id);
    until("the window is listed by its title", PATIENCE, async || {
        let listed = screens(&display);
        listed.iter().any(|screen| screen["id"] == id && screen["title"] == TITLE && size(screen) == whole).then_some(())
    })
    .await;
    assert!(screens(&display)[0]["id"].as_str().is_some_and(|id| id.starts_with("screen:")), "whole screens come first");

    let service = Service::start().await;
    let (client, mut events) = viewer(&service).await;
    let (server, report) = (service.url(), tests::output().join("screen.jsonl"));
    let mut publisher = headless(&display);
    publisher.args(["call", "--server", &server, "--app-id", channel_server::DEFAULT_APP_ID, "--channel", "screen", "--uid", "1"]);
    publisher.args(["--camera", "none", "--microphone", "none", "--no-subscribe", "--screen", &id, "--report"]).arg(&report);
    let _publisher = Group::start(&mut publisher);
    let screen = StreamId { uid: Uid::Number(1), source: StreamSource::Screen };
    event(&mut events, "the screen is published", |event| match event {
        Event::StreamAdded { stream } => (stream.id.source == StreamSource::Screen).then_some(()),
        _ => None,
    })
    .await;
    client.subscribe(&screen, SubscribeOptions::default()).await.expect("subscribes");
    let stream = client.streams().into_iter().next().expect("it is subscribed to");

    let is_page = |frame: &VideoFrame| (frame.width() as usize, frame.height() as usize) == (WIDTH, HEIGHT);
    let picture = seen("sharp letters", &stream, move |frame| is_page(frame) && compare(frame).0 > 32.0 && compare(frame).1 < 0.001).await;
    let (psnr, wrong) = compare(&picture);
    println!("letters: {psnr:.1} dB, {:.4} % of the pixels on the wrong side", wrong * 100.0);
    assert!(colour_error(&picture) < 8.0, "the bars are off their colours by {}", colour_error(&picture));

    let number = id.trim_start_matches("window:");
    xdotool(&display, &["windowsize", number, "640", "480"]);
    seen("the window's new size", &stream, |frame| (frame.width(), frame.height()) == (640, 480)).await;
    xdotool(&display, &["windowminimize", number]);
    for _ in 0..3 {
        seen("a minimised window lives on", &stream, |frame| frame.width() == 640).await;
    }
    drop(window);
    event(&mut events, "the screen's end", |event| match event {
        Event::StreamRemoved { stream } => (stream == screen).then_some(()),
        _ => None,
    })
    .await;
    until("the publisher goes on without", PATIENCE, async || {
        let last = fs::read_to_string(&report).ok()?.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok())?;
        (last["screen"].is_null() && last["state"] == "CONNECTED").then_some(())
    })
    .await;
    client.leave().await.expect("leaves");
}

#[test]
fn where_no_screen_can_be_seen_a_sentence_says_why() {
    if !live("where_no_screen_can_be_seen_a_sentence_says_why") {
        return;
    }
    for (name, value, why) in
        [("WAYLAND_DISPLAY", "wayland-0", "Wayland"), ("XDG_SESSION_TYPE", "wayland", "Wayland"), ("DISPLAY", "", "no display")]
    {
        let mut command = Command::new(tests::binary("headless"));
        command.arg("screens").env_remove("WAYLAND_DISPLAY").env_remove("XDG_SESSION_TYPE").env("DISPLAY", ":0").env(name, value);
        let output = command.output().expect("headless runs");
        let told: Value = serde_json::from_slice(&output.stdout).expect("a line {code, message}");
        assert_eq!((output.status.code(), &told["code"]), (Some(1), &Value::from("SHARING_SCREEN_NOT_SUPPORT")));
        assert!(told["message"].as_str().is_some_and(|message| message.contains(why)), "{told}");
    }
}
