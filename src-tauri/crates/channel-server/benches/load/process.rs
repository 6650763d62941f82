//! The service as a process of its own, and what it, this process and everything else cost. Linux tells; elsewhere the figures are missing.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use channel_server::projects::{Projects, Store, StoreError};
use serde::Serialize;

use super::Failure;

/// A running service; dropping it ends it.
pub struct Service {
    child: Child,
    pub address: SocketAddr,
    _folder: Folder,
}

/// A folder with the open default project, whatever projects this machine has of its own.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        let folder = Self(std::env::temp_dir().join(format!("visavis-load-{}", std::process::id())));
        fs::create_dir_all(&folder.0)?;
        let local = |projects: &mut Projects| {
            *projects = Projects::local();
            Ok::<(), StoreError>(())
        };
        Store::new(folder.projects()).edit(local).map_err(|error| Failure::Io(io::Error::other(error)))?;
        Ok(folder)
    }

    fn projects(&self) -> PathBuf {
        self.0.join("projects.toml")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Service {
    /// Starts the program on a free port of the loopback interface.
    pub fn start(program: &Path) -> Result<Self, Failure> {
        let folder = Folder::new()?;
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("VISAVIS_")) {
            command.env_remove(name);
        }
        command
            .args(["--listen", "127.0.0.1:0", "--projects"])
            .arg(folder.projects())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut log = BufReader::with_capacity(64 * 1024, child.stderr.take().expect("the log is piped"));
        let mut heard = String::new();
        let address = loop {
            if log.read_line(&mut heard)? == 0 {
                let _ = child.wait();
                return Err(Failure::Unexpected(format!("the service ended: {heard}")));
            }
            if let Some(address) = address(&heard) {
                break address;
            }
        };
        // Its log is written and read as in any other life, and thrown away here.
        thread::spawn(move || {
            let mut chunk = vec![0; 64 * 1024];
            while log.read(&mut chunk).is_ok_and(|read| read > 0) {}
        });
        Ok(Self { child, address, _folder: folder })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first address with a port in a log.
fn address(log: &str) -> Option<SocketAddr> {
    let at = log.find("127.0.0.1:")?;
    let length = log[at..].find(|c: char| !c.is_ascii_digit() && !".:".contains(c)).unwrap_or(log.len() - at);
    log[at..at + length].parse().ok().filter(|address: &SocketAddr| address.port() != 0)
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Memory {
    /// Its share of each page, and the part of that which is not of files.
    pub pss: u64,
    pub anonymous: u64,
}

pub fn memory(id: u32) -> Option<Memory> {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
    let field = |name: &str| -> Option<u64> {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
    };
    Some(Memory { pss: field("Pss:")?, anonymous: field("Anonymous:")? })
}

/// Processor time of a process, in seconds.
fn processor(id: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields: Vec<&str> = text[text.rfind(')')? + 1..].split_whitespace().collect();
    Some((fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?) / TICKS)
}

/// Processor time of the whole machine, in seconds; idle time not counted.
fn machine() -> Option<f64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let ticks: Vec<f64> = text.lines().next()?.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // user, nice, system; then idle and waiting; then interrupts and what the hypervisor took.
    Some((ticks.get(..3)?.iter().sum::<f64>() + ticks.get(5..8)?.iter().sum::<f64>()) / TICKS)
}

/// `_SC_CLK_TCK`, 100 on every Linux that matters here.
const TICKS: f64 = 100.0;

/// Processor time since a moment, in cores.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cores {
    pub service: f64,
    /// This process: the load generator's own part.
    pub generator: f64,
    /// Whatever else ran, the kernel's part in none's name included.
    pub others: f64,
}

pub struct Meter {
    id: u32,
    began: Instant,
    before: Option<[f64; 3]>,
}

impl Meter {
    pub fn start(id: u32) -> Self {
        Self { id, began: Instant::now(), before: read(id) }
    }

    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub fn cores(&self) -> Option<Cores> {
        let (before, after, seconds) = (self.before?, read(self.id)?, self.elapsed().as_secs_f64());
        let [service, generator, machine] = [0, 1, 2].map(|which| (after[which] - before[which]) / seconds);
        Some(Cores { service, generator, others: (machine - service - generator).max(0.0) })
    }
}

fn read(id: u32) -> Option<[f64; 3]> {
    Some([processor(id)?, processor(std::process::id())?, machine()?])
}

/// Reads a process's memory every second, beside what goes on.
pub struct Watch {
    stop: mpsc::Sender<()>,
    thread: thread::JoinHandle<Vec<u64>>,
}

impl Watch {
    pub fn start(id: u32) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            let mut samples = Vec::new();
            loop {
                samples.extend(memory(id).map(|memory| memory.pss));
                if stopped.recv_timeout(Duration::from_secs(1)) != Err(mpsc::RecvTimeoutError::Timeout) {
                    return samples;
                }
            }
        });
        Self { stop, thread }
    }

    /// The samples in bytes, from the start on.
    pub fn stop(self) -> Vec<u64> {
        drop(self.stop);
        self.thread.join().unwrap_or_default()
    }
}
