//! Every chore of this project, so that two commands do everything on a machine that has only Rust.
//!
//! ```text
//! main    the list of chores      sh       run a command, say which, stop where it fails
//! setup   system packages         tools    tools and packages for tests, installed into the target directory
//! chores  run, dev, test, bench, fuzz, devices
//! bundle  the release packages, and the proof that they install and start
//! ```

mod bundle;
mod chores;
mod setup;
mod sh;
mod tools;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask CHORE [ARGUMENT ...]

  run [ARG ...]      set the machine up, build the app and start it (ARGs go to the app)
  dev                the same with hot reload of ui/ and Rust (cargo tauri dev)
  test               set the machine up and run every test
  check              formatting and lints only
  bench NAME         measure, JSON on standard output: call, frames, memory, idle, network, echo, service [SECONDS],
                     start [TIMES] (from the process to a page that is ready),
                     connect [RUNS],
                     simulate [FOLDER] (draws what the rate controller does on simulated networks)
  fuzz [TARGET] [SECONDS]
                     libFuzzer over the committed seeds; all targets, 60 s each, unless said otherwise
  devices            a call on kernel cameras and sound cards, inside a small VM
  bundle [--check]   the release packages of this system (.deb, .rpm | .dmg | .exe); with --check (Debian, root) each is
                     installed into a clean system of its own and started there until its page is ready
  setup              only install what is missing";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let chore = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let result = match chore.as_str() {
        "run" => chores::run(&rest),
        "dev" => chores::dev(&rest),
        "test" => chores::test(&rest),
        "check" => chores::check(),
        "bench" => chores::bench(&rest),
        "fuzz" => chores::fuzz(&rest),
        "devices" => chores::devices(),
        "bundle" => bundle::run(&rest),
        "setup" => setup::ensure(setup::TEST),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {chore}: {error}");
            ExitCode::FAILURE
        }
    }
}
