//! TLS to the channel service and to TURN servers: whom to trust, and what to say of a certificate that cannot be.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{
    fs,
    io::{self, Read, Write},
};

use rustls_platform_verifier::Verifier;
use signal::{Code, Error};
use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, ClientConnection, RootCertStore,
    client::WebPkiServerVerifier,
    client::danger::ServerCertVerifier,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio_tungstenite::{Connector, tungstenite};

/// What opens TLS to the service, trusting the authorities in the file `ca`, or else those that the system trusts (on Linux also by
/// `SSL_CERT_FILE`). Read anew for each connection, so that a change counts at the next.
pub(crate) async fn connector(ca: Option<PathBuf>) -> Result<Connector, Error> {
    let mut config = config(ca).await?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Connector::Rustls(Arc::new(config)))
}

async fn config(ca: Option<PathBuf>) -> Result<ClientConfig, Error> {
    let made = tokio::task::spawn_blocking(move || {
        let provider = Arc::new(ring::default_provider());
        let verifier = match &ca {
            Some(path) => private(path, &provider)?,
            None => Arc::new(Verifier::new(provider.clone()).map_err(|cause| no_authorities(&cause))?),
        };
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("ring has the suites of TLS 1.2 and 1.3");
        Ok(config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
    });
    made.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

/// TLS to TURN servers, which are trusted as the service is.
#[derive(Debug)]
pub(crate) struct ForTurn {
    pub ca: Option<PathBuf>,
}

#[async_trait::async_trait]
impl transport::Tls for ForTurn {
    async fn open(&self, host: &str) -> io::Result<Box<dyn transport::Cipher>> {
        let name = ServerName::try_from(host.to_owned()).map_err(|cause| io::Error::new(io::ErrorKind::InvalidInput, cause))?;
        let config = config(self.ca.clone()).await.map_err(|error| io::Error::other(error.message))?;
        let session = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        Ok(Box::new(TurnSession { host: host.to_owned(), session }))
    }
}

struct TurnSession {
    host: String,
    session: ClientConnection,
}

impl transport::Cipher for TurnSession {
    fn seal(&mut self, plain: &[u8], wire: &mut Vec<u8>) -> io::Result<()> {
        self.session.writer().write_all(plain)?;
        while self.session.wants_write() {
            self.session.write_tls(wire)?;
        }
        Ok(())
    }

    fn open(&mut self, mut wire: &[u8], plain: &mut Vec<u8>) -> io::Result<()> {
        while !wire.is_empty() {
            self.session.read_tls(&mut wire)?;
            let state = self.session.process_new_packets();
            let state = state.map_err(|cause| io::Error::other(refused(&format!("turns:{}", self.host), &cause).message))?;
            let before = plain.len();
            plain.resize(before + state.plaintext_bytes_to_read(), 0);
            self.session.reader().read_exact(&mut plain[before..])?;
        }
        Ok(())
    }
}

fn private(path: &Path, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let unusable = |cause: &dyn std::fmt::Display| {
        let message =
            format!("The file of trusted authorities {} cannot be used: {cause}. Name a PEM file of certificates.", path.display());
        Error::new(Code::InvalidParameter, message)
    };
    let pem = fs::read(path).map_err(|cause| unusable(&cause))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|cause| unusable(&cause))?;
        roots.add(certificate).map_err(|cause| unusable(&cause))?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone()).build();
    Ok(verifier.map_err(|cause| unusable(&cause))?)
}

fn no_authorities(cause: &rustls::Error) -> Error {
    let message =
        format!("This system names no authorities to trust ({cause}). Install its CA certificates, or name a file of yours with --ca.");
    Error::new(Code::SocketError, message)
}

/// What TLS found wrong, if it was TLS.
pub(crate) fn cause(error: &tungstenite::Error) -> Option<&rustls::Error> {
    match error {
        tungstenite::Error::Tls(tungstenite::error::TlsError::Rustls(cause)) => Some(cause),
        tungstenite::Error::Io(error) => from_io(error),
        _ => None,
    }
}

fn from_io(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// The sentence for a handshake with `url` that failed. Trying again does not help; someone has to mend something.
pub(crate) fn refused(url: &str, cause: &rustls::Error) -> Error {
    use CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet, NotValidYetContext, Revoked,
        UnknownIssuer,
    };
    let what = match cause {
        rustls::Error::InvalidCertificate(cause) => match cause {
            // A bad signature is that of another authority of the same name.
            UnknownIssuer | BadSignature => {
                "comes from an authority that is not trusted here. If the service is your own, name the file of its authority with --ca"
                    .into()
            }
            Expired | ExpiredContext { .. } => {
                "has expired. Whoever runs the service has to renew it; or this machine's clock is wrong".into()
            }
            NotValidYet | NotValidYetContext { .. } => "is not valid yet. Check this machine's clock".into(),
            NotValidForName | NotValidForNameContext { .. } => "is for another name. Use the name that it was made for".into(),
            Revoked => "was revoked. Whoever runs the service has to replace it".into(),
            other => format!("cannot be verified: {other}"),
        },
        rustls::Error::InvalidMessage(_) => {
            return Error::new(
                Code::SocketError,
                format!("What answers at {url} does not speak TLS. If it is a channel service without, use ws://."),
            );
        }
        other => return Error::new(Code::SocketError, format!("TLS with {url} failed: {other}.")),
    };
    Error::new(Code::SocketError, format!("The certificate of {url} {what}."))
}
