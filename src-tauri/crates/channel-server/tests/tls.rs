//! Channels over TLS, by real sockets: who gets in, what a change of certificate does, and what a hostile end cannot do.

#![allow(clippy::unwrap_used, reason = "a test's panic is its failure")]

mod support;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use channel_server::{Config, Identity, IdentityError, Listener};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use support::{Client, Service};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{interval, timeout},
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        self, ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
        pki_types::{CertificateDer, ServerName},
        version::{TLS12, TLS13},
    },
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// An authority of our own, with a folder for what it issues.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

impl Authority {
    fn new(test: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("tls-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self { issuer, folder }
    }

    fn certificate_file(&self) -> PathBuf {
        self.folder.join("chain.pem")
    }

    fn key_file(&self) -> PathBuf {
        self.folder.join("key.pem")
    }

    /// Writes a fresh certificate for `localhost` with its key.
    fn issue(&self) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.key_file(), key.serialize_pem()).unwrap();
        std::fs::write(self.certificate_file(), leaf.pem() + &self.issuer.pem()).unwrap();
        leaf.der().clone()
    }

    fn identity(&self) -> Result<Identity, IdentityError> {
        Identity::load(self.certificate_file(), self.key_file())
    }

    /// Opens TLS to `address` as someone who trusts this authority.
    async fn connect(&self, address: SocketAddr, versions: &[&'static SupportedProtocolVersion]) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let stream = TcpStream::connect(address).await?;
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
    }

    /// The certificate that a new connection is shown.
    async fn shown(&self, address: SocketAddr) -> CertificateDer<'static> {
        let stream = self.connect(address, &[&TLS13]).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    }

    /// A WebSocket over TLS.
    async fn client(&self, address: SocketAddr) -> Client {
        let stream = self.connect(address, &[&TLS13]).await.unwrap();
        let stream = MaybeTlsStream::Rustls(stream);
        let (socket, _): (WebSocketStream<_>, _) = client_async(format!("wss://localhost{}", signal::PATH), stream).await.unwrap();
        Client::over(socket)
    }

    async fn serve(&self, config: Config) -> Service {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Service::start_on(address, vec![Listener::tls(listener, self.identity().unwrap())], config)
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test]
async fn both_versions_of_tls_speak_http_1_1() {
    let authority = Authority::new("versions");
    authority.issue();
    let service = authority.serve(Config::default()).await;
    for (version, name) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let mut stream = authority.connect(service.address, &[version]).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(name));
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let request = format!("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", signal::HEALTH_PATH);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    }
}

#[tokio::test]
async fn people_behind_tls_and_without_meet_in_one_channel() {
    let authority = Authority::new("meet");
    authority.issue();
    let (secure, plain) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let (secure_at, plain_at) = (secure.local_addr().unwrap(), plain.local_addr().unwrap());
    let listeners = vec![Listener::tls(secure, authority.identity().unwrap()), plain.into()];
    let service = Service::start_on(plain_at, listeners, Config::default());
    let mut ann = authority.client(secure_at).await;
    assert_eq!(ann.join(json!({"uid": 1})).await["ok"]["uid"], 1);
    let mut bob = Client::joined(&service, 2).await;
    assert_eq!(ann.event().await, json!({"event": "peer-online", "uid": 2}));
    let ended = service.shut_down();
    assert_eq!(ann.event().await, json!({"event": "draining"}));
    assert_eq!(bob.event().await, json!({"event": "draining"}));
    drop((ann, bob));
    ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_the_new_and_leaves_the_others_alone() {
    let authority = Authority::new("reload");
    let first = authority.issue();
    let service = authority.serve(Config::default()).await;
    let mut ann = authority.client(service.address).await;
    assert_eq!(ann.join(json!({"uid": 1})).await["ok"]["uid"], 1);
    assert_eq!(authority.shown(service.address).await, first);

    // Half of a change: the key of another certificate.
    std::fs::write(authority.key_file(), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let second = authority.issue();
    let mut looks = interval(Duration::from_millis(50));
    timeout(PATIENCE, async {
        while authority.shown(service.address).await != second {
            looks.tick().await;
        }
    })
    .await
    .expect("the new certificate is shown");
    assert_eq!(ann.ask("ping", json!({})).await["ok"], json!({}), "who is in goes on");
}

#[tokio::test]
async fn garbage_and_an_unfinished_handshake_hold_nobody_up() {
    let authority = Authority::new("hostile");
    authority.issue();
    let service = authority.serve(Config { handshake_limit: Duration::from_millis(300), ..Config::default() }).await;
    let mut silent = TcpStream::connect(service.address).await.unwrap();
    let mut halfway = TcpStream::connect(service.address).await.unwrap();
    // A handshake record that announces 512 bytes, of which one comes.
    halfway.write_all(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01]).await.unwrap();
    let mut garbage = TcpStream::connect(service.address).await.unwrap();
    garbage.write_all(&[0xff; 64 * 1024]).await.unwrap_or_default();
    let mut plain = TcpStream::connect(service.address).await.unwrap();
    plain.write_all(b"GET /v1/health HTTP/1.1\r\n\r\n").await.unwrap();

    let mut ann = authority.client(service.address).await;
    assert_eq!(ann.join(json!({"uid": 1})).await["ok"]["uid"], 1);
    for stream in [&mut silent, &mut halfway, &mut garbage, &mut plain] {
        let mut rest = Vec::new();
        // Closed or reset; an alert may come before.
        let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the service ends it");
        assert!(rest.len() < 64, "no more than an alert");
    }
    assert_eq!(ann.ask("ping", json!({})).await["ok"], json!({}));
}

#[test]
fn files_that_cannot_be_used_are_named_with_the_reason() {
    let authority = Authority::new("files");
    assert!(matches!(authority.identity(), Err(IdentityError::Read { .. })));
    authority.issue();
    authority.identity().unwrap();
    let refused = |certificate: &str, key: &str| {
        std::fs::write(authority.folder.join("a"), certificate).unwrap();
        std::fs::write(authority.folder.join("b"), key).unwrap();
        Identity::load(authority.folder.join("a"), authority.folder.join("b")).unwrap_err()
    };
    let certificate = std::fs::read_to_string(authority.certificate_file()).unwrap();
    let key = std::fs::read_to_string(authority.key_file()).unwrap();
    assert!(matches!(refused("", &key), IdentityError::NoCertificate { .. }));
    assert!(matches!(refused(&certificate[..100], &key), IdentityError::Certificate { .. }));
    assert!(matches!(refused(&certificate, "no key"), IdentityError::Key { .. }));
    let other = refused(&certificate, &KeyPair::generate().unwrap().serialize_pem());
    assert!(matches!(other, IdentityError::Unusable { .. }), "{other}");
}
