//! Tools written in Rust that some chores need: installed once, into the target directory.

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
