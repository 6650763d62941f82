//! Programs that end with the test that started them.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

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

/// A loopback port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("loopback has a free port").port()
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
/// If it does not within [`PATIENCE`](crate::window::PATIENCE).
pub async fn drive(what: &str, port: u16, capabilities: &serde_json::Value) -> fantoccini::Client {
    let capabilities = capabilities.as_object().expect("capabilities are an object");
    until(what, crate::window::PATIENCE, async || {
        let mut builder = fantoccini::ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        builder.capabilities(capabilities.clone()).connect(&format!("http://127.0.0.1:{port}")).await.ok()
    })
    .await
}
