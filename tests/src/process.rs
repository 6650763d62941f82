//! Programs that end with the test that started them.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use tokio::net::TcpSocket;

/// A program and all it started; dropping it ends the whole process group.
pub struct Group {
    leader: Child,
}

impl Group {
    /// Starts the program in a process group of its own.
    ///
    /// # Panics
    /// If the program cannot be started.
    pub fn start(command: &mut Command) -> Self {
        let leader = command.process_group(0).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { leader }
    }

    pub fn id(&self) -> u32 {
        self.leader.id()
    }

    /// Sends a signal to the whole group (`TERM`, `KILL`, …).
    pub fn signal(&self, name: &str) {
        let _ = Command::new("kill").args([&format!("-{name}"), "--", &format!("-{}", self.id())]).stderr(Stdio::null()).status();
    }

    /// Waits for the program's own end.
    pub fn wait(&mut self) -> std::process::ExitStatus {
        self.leader.wait().expect("a child can be waited for")
    }

    /// The program's standard output, line by line. It must have been started with `Stdio::piped()`.
    pub fn lines(&mut self) -> impl Iterator<Item = String> + use<> {
        BufReader::new(self.leader.stdout.take().expect("standard output is piped")).lines().map_while(Result::ok)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal("TERM");
        let deadline = Instant::now() + Duration::from_secs(3);
        while matches!(self.leader.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_millis(20));
        }
        self.signal("KILL");
        let _ = self.leader.wait();
    }
}

/// A command whose noise goes nowhere.
pub fn quiet<S: AsRef<OsStr>>(program: S) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A loopback port that nobody has. It lies below the range from which systems hand out ports by themselves (RFC 6335, section 6), so
/// that no connection and no listener without a wish takes it before its program does.
///
/// # Panics
/// If all of ten thousand are taken.
pub fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let own = (std::process::id() % 10_000) as u16;
    (0..10_000)
        .map(|_| 20_000 + (own + TAKEN.fetch_add(1, Ordering::Relaxed) % 10_000) % 10_000)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("loopback has a free port")
}

/// A loopback port where nobody listens, and where nobody can while this lives.
pub struct DeadPort(TcpSocket);

impl DeadPort {
    /// # Panics
    /// If loopback has no free port.
    pub fn hold() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("loopback has a free port");
        Self(socket)
    }

    pub fn url(&self) -> String {
        format!("ws://{}", self.0.local_addr().expect("a bound socket has an address"))
    }
}

/// A command that writes all it says to a file.
///
/// # Panics
/// If the file cannot be made.
pub fn logged<S: AsRef<OsStr>>(program: S, log: &Path) -> Command {
    let mut command = Command::new(program);
    log_to(&mut command, log);
    command
}

/// Has a command write all it says to a file.
///
/// # Panics
/// If the file cannot be made.
pub fn log_to<'a>(command: &'a mut Command, log: &Path) -> &'a mut Command {
    let file = std::fs::File::create(log).expect("a log can be made");
    command.stdin(Stdio::null()).stdout(file.try_clone().expect("a file has two handles")).stderr(file)
}

/// Polls `ready` every 20 ms until it answers `Some`; `None` after `limit`.
pub async fn within<T, F: AsyncFnMut() -> Option<T>>(limit: Duration, mut ready: F) -> Option<T> {
    let poll = async {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        loop {
            tick.tick().await;
            if let Some(value) = ready().await {
                return value;
            }
        }
    };
    tokio::time::timeout(limit, poll).await.ok()
}

/// The same, where not to be ready in time is a failure.
///
/// # Panics
/// After `limit`, with `what` in the message.
pub async fn until<T, F: AsyncFnMut() -> Option<T>>(what: &str, limit: Duration, ready: F) -> T {
    within(limit, ready).await.unwrap_or_else(|| panic!("not within {limit:?}: {what}"))
}

/// A WebDriver session with the driver on this loopback port, once it answers.
///
/// # Panics
/// If it does not within [`PATIENCE`](crate::window::PATIENCE); the message ends with what the driver wrote to `log`.
pub async fn drive(what: &str, port: u16, capabilities: &serde_json::Value, log: &Path) -> fantoccini::Client {
    let capabilities = capabilities.as_object().expect("capabilities are an object");
    let mut refusal = "none".to_owned();
    let session = within(crate::window::PATIENCE, async || {
        let mut builder = fantoccini::ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        let opened = builder.capabilities(capabilities.clone()).connect(&format!("http://127.0.0.1:{port}")).await;
        opened.map_err(|error| refusal = error.to_string()).ok()
    });
    match session.await {
        Some(session) => session,
        None => panic!("not within {:?}: {what}; the last refusal: {refusal}; the driver's log:\n{}", crate::window::PATIENCE, tail(log)),
    }
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text = std::fs::read(log).map_or_else(|error| error.to_string(), |bytes| String::from_utf8_lossy(&bytes).into_owned());
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
