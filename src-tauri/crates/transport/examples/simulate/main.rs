//! Plays every scenario of the rate controller's simulation, draws each as an SVG into a folder (the first argument; `target/simulate`
//! unless said otherwise) and prints the figures as JSON. Ends with an error if one is out of its bounds.

mod plot;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use serde_json::{Value, json};
use transport::send::rate::simulation::scenario::{ALL, Check, Scenario};

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
    let mut scenarios = Vec::new();
    let mut all_hold = true;
    for scenario in ALL {
        let world = scenario.run(Instant::now());
        let checks = scenario.judge(&world);
        let file = folder.join(format!("{}.svg", scenario.name));
        std::fs::write(&file, plot::svg(&format!("{}: {}", scenario.name, scenario.about), &world))?;
        all_hold &= checks.iter().all(Check::holds);
        scenarios.push(entry(scenario, &file, &checks));
    }
    Ok((json!({ "folder": folder.display().to_string(), "scenarios": scenarios }), all_hold))
}

fn entry(scenario: &Scenario, file: &Path, checks: &[Check]) -> Value {
    let bound = |value: f64| if value.is_finite() { json!(value) } else { Value::Null };
    let figures: Vec<Value> = checks
        .iter()
        .map(|check| {
            let value = bound((check.value * 1000.0).round() / 1000.0);
            json!({ "what": check.what, "value": value, "least": bound(check.least), "most": bound(check.most), "holds": check.holds() })
        })
        .collect();
    json!({ "name": scenario.name, "about": scenario.about, "plot": file.display().to_string(), "figures": figures })
}
