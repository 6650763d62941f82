//! Credentials of a real TURN server that end in a call: ICE restarts with renewed ones, and says so without.
#![cfg(target_os = "linux")]

use std::{
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use channel_server::{Turn, unix_now};
use signal::Uid;
use tests::process::{Group, free_port, quiet, until};
use tokio::sync::mpsc;
use transport::{Candidate, Config, Endpoint, Event, IcePolicy, IceServer, Publisher, Subscriber, Tracks};

const PATIENCE: Duration = Duration::from_secs(30);
const SECRET: &str = "a secret of the test and coturn";
const SOUND: Tracks = Tracks { audio: true, video: false };

/// Debian's coturn on loopback.
fn coturn(port: u16, folder: &Path) -> Group {
    let mut command = quiet("turnserver");
    command.args(["-n", "--no-cli", "--no-tls", "--no-dtls", "--realm", "visavis", "--allow-loopback-peers"]);
    command.args(["--listening-ip", "127.0.0.1", "--listening-port", &port.to_string(), "--relay-ip", "127.0.0.1"]);
    command.args(["--use-auth-secret", "--static-auth-secret", SECRET, "--simple-log"]);
    command.arg("--log-file").arg(folder.join("credentials.log")).arg("--pidfile").arg(folder.join("credentials.pid"));
    command.arg("--userdb").arg(folder.join("credentials.db"));
    Group::start(&mut command)
}

/// Credentials that are good for `seconds`.
fn servers(port: u16, seconds: u64) -> Vec<IceServer> {
    let url = format!("turn:127.0.0.1:{port}?transport=udp");
    let turn = Turn { urls: vec![url], secret: SECRET.into(), ttl: Duration::from_secs(seconds) };
    let server = turn.credentials(&Uid::number(7).expect("a number"), unix_now());
    let (username, credential) = (server.username.unwrap_or_default(), server.credential.unwrap_or_default());
    vec![IceServer { urls: server.urls, username, credential }]
}

/// One end: an endpoint that goes through TURN only.
fn endpoint(servers: Vec<IceServer>) -> Endpoint {
    let mut config = Config::new(transport::system_runtime());
    (config.ice_servers, config.ice_policy) = (servers, IcePolicy::Relay);
    config.addresses = vec!["127.0.0.1:0".to_owned()];
    Endpoint::new(config)
}

/// Hands an end's candidates to the other, and everything else on.
fn relay<F: Future<Output = ()> + Send>(
    mut events: mpsc::Receiver<Event>,
    deliver: impl Fn(Candidate) -> F + Send + 'static,
) -> mpsc::UnboundedReceiver<Event> {
    let (told, collected) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            match event {
                Event::Candidate(candidate) => deliver(candidate).await,
                event => drop(told.send(event)),
            }
        }
    });
    collected
}

struct Call {
    subscriber: Arc<Subscriber>,
    publisher: Arc<Publisher>,
    told: mpsc::UnboundedReceiver<Event>,
}

impl Call {
    /// A call with sound.
    async fn start(receiving: &Endpoint, sending: &Endpoint) -> Self {
        let (mut subscriber, offer) = receiving.subscribe(SOUND).await.expect("an offer");
        let (mut publisher, answer) = sending.publish(&offer, SOUND, 100_000, 100_000).await.expect("an answer");
        let events = (subscriber.take_events().expect("taken once"), publisher.take_events().expect("taken once"));
        let (subscriber, publisher) = (Arc::new(subscriber), Arc::new(publisher));
        let (to_publisher, to_subscriber) = (Arc::clone(&publisher), Arc::clone(&subscriber));
        let told = relay(events.0, move |candidate| {
            let publisher = Arc::clone(&to_publisher);
            // One of an attempt that a restart replaced is not missed.
            async move { drop(publisher.add_candidate(candidate).await) }
        });
        relay(events.1, move |candidate| {
            let subscriber = Arc::clone(&to_subscriber);
            async move { drop(subscriber.add_candidate(candidate).await) }
        });
        subscriber.set_answer(&answer).await.expect("a good answer");
        let speaker = Arc::clone(&publisher);
        tokio::spawn(async move {
            let mut beat = tokio::time::interval(Duration::from_millis(20));
            loop {
                beat.tick().await;
                speaker.send_audio(&[0xfc; 80], Instant::now());
            }
        });
        Self { subscriber, publisher, told }
    }

    async fn restart(&self) {
        let offer = self.subscriber.restart().await.expect("an offer");
        let answer = self.publisher.restart(&offer).await.expect("an answer");
        self.subscriber.set_answer(&answer).await.expect("a good answer");
    }

    async fn sound(&self, what: &str) {
        let before = self.subscriber.stats().audio.packets;
        until(what, PATIENCE, async || (self.subscriber.stats().audio.packets > before + 20).then_some(())).await;
    }
}

#[tokio::test]
async fn a_call_goes_on_with_renewed_credentials_and_names_the_server_that_refuses_old_ones() {
    if !tests::live("credentials that end in a call") {
        return;
    }
    if Command::new("turnserver").arg("--version").output().is_err() {
        return eprintln!("skipped: credentials that end in a call (this machine has no turnserver; apt-get install coturn)");
    }
    let folder = tests::output().join("turn");
    std::fs::create_dir_all(&folder).expect("the output folder is writable");
    let port = free_port();
    let _coturn = coturn(port, &folder);
    until("coturn is there", PATIENCE, async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()).await;

    let old = servers(port, 5);
    let end = unix_now() + 6;
    let (receiving, sending) = (endpoint(old.clone()), endpoint(old));
    let mut call = Call::start(&receiving, &sending).await;
    call.sound("sound through TURN").await;
    until("the credentials have ended", PATIENCE, async || (unix_now() > end).then_some(())).await;
    call.sound("sound beyond the end of the credentials: an allocation outlives them").await;

    // Nobody renewed them.
    call.restart().await;
    let trouble = until("the refusal is told", PATIENCE, async || match call.told.try_recv() {
        Ok(Event::TurnTrouble(trouble)) => Some(trouble),
        _ => None,
    });
    let expected = format!("the TURN server turn:127.0.0.1:{port}?transport=udp does not accept the credentials (401)");
    assert_eq!(trouble.await, expected);

    let renewed = servers(port, 600);
    receiving.use_ice_servers(renewed.clone());
    sending.use_ice_servers(renewed);
    call.restart().await;
    call.sound("sound through TURN with renewed credentials").await;
}
