//! A way to a channel service that misbehaves: messages pass, but the answer to a command may be replaced or lost.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{SinkExt, StreamExt};
use signal::{Code, Error, Reply};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;

/// What becomes of a command: it never reaches the service.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// It is answered with this code.
    Refuse(Code),
    /// It is not answered.
    Swallow,
}

/// A running relay. It ends with the runtime.
pub struct Relay {
    address: SocketAddr,
    faults: Faults,
}

type Faults = Arc<Mutex<HashMap<&'static str, Fault>>>;

impl Relay {
    /// Starts a relay on a free loopback port to the service at `url`.
    ///
    /// # Panics
    /// If loopback has no free port.
    pub async fn start(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (faults, target) = (Faults::default(), format!("{url}{}", signal::PATH));
        let shared = faults.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, target.clone(), shared.clone()));
            }
        });
        Self { address, faults }
    }

    /// The URL that clients take.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// What becomes of the commands with this `op` from now on.
    pub fn fault(&self, op: &'static str, fault: Option<Fault>) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            Some(fault) => drop(faults.insert(op, fault)),
            None => drop(faults.remove(op)),
        }
    }
}

/// Carries one connection until either side ends it.
async fn carry(client: TcpStream, target: String, faults: Faults) -> Option<()> {
    let client = tokio_tungstenite::accept_async(client).await.ok()?;
    let (service, _) = tokio_tungstenite::connect_async(target).await.ok()?;
    let (mut to_client, mut from_client) = client.split();
    let (mut to_service, mut from_service) = service.split();
    loop {
        tokio::select! {
            message = from_client.next() => {
                let message = message?.ok()?;
                match misfortune(&message, &faults) {
                    None => to_service.send(message).await.ok()?,
                    Some((_, Fault::Swallow)) => {}
                    Some((id, Fault::Refuse(code))) => {
                        let reply = Reply::new(id, Err(Error::new(code, "The relay refuses this.")));
                        to_client.send(Message::text(serde_json::to_string(&reply).ok()?)).await.ok()?;
                    }
                }
            }
            message = from_service.next() => to_client.send(message?.ok()?).await.ok()?,
        }
    }
}

/// The request's id and its fault, if it has one.
fn misfortune(message: &Message, faults: &Faults) -> Option<(u32, Fault)> {
    let request: serde_json::Value = serde_json::from_str(message.to_text().ok()?).ok()?;
    let fault = *faults.lock().unwrap_or_else(PoisonError::into_inner).get(request["op"].as_str()?)?;
    Some((u32::try_from(request["id"].as_u64()?).ok()?, fault))
}
