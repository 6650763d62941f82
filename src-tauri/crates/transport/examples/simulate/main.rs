//! Plays every scenario of the rate controller's simulation with several seeds, draws the first of each as an SVG into a folder (the
//! first argument; `target/simulate` unless said otherwise) and prints the figures as JSON. Ends with an error if one is out of its
//! bounds with any seed.

mod plot;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use serde_json::{Value, json};
use transport::send::rate::simulation::scenario::{ALL, Check, SEEDS, Scenario};
use transport::send::rate::simulation::world::{Start, World};

fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("target/simulate"), PathBuf::from);
    match play_all(&folder) {
        Ok((report, true)) => {
            println!("{report:#}");
            ExitCode::SUCCESS
        }
        Ok((report, false)) => {
            println!("{report:#}");
            eprintln!("some figures are out of their bounds: look for \"holds\": false");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

/// The report, and whether all figures are within their bounds. The error is the file system's.
fn play_all(folder: &Path) -> std::io::Result<(Value, bool)> {
    std::fs::create_dir_all(folder)?;
    let at = Instant::now();
    let mut scenarios = Vec::new();
    let mut all_hold = true;
    for scenario in ALL {
        let worlds: Vec<World> = SEEDS.map(|seed| scenario.run(Start { at, seed })).collect();
        let checks: Vec<Vec<Check>> = worlds.iter().map(|world| scenario.judge(world)).collect();
        let file = folder.join(format!("{}.svg", scenario.name));
        std::fs::write(&file, plot::svg(&format!("{}: {}", scenario.name, scenario.about), &worlds[0]))?;
        all_hold &= checks.iter().flatten().all(Check::holds);
        scenarios.push(entry(scenario, &file, &checks));
    }
    Ok((json!({ "folder": folder.display().to_string(), "seeds": SEEDS.count(), "scenarios": scenarios }), all_hold))
}

/// A scenario's figures: what each was with every seed, in their order.
fn entry(scenario: &Scenario, file: &Path, checks: &[Vec<Check>]) -> Value {
    let bound = |value: f64| if value.is_finite() { json!((value * 1000.0).round() / 1000.0) } else { Value::Null };
    let figures: Vec<Value> = (0..checks[0].len())
        .map(|index| {
            let of_seeds = || checks.iter().map(|checks| &checks[index]);
            let Check { what, least, most, .. } = checks[0][index];
            let values: Vec<Value> = of_seeds().map(|check| bound(check.value)).collect();
            json!({ "what": what, "values": values, "least": bound(least), "most": bound(most), "holds": of_seeds().all(Check::holds) })
        })
        .collect();
    json!({ "name": scenario.name, "about": scenario.about, "plot": file.display().to_string(), "figures": figures })
}
