//! TLS to the service: who is trusted, and a sentence for each reason not to.

use std::path::PathBuf;

use channel_server::{Identity, Listener};
use client::{Code, Config, Error};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};

use crate::support::{Person, Service, number};

/// An authority with a folder for its files.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("secure-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// A service that shows a certificate for `name`, valid until the end of `year`.
    async fn serve(&self, name: &str, year: i32) -> Service {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 12, 31);
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let (certificate, secret) = (self.folder.join("chain.pem"), self.folder.join("key.pem"));
        std::fs::write(&certificate, leaf.pem()).unwrap();
        std::fs::write(&secret, key.serialize_pem()).unwrap();
        let identity = Identity::load(certificate, secret).unwrap();
        Service::start_on("127.0.0.1:0".parse().unwrap(), Service::config(), |socket| Listener::tls(socket, identity)).await
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn person(host: &str, port: u16, ca: Option<PathBuf>) -> Person {
    Person::with_config(Config { server: format!("wss://{host}:{port}"), ca, ..Config::default() })
}

async fn refused(host: &str, service: &Service, ca: Option<PathBuf>) -> Error {
    person(host, service.address().port(), ca).join(1).await.unwrap_err()
}

#[tokio::test]
async fn a_private_authority_is_trusted_where_its_file_is_named() {
    let authority = Authority::new("private");
    for host in ["localhost", "127.0.0.1"] {
        let service = authority.serve(host, 2999).await;
        let ada = person(host, service.address().port(), Some(authority.ca()));
        assert_eq!(ada.join(1).await.unwrap(), number(1));
        service.stop().await;
    }
}

#[tokio::test]
async fn each_certificate_that_cannot_be_trusted_has_its_sentence() {
    let (authority, other) = (Authority::new("known"), Authority::new("other"));
    let service = authority.serve("localhost", 2999).await;
    for ca in [None, Some(other.ca())] {
        let error = refused("localhost", &service, ca).await;
        assert_eq!(error.code, Code::SocketError);
        assert!(error.message.contains("not trusted") && error.message.contains("--ca"), "{error}");
    }
    let error = refused("127.0.0.1", &service, Some(authority.ca())).await;
    assert_eq!(error.code, Code::SocketError);
    assert!(error.message.contains("another name"), "{error}");
    let service = authority.serve("localhost", 2000).await;
    let error = refused("localhost", &service, Some(authority.ca())).await;
    assert_eq!(error.code, Code::SocketError);
    assert!(error.message.contains("has expired"), "{error}");
}

#[tokio::test]
async fn a_service_without_tls_is_told_apart() {
    let authority = Authority::new("plain");
    let service = Service::start().await;
    let error = refused("localhost", &service, Some(authority.ca())).await;
    assert_eq!(error.code, Code::SocketError);
    assert!(error.message.contains("does not speak TLS") && error.message.contains("ws://"), "{error}");
}

#[tokio::test]
async fn a_file_of_authorities_that_cannot_be_used_is_named() {
    let authority = Authority::new("files");
    for (name, text) in [("missing.pem", None), ("empty.pem", Some("")), ("text.pem", Some("no certificate"))] {
        let file = authority.folder.join(name);
        if let Some(text) = text {
            std::fs::write(&file, text).unwrap();
        }
        let error = person("localhost", 1, Some(file)).join(1).await.unwrap_err();
        assert_eq!(error.code, Code::InvalidParameter);
        assert!(error.message.contains(name), "{error}");
    }
}
