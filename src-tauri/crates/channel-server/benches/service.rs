//! What one service carries: `cargo xtask bench service [SECONDS]`. One JSON object on standard output, its fields as in `load::Report`.
//!
//! The service is the program, in a process of its own; this process is the load generator, whose own part is stated beside.

mod load;

use std::{path::Path, process::ExitCode, time::Duration};

use clap::Parser;

/// As many members leave and come again as take about the same time.
const RETURNS_A_SECOND: usize = 5_000;

/// Measures the channel service under a crowd of members over loopback.
#[derive(Parser)]
struct Arguments {
    /// How long everyone rests, and then how long messages are relayed, and about how long members come and go.
    #[arg(default_value_t = 20, value_name = "SECONDS")]
    seconds: u64,
    #[arg(long, default_value_t = 2_000)]
    channels: usize,
    /// Members of each channel.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(2..))]
    seats: u64,
    /// Messages relayed a second.
    #[arg(long, default_value_t = 20_000)]
    rate: usize,
    /// What is asked for at once while members join, publish, subscribe and leave.
    #[arg(long, default_value_t = 64)]
    in_flight: usize,
    /// Another program than this build's.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_channel-server"))]
    program: String,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let plan = load::Plan {
        channels: arguments.channels,
        seats: arguments.seats as usize,
        in_flight: arguments.in_flight,
        sdp_bytes: 3_000,
        time: Duration::from_secs(arguments.seconds),
        relayed_per_second: arguments.rate,
        returns: RETURNS_A_SECOND * arguments.seconds as usize,
    };
    match load::run(plan, Path::new(&arguments.program)) {
        Ok(report) => {
            println!("{}", serde_json::to_string_pretty(&report).expect("a report has text keys only"));
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
