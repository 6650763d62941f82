//! The harness of the live tests and benchmarks: real windows, real browsers, real clips.
//!
//! ```text
//! process    programs that end with the test     display  a screen (Xvfb)
//! clip       Y4M with readable frame numbers     service  a channel service on a free port
//! window     the app under WebDriver             browser  Chromium under WebDriver
//! measure    what processes cost                 relay    a service that misbehaves
//! namespace  a host in a network namespace       call     callers on such hosts
//! hosts      three of them in a row              wire     two of them and a bad network between
//! gate       a port of one, from outside       jitter   a wire whose packets are held
//! room       a speaker that a microphone hears  letters  a window to be read from afar
//! meter      what leaves a host and waits      download TCP from one host to another
//! desk       notices and tray icons
//! ```
//!
//! Everything a test starts ends when its guard is dropped, by process group id, never by name.

#![cfg(unix)]

pub mod browser;
#[cfg(target_os = "linux")]
pub mod call;
pub mod clip;
#[cfg(target_os = "linux")]
pub mod desk;
pub mod display;
#[cfg(target_os = "linux")]
pub mod download;
#[cfg(target_os = "linux")]
pub mod gate;
#[cfg(target_os = "linux")]
pub mod hosts;
#[cfg(target_os = "linux")]
pub mod jitter;
#[cfg(target_os = "linux")]
pub mod letters;
pub mod measure;
#[cfg(target_os = "linux")]
pub mod meter;
#[cfg(target_os = "linux")]
pub mod namespace;
pub mod process;
pub mod relay;
#[cfg(target_os = "linux")]
pub mod room;
pub mod service;
pub mod window;
#[cfg(target_os = "linux")]
pub mod wire;

/// Whether this run must prove the live parts: `cargo xtask test` says so, having installed what they need.
/// Elsewhere a live test says that it was skipped, and why.
pub fn live(test: &str) -> bool {
    let live = std::env::var_os("VISAVIS_LIVE").is_some();
    if !live {
        eprintln!("skipped: {test} (live tests run under `cargo xtask test`, which installs what they need)");
    }
    live
}

/// The path of one of our binaries.
///
/// # Panics
/// Where `VISAVIS_BINARIES` is not set: `cargo xtask test` and `cargo xtask bench` set it.
pub fn binary(name: &str) -> std::path::PathBuf {
    let folder = std::env::var_os("VISAVIS_BINARIES").expect("VISAVIS_BINARIES is set by cargo xtask");
    let path = std::path::Path::new(&folder).join(name);
    assert!(path.exists(), "{} is built before the tests", path.display());
    path
}

/// A folder for what tests leave to look at (screenshots, recordings).
pub fn output() -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("output");
    std::fs::create_dir_all(&folder).expect("tests/output can be made");
    folder
}
