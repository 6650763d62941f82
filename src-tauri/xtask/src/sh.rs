//! Running other programs: each is printed before it starts, and the first that fails ends the chore.

use std::{
    ffi::OsStr,
    fmt,
    path::PathBuf,
    process::{Command, Stdio},
};

/// Why a chore stopped.
#[derive(Debug)]
pub enum Error {
    /// The program could not be started.
    Start { program: String, source: std::io::Error },
    /// The program ran and said no.
    Failed { program: String, status: std::process::ExitStatus },
    /// The machine or the call lacks something; the text says what to do.
    Missing(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { program, source } => write!(f, "cannot start `{program}`: {source}"),
            Self::Failed { program, status } => write!(f, "`{program}` failed ({status})"),
            Self::Missing(text) => f.write_str(text),
        }
    }
}

/// The project's root: that of the checkout cargo runs this in. Checkouts that share a target directory may share this program, so
/// what it was built in is no answer while cargo gives a better one.
pub fn root() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    own.ancestors().nth(2).expect("xtask lies two folders below the root").to_path_buf()
}

/// Where cargo builds: `CARGO_TARGET_DIR`, or `target`.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// A command in the project's root.
pub fn command<S: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// `cargo` with these arguments, in the project's root.
pub fn cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    command(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()), arguments)
}

/// Runs the command to its end, its output going where ours goes.
pub fn run(command: &mut Command) -> Result<(), Error> {
    let program = describe(command);
    eprintln!("$ {program}");
    let status = command.status().map_err(|source| Error::Start { program: program.clone(), source })?;
    if status.success() { Ok(()) } else { Err(Error::Failed { program, status }) }
}

/// Whether the program runs and answers with success, silently.
pub fn works(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
