//! Tools that some chores need, and Agora's own token builders: installed once, into the target directory.

use std::path::PathBuf;

use crate::sh::{self, Error};

/// A crate with a binary of the same purpose.
pub struct Tool {
    krate: &'static str,
    version: &'static str,
    binary: &'static str,
    why: &'static str,
}

pub const TAURI_CLI: Tool = Tool { krate: "tauri-cli", version: "^2", binary: "cargo-tauri", why: "hot reload and packages" };
pub const CARGO_FUZZ: Tool = Tool { krate: "cargo-fuzz", version: "^0.13", binary: "cargo-fuzz", why: "drives libFuzzer" };
pub const TAURI_DRIVER: Tool =
    Tool { krate: "tauri-driver", version: "^2", binary: "tauri-driver", why: "drives the app's window in tests" };

/// The tool's binary; the first call on a machine builds it.
pub fn ensure(tool: &Tool) -> Result<PathBuf, Error> {
    let root = sh::target().join("tools");
    let binary = root.join("bin").join(format!("{}{}", tool.binary, std::env::consts::EXE_SUFFIX));
    if !binary.exists() {
        eprintln!("installing {} ({}), once:", tool.krate, tool.why);
        let arguments = ["install", "--locked", "--quiet", tool.krate, "--version", tool.version, "--root"];
        sh::run(sh::cargo(arguments).arg(&root))?;
    }
    Ok(binary)
}

/// What scores how speech sounds, and what it reads recordings with.
const PESQ: &[&str] = &["pesq==0.0.4", "numpy", "scipy"];

/// The folder with the Python packages that score sound; none where they cannot be installed, which is said.
pub fn pesq() -> Option<PathBuf> {
    let (folder, part) = (sh::target().join("tools/pesq"), sh::target().join("tools/pesq.part"));
    if !folder.exists() {
        eprintln!("installing {} (scores sound), once:", PESQ.join(", "));
        let installed = sh::run(sh::command("python3", PIP).args(["--target"]).arg(&part).args(PESQ));
        if installed.is_err() || std::fs::rename(&part, &folder).is_err() {
            eprintln!("note: {} could not be installed; the sound is not scored", PESQ.join(", "));
            return None;
        }
    }
    Some(folder)
}

const PIP: [&str; 6] = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore"];

/// Agora's public token builders, each at the version that the tests were written against.
const NPM_BUILDERS: &[&str] = &["agora-token@2.0.6", "agora-access-token@2.0.4"];
const PYPI_BUILDERS: &[&str] = &["agora-token-builder==1.0.0", "agoraiotools==0.3.4"];

/// The folder with the token builders, as far as they could be installed: without npm, pip or a network the tests that use them say that
/// they were skipped.
pub fn token_builders() -> PathBuf {
    let root = sh::target().join("tools/token-builders");
    let npm: &[&str] = &["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--prefix"];
    let pip = [&PIP[..], &["--no-deps", "--target"]].concat();
    for (name, program, arguments, packages) in [("node", "npm", npm, NPM_BUILDERS), ("python", "python3", &pip, PYPI_BUILDERS)] {
        let (folder, part) = (root.join(name), root.join(format!("{name}.part")));
        if folder.exists() {
            continue;
        }
        let made = std::fs::create_dir_all(&part).is_ok() && sh::run(sh::command(program, arguments).arg(&part).args(packages)).is_ok();
        if !made || std::fs::rename(&part, &folder).is_err() {
            eprintln!("note: {} could not be installed; the tests against them are skipped", packages.join(" and "));
        }
    }
    root
}
