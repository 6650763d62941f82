//! The chores themselves, each a few commands.

use crate::{
    setup,
    sh::{self, Error, cargo, run as sh_run},
    tools,
};

/// `cargo xtask run`: the app, with its embedded channel service.
pub fn run(arguments: &[String]) -> Result<(), Error> {
    setup::ensure(&[])?;
    sh_run(cargo(["run", "--release", "--package", "app", "--"]).args(arguments))
}

/// `cargo xtask dev`: the app, rebuilt and reloaded as files change.
pub fn dev(arguments: &[String]) -> Result<(), Error> {
    setup::ensure(&[])?;
    let cli = tools::ensure(&tools::TAURI_CLI)?;
    sh_run(sh::command(&cli.to_string_lossy(), ["tauri", "dev"]).args(arguments).current_dir(sh::root().join("src-tauri")))
}

/// `cargo xtask check`: formatting and lints, as strict as the continuous integration.
pub fn check() -> Result<(), Error> {
    if sh::works("cargo", &["fmt", "--version"]) {
        sh_run(&mut cargo(["fmt", "--all", "--check"]))?;
    }
    if sh::works("cargo", &["clippy", "--version"]) {
        sh_run(&mut cargo(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    }
    Ok(())
}

/// `cargo xtask test`: everything that can be proven on this machine. Arguments go to `cargo test`.
pub fn test(arguments: &[String]) -> Result<(), Error> {
    setup::ensure(setup::TEST)?;
    check()?;
    // With every target and package at once, the dependencies' features are those of the tests, and nothing is built twice.
    sh_run(&mut cargo(["build", "--workspace", "--all-targets"]))?;
    let mut tests = cargo(["test", "--workspace"]);
    if cfg!(target_os = "linux") {
        let driver = tools::ensure(&tools::TAURI_DRIVER)?;
        tests.env("VISAVIS_LIVE", "1").env("VISAVIS_TAURI_DRIVER", driver);
    }
    tests.env("VISAVIS_TOKEN_BUILDERS", tools::token_builders());
    sh_run(tests.env("VISAVIS_BINARIES", sh::target().join("debug")).args(arguments))?;
    if sh::works("node", &["--version"]) {
        sh_run(sh::command("node", ["--test"]).args(page_tests()))?;
    } else {
        eprintln!("skipped: the page's unit tests (no node on this machine)");
    }
    fuzz(&[FUZZ_IN_TESTS.to_owned()])?;
    devices()
}

/// The files of the page's unit tests. (Node takes folders in some versions and patterns in others; files in all.)
fn page_tests() -> Vec<std::path::PathBuf> {
    let folder = std::fs::read_dir(sh::root().join("tests/ui")).expect("the folder is in the tree");
    let mut files: Vec<_> =
        folder.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.to_string_lossy().ends_with(".test.js")).collect();
    files.sort();
    files
}

/// How long `cargo xtask test` gives each fuzz target.
const FUZZ_IN_TESTS: &str = "10";

/// `cargo xtask fuzz [TARGET] [SECONDS]`: libFuzzer over the committed seeds, one target or all, a minute each unless said otherwise.
/// What it finds worth keeping goes into the target directory; what fails, into `tests/fuzz/artifacts`.
pub fn fuzz(arguments: &[String]) -> Result<(), Error> {
    if !cfg!(target_os = "linux") {
        eprintln!("skipped: fuzzing (it is set up for Linux)");
        return Ok(());
    }
    setup::ensure(&[])?;
    let (seconds, target): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|word| word.bytes().all(|b| b.is_ascii_digit()));
    let seconds = seconds.first().map_or("60", |seconds| seconds);
    let targets = target.first().map_or_else(fuzz_targets, |target| vec![(*target).clone()]);
    let tool = tools::ensure(&tools::CARGO_FUZZ)?;
    for target in targets {
        let corpus = sh::target().join("fuzz-corpus").join(&target);
        let seeds = sh::root().join("tests/fuzz/seeds").join(&target);
        for folder in [&corpus, &seeds] {
            std::fs::create_dir_all(folder).map_err(|source| Error::Start { program: format!("mkdir {}", folder.display()), source })?;
        }
        let mut fuzz = sh::command(&tool.to_string_lossy(), ["fuzz", "run", "--fuzz-dir", "tests/fuzz", "--sanitizer", "none", &target]);
        fuzz.arg(corpus).arg(seeds).args(["--", &format!("-max_total_time={seconds}"), "-verbosity=0", "-print_final_stats=1"]);
        // Instrumentation for coverage is the one thing here that stable Rust asks this for. The target directory is the tests' own, since
        // its flags would have everything else built again.
        sh_run(fuzz.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", sh::target().join("fuzz")))?;
    }
    Ok(())
}

/// The names of the fuzz targets' files.
fn fuzz_targets() -> Vec<String> {
    let folder = std::fs::read_dir(sh::root().join("tests/fuzz/fuzz_targets")).expect("the folder is in the tree");
    let mut names: Vec<String> =
        folder.filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned)).collect();
    names.sort();
    names
}

/// `cargo xtask devices`: a call on the kernel's virtual cameras and sound cards, in a VM.
pub fn devices() -> Result<(), Error> {
    if !cfg!(target_os = "linux") || !setup::is_debian() {
        eprintln!("skipped: a call on kernel devices in a VM (it takes Debian's kernel and QEMU packages)");
        return Ok(());
    }
    setup::ensure(setup::VM)?;
    sh_run(&mut cargo(["build", "--workspace", "--all-targets"]))?;
    let call = sh::target().join("debug/devices");
    sh_run(sh::command("tests/devices/in-vm", [call]).current_dir(sh::root()))
}

/// `cargo xtask bench NAME`: measures a release build; JSON on standard output.
pub fn bench(arguments: &[String]) -> Result<(), Error> {
    let named = arguments.split_first().map(|(name, rest)| (name.as_str(), rest));
    if let Some(("service", seconds)) = named {
        return sh_run(cargo(["bench", "--quiet", "--package", "channel-server", "--bench", "service", "--"]).args(seconds));
    }
    if let Some(("simulate", folder)) = named {
        let folder = folder.first().map_or_else(|| sh::target().join("simulate"), std::path::PathBuf::from);
        return sh_run(cargo(["run", "--release", "--quiet", "--package", "transport", "--example", "simulate", "--"]).arg(folder));
    }
    setup::ensure(setup::TEST)?;
    if let Some(("connect", runs)) = named {
        return sh_run(cargo(["run", "--release", "--quiet", "--package", "transport", "--example", "first_packet", "--"]).args(runs));
    }
    // All at once, whatever is measured: with fewer packages the dependencies' features are others, and all of them are built again.
    let packages = ["app", "headless", "channel-server", "tests"].into_iter().flat_map(|name| ["--package", name]);
    sh_run(cargo(["build", "--release", "--bins"]).args(packages))?;
    let release = sh::target().join("release");
    let mut bench = sh::command(&release.join("bench").to_string_lossy(), arguments);
    bench.current_dir(sh::root()).env("VISAVIS_BINARIES", &release);
    match named {
        Some(("network", _)) => bench.envs(tools::pesq().map(|folder| ("PYTHONPATH", folder))),
        Some(("echo", _)) => &mut bench,
        _ => bench.env("VISAVIS_TAURI_DRIVER", tools::ensure(&tools::TAURI_DRIVER)?),
    };
    sh_run(&mut bench)
}
