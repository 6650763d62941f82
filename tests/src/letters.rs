//! A window of black letters on white, and what is left of them in a picture of it.

use std::{
    fs,
    time::{Duration, Instant},
};

use client::{RemoteStream, VideoFrame};
use media::latest::Next;

use crate::{
    display::Display,
    process::{Group, logged},
};

const PATIENCE: Duration = Duration::from_secs(30);
pub const WIDTH: usize = 800;
pub const HEIGHT: usize = 600;
/// The size of a letter's dots in pixels: strokes as thin as those of a desktop's text.
const DOT: usize = 1;
pub const TITLE: &str = "Visavis notes";

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

/// A window that shows the page.
///
/// # Panics
/// If it cannot be started.
pub fn show(display: &Display) -> Group {
    let path = crate::output().join(format!("letters{}.ppm", display.name().replace(':', "-")));
    let pixels: Vec<u8> = page().into_iter().flatten().collect();
    fs::write(&path, [format!("P6\n{WIDTH} {HEIGHT}\n255\n").as_bytes(), &pixels].concat()).expect("tests/output is writable");
    let mut command = logged("display", &path.with_extension("log"));
    Group::start(command.arg(path).env("DISPLAY", display.name()))
}

/// What a pixel's luma is in a frame: BT.601, limited range.
fn luma([red, green, blue]: [u8; 3]) -> f64 {
    16.0 + (65.481 * f64::from(red) + 128.553 * f64::from(green) + 24.966 * f64::from(blue)) / 255.0
}

/// How the letters of a frame differ from the page's: the peak signal-to-noise ratio of their luma in dB, and the share of their pixels
/// that an eye takes for the wrong one of black and white.
pub fn compare(frame: &VideoFrame) -> (f64, f64) {
    let page = page();
    let pairs = || page.iter().zip(frame.y()).take(WIDTH * BELOW).map(|(pixel, seen)| (luma(*pixel), f64::from(*seen)));
    let error = pairs().map(|(wanted, seen)| (wanted - seen).powi(2)).sum::<f64>() / (WIDTH * BELOW) as f64;
    let wrong = pairs().filter(|(wanted, seen)| (*wanted > 126.0) != (*seen > 126.0)).count() as f64 / (WIDTH * BELOW) as f64;
    (10.0 * (255.0_f64.powi(2) / error.max(1e-9)).log10(), wrong)
}

/// How many of the pixels of a frame an eye takes for the wrong one of black and white, in a square of 24 with this middle.
pub fn wrong_around(frame: &VideoFrame, (x, y): (usize, usize)) -> usize {
    let page = page();
    let square = (y - 12..y + 12).flat_map(|y| (x - 12..x + 12).map(move |x| y * WIDTH + x));
    square.filter(|at| (luma(page[*at]) > 126.0) != (frame.y()[*at] > 126)).count()
}

/// How far the bars' colour differences are from what they should be, at most.
pub fn colour_error(frame: &VideoFrame) -> f64 {
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
///
/// # Panics
/// If none comes.
pub async fn seen(what: &str, stream: &RemoteStream, wanted: impl Fn(&VideoFrame) -> bool + Send + 'static) -> VideoFrame {
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

/// Gives a window its title as today's programs do; ImageMagick knows only the old property, which is not read.
///
/// # Panics
/// If xprop fails.
pub fn entitle(display: &Display, window: &str) {
    let mut xprop = display.command("xprop");
    xprop.args(["-id", window, "-f", "_NET_WM_NAME", "8u", "-set", "_NET_WM_NAME", TITLE]);
    let done = xprop.status();
    assert!(done.expect("xprop is installed").success(), "a title for {window}");
}
